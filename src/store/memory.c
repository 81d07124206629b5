/*
 * memory: nothing reaches a disk. For a node that keeps nothing, for the simulation, and
 * the measure of what the others must do: plain rather than fast. A map walks in the order
 * of insertion, which is the order of seq.
 */
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/rules.h"

/* (author, id) of a message, (peer, id) of what waits. */
enum { PAIR_BYTES = 48 };

struct kept {
	struct store_message m;
	uint8_t body[];
};

struct waiting {
	struct store_item i;
	uint8_t object[];
};

/* By kind and key. */
struct entry {
	struct list node;
	struct store_record r;
	uint8_t bytes[];
};

struct memory {
	struct map *messages, *items; /* by pair */
	struct map *gone; /* by pair: uint64_t, since when */
	struct list records;
	uint64_t last_message, last_item;
};

static const uint8_t *pair_of(const struct id32 *who, const struct id16 *id,
			      uint8_t out[static PAIR_BYTES])
{
	memcpy(out, who->b, sizeof(who->b));
	memcpy(out + sizeof(who->b), id->b, sizeof(id->b));
	return out;
}

static enum err memory_open(const struct store_config *cfg, enum store_lane lane,
			    void *writer, void **out, char *why)
{
	struct memory *m = mem_new(sizeof(*m));
	m->messages = map_new(PAIR_BYTES);
	m->items = map_new(PAIR_BYTES);
	m->gone = map_new(PAIR_BYTES);
	list_init(&m->records);
	(void)cfg;
	(void)lane;
	(void)writer;
	(void)why;
	*out = m;
	return ERR_OK;
}

static void free_values(struct map *map)
{
	size_t pos = 0;

	for (void *v; (v = map_next(map, &pos)) != NULL;)
		mem_free(v);
	map_free(map);
}

static void memory_close(void *self)
{
	struct memory *m = self;

	free_values(m->messages);
	free_values(m->items);
	free_values(m->gone);
	list_each_safe (it, &m->records) {
		mem_free(list_entry(it, struct entry, node));
	}
	mem_free(m);
}

/* What run does it does whole or not at all. */
static enum err memory_begin(void *self)
{
	(void)self;
	return ERR_OK;
}

static void memory_rollback(void *self)
{
	(void)self;
}

static struct kept *kept_new(const struct store_message *from)
{
	struct kept *k = mem_new(sizeof(*k) + from->body.n);

	k->m = *from;
	k->m.body.p = k->body;
	if (from->body.n > 0)
		memcpy(k->body, from->body.p, from->body.n);
	return k;
}

static struct kept *find(const struct memory *m, const struct store_message *of)
{
	uint8_t pair[PAIR_BYTES];

	return map_get(m->messages, pair_of(&of->author, &of->id, pair));
}

static enum err insert(struct memory *m, const struct store_message *from)
{
	uint8_t pair[PAIR_BYTES];

	pair_of(&from->author, &from->id, pair);
	if (map_get(m->messages, pair) != NULL || map_get(m->gone, pair) != NULL)
		return ERR_EXISTS;
	struct kept *k = kept_new(from);
	k->m.seq = ++m->last_message;
	map_put(m->messages, pair, k);
	return ERR_OK;
}

static enum err amend(struct memory *m, const struct store_request *req)
{
	struct kept *k = find(m, &req->msg);
	uint8_t pair[PAIR_BYTES];

	if (k == NULL)
		return ERR_MISSING;
	struct store_message after = k->m;
	uint8_t *room = mem_new(STORE_BODY_BYTES);
	enum err e = req->amend(req->arg, &after, room);
	if (e == ERR_OK)
		e = rules_check_amended(&k->m, &after);
	if (e == ERR_OK) {
		pair_of(&k->m.author, &k->m.id, pair);
		mem_free(map_put(m->messages, pair, kept_new(&after)));
	}
	mem_free(room);
	return e;
}

