#include "store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	PAGE = SALVAGE_PAGE_BYTES,
	FILE_HEADER = 100,
	LEAF_TABLE = 0x0d,
	LEAF_HEADER = 8,
	/* How much of a row stays on its leaf: the format's own numbers. */
	LOCAL_MAX = PAGE - 35,
	LOCAL_MIN = (PAGE - 12) * 32 / 255 - 23,
	WAL_HEADER = 32,
	FRAME_HEADER = 24,
	FRAME = FRAME_HEADER + PAGE
};

struct salvage {
	int db, wal; /* -1: none */
	uint32_t n_pages;
	uint32_t *frames; /* of a page, from 1 on; 0: not in the log */
	uint8_t page[PAGE], row[SALVAGE_ROW_BYTES];
	enum err (*on_row)(void *ctx, const struct salvage_row *row);
	void *ctx;
	uint64_t n_bad;
};

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static unsigned u16(const uint8_t *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

/* What is beyond the end, or cannot be read, is zeros: false. */
static bool read_at(int fd, uint8_t *out, size_t n, uint64_t at)
{
	size_t have = 0;
	ssize_t got = 1;

	while (have < n && got > 0) {
		got = pread(fd, out + have, n - have, (off_t)(at + have));
		if (got > 0)
			have += (size_t)got;
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	memset(out + have, 0, n - have);
	return have == n;
}

static bool read_page(struct salvage *s, uint32_t no, uint8_t *out)
{
	if (no == 0 || no > s->n_pages)
		return false;
	if (s->frames[no] != 0)
		return read_at(s->wal, out, PAGE,
			       WAL_HEADER + (uint64_t)(s->frames[no] - 1) * FRAME +
				       FRAME_HEADER);
	return read_at(s->db, out, PAGE, (uint64_t)(no - 1) * PAGE);
}

/* The log's checksum goes on over header and frames; words are in the order that its
 * magic number tells. */
static void add_sum(uint32_t sum[static 2], const uint8_t *p, size_t n, bool is_big)
{
	for (size_t i = 0; i < n; i += 8) {
		uint32_t a = u32(p + i), b = u32(p + i + 4);
		if (!is_big) {
			a = __builtin_bswap32(a);
			b = __builtin_bswap32(b);
		}
		sum[0] += a + sum[1];
		sum[1] += b + sum[0];
	}
}

static void note_page(struct salvage *s, uint32_t no, uint32_t frame)
{
	if (no > s->n_pages) {
		s->frames = mem_resize(s->frames, (size_t)no + 1, sizeof(*s->frames));
		memset(s->frames + s->n_pages + 1, 0,
		       (no - s->n_pages) * sizeof(*s->frames));
		s->n_pages = no;
	}
	s->frames[no] = frame;
}

/* Frames up to the last commit of an unbroken log. */
static void read_wal(struct salvage *s)
{
	uint8_t *frame = mem_new(FRAME), header[WAL_HEADER];
	uint32_t sum[2] = {0}, n = 0, n_noted = 0, *pages = NULL;

	if (!read_at(s->wal, header, sizeof(header), 0) ||
	    (u32(header) & ~1u) != 0x377f0682 || u32(header + 8) != PAGE)
		goto out;
	const bool is_big = (header[3] & 1) != 0;
	add_sum(sum, header, 24, is_big);
	if (sum[0] != u32(header + 24) || sum[1] != u32(header + 28))
		goto out;
	while (read_at(s->wal, frame, FRAME, WAL_HEADER + (uint64_t)n * FRAME)) {
		add_sum(sum, frame, 8, is_big);
		add_sum(sum, frame + FRAME_HEADER, PAGE, is_big);
		if (memcmp(frame + 8, header + 16, 8) != 0 || sum[0] != u32(frame + 16) ||
		    sum[1] != u32(frame + 20))
			break;
		pages = mem_resize(pages, ++n, sizeof(*pages));
		pages[n - 1] = u32(frame);
		/* A commit says how long the database is after it. */
		for (; u32(frame + 4) != 0 && n_noted < n; n_noted++) {
			if (pages[n_noted] <= u32(frame + 4))
				note_page(s, pages[n_noted], n_noted + 1);
		}
	}
out:
	mem_free(pages);
	mem_free(frame);
}

/* A varint of at most nine bytes; false: it goes beyond the end. */
static bool get_varint(struct slice *s, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < 9 && i < s->n; i++) {
		const uint8_t b = s->p[i];
		*out = i < 8 ? *out << 7 | (b & 0x7f) : *out << 8 | b;
		if (i == 8 || b < 0x80) {
			*s = slice_of(s->p + i + 1, s->n - i - 1);
			return true;
		}
	}
	return false;
}

/* n bytes of a row: some on its leaf, the rest in a chain of pages. */
static bool gather(struct salvage *s, struct slice cell, uint64_t n)
{
	uint8_t page[PAGE];
	size_t here = (size_t)n, have;

	if (n > sizeof(s->row))
		return false;
	if (n > LOCAL_MAX) {
		here = LOCAL_MIN + (n - LOCAL_MIN) % (PAGE - 4);
		if (here > LOCAL_MAX)
			here = LOCAL_MIN;
	}
	if (cell.n < here + (here < n ? 4 : 0))
		return false;
	memcpy(s->row, cell.p, here);
	uint32_t next = here < n ? u32(cell.p + here) : 0;
	for (have = here; have < n;) {
		const size_t some = n - have < PAGE - 4 ? n - have : PAGE - 4;
		if (!read_page(s, next, page))
			return false;
		memcpy(s->row + have, page + 4, some);
		have += some;
		next = u32(page);
	}
	return true;
}

/* Bytes of an integer of this serial type, or 0. */
static size_t int_bytes(uint64_t type)
{
	static const uint8_t n[] = {0, 1, 2, 3, 4, 6, 8};

	return type < sizeof(n) ? n[type] : 0;
}

static bool get_value(uint64_t type, struct slice *body, struct salvage_value *v)
{
	size_t n = type >= 12 ? (size_t)((type - 12) / 2) : int_bytes(type);

	*v = (struct salvage_value){.kind = SALVAGE_OTHER};
	if (type == 7)
		n = 8;
	if (type == 10 || type == 11 || n > body->n)
		return false;
	v->blob = slice_of(body->p, n);
	*body = slice_of(body->p + n, body->n - n);
	if (type == 0) {
		v->kind = SALVAGE_NULL;
	} else if (type < 7 || type == 8 || type == 9) {
		uint64_t i = n > 0 && (v->blob.p[0] & 0x80) ? UINT64_MAX : 0;
		for (size_t k = 0; k < n; k++)
			i = i << 8 | v->blob.p[k];
		v->kind = SALVAGE_INT;
		v->i = type == 9 ? 1 : (int64_t)i;
	} else if (type >= 12 && type % 2 == 0) {
		v->kind = SALVAGE_BLOB;
	}
	return true;
}

/* A row with more columns than we know of is not ours. */
static bool get_row(struct slice bytes, struct salvage_row *row)
{
	struct slice types = bytes;
	uint64_t header, type;

	if (!get_varint(&types, &header) || header > bytes.n ||
	    header < bytes.n - types.n)
		return false;
	types.n = (size_t)header - (bytes.n - types.n);
	struct slice body = slice_of(bytes.p + header, bytes.n - (size_t)header);
	for (row->n = 0; types.n > 0; row->n++) {
		if (row->n == SALVAGE_COLUMNS || !get_varint(&types, &type) ||
		    !get_value(type, &body, &row->values[row->n]))
			return false;
	}
	return body.n == 0;
}

static enum err read_cell(struct salvage *s, struct slice cell)
{
	struct salvage_row row;
	uint64_t n, rowid;

	if (!get_varint(&cell, &n) || !get_varint(&cell, &rowid) || !gather(s, cell, n) ||
	    !get_row(slice_of(s->row, (size_t)n), &row)) {
		s->n_bad++;
		return ERR_OK;
	}
	row.rowid = (int64_t)rowid;
	return s->on_row(s->ctx, &row);
}

static enum err read_leaf(struct salvage *s, uint32_t no)
{
	const size_t start = no == 1 ? FILE_HEADER : 0;
	const uint8_t *header = s->page + start;
	enum err e = ERR_OK;

	if (header[0] != LEAF_TABLE)
		return ERR_OK;
	const size_t n = u16(header + 3);
	const size_t cells = start + LEAF_HEADER;
	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		if (cells + 2 * i + 2 > PAGE) {
			s->n_bad++;
			break;
		}
		const size_t at = u16(s->page + cells + 2 * i);
		if (at >= PAGE)
			s->n_bad++;
		else
			e = read_cell(s, slice_of(s->page + at, PAGE - at));
	}
	return e;
}

