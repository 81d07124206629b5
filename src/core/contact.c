#include "core/contact.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/cand.h"
#include "core/dialer.h"
#include "core/expire.h"
#include "core/forget.h"
#include "core/keep.h"
#include "core/knock.h"
#include "core/outbox.h"
#include "core/receipts.h"
#include "core/rival.h"
#include "wire/fields.h"

enum {
	ADDRESSES_MAX = 8,
	ADDRESS_BYTES = 1 + 16 + 2 + 4, /* family, ip, port, scope */
	CONTACT_BYTES = 16 << 10,
	SAVE_AGAIN_MS = 1000,
	SAVES_AGAIN = 4
};

/* The value of a record. */
struct contact {
	uint64_t has;
	struct slice nick, pinned;
	uint64_t met_ms, seen_ms;
	struct slice devlist;
	struct slice addresses; /* ADDRESS_BYTES each, newest first */
	struct slice alias, tags;
	bool blocked, shut_out, verified, mismatched;
	struct slice rivals; /* RIVAL_BYTES each */
	uint64_t expire_s, receipts, read_seq, told_seq;
};

enum {
	KEY_NICK,
	KEY_PINNED,
	KEY_MET,
	KEY_SEEN,
	KEY_DEVLIST,
	KEY_ADDRESSES,
	KEY_ALIAS,
	KEY_TAGS,
	KEY_BLOCKED,
	KEY_VERIFIED,
	KEY_MISMATCHED,
	KEY_RIVALS,
	KEY_EXPIRE = 20,
	KEY_RECEIPTS,
	KEY_READ,
	KEY_TOLD,
	KEY_SHUT_OUT
};

#define ROW(key, type, need, max, name) \
	{ \
		key, type, need, 0, max, #name, offsetof(struct contact, name) \
	}
static const struct msg_field rows[] = {
	ROW(KEY_NICK, MSG_STR, MSG_REQ, PROTO_NICK_BYTES, nick),
	ROW(KEY_PINNED, MSG_STR, MSG_REQ, PROTO_NICK_BYTES, pinned),
	ROW(KEY_MET, MSG_UINT, MSG_REQ, PROTO_NUMBER_MAX, met_ms),
	ROW(KEY_SEEN, MSG_UINT, MSG_REQ, PROTO_NUMBER_MAX, seen_ms),
	ROW(KEY_DEVLIST, MSG_BIN, MSG_OPT, DEVLIST_MAX_BYTES, devlist),
	ROW(KEY_ADDRESSES, MSG_BIN, MSG_OPT, ADDRESSES_MAX *ADDRESS_BYTES, addresses),
	ROW(KEY_ALIAS, MSG_STR, MSG_OPT, PROTO_NICK_BYTES, alias),
	ROW(KEY_TAGS, MSG_STR, MSG_OPT, PEER_TAGS_BYTES, tags),
	ROW(KEY_BLOCKED, MSG_BOOL, MSG_OPT, 1, blocked),
	ROW(KEY_VERIFIED, MSG_BOOL, MSG_OPT, 1, verified),
	ROW(KEY_MISMATCHED, MSG_BOOL, MSG_OPT, 1, mismatched),
	ROW(KEY_RIVALS, MSG_BIN, MSG_OPT, RIVALS_MAX *RIVAL_BYTES, rivals),
	ROW(KEY_EXPIRE, MSG_UINT, MSG_OPT, PROTO_EXPIRE_MAX_S, expire_s),
	ROW(KEY_RECEIPTS, MSG_UINT, MSG_OPT, RECEIPTS_OFF, receipts),
	ROW(KEY_READ, MSG_UINT, MSG_OPT, PROTO_NUMBER_MAX, read_seq),
	ROW(KEY_TOLD, MSG_UINT, MSG_OPT, PROTO_NUMBER_MAX, told_seq),
	ROW(KEY_SHUT_OUT, MSG_BOOL, MSG_OPT, 1, shut_out),
};
#undef ROW
static const struct fields table = {rows, sizeof rows / sizeof *rows};

/* ---- written ---- */

void contact_changed(struct peer *p)
{
	if (p->is_contact && list_empty(&p->of_unsaved))
		list_add(&p->core->unsaved, &p->of_unsaved);
}

static void put_address(struct buf *b, const struct addr *a)
{
	(void)buf_u8(b, (uint8_t)a->family);
	(void)buf_add(b, slice_of(a->ip, sizeof a->ip));
	(void)buf_u16(b, a->port);
	(void)buf_u32(b, a->scope);
}

