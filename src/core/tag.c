#include "core/tag.h"

#include <stdio.h>

#include "base/mem.h"
#include "core/chat.h"
#include "core/waiter.h"

enum { TAGS_LISTED = 600 };

/* One text to many, while the store keeps it for each. */
struct round {
	struct list node;
	struct core *core;
	struct reply_to to;
	bool has_wait;
	uint64_t wait_s;
	unsigned n, n_open, n_kept, n_sent, n_failed;
	bool is_begun; /* all were asked for */
	char why[256]; /* of the last that failed */
	struct id16 *ids; /* of those that are kept */
};

bool tag_is(const char *who)
{
	return who[0] == '@' && who[1] != '\0';
}

/* ---- who has it ---- */

static bool is_meant(const struct peer *p, const char *tag)
{
	return p->is_contact && !p->is_blocked && peer_has_tag(p, tag);
}

static bool is_listed(const char *list, const char *tag, size_t n)
{
	for (const char *at = list; (at = strchr(at, '@')) != NULL; at++)
		if (strncmp(at + 1, tag, n) == 0 &&
		    (at[1 + n] == ' ' || at[1 + n] == '\0'))
			return true;
	return false;
}

static void list_tags(const struct core *c, char *out, size_t max)
{
	size_t pos = 0, used = 0;
	out[0] = '\0';
	for (const struct peer *p; (p = map_next(c->peers, &pos)) != NULL;)
		for (const char *at = p->tags; *at != '\0';) {
			size_t n = strcspn(at, " ");
			if (!is_listed(out, at, n) && used + n + 2 < max)
				used += (size_t)snprintf(out + used, max - used,
							 "%s@%.*s", used > 0 ? " " : "",
							 (int)n, at);
			at += n + (at[n] == ' ');
		}
}

static void nobody(struct call *call, const char *who)
{
	char tags[TAGS_LISTED];
	list_tags(call->core, tags, sizeof tags);
	if (tags[0] == '\0')
		call_fail(call, 2,
			  "nobody has the tag %s: there are no tags yet (/tag WHO %s)",
			  who, who + 1);
	else
		call_fail(call, 2, "nobody has the tag %s; there are: %s", who, tags);
}

/* ---- said ---- */

static void round_free(struct round *r)
{
	list_del(&r->node);
	mem_free(r->ids);
	mem_free(r);
}

void tag_free_all(struct core *c)
{
	list_each_safe (it, &c->rounds)
		round_free(list_entry(it, struct round, node));
}

static void finish(struct round *r)
{
	unsigned n_away = r->n_kept - r->n_sent;
	char text[128];
	snprintf(text, sizeof text, "to %u: %u on the way, %u wait%s here", r->n,
		 r->n_sent, n_away, n_away == 1 ? "s" : "");
	if (r->n_failed > 0)
		emit_error(r->core, r->to, 5, "taken for %u of %u: %s", r->n_kept, r->n,
			   r->why);
	else if (r->has_wait && r->wait_s > 0)
		waiter_all(r->core, r->to, r->ids, r->n_kept, r->wait_s);
	else if (r->has_wait && n_away > 0)
		emit_error(r->core, r->to, 4, "%s; they go out when both nodes run",
			   text);
	else
		emit_done(r->core, r->to, text);
	round_free(r);
}

static void fail(struct round *r, const char *why)
{
	r->n_failed++;
	snprintf(r->why, sizeof r->why, "%s", why);
}

static void on_said(const struct saying *s, struct peer *p, enum err e, const char *why)
{
	struct round *r = s->ctx;
	bool is_sent = p != NULL && peer_session(p) != NULL;
	struct event ev = {.type = EVENT_SENT};
	r->n_open--;
	if (e != ERR_OK) {
		fail(r, why[0] != '\0' ? why : err_str(e));
	} else {
		ev.u.sent.id = s->obj->id_text;
		ev.u.sent.peer = p != NULL ? p->id_text : NULL;
		ev.u.sent.state = is_sent ? "sent" : "queued";
		emit_reply(r->core, r->to, &ev);
		r->ids[r->n_kept++] = s->obj->id;
		r->n_sent += is_sent;
	}
	if (r->n_open == 0 && r->is_begun)
		finish(r);
}

static void say_one(struct round *r, struct peer *p, const char *text, bool is_action)
{
	const struct saying how = {.to = r->to, .on_said = on_said, .ctx = r};
	r->n++;
	r->n_open++;
	enum err e = chat_say(r->core, p, slice_str(text), is_action, NULL, &how);
	r->n_open -= e != ERR_OK;
	if (e == ERR_FULL)
		fail(r, "too many messages wait for one of them already");
	else if (e != ERR_OK)
		fail(r, "a message is some thousand bytes of UTF-8 text without NUL");
}

void tag_say(struct call *call, const char *who, const char *text, bool is_action,
	     bool has_wait, uint64_t wait_s)
{
	struct core *c = call->core;
	size_t pos = 0, n = 0;
	for (const struct peer *p; (p = map_next(c->peers, &pos)) != NULL;)
		n += is_meant(p, who + 1);
	if (n == 0) {
		nobody(call, who);
		return;
	}
	struct round *r = mem_new(sizeof *r);
	*r = (struct round){
		.core = c, .to = call->to, .has_wait = has_wait, .wait_s = wait_s};
	list_add(&c->rounds, &r->node);
	r->ids = mem_array(n, sizeof *r->ids);
	pos = 0;
	for (struct peer *p; (p = map_next(c->peers, &pos)) != NULL;)
		if (is_meant(p, who + 1))
			say_one(r, p, text, is_action);
	r->is_begun = true;
	if (r->n_open == 0)
		finish(r);
}
