#include "lib/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void run(void (*fn)(void *ctx), void *ctx)
{
	const struct rlimit none = {0, 0};
	int fd = open("/dev/null", O_WRONLY);

	dup2(fd, STDERR_FILENO);
	setrlimit(RLIMIT_CORE, &none);
	/* cmocka catches it; here it is what is waited for. */
	signal(SIGABRT, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	fn(ctx);
	_exit(0);
}

int child_run(void (*fn)(void *ctx), void *ctx)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		run(fn, ctx);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return status;
}

bool child_dies(void (*fn)(void *ctx), void *ctx)
{
	return child_run(fn, ctx) != 0;
}

bool child_aborts(void (*fn)(void *ctx), void *ctx)
{
	int status = child_run(fn, ctx);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
