#include "core/export.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "core/job.h"
#include "core/kept.h"

enum {
	ROWS = 1024,
	/* Seven times as long as JSON at worst: below what a reader may be behind. */
	ROWS_BYTES = 512 << 10,
	SCAN_ROWS = 20000 /* looked at, before others have their turn */
};

/* What of the records belongs to the person, not to this run of the store. */
static const struct {
	uint8_t kind;
	const char *name;
} kinds[] = {
	{RECORD_CONTACT, "contact"},
	{RECORD_KEEP, "keep"},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const char *const states[] = {
	[STORE_NONE] = "none",	   [STORE_QUEUED] = "queued",
	[STORE_STORED] = "stored", [STORE_DELIVERED] = "delivered",
	[STORE_READ] = "read",	   [STORE_FAILED] = "failed",
};
enum { N_STATES = sizeof states / sizeof *states };

const char *export_kind_str(unsigned kind)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return NULL;
}

const char *export_state_str(enum store_state state)
{
	return (unsigned)state < N_STATES ? states[state] : NULL;
}

enum err export_kind_parse(const char *text, uint8_t *out)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (strcmp(kinds[i].name, text) != 0)
			continue;
		*out = kinds[i].kind;
		return ERR_OK;
	}
	return ERR_UNKNOWN;
}

enum err export_state_parse(const char *text, enum store_state *out)
{
	for (size_t i = 0; i < N_STATES; i++) {
		if (strcmp(states[i], text) != 0)
			continue;
		*out = (enum store_state)i;
		return ERR_OK;
	}
	return ERR_UNKNOWN;
}

/* ---- rows ---- */

struct export
{
	struct job job;
	size_t kind; /* of the records under way; N_KINDS: messages */
	bool has_peer, is_one;
	struct id32 peer;
	struct id16 conv;
	struct store_request records, messages; /* the next of each */
	uint8_t after[STORE_RECORD_KEY_BYTES];
	uint64_t n_messages, n_records;
};

static char *text_of(struct slice s)
{
	return s.n > 0 ? mem_strndup(s.p, s.n) : NULL;
}

/* What can be read of it without anybody else's records, so that it is the same wherever
 * it is exported. */
struct entry {
	char id[33], conv[33], author[NODE_ID_COMPACT_BYTES], peer[NODE_ID_COMPACT_BYTES];
	char *nick, *text, *body;
};

static void entry_wipe(struct entry *x)
{
	mem_free(x->nick);
	mem_free(x->text);
	mem_free(x->body);
}

static void entry_init(struct entry *x, const struct store_message *m)
{
	struct kept_body body;
	struct slice text;
	*x = (struct entry){.body = base64_new(m->body)};
	hex_encode(slice_of(m->id.b, sizeof m->id.b), x->id);
	hex_encode(slice_of(m->conv.b, sizeof m->conv.b), x->conv);
	node_id_compact(&m->author, x->author);
	if (kept_read(m, &body) != ERR_OK)
		return;
	x->nick = text_of(body.nick);
	if (kept_text(m, &text) == ERR_OK)
		x->text = text_of(text);
	if (body.peer.n == sizeof(struct id32)) {
		struct id32 id;
		memcpy(id.b, body.peer.p, sizeof id.b);
		node_id_compact(&id, x->peer);
	}
}

static void tell_entry(struct export *x, const struct store_message *m)
{
	struct event ev = {.type = EVENT_ENTRY};
	struct entry e;
	entry_init(&e, m);
	ev.time_ms = m->kept_ms > 0 ? m->kept_ms : 1; /* not now */
	ev.u.entry = (struct event_entry){
		.id = e.id,
		.author = e.author,
		.conv = e.conv,
		.lamport = m->lamport,
		.sent_ms = m->sent_ms,
		.kept_ms = m->kept_ms,
		.expires_ms = m->expires_ms,
		.state = export_state_str(m->state),
		.peer = e.peer[0] != '\0' ? e.peer : NULL,
		.nick = e.nick,
		.text = e.text,
		.body = e.body,
	};
	emit_reply(x->job.core, x->job.to, &ev);
	x->n_messages++;
	entry_wipe(&e);
}

