/*
 * In each: what may be refused is looked at before anything is written, so that a refused
 * request leaves nothing behind in a transaction that is not its own.
 */
#include "base/mem.h"
#include "store/rules.h"
#include "store/sqlite_rows.h"

static struct slice id32_slice(const struct id32 *id)
{
	return slice_of(id->b, sizeof(id->b));
}

static struct slice id16_slice(const struct id16 *id)
{
	return slice_of(id->b, sizeof(id->b));
}

/* The statement with (who, id) bound first. */
static sqlite3_stmt *stmt_pair(struct sqlite_db *d, enum sql which, struct slice first,
			       struct slice second)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, which);

	sqlite_db_blob(st, 1, first);
	sqlite_db_blob(st, 2, second);
	return st;
}

static enum err do_u64(struct sqlite_db *d, enum sql which, uint64_t v)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, which);

	sqlite_db_u64(st, 1, v);
	return sqlite_db_do(d, st);
}

/* Whether there is a row. */
static enum err ask(struct sqlite_db *d, sqlite3_stmt *st, bool *is_there)
{
	const enum err e = sqlite_db_step(d, st, is_there);

	sqlite3_reset(st);
	return e;
}

static enum err spoil(struct sqlite_db *d, struct store_answer *a, enum err e)
{
	a->is_spoilt = true;
	return answer_why(a, e, "%s", d->why);
}

static void bind_message(sqlite3_stmt *st, const struct store_message *m)
{
	sqlite_db_blob(st, 2, id32_slice(&m->author));
	sqlite_db_blob(st, 3, id16_slice(&m->id));
	sqlite_db_blob(st, 4, id16_slice(&m->conv));
	sqlite_db_u64(st, 5, m->lamport);
	sqlite_db_u64(st, 6, m->sent_ms);
	sqlite_db_u64(st, 7, m->kept_ms);
	sqlite_db_u64(st, 8, m->expires_ms);
	sqlite_db_u64(st, 9, m->state);
}

static enum err insert(struct sqlite_db *d, const struct store_message *m,
		       struct store_answer *a)
{
	bool is_gone = false;
	enum err e = ERR_OK;

	if (d->has_gone)
		e = ask(d,
			stmt_pair(d, SQL_IS_GONE, id32_slice(&m->author),
				  id16_slice(&m->id)),
			&is_gone);
	if (e != ERR_OK)
		return spoil(d, a, e);
	if (is_gone)
		return ERR_EXISTS;
	const struct sqlite_ad ad = sqlite_ad_message(m);
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_INSERT);
	sqlite_db_u64(st, 1, d->last_message + 1);
	bind_message(st, m);
	sqlite_db_blob(st, 10, sqlite_db_seal(d, &ad, m->body));
	e = sqlite_db_do(d, st);
	if (e != ERR_OK)
		return spoil(d, a, e);
	if (sqlite3_changes(d->db) == 0)
		return ERR_EXISTS;
	d->last_message++;
	return ERR_OK;
}

static enum err put_amended(struct sqlite_db *d, const struct store_message *m)
{
	const struct sqlite_ad ad = sqlite_ad_message(m);
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_AMEND);

	sqlite_db_u64(st, 1, m->seq);
	sqlite_db_u64(st, 2, m->sent_ms);
	sqlite_db_u64(st, 3, m->expires_ms);
	sqlite_db_u64(st, 4, m->state);
	sqlite_db_blob(st, 5, sqlite_db_seal(d, &ad, m->body));
	return sqlite_db_do(d, st);
}

/* In d->plain; one that does not open is refused, and the others go on. */
static enum err find(struct sqlite_db *d, const struct store_message *of,
		     struct store_answer *a, struct store_message *m)
{
	sqlite3_stmt *st =
		stmt_pair(d, SQL_FIND, id32_slice(&of->author), id16_slice(&of->id));
	bool is_row;
	enum err e = sqlite_db_step(d, st, &is_row);

	if (e != ERR_OK)
		return spoil(d, a, e);
	if (!is_row)
		return ERR_MISSING;
	e = sqlite_db_get_message(st, m);
	if (e == ERR_OK) {
		const struct sqlite_ad ad = sqlite_ad_message(m);
		e = sqlite_db_unseal(d, &ad, sqlite_db_get_blob(st, 9), &m->body);
	}
	sqlite3_reset(st);
	return e == ERR_OK ? e : answer_why(a, e, "the message is damaged");
}

static enum err amend(struct sqlite_db *d, const struct store_request *req,
		      struct store_answer *a)
{
	struct store_message before, after;
	enum err e = find(d, &req->msg, a, &before);