/* Where it has answered, the newest first. */
static void put_addresses(struct buf *b, const struct peer *p)
{
	for (struct list *it = p->cands.prev; it != &p->cands; it = it->prev) {
		const struct cand *a = list_entry(it, struct cand, of_peer);
		if (a->is_proved && b->len < (size_t)ADDRESSES_MAX * ADDRESS_BYTES)
			put_address(b, &a->sight.addr);
	}
}

static enum err encode(struct buf *b, const struct peer *p, struct slice addresses,
		       struct slice rivals)
{
	struct contact k = {
		.has = MSG_HAS(KEY_ADDRESSES) | MSG_HAS(KEY_ALIAS) | MSG_HAS(KEY_TAGS) |
		       MSG_HAS(KEY_BLOCKED) | MSG_HAS(KEY_VERIFIED) |
		       MSG_HAS(KEY_MISMATCHED) | MSG_HAS(KEY_EXPIRE) |
		       MSG_HAS(KEY_RECEIPTS) | MSG_HAS(KEY_READ) | MSG_HAS(KEY_TOLD) |
		       MSG_HAS(KEY_SHUT_OUT),
		.expire_s = p->expire_s,
		.receipts = p->receipts,
		.read_seq = p->read_seq,
		.told_seq = p->told_seq,
		.alias = slice_str(p->alias),
		.tags = slice_str(p->tags),
		.blocked = p->is_blocked,
		.shut_out = p->is_shut_out,
		.verified = p->is_verified,
		.mismatched = p->is_mismatched,
		.nick = slice_str(p->nick),
		.pinned = slice_str(p->pinned),
		.met_ms = p->met_ms & PROTO_NUMBER_MAX,
		.seen_ms = p->seen_ms & PROTO_NUMBER_MAX,
		.addresses = addresses,
		.rivals = rivals,
	};
	if (rivals.n > 0)
		k.has |= MSG_HAS(KEY_RIVALS);
	if (p->devlist != NULL) {
		k.has |= MSG_HAS(KEY_DEVLIST);
		k.devlist = slice_of(p->devlist->raw, p->devlist->raw_len);
	}
	return fields_put(b, &table, &k);
}

static struct store_request record_of(const struct peer *p)
{
	struct store_request req = {.verb = STORE_RECORD};
	req.record.kind = RECORD_CONTACT;
	req.record.key = slice_of(p->node_id.b, sizeof p->node_id.b);
	return req;
}

static void on_again(void *ctx)
{
	(void)ctx; /* the end of the tick writes */
}

/* At once a few times, as most troubles pass, then at leisure. */
static void save_later(struct peer *p)
{
	struct core *c = p->core;
	contact_changed(p);
	if (!bucket_take(&c->save_again, core_now_us(c), 1, SAVES_AGAIN))
		timer_set(c->cfg.timers, &c->save_timer, SAVE_AGAIN_MS, on_again, c);
}

static void on_saved(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct id32 id;
	memcpy(id.b, req->record.key.p, sizeof id.b);
	struct peer *p = peer_find(ctx, &id);
	if (reply->err != ERR_OK && p != NULL)
		save_later(p);
}

static void save(struct peer *p)
{
	struct store_request req = record_of(p);
	req.done = on_saved;
	req.ctx = p->core;
	struct buf addresses, rivals, value;
	buf_init(&addresses, (size_t)ADDRESSES_MAX * ADDRESS_BYTES);
	buf_init(&rivals, (size_t)RIVALS_MAX * RIVAL_BYTES);
	buf_init(&value, CONTACT_BYTES);
	put_addresses(&addresses, p);
	rival_put(&rivals, p);
	if (encode(&value, p, buf_slice(&addresses), buf_slice(&rivals)) == ERR_OK) {
		req.record.value = buf_slice(&value);
		if (store_submit(p->core->cfg.store, &req) != ERR_OK)
			save_later(p);
	}
	buf_wipe(&addresses);
	buf_wipe(&rivals);
	buf_wipe(&value);
}

/* What could not be read must not be written over. */
void contact_flush(struct core *c)
{
	if (timer_is_set(&c->save_timer) || c->load_err != ERR_OK)
		return;
	list_each_safe (it, &c->unsaved) {
		list_del(it);
		save(list_entry(it, struct peer, of_unsaved));
	}
}

