/*
 * bench_bulk: how fast bytes go through the cipher and the records of a bulk connection,
 * over loopback with blocking calls, from a source that costs one copy to a sink that
 * costs nothing: the ceiling of any pump. In two processes, as two nodes have it.
 *
 *   bench_bulk [MiB [ROUNDS]]      name<TAB>value<TAB>unit for all of the grid
 *   bench_bulk MiB ROUNDS best     the chosen one only
 *
 * With both ends on two shared cores, a write of 1 MiB of the largest records and reads of
 * 1 MiB cost the least time on the cores; a second thread at an end costs more than it
 * brings.
 *
 * Records of a batch stand one after the other in one buffer, are filled and sealed where
 * they stand, and leave with one write; what is read is opened where it stands.
 * Pipelined: sealing and writing, and reading and opening, in a thread each.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/bulkseal_sodium.h"
#include "wire/bulk.h"

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	perror(what);
	exit(1);
}

struct plan {
	size_t body; /* of a record */
	size_t batch; /* records of a write */
	size_t read; /* bytes of a read, at most */
	bool is_piped;
	size_t total;
};

/* -------------------------------------------------------------------- cipher */

typedef enum err seal_fn(void *s, struct slice in, uint8_t *out);

static enum err seal_by_build(void *s, struct slice in, uint8_t *out)
{
	return bulkseal_seal(s, in, out);
}

static enum err seal_by_sodium(void *s, struct slice in, uint8_t *out)
{
	return sodium_bulkseal_seal(s, in, out);
}

static void cipher_alone(const char *name, seal_fn *seal, void *s, size_t n, size_t total)
{
	uint8_t *p = mem_new(n + BULKSEAL_TAG_BYTES);
	double start = now();

	for (size_t done = 0; done < total; done += n)
		must(seal(s, slice_of(p, n), p) == ERR_OK, "seal");
	printf("bulk.cipher.%s.%zu\t%.3f\tGB/s\n", name, n,
	       (double)total / (now() - start) / 1e9);
	mem_free(p);
}

static void ciphers(size_t total)
{
	static const size_t sizes[] = {1024, 4096, 16384, 65519};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct noise_cipherstate cs = {.has_key = true}, cs2 = cs;
		struct bulkseal *s = bulkseal_new(&cs);
		struct sodium_bulkseal *t = sodium_bulkseal_new(&cs2);
		cipher_alone(bulkseal_library(s), seal_by_build, s, sizes[i], total);
		cipher_alone("fallback", seal_by_sodium, t, sizes[i], total / 2);
		bulkseal_free(s);
		sodium_bulkseal_free(t);
	}
}

/* ---------------------------------------------------------------------- pipe */

/* Buffers that go round between two threads. */
enum { SLOTS = 4 };
struct ring {
	sem_t empty, full;
	struct {
		uint8_t *p;
		size_t n;
	} slots[SLOTS];
	size_t put_at, get_at;
};

static void ring_init(struct ring *r, size_t bytes)
{
	memset(r, 0, sizeof(*r));
	sem_init(&r->empty, 0, SLOTS);
	sem_init(&r->full, 0, 0);
	for (size_t i = 0; i < SLOTS; i++)
		r->slots[i].p = mem_new(bytes);
}

static void ring_wipe(struct ring *r)
{
	for (size_t i = 0; i < SLOTS; i++)
		mem_free(r->slots[i].p);
	sem_destroy(&r->empty);
	sem_destroy(&r->full);
}

static uint8_t *ring_room(struct ring *r)
{
	sem_wait(&r->empty);
	return r->slots[r->put_at].p;
}

static void ring_put(struct ring *r, size_t n)
{
	r->slots[r->put_at].n = n;
	r->put_at = (r->put_at + 1) % SLOTS;
	sem_post(&r->full);
}

static uint8_t *ring_next(struct ring *r, size_t *n)
{
	sem_wait(&r->full);
	*n = r->slots[r->get_at].n;
	return r->slots[r->get_at].p;
}

static void ring_done(struct ring *r)
{
	r->get_at = (r->get_at + 1) % SLOTS;
	sem_post(&r->empty);
}

/* -------------------------------------------------------------------- sending */

static const uint8_t *source(void)
{
	static uint8_t bytes[1 << 20];

	return bytes;
}

struct sender {
	const struct plan *plan;
	struct bulk *bulk;
	int fd;
	size_t left;
	struct ring ring;
};