	if (e != ERR_OK)
		return e;
	uint8_t *room = mem_new(STORE_BODY_BYTES);
	after = before;
	e = req->amend(req->arg, &after, room);
	if (e == ERR_OK)
		e = rules_check_amended(&before, &after);
	if (e == ERR_OK) {
		e = put_amended(d, &after);
		if (e != ERR_OK)
			spoil(d, a, e);
	}
	mem_free(room);
	return e;
}

/* One recipient's stands in its row; what several wait for, only once. */
static enum err queue(struct sqlite_db *d, const struct store_request *req,
		      struct store_answer *a)
{
	const struct sqlite_ad ad = sqlite_ad_object(&req->object_id);
	const struct slice sealed = sqlite_db_seal(d, &ad, req->object);
	const bool is_shared = req->n_to > 1;
	enum err e = ERR_OK;

	if (is_shared) {
		d->has_objects = true;
		e = sqlite_db_do(d, stmt_pair(d, SQL_OBJECT_PUT,
					      id16_slice(&req->object_id), sealed));
	}
	for (size_t i = 0; i < req->n_to && e == ERR_OK; i++) {
		sqlite3_stmt *st = sqlite_db_stmt(d, SQL_QUEUE);
		sqlite_db_u64(st, 1, d->last_item + 1);
		sqlite_db_blob(st, 2, id32_slice(&req->to[i]));
		sqlite_db_blob(st, 3, id16_slice(&req->object_id));
		sqlite_db_u64(st, 4, rules_since(req));
		if (is_shared)
			sqlite3_bind_null(st, 5);
		else
			sqlite_db_blob(st, 5, sealed);
		e = sqlite_db_do(d, st);
		a->reply.item_seq = ++d->last_item;
	}
	return e;
}

enum err sqlite_keep(struct sqlite_db *d, const struct store_request *req,
		     struct store_answer *a)
{
	enum err e = ERR_OK;

	if (req->is_new)
		e = insert(d, &req->msg, a);
	if (e != ERR_OK)
		return e;
	if (req->amend != NULL)
		e = amend(d, req, a);
	if (e != ERR_OK && req->is_new && !a->is_spoilt &&
	    do_u64(d, SQL_DELETE, d->last_message) != ERR_OK)
		return spoil(d, a, ERR_IO);
	if (e == ERR_OK && req->object.n > 0 && req->n_to > 0) {
		e = queue(d, req, a);
		if (e != ERR_OK)
			spoil(d, a, e);
	}
	return e;
}

/* The states in the order of rules_rank, as SQL can ask for it. */
static enum err move_state(struct sqlite_db *d, const struct store_request *req)
{
	static const char order[] = {'0' + STORE_NONE,	    '0' + STORE_QUEUED,
				     '0' + STORE_FAILED,    '0' + STORE_STORED,
				     '0' + STORE_DELIVERED, '0' + STORE_READ};
	sqlite3_stmt *st = stmt_pair(d, SQL_STATE, id32_slice(&req->msg.author),
				     id16_slice(&req->object_id));

	sqlite_db_u64(st, 3, req->state);
	sqlite3_bind_text(st, 4, order, sizeof(order), SQLITE_STATIC);
	return sqlite_db_do(d, st);
}

static enum err drop_object(struct sqlite_db *d, const struct id16 *id)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_OBJECT_DROP);

	sqlite_db_blob(st, 1, id16_slice(id));
	return sqlite_db_do(d, st);
}

static enum err unqueue(struct sqlite_db *d, const struct id16 *id,
			const struct id32 *peer, bool *was_there)
{
	const enum err e = sqlite_db_do(
		d, stmt_pair(d, SQL_UNQUEUE, id16_slice(id), id32_slice(peer)));

	*was_there = e == ERR_OK && sqlite3_changes(d->db) > 0;
	return *was_there && d->has_objects ? drop_object(d, id) : e;
}

enum err sqlite_outcome(struct sqlite_db *d, const struct store_request *req,
			struct store_answer *a)
{
	bool was_there;
	enum err e = unqueue(d, &req->object_id, &req->peer, &was_there);

	if (e == ERR_OK && !was_there)
		return ERR_MISSING;
	if (e == ERR_OK && req->state != STORE_NONE)
		e = move_state(d, req);
	return e == ERR_OK ? e : spoil(d, a, e);
}

enum err sqlite_record(struct sqlite_db *d, const struct store_request *req,
		       struct store_answer *a)
{
	const struct store_record *r = &req->record;
	const struct sqlite_ad ad = sqlite_ad_record(r->kind, r->key);
	sqlite3_stmt *st =
		sqlite_db_stmt(d, r->value.n > 0 ? SQL_RECORD_PUT : SQL_RECORD_DROP);

