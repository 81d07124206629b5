#include "ui/evtext_talk.h"

#include <string.h>

#include "ui/evtext_parts.h"

enum { CLOCK_APART_MS = 5 * 60000 };

/* What became of a message of ours, unless all is well and nothing more is known. */
static void put_fate(const struct event_message *m, struct ink *k)
{
	bool is_failed = is(m->state, "failed");
	if (!is(m->direction, "out") ||
	    !(is_failed || is(m->state, "queued") || is(m->state, "read")))
		return;
	ink_put(k, ", ");
	if (is_failed)
		ink_style(k, INK_WARNING);
	ink_put(k, m->state);
	ink_style(k, INK_NORMAL);
}

/* "#lan <bob> ", "[bob] ", "[to bob, queued] ", with "* bob " before an action. */
static void put_speaker(const struct event_message *m, struct ink *k)
{
	bool is_out = is(m->direction, "out"), is_lan = is(m->conv, "#lan");
	bool is_action = is(m->style, "action");
	ink_put(k, is_lan ? "#lan " : is_out ? "[to " : "[");
	if (is_lan)
		ink_put(k, is_action ? "* " : "<");
	if (is_lan && is_out)
		put_who(k, m->nick, NULL, NULL);
	else
		put_who(k, m->name, m->nick, m->peer);
	if (!is_lan || !is_out)
		put_trust(k, m->trust);
	put_fate(m, k);
	ink_put(k, !is_lan ? "] " : is_action ? " " : "> ");
	if (!is_lan && is_action) {
		ink_put(k, "* ");
		put_who(k, is_out ? m->nick : m->name, m->nick, is_out ? NULL : m->peer);
		ink_put(k, " ");
	}
}

/* "-- bob: ", before what is said of a conversation. */
static void put_about(const struct event_message *m, struct ink *k)
{
	ink_put(k, "-- ");
	put_who(k, m->name, m->nick, m->peer);
	ink_put(k, ": ");
}

/* What follows a text on its line, in our words. */
static void put_dim(struct ink *k, const char *before, const char *what)
{
	ink_style(k, INK_DIM);
	ink_put(k, before);
	ink_name(k, what, LINE_BYTES);
	ink_style(k, INK_NORMAL);
}

static void put_clock(struct ink *k, const char *before, uint64_t wall_ms)
{
	ink_style(k, INK_DIM);
	ink_put(k, before);
	ink_date(k, wall_ms);
	ink_clock(k, wall_ms);
	ink_put(k, ")");
	ink_style(k, INK_NORMAL);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* When it came counts; the sender's clock only says that it is another. */
static void put_times(const struct event *ev, struct ink *k)
{
	const struct event_message *m = &ev->u.message;
	if (m->late > 0) {
		ink_style(k, INK_DIM);
		ink_put(k, " (");
		ink_duration(k, m->late);
		ink_put(k, " late)");
		ink_style(k, INK_NORMAL);
	} else if (is(m->direction, "in") && m->sent > 0 &&
		   apart(m->sent, ev->time_ms) > CLOCK_APART_MS) {
		put_clock(k, " (their clock: ", m->sent);
	}
	if (m->expires > 0)
		put_clock(k, " (gone ", m->expires);
}

static void put_text(const struct event_message *m, struct ink *k)
{
	if (m->reply_text) {
		put_dim(k, "(re: ", m->reply_text);
		put_dim(k, ") ", NULL);
	}
	if (m->deleted)
		put_dim(k, "(deleted)", NULL);
	else
		ink_body(k, m->text);
	if (m->edited > 0)
		put_dim(k, " (edited)", NULL);
}

void evtext_message(const struct evtext_config *cfg, const struct event *ev,
		    struct ink *k)
{
	const struct event_message *m = &ev->u.message;
	size_t mark = k->b.len;
	if (m->context)
		ink_put(k, "    ");
	if (ev->cursor == 0) /* of history: not of today only */
		ink_date(k, ev->time_ms);
	ink_clock(k, ev->time_ms);
	ink_put(k, " ");
	if (cfg->has_ids && m->id) {
		ink_style(k, INK_DIM);
		put_id(k, m->id, ID_SHORT);
		ink_style(k, INK_NORMAL);
		ink_put(k, " ");
	}
	if (is(m->direction, "note"))
		put_about(m, k);
	else
		put_speaker(m, k);
	put_text(m, k);
	put_times(ev, k);
	if (m->reactions)
		put_dim(k, "  ", m->reactions);
	ink_put(k, "\n");
	ink_fold(k, mark);
}

/* As a message, with what was said before crossed out. */
void evtext_edit(const struct evtext_config *cfg, const struct event *ev, struct ink *k)
{
	const struct event_edit *e = &ev->u.edit;
	const struct event_message m = {.conv = e->conv,
					.direction = e->direction,
					.peer = e->peer,
					.name = e->name,
					.nick = e->nick};
	size_t mark = k->b.len;
	(void)cfg;
	ink_clock(k, ev->time_ms);
	ink_put(k, " ");
	put_speaker(&m, k);
	put_dim(k, "(edited) ", NULL);
	ink_body(k, e->text);
	ink_put(k, "\n");
	ink_fold(k, mark);
}

/* "bob", "you to bob", "bob on #lan", "you on #lan" */
static void put_doer(struct ink *k, const char *conv, const char *direction,
		     const char *name, const char *nick, const char *peer)
{
	bool is_out = is(direction, "out"), is_lan = is(conv, "#lan");
	if (!is_out)
		put_who(k, name, nick, peer);
	else
		ink_put(k, is_lan ? "you" : "you, to ");
	if (is_out && !is_lan)
		put_who(k, name, NULL, peer);
	if (is_out && !is_lan)
		ink_put(k, ",");
	if (is_lan)
		ink_put(k, " on #lan");
}

void evtext_delete(const struct evtext_config *cfg, const struct event *ev, struct ink *k)
{
	const struct event_delete *d = &ev->u.delete;
	put_mark(cfg, ev, k, "--");
	put_doer(k, d->conv, d->direction, d->name, d->nick, d->peer);
	ink_put(k, " deleted a message\n");
}

void evtext_reaction(const struct evtext_config *cfg, const struct event *ev,
		     struct ink *k)
{
	const struct event_reaction *r = &ev->u.reaction;
	put_mark(cfg, ev, k, "--");
	put_doer(k, r->conv, r->direction, r->name, r->nick, r->peer);
	ink_put(k, r->text ? " reacted: " : " took a reaction back");
	ink_name(k, r->text, NAME_BYTES);
	ink_put(k, "\n");
}

void evtext_typing(const struct evtext_config *cfg, const struct event *ev, struct ink *k)
{
	const struct event_typing *t = &ev->u.typing;
	if (!t->typing)
		return;
	put_mark(cfg, ev, k, "--");
	put_who(k, t->name, NULL, t->peer);
	ink_put(k, " is typing\n");
}
