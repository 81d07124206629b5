#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "lib/child.h"
#include "lib/loop_run.h"
#include "lib/tempdir.h"
#include "net/stream.h"

enum { LINE_MAX_BYTES = 100, OUT_MAX_BYTES = 1000 };

static struct loop *loop;
static struct stream *stream;

/* What the handlers were told: the lines, each with a | behind it. */
static char lines[4096];
static unsigned n_lines, n_ends, n_drained;
static enum err end_why;
static void (*more_on_line)(struct slice line);

static void on_line(void *ctx, struct slice line)
{
	size_t at = strlen(lines);

	assert_ptr_equal(ctx, &loop);
	n_lines++;
	snprintf(lines + at, sizeof(lines) - at, "%.*s|", (int)line.n,
		 line.n > 0 ? (const char *)line.p : "");
	if (more_on_line != NULL)
		more_on_line(line);
}

static void on_end(void *ctx, enum err why)
{
	(void)ctx;
	n_ends++;
	end_why = why;
}

static void on_drained(void *ctx)
{
	(void)ctx;
	n_drained++;
}

static const struct stream_handlers handlers = {on_line, on_end, on_drained};

static int setup(void **state)
{
	memset(lines, 0, sizeof(lines));
	n_lines = n_ends = n_drained = 0;
	end_why = ERR_BUG;
	more_on_line = NULL;
	stream = NULL;
	return tempdir_setup(state) != 0 || loop_new(&loop) != ERR_OK ? -1 : 0;
}

static int teardown(void **state)
{
	stream_free(stream);
	loop_free(loop);
	return tempdir_teardown(state);
}

static void open_stream(int in, int out)
{
	assert_int_equal(stream_open(loop, in, out, LINE_MAX_BYTES, OUT_MAX_BYTES,
				     &handlers, &loop, &stream),
			 ERR_OK);
}

static bool has_ended(void *ctx)
{
	(void)ctx;
	return n_ends > 0;
}

