#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	/* Of 64 KiB each; then the others of the loop have their turn. */
	READS_MAX = 1,
	/* So much is not kept for the end of the tick. */
	FLUSH_EARLY_BYTES = 64 << 10,
	CLOSE_MS = 2000
};

/* ------------------------------------------------------------------ states */

static const char *const state_names[] = {
#define X(NAME, name) [CONN_##NAME] = #name,
	CONN_STATE_TABLE(X)
#undef X
};

const char *conn_state_str(enum conn_state s)
{
	return state_names[s];
}

#define TO(NAME) (1U << CONN_##NAME)
static const unsigned leads_to[] = {
	[CONN_NEW] = TO(CONNECTING) | TO(HANDSHAKE) | TO(DEAD),
	[CONN_CONNECTING] = TO(HANDSHAKE) | TO(DEAD),
	[CONN_HANDSHAKE] = TO(ASKED) | TO(CLOSING) | TO(DEAD),
	[CONN_ASKED] = TO(UP) | TO(CLOSING) | TO(DEAD),
	[CONN_UP] = TO(CLOSING) | TO(DEAD),
	[CONN_CLOSING] = TO(DEAD),
	[CONN_DEAD] = 0,
};
#undef TO

static void conn_enter(struct conn *c, enum conn_state to)
{
	if ((leads_to[c->state] & 1U << to) == 0)
		BUG("no such change of state");
	log_debug("net", "link %llu: %s -> %s", (unsigned long long)c->id,
		  state_names[c->state], state_names[to]);
	c->state = to;
}

static void mark_busy(struct conn *c)
{
	list_del(&c->of_busy);
	list_add(&c->net->busy, &c->of_busy);
	loop_again(c->net->loop);
}

static bool wants_to_read(const struct conn *c)
{
	switch (c->state) {
	case CONN_HANDSHAKE:
	case CONN_CLOSING:
		return true;
	case CONN_UP:
		return !c->is_paused && c->rest.len == 0;
	default:
		return false;
	}
}

static void update_wants(struct conn *c)
{
	bool wants_write = c->state == CONN_CONNECTING || c->is_blocked;

	if (c->state != CONN_DEAD)
		io_want(c->io, (wants_to_read(c) ? IO_READ : 0U) |
				       (wants_write ? IO_WRITE : 0U));
}

/* ------------------------------------------------------------------ ending */

/* No call of core finds it any more. */
static void unhook(struct conn *c)
{
	map_del(c->net->links, &c->id);
	list_del(&c->of_busy);
	c->is_known = false;
}

void conn_kill(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	conn_enter(c, CONN_DEAD);
	unhook(c);
	timer_stop(&c->deadline);
	gate_leave(c->net->gate, &c->slot);
	io_free(c->io);
	c->io = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	list_del(&c->of_all);
	list_add(&c->net->dead, &c->of_all);
	c->net->counts.links--;
	loop_again(c->net->loop);
}

int conn_release(struct conn *c)
{
	int fd = c->fd;

	c->fd = -1;
	conn_kill(c);
	return fd;
}

void conn_free(struct conn *c)
{
	chan_free(c->chan);
	bulk_shake_free(c->bulk);
	buf_wipe(&c->rest);
	mem_free(c);
}

static void on_close_timeout(void *ctx)
{
	conn_kill(ctx);
}

/* What is in the channel still goes out; a half-open one keeps its place at the gate
 * meanwhile. */
static void linger(struct conn *c)
{
	conn_enter(c, CONN_CLOSING);
	unhook(c);
	buf_wipe(&c->rest);
	timer_set(loop_timers(c->net->loop), &c->deadline, CLOSE_MS, on_close_timeout, c);
	mark_busy(c);
}

/* Only the refusal of a version is answered; all other failures are silent. */
static bool has_last_words(const struct conn *c, enum err why)
{
	return why == ERR_VERSION && !c->is_initiator && c->chan != NULL &&
	       chan_out(c->chan).n > 0;
}