static void tell_record(struct export *x, const struct store_record *r)
{
	struct event ev = {.type = EVENT_RECORD, .time_ms = 1};
	char key[2 * STORE_RECORD_KEY_BYTES + 1], id[NODE_ID_COMPACT_BYTES] = "";
	struct contact_words words = {0};
	char *value = base64_new(r->value);
	hex_encode(r->key, key);
	if (r->kind == RECORD_CONTACT && contact_read(r, &words) == ERR_OK)
		node_id_compact(&words.id, id);
	char *nick = text_of(words.nick), *alias = text_of(words.alias);
	char *tags = text_of(words.tags);
	ev.time_ms = words.seen_ms > 0 ? words.seen_ms : 1;
	ev.u.record = (struct event_record){
		.kind = export_kind_str(r->kind),
		.key = key,
		.id = id[0] != '\0' ? id : NULL,
		.nick = nick,
		.alias = alias,
		.tags = tags,
		.trust = words.trust,
		.met = words.met_ms,
		.seen = words.seen_ms,
		.value = value,
	};
	emit_reply(x->job.core, x->job.to, &ev);
	x->n_records++;
	mem_free(nick);
	mem_free(alias);
	mem_free(tags);
	mem_free(value);
}

/* ---- page by page: records by kind and key, then messages ---- */

static void end(struct export *x)
{
	char text[100];
	snprintf(text, sizeof text, "%llu messages, %llu other records",
		 (unsigned long long)x->n_messages, (unsigned long long)x->n_records);
	job_done(&x->job, text);
}

static void on_messages(void *ctx, const struct store_request *req,
			const struct store_reply *reply)
{
	struct export *x = ctx;
	(void)req;
	if (!job_is_good(&x->job, reply, "the messages cannot be read"))
		return;
	for (size_t i = 0; i < reply->n_messages; i++)
		tell_entry(x, &reply->messages[i]);
	x->messages.has_from = true;
	x->messages.from.lamport = reply->last.lamport;
	x->messages.from.seq = reply->last.seq;
	x->messages.from.author = reply->last.author;
	x->messages.from.id = reply->last.id;
	if (!reply->is_more)
		end(x);
}

/* Of one person only what is that person's. */
static bool is_wanted(const struct export *x, const struct store_record *r)
{
	struct slice peer = slice_of(x->peer.b, sizeof x->peer.b);
	struct slice conv = slice_of(x->conv.b, sizeof x->conv.b);
	return !x->is_one || (x->has_peer && slice_eq(r->key, peer)) ||
	       slice_eq(r->key, conv);
}

static void on_records(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct export *x = ctx;
	(void)req;
	if (!job_is_good(&x->job, reply, "the contacts cannot be read"))
		return;
	for (size_t i = 0; i < reply->n_records; i++)
		if (is_wanted(x, &reply->records[i]))
			tell_record(x, &reply->records[i]);
	if (!reply->is_more || reply->n_records == 0) {
		x->kind++;
		x->records.arg = slice_of(NULL, 0);
		return;
	}
	struct slice last = reply->records[reply->n_records - 1].key;
	memcpy(x->after, last.p, last.n);
	x->records.arg = slice_of(x->after, last.n);
}

static void on_room(struct job *j)
{
	struct export *x = (struct export *)j;
	if (x->kind == N_KINDS) {
		(void)job_ask(j, &x->messages, on_messages);
		return;
	}
	x->records.record.kind = kinds[x->kind].kind;
	(void)job_ask(j, &x->records, on_records);
}

static bool call_span(struct call *call, struct store_request *req)
{
	const struct args_export *a = &call->cmd->u.export;
	return call_when(call, "since", a->since, &req->since_ms) &&
	       call_when(call, "until", a->until, &req->until_ms);
}

void cmd_export(struct call *call)
{
	const struct args_export *a = &call->cmd->u.export;
	struct store_request req = {.verb = STORE_SCAN,
				    .is_forward = true,
				    .is_all_convs = a->who == NULL,
				    .max = ROWS,
				    .max_bytes = ROWS_BYTES,
				    .max_rows = SCAN_ROWS};
	struct peer *p = NULL;
	if (a->file != NULL) {
		call_fail(call, 1, "only a client writes files: p2pmsg export > FILE");
		return;
	}
	if (!call_span(call, &req) ||
	    (a->who != NULL && !call_who(call, a->who, true, &p)))
		return;
	struct export *x = job_new(call, sizeof *x);
	if (x == NULL)
		return;
	x->conv = p != NULL ? p->conv : call->core->lan_conv;
	x->is_one = a->who != NULL;
	x->has_peer = p != NULL;
	if (p != NULL)
		x->peer = p->node_id;
	req.msg.conv = x->conv;
	x->messages = req;
	x->records = (struct store_request){.verb = STORE_RECORDS, .max = ROWS};
	x->job.on_room = on_room;
}
