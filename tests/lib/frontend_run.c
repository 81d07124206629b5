#include "lib/frontend_run.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "lib/loop_run.h"

enum { LIMIT_MS = 10000, NOT_ENDED = 100, OUT_MAX = 16 << 20 };

static struct fake_front *the_front;

struct fake_front *frontend_run_front(void)
{
	return the_front;
}

/* ---- in the child ---- */

struct outcome {
	bool is_over;
	int status;
};

static void on_end(void *ctx, int status)
{
	struct outcome *o = ctx;
	o->is_over = true;
	o->status = status;
}

static bool is_over(void *ctx)
{
	return ((struct outcome *)ctx)->is_over;
}

static int run_child(const struct frontend_run *r)
{
	struct loop *loop;
	struct outcome outcome = {.status = NOT_ENDED};
	void *impl;
	if (loop_new(&loop) != ERR_OK)
		return NOT_ENDED;
	the_front = fake_front_new(loop);
	fake_front_on_command(the_front, r->on_command, NULL);
	fake_front_delay(the_front, r->delay_ms);
	if (r->earlier != NULL)
		fake_front_emit_notice(the_front, r->earlier);
	struct frontend_config cfg = {
		.is_own_node = r->is_own_node,
		.loop = loop,
		.source = fake_front_source(the_front),
		.command = r->command,
		.then = r->then,
		.is_json = r->is_json,
		.on_end = on_end,
		.ctx = &outcome,
	};
	if (r->ops->start(&cfg, &impl) != ERR_OK)
		return NOT_ENDED;
	loop_until(loop, is_over, &outcome, r->kill_ms ? r->kill_ms : LIMIT_MS);
	r->ops->stop(impl);
	loop_for(loop, 10);
	fake_front_free(the_front);
	loop_free(loop);
	return outcome.status;
}

/* ---- the terminals and pipes ---- */

struct ends {
	int in, out, err; /* ours */
	int child_in, child_out, child_err;
};

static void open_pipe(int *reader, int *writer)
{
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*reader = fds[0];
	*writer = fds[1];
}

static void open_ends(const struct frontend_run *r, struct ends *e)
{
	struct winsize size = {.ws_row = 24, .ws_col = 60};
	open_pipe(&e->err, &e->child_err);
	if (r->is_tty) {
		assert_int_equal(openpty(&e->in, &e->child_in, NULL, NULL, &size), 0);
		e->out = dup(e->in);
		e->child_out = dup(e->child_in);
		return;
	}
	open_pipe(&e->child_in, &e->in);
	open_pipe(&e->out, &e->child_out);
	if (r->has_full_disk) {
		close(e->child_out);
		e->child_out = open("/dev/full", O_WRONLY | O_CLOEXEC);
	}
}

/* True when there may be more. */
static bool take(int *fd, struct buf *to)
{
	uint8_t bytes[4096];
	ssize_t n = read(*fd, bytes, sizeof bytes);
	if (n > 0)
		return buf_add(to, slice_of(bytes, (size_t)n)) == ERR_OK;
	close(*fd);
	*fd = -1;
	return false;
}

static char *text_of(struct buf *b)
{
	char *text = mem_strndup(b->p ? b->p + b->head : (const uint8_t *)"", b->len);
	buf_wipe(b);
	return text;
}

static void collect(struct frontend_run *r, struct ends *e)
{
	struct buf out, err;
	buf_init(&out, OUT_MAX);
	buf_init(&err, OUT_MAX);
	while (e->out >= 0 || e->err >= 0) {
		struct pollfd fds[] = {{.fd = e->out, .events = POLLIN},
				       {.fd = e->err, .events = POLLIN}};
		if (poll(fds, 2, 2 * LIMIT_MS) <= 0)
			break;
		if (fds[0].revents)
			take(&e->out, &out);
		if (fds[1].revents)
			take(&e->err, &err);
	}
	r->out = text_of(&out);
	r->err = text_of(&err);
}

void frontend_run(struct frontend_run *r)
{
	struct ends e;
	int how;
	open_ends(r, &e);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(e.child_in, STDIN_FILENO);
		dup2(e.child_out, STDOUT_FILENO);
		dup2(e.child_err, STDERR_FILENO);
		const int ours[] = {e.in,	e.out,	     e.err,
				    e.child_in, e.child_out, e.child_err};
		for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
			close(ours[i]);
		setenv("TERM", "xterm", 1);
		exit(run_child(r));
	}
	close(e.child_in);
	close(e.child_out);
	close(e.child_err);
	if (r->input)
		assert_int_equal(write(e.in, r->input, strlen(r->input)),
				 (ssize_t)strlen(r->input));
	if (!r->is_tty)
		close(e.in);
	collect(r, &e);
	if (r->is_tty)
		close(e.in);
	assert_int_equal(waitpid(pid, &how, 0), pid);
	if (!WIFEXITED(how))
		fail_msg("the front end crashed: %s", r->err);
	r->status = WEXITSTATUS(how) == NOT_ENDED ? -1 : WEXITSTATUS(how);
}
