/*
 * link_trace: frames for those who watch them. A channel tells of a frame while it is
 * being sent, inside a call of link_ops, where no event may be delivered; so all are
 * copied and told, in order, at the end of the tick.
 */
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "net/conn.h"

/* Who asks for so much in one tick gets the first of it. */
enum { TRACES_MAX = 4096 };

struct trace_item {
	struct list node;
	link_id id;
	struct chan_trace trace; /* its slices point to bytes */
	size_t size;
	uint8_t bytes[];
};

static struct slice put(uint8_t *at, struct slice s)
{
	if (s.n > 0)
		memcpy(at, s.p, s.n);
	return slice_of(at, s.n);
}

void link_trace_on_chan(void *ctx, const struct chan_trace *t)
{
	struct conn *c = ctx;
	size_t n = t->wire.n + t->record.payload.n;

	if (c->net->n_traces >= TRACES_MAX)
		return;
	struct trace_item *it = mem_new(sizeof(*it) + n);
	it->id = c->id;
	it->size = sizeof(*it) + n;
	it->trace = *t;
	it->trace.wire = put(it->bytes, t->wire);
	it->trace.record.payload = put(it->bytes + t->wire.n, t->record.payload);
	list_init(&it->node);
	list_add(&c->net->traces, &it->node);
	c->net->n_traces++;
	loop_again(c->net->loop);
}

static void free_item(struct net *n, struct trace_item *it)
{
	list_del(&it->node);
	n->n_traces--;
	secret_wipe(it, it->size);
	mem_free(it);
}

static struct trace_item *first(const struct net *n)
{
	return list_entry(n->traces.next, struct trace_item, node);
}

void link_trace_tell(struct net *n)
{
	/* Telling may cause more, for the next round. */
	for (unsigned left = n->n_traces; left > 0; left--) {
		struct trace_item *it = first(n);
		loop_again(n->loop);
		if (n->events->on_trace != NULL)
			n->events->on_trace(n->ctx, it->id, &it->trace);
		free_item(n, it);
	}
}

void link_trace_clear(struct net *n)
{
	while (!list_empty(&n->traces))
		free_item(n, first(n));
}
