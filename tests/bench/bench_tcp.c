/*
 * bench_tcp: the floor under every round trip: a bare TCP ping-pong of as many bytes
 * as a text and its acknowledgement have on the wire, two processes, loopback: once
 * with blocking calls, once as an event loop does it (epoll). The difference is the
 * kernel's way of waking a sleeper; nothing that serves many peers has the first.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_BYTES = (2 + 256 + 16) + (2 + 64 + 16) };

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* One side: epoll is -1 for blocking calls. */
struct side {
	int fd, epoll;
};

static bool get(const struct side *s, char *buf)
{
	struct epoll_event ev;
	size_t got = 0;
	while (got < FRAME_BYTES) {
		if (s->epoll >= 0 && epoll_wait(s->epoll, &ev, 1, -1) < 0)
			return false;
		ssize_t n = recv(s->fd, buf + got, FRAME_BYTES - got, 0);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static void echo(const struct side *s)
{
	char buf[FRAME_BYTES];
	while (get(s, buf) && send(s->fd, buf, sizeof buf, 0) == sizeof buf)
		;
}

static struct side side_of(int fd, bool is_epoll)
{
	struct side s = {.fd = fd, .epoll = -1};
	struct epoll_event ev = {.events = EPOLLIN};
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (!is_epoll)
		return s;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	s.epoll = epoll_create1(0);
	epoll_ctl(s.epoll, EPOLL_CTL_ADD, fd, &ev);
	return s;
}

static int dial(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (const struct sockaddr *)at, sizeof *at) != 0)
		exit(1);
	return fd;
}

static void ping_pong(const char *name, bool is_epoll, size_t count)
{
	char buf[FRAME_BYTES] = {0};
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof at;
	double *rtts = calloc(count, sizeof *rtts);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 ||
	    listen(listener, 1) != 0)
		exit(1);
	getsockname(listener, (struct sockaddr *)&at, &n);
	pid_t pid = fork();
	if (pid == 0) {
		struct side s = side_of(accept(listener, NULL, NULL), is_epoll);
		echo(&s);
		_exit(0);
	}
	struct side s = side_of(dial(&at), is_epoll);
	for (size_t i = 0; i < count; i++) {
		double start = now_us();
		if (send(s.fd, buf, sizeof buf, 0) != sizeof buf || !get(&s, buf))
			exit(1);
		rtts[i] = now_us() - start;
	}
	close(s.fd);
	waitpid(pid, NULL, 0);
	qsort(rtts, count, sizeof *rtts, by_value);
	printf("%s.rtt.median\t%.1f\tus\n", name, rtts[count / 2]);
	printf("%s.rtt.p95\t%.1f\tus\n", name, rtts[count * 95 / 100]);
	free(rtts);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;
	ping_pong("tcp", false, count);
	ping_pong("epoll", true, count);
	return 0;
}