	sqlite_db_u64(st, 1, r->kind);
	sqlite_db_blob(st, 2, r->key);
	if (r->value.n > 0)
		sqlite_db_blob(st, 3, sqlite_db_seal(d, &ad, r->value));
	const enum err e = sqlite_db_do(d, st);
	return e == ERR_OK ? e : spoil(d, a, e);
}

/* The order of keeping goes on after those that are gone. */
static enum err remember_last(struct sqlite_db *d)
{
	d->has_gone = true;
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_META_PUT);

	sqlite_db_u64(st, 1, META_LAST_MESSAGE);
	sqlite_db_u64(st, 2, d->last_message);
	return sqlite_db_do(d, st);
}

/* Seqs of messages from st, whose last parameter is their maximum; one more than the
 * round takes, to know of more. */
static enum err list_seqs(struct sqlite_db *d, sqlite3_stmt *st, int last, size_t max,
			  uint64_t *seqs, size_t *n)
{
	bool is_row = true;
	enum err e = ERR_OK;

	sqlite_db_u64(st, last, max + 1 - *n);
	while (e == ERR_OK && is_row) {
		e = sqlite_db_step(d, st, &is_row);
		if (e == ERR_OK && is_row)
			seqs[(*n)++] = sqlite_db_get_u64(st, 0);
	}
	return e;
}

static enum err remove_seq(struct sqlite_db *d, uint64_t seq, uint64_t now_ms)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_GONE_SEQ);

	sqlite_db_u64(st, 1, seq);
	sqlite_db_u64(st, 2, now_ms);
	const enum err e = sqlite_db_do(d, st);
	return e == ERR_OK ? do_u64(d, SQL_DELETE, seq) : e;
}

static enum err remove_seqs(struct sqlite_db *d, const struct store_request *req,
			    struct store_answer *a, const uint64_t *seqs, size_t n,
			    size_t max)
{
	enum err e = ERR_OK;

	if (n > max)
		a->reply.is_more = true;
	for (size_t i = 0; i < n && i < max && e == ERR_OK; i++)
		e = remove_seq(d, seqs[i], req->now_ms);
	return e == ERR_OK && n > 0 ? remember_last(d) : e;
}

static enum err forget_round(struct sqlite_db *d, const struct store_request *req,
			     struct store_answer *a)
{
	const bool is_all = req->is_all_convs;
	const uint64_t newest = req->has_from ? req->from.seq : INT64_MAX;
	uint64_t *seqs = mem_array(req->max + 1, sizeof(*seqs));
	sqlite3_stmt *st = sqlite_db_stmt(d, is_all ? SQL_SEQS_ALL : SQL_SEQS_CONV);
	size_t n = 0;

	if (!is_all)
		sqlite_db_blob(st, 1, id16_slice(&req->msg.conv));
	sqlite_db_u64(st, is_all ? 1 : 2, newest);
	enum err e = list_seqs(d, st, is_all ? 2 : 3, req->max, seqs, &n);
	if (e == ERR_OK)
		e = remove_seqs(d, req, a, seqs, n, req->max);
	mem_free(seqs);
	return e;
}

static enum err forget_messages(struct sqlite_db *d, const struct store_request *req)
{
	const bool is_all = req->is_all_convs;
	sqlite3_stmt *st = sqlite_db_stmt(d, is_all ? SQL_GONE_ALL : SQL_GONE_CONV);

	sqlite_db_u64(st, is_all ? 1 : 2, req->now_ms);
	if (!is_all)
		sqlite_db_blob(st, 1, id16_slice(&req->msg.conv));
	enum err e = sqlite_db_do(d, st);
	if (e != ERR_OK)
		return e;
	st = sqlite_db_stmt(d, is_all ? SQL_DELETE_ALL : SQL_DELETE_CONV);
	if (!is_all)
		sqlite_db_blob(st, 1, id16_slice(&req->msg.conv));
	e = sqlite_db_do(d, st);
	return e == ERR_OK ? remember_last(d) : e;
}

enum err sqlite_forget(struct sqlite_db *d, const struct store_request *req,
		       struct store_answer *a)
{
	const bool is_round = req->max > 0 || req->has_from;
	enum err e = is_round ? forget_round(d, req, a) : forget_messages(d, req);

	a->reply.last.seq = d->last_message;
	if (e == ERR_OK && req->is_peer) {
		sqlite3_stmt *st = sqlite_db_stmt(d, SQL_UNQUEUE_PEER);
		sqlite_db_blob(st, 1, id32_slice(&req->peer));
		e = sqlite_db_do(d, st);
		if (e == ERR_OK)
			e = sqlite_db_do(d, sqlite_db_stmt(d, SQL_OBJECT_SWEEP));
	}
	return e == ERR_OK ? e : spoil(d, a, e);
}

