#include "store/rules.h"

int rules_rank(enum store_state s)
{
	static const int ranks[] = {
		[STORE_NONE] = 0,   [STORE_QUEUED] = 1,	   [STORE_FAILED] = 2,
		[STORE_STORED] = 3, [STORE_DELIVERED] = 4, [STORE_READ] = 5,
	};

	return ranks[s];
}

bool rules_is_expired(const struct store_request *req, const struct store_message *m)
{
	return m->expires_ms != 0 && m->expires_ms <= req->now_ms;
}

int rules_cmp_conv(const struct store_message *a, const struct store_message *b)
{
	int order = (a->lamport > b->lamport) - (a->lamport < b->lamport);

	if (order == 0)
		order = id32_cmp(&a->author, &b->author);
	return order != 0 ? order : memcmp(a->id.b, b->id.b, sizeof(a->id.b));
}

struct store_message rules_from(const struct store_request *req)
{
	return (struct store_message){
		.lamport = req->from.lamport,
		.seq = req->from.seq,
		.author = req->from.author,
		.id = req->from.id,
	};
}

static bool is_old(const struct store_request *req, const struct store_message *m)
{
	return req->keep_ms != 0 && m->kept_ms < req->now_ms &&
	       req->now_ms - m->kept_ms > req->keep_ms;
}

bool rules_is_over(const struct store_request *req, const struct store_message *m)
{
	const struct store_message from = rules_from(req);
	const bool is_conv = id16_eq(&m->conv, &req->msg.conv);

	return ((req->is_all_convs || is_conv) && is_old(req, m)) ||
	       (req->has_from && is_conv && rules_cmp_conv(m, &from) <= 0);
}

enum err rules_measure(const struct store_request *req, struct store_answer *a,
		       const struct store_message *m, size_t n, size_t *n_looked)
{
	struct store_reply *r = &a->reply;
	const uint64_t bytes = r->n_bytes + n + STORE_ROW_BYTES;

	if (req->max_rows != 0 && *n_looked == req->max_rows) {
		r->is_more = true;
		return ERR_FULL;
	}
	rules_looked(a, m, n_looked);
	r->is_over = bytes > req->keep_bytes;
	if (r->is_over)
		return ERR_FULL;
	r->n_bytes = bytes;
	return ERR_OK;
}

uint64_t rules_since(const struct store_request *req)
{
	return req->now_ms != 0 ? req->now_ms : req->msg.kept_ms;
}

enum err rules_check_amended(const struct store_message *before,
			     struct store_message *after)
{
	const struct store_message amended = *after;

	*after = *before;
	after->state = amended.state;
	after->expires_ms = amended.expires_ms;
	after->sent_ms = amended.sent_ms;
	after->body = amended.body;
	return amended.body.n <= STORE_BODY_BYTES && amended.state <= STORE_FAILED
		       ? ERR_OK
		       : ERR_RANGE;
}

enum err rules_may_look(const struct store_request *req, struct store_answer *a,
			size_t n_looked)
{
	if (req->verb != STORE_SCAN || req->max_rows == 0 || n_looked < req->max_rows)
		return ERR_OK;
	a->reply.is_more = true;
	return ERR_FULL;
}

bool rules_is_within(const struct store_request *req, const struct store_message *m)
{
	return m->sent_ms >= req->since_ms &&
	       (req->until_ms == 0 || m->sent_ms < req->until_ms);
}

enum err rules_show(const struct store_request *req, struct store_answer *a,
		    const struct store_message *m)
{
	if (req->verb == STORE_SCAN && req->match != NULL && !req->match(req->arg, m))
		return ERR_OK;
	return answer_message(a, m);
}

void rules_looked(struct store_answer *a, const struct store_message *m, size_t *n_looked)
{
	a->reply.last = *m;
	a->reply.last.body = (struct slice){0};
	++*n_looked;
}
