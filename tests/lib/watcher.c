#include "lib/watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"

/* Hang limits: what takes that long never comes. */
enum { SOON_MS = 10000, QUIET_MS = 1500 };

/* --- in the process --- */

struct watching {
	struct loop *loop;
	struct loop_watch *commands;
	struct discovery *discovery;
};

static uint64_t now_ms(void)
{
	return clock_mono_ms(clock_system());
}

/* Not through stdout, which holds what the test program has yet to say. */
#define tell(...) dprintf(STDOUT_FILENO, __VA_ARGS__)

static void on_sighting(void *ctx, const struct sighting *s)
{
	char addr[ADDR_TEXT_BYTES];

	(void)ctx;
	addr_str(&s->addr, addr);
	tell("%c id=%02x %s if=%u lo=%d %s\n", s->is_gone ? '-' : '+', s->id.b[0], addr,
	     s->ifindex, s->is_from_loopback, s->instance);
}

static void on_status(void *ctx, const char *backend, const char *trouble)
{
	(void)ctx;
	tell("status %s%s%s\n", backend, trouble ? ": " : "", trouble ? trouble : "");
}

static const struct discovery_events events = {on_sighting, on_status};

static void read_ifaces(struct watching *w)
{
	struct ifaces ifs;

	if (ifaces_read(&ifs) == ERR_OK)
		discovery_ifaces_set(w->discovery, &ifs);
}

static void run_command(struct watching *w, const char *line)
{
	if (strcmp(line, "hide") == 0)
		discovery_visible_set(w->discovery, false);
	else if (strcmp(line, "show") == 0)
		discovery_visible_set(w->discovery, true);
	else if (strcmp(line, "ifaces") == 0 || strcmp(line, "go") == 0)
		read_ifaces(w);
	else if (strncmp(line, "again ", 6) == 0)
		discovery_again(w->discovery, line + 6);
	else if (strncmp(line, "fixed ", 6) == 0)
		discovery_fixed_add(w->discovery, line + 6, NULL);
	else
		loop_stop(w->loop);
}

static void on_command(void *ctx)
{
	char lines[256], *save = NULL;
	ssize_t n = read(STDIN_FILENO, lines, sizeof(lines) - 1);

	if (n <= 0) {
		loop_stop(((struct watching *)ctx)->loop);
		return;
	}
	lines[n] = '\0';
	for (char *s = strtok_r(lines, "\n", &save); s; s = strtok_r(NULL, "\n", &save))
		run_command(ctx, s);
}

static void must(enum err e)
{
	if (e != ERR_OK)
		abort();
}

static void watch(const struct watcher_options *o)
{
	struct watching w = {0};
	struct discovery_config cfg = {.rng = rng_system(),
				       .mode = o->mode,
				       .node_id = {{o->id}},
				       .port = (uint16_t)(7100 + o->id),
				       .is_visible = !o->is_hidden,
				       .use_ip4 = true,
				       .use_ip6 = true,
				       .interfaces = &o->interface,
				       .n_interfaces = o->interface ? 1 : 0};
	uint64_t start;

	secret_init();
	must(loop_new(&w.loop));
	cfg.loop = w.loop;
	must(discovery_start(&cfg, &events, &w, &w.discovery));
	must(loop_watch_start(w.loop, STDIN_FILENO, on_command, &w, &w.commands));
	if (!o->has_own_net)
		read_ifaces(&w);
	loop_run(w.loop);
	start = now_ms();
	discovery_stop(w.discovery);
	tell("stopped %d\n", (int)(now_ms() - start));
	loop_watch_stop(w.commands);
	loop_free(w.loop);
}

/* Its handlers would go on with the tests in this process. Those of a sanitizer,
 * which stood before, cannot be had back; the core's end is seen all the same. */
static void forget_cmocka(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		signal(faults[i], SIG_DFL);
}

static void child(const struct watcher_options *o, int in, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	forget_cmocka();
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	if (o->has_own_net) {
		must(unshare(CLONE_NEWNET) == 0 ? ERR_OK : ERR_PERM);
		tell("ready\n");
	}
	watch(o);
	exit(0); /* so that a sanitizer looks for leaks */
}

/* --- in the test --- */

void watcher_start(struct watcher *w, const struct watcher_options *o)
{
	int in[2], out[2];

	signal(SIGPIPE, SIG_IGN); /* one that died is told nothing more */
	*w = (struct watcher){0};
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		abort();
	fflush(stdout);
	w->pid = fork();
	if (w->pid < 0)
		abort();
	if (w->pid == 0)
		child(o, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	w->in = in[1];
	w->out = out[0];
	if (o->has_own_net && !watcher_sees(w, "ready", 10000))
		abort();
}

static bool read_more(struct watcher *w, int ms)
{
	struct pollfd p = {.fd = w->out, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, ms) <= 0 || w->n == sizeof(w->text) - 1)
		return false;
	n = read(w->out, w->text + w->n, sizeof(w->text) - 1 - w->n);
	if (n <= 0)
		return false;
	w->n += (size_t)n;
	w->text[w->n] = '\0';
	return true;
}

bool watcher_sees(struct watcher *w, const char *needle, unsigned ms)
{
	uint64_t until = now_ms() + ms, now;

	for (;;) {
		if (strstr(w->text, needle))
			return true;
		now = now_ms();
		if (now >= until || !read_more(w, (int)(until - now)))
			return strstr(w->text, needle) != NULL;
	}
}

bool watcher_told(struct watcher *w, const char *needle, bool is_wanted)
{
	bool is_seen = watcher_sees(w, needle, is_wanted ? SOON_MS : QUIET_MS);

	if (is_seen != is_wanted)
		fprintf(stderr, "%s \"%s\" in:\n%s\n", is_wanted ? "no" : "there is",
			needle, w->text);
	return is_seen;
}

void watcher_forget(struct watcher *w)
{
	while (read_more(w, 0))
		w->n = 0;
	w->n = 0;
	w->text[0] = '\0';
}

void watcher_tell(struct watcher *w, const char *command)
{
	dprintf(w->in, "%s\n", command);
}

int watcher_stop(struct watcher *w)
{
	const char *took;
	int status = 0;

	if (w->pid == 0)
		return 0;
	watcher_tell(w, "quit");
	watcher_sees(w, "stopped ", 30000);
	took = strstr(w->text, "stopped ");
	close(w->in);
	if (!took)
		kill(w->pid, SIGKILL);
	waitpid(w->pid, &status, 0);
	close(w->out);
	w->pid = 0;
	return took && status == 0 ? atoi(took + 8) : -1;
}
