#include "ui/pending.h"

void pending_add(struct pending *p, const struct command *cmd)
{
	bool is_endless = cmd->verb == VERB_EVENTS || cmd->verb == VERB_TRACE;
	if (!is_endless && p->n < PENDING_MAX)
		p->tags[p->n++] = cmd->tag;
}

bool pending_take(struct pending *p, const struct event *ev)
{
	if (ev->type != EVENT_DONE && ev->type != EVENT_ERROR)
		return false;
	for (unsigned i = 0; i < p->n; i++) {
		if (p->tags[i] != ev->tag)
			continue;
		p->tags[i] = p->tags[--p->n];
		return true;
	}
	return false;
}

bool pending_is_full(struct pending *p)
{
	p->is_full = p->n >= (p->is_full ? PENDING_LOW : PENDING_MAX);
	return p->is_full;
}
