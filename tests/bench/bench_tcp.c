/*
 * bench_tcp: the floor under every round trip: a bare TCP ping-pong of as many bytes
 * as a text and its frame have on the wire, two processes, loopback.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_BYTES = 2 + 256 + 16 };

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

static void echo(int fd)
{
	char buf[FRAME_BYTES];
	while (recv(fd, buf, sizeof buf, MSG_WAITALL) == sizeof buf)
		if (send(fd, buf, sizeof buf, 0) != sizeof buf)
			break;
}

static int connected(int listener, const struct sockaddr_in *at)
{
	int one = 1;
	int fd = listener >= 0 ? accept(listener, NULL, NULL)
			       : socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) != 0)
		exit(1);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;
	char buf[FRAME_BYTES] = {0};
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof at;
	double *rtts = calloc(count, sizeof *rtts);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 ||
	    listen(listener, 1) != 0)
		return 1;
	getsockname(listener, (struct sockaddr *)&at, &n);
	pid_t pid = fork();
	if (pid == 0) {
		echo(connected(listener, NULL));
		_exit(0);
	}
	int fd = connected(-1, &at);
	for (size_t i = 0; i < count; i++) {
		double start = now_us();
		if (send(fd, buf, sizeof buf, 0) != sizeof buf ||
		    recv(fd, buf, sizeof buf, MSG_WAITALL) != sizeof buf)
			return 1;
		rtts[i] = now_us() - start;
	}
	close(fd);
	waitpid(pid, NULL, 0);
	qsort(rtts, count, sizeof *rtts, by_value);
	printf("tcp.rtt.median\t%.1f\tus\n", rtts[count / 2]);
	printf("tcp.rtt.p95\t%.1f\tus\n", rtts[count * 95 / 100]);
	free(rtts);
	return 0;
}
