/*
 * net_state: what the files of net share about connections. Owner of everything
 * here: net.c.
 */
#ifndef NET_NET_STATE_H
#define NET_NET_STATE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "net/accept.h"
#include "net/bulk_link.h"
#include "net/gate.h"
#include "net/io.h"
#include "net/net.h"

enum { LISTENERS_MAX = 2 }; /* one for each address family */

struct net {
	struct loop *loop;
	const struct chan_config *chan;
	struct net_limits limits;
	bool use_ip4, use_ip6;
	const struct link_events *events;
	void *ctx; /* of events */

	struct gate *gate;
	struct acceptor *listeners[LISTENERS_MAX];
	struct map *links; /* link_id -> struct conn, those that can be addressed */
	link_id last_id;
	struct list all; /* every conn that is not dead */
	struct list busy; /* those with something to do at the end of the tick */
	struct list dead; /* to be freed at the end of the tick */
	struct loop_tick tick;
	struct net_counts counts;

	struct bulk_tokens *bulk_tokens; /* NULL: no bulk connections */
	const struct bulk_events *bulk_events;
	void *bulk_ctx; /* theirs */

	bool is_tracing; /* all links */
	struct list traces; /* struct trace_item, until the end of the tick */
	unsigned n_traces;

	bool is_leaving;
	bool is_written; /* since then */
	struct timer leave_timer;
	void (*left)(void *ctx);
	void *left_ctx;
};

/* ---- listen.c ---- */

enum err listen_start(struct net *n, uint16_t wanted, uint16_t last, uint16_t *port);
void listen_stop(struct net *n);

/* ---- dial.c ---- */

enum err dial_start(struct net *n, const struct addr *to, const struct id32 *target,
		    bool is_rumour, link_id *out);
/* Likewise, but nothing has been begun with it: its connect is under way. NULL when it
 * fails. */
struct conn;
enum err dial_socket(struct net *n, const struct addr *to, struct conn **out);

/* ---- link_trace.c ---- */

void link_trace_on_chan(void *ctx, const struct chan_trace *t); /* ctx: the conn */
void link_trace_tell(struct net *n);
void link_trace_clear(struct net *n);

#endif
