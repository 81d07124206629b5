/*
 * bench_store: what keeping costs, on the disk that TMPDIR is on.
 *
 *   bench_store rate [N]   N messages from end to end of two stores: kept and queued by
 *                          one, kept by the other, marked delivered by the first
 *   bench_store grow N     a store with N messages: opening it, searching it, its memory
 *   bench_store fill KEY DB N   N messages on #lan into the store of a profile, whose key
 *                          file has no passphrase
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "core/chat.h"
#include "core/kept.h"
#include "crypto/keyfile.h"
#include "store/store.h"

enum { BODY = 100, WINDOW = 4000, NEWEST = 10000, RATE_N = 100000 };

static const char word[] = "needle";

static double now_s(void)
{
	return (double)clock_mono_us(clock_system()) / 1e6;
}

static double rss_mib(void)
{
	long pages = 0, size;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f != NULL) {
		if (fscanf(f, "%ld %ld", &size, &pages) != 2)
			pages = 0;
		fclose(f);
	}
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static void on_trouble(void *ctx, enum err e, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s: %s\n", err_name(e), text);
	exit(1);
}

static struct store *open_with(const char *path, const uint8_t *key)
{
	char why[STORE_WHY_BYTES];
	struct store *s;
	const struct store_config cfg = {
		.path = path, .key = key, .rng = rng_system(), .on_trouble = on_trouble};

	if (store_open(&cfg, &s, why) != ERR_OK) {
		fprintf(stderr, "%s: %s\n", path, why);
		exit(1);
	}
	return s;
}

static struct store *open_store(const char *path)
{
	static const uint8_t key[STORE_KEY_BYTES] = {1};

	return open_with(path, key);
}

static void wait_for(struct store *a, struct store *b)
{
	struct pollfd p[] = {{.fd = store_fd(a), .events = POLLIN},
			     {.fd = b != NULL ? store_fd(b) : -1, .events = POLLIN}};

	poll(p, 2, 1000);
	store_poll(a);
	if (b != NULL)
		store_poll(b);
}

struct ends {
	struct store *a, *b;
	uint64_t sent, done, n;
	uint8_t body[BODY];
};

static void must(enum err e)
{
	if (e == ERR_OK)
		return;
	fprintf(stderr, "failed: %s\n", err_str(e));
	exit(1);
}

static struct id16 id_of(uint64_t n)
{
	struct id16 id;

	rng_fill(rng_system(), id.b, sizeof(id.b));
	memcpy(id.b + 8, &n, sizeof(n));
	return id;
}

static void on_delivered(void *ctx, const struct store_request *req,
			 const struct store_reply *reply)
{
	struct ends *e = ctx;

	(void)req;
	must(reply->err);
	e->done++;
}

/* The receiver has it, and may acknowledge it. */
static void on_received(void *ctx, const struct store_request *req,
			const struct store_reply *reply)
{
	struct ends *e = ctx;
	const struct store_request next = {.verb = STORE_OUTCOME,
					   .done = on_delivered,
					   .ctx = e,
					   .msg.author = req->msg.author,
					   .object_id = req->msg.id,
					   .peer.b = {2},
					   .state = STORE_DELIVERED};

	must(reply->err);
	must(store_submit(e->a, &next));
}

/* The sender has it, and may send it. */
static void on_kept(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct ends *e = ctx;
	const struct store_request next = {.verb = STORE_KEEP,
					   .done = on_received,
					   .ctx = e,
					   .is_new = true,
					   .msg = req->msg};

	must(reply->err);
	must(store_submit(e->b, &next));
}

static struct store_request keep(struct ends *e, uint64_t n)
{
	struct store_request req = {.verb = STORE_KEEP,
				    .ctx = e,
				    .is_new = true,
				    .msg = {.author.b = {1},
					    .id = id_of(n),
					    .conv.b = {(uint8_t)(n % 20)},
					    .lamport = n + 1,
					    .sent_ms = n,
					    .kept_ms = n,
					    .state = STORE_QUEUED,
					    .body = slice_of(e->body, BODY)}};

	return req;
}

static void send_one(struct ends *e)
{
	static const struct id32 to = {.b = {2}};
	struct store_request req = keep(e, e->sent++);

	req.done = on_kept;
	req.object_id = req.msg.id;
	req.object = req.msg.body;
	req.to = &to;
	req.n_to = 1;
	must(store_submit(e->a, &req));
}

static int rate(const char *dir, uint64_t n)
{
	char *paths[] = {mem_printf("%s/a.db", dir), mem_printf("%s/b.db", dir)};
	struct ends e = {.a = open_store(paths[0]), .b = open_store(paths[1]), .n = n};
	const double start = now_s();

	while (e.done < e.n) {
		while (e.sent < e.n && e.sent - e.done < WINDOW)
			send_one(&e);
		wait_for(e.a, e.b);
	}
	printf("store.rate\t%.1f\t/s\n", (double)n / (now_s() - start));
	store_free(e.a);
	store_free(e.b);
	mem_free(paths[0]);
	mem_free(paths[1]);
	return 0;
}

static void fill(struct store *s, uint64_t n)
{
	struct ends e = {.a = s, .n = n};

	memset(e.body, 'x', BODY);
	while (e.done < n) {
		while (e.sent < n && e.sent - e.done < WINDOW) {
			struct store_request req = keep(&e, e.sent);
			req.done = on_delivered;
			/* One in a thousand has the word. */
			memcpy(e.body + 40, e.sent % 1000 == 0 ? word : "xxxxxx", 6);
			e.sent++;
			must(store_submit(s, &req));
		}
		wait_for(s, NULL);
	}
}

static bool has_word(struct slice arg, const struct store_message *m)
{
	return memmem(m->body.p, m->body.n, arg.p, arg.n) != NULL;
}

