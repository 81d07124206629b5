/*
 * bulk_link: the port through which core gets bulk connections. net makes them on the
 * loop, within the limits and times of a handshake; one that is up is a socket of its
 * new owner's, who gives it to a thread. The simulation replaces bulk_ops, and hands out
 * ends of socketpair(2).
 *
 * All calls and events happen on the loop's thread; events never from inside a call.
 */
#ifndef NET_BULK_LINK_H
#define NET_BULK_LINK_H

#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/link.h"
#include "wire/bulk_shake.h"
#include "wire/bulk_tokens.h"

struct bulk_up {
	/* Both are the callee's. fd is blocking, with TCP_NODELAY; reading and writing
	 * give up after PROTO_BULK_DEAD_S (EAGAIN). Nothing of the records has been
	 * read. */
	int fd;
	struct bulk_keys keys;
	struct addr remote;
};

struct bulk_events {
	/* transfer: of the token, as given to bulk_tokens_add. */
	void (*on_accepted)(void *ctx, uint64_t transfer, const struct bulk_up *up);
	/* The outcome of dial: one of the two, once. why: ERR_TIMEOUT, ERR_UNREACHABLE,
	 * ERR_VERSION, ERR_AUTH, ERR_PROTO, ERR_TRUNCATED (an unknown token is answered
	 * by the end of the connection). */
	void (*on_dialled)(void *ctx, link_id id, const struct bulk_up *up);
	void (*on_failed)(void *ctx, link_id id, enum err why);
};

struct bulk_ops {
	/* to: where the session was dialled. secret is copied. ERR_LIMIT,
	 * ERR_UNREACHABLE at once where known. */
	enum err (*dial)(void *net, const struct addr *to,
			 const struct bulk_secret *secret, link_id *out);
	/* No outcome will be told. Harmless when it has been. */
	void (*cancel)(void *net, link_id id);
};

struct net;

const struct bulk_ops *net_bulk_ops(void); /* with the struct net * as first argument */
/* From now on connections with these tokens are taken; without, who wants one is told
 * that there are none (P2PE). All outlive n. */
void net_bulk_set(struct net *n, struct bulk_tokens *tokens,
		  const struct bulk_events *events, void *ctx);

#endif
