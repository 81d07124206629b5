/* The content of the file that has begun. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "files/sink_state.h"

/* The room is looked at, and set aside, in pieces of this. */
enum { WINDOW = 64 << 20, ALLOCATE_MIN = 4 << 20 };

static const struct file_port *port(const struct sink *s)
{
	return s->cfg.port;
}

static struct slice own_path(const struct sink *s)
{
	return buf_slice(&s->file_path);
}

/* Room for n more bytes besides the floor, asked of the system once for many of them. */
enum err sink_take_room(struct sink *s, uint64_t n)
{
	uint64_t room;
	int r;

	if (n <= s->credit) {
		s->credit -= n;
		return ERR_OK;
	}
	do
		r = port(s)->room(port(s)->ctx, s->stage.work, &room);
	while (r == -EINTR);
	if (r < 0)
		return file_port_err(r);
	if (room < s->cfg.floor_bytes || room - s->cfg.floor_bytes < n)
		return ERR_NOSPACE;
	room -= s->cfg.floor_bytes + n;
	s->credit = room < WINDOW ? room : WINDOW;
	return ERR_OK;
}

static enum err check_bytes(struct sink *s, uint64_t n)
{
	const struct sink_file *f = &s->file;
	const uint64_t before = s->total + f->at;

	if (!f->is_open || f->is_awaited || s->phase != SINK_PHASE_OPEN)
		return sink_fail(s, ERR_PROTO, own_path(s), "bytes of no file");
	if (f->entry.has_size && n > f->entry.size - f->at)
		return sink_fail(s, ERR_PROTO, own_path(s),
				 "more came of it than was said");
	if (before > s->cfg.max_bytes || n > s->cfg.max_bytes - before ||
	    n > INT64_MAX - f->at)
		return sink_fail(s, ERR_LIMIT, own_path(s),
				 "more bytes than were offered");
	return ERR_OK;
}

/* Of a large file a piece is set aside at once: less scattered, and a full disk is known
 * before the bytes have come. Not where holes are: it would have to be given back. */
static enum err allocate(struct sink *s)
{
	struct sink_file *f = &s->file;
	const uint64_t left = f->entry.has_size ? f->entry.size - f->at : 0;
	const int64_t n = (int64_t)(left < WINDOW ? left : WINDOW);
	int r;

	if (left < ALLOCATE_MIN || f->run < ALLOCATE_MIN || f->end > f->at)
		return ERR_OK;
	do
		r = port(s)->fallocate(port(s)->ctx, f->fd, FALLOC_FL_KEEP_SIZE,
				       (int64_t)f->at, n);
	while (r == -EINTR);
	if (r == 0)
		f->end = f->at + (uint64_t)n;
	/* It is a favour; only what writing would meet too counts. */
	return r == -ENOSPC || r == -EDQUOT || r == -EIO ? file_port_err(r) : ERR_OK;
}

static enum err write_file(struct sink *s, struct slice bytes)
{
	struct sink_file *f = &s->file;
	enum err e = sink_take_room(s, bytes.n);

	if (e == ERR_OK)
		e = allocate(s);
	if (e == ERR_OK)
		e = file_port_write_at(port(s), f->fd, bytes, (int64_t)f->at);
	f->run += bytes.n;
	if (e == ERR_OK)
		f->written = f->at + bytes.n;
	return e;
}

enum err sink_bytes(struct sink *s, struct slice bytes)
{
	enum err e = s->failed;

	if (e == ERR_OK)
		e = check_bytes(s, bytes.n);
	if (e != ERR_OK || bytes.n == 0)
		return e;
	e = s->stream >= 0 ? file_port_write(port(s), s->stream, bytes)
			   : write_file(s, bytes);
	if (e != ERR_OK)
		return sink_fail(s, e, own_path(s), NULL);
	if (s->cfg.has_digest)
		digest_add(&s->content, bytes);
	s->file.at += bytes.n;
	return ERR_OK;
}

static enum err write_zeros(struct sink *s, uint64_t n)
{
	static const uint8_t zeros[65536];
	enum err e = ERR_OK;

	while (n > 0 && e == ERR_OK) {
		const size_t part = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);
		e = file_port_write(port(s), s->stream, slice_of(zeros, part));
		n -= part;
	}
	return e;
}

/* What was set aside lies behind the end of the file, where some file systems punch no
 * holes: cutting the file where it ends gives it back. It is a favour too. */
static void give_back(struct sink *s)
{
	struct sink_file *f = &s->file;

	if (f->end > f->at && f->written == f->at)
		port(s)->ftruncate(port(s)->ctx, f->fd, (int64_t)f->at);
	f->end = f->at;
}

enum err sink_hole(struct sink *s, uint64_t n)
{
	enum err e = s->failed;

	if (e == ERR_OK)
		e = check_bytes(s, n);
	if (e != ERR_OK)
		return e;
	if (s->stream >= 0)
		e = write_zeros(s, n);
	else
		give_back(s);
	if (e != ERR_OK)
		return sink_fail(s, e, own_path(s), NULL);
	if (s->cfg.has_digest)
		digest_zeros(&s->content, n);
	s->file.at += n;
	s->file.run = 0;
	return ERR_OK;
}
