#include "lib/chan_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/knock.h"
#include "lib/loop_run.h"

void chan_socket_init(struct chan_socket *s, struct net_node *n, unsigned from)
{
	memset(s, 0, sizeof(*s));
	s->loop = n->loop;
	rng_seeded_init(&s->rng, 1000 + from);
	s->id = identity_generate(&s->rng.rng);
	s->cfg = n->chan;
	s->cfg.self = s->id;
	s->cfg.rng = &s->rng.rng;
	s->chan = chan_dial_new(&s->cfg, NULL);
	s->fd = knock(from, n->port);
}

void chan_socket_wipe(struct chan_socket *s)
{
	chan_free(s->chan);
	identity_free(s->id);
	close(s->fd);
}

void chan_socket_say_raw(struct chan_socket *s, const void *bytes, size_t n)
{
	assert_int_equal(send(s->fd, bytes, n, MSG_NOSIGNAL), n);
}

void chan_socket_say(struct chan_socket *s)
{
	struct slice out = chan_out(s->chan);

	chan_socket_say_raw(s, out.p, out.n);
	chan_drop(s->chan, out.n);
}

static bool has_met(void *ctx)
{
	struct chan_socket *s = ctx;
	struct chan_event ev;
	uint8_t in[2048];
	size_t used, n = knock_read(s->fd, in, sizeof(in));

	if (n > 0)
		assert_int_equal(chan_feed(s->chan, slice_of(in, n), &used), ERR_OK);
	return chan_next(s->chan, &ev) == ERR_OK && ev.type == CHAN_PEER;
}

static void again(void *ctx)
{
	(void)ctx;
}

void chan_socket_meet(struct chan_socket *s)
{
	struct timer tick = {0};
	bool is_met = false;

	for (int i = 0; i < 1000 && !is_met; i++) {
		timer_set(loop_timers(s->loop), &tick, 1, again, NULL);
		is_met = loop_until(s->loop, has_met, s, 2);
	}
	timer_stop(&tick);
	assert_true(is_met);
	assert_int_equal(chan_accept(s->chan), ERR_OK);
}

void chan_socket_shake(struct chan_socket *s)
{
	chan_socket_say(s);
	chan_socket_meet(s);
	chan_socket_say(s);
}
