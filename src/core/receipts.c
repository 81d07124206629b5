/*
 * A walk goes back through the conversation, page by page, from the newest message on, to
 * what was told before; each page is one RECEIPT. They are not acknowledged: what was told
 * counts when the session has outlived the last one by some time, else all of the walk is
 * told again.
 */
#include "core/receipts.h"

#include "base/mem.h"
#include "core/contact.h"
#include "core/session.h"

enum { PAGES_MAX = 16 };

struct receipts {
	struct timer timer;
	uint64_t round; /* of the request that is under way */
	uint64_t upto; /* this walk is for what was read up to here */
	link_id link; /* told on this session */
	bool is_walking; /* a page is asked for, or the timer runs */
	bool is_over; /* the last page was told */
	unsigned n_pages, n_told;
	struct store_request next;
};

bool receipts_are_on(const struct peer *p)
{
	if (p->receipts == RECEIPTS_DEFAULT)
		return options_bool(p->core->cfg.options, OPT_receipts);
	return p->receipts == RECEIPTS_ON;
}

static void told(struct peer *p, uint64_t seq)
{
	if (p->told_seq == seq)
		return;
	p->told_seq = seq;
	contact_changed(p);
}

/* ---- the walk ---- */

static void on_timer(void *ctx);
static void on_page(void *ctx, const struct store_request *req,
		    const struct store_reply *reply);

static void pause(struct peer *p)
{
	timer_set(p->core->cfg.timers, &p->reporting->timer, PROTO_RECEIPT_S * 1000ULL,
		  on_timer, p);
}

static void ask(struct peer *p)
{
	struct receipts *r = p->reporting;
	r->next.tag = ++r->round;
	if (store_submit(p->core->cfg.store, &r->next) != ERR_OK)
		pause(p);
}

static struct msg_ids collect(const struct peer *p, const struct store_reply *reply,
			      uint8_t *room)
{
	struct msg_ids ids = {room, 0};
	for (size_t i = 0; i < reply->n_messages; i++) {
		const struct store_message *m = &reply->messages[i];
		if (id32_eq(&m->author, &p->node_id) && m->seq > p->told_seq &&
		    m->seq <= p->reporting->upto)
			msg_ids_put(room + MSG_IDS_STEP * ids.n++, &m->id);
	}
	return ids;
}

/* Has it anything that was kept after what was told before, by whomever? */
static bool has_new(const struct peer *p, const struct store_reply *reply)
{
	for (size_t i = 0; i < reply->n_messages; i++)
		if (reply->messages[i].seq > p->told_seq)
			return true;
	return false;
}

static enum err tell(struct peer *p, struct session *s, struct msg_ids ids)
{
	struct msg m = {.type = MSG_RECEIPT};
	rng_fill(p->core->cfg.rng, m.id.b, sizeof m.id.b);
	m.u.receipt = (struct msg_receipt){
		.conv = slice_of(p->conv.b, sizeof p->conv.b),
		.time = core_wall_ms(p->core) & PROTO_NUMBER_MAX,
		.lamport = p->lamport,
		.kind = 2,
		.ids = ids,
	};
	return session_loose(s, &m);
}

static void go_on_from(struct receipts *r, const struct store_reply *reply)
{
	const struct store_message *last = &reply->messages[reply->n_messages - 1];
	r->next.has_from = true;
	r->next.from.lamport = last->lamport;
	r->next.from.author = last->author;
	r->next.from.id = last->id;
}

static void on_page(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct peer *p = peer_find(ctx, &req->peer);
	struct receipts *r = p != NULL ? p->reporting : NULL;
	if (r == NULL || !r->is_walking || r->round != req->tag)
		return;
	struct session *s = peer_session(p);
	uint8_t room[PROTO_RECEIPT_IDS * MSG_IDS_STEP];
	struct msg_ids ids = collect(p, reply, room);
	if (reply->err != ERR_OK || s == NULL || s->link != r->link ||
	    (ids.n > 0 && tell(p, s, ids) != ERR_OK)) {
		r->link = 0; /* anew, later */
		pause(p);
		return;
	}
	r->n_told += ids.n;
	r->is_over = !has_new(p, reply) || !reply->is_more || ++r->n_pages == PAGES_MAX;
	if (r->is_over && r->n_told == 0) { /* so nothing is awaited */
		r->is_walking = false;
		told(p, r->upto);
		return;
	}
	if (!r->is_over)
		go_on_from(r, reply);
	pause(p);
}

static void on_timer(void *ctx)
{
	struct peer *p = ctx;
	struct receipts *r = p->reporting;
	const struct session *s = peer_session(p);
	bool is_same = s != NULL && s->link == r->link;
	if (is_same && !r->is_over) {
		ask(p);
		return;
	}
	r->is_walking = false;
	if (is_same)
		told(p, r->upto);
	receipts_kick(p);
}

void receipts_kick(struct peer *p)
{
	const struct session *s = peer_session(p);
	if (p->told_seq < p->read_seq && !receipts_are_on(p))
		told(p, p->read_seq);
	if (p->told_seq >= p->read_seq || s == NULL ||
	    (p->reporting != NULL && p->reporting->is_walking))
		return;
	if (p->reporting == NULL)
		p->reporting = mem_new(sizeof *p->reporting);
	struct receipts *r = p->reporting;
	r->upto = p->read_seq;
	r->link = s->link;
	r->is_walking = true;
	r->is_over = false;
	r->n_pages = r->n_told = 0;
	r->next = (struct store_request){.verb = STORE_PAGE,
					 .done = on_page,
					 .ctx = p->core,
					 .peer = p->node_id,
					 .max = PROTO_RECEIPT_IDS};
	r->next.msg.conv = p->conv;
	ask(p);
}

void receipts_wipe(struct peer *p)
{
	if (p->reporting != NULL)
		timer_stop(&p->reporting->timer);
	mem_free(p->reporting);
	p->reporting = NULL;
}

/* ---- read ---- */

static void on_newest(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct peer *p = peer_find(ctx, &req->peer);
	uint64_t newest = 0;
	for (size_t i = 0; i < reply->n_messages; i++)
		if (reply->messages[i].seq > newest)
			newest = reply->messages[i].seq;
	if (p == NULL || newest <= p->read_seq)
		return;
	p->read_seq = newest;
	contact_changed(p);
	receipts_kick(p);
}

void receipts_read(struct peer *p)
{
	struct store_request req = {.verb = STORE_PAGE,
				    .done = on_newest,
				    .ctx = p->core,
				    .peer = p->node_id,
				    .max = PROTO_RECEIPT_IDS};
	req.msg.conv = p->conv;
	(void)store_submit(p->core->cfg.store, &req);
}