static void await_end(void)
{
	assert_true(loop_until(loop, has_ended, NULL, 3000));
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static bool is_closed(int fd)
{
	return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

/* --------------------------------------------------------------------- lines */

static int pipe_in[2]; /* we write to [1] */

static void open_pipe(void)
{
	assert_int_equal(pipe(pipe_in), 0);
	open_stream(pipe_in[0], -1);
}

static void lines_come_whole_however_they_were_cut(void **state)
{
	(void)state;
	open_pipe();
	put(pipe_in[1], "one\ntw");
	loop_for(loop, 10);
	assert_string_equal(lines, "one|");
	put(pipe_in[1], "o\r");
	loop_for(loop, 10);
	put(pipe_in[1], "\n\n\r\nfour\rfour\n");
	loop_for(loop, 10);
	assert_string_equal(lines, "one|two|||four\rfour|");
	assert_int_equal(n_ends, 0);
	close(pipe_in[1]);
	await_end();
	assert_int_equal(end_why, ERR_OK);
	assert_int_equal(n_lines, 5);
	loop_for(loop, 10);
	assert_int_equal(n_ends, 1);
}

static void the_last_line_may_lack_its_newline(void **state)
{
	(void)state;
	open_pipe();
	put(pipe_in[1], "a\nb\r");
	close(pipe_in[1]);
	await_end();
	assert_string_equal(lines, "a|b|");
	assert_int_equal(end_why, ERR_OK);
}

static void a_line_may_be_as_long_as_allowed_and_no_longer(void **state)
{
	char line[LINE_MAX_BYTES + 3];

	(void)state;
	memset(line, 'x', sizeof(line));
	open_pipe();
	assert_int_equal(write(pipe_in[1], line, LINE_MAX_BYTES), LINE_MAX_BYTES);
	loop_for(loop, 10);
	put(pipe_in[1], "\r\n");
	loop_for(loop, 10);
	assert_int_equal(n_lines, 1);
	assert_int_equal(strlen(lines), LINE_MAX_BYTES + 1);
	assert_int_equal(write(pipe_in[1], line, LINE_MAX_BYTES + 1), LINE_MAX_BYTES + 1);
	put(pipe_in[1], "\nnext\n");
	await_end();
	assert_int_equal(end_why, ERR_LIMIT);
	assert_int_equal(n_lines, 1);
	close(pipe_in[1]);
}

static void a_line_without_end_is_not_waited_for(void **state)
{
	char line[LINE_MAX_BYTES + 2];

	(void)state;
	memset(line, 'x', sizeof(line));
	open_pipe();
	put(pipe_in[1], "ok\n");
	assert_int_equal(write(pipe_in[1], line, sizeof(line)), sizeof(line));
	await_end();
	assert_int_equal(end_why, ERR_LIMIT);
	assert_string_equal(lines, "ok|");
	close(pipe_in[1]);
}

static void many_lines_come_in_order(void **state)
{
	static char all[60000];
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; at < sizeof(all) - 10; i++)
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%u\n", i);
	open_pipe();
	assert_int_equal(write(pipe_in[1], all, at), at);
	close(pipe_in[1]);
	await_end();
	assert_true(n_lines > 10000);
	/* As many as were noted are the first of them. */
	unsigned next = 0;
	for (char *p = lines, *bar; (bar = strchr(p, '|')) != NULL; p = bar + 1) {
		unsigned got;
		assert_int_equal(sscanf(p, "%u|", &got), 1);
		assert_int_equal(got, next++);
	}
	assert_true(next > 100);
}

static void pause_after_first(struct slice line)
{
	(void)line;
	stream_pause(stream, true);
}

static void a_paused_stream_tells_nothing_and_loses_nothing(void **state)
{
	(void)state;
	open_pipe();
	more_on_line = pause_after_first;
	put(pipe_in[1], "1\n2\n3");
	close(pipe_in[1]);
	loop_for(loop, 10);
	assert_string_equal(lines, "1|");
	stream_pause(stream, false);
	loop_for(loop, 10);
	assert_string_equal(lines, "1|2|");
	assert_int_equal(n_ends, 0);
	stream_pause(stream, false);
	loop_for(loop, 10);
	assert_string_equal(lines, "1|2|3|");
	/* The end was told when it was paused no more. */
	stream_pause(stream, false);
	await_end();
	assert_int_equal(end_why, ERR_OK);
}

static void free_it(struct slice line)
{
	(void)line;
	stream_free(stream);
	stream = NULL;
}

static void a_stream_may_be_freed_while_it_tells(void **state)
{
	(void)state;
	open_pipe();
	more_on_line = free_it;
	put(pipe_in[1], "1\n2\n3");
	close(pipe_in[1]);
	loop_for(loop, 20);
	assert_string_equal(lines, "1|");
	assert_int_equal(n_ends, 0);
	assert_true(is_closed(pipe_in[0]));
}

/* ------------------------------------------------------------ kinds of input */

static void a_regular_file_is_read_to_its_end(void **state)
{
	char *path = tempdir_path(*state, "in");

	tempdir_write(path, slice_str("first\nsecond\nlast"));
	open_stream(open(path, O_RDONLY), -1);
	await_end();
	assert_string_equal(lines, "first|second|last|");
	assert_int_equal(end_why, ERR_OK);
	mem_free(path);
}

static void a_large_file_is_read_while_it_is_paused_at_times(void **state)
{
	char *path = tempdir_path(*state, "in");
	FILE *f = fopen(path, "w");

	for (unsigned i = 0; i < 40000; i++)
		fprintf(f, "line %u\n", i);
	fclose(f);
	open_stream(open(path, O_RDONLY), -1);
	more_on_line = pause_after_first;
	while (n_ends == 0 && n_lines < 50) {
		unsigned before = n_lines;
		stream_pause(stream, false);
		loop_for(loop, 2);
		assert_true(n_lines <= before + 1);
	}
	more_on_line = NULL;
	stream_pause(stream, false);
	await_end();
	assert_int_equal(n_lines, 40000);
	mem_free(path);
}

static bool is_all_written(void *ctx)
{
	(void)ctx;
	return stream_queued(stream) == 0;
}

static void dev_null_ends_at_once(void **state)
{
	(void)state;
	open_stream(open("/dev/null", O_RDONLY), open("/dev/null", O_WRONLY));
	assert_int_equal(stream_write(stream, slice_str("nowhere\n")), ERR_OK);
	await_end();
	assert_int_equal(end_why, ERR_OK);
	assert_int_equal(n_lines, 0);
	assert_true(loop_until(loop, is_all_written, NULL, 3000));
}

static void a_folder_is_an_error(void **state)
{
	open_stream(open(*state, O_RDONLY | O_DIRECTORY), -1);
	await_end();
	assert_int_equal(end_why, ERR_IO);
}

static void a_closed_descriptor_ends_at_once(void **state)
{
	(void)state;
	assert_true(is_closed(1000) && is_closed(1001));
	open_stream(1000, 1001);
	assert_int_equal(n_ends, 0);
	await_end();
	assert_int_equal(end_why, ERR_OK);
	assert_int_equal(stream_write(stream, slice_str("x")), ERR_IO);
}

static void nothing_is_a_stream_too(void **state)
{
	(void)state;
	open_stream(-1, -1);
	loop_for(loop, 10);
	assert_int_equal(n_ends, 0);
	assert_int_equal(stream_write(stream, slice_str("x")), ERR_IO);
	stream_free(NULL);
}

static void a_terminal_gives_lines(void **state)
{
	char screen[64] = {0};
	int master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	open_stream(slave, dup(slave));
	put(master, "typed\n");
	loop_for(loop, 20);
	assert_string_equal(lines, "typed|");
	assert_int_equal(stream_write(stream, slice_str("shown\n")), ERR_OK);
	loop_for(loop, 10);
	assert_true(read(master, screen, sizeof(screen) - 1) > 0);
	assert_non_null(strstr(screen, "shown\r\n"));
	/* Control-D at the start of a line. */
	put(master, "\x04");
	await_end();
	assert_int_equal(end_why, ERR_OK);
	close(master);
}

static void a_terminal_that_hangs_up_ends(void **state)
{
	int master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	open_stream(slave, -1);
	loop_for(loop, 5);
	close(master);
	await_end();
	assert_true(end_why == ERR_OK || end_why == ERR_IO);
}

/* -------------------------------------------------------------------- output */

static int sockets[2];

static void open_socket(void)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	fcntl(sockets[1], F_SETFL, O_NONBLOCK);
	open_stream(sockets[0], sockets[0]);
}

