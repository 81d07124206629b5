#include "files/journal.h"

#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/cur.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "files/beneath.h"

enum {
	BLOCK = 16384, /* of the head, and of each slot */
	N_SLOTS = 2,
	RECORD_MAX = 2 + FILENAME_PATH_MAX_BYTES + 19 + 1 + FILENAME_MAX_BYTES,
	PENDING_MAX = 1 << 20,
	READ_BYTES = 1 << 18
};

static const char magic[] = "p2pmsg-journal-1", head_label[] = "p2pmsg-jrnhead-1",
		  slot_label[] = "p2pmsg-jrnslot-1";
static const char journal_name[] = "journal", log_name[] = "log";

struct journal {
	const struct file_port *port;
	int fd, log_fd;
	struct id16 xfer;
	bool has_digest;
	uint64_t seq;
	uint64_t log_bytes; /* what was read or written of the log */
	/* Of it, what commits count: all that was flushed. */
	uint64_t safe_bytes;
	uint8_t safe_digest[DIGEST_BYTES];
	struct digest log, metadata; /* with what is pending */
	struct buf pending;
	struct buf note, path; /* what head and mark borrow */
};

static struct journal *new_journal(const struct file_port *port)
{
	struct journal *j = mem_new(sizeof(*j));

	j->port = port;
	j->fd = j->log_fd = -1;
	buf_init(&j->pending, PENDING_MAX + RECORD_MAX);
	buf_init(&j->note, BLOCK);
	buf_init(&j->path, FILENAME_PATH_MAX_BYTES);
	digest_init(&j->log, NULL);
	digest_get(&j->log, j->safe_digest);
	entry_digest_init(&j->metadata);
	return j;
}

void journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	beneath_close(j->port, j->fd);
	beneath_close(j->port, j->log_fd);
	buf_wipe(&j->pending);
	buf_wipe(&j->note);
	buf_wipe(&j->path);
	mem_free(j);
}

/* The buffers here have room for all of it. */
static void put(struct buf *b, struct slice s)
{
	if (buf_add(b, s) != ERR_OK)
		BUG("a record of a journal is too long");
}

static void put_u64(struct buf *b, uint64_t v)
{
	if (buf_u64(b, v) != ERR_OK)
		BUG("a record of a journal is too long");
}

static void put_u8(struct buf *b, unsigned v)
{
	const uint8_t byte = (uint8_t)v;

	put(b, slice_of(&byte, 1));
}

static void put_long(struct buf *b, struct slice s)
{
	put_u8(b, (unsigned)(s.n >> 8) & 0xff);
	put_u8(b, s.n & 0xff);
	put(b, s);
}

static struct slice get_long(struct cur *c)
{
	return cur_take(c, cur_u16(c));
}

enum { FLAG_FOLDER = 1, FLAG_SIZE = 2, FLAG_X = 4 };

static void put_record(struct buf *b, const struct entry *e, const char *name)
{
	put_long(b, e->path);
	put_u8(b, (e->kind == ENTRY_FOLDER ? FLAG_FOLDER : 0u) |
			  (e->has_size ? FLAG_SIZE : 0u) |
			  ((e->mode & ENTRY_MODE_X) != 0 ? FLAG_X : 0u));
	put_u64(b, e->size);
	put_u64(b, (uint64_t)e->mtime_ns);
	put_long(b, slice_str(name));
}

/* What stands there was checked by a digest, but by whom it was written is not known. */
static bool get_record(struct cur *c, struct entry *e, char name[static FILENAME_ROOM])
{
	char again[FILENAME_ROOM];
	unsigned depth;

	*e = (struct entry){.path = get_long(c)};
	const uint8_t flags = cur_u8(c);
	e->kind = (flags & FLAG_FOLDER) != 0 ? ENTRY_FOLDER : ENTRY_FILE;
	e->has_size = (flags & FLAG_SIZE) != 0;
	e->mode = (flags & FLAG_X) != 0 ? ENTRY_MODE_X : 0;
	e->size = cur_u64(c);
	e->mtime_ns = (int64_t)cur_u64(c);
	const struct slice s = get_long(c);
	if (c->failed || s.n == 0 || s.n >= FILENAME_ROOM ||
	    filename_check_path(e->path, &depth) != ERR_OK ||
	    filename_clean(s, true, again) != ERR_OK)
		return false;
	memcpy(name, s.p, s.n);
	name[s.n] = '\0';
	return strcmp(name, again) == 0;
}

