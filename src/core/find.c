#include "core/find.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/amend.h"
#include "core/contact.h"

enum {
	SCAN_ROWS = 20000, /* looked at, before others have their turn */
	PREFIX_MIN = 4,
	PREFIX_MAX = 32,
	LISTED_MAX = 8,
	FINDS_MAX = 256
};

/* What the store's thread compares with. */
struct wanted {
	struct id32 me;
	bool is_mine, is_others;
	size_t n_prefix;
	char prefix[PREFIX_MAX + 1]; /* hex, lower case */
	uint64_t now_ms;
	uint64_t lamport_max; /* of ours: what was said later is not meant; 0: no limit */
};

struct find {
	struct list node;
	struct core *core;
	struct queued_command *cmd;
	bool is_lan;
	struct id32 peer;
	enum find_whose whose;
	struct wanted wanted;
	struct store_request next;
	find_fn *fn;
	unsigned n;
	struct found found; /* the first one */
	char listed[1000];
};

static void find_free(struct find *f)
{
	list_del(&f->node);
	f->core->n_finds--;
	queued_command_free(f->cmd);
	mem_free(f);
}

/* In the store's thread. */
static bool is_match(struct slice arg, const struct store_message *m)
{
	struct wanted w;
	struct kept_body body;
	struct msg msg;
	char id[PREFIX_MAX + 1];
	memcpy(&w, arg.p, sizeof w);
	bool is_own = id32_eq(&m->author, &w.me);
	hex_encode(slice_of(m->id.b, sizeof m->id.b), id);
	if (is_own && w.lamport_max != 0 && m->lamport > w.lamport_max)
		return false;
	if ((w.is_mine && !is_own) || (w.is_others && is_own) ||
	    memcmp(id, w.prefix, w.n_prefix) != 0 ||
	    (m->expires_ms != 0 && m->expires_ms <= w.now_ms))
		return false;
	return kept_decode(m->body, &body, &msg) == ERR_OK && !body.is_deleted &&
	       !body.note;
}

static uint64_t lamport_of(const struct kept_body *body)
{
	uint64_t most = body->edit_lamport;
	struct cur at = cur_of(body->reactions);
	struct kept_reaction r;
	while (kept_reaction_get(&at, &r))
		most = r.lamport > most ? r.lamport : most;
	return most;
}

static bool found_init(struct found *f, const struct store_message *m)
{
	struct kept_body body;
	struct msg msg;
	struct slice text;
	if (kept_decode(m->body, &body, &msg) != ERR_OK || kept_text(m, &text) != ERR_OK)
		return false;
	*f = (struct found){.author = m->author,
			    .id = m->id,
			    .state = m->state,
			    .lamport = lamport_of(&body)};
	if (m->lamport > f->lamport)
		f->lamport = m->lamport;
	kept_excerpt(text, f->excerpt);
	return true;
}

static void list_one(struct find *f, const struct found *found)
{
	char id[PREFIX_MAX + 1];
	size_t used = strlen(f->listed);
	if (f->n > LISTED_MAX)
		return;
	hex_encode(slice_of(found->id.b, sizeof found->id.b), id);
	snprintf(f->listed + used, sizeof f->listed - used, "%s%.12s (%.40s)",
		 used > 0 ? ", " : "", id, found->excerpt);
}

static void take(struct find *f, const struct store_reply *reply)
{
	for (size_t i = 0; i < reply->n_messages; i++) {
		struct found found;
		if (!found_init(&found, &reply->messages[i]))
			continue;
		if (f->n++ == 0)
			f->found = found;
		list_one(f, &found);
	}
}

static const char *name_of(const struct find *f, const struct peer *p)
{
	return f->is_lan ? "#lan" : p != NULL ? p->name : "somebody who is forgotten";
}

static void fail_none(const struct find *f, struct call *call, const struct peer *p)
{
	if (f->wanted.n_prefix > 0)
		call_fail(call, 1,
			  "no message%s in the conversation with %s begins with %s "
			  "(/history %s --ids lists them)",
			  f->whose == FIND_MINE ? " of yours" : "", name_of(f, p),
			  f->wanted.prefix, name_of(f, p));
	else
		call_fail(
			call, 1, "there is no message of %s in the conversation with %s",
			f->whose == FIND_MINE ? "yours" : "anybody else", name_of(f, p));
}

