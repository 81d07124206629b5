#include "lib/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka catches it, and so does a sanitizer, which lets signal() change nothing; here
 * it is what is waited for. The kernel's struct sigaction of zeros is the default. */
static void let_kill(int sig)
{
	static const unsigned long zeros[32];

	syscall(SYS_rt_sigaction, sig, zeros, NULL, (size_t)_NSIG / 8);
}

static _Noreturn void run(void (*fn)(void *ctx), void *ctx)
{
	const struct rlimit none = {0, 0};
	int fd = open("/dev/null", O_WRONLY);

	dup2(fd, STDERR_FILENO);
	setrlimit(RLIMIT_CORE, &none);
	let_kill(SIGABRT);
	let_kill(SIGSEGV);
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