void contact_remove(struct peer *p)
{
	struct store_request record = record_of(p);
	list_del(&p->of_unsaved);
	(void)store_submit(p->core->cfg.store, &record);
}

bool contact_forget(const struct peer *p)
{
	struct store_request record = record_of(p);
	struct store_request keep = keep_request(STORE_RECORD, &p->conv);
	return forget_conv(p->core, &p->conv, &p->node_id, NULL) &&
	       store_submit(p->core->cfg.store, &record) == ERR_OK &&
	       store_submit(p->core->cfg.store, &keep) == ERR_OK;
}

/* ---- read ---- */

/* An answer without which nobody is let in. */
static void ask(struct core *c, struct store_request *req)
{
	req->ctx = c;
	if (store_submit(c->cfg.store, req) == ERR_OK)
		c->n_loading++;
}

static void on_answer(struct core *c, const struct store_reply *reply)
{
	c->n_loading--;
	if (reply->err != ERR_OK && c->load_err == ERR_OK)
		c->load_err = reply->err;
}

static void take_newest(struct core *c, const struct store_request *req,
			const struct store_reply *reply)
{
	struct peer *p = map_get(c->by_conv, &req->msg.conv);
	uint64_t *seen = p != NULL ? &p->lamport : &c->lan_lamport;
	if (reply->n_messages > 0 && reply->messages->lamport > *seen)
		*seen = reply->messages->lamport;
}

static void on_newest(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	on_answer(ctx, reply);
	take_newest(ctx, req, reply);
}

static void on_newest_later(void *ctx, const struct store_request *req,
			    const struct store_reply *reply)
{
	take_newest(ctx, req, reply);
}

static struct store_request newest_of(const struct id16 *conv)
{
	struct store_request req = {.verb = STORE_PAGE, .done = on_newest, .max = 1};
	req.msg.conv = *conv;
	return req;
}

static void ask_newest(struct core *c, const struct id16 *conv)
{
	struct store_request req = newest_of(conv);
	ask(c, &req);
}

void contact_met(struct peer *p)
{
	struct store_request req = newest_of(&p->conv);
	req.done = on_newest_later;
	req.ctx = p->core;
	if (!p->is_contact && p->lamport == 0)
		(void)store_submit(p->core->cfg.store, &req);
}

static void ask_counts(struct core *c, const struct id32 *after);

static void on_counts(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct core *c = ctx;
	(void)req;
	on_answer(c, reply);
	for (size_t i = 0; i < reply->n_counts; i++) {
		struct peer *p = peer_get(c, &reply->counts[i].peer);
		if (p == NULL)
			continue;
		if (!p->is_contact)
			ask_newest(c, &p->conv);
		peer_pin(p);
		outbox_counted(p, reply->counts[i].n);
	}
	if (reply->is_more && reply->n_counts > 0)
		ask_counts(c, &reply->counts[reply->n_counts - 1].peer);
}

static void ask_counts(struct core *c, const struct id32 *after)
{
	struct store_request req = {.verb = STORE_COUNTS, .done = on_counts};
	req.is_peer = after != NULL;
	if (after != NULL)
		req.peer = *after;
	ask(c, &req);
}

static void take_addresses(struct peer *p, struct slice all)
{
	struct cur c = cur_of(all);
	struct sighting s = {.source = SIGHTING_MEMORY, .has_id = true, .id = p->node_id};
	while (c.left >= ADDRESS_BYTES) {
		s.addr.family = (enum addr_family)cur_u8(&c);
		cur_copy(&c, s.addr.ip, sizeof s.addr.ip);
		s.addr.port = cur_u16(&c);
		s.addr.scope = cur_u32(&c);
		if (!addr_is_unicast(&s.addr))
			continue;
		struct cand *a = cand_get(p->core, &s);
		if (a != NULL)
			cand_proved(a, p);
	}
}

static void take_devlist(struct peer *p, struct slice raw)
{
	struct devlist l;
	if (devlist_parse(raw, &l) == ERR_OK && p->devlist == NULL)
		p->devlist = mem_dup(&l, sizeof l);
}

static void copy(char *out, size_t size, struct slice text)
{
	snprintf(out, size, "%.*s", (int)text.n, (const char *)text.p);
}