void conn_fail(struct conn *c, enum err why, uint16_t code, struct slice reason)
{
	struct net *n = c->net;
	bool is_known = c->is_known;

	if (!c->is_initiator && c->state < CONN_UP)
		n->counts.failed_handshakes++;
	log_debug("net", "link %llu: ends: %s", (unsigned long long)c->id, err_str(why));
	if (has_last_words(c, why))
		linger(c);
	else
		conn_kill(c);
	loop_again(n->loop);
	if (is_known && c->bulk != NULL)
		bulk_link_tell_failed(c, why);
	else if (is_known)
		n->events->on_down(n->ctx, c->id, why, code, reason);
}

void conn_fail_plainly(struct conn *c, enum err why)
{
	conn_fail(c, why, 0, slice_of(NULL, 0));
}

void conn_close(struct conn *c, uint16_t code, const char *reason)
{
	if (c->state == CONN_CLOSING || c->state == CONN_DEAD)
		return;
	if (c->chan == NULL || !chan_is_up(c->chan)) {
		conn_kill(c);
		return;
	}
	chan_close(c->chan, code, reason);
	linger(c);
}

static void on_deadline(void *ctx)
{
	conn_fail_plainly(ctx, ERR_TIMEOUT);
}

/* ------------------------------------------------------------------ events */

static struct link_peer peer_of(const struct conn *c)
{
	return (struct link_peer){
		.peer = chan_peer(c->chan),
		.hash = chan_hash(c->chan),
		.remote = c->remote,
		.is_initiator = c->is_initiator,
	};
}

static void on_peer(struct conn *c, const struct chan_event *ev)
{
	struct link_peer p = peer_of(c);

	(void)ev;
	conn_enter(c, CONN_ASKED);
	c->is_known = true;
	c->net->events->on_peer(c->net->ctx, c->id, &p);
}

static void on_up(struct conn *c, const struct chan_event *ev)
{
	struct link_peer p = peer_of(c);

	(void)ev;
	conn_enter(c, CONN_UP);
	timer_stop(&c->deadline);
	gate_leave(c->net->gate, &c->slot);
	c->net->events->on_up(c->net->ctx, c->id, &p);
}

static void on_record(struct conn *c, const struct chan_event *ev)
{
	c->net->events->on_record(c->net->ctx, c->id, &ev->record);
}

static void on_closed(struct conn *c, const struct chan_event *ev)
{
	conn_fail(c, ERR_OK, ev->code, ev->reason);
}

static void on_refused(struct conn *c, const struct chan_event *ev)
{
	conn_fail(c, ERR_VERSION, ev->code, slice_of(NULL, 0));
}

typedef void event_fn(struct conn *c, const struct chan_event *ev);

static event_fn *const on_event[] = {
	[CHAN_PEER] = on_peer,	   [CHAN_UP] = on_up,		[CHAN_RECORD] = on_record,
	[CHAN_CLOSED] = on_closed, [CHAN_REFUSED] = on_refused,
};

/* ----------------------------------------------------------------- reading */

static bool wants_events(const struct conn *c)
{
	return c->state == CONN_HANDSHAKE || c->state == CONN_ASKED ||
	       (c->state == CONN_UP && !c->is_paused);
}

/* True when the channel has told all, and may be fed more. */
static bool take_events(struct conn *c)
{
	while (wants_events(c)) {
		struct chan_event ev;
		enum err e = chan_next(c->chan, &ev);
		if (e == ERR_WAIT)
			return c->state != CONN_ASKED;
		loop_again(c->net->loop);
		if (e == ERR_OK)
			on_event[ev.type](c, &ev);
		else
			conn_fail_plainly(c, e);
	}
	return false;
}

/* Gives bytes to the channel and its events to core, until one of them has enough;
 * what is left is kept. */
void conn_pump(struct conn *c, struct slice in)
{
	while (take_events(c) && in.n > 0) {
		size_t used = 0;
		enum err e = chan_feed(c->chan, in, &used);
		if (e == ERR_OK && used == 0)
			e = ERR_BUG;
		if (e != ERR_OK) {
			conn_fail_plainly(c, e);
			return;
		}
		in = slice_of(in.p + used, in.n - used);
	}
	if (in.n > 0 && (c->state == CONN_ASKED || c->state == CONN_UP))
		buf_add(&c->rest, in);
	if (c->state != CONN_DEAD && chan_out(c->chan).n > 0)
		mark_busy(c);
}