/* One batch into out; 0 when all has been sent. */
static size_t fill(struct sender *s, uint8_t *out)
{
	size_t at = 0, n;

	for (size_t i = 0; i < s->plan->batch && s->left > 0; i++) {
		size_t body = s->left < s->plan->body ? s->left : s->plan->body;
		struct bulk_record r = {.type = BULK_BYTES};
		memcpy(out + at + BULK_HEAD_BYTES, source(), body);
		r.u.bytes = slice_of(out + at + BULK_HEAD_BYTES, body);
		must(bulk_send(s->bulk, &r, out + at, BULK_FRAME_MAX_BYTES, &n) == ERR_OK,
		     "bulk_send");
		at += n;
		s->left -= body;
	}
	return at;
}

static void write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
		must(w > 0, "send");
		p += w;
		n -= (size_t)w;
	}
}

static void *writer(void *arg)
{
	struct sender *s = arg;
	size_t n;

	for (;;) {
		uint8_t *p = ring_next(&s->ring, &n);
		if (n == 0)
			return NULL;
		write_all(s->fd, p, n);
		ring_done(&s->ring);
	}
}

static void send_piped(struct sender *s, size_t bytes)
{
	pthread_t thread;
	size_t n;

	ring_init(&s->ring, bytes);
	must(pthread_create(&thread, NULL, writer, s) == 0, "thread");
	do {
		n = fill(s, ring_room(&s->ring));
		ring_put(&s->ring, n);
	} while (n > 0);
	pthread_join(thread, NULL);
	ring_wipe(&s->ring);
}

static void send_plainly(struct sender *s, size_t bytes)
{
	uint8_t *p = mem_new(bytes);
	size_t n;

	while ((n = fill(s, p)) > 0)
		write_all(s->fd, p, n);
	mem_free(p);
}

static void send_all(const struct plan *plan, struct bulk *b, int fd)
{
	struct sender s = {.plan = plan, .bulk = b, .fd = fd, .left = plan->total};
	size_t bytes = plan->batch * (plan->body + BULK_OVERHEAD_BYTES);

	if (plan->is_piped)
		send_piped(&s, bytes);
	else
		send_plainly(&s, bytes);
}

/* ------------------------------------------------------------------ receiving */

/* Opens what is whole; returns what was used. */
static size_t open_some(struct bulk *b, uint8_t *p, size_t n)
{
	struct bulk_record r;
	size_t at = 0, used;
	enum err e;

	while ((e = bulk_next(b, p + at, n - at, &r, &used)) == ERR_OK)
		at += used;
	must(e == ERR_WAIT, "bulk_next");
	return at;
}

static size_t read_some(int fd, uint8_t *p, size_t max)
{
	ssize_t n = recv(fd, p, max, 0);

	must(n >= 0, "recv");
	return (size_t)n;
}

static void receive_plainly(const struct plan *plan, struct bulk *b, int fd)
{
	uint8_t *p = mem_new(plan->read + BULK_FRAME_MAX_BYTES);
	size_t len = 0, n;

	while ((n = read_some(fd, p + len, plan->read)) > 0) {
		len += n;
		size_t used = open_some(b, p, len);
		len -= used;
		memmove(p, p + used, len);
	}
	mem_free(p);
}

struct reader {
	const struct plan *plan;
	int fd;
	struct ring ring;
};

/* Each buffer has room before what was read for the part of a frame left over. */
static void *reader(void *arg)
{
	struct reader *r = arg;
	size_t n;

	do {
		n = read_some(r->fd, ring_room(&r->ring) + BULK_FRAME_MAX_BYTES,
			      r->plan->read);
		ring_put(&r->ring, n);
	} while (n > 0);
	return NULL;
}

static void receive_piped(const struct plan *plan, struct bulk *b, int fd)
{
	struct reader r = {.plan = plan, .fd = fd};
	uint8_t *rest = mem_new(BULK_FRAME_MAX_BYTES), *p;
	size_t len = 0, n;
	pthread_t thread;

	ring_init(&r.ring, plan->read + BULK_FRAME_MAX_BYTES);
	must(pthread_create(&thread, NULL, reader, &r) == 0, "thread");
	while (p = ring_next(&r.ring, &n), n > 0) {
		p += BULK_FRAME_MAX_BYTES - len;
		memcpy(p, rest, len);
		n += len;
		size_t used = open_some(b, p, n);
		len = n - used;
		memcpy(rest, p + used, len);
		ring_done(&r.ring);
	}
	pthread_join(thread, NULL);
	ring_wipe(&r.ring);
	mem_free(rest);
}

/* ---------------------------------------------------------------------- a run */

static struct bulk *end_of(bool is_sender)
{
	const struct bulk_start start = {.is_sender = is_sender};
	struct noise_cipherstate forth = {.has_key = true};
	struct noise_cipherstate back = {.k = {1}, .has_key = true};
	struct bulk_keys keys = {
		.send = bulkseal_new(is_sender ? &forth : &back),
		.receive = bulkseal_new(is_sender ? &back : &forth),
	};