/* It is told once: from the next start on it lies where nobody looks. */
static void quarantine(struct core *c, const struct store_record *r)
{
	struct store_request put = {.verb = STORE_RECORD, .record = *r};
	struct store_request del = put;
	put.record.kind = RECORD_QUARANTINE;
	del.record.value = slice_of(NULL, 0);
	(void)store_submit(c->cfg.store, &put);
	(void)store_submit(c->cfg.store, &del);
	core_notice(c, "warning",
		    "what is kept of a contact makes no sense, so they are a stranger "
		    "from now on; what was said is still there");
}

static void take(struct core *c, const struct store_record *r)
{
	struct contact k = {0};
	struct cur cur = cur_of(r->value);
	struct id32 id;
	enum proto_code code;
	if (r->key.n != sizeof id.b || fields_get(&cur, &table, &k, &code) != ERR_OK) {
		quarantine(c, r);
		return;
	}
	memcpy(id.b, r->key.p, sizeof id.b);
	struct peer *p = id32_eq(&id, &c->node_id) ? NULL : peer_get(c, &id);
	if (p == NULL)
		return;
	p->is_contact = true;
	p->presence = PRESENCE_OFFLINE;
	p->met_ms = k.met_ms;
	p->seen_ms = k.seen_ms;
	copy(p->pinned, sizeof p->pinned, k.pinned);
	copy(p->alias, sizeof p->alias, k.alias);
	copy(p->tags, sizeof p->tags, k.tags);
	p->is_blocked = k.blocked;
	p->is_shut_out = k.shut_out;
	p->is_verified = k.verified;
	p->is_mismatched = k.mismatched;
	p->look = p->pinned[0] != '\0' ? text_look(p->pinned) : NULL;
	rival_take(p, k.rivals);
	p->expire_s = k.expire_s;
	p->receipts = (uint8_t)k.receipts;
	p->read_seq = k.read_seq;
	p->told_seq = k.told_seq;
	peer_profile(p, k.nick, slice_of(NULL, 0), false);
	take_devlist(p, k.devlist);
	take_addresses(p, k.addresses);
	ask_newest(c, &p->conv);
}

enum err contact_read(const struct store_record *r, struct contact_words *out)
{
	struct contact k = {0};
	struct cur cur = cur_of(r->value);
	enum proto_code code;
	if (r->key.n != sizeof out->id.b || fields_get(&cur, &table, &k, &code) != ERR_OK)
		return ERR_CORRUPT;
	*out = (struct contact_words){.nick = k.nick,
				      .alias = k.alias,
				      .tags = k.tags,
				      .met_ms = k.met_ms,
				      .seen_ms = k.seen_ms};
	memcpy(out->id.b, r->key.p, sizeof out->id.b);
	out->trust = k.blocked ? "blocked" : k.verified ? "verified" : "contact";
	return ERR_OK;
}

void contact_take(struct core *c, const struct store_record *r)
{
	struct contact_words words;
	if (contact_read(r, &words) != ERR_OK || id32_eq(&words.id, &c->node_id))
		return;
	struct peer *p = peer_get(c, &words.id);
	if (p == NULL || p->is_contact)
		return;
	take(c, r);
	p->read_seq = p->told_seq = 0; /* they were numbers of another store */
	contact_changed(p);
	peer_update(p, NULL);
}

static void ask_records(struct core *c, struct slice after);

static void on_records(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct core *c = ctx;
	(void)req;
	on_answer(c, reply);
	for (size_t i = 0; i < reply->n_records; i++)
		take(c, &reply->records[i]);
	if (reply->is_more && reply->n_records > 0) {
		ask_records(c, reply->records[reply->n_records - 1].key);
		return;
	}
	knock_load(c);
	dialer_poke(c);
}

static void ask_records(struct core *c, struct slice after)
{
	struct store_request req = {.verb = STORE_RECORDS, .done = on_records};
	req.record.kind = RECORD_CONTACT;
	req.arg = after;
	req.max = STORE_ROWS_MAX;
	ask(c, &req);
}

static void on_lan(void *ctx, const struct store_request *req,
		   const struct store_reply *reply)
{
	(void)req;
	on_answer(ctx, reply);
	expire_take_lan(ctx, reply);
}

void contact_load(struct core *c)
{
	ask_records(c, slice_of(NULL, 0));
	ask_counts(c, NULL);
	ask_newest(c, &c->lan_conv);
	struct store_request lan = expire_lan_request();
	lan.done = on_lan;
	ask(c, &lan);
}