static void queue(struct memory *m, const struct store_request *req,
		  const struct id32 *peer, struct store_answer *a)
{
	uint8_t pair[PAIR_BYTES];

	pair_of(peer, &req->object_id, pair);
	if (map_get(m->items, pair) != NULL)
		return;
	struct waiting *w = mem_new(sizeof(*w) + req->object.n);
	w->i = (struct store_item){
		.seq = ++m->last_item,
		.peer = *peer,
		.id = req->object_id,
		.since_ms = rules_since(req),
		.object = slice_of(w->object, req->object.n),
	};
	memcpy(w->object, req->object.p, req->object.n);
	map_put(m->items, pair, w);
	a->reply.item_seq = w->i.seq;
}

static enum err memory_keep(struct memory *m, const struct store_request *req,
			    struct store_answer *a)
{
	enum err e = ERR_OK;

	if (req->is_new)
		e = insert(m, &req->msg);
	if (e == ERR_OK && req->amend != NULL)
		e = amend(m, req);
	if (e != ERR_OK && e != ERR_EXISTS && req->is_new) {
		uint8_t pair[PAIR_BYTES];
		mem_free(map_del(m->messages,
				 pair_of(&req->msg.author, &req->msg.id, pair)));
		m->last_message--;
	}
	for (size_t i = 0; i < req->n_to && e == ERR_OK && req->object.n > 0; i++)
		queue(m, req, &req->to[i], a);
	return e;
}

static void move_state(struct memory *m, const struct id32 *author, const struct id16 *id,
		       enum store_state state)
{
	const struct store_message of = {.author = *author, .id = *id};
	struct kept *k = find(m, &of);

	if (k != NULL && rules_rank(state) > rules_rank(k->m.state))
		k->m.state = state;
}

static enum err memory_outcome(struct memory *m, const struct store_request *req,
			       struct store_answer *a)
{
	uint8_t pair[PAIR_BYTES];
	void *item = map_del(m->items, pair_of(&req->peer, &req->object_id, pair));

	(void)a;
	if (item == NULL)
		return ERR_MISSING;
	mem_free(item);
	move_state(m, &req->msg.author, &req->object_id, req->state);
	return ERR_OK;
}