static size_t drain_socket(void)
{
	char got[4096];
	size_t all = 0;
	ssize_t n;

	while ((n = read(sockets[1], got, sizeof(got))) > 0)
		all += (size_t)n;
	return all;
}

static void a_socket_serves_both_ways(void **state)
{
	char got[32] = {0};

	(void)state;
	open_socket();
	put(sockets[1], "question\n");
	assert_int_equal(stream_write(stream, slice_str("answer")), ERR_OK);
	loop_for(loop, 10);
	assert_string_equal(lines, "question|");
	assert_int_equal(read(sockets[1], got, sizeof(got)), 6);
	assert_string_equal(got, "answer");
	stream_free(stream);
	stream = NULL;
	loop_for(loop, 10);
	assert_int_equal(read(sockets[1], got, sizeof(got)), 0);
	assert_true(is_closed(sockets[0]));
	close(sockets[1]);
}

static void a_full_queue_is_told_and_so_is_its_end(void **state)
{
	static char chunk[900];
	size_t sent = 0;

	(void)state;
	open_socket();
	/* The kernel's own buffer first. */
	for (unsigned i = 0; i < 10000 && n_drained == 0; i++) {
		enum err e = stream_write(stream, slice_of(chunk, sizeof(chunk)));
		sent += e == ERR_OK ? sizeof(chunk) : 0;
		if (e == ERR_FULL)
			break;
		assert_int_equal(e, ERR_OK);
		loop_for(loop, 0);
	}
	size_t queued = stream_queued(stream);
	assert_in_range(queued, 1, OUT_MAX_BYTES);
	assert_int_equal(n_drained, 0);
	size_t got = drain_socket();
	loop_for(loop, 20);
	got += drain_socket();
	assert_int_equal(n_drained, 1);
	assert_int_equal(stream_queued(stream), 0);
	assert_int_equal(got, sent);
	loop_for(loop, 10);
	assert_int_equal(n_drained, 1);
	close(sockets[1]);
}