/* What of conv was kept too long. */
static enum err list_old(struct sqlite_db *d, const struct store_request *req,
			 const struct id16 *conv, uint64_t *seqs, size_t *n)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_OLD);

	sqlite_db_blob(st, 1, id16_slice(conv));
	sqlite_db_u64(st, 2, req->now_ms - req->keep_ms);
	return list_seqs(d, st, 3, STORE_SWEEP_ROUND, seqs, n);
}

static enum err list_old_of_all(struct sqlite_db *d, const struct store_request *req,
				uint64_t *seqs, size_t *n)
{
	struct id16 conv;
	bool is_row = true;
	enum err e = ERR_OK;

	for (size_t bytes = 0; e == ERR_OK && is_row; bytes = sizeof(conv.b)) {
		sqlite3_stmt *st = sqlite_db_stmt(d, SQL_NEXT_CONV);
		sqlite_db_blob(st, 1, slice_of(conv.b, bytes));
		e = sqlite_db_step(d, st, &is_row);
		if (e == ERR_OK && is_row)
			e = sqlite_db_get_id16(st, 0, &conv);
		sqlite3_reset(st);
		if (e == ERR_OK && is_row)
			e = list_old(d, req, &conv, seqs, n);
	}
	return e;
}

/* What of the conversation stands at `from` or before it. */
static enum err list_up_to(struct sqlite_db *d, const struct store_request *req,
			   uint64_t *seqs, size_t *n)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_UP_TO);

	sqlite_db_blob(st, 1, id16_slice(&req->msg.conv));
	sqlite_db_u64(st, 2, req->from.lamport);
	sqlite_db_blob(st, 3, id32_slice(&req->from.author));
	sqlite_db_blob(st, 4, id16_slice(&req->from.id));
	return list_seqs(d, st, 5, STORE_SWEEP_ROUND, seqs, n);
}

/* One that is over for two reasons is listed twice, and removed by the first. */
static enum err sweep_messages(struct sqlite_db *d, const struct store_request *req,
			       struct store_answer *a)
{
	uint64_t *seqs = mem_array(STORE_SWEEP_ROUND + 1, sizeof(*seqs));
	const bool has_age = req->keep_ms != 0 && req->now_ms > req->keep_ms;
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_EXPIRED);
	size_t n = 0;

	sqlite_db_u64(st, 1, req->now_ms);
	enum err e = list_seqs(d, st, 2, STORE_SWEEP_ROUND, seqs, &n);
	if (e == ERR_OK && has_age)
		e = req->is_all_convs ? list_old_of_all(d, req, seqs, &n)
				      : list_old(d, req, &req->msg.conv, seqs, &n);
	if (e == ERR_OK && req->has_from)
		e = list_up_to(d, req, seqs, &n);
	if (e == ERR_OK)
		e = remove_seqs(d, req, a, seqs, n, STORE_SWEEP_ROUND);
	mem_free(seqs);
	return e;
}

static enum err list_given_up(struct sqlite_db *d, const struct store_request *req,
			      struct store_answer *a)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_GIVEN_UP);
	bool is_row = true;
	enum err e = ERR_OK;

	sqlite_db_u64(st, 1, req->give_up_ms);
	while (e == ERR_OK && is_row) {
		e = sqlite_db_step(d, st, &is_row);
		if (!is_row)
			break;
		struct store_item i = {.seq = sqlite_db_get_u64(st, 0),
				       .since_ms = sqlite_db_get_u64(st, 3)};
		e = sqlite_db_get_id32(st, 1, &i.peer);
		if (e == ERR_OK)
			e = sqlite_db_get_id16(st, 2, &i.id);
		if (e == ERR_OK && answer_item(a, &i) != ERR_OK)
			break;
	}
	sqlite3_reset(st);
	return e;
}

static enum err give_up(struct sqlite_db *d, const struct store_request *req,
			struct store_answer *a)
{
	enum err e = list_given_up(d, req, a);
	bool was_there;

	for (size_t i = 0; i < a->reply.n_items && e == ERR_OK; i++) {
		struct store_request outcome = *req;
		outcome.object_id = a->items[i].id;
		e = unqueue(d, &a->items[i].id, &a->items[i].peer, &was_there);
		if (e == ERR_OK && req->state != STORE_NONE)
			e = move_state(d, &outcome);
	}
	return e;
}

enum err sqlite_sweep(struct sqlite_db *d, const struct store_request *req,
		      struct store_answer *a)
{
	enum err e = ERR_OK;

	if (req->now_ms > STORE_GONE_MS)
		e = do_u64(d, SQL_GONE_SWEEP, req->now_ms - STORE_GONE_MS);
	if (e == ERR_OK && req->give_up_ms != 0)
		e = give_up(d, req, a);
	if (e == ERR_OK)
		e = sweep_messages(d, req, a);
	return e == ERR_OK ? e : spoil(d, a, e);
}
