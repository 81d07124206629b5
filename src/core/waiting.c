#include "core/waiting.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/dialer.h"
#include "core/job.h"
#include "core/kept.h"
#include "core/name.h"
#include "core/outbox.h"
#include "core/waiter.h"

enum {
	ROWS = 256,
	SCAN_ROWS = 20000, /* looked at, before others have their turn */
	BUSY = 4096, /* requests that wait for the store, before more are made */
	ID_DIGITS_MIN = 8,
	ID_DIGITS = 32,
	WORDS_BYTES = 60
};

enum what { LIST, RETRY, CANCEL };

struct outbox_job {
	struct job job;
	enum what what;
	char id[ID_DIGITS + 1]; /* "": any message */
	struct store_request next; /* the next page */
	uint64_t n, n_sent; /* done with; on their way already */
	struct id32 peer; /* hurried last; of the one that is queued again */
	struct object *obj;
	char text[160];
};

void waiting_tell(struct peer *p, const struct id16 *id, const char *state,
		  const char *why)
{
	struct event ev = {.type = EVENT_STATE};
	char text[ID_DIGITS + 1];
	hex_encode(slice_of(id->b, sizeof id->b), text);
	ev.u.state.id = text;
	ev.u.state.peer = p->id_text;
	ev.u.state.name = p->name;
	ev.u.state.state = state;
	ev.u.state.why = why;
	emit(p->core, &ev);
}