static void all_of_it_is_queued_or_nothing(void **state)
{
	static char chunk[OUT_MAX_BYTES + 1];

	(void)state;
	open_socket();
	assert_int_equal(stream_write(stream, slice_of(chunk, sizeof(chunk))), ERR_FULL);
	assert_int_equal(stream_queued(stream), 0);
	assert_int_equal(stream_write(stream, slice_of(chunk, OUT_MAX_BYTES)), ERR_OK);
	assert_int_equal(stream_write(stream, slice_str("x")), ERR_FULL);
	assert_int_equal(stream_queued(stream), OUT_MAX_BYTES);
	loop_for(loop, 10);
	assert_int_equal(drain_socket(), OUT_MAX_BYTES);
	close(sockets[1]);
}

static void what_was_said_before_the_reader_went_is_heard(void **state)
{
	(void)state;
	open_socket();
	put(sockets[1], "last\n");
	close(sockets[1]);
	assert_int_equal(stream_write(stream, slice_str("too late")), ERR_OK);
	await_end();
	assert_string_equal(lines, "last|");
	assert_int_equal(stream_write(stream, slice_str("x")), ERR_IO);
}

static void without_its_reader_a_pipe_is_an_error(void **state)
{
	int in[2], out[2];

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	open_stream(in[0], out[1]);
	close(out[0]);
	assert_int_equal(stream_write(stream, slice_str("x")), ERR_OK);
	await_end();
	assert_int_equal(end_why, ERR_IO);
	assert_int_equal(stream_write(stream, slice_str("x")), ERR_IO);
	assert_int_equal(n_ends, 1);
	close(in[1]);
}

static void what_is_queued_is_written_after_free(void **state)
{
	static char chunk[OUT_MAX_BYTES];

	(void)state;
	open_socket();
	while (stream_write(stream, slice_of(chunk, sizeof(chunk))) == ERR_OK)
		loop_for(loop, 0);
	size_t queued = stream_queued(stream);
	assert_true(queued > 0);
	stream_free(stream);
	stream = NULL;
	loop_for(loop, 20);
	assert_false(is_closed(sockets[0]));
	size_t got = drain_socket();
	loop_for(loop, 20);
	got += drain_socket();
	assert_true(got > queued);
	assert_true(is_closed(sockets[0]));
	close(sockets[1]);
}

static void a_reader_that_does_not_read_is_not_waited_for_long(void **state)
{
	static char chunk[OUT_MAX_BYTES];

	(void)state;
	open_socket();
	while (stream_write(stream, slice_of(chunk, sizeof(chunk))) == ERR_OK)
		loop_for(loop, 0);
	stream_free(stream);
	stream = NULL;
	loop_for(loop, 500);
	assert_false(is_closed(sockets[0]));
	loop_for(loop, 700);
	assert_true(is_closed(sockets[0]));
	close(sockets[1]);
}

static void a_file_takes_all_in_order(void **state)
{
	char *path = tempdir_path(*state, "out"), *got;
	char line[32];
	size_t at = 0;

	open_stream(-1, open(path, O_WRONLY | O_CREAT, 0600));
	for (unsigned i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "line %03u\n", i);
		while (stream_write(stream, slice_str(line)) == ERR_FULL)
			loop_for(loop, 1);
	}
	assert_true(n_drained > 0);
	stream_free(stream);
	stream = NULL;
	loop_for(loop, 100);
	got = tempdir_read(path);
	assert_int_equal(strlen(got), 500 * 9);
	for (unsigned i = 0; i < 500; i++, at += 9) {
		snprintf(line, sizeof(line), "line %03u\n", i);
		assert_memory_equal(got + at, line, 9);
	}
	mem_free(got);
	mem_free(path);
}

static void flush_writes_without_the_loop(void **state)
{
	char *path = tempdir_path(*state, "out"), *got;

	/* Slow, and often, so that the first is under way when flush is called. */
	open_stream(-1, open(path, O_WRONLY | O_CREAT | O_SYNC, 0600));
	for (unsigned i = 1; i <= 100; i++) {
		assert_int_equal(stream_write(stream, slice_str("one ")), ERR_OK);
		loop_for(loop, 0);
		assert_int_equal(stream_write(stream, slice_str("two ")), ERR_OK);
		stream_flush(stream, 1000);
		assert_int_equal(stream_queued(stream), 0);
		got = tempdir_read(path);
		assert_int_equal(strlen(got), i * 8);
		assert_string_equal(got + (i - 1) * 8, "one two ");
		mem_free(got);
	}
	mem_free(path);
}

