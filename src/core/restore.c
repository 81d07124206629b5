/* restore: one line of an export. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "core/chat.h"
#include "core/export.h"
#include "core/job.h"
#include "core/kept.h"

struct restore {
	struct job job;
	struct id16 conv;
	uint64_t lamport;
};

static const char known[] = "known";

/* ---- messages ---- */

/* What is said next comes after it. */
static void see_lamport(struct core *c, const struct id16 *conv, uint64_t lamport)
{
	struct peer *p = map_get(c->by_conv, conv);
	uint64_t *seen = p != NULL		       ? &p->lamport
			 : id16_eq(conv, &c->lan_conv) ? &c->lan_lamport
						       : NULL;
	if (seen != NULL && lamport > *seen)
		*seen = lamport;
}

static void on_entry(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct restore *r = ctx;
	(void)req;
	if (reply->err == ERR_EXISTS) {
		if (job_is_answered(&r->job))
			job_done(&r->job, known);
		return;
	}
	if (!job_is_good(&r->job, reply, "the message cannot be kept"))
		return;
	see_lamport(r->job.core, &r->conv, r->lamport);
	job_done(&r->job, "message");
}

static bool call_hex(struct call *call, const char *name, const char *text, uint8_t *out,
		     size_t n)
{
	if (text != NULL && hex_decode(slice_str(text), out, n) == ERR_OK)
		return true;
	return call_fail(call, 1, "\"%s\" takes %zu hex digits", name, 2 * n);
}

static bool call_base64(struct call *call, const char *name, const char *text,
			struct buf *b)
{
	if (text != NULL && base64_decode(slice_str(text), b) == ERR_OK && b->len > 0)
		return true;
	return call_fail(call, 1, "\"%s\" takes 1 to %d bytes in base64", name,
			 STORE_BODY_BYTES);
}

static bool call_count(struct call *call, const char *name, const char *text,
		       uint64_t max, uint64_t *out)
{
	if (text == NULL)
		return call_fail(call, 1, "\"%s\" is missing", name);
	return call_number(call, text, name, 0, max, out);
}

static bool call_entry(struct call *call, struct store_message *m, struct buf *body)
{
	const struct args_restore *a = &call->cmd->u.restore;
	if (!call_hex(call, "id", a->id, m->id.b, sizeof m->id.b) ||
	    !call_hex(call, "conv", a->conv, m->conv.b, sizeof m->conv.b) ||
	    !call_count(call, "lamport", a->lamport, KEPT_LAMPORT_MAX, &m->lamport) ||
	    !call_count(call, "sent_ms", a->sent_ms, PROTO_NUMBER_MAX, &m->sent_ms) ||
	    !call_count(call, "kept_ms", a->kept_ms, PROTO_NUMBER_MAX, &m->kept_ms) ||
	    !call_count(call, "expires_ms", a->expires_ms, PROTO_NUMBER_MAX,
			&m->expires_ms) ||
	    !call_base64(call, "body", a->body, body))
		return false;
	if (a->author == NULL || node_id_parse(a->author, &m->author) != ERR_OK)
		return call_fail(call, 1, "\"author\" takes an id of a person");
	if (a->state == NULL || export_state_parse(a->state, &m->state) != ERR_OK)
		return call_fail(call, 1,
				 "\"state\" takes none, queued, stored, "
				 "delivered, read or failed");
	m->body = buf_slice(body);
	return true;
}

static void restore_entry(struct call *call)
{
	struct store_message m = {0};
	struct buf body;
	buf_init(&body, STORE_BODY_BYTES);
	const char *why = NULL;
	struct restore *r = NULL;
	if (!call_entry(call, &m, &body))
		goto out;
	bool is_of_somebody = map_get(call->core->by_conv, &m.conv) != NULL;
	if (kept_check(&m, is_of_somebody, &why) != ERR_OK) {
		call_fail(call, 1, "%s", why);
		goto out;
	}
	r = job_new(call, sizeof *r);
	if (r == NULL)
		goto out;
	struct store_request req = {.verb = STORE_KEEP, .is_new = true, .msg = m};
	r->conv = m.conv;
	r->lamport = m.lamport;
	(void)job_ask(&r->job, &req, on_entry);
out:
	buf_wipe(&body);
}

/* ---- records ---- */

static void on_record(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct restore *r = ctx;
	if (!job_is_good(&r->job, reply, "the record cannot be kept"))
		return;
	if (req->record.kind == RECORD_CONTACT)
		contact_take(r->job.core, &req->record);
	job_done(&r->job, "record");
}

/* What is there already stays: it is newer. */
static void on_looked(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct restore *r = ctx;
	struct store_request put = {.verb = STORE_RECORD, .record = req->record};
	if (!job_is_good(&r->job, reply, "the records cannot be read"))
		return;
	put.record.value = req->object;
	if (reply->n_records > 0)
		job_done(&r->job, known);
	else
		(void)job_ask(&r->job, &put, on_record);
}

static bool check_record(struct call *call, const struct store_record *rec)
{
	struct contact_words words;
	if (rec->kind == RECORD_CONTACT && contact_read(rec, &words) != ERR_OK)
		return call_fail(call, 1, "\"value\" is no contact");
	if (rec->kind == RECORD_CONTACT && id32_eq(&words.id, &call->core->node_id)) {
		call_done(call, known); /* of another identity of the same person */
		return false;
	}
	if (rec->kind == RECORD_KEEP && rec->key.n != sizeof(struct id16))
		return call_fail(call, 1, "\"key\" is no conversation");
	return true;
}

static void restore_record(struct call *call)
{
	const struct args_restore *a = &call->cmd->u.restore;
	struct store_record rec = {0};
	uint8_t key[STORE_RECORD_KEY_BYTES];
	size_t n = a->key != NULL ? strlen(a->key) / 2 : 0;
	struct buf value;
	buf_init(&value, STORE_BODY_BYTES);
	if (export_kind_parse(a->kind, &rec.kind) != ERR_OK) {
		call_fail(call, 1,
			  "no such kind of record; this p2pmsg knows contact "
			  "and keep");
		goto out;
	}
	if (!call_hex(call, "key", n <= sizeof key ? a->key : NULL, key,
		      n <= sizeof key ? n : sizeof key) ||
	    !call_base64(call, "value", a->value, &value))
		goto out;
	rec.key = slice_of(key, n);
	rec.value = buf_slice(&value);
	if (!check_record(call, &rec))
		goto out;
	struct restore *r = job_new(call, sizeof *r);
	if (r == NULL)
		goto out;
	/* all that begins with the key is listed: it may be longer, but none is */
	struct store_request req = {.verb = STORE_RECORDS, .max = 1};
	req.record.kind = rec.kind;
	req.record.key = rec.key;
	req.object = rec.value;
	(void)job_ask(&r->job, &req, on_looked);
out:
	buf_wipe(&value);
}

void cmd_restore(struct call *call)
{
	const struct args_restore *a = &call->cmd->u.restore;
	if (!call->core->is_kept)
		call_fail(call, 5, "this node keeps nothing (store = none)");
	else if (a->kind != NULL)
		restore_record(call);
	else
		restore_entry(call);
}