static void pump_rest(struct conn *c)
{
	struct buf rest = c->rest;

	buf_init(&c->rest, LOOP_SCRATCH_BYTES);
	conn_pump(c, buf_slice(&rest));
	buf_wipe(&rest);
}

/* True when there may be more to read. */
static bool read_once(struct conn *c)
{
	uint8_t *at = loop_scratch(c->net->loop);
	ssize_t n = recv(c->fd, at, LOOP_SCRATCH_BYTES, 0);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			conn_fail_plainly(c, err_from_errno(errno));
		return false;
	}
	if (n == 0) {
		conn_fail_plainly(c, chan_eof(c->chan));
		return false;
	}
	conn_pump(c, slice_of(at, (size_t)n));
	return n == LOOP_SCRATCH_BYTES && wants_to_read(c);
}

static void on_readable(struct conn *c)
{
	for (int i = 0; i < READS_MAX && read_once(c); i++)
		;
}

/* What is said after a CLOSE is of no interest; but a socket that is closed with
 * something unread resets the connection, and our own last words are lost. */
static void discard(struct conn *c)
{
	ssize_t n = recv(c->fd, loop_scratch(c->net->loop), LOOP_SCRATCH_BYTES, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_kill(c);
}

/* ----------------------------------------------------------------- writing */

/* The other side may have said why before it went, and that is still to be read. */
static void go_mute(struct conn *c)
{
	c->is_mute = true;
	c->is_blocked = false;
	chan_drop(c->chan, chan_out(c->chan).n);
}

static void write_out(struct conn *c)
{
	struct slice out;

	c->is_blocked = false;
	while ((out = chan_out(c->chan)).n > 0 && !c->is_blocked) {
		ssize_t n = send(c->fd, out.p, out.n, MSG_NOSIGNAL);
		if (n >= 0)
			chan_drop(c->chan, (size_t)n);
		else if (errno == EAGAIN)
			c->is_blocked = true;
		else if (errno != EINTR)
			go_mute(c);
	}
}

/* In closing: our end follows the last byte, and then the other side has the word. */
static void say_end(struct conn *c)
{
	if (c->is_mute) {
		conn_kill(c);
	} else if (!c->is_shut) {
		c->is_shut = true;
		shutdown(c->fd, SHUT_WR);
	}
}

bool conn_is_written(const struct conn *c)
{
	return c->chan == NULL || chan_out(c->chan).n == 0;
}

void conn_flush(struct conn *c)
{
	if (c->chan == NULL || c->state == CONN_DEAD)
		return;
	if (c->is_mute)
		go_mute(c);
	else
		write_out(c);
}

/* Half of it is empty: so that not each record is waited for. */
static void tell_room(struct conn *c)
{
	if (!c->wants_room || c->state != CONN_UP ||
	    chan_out(c->chan).n > c->net->chan->out_max / 2)
		return;
	c->wants_room = false;
	loop_again(c->net->loop);
	c->net->events->on_room(c->net->ctx, c->id);
}

static void flush_and_tell(struct conn *c)
{
	conn_flush(c);
	if (c->state == CONN_CLOSING && conn_is_written(c))
		say_end(c);
	tell_room(c);
	update_wants(c);
}

/* -------------------------------------------------------------- connecting */

static void start_handshake(struct conn *c)
{
	conn_enter(c, CONN_HANDSHAKE);
	timer_set(loop_timers(c->net->loop), &c->deadline,
		  (uint64_t)c->net->limits.handshake_s * 1000, on_deadline, c);
	mark_busy(c);
}

static void start_chan(struct conn *c, struct chan *chan)
{
	start_handshake(c);
	c->chan = chan;
	conn_trace_update(c);
}

static void start_bulk(struct conn *c)
{
	start_handshake(c);
	bulk_link_connected(c);
}

/* A port of the range that the kernel hands out may be handed to the dialler itself:
 * then it talks to nobody but itself. */
static bool is_own_echo(const struct conn *c)
{
	struct sockaddr_storage own = {0};
	socklen_t n = sizeof(own);
	struct addr a;

	if (getsockname(c->fd, (struct sockaddr *)&own, &n) != 0 ||
	    addr_from_sockaddr((struct sockaddr *)&own, &a) != ERR_OK)
		return false;
	return a.port == c->remote.port && addr_ip_eq(&a, &c->remote);
}

static void on_connected(struct conn *c)
{
	int failed = 0;
	socklen_t n = sizeof(failed);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failed, &n);
	if (failed == 0 && is_own_echo(c))
		failed = ECONNREFUSED;
	if (failed != 0) {
		conn_fail_plainly(c, err_from_errno(failed));
		return;
	}
	if (c->bulk != NULL)
		start_bulk(c);
	else
		start_chan(c, chan_dial_new(c->net->chan,
					    c->has_target ? &c->target : NULL));
}