static int cmp_bytes(struct slice a, struct slice b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	const int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int cmp_record(const struct store_record *a, const struct store_record *b)
{
	return a->kind != b->kind ? a->kind - b->kind : cmp_bytes(a->key, b->key);
}

static enum err memory_record(struct memory *m, const struct store_request *req,
			      struct store_answer *a)
{
	const struct store_record *r = &req->record;
	struct list *at = m->records.next;

	(void)a;
	while (at != &m->records &&
	       cmp_record(&list_entry(at, struct entry, node)->r, r) < 0)
		at = at->next;
	struct entry *old = list_entry(at, struct entry, node);
	if (at != &m->records && cmp_record(&old->r, r) == 0) {
		at = at->next;
		list_del(&old->node);
		mem_free(old);
	}
	if (r->value.n == 0)
		return ERR_OK;
	struct entry *e = mem_new(sizeof(*e) + r->key.n + r->value.n);
	if (r->key.n > 0)
		memcpy(e->bytes, r->key.p, r->key.n);
	memcpy(e->bytes + r->key.n, r->value.p, r->value.n);
	e->r = (struct store_record){
		.kind = r->kind,
		.key = slice_of(e->bytes, r->key.n),
		.value = slice_of(e->bytes + r->key.n, r->value.n),
	};
	list_add(at, &e->node); /* before it: a ring has no other end */
	return ERR_OK;
}

/* The one that the walk has just returned. */
static void remove_message(struct memory *m, struct kept *k, uint64_t now_ms)
{
	uint8_t pair[PAIR_BYTES];

	pair_of(&k->m.author, &k->m.id, pair);
	map_del(m->messages, pair);
	mem_free(k);
	mem_free(map_put(m->gone, pair, mem_dup(&now_ms, sizeof(now_ms))));
}

static enum err memory_forget(struct memory *m, const struct store_request *req,
			      struct store_answer *a)
{
	uint8_t pair[PAIR_BYTES];
	size_t pos = 0, n = 0;

	for (struct kept *k; (k = map_next(m->messages, &pos)) != NULL;) {
		if (!(req->is_all_convs || id16_eq(&k->m.conv, &req->msg.conv)) ||
		    (req->has_from && k->m.seq > req->from.seq))
			continue;
		if (req->max > 0 && n++ == req->max) {
			a->reply.is_more = true;
			break;
		}
		remove_message(m, k, req->now_ms);
	}
	a->reply.last.seq = m->last_message;
	pos = 0;
	for (struct waiting *w; req->is_peer && (w = map_next(m->items, &pos)) != NULL;) {
		if (id32_eq(&w->i.peer, &req->peer))
			mem_free(map_del(m->items, pair_of(&w->i.peer, &w->i.id, pair)));
	}
	return ERR_OK;
}

/* Only what is our own and not done with can. */
static bool is_waiting(struct memory *m, const struct store_message *of)
{
	size_t pos = 0;

	for (const struct waiting *w; (w = map_next(m->items, &pos)) != NULL;) {
		if (id16_eq(&w->i.id, &of->id))
			return true;
	}
	return false;
}

static void fail_waiting(struct memory *m, const struct store_request *req,
			 const struct store_item *i)
{
	const struct store_message of = {.author = req->msg.author, .id = i->id};
	struct kept *k = find(m, &of);

	if (k != NULL && id16_eq(&k->m.conv, &req->msg.conv))
		k->m.state = STORE_FAILED;
}

static enum err memory_move(struct memory *m, const struct store_request *req,
			    struct store_answer *a)
{
	uint8_t pair[PAIR_BYTES];
	size_t pos = 0;

	for (struct waiting *w; req->is_peer && (w = map_next(m->items, &pos)) != NULL;) {
		struct store_item i = w->i;
		if (!id32_eq(&i.peer, &req->peer))
			continue;
		i.object = (struct slice){0};
		(void)answer_item(a, &i);
		fail_waiting(m, req, &i);
		mem_free(map_del(m->items, pair_of(&i.peer, &i.id, pair)));
	}
	pos = 0;
	for (struct kept *k; (k = map_next(m->messages, &pos)) != NULL;) {
		if (id16_eq(&k->m.conv, &req->msg.conv))
			k->m.conv = req->to_conv;
	}
	return ERR_OK;
}

static void sweep_messages(struct memory *m, const struct store_request *req,
			   struct store_answer *a)
{
	size_t pos = 0, n = 0;

	for (struct kept *k; (k = map_next(m->messages, &pos)) != NULL;) {
		if (!rules_is_expired(req, &k->m) &&
		    (!rules_is_over(req, &k->m) || is_waiting(m, &k->m)))
			continue;
		if (n++ == STORE_SWEEP_ROUND) {
			a->reply.is_more = true;
			return;
		}
		remove_message(m, k, req->now_ms);
	}
}

static void sweep_items(struct memory *m, const struct store_request *req,
			struct store_answer *a)
{
	uint8_t pair[PAIR_BYTES];
	size_t pos = 0;

	for (struct waiting *w; (w = map_next(m->items, &pos)) != NULL;) {
		struct store_item i = w->i;
		if (i.since_ms >= req->give_up_ms)
			continue;
		i.object = (struct slice){0};
		if (answer_item(a, &i) != ERR_OK)
			return;
		mem_free(map_del(m->items, pair_of(&i.peer, &i.id, pair)));
		move_state(m, &req->msg.author, &i.id, req->state);
	}
}

static enum err memory_sweep(struct memory *m, const struct store_request *req,
			     struct store_answer *a)
{
	uint8_t pair[PAIR_BYTES];
	const void *key;

	/* Remembered first: in the order of time, but for a clock that was set back. */
	for (uint64_t *since; (since = map_oldest(m->gone, &key)) != NULL;) {
		if (*since + STORE_GONE_MS > req->now_ms)
			break;
		memcpy(pair, key, sizeof(pair));
		mem_free(map_del(m->gone, pair));
	}
	sweep_items(m, req, a);
	sweep_messages(m, req, a);
	return ERR_OK;
}

static enum err memory_check(struct memory *m, const struct store_request *req,
			     struct store_answer *a)
{
	(void)m;
	(void)req;
	(void)a;
	return ERR_OK;
}

static enum err memory_get(struct memory *m, const struct store_request *req,
			   struct store_answer *a)
{
	const struct kept *k = find(m, &req->msg);

	return k == NULL ? ERR_MISSING : answer_message(a, &k->m);
}

static int cmp_seq(const struct store_message *a, const struct store_message *b)
{
	return (a->seq > b->seq) - (a->seq < b->seq);
}

static int sort_by_seq(const void *a, const void *b)
{
	return cmp_seq(&(*(struct kept *const *)a)->m, &(*(struct kept *const *)b)->m);
}

static int sort_by_conv(const void *a, const void *b)
{
	return rules_cmp_conv(&(*(struct kept *const *)a)->m,
			      &(*(struct kept *const *)b)->m);
}

/* Those of the conversation, or all, in their order; mem_free. */
static struct kept **collect(struct memory *m, const struct store_request *req, size_t *n)
{
	struct kept **all = mem_array(map_count(m->messages) + 1, sizeof(struct kept *));
	size_t pos = 0;

	*n = 0;
	for (struct kept *k; (k = map_next(m->messages, &pos)) != NULL;) {
		if (req->is_all_convs || id16_eq(&k->m.conv, &req->msg.conv))
			all[(*n)++] = k;
	}
	qsort(all, *n, sizeof(*all), req->is_all_convs ? sort_by_seq : sort_by_conv);
	return all;
}

/* Does it lie beyond `from`, on the way that req goes? */
static bool is_beyond(const struct store_request *req, const struct store_message *m)
{
	const struct store_message from = rules_from(req);
	const int order =
		req->is_all_convs ? cmp_seq(m, &from) : rules_cmp_conv(m, &from);

	return !req->has_from || (req->is_forward ? order > 0 : order < 0);
}

static enum err look(const struct store_request *req, struct store_answer *a,
		     const struct store_message *m, size_t *n_looked)
{
	enum err e = rules_may_look(req, a, *n_looked);

	if (e == ERR_OK && rules_is_within(req, m))
		e = rules_show(req, a, m);
	if (e == ERR_OK)
		rules_looked(a, m, n_looked);
	return e;
}

static enum err memory_page(struct memory *m, const struct store_request *req,
			    struct store_answer *a)
{
	size_t n, n_looked = 0;
	struct kept **all = collect(m, req, &n);
	enum err e = ERR_OK;

	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		const struct store_message *k = &all[req->is_forward ? i : n - 1 - i]->m;
		if (is_beyond(req, k))
			e = look(req, a, k, &n_looked);
	}
	mem_free(all);
	return ERR_OK;
}

