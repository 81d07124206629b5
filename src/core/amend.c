/* In the store's thread: nothing but the arguments is touched. */
#include "core/amend.h"

#include <string.h>

#include "core/kept.h"

struct slice amend_pack(struct buf *b, const struct amend *a, struct slice text)
{
	buf_init(b, sizeof *a + PROTO_TEXT_BYTES);
	(void)buf_add(b, slice_of((const uint8_t *)a, sizeof *a));
	(void)buf_add(b, text);
	return buf_slice(b);
}

bool amend_unpack(struct slice arg, struct amend *a, struct slice *text)
{
	if (arg.n < sizeof *a)
		return false;
	memcpy(a, arg.p, sizeof *a);
	*text = slice_of(arg.p + sizeof *a, arg.n - sizeof *a);
	return a->kind < AMEND_KINDS;
}

/* A message under change. */
struct change {
	const struct amend *a;
	struct slice text;
	struct store_message *m;
	struct kept_body body;
	struct msg msg;
	struct buf reactions; /* new ones */
	bool is_body_new;
};

static enum err edit(struct change *ch)
{
	struct kept_body *b = &ch->body;
	bool is_edited = (b->has & KEPT_EDITED) != 0;
	if (!id32_eq(&ch->m->author, &ch->a->by))
		return ERR_REFUSED;
	if (b->is_deleted || (is_edited && ch->a->lamport <= b->edit_lamport))
		return ERR_EXISTS;
	b->has |= KEPT_EDITED;
	b->text = ch->text;
	b->edited_ms = ch->a->now_ms;
	b->edit_lamport = ch->a->lamport;
	ch->is_body_new = true;
	return ERR_OK;
}

/* What was said is nowhere any more; whom it was said to stays, and that it was. */
static enum err delete (struct change *ch) {
	struct kept_body *b = &ch->body;
	if (!id32_eq(&ch->m->author, &ch->a->by)) return ERR_REFUSED;
	if (b->is_deleted) return ERR_EXISTS;
	*b = (struct kept_body){.peer = b->peer,
				.nick = b->nick,
				.late_s = b->late_s,
				.is_deleted = true};
	ch->is_body_new = true;
	return ERR_OK;
}

/* ---- reactions ---- */

/* One that was taken back is remembered, lest an older one comes after it; but not when
 * the place is needed. */
static bool has_room(struct slice all)
{
	struct cur at = cur_of(all);
	struct kept_reaction r;
	size_t n = 0;
	while (kept_reaction_get(&at, &r))
		n++;
	return n < KEPT_REACTIONS_MAX;
}

/* All but this author's; and, for room, but the first that was taken back. */
static enum err copy_others(struct change *ch, bool needs_room)
{
	struct cur at = cur_of(ch->body.reactions);
	struct kept_reaction r;
	while (kept_reaction_get(&at, &r)) {
		if (id32_eq(&r.author, &ch->a->by)) {
			if (ch->a->lamport <= r.lamport)
				return ERR_EXISTS;
			needs_room = false;
			continue;
		}
		if (needs_room && r.text.n == 0) {
			needs_room = false;
			continue;
		}
		if (kept_reaction_put(&ch->reactions, &r) != ERR_OK)
			return ERR_LIMIT;
	}
	if (at.failed)
		return ERR_RANGE;
	return needs_room ? ERR_LIMIT : ERR_OK;
}

static bool has_reacted(struct slice all, const struct id32 *who)
{
	struct cur at = cur_of(all);
	struct kept_reaction r;
	while (kept_reaction_get(&at, &r))
		if (id32_eq(&r.author, who))
			return true;
	return false;
}

static enum err react(struct change *ch)
{
	struct slice all = ch->body.reactions;
	const struct kept_reaction own = {
		.author = ch->a->by, .lamport = ch->a->lamport, .text = ch->text};
	bool is_new = !has_reacted(all, &ch->a->by);
	if (ch->body.is_deleted)
		return ERR_EXISTS;
	enum err e = copy_others(ch, is_new && !has_room(all));
	if (e == ERR_OK)
		e = kept_reaction_put(&ch->reactions, &own);
	ch->body.reactions = buf_slice(&ch->reactions);
	ch->is_body_new = true;
	return e;
}

/* ---- where it stands ---- */

/* Only whom it was for can tell; on #lan nobody is asked. */
static enum err set_state(struct change *ch)
{
	const struct amend *a = ch->a;
	struct store_message *m = ch->m;
	bool is_further =
		a->state == STORE_READ
			? m->state == STORE_QUEUED || m->state == STORE_STORED ||
				  m->state == STORE_DELIVERED
			: a->state == STORE_DELIVERED && m->state == STORE_STORED;
	if (ch->body.peer.n != sizeof a->by.b ||
	    memcmp(ch->body.peer.p, a->by.b, sizeof a->by.b) != 0)
		return ERR_REFUSED;
	if (!is_further)
		return ERR_EXISTS;
	m->state = a->state;
	return ERR_OK;
}

static enum err begin_time(struct change *ch)
{
	const struct msg_text *t = &ch->msg.u.text;
	if (ch->body.is_deleted || t->expire_s == 0 || ch->m->expires_ms != 0)
		return ERR_EXISTS;
	ch->m->expires_ms = ch->a->now_ms + t->expire_s * 1000;
	return ERR_OK;
}

static enum err mark_reply(struct change *ch)
{
	if (ch->body.is_deleted || ch->body.is_reply)
		return ERR_EXISTS;
	ch->body.is_reply = true;
	ch->is_body_new = true;
	return ERR_OK;
}

static enum err put(struct change *ch, uint8_t *room)
{
	struct buf b;
	buf_init(&b, STORE_BODY_BYTES);
	enum err e = kept_encode(&b, &ch->body);
	if (e == ERR_OK) {
		memcpy(room, buf_slice(&b).p, b.len);
		ch->m->body = slice_of(room, b.len);
	}
	buf_wipe(&b);
	return e;
}

enum err amend_apply(struct slice arg, struct store_message *m, uint8_t *room)
{
	static enum err (*const kinds[AMEND_KINDS])(struct change * ch) = {
		[AMEND_EDIT] = edit,	    [AMEND_DELETE] = delete,
		[AMEND_REACTION] = react,   [AMEND_STATE] = set_state,
		[AMEND_SHOWN] = begin_time, [AMEND_REPLY] = mark_reply,
	};
	struct amend a;
	struct change ch = {.a = &a, .m = m};
	if (!amend_unpack(arg, &a, &ch.text))
		return ERR_RANGE;
	if (kept_decode(m->body, &ch.body, &ch.msg) != ERR_OK)
		return ERR_RANGE;
	if (!id16_eq(&m->conv, &a.conv))
		return ERR_REFUSED;
	buf_init(&ch.reactions, (size_t)KEPT_REACTIONS_MAX * KEPT_REACTION_BYTES);
	enum err e = kinds[a.kind](&ch);
	if (e == ERR_OK && ch.is_body_new)
		e = put(&ch, room);
	buf_wipe(&ch.reactions);
	return e;
}