/* A block: u32 length || body || digest of xfer and body. */
static enum err write_block(struct journal *j, unsigned i, const char *label,
			    const struct buf *body)
{
	const struct slice parts[] = {slice_of(j->xfer.b, sizeof(j->xfer.b)),
				      buf_slice(body)};
	uint8_t digest[DIGEST_BYTES];
	struct buf b;
	enum err e;

	buf_init(&b, BLOCK);
	hash_labelled(label, parts, 2, digest, sizeof(digest));
	e = buf_u32(&b, (uint32_t)body->len);
	if (e == ERR_OK)
		e = buf_add(&b, buf_slice(body));
	if (e == ERR_OK)
		e = buf_add(&b, slice_of(digest, sizeof(digest)));
	if (e == ERR_OK)
		e = file_port_write_at(j->port, j->fd, buf_slice(&b), (int64_t)i * BLOCK);
	buf_wipe(&b);
	return e;
}

/* The body of a block of a file that was read; an empty slice when it is not whole. The head
 * says itself whose it is. */
static struct slice read_block(const struct journal *j, struct slice file, unsigned i,
			       const char *label)
{
	uint8_t digest[DIGEST_BYTES];
	struct cur c = {0};

	if (file.n < (size_t)i * BLOCK)
		return (struct slice){0};
	c = cur_of(slice_of(file.p + (size_t)i * BLOCK, file.n - (size_t)i * BLOCK));
	const uint32_t n = cur_u32(&c);
	const struct slice body = cur_take(&c, n);
	const struct slice sum = cur_take(&c, sizeof(digest));
	if (c.failed || n == 0 || n > BLOCK)
		return (struct slice){0};
	const struct slice parts[] = {slice_of(j->xfer.b, sizeof(j->xfer.b)), body};
	hash_labelled(label, parts, 2, digest, sizeof(digest));
	return memcmp(sum.p, digest, sizeof(digest)) == 0 ? body : (struct slice){0};
}

static void put_mark(struct journal *j, struct buf *b, const struct journal_mark *m)
{
	uint8_t saved[DIGEST_SAVED_BYTES];

	digest_save(&m->content, saved);
	put_u64(b, j->seq);
	put_u8(b, m->step);
	put_u8(b, m->policy);
	put_u64(b, m->entries);
	put_u64(b, m->bytes);
	put_u64(b, m->total);
	put(b, slice_of(saved, sizeof(saved)));
	put_u64(b, j->safe_bytes);
	put(b, slice_of(j->safe_digest, sizeof(j->safe_digest)));
	if (m->bytes > 0)
		put_record(b, &m->current, m->name);
}

static enum err write_mark(struct journal *j, const struct journal_mark *m)
{
	struct buf b;
	enum err e;

	buf_init(&b, BLOCK);
	j->seq++;
	put_mark(j, &b, m);
	e = write_block(j, 1 + (unsigned)(j->seq % N_SLOTS), slot_label, &b);
	buf_wipe(&b);
	return e;
}

static int open_file(const struct journal *j, int work, const char *name, int flags)
{
	return beneath_open(j->port, work, name, flags | O_RDWR | O_CLOEXEC, 0600);
}

static enum err open_files(struct journal *j, int work, int flags)
{
	j->fd = open_file(j, work, journal_name, flags);
	if (j->fd >= 0)
		j->log_fd = open_file(j, work, log_name, flags);
	return file_port_err(j->fd < 0 ? j->fd : j->log_fd);
}

static enum err write_head(struct journal *j, const struct journal_head *h)
{
	struct buf b;
	enum err e;

	buf_init(&b, BLOCK);
	put(&b, slice_of(magic, sizeof(magic) - 1));
	put(&b, slice_of(h->xfer.b, sizeof(h->xfer.b)));
	put(&b, slice_of(h->peer.b, sizeof(h->peer.b)));
	put_u8(&b, h->has_digest);
	put_u8(&b, h->keeps_x);
	put_u8(&b, h->keeps_dots);
	put_long(&b, h->note);
	e = write_block(j, 0, head_label, &b);
	buf_wipe(&b);
	return e;
}