struct search {
	uint64_t found;
	bool is_done, is_more;
	uint64_t last;
};

static void on_found(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct search *f = ctx;

	(void)req;
	must(reply->err);
	f->found += reply->n_messages;
	f->is_more = reply->is_more;
	f->last = reply->last.seq;
	f->is_done = true;
}

/* Seconds; in rounds of max_rows, as core does it. */
static double search(struct store *s, uint64_t n, uint64_t *found)
{
	struct search f = {.is_more = true};
	struct store_request req = {.verb = STORE_SCAN,
				    .done = on_found,
				    .ctx = &f,
				    .is_all_convs = true,
				    .match = has_word,
				    .arg = slice_str(word),
				    .max_rows = NEWEST};
	const double start = now_s();

	for (uint64_t seen = 0; seen < n && f.is_more; seen += NEWEST) {
		f.is_done = false;
		must(store_submit(s, &req));
		while (!f.is_done)
			wait_for(s, NULL);
		req.has_from = true;
		req.from.seq = f.last;
	}
	*found = f.found;
	return now_s() - start;
}

static int grow(const char *dir, uint64_t n)
{
	char *path = mem_printf("%s/grow.db", dir);
	struct store *s = open_store(path);
	struct stat st = {0};
	uint64_t found;
	double start = now_s();

	fill(s, n);
	printf("store.%llu.keep\t%.1f\t/s\n", (unsigned long long)n,
	       (double)n / (now_s() - start));
	store_free(s);
	start = now_s();
	s = open_store(path);
	printf("store.%llu.open\t%.3f\tms\n", (unsigned long long)n,
	       (now_s() - start) * 1e3);
	printf("store.%llu.newest\t%.3f\tms\n", (unsigned long long)n,
	       search(s, NEWEST, &found) * 1e3);
	printf("store.%llu.scan\t%.3f\ts\n", (unsigned long long)n, search(s, n, &found));
	if (found != (n + 999) / 1000) {
		fprintf(stderr, "found %llu\n", (unsigned long long)found);
		return 1;
	}
	printf("store.%llu.rss\t%.1f\tMiB\n", (unsigned long long)n, rss_mib());
	store_free(s);
	if (stat(path, &st) == 0)
		printf("store.%llu.bytes\t%.1f\tB\n", (unsigned long long)n,
		       (double)st.st_size / (double)n);
	mem_free(path);
	return 0;
}

/* As core keeps what somebody says on #lan. */
static void make_text(struct store_message *m, uint64_t n, struct buf *object,
		      struct buf *body)
{
	char text[BODY + 1];
	struct msg msg = {.type = MSG_TEXT, .id = m->id};
	const struct kept_body kept = {.object = {0}, .nick = slice_str("somebody")};
	struct kept_body k = kept;

	snprintf(text, sizeof(text),
		 "number %llu says %s to all and nothing else of note",
		 (unsigned long long)n, n % 1000 == 0 ? word : "hello");
	msg.u.text = (struct msg_text){.conv = slice_of(m->conv.b, sizeof(m->conv.b)),
				       .time = m->sent_ms,
				       .lamport = m->lamport,
				       .text = slice_str(text)};
	buf_clear(object, SIZE_MAX);
	buf_clear(body, SIZE_MAX);
	must(msg_encode(&msg, object));
	k.object = buf_slice(object);
	must(kept_encode(body, &k));
	m->body = buf_slice(body);
}

static int fill_profile(const char *key_path, const char *path, uint64_t n)
{
	uint8_t key[STORE_KEY_BYTES];
	struct identity *id;
	struct buf object, body;
	const uint64_t now = clock_wall_ms(clock_system());

	must(keyfile_load(key_path, slice_of(NULL, 0), &id));
	identity_db_key(id, key);
	struct ends e = {.a = open_with(path, key), .n = n};
	buf_init(&object, PROTO_PAYLOAD_MAX_BYTES);
	buf_init(&body, PROTO_PAYLOAD_MAX_BYTES);
	while (e.done < n) {
		while (e.sent < n && e.sent - e.done < WINDOW) {
			struct store_request req = keep(&e, e.sent);
			req.done = on_delivered;
			req.msg.sent_ms = req.msg.kept_ms = now - 1000 * (n - e.sent);
			req.msg.state = STORE_NONE;
			conv_lan(&req.msg.conv);
			make_text(&req.msg, e.sent++, &object, &body);
			must(store_submit(e.a, &req));
		}
		wait_for(e.a, NULL);
	}
	store_free(e.a);
	buf_wipe(&object);
	buf_wipe(&body);
	identity_free(id);
	return 0;
}

static void remove_all(const char *dir)
{
	static const char *const names[] = {"a.db", "b.db", "grow.db"};
	static const char *const parts[] = {"", "-wal", "-shm", ".lock"};

	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < 4; k++) {
			char *name = mem_printf("%s/%s%s", dir, names[i], parts[k]);
			unlink(name);
			mem_free(name);
		}
	}
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = mem_printf("%s/bench_store.XXXXXX", tmp != NULL ? tmp : "/tmp");
	const uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : RATE_N;
	int status = 2;

	secret_init();
	if (mkdtemp(dir) == NULL)
		return 1;
	if (argc > 1 && strcmp(argv[1], "rate") == 0)
		status = rate(dir, n);
	else if (argc > 2 && strcmp(argv[1], "grow") == 0)
		status = grow(dir, n);
	else if (argc > 4 && strcmp(argv[1], "fill") == 0)
		status = fill_profile(argv[2], argv[3], strtoull(argv[4], NULL, 10));
	else
		fprintf(stderr, "bench_store rate [N] | grow N | fill KEY DB N\n");
	remove_all(dir);
	mem_free(dir);
	return status;
}