static void flush_gives_up_in_time(void **state)
{
	static char chunk[OUT_MAX_BYTES];

	(void)state;
	open_socket();
	while (stream_write(stream, slice_of(chunk, sizeof(chunk))) == ERR_OK)
		loop_for(loop, 0);
	uint64_t start = clock_mono_ms(clock_system());
	stream_flush(stream, 100);
	assert_in_range(clock_mono_ms(clock_system()) - start, 100, 1000);
	assert_true(stream_queued(stream) > 0);
	drain_socket();
	stream_flush(stream, 1000);
	assert_int_equal(stream_queued(stream), 0);
	close(sockets[1]);
}

/* ---------------------------------------------------------- standard streams */

enum { WRONG = 4 };

static bool blocks(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

/* stdin and stdout lead to one terminal, as they do for people. */
static void use_terminal(void *ctx)
{
	struct stream *in, *out;
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) != 0 || setup(ctx) != 0)
		_exit(WRONG);
	for (int fd = 0; fd < 3; fd++)
		dup2(slave, fd);
	close(slave);
	open_stream(STDIN_FILENO, STDOUT_FILENO);
	in = stream;
	if (blocks(STDIN_FILENO) || blocks(STDOUT_FILENO))
		_exit(WRONG);
	open_stream(-1, STDERR_FILENO);
	out = stream;
	stream_free(in);
	loop_for(loop, 5);
	/* The other still needs it. */
	if (blocks(STDERR_FILENO))
		_exit(WRONG);
	stream_free(out);
	loop_for(loop, 5);
	if (!blocks(STDIN_FILENO) || !blocks(STDOUT_FILENO) || !blocks(STDERR_FILENO))
		_exit(WRONG);
	loop_free(loop);
}

static void a_shared_terminal_is_given_back_as_it_was(void **state)
{
	assert_int_equal(child_run(use_terminal, state), 0);
}

static void use_pipes(void *ctx)
{
	int in[2], out[2];

	if (pipe(in) != 0 || pipe(out) != 0 || setup(ctx) != 0)
		_exit(WRONG);
	fcntl(out[1], F_SETFL, O_NONBLOCK);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	open_stream(STDIN_FILENO, STDOUT_FILENO);
	stream_free(stream);
	/* Also when the loop runs no more. */
	loop_free(loop);
	if (!blocks(STDIN_FILENO) || blocks(STDOUT_FILENO))
		_exit(WRONG);
}

static void standard_pipes_stay_open_and_as_they_were(void **state)
{
	assert_int_equal(child_run(use_pipes, state), 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(lines_come_whole_however_they_were_cut),
		T(the_last_line_may_lack_its_newline),
		T(a_line_may_be_as_long_as_allowed_and_no_longer),
		T(a_line_without_end_is_not_waited_for),
		T(many_lines_come_in_order),
		T(a_paused_stream_tells_nothing_and_loses_nothing),
		T(a_stream_may_be_freed_while_it_tells),
		T(a_regular_file_is_read_to_its_end),
		T(a_large_file_is_read_while_it_is_paused_at_times),
		T(dev_null_ends_at_once),
		T(a_folder_is_an_error),
		T(a_closed_descriptor_ends_at_once),
		T(nothing_is_a_stream_too),
		T(a_terminal_gives_lines),
		T(a_terminal_that_hangs_up_ends),
		T(a_socket_serves_both_ways),
		T(a_full_queue_is_told_and_so_is_its_end),
		T(all_of_it_is_queued_or_nothing),
		T(what_was_said_before_the_reader_went_is_heard),
		T(without_its_reader_a_pipe_is_an_error),
		T(what_is_queued_is_written_after_free),
		T(a_reader_that_does_not_read_is_not_waited_for_long),
		T(a_file_takes_all_in_order),
		T(flush_writes_without_the_loop),
		T(flush_gives_up_in_time),
		T(a_shared_terminal_is_given_back_as_it_was),
		T(standard_pipes_stay_open_and_as_they_were),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