static enum err memory_measure(struct memory *m, const struct store_request *req,
			       struct store_answer *a)
{
	struct store_request back = *req;
	size_t n, n_looked = 0;
	enum err e = ERR_OK;

	back.is_forward = back.is_all_convs = false;
	struct kept **all = collect(m, &back, &n);
	for (size_t i = n; i > 0 && e == ERR_OK; i--) {
		const struct store_message *k = &all[i - 1]->m;
		if (is_beyond(&back, k))
			e = rules_measure(&back, a, k, k->body.n, &n_looked);
	}
	mem_free(all);
	return ERR_OK;
}

static int sort_by_convs(const void *a, const void *b)
{
	const struct store_message *one = &(*(struct kept *const *)a)->m;
	const struct store_message *other = &(*(struct kept *const *)b)->m;
	const int order = memcmp(one->conv.b, other->conv.b, sizeof(one->conv.b));

	return order != 0 ? order : rules_cmp_conv(one, other);
}

static enum err memory_convs(struct memory *m, const struct store_request *req,
			     struct store_answer *a)
{
	const struct store_request everything = {.is_all_convs = true};
	const struct id16 *after = &req->msg.conv;
	size_t n;
	struct kept **all = collect(m, &everything, &n);
	enum err e = ERR_OK;

	qsort(all, n, sizeof(*all), sort_by_convs);
	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		struct store_message k = all[i]->m;
		const bool is_newest =
			i + 1 == n || !id16_eq(&all[i + 1]->m.conv, &k.conv);
		k.body = (struct slice){0};
		if (is_newest &&
		    !(req->has_from && memcmp(k.conv.b, after->b, sizeof(after->b)) <= 0))
			e = answer_message(a, &k);
	}
	mem_free(all);
	return ERR_OK;
}