static void finish(struct find *f, enum err e, const char *why)
{
	struct peer *p = f->is_lan ? NULL : peer_find(f->core, &f->peer);
	struct call call = {.core = f->core, .to = f->cmd->to, .cmd = &f->cmd->cmd};
	if (e != ERR_OK)
		call_fail(&call, 5, "the history cannot be read: %s",
			  why[0] != '\0' ? why : err_str(e));
	else if (f->n == 0 || (p == NULL && !f->is_lan))
		fail_none(f, &call, p);
	else if (f->n > 1)
		call_fail(&call, 1, "%s fits %s%u messages: %s", f->wanted.prefix,
			  f->n > LISTED_MAX ? "more than " : "",
			  f->n > LISTED_MAX ? LISTED_MAX : f->n, f->listed);
	else
		f->fn(&call, p, &f->found);
	find_free(f);
}

static void on_page(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct find *f = ctx;
	(void)req;
	if (reply->err == ERR_OK)
		take(f, reply);
	bool is_enough = f->n >= (f->wanted.n_prefix > 0 ? LISTED_MAX + 1 : 1);
	if (reply->err != ERR_OK || !reply->is_more || is_enough) {
		finish(f, reply->err, reply->why);
		return;
	}
	f->next.has_from = true;
	f->next.from.lamport = reply->last.lamport;
	f->next.from.seq = reply->last.seq;
	f->next.from.author = reply->last.author;
	f->next.from.id = reply->last.id;
	enum err e = store_submit(f->core->cfg.store, &f->next);
	if (e != ERR_OK)
		finish(f, e, "");
}

static void on_written(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct find *f = ctx;
	(void)req;
	(void)reply; /* there was nothing to remove */
	enum err e = store_submit(f->core->cfg.store, &f->next);
	if (e != ERR_OK)
		finish(f, e, "");
}

/* Reads overtake writes: what was said just before is not kept yet, but it is what is
 * meant. Writes are answered in their order, so one that does nothing waits for them. */
static enum err begin(struct find *f)
{
	static const uint8_t nobody[32];
	struct store_request req = {.verb = STORE_RECORD, .done = on_written, .ctx = f};
	req.record.kind = RECORD_KNOCK;
	req.record.key = slice_of(nobody, sizeof nobody);
	return store_submit(f->core->cfg.store, f->core->n_sayings > 0 ? &req : &f->next);
}

/* False: an error was sent. */
static bool take_prefix(struct call *call, const char *prefix, struct wanted *w)
{
	static const char digits[] = "0123456789abcdef";
	if (prefix == NULL)
		return true;
	for (; prefix[w->n_prefix] != '\0'; w->n_prefix++) {
		char ch = prefix[w->n_prefix];
		ch = ch >= 'A' && ch <= 'F' ? (char)(ch | 0x20) : ch;
		if (w->n_prefix >= PREFIX_MAX || strchr(digits, ch) == NULL)
			break;
		w->prefix[w->n_prefix] = ch;
	}
	w->prefix[w->n_prefix] = '\0';
	if (prefix[w->n_prefix] == '\0' && w->n_prefix >= PREFIX_MIN)
		return true;
	return call_fail(call, 1,
			 "--id takes %d to %d hexadecimal digits of a message's id "
			 "(/history --ids shows them)",
			 PREFIX_MIN, PREFIX_MAX);
}

void find_message(struct call *call, struct peer *p, enum find_whose whose,
		  const char *prefix, find_fn *fn)
{
	struct core *c = call->core;
	struct wanted w = {.me = c->node_id,
			   .is_mine = whose == FIND_MINE,
			   .is_others = whose == FIND_OTHERS && prefix == NULL,
			   .now_ms = core_wall_ms(c),
			   .lamport_max = p != NULL ? p->lamport : c->lan_lamport};
	if (!c->is_kept) {
		call_fail(call, 5, "this node keeps nothing (store = none)");
		return;
	}
	if (!take_prefix(call, prefix, &w))
		return;
	if (c->n_finds >= FINDS_MAX) {
		call_fail(call, 5, "too many commands look for a message already");
		return;
	}
	struct find *f = mem_new(sizeof *f);
	*f = (struct find){.core = c, .whose = whose, .wanted = w, .fn = fn};
	f->cmd = queued_command_new(call->to, call->cmd);
	f->is_lan = p == NULL;
	f->peer = p != NULL ? p->node_id : c->node_id;
	f->next = (struct store_request){
		.verb = STORE_SCAN,
		.done = on_page,
		.ctx = f,
		.match = is_match,
		.max = prefix != NULL ? LISTED_MAX + 1 : 1,
		.max_rows = SCAN_ROWS,
	};
	f->next.msg.conv = p != NULL ? p->conv : c->lan_conv;
	f->next.arg = slice_of((const uint8_t *)&f->wanted, sizeof f->wanted);
	list_add(&c->finds, &f->node);
	c->n_finds++;
	enum err e = begin(f);
	if (e != ERR_OK)
		finish(f, e, "");
}

void find_free_all(struct core *c)
{
	list_each_safe (it, &c->finds)
		find_free(list_entry(it, struct find, node));
}