static void on_io(void *ctx, unsigned ready)
{
	struct conn *c = ctx;

	if (c->state == CONN_CONNECTING) {
		on_connected(c);
		update_wants(c);
		return;
	}
	if (ready & IO_READ) {
		if (c->state == CONN_CLOSING)
			discard(c);
		else if (c->bulk != NULL)
			bulk_link_read(c);
		else
			on_readable(c);
	}
	if ((ready & IO_WRITE) && c->state != CONN_DEAD)
		flush_and_tell(c);
	update_wants(c);
}

/* ------------------------------------------------------------------ public */

enum err conn_new(struct net *n, int fd, const struct addr *remote, struct conn **out)
{
	static const int on = 1;
	struct conn *c = mem_new(sizeof(*c));
	enum err e = io_new(n->loop, fd, on_io, c, &c->io);

	*out = NULL;
	if (e != ERR_OK) {
		close(fd);
		mem_free(c);
		return ERR_LIMIT;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->net = n;
	c->id = ++n->last_id;
	c->fd = fd;
	c->remote = *remote;
	buf_init(&c->rest, LOOP_SCRATCH_BYTES);
	list_init(&c->of_busy);
	list_init(&c->of_all);
	list_add(&n->all, &c->of_all);
	map_put(n->links, &c->id, c);
	n->counts.links++;
	*out = c;
	return ERR_OK;
}

void conn_connect(struct conn *c, const struct id32 *target, uint64_t timeout_ms)
{
	c->is_initiator = true;
	c->is_known = true;
	c->has_target = target != NULL;
	if (target != NULL)
		c->target = *target;
	conn_enter(c, CONN_CONNECTING);
	timer_set(loop_timers(c->net->loop), &c->deadline, timeout_ms, on_deadline, c);
	update_wants(c);
}

void conn_listen(struct conn *c)
{
	start_chan(c, chan_listen_new(c->net->chan));
	bulk_link_listen(c);
	update_wants(c);
}

void conn_accept(struct conn *c)
{
	if (c->state != CONN_ASKED)
		return;
	/* A failure is found by chan_next, at the end of the tick. */
	(void)chan_accept(c->chan);
	mark_busy(c);
}

enum err conn_send(struct conn *c, uint8_t kind, uint8_t flags, struct slice payload)
{
	if (c->chan == NULL)
		return ERR_BUG;
	enum err e = chan_send(c->chan, kind, flags, payload);
	if (e == ERR_FULL)
		c->wants_room = true;
	if (chan_out(c->chan).n >= FLUSH_EARLY_BYTES && !c->is_blocked)
		conn_flush(c);
	mark_busy(c);
	return e;
}

void conn_pause(struct conn *c, bool is_paused)
{
	if (c->is_paused == is_paused)
		return;
	c->is_paused = is_paused;
	mark_busy(c);
}

void conn_trace_update(struct conn *c)
{
	bool is_wanted = c->is_traced || c->net->is_tracing;

	if (c->chan == NULL || c->is_watched == is_wanted)
		return;
	c->is_watched = is_wanted;
	chan_trace_set(c->chan, is_wanted ? link_trace_on_chan : NULL, c);
}

void conn_tick(struct conn *c)
{
	if (wants_events(c) && c->chan != NULL)
		pump_rest(c);
	if (c->state != CONN_DEAD)
		flush_and_tell(c);
}
