/*
 * stream: see the header. What can be waited for goes through io; what cannot, a
 * regular file or /dev/null, through fileio. All calls of the handlers come from the
 * stream's own part of the end of the tick.
 */
#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/fileio.h"
#include "net/io.h"
#include "net/stdfd.h"

enum {
	LINGER_MS = 1000,
	/* Of an empty input queue. */
	KEEP_BYTES = 4096
};

/* One direction. Both io and file are NULL when it is not there. */
struct lane {
	int fd; /* -1: none */
	struct io *io; /* in of a stream with one descriptor serves both */
	struct fileio *file;
};

struct stream {
	struct loop *loop;
	struct stream_handlers h;
	void *ctx;
	struct lane in, out;
	bool is_single; /* in.fd == out.fd */
	bool holds_stdfd;

	struct buf input; /* lines that are not told yet */
	size_t scanned; /* of input: no newline up to there */
	size_t line_max;
	bool is_paused;
	bool is_over; /* nothing more is read */
	bool is_end_told;
	enum err end_why;

	struct buf output;
	bool is_blocked; /* until the descriptor is writable */
	bool is_broken; /* the reader went */
	bool wants_drained;

	bool is_freed;
	struct timer linger;
	struct loop_tick tick;
};

/* ------------------------------------------------------------------- lanes */

static bool wants_to_read(const struct stream *s)
{
	return !s->is_over && !s->is_paused && !s->is_freed;
}

static void update_wants(struct stream *s)
{
	unsigned read = wants_to_read(s) ? IO_READ : 0;
	unsigned write = s->is_blocked ? IO_WRITE : 0;

	if (s->is_single && s->in.io != NULL) {
		io_want(s->in.io, read | write);
		return;
	}
	if (s->in.io != NULL)
		io_want(s->in.io, read);
	if (s->out.io != NULL)
		io_want(s->out.io, write);
}