static bool fits(const char *prefix, const struct id16 *id)
{
	char text[ID_DIGITS + 1];
	hex_encode(slice_of(id->b, sizeof id->b), text);
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- one that waits ---- */

/* What is no message of its own. */
static const char *kind_of(enum msg_type type)
{
	return type == MSG_EDIT	      ? "(an edit)"
	       : type == MSG_DELETE   ? "(a deletion)"
	       : type == MSG_REACTION ? "(a reaction)"
				      : "(no text)";
}

/* Its beginning, cut between two letters; or what else it is. */
static void words_of(const struct store_item *i, char out[static WORDS_BYTES + 8])
{
	struct msg m;
	size_t used, n;
	enum proto_code code;
	if (msg_decode(KIND_MSG, i->object, &m, &used, &code) != ERR_OK) {
		snprintf(out, WORDS_BYTES, "(not readable)");
		return;
	}
	if (m.type != MSG_TEXT) {
		snprintf(out, WORDS_BYTES, "%s", kind_of(m.type));
		return;
	}
	const uint8_t *p = m.u.text.text.p;
	n = m.u.text.text.n;
	if (n > WORDS_BYTES)
		for (n = WORDS_BYTES; n > 0 && (p[n] & 0xc0) == 0x80;)
			n--;
	memcpy(out, p, n);
	snprintf(out + n, 8, "%s", n < m.u.text.text.n ? "..." : "");
}

static void tell_item(struct outbox_job *o, const struct peer *p,
		      const struct store_item *i)
{
	struct event ev = {.type = EVENT_ITEM};
	char id[ID_DIGITS + 1], words[WORDS_BYTES + 8];
	hex_encode(slice_of(i->id.b, sizeof i->id.b), id);
	words_of(i, words);
	ev.u.item = (struct event_item){
		.id = id,
		.peer = p->id_text,
		.name = p->name,
		.state = outbox_is_sent(p, &i->id) ? "sent" : "queued",
		.since = i->since_ms,
		.text = words,
	};
	emit_reply(o->job.core, o->job.to, &ev);
	o->n++;
}

static void cancel(struct outbox_job *o, struct peer *p, const struct id16 *id)
{
	if (!outbox_cancel(p, id)) {
		o->n_sent++;
		return;
	}
	o->n++;
}

static void on_item(struct outbox_job *o, const struct store_item *i)
{
	struct peer *p = peer_find(o->job.core, &i->peer);
	if (p == NULL || !fits(o->id, &i->id))
		return;
	if (o->what == LIST) {
		tell_item(o, p, i);
	} else if (o->what == CANCEL) {
		cancel(o, p, &i->id);
	} else {
		if (!id32_eq(&o->peer, &i->peer))
			outbox_hurry(p);
		o->peer = i->peer;
		o->n++;
	}
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void end(struct outbox_job *o)
{
	unsigned long long n = o->n, sent = o->n_sent;
	if (n + sent == 0 && o->id[0] != '\0') {
		job_fail(&o->job, 2, "no message that waits%s has an id like %s",
			 o->what == RETRY ? " or has failed" : "", o->id);
		return;
	}
	if (n + sent == 0)
		snprintf(o->text, sizeof o->text, "nothing waits");
	else if (o->what == LIST)
		snprintf(o->text, sizeof o->text, "%llu message%s", n, plural(n));
	else if (o->what == RETRY)
		snprintf(o->text, sizeof o->text, "it goes as soon as it can");
	else
		snprintf(o->text, sizeof o->text, "%llu message%s cancelled", n,
			 plural(n));
	if (sent > 0 && o->what == CANCEL)
		snprintf(o->text + strlen(o->text), sizeof o->text - strlen(o->text),
			 "; %llu on the way already, which may still arrive", sent);
	job_done(&o->job, o->text);
}

/* ---- one that has failed ---- */

struct wanted {
	struct id32 author;
	char id[ID_DIGITS + 1];
};

/* In the store's thread. */
static bool is_wanted(struct slice arg, const struct store_message *m)
{
	struct wanted w;
	memcpy(&w, arg.p, sizeof w);
	return m->state == STORE_FAILED && id32_eq(&m->author, &w.author) &&
	       fits(w.id, &m->id);
}

static enum err make_queued(struct slice arg, struct store_message *m, uint8_t *room)
{
	(void)arg;
	(void)room;
	if (m->state != STORE_FAILED)
		return ERR_REFUSED;
	m->state = STORE_QUEUED;
	return ERR_OK;
}

static void on_queued(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct outbox_job *o = ctx;
	struct core *c = o->job.core;
	struct peer *p = peer_find(c, &o->peer);
	if (reply->err == ERR_OK && p != NULL) {
		p->n_queued++;
		outbox_kept(p, o->obj, reply->item_seq);
		waiting_tell(p, &req->object_id, "queued", NULL);
		dialer_want(p);
	}
	if (job_is_good(&o->job, reply, "it cannot be queued again"))
		job_done(&o->job, "queued again");
}

static void queue_again(struct outbox_job *o, const struct store_message *m)
{
	struct kept_body body;
	struct store_request req = {.verb = STORE_KEEP, .amend = make_queued};
	if (kept_read(m, &body) != ERR_OK || body.object.n == 0 ||
	    body.peer.n != sizeof o->peer.b) {
		job_fail(&o->job, 5, "its text is not kept any more");
		return;
	}
	memcpy(o->peer.b, body.peer.p, sizeof o->peer.b);
	if (peer_find(o->job.core, &o->peer) == NULL) {
		job_fail(&o->job, 2, "nobody knows whom it was for any more");
		return;
	}
	req.msg.author = m->author;
	req.msg.id = req.object_id = m->id;
	req.now_ms = core_wall_ms(o->job.core);
	req.object = body.object;
	req.to = &o->peer;
	req.n_to = 1;
	o->obj = object_new(&m->id, false, body.object);
	(void)job_ask(&o->job, &req, on_queued);
}

static void on_found(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct outbox_job *o = ctx;
	(void)req;
	if (!job_is_good(&o->job, reply, "the messages cannot be read"))
		return;
	if (reply->n_messages > 0) {
		queue_again(o, reply->messages);
		return;
	}
	if (!reply->is_more) {
		end(o);
		return;
	}
	o->next.has_from = true;
	o->next.from.seq = reply->last.seq;
}

static void find_failed(struct outbox_job *o)
{
	struct wanted w = {.author = o->job.core->node_id};
	memcpy(w.id, o->id, sizeof w.id);
	o->next.verb = STORE_SCAN;
	o->next.is_all_convs = true;
	o->next.is_peer = false;
	o->next.max = 1;
	o->next.max_rows = SCAN_ROWS;
	o->next.match = is_wanted;
	o->next.arg = slice_of((const uint8_t *)&w, sizeof w);
	(void)job_ask(&o->job, &o->next, on_found);
}

/* ---- page by page ---- */

static void on_items(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct outbox_job *o = ctx;
	(void)req;
	if (!job_is_good(&o->job, reply, "the outbox cannot be read"))
		return;
	for (size_t i = 0; i < reply->n_items; i++)
		on_item(o, &reply->items[i]);
	if (reply->is_more && reply->n_items > 0)
		o->next.after = reply->items[reply->n_items - 1].seq;
	else if (o->what == RETRY && o->n == 0 && o->id[0] != '\0')
		find_failed(o);
	else
		end(o);
}

static void on_room(struct job *j)
{
	struct outbox_job *o = (struct outbox_job *)j;
	if (store_pending(j->core->cfg.store) > BUSY)
		return;
	if (o->next.verb == STORE_SCAN)
		find_failed(o);
	else
		(void)job_ask(j, &o->next, on_items);
}

static void wipe(struct job *j)
{
	object_release(((struct outbox_job *)j)->obj);
}

static void start(struct call *call, enum what what, const struct peer *p, const char *id)
{
	if (!call->core->is_kept) {
		call_fail(call, 5, "this node keeps nothing (store = none)");
		return;
	}
	struct outbox_job *o = job_new(call, sizeof *o);
	if (o == NULL)
		return;
	o->job.on_room = on_room;
	o->job.wipe = wipe;
	o->what = what;
	for (size_t i = 0; id != NULL && id[i] != '\0' && i < ID_DIGITS; i++)
		o->id[i] = (char)(id[i] | 0x20 * (id[i] >= 'A' && id[i] <= 'F'));
	o->next = (struct store_request){.verb = STORE_OUTBOX, .max = ROWS};
	if (p != NULL) {
		o->next.is_peer = true;
		o->next.peer = p->node_id;
	}
	(void)job_ask(&o->job, &o->next, on_items);
}

/* ---- how much waits for whom ---- */

static void tell_count(const struct job *j, const struct id32 *peer, uint64_t n,
		       uint64_t since_ms)
{
	const struct peer *p = peer_find(j->core, peer);
	struct event ev = {.type = EVENT_WAITING};
	char id[NODE_ID_COMPACT_BYTES];
	node_id_compact(peer, id);
	ev.u.waiting.peer = id;
	ev.u.waiting.name = p != NULL ? p->name : id;
	ev.u.waiting.count = n;
	ev.u.waiting.since = since_ms;
	emit_reply(j->core, j->to, &ev);
}

static void on_counts(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct outbox_job *o = ctx;
	(void)req;
	if (!job_is_good(&o->job, reply, "the outbox cannot be read"))
		return;
	for (size_t i = 0; i < reply->n_counts; i++) {
		const struct store_count *k = &reply->counts[i];
		tell_count(&o->job, &k->peer, k->n, k->since_ms);
		o->next.peer = k->peer;
	}
	o->n += reply->n_counts;
	o->next.is_peer = true;
	if (!reply->is_more)
		job_done(&o->job, o->n == 0 ? "nothing waits" : NULL);
}

static void on_count_room(struct job *j)
{
	(void)job_ask(j, &((struct outbox_job *)j)->next, on_counts);
}

static void list_counts(struct call *call)
{
	struct outbox_job *o = job_new(call, sizeof *o);
	if (o == NULL)
		return;
	o->next.verb = STORE_COUNTS;
	o->job.on_room = on_count_room;
	if (call->core->is_kept) {
		on_count_room(&o->job);
		return;
	}
	size_t pos = 0;
	for (const struct peer *p; (p = map_next(call->core->peers, &pos)) != NULL;) {
		if (p->n_queued == 0)
			continue;
		tell_count(&o->job, &p->node_id, p->n_queued, 0);
		o->n++;
	}
	job_done(&o->job, o->n == 0 ? "nothing waits" : NULL);
}

/* ---- the verb ---- */

static bool is_id(const char *s)
{
	size_t n = strlen(s);
	return n >= ID_DIGITS_MIN && n <= ID_DIGITS &&
	       strspn(s, "0123456789abcdefABCDEF") == n;
}

/* The name of a person comes before the id of a message. */
static void act(struct call *call, enum what what, const char *which)
{
	struct peer *p = NULL;
	char why[1024];
	if (strcmp(which, "all") == 0)
		start(call, what, NULL, NULL);
	else if (is_id(which) &&
		 name_resolve(call->core, which, false, &p, why, sizeof why) != ERR_OK)
		start(call, what, NULL, which);
	else if (call_who(call, which, false, &p))
		start(call, what, p, NULL);
}

void cmd_outbox(struct call *call)
{
	const struct args_outbox *a = &call->cmd->u.outbox;
	if (a->what == NULL)
		list_counts(call);
	else if (strcmp(a->what, "retry") == 0)
		act(call, RETRY, a->which != NULL ? a->which : "all");
	else if (strcmp(a->what, "cancel") == 0 && a->which != NULL)
		act(call, CANCEL, a->which);
	else if (strcmp(a->what, "cancel") == 0)
		call_fail(call, 1,
			  "cancel what? /outbox cancel WHO, the id of a "
			  "message, or all");
	else if (a->which != NULL)
		call_fail(call, 1, "/outbox WHO, /outbox retry, or /outbox cancel");
	else
		act(call, LIST, a->what);
}
