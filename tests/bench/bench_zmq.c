/*
 * bench_zmq: what ZeroMQ does with the same work: texts of 100 bytes, one TCP
 * connection on loopback, two processes; PUSH to PULL, plaintext or CURVE.
 * Prints `name<TAB>value<TAB>unit`.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

enum { TEXT_BYTES = 100, KEY_TEXT = 41 };

static char server_public[KEY_TEXT], server_secret[KEY_TEXT];

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void push(const char *where, bool is_curve, unsigned long count)
{
	char text[TEXT_BYTES], public[KEY_TEXT], secret[KEY_TEXT];
	void *ctx = zmq_ctx_new(), *s = zmq_socket(ctx, ZMQ_PUSH);
	memset(text, 'x', sizeof text);
	if (is_curve) {
		zmq_curve_keypair(public, secret);
		zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, server_public, KEY_TEXT);
		zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, public, KEY_TEXT);
		zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, KEY_TEXT);
	}
	zmq_connect(s, where);
	for (unsigned long i = 0; i <= count; i++)
		zmq_send(s, text, sizeof text, 0);
	zmq_close(s);
	zmq_ctx_term(ctx);
}

static double pull(void *s, unsigned long count)
{
	char text[TEXT_BYTES];
	zmq_recv(s, text, sizeof text, 0); /* the first: the connection is there */
	double start = now_s();
	for (unsigned long i = 0; i < count; i++)
		zmq_recv(s, text, sizeof text, 0);
	return (double)count / (now_s() - start);
}

static double rate(bool is_curve, unsigned long count)
{
	char where[64];
	size_t n = sizeof where;
	int is_server = 1;
	int fds[2];
	if (pipe(fds) != 0)
		exit(1);
	zmq_curve_keypair(server_public, server_secret);
	pid_t pid = fork(); /* before there is a context: its threads do not survive */
	if (pid == 0) {
		if (read(fds[0], where, sizeof where) <= 0)
			_exit(1);
		push(where, is_curve, count);
		_exit(0);
	}
	void *ctx = zmq_ctx_new(), *s = zmq_socket(ctx, ZMQ_PULL);
	if (is_curve) {
		zmq_setsockopt(s, ZMQ_CURVE_SERVER, &is_server, sizeof is_server);
		zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, server_secret, KEY_TEXT);
	}
	zmq_bind(s, "tcp://127.0.0.1:*");
	zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, where, &n);
	if (write(fds[1], where, sizeof where) != sizeof where)
		exit(1);
	double r = pull(s, count);
	waitpid(pid, NULL, 0);
	zmq_close(s);
	zmq_ctx_term(ctx);
	close(fds[0]);
	close(fds[1]);
	return r;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	printf("zmq.plain\t%.0f\tmessages/s\n", rate(false, count));
	printf("zmq.curve\t%.0f\tmessages/s\n", rate(true, count));
	return 0;
}
