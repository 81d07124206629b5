#include "discovery/mdns.h"

#include <avahi-common/simple-watch.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/queue.h"
#include "base/thread.h"
#include "discovery/backends.h"

enum { EVENTS_MAX = 4096, AGAIN_MAX = 64, STOP_MS = 500, POLL_BROKEN_MS = 200 };

struct mdns {
	struct mdns_config cfg;
	struct thread *thread;
	atomic_int n_owners; /* the loop, the thread; the last one frees */

	/* What the loop wants; the newer replaces the older. */
	_Atomic(struct ifaces *) ifaces; /* NULL: as before */
	atomic_bool is_visible, is_stopping;
	struct queue *again; /* of names */
	int wake[2]; /* written after each of these */

	struct queue *events; /* what the thread tells */
	int ended[2]; /* written by the thread when it is done */

	/* The thread's own. */
	AvahiSimplePoll *poll;
	AvahiWatch *watch;
	struct timers *timers;
	struct backends *backends;
};

/* A full pipe wakes as well as an empty one. */
static void poke(const int *pipe_fds)
{
	if (write(pipe_fds[1], "", 1) < 0)
		return;
}

/* --- the thread --- */

static void on_event(void *ctx, const struct mdns_event *e)
{
	struct mdns *m = ctx;
	struct mdns_event *copy = mem_dup(e, sizeof(*e));

	if (queue_put_wait(m->events, copy) != ERR_OK)
		mem_free(copy);
}

static void take_wishes(struct mdns *m)
{
	struct ifaces *ifs = atomic_exchange(&m->ifaces, NULL);
	char *instance;

	if (ifs)
		backends_ifaces_set(m->backends, ifs);
	mem_free(ifs);
	backends_visible_set(m->backends, atomic_load(&m->is_visible));
	while ((instance = queue_take(m->again)) != NULL) {
		backends_again(m->backends, instance);
		mem_free(instance);
	}
}

static void on_wake(AvahiWatch *w, int fd, AvahiWatchEvent event, void *ctx)
{
	char drain[64];

	(void)w, (void)event;
	while (read(fd, drain, sizeof(drain)) > 0)
		;
	take_wishes(ctx);
}

static int poll_noting(struct pollfd *fds, unsigned n, int timeout, void *ctx)
{
	struct mdns *m = ctx;
	int r = poll(fds, n, timeout);

	backends_awake(m->backends);
	return r;
}

static int sleep_ms(const struct mdns *m)
{
	uint64_t ms = timers_wait(m->timers);

	if (backends_is_dirty(m->backends))
		return 0;
	return ms == UINT64_MAX ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void run(struct mdns *m)
{
	while (!atomic_load(&m->is_stopping)) {
		if (avahi_simple_poll_iterate(m->poll, sleep_ms(m)) != 0)
			poll(NULL, 0, POLL_BROKEN_MS);
		timers_run(m->timers);
		if (backends_is_dirty(m->backends) && !atomic_load(&m->is_stopping))
			backends_settle(m->backends);
	}
}

static void thread_open(struct mdns *m)
{
	const struct AvahiPoll *api;

	m->poll = avahi_simple_poll_new();
	api = avahi_simple_poll_get(m->poll);
	m->timers = timers_new(clock_system());
	m->backends = backends_new(&(struct backends_config){.mdns = &m->cfg,
							     .poll = api,
							     .timers = m->timers,
							     .put = on_event,
							     .ctx = m});
	avahi_simple_poll_set_func(m->poll, poll_noting, m);
	m->watch = api->watch_new(api, m->wake[0], AVAHI_WATCH_IN, on_wake, m);
}

static void thread_close(struct mdns *m)
{
	backends_free(m->backends);
	timers_free(m->timers);
	avahi_simple_poll_get(m->poll)->watch_free(m->watch);
	avahi_simple_poll_free(m->poll);
}

static void mdns_free(struct mdns *m)
{
	const int fds[] = {m->wake[0], m->wake[1], m->ended[0], m->ended[1]};

	queue_free(m->events, mem_free);
	queue_free(m->again, mem_free);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	mem_free(atomic_load(&m->ifaces));
	mem_free(m);
}

static void mdns_leave(struct mdns *m)
{
	if (atomic_fetch_sub(&m->n_owners, 1) == 1)
		mdns_free(m);
}

static void thread_main(void *ctx)
{
	struct mdns *m = ctx;

	thread_open(m);
	take_wishes(m);
	run(m);
	thread_close(m);
	poke(m->ended);
	mdns_leave(m);
}

/* --- the loop's side --- */

static enum err mdns_open(struct mdns *m)
{
	enum err e = queue_new(EVENTS_MAX, &m->events);

	if (e == ERR_OK)
		e = queue_new(AGAIN_MAX, &m->again);
	if (e == ERR_OK && (pipe2(m->wake, O_CLOEXEC | O_NONBLOCK) < 0 ||
			    pipe2(m->ended, O_CLOEXEC | O_NONBLOCK) < 0))
		e = err_from_errno(errno);
	return e;
}

enum err mdns_start(const struct mdns_config *cfg, struct mdns **out)
{
	struct mdns *m = mem_new(sizeof(*m));
	enum err e;

	m->cfg = *cfg;
	m->wake[0] = m->wake[1] = m->ended[0] = m->ended[1] = -1;
	atomic_init(&m->n_owners, 2);
	atomic_init(&m->ifaces, NULL);
	atomic_init(&m->is_visible, cfg->is_visible);
	atomic_init(&m->is_stopping, false);
	e = mdns_open(m);
	if (e == ERR_OK)
		e = thread_start("mdns", thread_main, m, &m->thread);
	if (e == ERR_OK)
		*out = m;
	else
		mdns_free(m);
	return e;
}

void mdns_stop(struct mdns *m)
{
	struct pollfd ended;
	int r;

	if (!m)
		return;
	atomic_store(&m->is_stopping, true);
	poke(m->wake);
	queue_close(m->events);
	ended = (struct pollfd){.fd = m->ended[0], .events = POLLIN};
	while ((r = poll(&ended, 1, STOP_MS)) < 0 && errno == EINTR)
		;
	if (r > 0)
		thread_join(m->thread);
	else
		thread_detach(m->thread);
	mdns_leave(m);
}

int mdns_fd(const struct mdns *m)
{
	return queue_fd(m->events);
}

struct mdns_event *mdns_take(struct mdns *m)
{
	return queue_take(m->events);
}

void mdns_ifaces_set(struct mdns *m, const struct ifaces *ifs)
{
	mem_free(atomic_exchange(&m->ifaces, mem_dup(ifs, sizeof(*ifs))));
	poke(m->wake);
}

void mdns_visible_set(struct mdns *m, bool is_visible)
{
	atomic_store(&m->is_visible, is_visible);
	poke(m->wake);
}

/* When the thread is stuck the oldest questions are enough. */
void mdns_again(struct mdns *m, const char *instance)
{
	char *copy = mem_strdup(instance);

	if (queue_put(m->again, copy) != ERR_OK)
		mem_free(copy);
	poke(m->wake);
}