	return bulk_new(&keys, &start);
}

static void receive(const struct plan *plan, int fd)
{
	struct bulk *b = end_of(false);

	if (plan->is_piped)
		receive_piped(plan, b, fd);
	else
		receive_plainly(plan, b, fd);
	must(bulk_bytes(b) == plan->total, "all of it");
	bulk_free(b);
}

static void socket_pair(int fds[static 2])
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		     listen(listener, 1) == 0,
	     "listen");
	getsockname(listener, (struct sockaddr *)&at, &n);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(fds[0], (struct sockaddr *)&at, sizeof(at)) == 0, "connect");
	fds[1] = accept(listener, NULL, NULL);
	setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	close(listener);
}

/* GB/s: of the clock, from the first byte to the receiver's last; and of the time that
 * each end spent on a core, which others on the machine disturb less. */
struct result {
	double all, sender, receiver;
};

static double cpu_of(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void send_it(const struct plan *plan, int fd)
{
	struct bulk_record stream = {.type = BULK_ENTRY};
	uint8_t frame[BULK_SMALL_FRAME_BYTES];
	struct bulk *b = end_of(true);
	size_t n;

	must(bulk_send(b, &stream, frame, sizeof(frame), &n) == ERR_OK, "bulk_send");
	write_all(fd, frame, n);
	send_all(plan, b, fd);
	bulk_free(b);
}

static struct result run(const struct plan *plan)
{
	double gb = (double)plan->total / 1e9;
	int fds[2], status;

	socket_pair(fds);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		receive(plan, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	double start = now(), own = cpu_of(RUSAGE_SELF), other = cpu_of(RUSAGE_CHILDREN);
	send_it(plan, fds[0]);
	close(fds[0]);
	waitpid(pid, &status, 0);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "receiver");
	return (struct result){
		gb / (now() - start),
		gb / (cpu_of(RUSAGE_SELF) - own),
		gb / (cpu_of(RUSAGE_CHILDREN) - other),
	};
}

/* ----------------------------------------------------------------------- grid */

enum { PLANS_MAX = 64, ROUNDS_MAX = 32 };

static struct row {
	char name[40];
	struct plan plan;
	double v[3][ROUNDS_MAX];
} rows[PLANS_MAX];
static size_t n_rows;

static void add(const char *name, const struct plan *plan)
{
	struct row *r = &rows[n_rows++];

	r->plan = *plan;
	snprintf(r->name, sizeof(r->name), "bulk.%s%s", plan->is_piped ? "piped." : "",
		 name);
}

static void add_grid(struct plan p)
{
	static const size_t bodies[] = {4096, 16384, 32768, PROTO_BULK_BODY_BYTES};
	static const size_t batch_kib[] = {64, 256, 1024};
	static const size_t reads[] = {64 << 10, 128 << 10, 256 << 10, 512 << 10};
	char name[32];

	p.read = 1 << 20;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		for (size_t k = 0; k < sizeof(batch_kib) / sizeof(*batch_kib); k++) {
			p.body = bodies[i];
			p.batch = (batch_kib[k] << 10) / p.body;
			snprintf(name, sizeof(name), "%zu x %zu", p.batch, p.body);
			add(name, &p);
		}
	}
	p.batch = 4;
	for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++) {
		p.read = reads[i];
		snprintf(name, sizeof(name), "4 x %zu, read %zu", p.body, p.read);
		add(name, &p);
	}
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* In turns, so that a noisy machine is noisy for all. */
static void run_all(size_t rounds)
{
	static const char *const whose[] = {"", ".sender", ".receiver"};

	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < n_rows; i++) {
			struct result r = run(&rows[i].plan);
			rows[i].v[0][round] = r.all;
			rows[i].v[1][round] = r.sender;
			rows[i].v[2][round] = r.receiver;
		}
	}
	for (size_t i = 0; i < n_rows; i++) {
		for (size_t k = 0; k < 3; k++) {
			qsort(rows[i].v[k], rounds, sizeof(double), by_value);
			printf("%s%s\t%.3f\tGB/s\n", rows[i].name, whose[k],
			       rows[i].v[k][rounds / 2]);
		}
	}
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 256;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 3;
	struct plan p = {.body = PROTO_BULK_BODY_BYTES,
			 .batch = 16,
			 .read = 1 << 20,
			 .total = mib << 20};

	secret_init();
	rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
	if (argc > 3) {
		add("best", &p);
	} else {
		ciphers(mib << 20);
		add_grid(p);
		p.is_piped = true;
		add_grid(p);
	}
	run_all(rounds);
	return 0;
}