static int open_log(const char *path, const char *suffix)
{
	char *name = mem_printf("%s%s", path, suffix);
	const int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	mem_free(name);
	return fd;
}

enum err salvage_walk(const char *path,
		      enum err (*on_row)(void *ctx, const struct salvage_row *row),
		      void *ctx, uint64_t *n_bad)
{
	struct salvage *s = mem_new(sizeof(*s));
	struct stat st;
	enum err e = ERR_OK;

	*n_bad = 0;
	s->on_row = on_row;
	s->ctx = ctx;
	s->wal = -1;
	s->db = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (s->db < 0 || fstat(s->db, &st) != 0) {
		e = err_from_errno(errno);
		goto out;
	}
	/* A last page that was cut short counts. */
	s->n_pages = (uint32_t)((st.st_size + PAGE - 1) / PAGE);
	s->frames = mem_array((size_t)s->n_pages + 1, sizeof(*s->frames));
	s->wal = open_log(path, "-wal");
	if (s->wal >= 0)
		read_wal(s);
	for (uint32_t no = 1; no <= s->n_pages && e == ERR_OK; no++) {
		if (!read_page(s, no, s->page))
			s->n_bad++;
		e = read_leaf(s, no);
	}
	*n_bad = s->n_bad;
out:
	if (s->wal >= 0)
		close(s->wal);
	if (s->db >= 0)
		close(s->db);
	mem_free(s->frames);
	mem_free(s);
	return e;
}

/* A log, or a journal of a change that was not finished, has what is missing. */
static bool has_log(const char *path)
{
	static const char *const suffixes[] = {"-wal", "-journal"};
	bool has = false;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		const int fd = open_log(path, suffixes[i]);
		struct stat st;
		if (fd < 0)
			continue;
		has = has || (fstat(fd, &st) == 0 && st.st_size > 0);
		close(fd);
	}
	return has;
}

bool salvage_is_cut(const char *path)
{
	uint8_t header[FILE_HEADER];
	struct stat st;
	bool is_cut = false;
	const int db = has_log(path) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (db < 0)
		return false;
	/* The count of pages holds when it was written with the last change. */
	if (fstat(db, &st) == 0 && st.st_size > 0)
		is_cut = !read_at(db, header, sizeof(header), 0) ||
			 (u32(header + 24) == u32(header + 92) &&
			  (uint64_t)u32(header + 28) * PAGE > (uint64_t)st.st_size);
	close(db);
	return is_cut;
}
