#include "lib/store_crash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/tempdir.h"

void store_crash_init(void)
{
	/* What a sync is worth is fault_vfs's business here, not a disk's. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	secret_init();
}

uint64_t in_check_or_soak(uint64_t check, uint64_t soak)
{
	return getenv("P2PMSG_SOAK") != NULL ? soak : check;
}

struct place place_new(void)
{
	struct place p;

	assert_int_equal(tempdir_setup(&p.dir), 0);
	p.path = tempdir_path(p.dir, "store.db");
	return p;
}

void place_free(struct place *p)
{
	mem_free(p->path);
	tempdir_teardown(&p->dir);
}

void store_crash_steps(const char *path, int fd)
{
	struct store_ask a;

	store_ask_init(&a, path);
	if (store_ask_open(&a) != ERR_OK)
		_exit(2);
	for (unsigned n = 0; n < SCRIPT_STEPS; n++) {
		if (store_script_step(&a, n) != ERR_OK || write(fd, "", 1) != 1)
			_exit(3);
	}
	store_ask_close(&a);
}

static void say(void *ctx, const struct store_request *req,
		const struct store_reply *reply)
{
	const int *fd = ctx;

	(void)req;
	(void)reply;
	if (write(*fd, "", 1) != 1)
		_exit(3);
}

void store_crash_groups(const char *path, int fd)
{
	struct store_ask a;

	store_ask_init(&a, path);
	if (store_ask_open(&a) != ERR_OK)
		_exit(2);
	for (unsigned n = 0; n < SCRIPT_STEPS; n++) {
		struct store_request req = store_script_request(n);
		req.done = say;
		req.ctx = &fd;
		store_submit(a.s, &req);
		if (n % 5 == 4)
			store_ask_settle(&a, 10000);
	}
	store_ask_settle(&a, 10000);
	store_ask_close(&a);
}

int store_crash(store_crash_fn *f, const char *path, enum fault_kind kind, uint64_t k,
		unsigned *acked)
{
	int fds[2], status;
	char byte;

	*acked = 0;
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fault_vfs_arm(kind, k, 1, k);
		f(path, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	while (read(fds[0], &byte, 1) == 1)
		++*acked;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

unsigned check_steps(struct store_ask *a, unsigned acked)
{
	char *have = store_script_dump(a);
	const bool is_next = strcmp(have, store_script_want(acked)) != 0;

	assert_string_equal(have, store_script_want(acked + is_next));
	mem_free(have);
	return acked + is_next;
}
