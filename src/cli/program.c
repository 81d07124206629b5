#include "cli/program.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/config.h"
#include "cli/identity_open.h"

enum {
	/* Another that has the lock and no socket: a command of the shell on a node of
	 * its own, or a node that has just been started. */
	LOCK_WAIT_MS = 15000,
	LOCK_QUIET_MS = 2000, /* longer than that people wonder */
	LOCK_LOOK_MS = 30,
	GONE_MS = 200,
	SIGNAL_STATUS = 128
};

/* ---- the end ---- */

static void on_goodbye(void *ctx)
{
	struct program *p = ctx;
	loop_stop(p->loop);
}

/* Front ends first, so that nothing new is asked for; what they have queued is still
 * written. */
static void on_end_timer(void *ctx)
{
	struct program *p = ctx;
	while (p->n_frontends > 0) {
		p->n_frontends--;
		p->frontends[p->n_frontends].ops->stop(p->frontends[p->n_frontends].impl);
	}
	if (p->node)
		node_goodbye(p->node, on_goodbye, p);
	else
		loop_stop(p->loop);
}

static void end(struct program *p, int status)
{
	if (p->is_ending)
		return;
	p->is_ending = true;
	p->status = status;
	timer_set(loop_timers(p->loop), &p->end_timer, 0, on_end_timer, p);
}

static void on_frontend_end(void *ctx, int status)
{
	end(ctx, status);
}

static void on_gone_timer(void *ctx)
{
	end(ctx, STATUS_LOCAL);
}

/* A front end that has had its answer, as that to quit --node, ends by itself and knows
 * better how it went. */
static void on_gone(void *ctx)
{
	struct program *p = ctx;
	if (!p->is_ending)
		timer_set(loop_timers(p->loop), &p->end_timer, GONE_MS, on_gone_timer, p);
}

static void on_node_stop(void *ctx)
{
	end(ctx, STATUS_DONE);
}

/* ---- signals ---- */

static void on_end_signal(void *ctx, int signum)
{
	struct program *p = ctx;
	if (p->is_ending)
		loop_stop(p->loop); /* they do not want to wait for goodbyes */
	end(p, p->interrupted >= 0 ? p->interrupted : SIGNAL_STATUS + signum);
}

static void on_option(void *ctx, enum option id)
{
	core_option_changed(ctx, id);
}

static void on_hangup(void *ctx, int signum)
{
	struct program *p = ctx;
	char *why = NULL;
	if (!p->rereads || !p->node) {
		on_end_signal(ctx, signum);
		return;
	}
	struct core *core = node_core(p->node);
	if (config_reload(p->options, &p->files, p->paths, on_option, core, &why) ==
	    ERR_OK)
		core_notice(core, "info", "the configuration was read again");
	else
		core_notice(core, "warning", "the configuration stays as it was: %s",
			    why ? why : "it cannot be read");
	mem_free(why);
}

static enum status catch_signals(struct program *p)
{
	static const struct {
		int signum;
		void (*fn)(void *ctx, int signum);
	} rows[PROGRAM_SIGNALS] = {
		{SIGINT, on_end_signal},
		{SIGTERM, on_end_signal},
		{SIGHUP, on_hangup},
	};
	for (size_t i = 0; i < PROGRAM_SIGNALS; i++) {
		enum err e = loop_signal_start(p->loop, rows[i].signum, rows[i].fn, p,
					       &p->signals[i]);
		if (e == ERR_OK)
			continue;
		say("cannot watch for signals: %s", err_str(e));
		return STATUS_LOCAL;
	}
	return STATUS_DONE;
}

/* ---- start ---- */

enum status program_init(struct program *p, struct options *o, const struct paths *paths,
			 const char *profile)
{
	*p = (struct program){
		.options = o, .paths = paths, .profile = profile, .lock = -1};
	enum err e = loop_new(&p->loop);
	if (e == ERR_OK)
		return STATUS_DONE;
	say("cannot start: %s", err_str(e));
	return STATUS_LOCAL;
}

static enum status make_dir(const char *path)
{
	enum err e = file_make_private_dir(path);
	if (e == ERR_OK)
		return STATUS_DONE;
	char *text =
		say_file("use the folder", path, e,
			 e == ERR_PERM ? "it must be yours and closed to others: chmod "
					 "700 it, or choose another by XDG_DATA_HOME "
					 "and XDG_RUNTIME_DIR"
				       : NULL);
	say("%s", text);
	mem_free(text);
	return STATUS_LOCAL;
}