static bool is_open(int fd)
{
	return fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

static enum err lane_open(struct stream *s, struct lane *lane, int fd, io_fn *on_ready,
			  void (*on_file)(void *ctx, ssize_t n))
{
	enum err e = io_new(s->loop, fd, on_ready, s, &lane->io);

	/* A file reads and writes at one place, so it does not serve as both. */
	if (e == ERR_PERM && !s->is_single) {
		lane->file = fileio_new(s->loop, fd, on_file, s);
		e = ERR_OK;
	}
	if (e == ERR_OK)
		lane->fd = fd;
	return e;
}

static void lane_close(struct lane *lane, bool is_fd_closed)
{
	bool is_closed = is_fd_closed && lane->fd >= 0 && !stdfd_is(lane->fd);

	io_free(lane->io);
	if (lane->file != NULL)
		fileio_free(lane->file, is_closed);
	else if (is_closed)
		close(lane->fd);
}

/* ------------------------------------------------------------------- input */

static void end_input(struct stream *s, enum err why)
{
	if (s->is_over)
		return;
	s->is_over = true;
	s->end_why = why;
	loop_again(s->loop);
}

/* n as read returns it, or a negative errno. */
static void take_input(struct stream *s, const uint8_t *bytes, ssize_t n)
{
	if (n == -EAGAIN || n == -EINTR || s->is_over)
		return;
	if (n <= 0) {
		end_input(s, n == 0 ? ERR_OK : ERR_IO);
		return;
	}
	/* There is room: a line that is too long has been noticed before. */
	if (buf_add(&s->input, slice_of(bytes, (size_t)n)) != ERR_OK)
		end_input(s, ERR_LIMIT);
}

static void read_io(struct stream *s)
{
	uint8_t *at = loop_scratch(s->loop);
	ssize_t n = read(s->in.fd, at, LOOP_SCRATCH_BYTES);

	take_input(s, at, n >= 0 ? n : -errno);
	loop_again(s->loop);
}

static void on_file_read(void *ctx, ssize_t n)
{
	struct stream *s = ctx;

	take_input(s, fileio_bytes(s->in.file).p, n);
}

/* One line, or the last one without its newline; *used counts the newline too. */
static bool find_line(struct stream *s, struct slice *line, size_t *used)
{
	struct slice all = buf_slice(&s->input);
	const uint8_t *end = NULL;

	if (all.n > s->scanned)
		end = memchr(all.p + s->scanned, '\n', all.n - s->scanned);
	s->scanned = all.n;
	if (end == NULL && (!s->is_over || all.n == 0))
		return false;
	*line = slice_of(all.p, end != NULL ? (size_t)(end - all.p) : all.n);
	*used = line->n + (end != NULL);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	s->scanned = 0;
	return true;
}

static void refuse_line(struct stream *s)
{
	s->is_over = true;
	s->end_why = ERR_LIMIT;
	s->scanned = 0;
	buf_clear(&s->input, 0);
}

static void tell_lines(struct stream *s)
{
	struct slice line;
	size_t used;

	while (!s->is_paused && !s->is_freed && find_line(s, &line, &used)) {
		if (line.n > s->line_max) {
			refuse_line(s);
			break;
		}
		loop_again(s->loop);
		s->h.on_line(s->ctx, line);
		buf_drop(&s->input, used);
	}
	/* One more may be the return before the newline. */
	if (s->input.len > s->line_max + 1 && s->scanned == s->input.len)
		refuse_line(s);
	if (s->input.len == 0)
		buf_clear(&s->input, KEEP_BYTES);
}

static void tell_end(struct stream *s)
{
	if (!s->is_over || s->is_end_told || s->is_freed || s->input.len > 0)
		return;
	s->is_end_told = true;
	loop_again(s->loop);
	s->h.on_end(s->ctx, s->end_why);
}

/* ------------------------------------------------------------------ output */

/* With one descriptor for both, reading tells why, after what was said before. */
static void break_output(struct stream *s)
{
	s->is_broken = true;
	s->is_blocked = false;
	buf_clear(&s->output, 0);
	if (!s->is_single)
		end_input(s, ERR_IO);
	loop_again(s->loop);
}

/* n as write returns it, or a negative errno. */
static void on_written(struct stream *s, ssize_t n)
{
	if (n > 0)
		buf_drop(&s->output, (size_t)n);
	else if (n == 0 || n == -EAGAIN)
		s->is_blocked = true;
	else if (n != -EINTR)
		break_output(s);
}

static void on_file_written(void *ctx, ssize_t n)
{
	on_written(ctx, n);
}

static void write_some(struct stream *s)
{
	struct slice out = buf_slice(&s->output);
	ssize_t n = write(s->out.fd, out.p, out.n);

	on_written(s, n >= 0 ? n : -errno);
}

static void flush(struct stream *s)
{
	if (s->out.file != NULL) {
		if (s->output.len > 0 && !fileio_is_busy(s->out.file))
			fileio_write(s->out.file, buf_slice(&s->output));
		return;
	}
	while (s->output.len > 0 && !s->is_blocked)
		write_some(s);
}

static void tell_drained(struct stream *s)
{
	if (!s->wants_drained || s->output.len > 0 || s->is_broken || s->is_freed)
		return;
	s->wants_drained = false;
	buf_clear(&s->output, 0);
	loop_again(s->loop);
	if (s->h.on_drained != NULL)
		s->h.on_drained(s->ctx);
}

/* -------------------------------------------------------------------- tick */

static void on_ready_in(void *ctx, unsigned ready)
{
	struct stream *s = ctx;

	if (ready & IO_WRITE)
		s->is_blocked = false;
	if ((ready & IO_READ) && wants_to_read(s))
		read_io(s);
}

static void on_ready_out(void *ctx, unsigned ready)
{
	struct stream *s = ctx;

	(void)ready;
	s->is_blocked = false;
}

static void destroy(struct stream *s, bool is_fd_closed)
{
	timer_stop(&s->linger);
	loop_tick_del(&s->tick);
	if (s->is_single)
		s->out = (struct lane){.fd = -1};
	lane_close(&s->in, is_fd_closed);
	lane_close(&s->out, is_fd_closed);
	buf_wipe(&s->input);
	buf_wipe(&s->output);
	if (s->holds_stdfd)
		stdfd_release();
	mem_free(s);
}

static void on_tick(void *ctx)
{
	struct stream *s = ctx;

	tell_lines(s);
	tell_end(s);
	flush(s);
	tell_drained(s);
	if (s->is_freed && s->output.len == 0) {
		destroy(s, true);
		return;
	}
	if (s->in.file != NULL && wants_to_read(s) && !fileio_is_busy(s->in.file))
		fileio_read(s->in.file);
	update_wants(s);
}

/* ------------------------------------------------------------------ public */

static enum err open_lanes(struct stream *s, int in, int out)
{
	enum err e = ERR_OK;

	s->is_single = in >= 0 && in == out;
	if (is_open(in))
		e = lane_open(s, &s->in, in, on_ready_in, on_file_read);
	else
		s->is_over = in >= 0;
	if (s->is_single)
		s->out = s->in;
	else if (is_open(out) && e == ERR_OK)
		e = lane_open(s, &s->out, out, on_ready_out, on_file_written);
	s->is_broken = s->out.fd < 0;
	return e;
}

enum err stream_open(struct loop *l, int in, int out, size_t line_max, size_t out_max,
		     const struct stream_handlers *h, void *ctx, struct stream **outp)
{
	struct stream *s = mem_new(sizeof(*s));

	*outp = NULL;
	s->loop = l;
	s->h = *h;
	s->ctx = ctx;
	s->line_max = line_max;
	s->in.fd = s->out.fd = -1;
	buf_init(&s->input, line_max + 2 + LOOP_SCRATCH_BYTES);
	buf_init(&s->output, out_max);
	loop_tick_add(l, &s->tick, on_tick, s);
	s->holds_stdfd = stdfd_is(in) || stdfd_is(out);
	if (s->holds_stdfd)
		stdfd_hold();
	enum err e = open_lanes(s, in, out);
	if (e != ERR_OK) {
		destroy(s, false);
		return e;
	}
	loop_again(l);
	*outp = s;
	return ERR_OK;
}

enum err stream_write(struct stream *s, struct slice bytes)
{
	if (s->is_broken || s->is_freed)
		return ERR_IO;
	enum err e = buf_add(&s->output, bytes);
	if (e != ERR_OK)
		s->wants_drained = true;
	loop_again(s->loop);
	return e;
}

void stream_pause(struct stream *s, bool is_paused)
{
	s->is_paused = is_paused;
	loop_again(s->loop);
}

size_t stream_queued(const struct stream *s)
{
	return s->output.len;
}

static void on_linger_over(void *ctx)
{
	destroy(ctx, true);
}

void stream_free(struct stream *s)
{
	if (s == NULL || s->is_freed)
		return;
	s->is_freed = true;
	timer_set(loop_timers(s->loop), &s->linger, LINGER_MS, on_linger_over, s);
	loop_again(s->loop);
}

/* ------------------------------------------------------------------- flush */

static uint64_t now_ms(void)
{
	return clock_mono_ms(clock_system());
}

static bool wait_writable(int fd, uint64_t until)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	uint64_t now = now_ms();

	return now < until && poll(&p, 1, (int)(until - now)) > 0;
}

void stream_flush(struct stream *s, unsigned ms)
{
	uint64_t until = now_ms() + ms;

	if (s->out.file != NULL && !fileio_wait(s->out.file, ms))
		return;
	while (s->output.len > 0) {
		s->is_blocked = false;
		write_some(s);
		if (s->is_blocked && !wait_writable(s->out.fd, until))
			break;
	}
	loop_again(s->loop);
}
