#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/loop_run.h"
#include "lib/tempdir.h"
#include "net/stream.h"

static struct loop *loop;
static char *path;
static int client_fd;

static void on_client(void *ctx, int fd)
{
	assert_ptr_equal(ctx, &loop);
	assert_int_equal(client_fd, -1);
	client_fd = fd;
}

static int setup(void **state)
{
	if (tempdir_setup(state) != 0 || loop_new(&loop) != ERR_OK)
		return -1;
	path = tempdir_path(*state, "sock");
	client_fd = -1;
	return 0;
}

static int teardown(void **state)
{
	mem_free(path);
	loop_free(loop);
	return tempdir_teardown(state);
}

static struct local_server *listen_here(void)
{
	struct local_server *s;

	assert_int_equal(local_listen(loop, path, on_client, &loop, &s), ERR_OK);
	return s;
}

static mode_t mode_of(const char *at)
{
	struct stat st;

	return lstat(at, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void a_client_is_heard(void **state)
{
	struct local_server *s = listen_here();
	char got[8] = {0};
	int fd;

	(void)state;
	assert_int_equal(local_connect(path, &fd), ERR_OK);
	loop_for(loop, 10);
	assert_true(client_fd >= 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(read(client_fd, got, sizeof(got)), 5);
	assert_string_equal(got, "hello");
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(client_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	close(client_fd);
	local_stop(s);
	assert_int_equal(local_connect(path, &fd), ERR_MISSING);
	assert_int_equal(access(path, F_OK), -1);
	local_stop(NULL);
}

static void only_its_owner_may_connect_whatever_the_umask(void **state)
{
	mode_t old = umask(0);
	struct local_server *s = listen_here();

	(void)state;
	assert_int_equal(umask(old), 0);
	assert_int_equal(mode_of(path), 0600);
	local_stop(s);
}

static void a_second_server_finds_it_in_use(void **state)
{
	struct local_server *s = listen_here(), *second;
	int fd;

	(void)state;
	assert_int_equal(local_listen(loop, path, on_client, &loop, &second), ERR_IN_USE);
	assert_null(second);
	assert_int_equal(local_connect(path, &fd), ERR_OK);
	close(fd);
	local_stop(s);
}

/* As a node leaves it that was killed. */
static void leave_stale(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(sa.sun_path, path, sizeof(sa.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_stale_socket_is_replaced(void **state)
{
	int fd;

	(void)state;
	leave_stale();
	assert_int_equal(local_connect(path, &fd), ERR_MISSING);
	assert_int_equal(fd, -1);
	struct local_server *s = listen_here();
	assert_int_equal(local_connect(path, &fd), ERR_OK);
	close(fd);
	local_stop(s);
}

static void what_is_no_socket_is_left_alone(void **state)
{
	struct local_server *s;
	char *other = tempdir_path(*state, "other"), *kept;

	tempdir_write(path, slice_str("precious"));
	assert_int_equal(local_listen(loop, path, on_client, &loop, &s), ERR_EXISTS);
	kept = tempdir_read(path);
	assert_string_equal(kept, "precious");
	mem_free(kept);
	unlink(path);
	/* A link is not followed, be it to a socket. */
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(local_listen(loop, path, on_client, &loop, &s), ERR_EXISTS);
	assert_int_equal(access(other, F_OK), -1);
	mem_free(other);
}

static void only_its_own_socket_is_unlinked(void **state)
{
	struct local_server *s = listen_here();

	(void)state;
	unlink(path);
	tempdir_write(path, slice_str("another's"));
	local_stop(s);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_path_has_107_bytes_and_no_more(void **state)
{
	char longest[108] = {0}, too_long[109] = {0};
	struct local_server *s;
	int fd;

	size_t n = strlen(*state);
	assert_in_range(n, 1, 100);
	memset(longest, 'x', 107);
	memcpy(longest, *state, n);
	longest[n] = '/';
	memset(too_long, 'x', 108);
	memcpy(too_long, longest, 107);
	assert_int_equal(local_listen(loop, too_long, on_client, &loop, &s), ERR_RANGE);
	assert_int_equal(local_connect(too_long, &fd), ERR_RANGE);
	assert_int_equal(local_listen(loop, "", on_client, &loop, &s), ERR_RANGE);
	assert_int_equal(local_listen(loop, longest, on_client, &loop, &s), ERR_OK);
	assert_int_equal(local_connect(longest, &fd), ERR_OK);
	close(fd);
	local_stop(s);
	assert_int_equal(tempdir_count(*state), 0);
}

static void a_folder_that_is_not_there_is_missing(void **state)
{
	struct local_server *s;
	int fd;

	(void)state;
	assert_int_equal(local_listen(loop, "/nowhere/at/all", on_client, &loop, &s),
			 ERR_MISSING);
	assert_int_equal(local_connect("/nowhere/at/all", &fd), ERR_MISSING);
	assert_int_equal(local_connect("/dev/null", &fd), ERR_MISSING);
}

static void a_server_with_a_full_queue_is_alive(void **state)
{
	struct local_server *s = listen_here(), *second;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int waiting[200];
	size_t n = 0;

	(void)state;
	strncpy(sa.sun_path, path, sizeof(sa.sun_path) - 1);
	for (; n < 200; n++) {
		waiting[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(waiting[n], (struct sockaddr *)&sa, sizeof(sa)) != 0) {
			close(waiting[n]);
			break;
		}
	}
	assert_in_range(n, 10, 199);
	assert_int_equal(local_listen(loop, path, on_client, &loop, &second), ERR_IN_USE);
	while (n-- > 0)
		close(waiting[n]);
	local_stop(s);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_client_is_heard),
		T(only_its_owner_may_connect_whatever_the_umask),
		T(a_second_server_finds_it_in_use),
		T(a_stale_socket_is_replaced),
		T(what_is_no_socket_is_left_alone),
		T(only_its_own_socket_is_unlinked),
		T(a_path_has_107_bytes_and_no_more),
		T(a_folder_that_is_not_there_is_missing),
		T(a_server_with_a_full_queue_is_alive),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