enum err journal_create(const struct file_port *port, int work,
			const struct journal_head *head, const struct journal_mark *mark,
			struct journal **out)
{
	struct journal *j = new_journal(port);
	enum err e = open_files(j, work, O_CREAT | O_EXCL);

	*out = NULL;
	if (e == ERR_OK)
		e = write_head(j, head);
	j->xfer = head->xfer;
	j->has_digest = head->has_digest;
	/* Both, so that later ones overwrite blocks that are there. */
	for (int i = 0; i < N_SLOTS && e == ERR_OK; i++)
		e = write_mark(j, mark);
	if (e != ERR_OK)
		journal_free(j);
	else
		*out = j;
	return e;
}

static bool get_head(struct journal *j, struct slice body, struct journal_head *h)
{
	struct cur c = cur_of(body);

	*h = (struct journal_head){.has_digest = false};
	cur_expect(&c, slice_of(magic, sizeof(magic) - 1));
	cur_copy(&c, h->xfer.b, sizeof(h->xfer.b));
	cur_copy(&c, h->peer.b, sizeof(h->peer.b));
	h->has_digest = cur_u8(&c) != 0;
	h->keeps_x = cur_u8(&c) != 0;
	h->keeps_dots = cur_u8(&c) != 0;
	const struct slice note = get_long(&c);
	if (!cur_done(&c))
		return false;
	put(&j->note, note);
	h->note = buf_slice(&j->note);
	j->xfer = h->xfer;
	j->has_digest = h->has_digest;
	return true;
}

static bool get_mark(struct journal *j, struct slice body, struct journal_mark *m,
		     uint64_t *seq)
{
	struct cur c = cur_of(body);
	uint8_t saved[DIGEST_SAVED_BYTES];

	*seq = cur_u64(&c);
	m->step = (enum journal_step)cur_u8(&c);
	m->policy = cur_u8(&c);
	m->entries = cur_u64(&c);
	m->bytes = cur_u64(&c);
	m->total = cur_u64(&c);
	cur_copy(&c, saved, sizeof(saved));
	j->safe_bytes = cur_u64(&c);
	cur_copy(&c, j->safe_digest, sizeof(j->safe_digest));
	if (m->bytes > 0 && (c.failed || !get_record(&c, &m->current, m->name)))
		return false;
	/* A new libsodium does not matter where nothing was computed. */
	return cur_done(&c) && m->step <= JOURNAL_DONE &&
	       (!j->has_digest || digest_load(&m->content, saved) == ERR_OK);
}

/* The younger of the slots that are whole. */
static bool choose_mark(struct journal *j, struct slice file, struct journal_mark *m)
{
	struct slice best = {0};
	uint64_t seq;

	for (unsigned i = 1; i <= N_SLOTS; i++) {
		const struct slice body = read_block(j, file, i, slot_label);
		struct cur c = cur_of(body);
		seq = cur_u64(&c);
		if (body.n == 0 || (best.n > 0 && seq <= j->seq))
			continue;
		best = body;
		j->seq = seq;
	}
	if (best.n == 0 || !get_mark(j, best, m, &seq))
		return false;
	if (m->bytes > 0) {
		put(&j->path, m->current.path);
		m->current.path = buf_slice(&j->path);
	}
	return true;
}

static const char *parse(struct journal *j, struct slice file, struct journal_head *head,
			 struct journal_mark *mark)
{
	const struct slice body = read_block(j, file, 0, head_label);

	if (body.n == 0 || !get_head(j, body, head))
		return "the journal does not say whose transfer it is";
	if (!choose_mark(j, file, mark))
		return "the journal does not say how much is safe";
	return NULL;
}