static enum err memory_outbox(struct memory *m, const struct store_request *req,
			      struct store_answer *a)
{
	size_t pos = 0;

	for (const struct waiting *w; (w = map_next(m->items, &pos)) != NULL;) {
		if (w->i.seq <= req->after ||
		    (req->is_peer && !id32_eq(&w->i.peer, &req->peer)))
			continue;
		if (answer_item(a, &w->i) != ERR_OK)
			break;
	}
	return ERR_OK;
}

static int sort_by_peer(const void *a, const void *b)
{
	return id32_cmp(&((const struct store_count *)a)->peer,
			&((const struct store_count *)b)->peer);
}

/* One row for each that waits, sorted, then those of a peer become one. */
static enum err memory_counts(struct memory *m, const struct store_request *req,
			      struct store_answer *a)
{
	struct store_count *all = mem_array(map_count(m->items) + 1, sizeof(*all));
	size_t pos = 0, n = 0;

	for (const struct waiting *w; (w = map_next(m->items, &pos)) != NULL;) {
		if (req->is_peer && id32_cmp(&w->i.peer, &req->peer) <= 0)
			continue;
		all[n] = (struct store_count){
			.peer = w->i.peer, .n = 1, .since_ms = w->i.since_ms};
		n++;
	}
	qsort(all, n, sizeof(*all), sort_by_peer);
	for (size_t i = 0; i < n;) {
		struct store_count c = all[i];
		for (i++; i < n && id32_eq(&all[i].peer, &c.peer); i++, c.n++) {
			if (all[i].since_ms < c.since_ms)
				c.since_ms = all[i].since_ms;
		}
		if (answer_count(a, &c) != ERR_OK)
			break;
	}
	mem_free(all);
	return ERR_OK;
}

static enum err memory_records(struct memory *m, const struct store_request *req,
			       struct store_answer *a)
{
	const struct slice prefix = req->record.key;

	list_each (it, &m->records) {
		const struct store_record *r = &list_entry(it, struct entry, node)->r;
		if (r->kind != req->record.kind || r->key.n < prefix.n ||
		    !slice_eq(slice_of(r->key.p, prefix.n), prefix) ||
		    (req->arg.n > 0 && cmp_bytes(r->key, req->arg) <= 0))
			continue;
		if (answer_record(a, r) != ERR_OK)
			break;
	}
	return ERR_OK;
}

static enum err memory_run(void *self, const struct store_request *req,
			   struct store_answer *a)
{
	static enum err (*const runs[])(struct memory * m,
					const struct store_request *req,
					struct store_answer *a) = {
		[STORE_KEEP] = memory_keep,	  [STORE_OUTCOME] = memory_outcome,
		[STORE_RECORD] = memory_record,	  [STORE_FORGET] = memory_forget,
		[STORE_MOVE] = memory_move,	  [STORE_SWEEP] = memory_sweep,
		[STORE_CHECK] = memory_check,	  [STORE_GET] = memory_get,
		[STORE_PAGE] = memory_page,	  [STORE_SCAN] = memory_page,
		[STORE_OUTBOX] = memory_outbox,	  [STORE_COUNTS] = memory_counts,
		[STORE_RECORDS] = memory_records, [STORE_CONVS] = memory_convs,
		[STORE_MEASURE] = memory_measure,
	};

	return runs[req->verb](self, req, a);
}

const struct store_backend store_memory = {
	.name = "memory",
	.open = memory_open,
	.close = memory_close,
	.begin = memory_begin,
	.commit = memory_begin,
	.rollback = memory_rollback,
	.run = memory_run,
};
