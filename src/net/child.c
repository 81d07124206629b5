#include "net/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

enum {
	CANNOT_EXEC = 127,
	/* What follows the first line is read, so that the command ends well; but not
	 * for ever. */
	REST_MAX_BYTES = 1 << 20
};

/* In the child; only what is safe after fork. */
static _Noreturn void exec_shell(const char *command, int out)
{
	sigset_t none;

	/* The node ignores SIGPIPE, and that would be inherited. */
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (out == STDOUT_FILENO)
		fcntl(out, F_SETFD, 0);
	else
		dup2(out, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(CANNOT_EXEC);
}

/* A negative errno, 0 at the end, or how many. */
static ssize_t read_some(int fd, void *at, size_t n)
{
	ssize_t got;

	do {
		got = read(fd, at, n);
	} while (got < 0 && errno == EINTR);
	return got;
}

static enum err skip_rest(int fd)
{
	char skipped[512];
	size_t total = 0;
	ssize_t n;

	while ((n = read_some(fd, skipped, sizeof(skipped))) > 0 &&
	       total < REST_MAX_BYTES)
		total += (size_t)n;
	secret_wipe(skipped, sizeof(skipped));
	return n == 0 ? ERR_OK : ERR_IO;
}

/* Straight into the guarded memory, without a copy anywhere. */
static enum err read_line(int fd, char *out, size_t max)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read_some(fd, out + len, max - len);
		if (n < 0)
			return ERR_IO;
		char *end = memchr(out + len, '\n', (size_t)n);
		len += (size_t)n;
		if (end != NULL || n == 0) {
			size_t line = end != NULL ? (size_t)(end - out) : len;
			secret_wipe(out + line, len - line);
			if (line == 0)
				return ERR_IO;
			/* The newline's place, or one byte that is still free. */
			out[line] = '\0';
			return end != NULL ? skip_rest(fd) : ERR_OK;
		}
		if (len == max)
			return ERR_LIMIT;
	}
}

static enum err wait_for(pid_t pid)
{
	int status;
	pid_t got;

	do {
		got = waitpid(pid, &status, 0);
	} while (got < 0 && errno == EINTR);
	return got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ERR_OK
									   : ERR_IO;
}

static enum err run(const char *command, char *out, size_t max)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return ERR_IO;
	pid_t pid = fork();
	if (pid == 0)
		exec_shell(command, p[1]);
	close(p[1]);
	enum err e = pid > 0 ? read_line(p[0], out, max) : ERR_IO;
	close(p[0]);
	if (pid > 0) {
		enum err ended = wait_for(pid);
		e = e == ERR_OK ? ended : e;
	}
	return e;
}

enum err child_first_line(const char *command, char *out, size_t max)
{
	struct sigaction heard = {.sa_handler = SIG_DFL}, before;

	/* Who ignores SIGCHLD, perhaps since before our own start, is not told how
	 * its children end. */
	sigaction(SIGCHLD, &heard, &before);
	enum err e = max > 0 ? run(command, out, max) : ERR_LIMIT;
	sigaction(SIGCHLD, &before, NULL);
	if (e != ERR_OK && max > 0)
		secret_wipe(out, max);
	return e;
}