static enum status fail_file(const char *what, const char *path, enum err e)
{
	char *text = say_file(what, path, e, NULL);
	say("%s", text);
	mem_free(text);
	return STATUS_LOCAL;
}

/* One look: ERR_OK: found or locked; ERR_LOCKED: somebody has it and does not answer
 * yet; ERR_IO: it failed and was said. */
static enum err look(struct program *p)
{
	enum err e = attach_start(p->loop, p->paths->socket, on_gone, p, &p->attach);
	if (e == ERR_OK)
		return e;
	if (e != ERR_MISSING) {
		fail_file("reach the running node at", p->paths->socket, e);
		return ERR_IO;
	}
	e = file_lock(p->paths->lock, &p->lock);
	if (e == ERR_OK || e == ERR_LOCKED)
		return e;
	fail_file("lock the profile by", p->paths->lock, e);
	return ERR_IO;
}

enum status program_find(struct program *p)
{
	static const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
	uint64_t began = clock_mono_ms(clock_system()), waited = 0;
	bool is_said = false;
	enum err e;
	if (make_dir(p->paths->data_dir) != STATUS_DONE)
		return STATUS_LOCAL;
	while ((e = look(p)) == ERR_LOCKED && waited < LOCK_WAIT_MS) {
		if (waited >= LOCK_QUIET_MS && !is_said) {
			is_said = true;
			say("another command uses the profile '%s': waiting for it, %d s "
			    "at most",
			    p->profile, LOCK_WAIT_MS / 1000);
		}
		nanosleep(&pause, NULL);
		waited = clock_mono_ms(clock_system()) - began;
	}
	if (e == ERR_LOCKED)
		say("another p2pmsg uses the profile '%s' and does not answer: wait "
		    "until it has ended, or be somebody else with --profile NAME",
		    p->profile);
	return e == ERR_OK ? STATUS_DONE : STATUS_LOCAL;
}

enum status program_start_node(struct program *p, bool is_networked, bool is_storeless)
{
	enum status s = identity_open(p->paths, p->options, rng_system(), &p->identity);
	if (s != STATUS_DONE)
		return s;
	struct node_config cfg = {
		.loop = p->loop,
		.options = p->options,
		.paths = p->paths,
		.identity = p->identity,
		.profile = p->profile,
		.is_networked = is_networked,
		.is_storeless = is_storeless,
		.on_stop = on_node_stop,
		.ctx = p,
	};
	return node_start(&cfg, &p->node);
}

static enum status fail_frontend(const struct program *p, const struct frontend_ops *ops,
				 enum err e)
{
	if (ops != &frontend_control) {
		say("cannot use standard input and output: %s", err_str(e));
		return STATUS_LOCAL;
	}
	if (e == ERR_IN_USE)
		say("a node of the profile '%s' runs already", p->profile);
	else
		fail_file("listen at the control socket", p->paths->socket, e);
	return STATUS_LOCAL;
}

enum status program_add_frontend(struct program *p, const struct frontend_ops *ops,
				 struct frontend_config *cfg)
{
	cfg->loop = p->loop;
	cfg->source = p->attach ? attach_source(p->attach)
				: core_front_source(node_core(p->node));
	cfg->is_own_node = p->attach == NULL;
	cfg->socket = p->paths->socket;
	cfg->on_end = on_frontend_end;
	cfg->ctx = p;
	if (ops == &frontend_control && make_dir(p->paths->socket_dir) != STATUS_DONE)
		return STATUS_LOCAL;
	void *impl;
	enum err e = ops->start(cfg, &impl);
	if (e != ERR_OK)
		return fail_frontend(p, ops, e);
	p->frontends[p->n_frontends].ops = ops;
	p->frontends[p->n_frontends++].impl = impl;
	return STATUS_DONE;
}

/* ---- run ---- */

int program_run(struct program *p)
{
	enum status s = catch_signals(p);
	if (s != STATUS_DONE)
		return (int)s;
	loop_run(p->loop);
	return p->status;
}

void program_wipe(struct program *p)
{
	timer_stop(&p->end_timer);
	while (p->n_frontends > 0) {
		p->n_frontends--;
		p->frontends[p->n_frontends].ops->stop(p->frontends[p->n_frontends].impl);
	}
	for (size_t i = 0; i < PROGRAM_SIGNALS; i++)
		loop_signal_stop(p->signals[i]);
	attach_stop(p->attach);
	node_stop(p->node);
	loop_free(p->loop);
	identity_free(p->identity);
	options_free(p->files);
	if (p->lock >= 0)
		close(p->lock);
}
