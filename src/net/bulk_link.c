/*
 * bulk_link: the handshake of bulk connections, in conns that end with it. What a
 * stranger sends is held back while it may be the opening of one, read no further than
 * that, and otherwise goes on to the channel of a session. Nothing is computed before
 * the token is known, and no byte of a record is read: it is for the new owner.
 */
#include "net/bulk_link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/mem.h"
#include "net/conn.h"

struct bulk_shake {
	struct bulk_dial *dial; /* NULL: accepted */
	uint8_t opening[BULK_OPENING_BYTES]; /* ours, or as much as has come of theirs */
	uint8_t answer[BULK_ANSWER_BYTES]; /* likewise */
	size_t n; /* bytes read */
};

void bulk_shake_free(struct bulk_shake *b)
{
	if (b == NULL)
		return;
	bulk_dial_free(b->dial);
	mem_free(b);
}

/* --------------------------------------------------------------- handing over */

static void make_blocking(int fd)
{
	static const struct timeval limit = {.tv_sec = PROTO_BULK_DEAD_S};

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* c ends, and its socket goes on. */
static struct bulk_up let_go(struct conn *c, const struct bulk_keys *keys)
{
	struct bulk_up up = {.keys = *keys, .remote = c->remote};

	up.fd = conn_release(c);
	make_blocking(up.fd);
	return up;
}

/* There is room for it: nothing has been sent before. */
static enum err say(struct conn *c, const uint8_t *bytes, size_t n)
{
	ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);

	if (sent < 0)
		return err_from_errno(errno);
	return (size_t)sent == n ? ERR_OK : ERR_IO;
}

/* ------------------------------------------------------------------- listener */

void bulk_link_listen(struct conn *c)
{
	if (c->net->bulk_tokens != NULL)
		c->bulk = mem_new(sizeof(*c->bulk));
}

static void leave_to_session(struct conn *c)
{
	struct bulk_shake *b = c->bulk;

	c->bulk = NULL;
	conn_pump(c, slice_of(b->opening, b->n));
	bulk_shake_free(b);
}

static enum err answer(struct conn *c)
{
	struct net *n = c->net;
	struct bulk_shake *b = c->bulk;
	struct bulk_keys keys;
	uint64_t transfer;
	enum err e = bulk_tokens_answer(n->bulk_tokens, slice_of(b->opening, b->n),
					b->answer, &keys, &transfer);

	if (e != ERR_OK)
		return e;
	e = say(c, b->answer, sizeof(b->answer));
	if (e != ERR_OK) {
		bulk_keys_wipe(&keys);
		return e;
	}
	struct bulk_up up = let_go(c, &keys);
	n->bulk_events->on_accepted(n->bulk_ctx, transfer, &up);
	return ERR_OK;
}

static enum err hear_opening(struct conn *c)
{
	struct slice in = slice_of(c->bulk->opening, c->bulk->n);
	bool has_id;
	enum err e = bulk_opening_check(in, &has_id);

	if (e == ERR_UNKNOWN) {
		leave_to_session(c);
		return ERR_WAIT;
	}
	if (has_id && (e == ERR_WAIT || e == ERR_OK)) {
		struct id16 id = bulk_opening_id(in);
		if (!bulk_tokens_has(c->net->bulk_tokens, &id))
			return ERR_AUTH;
	}
	return e == ERR_OK ? answer(c) : e;
}

/* -------------------------------------------------------------------- dialler */

void bulk_link_connected(struct conn *c)
{
	enum err e = say(c, c->bulk->opening, sizeof(c->bulk->opening));

	if (e != ERR_OK)
		conn_fail_plainly(c, e);
}

void bulk_link_tell_failed(struct conn *c, enum err why)
{
	c->net->bulk_events->on_failed(c->net->bulk_ctx, c->id, why);
}

static enum err hear_answer(struct conn *c)
{
	struct net *n = c->net;
	struct bulk_keys keys;
	enum err e = bulk_dial_finish(c->bulk->dial,
				      slice_of(c->bulk->answer, c->bulk->n), &keys);

	if (e != ERR_OK)
		return e;
	struct bulk_up up = let_go(c, &keys);
	n->bulk_events->on_dialled(n->bulk_ctx, c->id, &up);
	return ERR_OK;
}

/* -------------------------------------------------------------------- reading */

static enum err read_some(struct conn *c)
{
	struct bulk_shake *b = c->bulk;
	bool is_ours = b->dial != NULL;
	uint8_t *to = is_ours ? b->answer : b->opening;
	size_t max = is_ours ? sizeof(b->answer) : sizeof(b->opening);
	ssize_t n = recv(c->fd, to + b->n, max - b->n, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_WAIT
							 : err_from_errno(errno);
	if (n == 0)
		return ERR_TRUNCATED;
	b->n += (size_t)n;
	return is_ours ? hear_answer(c) : hear_opening(c);
}

void bulk_link_read(struct conn *c)
{
	enum err e = read_some(c);

	if (e != ERR_OK && e != ERR_WAIT)
		conn_fail_plainly(c, e);
}

/* --------------------------------------------------------------------- public */

static enum err op_dial(void *net, const struct addr *to,
			const struct bulk_secret *secret, link_id *out)
{
	struct net *n = net;
	struct conn *c;
	enum err e = dial_socket(n, to, &c);

	*out = 0;
	if (c == NULL)
		return e;
	c->bulk = mem_new(sizeof(*c->bulk));
	c->bulk->dial = bulk_dial_new(secret, n->chan->rng, c->bulk->opening);
	conn_connect(c, NULL, (uint64_t)n->limits.dial_timeout_s * 1000);
	*out = c->id;
	return ERR_OK;
}

static void op_cancel(void *net, link_id id)
{
	struct net *n = net;
	struct conn *c = map_get(n->links, &id);

	if (c != NULL && c->bulk != NULL)
		conn_kill(c);
}

const struct bulk_ops *net_bulk_ops(void)
{
	static const struct bulk_ops ops = {.dial = op_dial, .cancel = op_cancel};

	return &ops;
}

void net_bulk_set(struct net *n, struct bulk_tokens *tokens,
		  const struct bulk_events *events, void *ctx)
{
	n->bulk_tokens = tokens;
	n->bulk_events = events;
	n->bulk_ctx = ctx;
}
