#include "store/rules.h"

int rules_rank(enum store_state s)
{
	static const int ranks[] = {
		[STORE_NONE] = 0,   [STORE_QUEUED] = 1,	   [STORE_FAILED] = 2,
		[STORE_STORED] = 3, [STORE_DELIVERED] = 4, [STORE_READ] = 5,
	};

	return ranks[s];
}

bool rules_is_over(const struct store_request *req, const struct store_message *m)
{
	return (m->expires_ms != 0 && m->expires_ms <= req->now_ms) ||
	       (req->keep_ms != 0 && m->kept_ms < req->now_ms &&
		req->now_ms - m->kept_ms > req->keep_ms);
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