enum err journal_open(const struct file_port *port, int work, struct journal **out,
		      struct journal_head *head, struct journal_mark *mark,
		      const char **why)
{
	struct journal *j = new_journal(port);
	enum err e = open_files(j, work, 0);
	uint8_t *file = mem_new((1 + N_SLOTS) * BLOCK);
	size_t n = 0;

	*out = NULL;
	*why = e == ERR_MISSING ? "there is no journal" : NULL;
	*mark = (struct journal_mark){.step = JOURNAL_RECEIVING};
	if (e == ERR_OK)
		e = file_port_read_at(port, j->fd, file, (1 + N_SLOTS) * BLOCK, 0, &n);
	if (e == ERR_OK)
		*why = parse(j, slice_of(file, n), head, mark);
	if (*why != NULL)
		e = ERR_CORRUPT;
	mem_free(file);
	if (e != ERR_OK)
		journal_free(j);
	else
		*out = j;
	return e;
}

enum err journal_flush(struct journal *j)
{
	const struct slice s = buf_slice(&j->pending);
	const enum err e =
		file_port_write_at(j->port, j->log_fd, s, (int64_t)j->log_bytes);

	if (e != ERR_OK)
		return e;
	j->log_bytes += s.n;
	j->safe_bytes = j->log_bytes;
	digest_get(&j->log, j->safe_digest);
	buf_clear(&j->pending, SIZE_MAX);
	return ERR_OK;
}

enum err journal_add(struct journal *j, const struct entry *e, const char *name)
{
	const size_t before = j->pending.len;

	put_record(&j->pending, e, name);
	const struct slice all = buf_slice(&j->pending);
	digest_add(&j->log, slice_of(all.p + before, all.n - before));
	entry_digest_add(&j->metadata, e);
	return j->pending.len > PENDING_MAX ? journal_flush(j) : ERR_OK;
}

enum err journal_commit(struct journal *j, const struct journal_mark *mark)
{
	enum err e = write_mark(j, mark);

	if (e == ERR_OK)
		e = file_port_sync(j->port, j->fd, FILE_PORT_DATA);
	return e;
}

void journal_digest(const struct journal *j, const struct entry *current,
		    uint8_t out[static DIGEST_BYTES])
{
	struct digest d = j->metadata;

	if (current != NULL)
		entry_digest_add(&d, current);
	digest_get(&d, out);
}

/* The whole records at the front of b. */
static enum err replay_some(struct journal *j, struct buf *b, journal_fn *fn, void *ctx)
{
	struct cur c = cur_of(buf_slice(b));
	char name[FILENAME_ROOM];
	struct entry entry;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		const struct slice rest = slice_of(c.p, c.left);
		if (rest.n == 0 || !get_record(&c, &entry, name))
			break;
		digest_add(&j->log, slice_of(rest.p, rest.n - c.left));
		entry_digest_add(&j->metadata, &entry);
		e = fn(ctx, &entry, name);
		buf_drop(b, rest.n - c.left);
		c = cur_of(buf_slice(b));
	}
	return e;
}

enum err journal_replay(struct journal *j, journal_fn *fn, void *ctx)
{
	uint8_t sum[DIGEST_BYTES], *p;
	struct buf b;
	enum err e = ERR_OK;

	digest_init(&j->log, NULL);
	entry_digest_init(&j->metadata);
	buf_init(&b, READ_BYTES + RECORD_MAX);
	for (j->log_bytes = 0; j->log_bytes < j->safe_bytes && e == ERR_OK;) {
		const uint64_t left = j->safe_bytes - j->log_bytes;
		const size_t want = left < READ_BYTES ? (size_t)left : READ_BYTES;
		size_t got = 0;
		e = buf_reserve(&b, want, &p);
		if (e == ERR_OK)
			e = file_port_read_at(j->port, j->log_fd, p, want,
					      (int64_t)j->log_bytes, &got);
		if (e != ERR_OK || got < want)
			break;
		buf_commit(&b, got);
		j->log_bytes += got;
		e = replay_some(j, &b, fn, ctx);
	}
	digest_get(&j->log, sum);
	if (e == ERR_OK && (j->log_bytes < j->safe_bytes || b.len > 0 ||
			    memcmp(sum, j->safe_digest, sizeof(sum)) != 0))
		e = ERR_CORRUPT;
	buf_wipe(&b);
	return e == ERR_FULL ? ERR_CORRUPT : e;
}
