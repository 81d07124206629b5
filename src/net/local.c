/*
 * local: Unix sockets, for those who attach to a running node.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/accept.h"
#include "net/stream.h"

enum {
	BACKLOG = 64,
	/* A node that is busy: its queue of callers is full for a moment. */
	CONNECT_TRIES = 20,
	CONNECT_WAIT_MS = 50
};

struct local_server {
	struct acceptor *acceptor;
	void (*on_client)(void *ctx, int fd);
	void *ctx;
	/* What was bound: somebody may have put another in its place. */
	dev_t dev;
	ino_t ino;
	char path[];
};

static enum err address_of(const char *path, struct sockaddr_un *out)
{
	size_t n = strlen(path);

	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* Linux allows it without its NUL, others do not. */
	if (n == 0 || n >= sizeof(out->sun_path))
		return ERR_RANGE;
	memcpy(out->sun_path, path, n);
	return ERR_OK;
}

/* A descriptor or a negative errno. */
static int try_connect(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0)
		return fd;
	int why = errno;
	close(fd);
	return -why;
}

enum err local_connect(const char *path, int *fd)
{
	static const struct timespec wait = {.tv_nsec = CONNECT_WAIT_MS * 1000L * 1000};
	struct sockaddr_un sa;
	enum err e = address_of(path, &sa);
	int got = -EAGAIN;

	*fd = -1;
	for (int i = 0; i < CONNECT_TRIES && e == ERR_OK && got == -EAGAIN; i++) {
		if (i > 0)
			nanosleep(&wait, NULL);
		got = try_connect(&sa);
	}
	if (e != ERR_OK)
		return e;
	if (got >= 0) {
		*fd = got;
		return ERR_OK;
	}
	if (got == -EAGAIN)
		return ERR_TIMEOUT;
	return got == -ECONNREFUSED ? ERR_MISSING : err_from_errno(-got);
}

/* ------------------------------------------------------------------ listening */

/* Made with the mode that it keeps: it is at no time open to others. */
static enum err bind_private(int fd, const struct sockaddr_un *sa)
{
	mode_t old = umask(0177);
	int r = bind(fd, (const struct sockaddr *)sa, sizeof(*sa));
	enum err e = r == 0 ? ERR_OK : err_from_errno(errno);

	umask(old);
	return e;
}

/* ERR_OK when what is at the path is nobody's and has been removed. */
static enum err remove_stale(const struct sockaddr_un *sa)
{
	struct stat st;

	if (lstat(sa->sun_path, &st) != 0)
		return errno == ENOENT ? ERR_OK : err_from_errno(errno);
	if (!S_ISSOCK(st.st_mode))
		return ERR_EXISTS;
	int fd = try_connect(sa);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN)
		return ERR_IN_USE;
	if (fd != -ECONNREFUSED)
		return fd == -ENOENT ? ERR_OK : err_from_errno(-fd);
	if (unlink(sa->sun_path) != 0 && errno != ENOENT)
		return err_from_errno(errno);
	return ERR_OK;
}

static enum err bind_here(int fd, const struct sockaddr_un *sa)
{
	enum err e = bind_private(fd, sa);

	if (e != ERR_IN_USE)
		return e;
	e = remove_stale(sa);
	return e == ERR_OK ? bind_private(fd, sa) : e;
}

static void on_conn(void *ctx, int fd, const struct sockaddr *from)
{
	struct local_server *s = ctx;

	(void)from;
	s->on_client(s->ctx, fd);
}

static const struct acceptor_handlers handlers = {on_conn, NULL};

static enum err start(struct loop *l, int fd, const struct sockaddr_un *sa,
		      struct local_server *s)
{
	struct stat st;
	enum err e = bind_here(fd, sa);

	if (e != ERR_OK)
		return e;
	if (listen(fd, BACKLOG) == 0 && lstat(sa->sun_path, &st) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		e = acceptor_start(l, fd, &handlers, s, &s->acceptor);
	} else {
		e = err_from_errno(errno);
	}
	if (e != ERR_OK)
		unlink(sa->sun_path);
	return e;
}

enum err local_listen(struct loop *l, const char *path,
		      void (*on_client)(void *ctx, int fd), void *ctx,
		      struct local_server **out)
{
	struct sockaddr_un sa;
	enum err e = address_of(path, &sa);

	*out = NULL;
	if (e != ERR_OK)
		return e;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_from_errno(errno);
	struct local_server *s = mem_new(sizeof(*s) + sizeof(sa.sun_path));
	s->on_client = on_client;
	s->ctx = ctx;
	memcpy(s->path, sa.sun_path, sizeof(sa.sun_path));
	e = start(l, fd, &sa, s);
	if (e != ERR_OK) {
		close(fd);
		mem_free(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

void local_stop(struct local_server *s)
{
	struct stat st;

	if (s == NULL)
		return;
	acceptor_stop(s->acceptor);
	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	mem_free(s);
}
