#include "ui/evtext_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/evtext_parts.h"
#include "ui/evtext_talk.h"
#include "ui/qr.h"
#include "ui/shelltext.h"

enum { ID_TYPED = 12, LABEL_COLUMNS = 14 };

/* ---- people ---- */

struct phrase {
	const char *word, *text;
};

static const char *phrase_of(const struct phrase *table, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (is(word, table[i].word))
			return table[i].text;
	return NULL;
}

static void show_peer(const struct evtext_config *cfg, const struct event *ev,
		      struct ink *k)
{
	static const struct phrase states[] = {
		{"discovered", " was found"},
		{"online", " is online"},
		{"offline", " is offline"},
		{"gone", " is gone"},
	};
	const struct event_peer *p = &ev->u.peer;
	const char *text = phrase_of(states, sizeof states / sizeof *states, p->state);
	if (!text)
		return;
	put_mark(cfg, ev, k, "--");
	put_who(k, p->name, p->nick, p->id);
	put_trust(k, p->trust);
	ink_put(k, text);
	put_note(k, " at ", p->address);
	if (is(p->state, "online") && p->away)
		ink_put(k, ", away");
	put_note(k, ": ", p->why ? p->why : p->status);
	ink_put(k, "\n");
}

static void show_person(const struct evtext_config *cfg, const struct event *ev,
			struct ink *k)
{
	const struct event_person *p = &ev->u.person;
	put_mark(cfg, ev, k, "--");
	put_who(k, p->name, p->nick, p->id);
	put_note(k, "  ", p->state);
	put_note(k, "  ", p->trust);
	put_note(k, "  ", p->address);
	put_note(k, "  knocks: ", p->knock);
	ink_put(k, "\n");
}

/* ---- talk ---- */

static void show_state(const struct evtext_config *cfg, const struct event *ev,
		       struct ink *k)
{
	const struct event_state *s = &ev->u.state;
	bool is_failed = is(s->state, "failed");
	if (is_failed)
		ink_style(k, INK_WARNING);
	put_mark(cfg, ev, k, is_failed ? "-!" : "--");
	ink_put(k, "to ");
	if (s->peer || s->name)
		put_who(k, s->name, NULL, s->peer);
	else
		ink_put(k, "#lan");
	put_note(k, ": ", s->state);
	put_note(k, ": ", s->why);
	ink_style(k, INK_NORMAL);
	ink_put(k, "\n");
}

/* ---- the node speaks ---- */

static void show_notice(const struct evtext_config *cfg, const struct event *ev,
			struct ink *k)
{
	static const struct {
		const char *level, *mark, *word;
		enum ink_style style;
	} levels[] = {
		{"info", "--", "", INK_NORMAL},
		{"warning", "-!", "warning: ", INK_WARNING},
		{"alarm", "!!", "ALARM: ", INK_ALARM},
	};
	const struct event_notice *n = &ev->u.notice;
	/* What to type in a client: a command of a shell is ended by an interrupt. */
	if (cfg->is_bare && ev->cursor == 0)
		return;
	size_t i = sizeof levels / sizeof *levels - 1;
	while (i > 0 && !is(n->level, levels[i].level))
		i--;
	ink_style(k, levels[i].style);
	put_mark(cfg, ev, k, levels[i].mark);
	ink_put(k, levels[i].word);
	ink_name(k, n->text, LINE_BYTES);
	ink_style(k, INK_NORMAL);
	ink_put(k, "\n");
}

/* -> bob~3f2a  132 bytes  3f2a90..  record: CTRL ack of 1 */
static void show_trace(const struct evtext_config *cfg, const struct event *ev,
		       struct ink *k)
{
	(void)cfg;
	const struct event_trace *t = &ev->u.trace;
	bool is_cut = t->bytes && strlen(t->bytes) / 2 < t->length;
	ink_put(k, is(t->direction, "out") ? "-> " : "<- ");
	put_who(k, t->name, NULL, t->peer);
	ink_printf(k, "  %" PRIu64 " bytes  ", t->length);
	ink_style(k, INK_DIM);
	ink_name(k, t->bytes, LINE_BYTES);
	ink_put(k, is_cut ? ".." : "");
	ink_style(k, INK_NORMAL);
	put_note(k, "  ", t->stage);
	put_note(k, ": ", t->meaning);
	ink_put(k, "\n");
}

static void show_pong(const struct evtext_config *cfg, const struct event *ev,
		      struct ink *k)
{
	const struct event_pong *p = &ev->u.pong;
	put_mark(cfg, ev, k, "--");
	put_who(k, p->name, NULL, p->peer);
	ink_printf(k, " answered in %" PRIu64 ".%02" PRIu64 " ms\n", p->rtt_us / 1000,
		   p->rtt_us / 10 % 100);
}

static void show_option(const struct evtext_config *cfg, const struct event *ev,
			struct ink *k)
{
	const struct event_option *o = &ev->u.option;
	(void)cfg;
	ink_name(k, o->name, NAME_BYTES);
	put_note(k, " = ", o->value);
	put_note(k, "\n  from: ", o->source);
	put_note(k, "\n  takes: ", o->takes);
	put_note(k, "\n  ", o->help);
	ink_put(k, o->live ? "\n  takes effect at once\n"
			   : "\n  takes effect at the next start\n");
}

static void show_lagged(const struct evtext_config *cfg, const struct event *ev,
			struct ink *k)
{
	const struct event_lagged *l = &ev->u.lagged;
	if (l->late)
		return;
	put_mark(cfg, ev, k, "-!");
	ink_printf(k, "%" PRIu64 " events are no longer kept and were left out\n",
		   l->to >= l->from ? l->to - l->from + 1 : 0);
}

/* What the node answers to a command. */
static void put_words(const struct evtext_config *cfg, const char *text, struct ink *k)
{
	char *words = cfg->is_bare && text ? shelltext(text) : NULL;
	ink_name(k, words ? words : text, LINE_BYTES);
	mem_free(words);
}

static void show_error(const struct evtext_config *cfg, const struct event *ev,
		       struct ink *k)
{
	ink_style(k, INK_WARNING);
	put_mark(cfg, ev, k, "-!");
	put_words(cfg, ev->u.error.text, k);
	ink_style(k, INK_NORMAL);
	ink_put(k, "\n");
}

static void show_done(const struct evtext_config *cfg, const struct event *ev,
		      struct ink *k)
{
	if (!ev->u.done.text)
		return;
	put_mark(cfg, ev, k, "--");
	put_words(cfg, ev->u.done.text, k);
	ink_put(k, "\n");
}

/* ---- all fields of an event, a line each ---- */

static bool put_value(struct ink *k, const struct event *ev, const struct event_field *f)
{
	const char *at = (const char *)ev + f->offset;
	const uint64_t *number = (const uint64_t *)(const void *)at;
	switch (f->type) {
	case EVENT_STR:
		ink_name(k, *(const char *const *)(const void *)at, LINE_BYTES);
		return true;
	case EVENT_NUM:
		if (strcmp(f->name, "uptime_s") == 0)
			ink_duration(k, *number);
		else
			ink_printf(k, "%" PRIu64, *number);
		return true;
	case EVENT_YES:
		ink_put(k, *(const bool *)at ? "yes" : "no");
		return true;
	case EVENT_TIME:
		ink_when(k, *number, ev->time_ms);
		return true;
	}
	return false;
}

static bool is_absent(const struct event *ev, const struct event_field *f)
{
	const char *at = (const char *)ev + f->offset;
	if (f->type == EVENT_STR)
		return *(const char *const *)(const void *)at == NULL;
	/* What a node that nobody can reach counts is nothing. */
	if (f->type == EVENT_NUM)
		return ev->type == EVENT_NODE && !ev->u.node.running;
	return f->type == EVENT_TIME && *(const uint64_t *)(const void *)at == 0;
}

static void put_label(struct ink *k, const struct event_field *f)
{
	size_t n = strlen(f->name);
	bool is_uptime = strcmp(f->name, "uptime_s") == 0;
	ink_style(k, INK_DIM);
	for (size_t i = 0; i < n - (is_uptime ? 2 : 0); i++)
		ink_printf(k, "%c", f->name[i] == '_' ? ' ' : f->name[i]);
	ink_printf(k, "%*s", n < LABEL_COLUMNS ? (int)(LABEL_COLUMNS - n) : 1, "");
	ink_printf(k, "%s", is_uptime ? "  " : "");
	ink_style(k, INK_NORMAL);
}

static void show_fields(const struct evtext_config *cfg, const struct event *ev,
			struct ink *k)
{
	(void)cfg;
	const struct event_row *row = event_row(ev->type);
	for (size_t i = 0; i < row->n_fields; i++) {
		const struct event_field *f = &row->fields[i];
		if (is_absent(ev, f))
			continue;
		put_label(k, f);
		put_value(k, ev, f);
		ink_put(k, "\n");
	}
}

static void put_qr(struct ink *k, const char *uri)
{
	char *upper = mem_strdup(uri);
	for (char *c = upper; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	char *qr = qr_text(upper, k->is_color);
	if (qr)
		ink_put(k, qr);
	mem_free(qr);
	mem_free(upper);
}

static void show_identity(const struct evtext_config *cfg, const struct event *ev,
			  struct ink *k)
{
	const struct event_identity *i = &ev->u.identity;
	const struct {
		const char *label, *value;
	} rows[] = {
		{"nick          ", i->nick},
		{"id            ", i->fingerprint ? i->fingerprint : i->id},
		{"address       ", i->uri},
		{"device        ", i->device},
	};
	(void)cfg;
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		if (!rows[r].value)
			continue;
		ink_style(k, INK_DIM);
		ink_put(k, rows[r].label);
		ink_style(k, INK_NORMAL);
		ink_name(k, rows[r].value, LINE_BYTES);
		ink_put(k, "\n");
	}
	if (i->uri && (i->qr || cfg->has_qr))
		put_qr(k, i->uri);
}

/* ---- trust ---- */

/* Four groups a line, as they are read out. */
static void put_number(struct ink *k, const char *number)
{
	const size_t line = sizeof "12345 12345 12345 12345"; /* and a blank */
	for (size_t n; (n = strnlen(number, line)) > 0; number += n) {
		char *part = mem_strndup(number, n < line ? n : n - 1);
		ink_put(k, "    ");
		ink_name(k, part, LINE_BYTES);
		ink_put(k, "\n");
		mem_free(part);
	}
}

static void show_safety(const struct evtext_config *cfg, const struct event *ev,
			struct ink *k)
{
	const struct event_safety *s = &ev->u.safety;
	put_mark(cfg, ev, k, "--");
	ink_put(k, "safety number of you and ");
	put_who(k, s->name, NULL, s->peer);
	put_note(k, ", ", s->trust);
	ink_put(k, ":\n");
	if (s->number)
		put_number(k, s->number);
	if (s->code && cfg->has_qr)
		put_qr(k, s->code);
	if (!s->mismatch)
		return;
	ink_style(k, INK_ALARM);
	put_mark(cfg, ev, k, "!!");
	ink_put(k, "the last comparison failed");
	ink_style(k, INK_NORMAL);
	ink_put(k, "\n");
}

/* What to do with the words; the verb stands as each kind of front end takes it. */
static void put_compare(const struct evtext_config *cfg, const struct event_sas *s,
			struct ink *k)
{
	const char *verb = cfg->is_bare ? "p2pmsg verify" : "/verify";
	ink_put(k, ": compare these words, or these numbers, by voice\n    ");
	ink_name(k, s->words, LINE_BYTES);
	ink_put(k, "\n    ");
	ink_name(k, s->numbers, LINE_BYTES);
	ink_printf(k, "\n    the same: %s ", verb);
	ink_name(k, s->name, NAME_BYTES);
	ink_printf(k, " yes    different: %s ", verb);
	ink_name(k, s->name, NAME_BYTES);
	ink_put(k, " no\n");
}

static void show_sas(const struct evtext_config *cfg, const struct event *ev,
		     struct ink *k)
{
	static const struct phrase states[] = {
		{"confirmed", ": the other side says that the words are the same"},
		{"verified", " is verified: the words are the same"},
		{"ended", ": the comparison of words is off"},
		{"failed", ": the comparison of words FAILED"},
	};
	const struct event_sas *s = &ev->u.sas;
	const char *text = phrase_of(states, sizeof states / sizeof *states, s->state);
	bool is_failed = is(s->state, "failed");
	if (!text && !s->words)
		return;
	if (is_failed)
		ink_style(k, INK_ALARM);
	put_mark(cfg, ev, k, is_failed ? "!!" : "--");
	put_who(k, s->name, NULL, s->peer);
	if (!text) {
		put_compare(cfg, s, k);
		return;
	}
	ink_put(k, text);
	put_note(k, ": ", s->why);
	ink_style(k, INK_NORMAL);
	ink_put(k, "\n");
}

static void show_knock(const struct evtext_config *cfg, const struct event *ev,
		       struct ink *k)
{
	const struct event_knock *n = &ev->u.knock;
	const char *trust = cfg->is_bare ? "p2pmsg trust" : "/trust";
	const char *block = cfg->is_bare ? "p2pmsg block" : "/block";
	put_mark(cfg, ev, k, "--");
	put_who(k, n->name, n->nick, n->peer);
	put_note(k, " knocks: ", n->text);
	ink_printf(k, "\n    let in: %s ", trust);
	put_id(k, n->peer, ID_TYPED);
	ink_printf(k, "    keep out: %s ", block);
	put_id(k, n->peer, ID_TYPED);
	ink_put(k, "\n");
}

static void show_waiting(const struct evtext_config *cfg, const struct event *ev,
			 struct ink *k)
{
	const struct event_waiting *w = &ev->u.waiting;
	(void)cfg;
	put_who(k, w->name, NULL, w->peer);
	ink_printf(k, "  %llu message%s since ", (unsigned long long)w->count,
		   w->count == 1 ? "" : "s");
	ink_date(k, w->since);
	ink_clock(k, w->since);
	ink_put(k, "\n");
}

static void show_item(const struct evtext_config *cfg, const struct event *ev,
		      struct ink *k)
{
	const struct event_item *i = &ev->u.item;
	(void)cfg;
	put_id(k, i->id, ID_SHORT);
	ink_put(k, "  ");
	put_who(k, i->name, NULL, i->peer);
	ink_put(k, "  ");
	ink_date(k, i->since);
	ink_clock(k, i->since);
	put_note(k, "  ", i->state);
	put_note(k, ": ", i->text);
	ink_put(k, "\n");
}

static void show_finding(const struct evtext_config *cfg, const struct event *ev,
			 struct ink *k)
{
	const struct event_finding *f = &ev->u.finding;
	bool is_wrong = is(f->level, "wrong");
	if (is_wrong)
		ink_style(k, INK_WARNING);
	ink_printf(k, "%-5s  ",
		   is_wrong		  ? "WRONG"
		   : is(f->level, "note") ? "note"
					  : "ok");
	ink_style(k, INK_NORMAL);
	ink_name(k, f->subject, NAME_BYTES);
	put_note(k, ": ", f->text);
	if (f->advice) {
		ink_put(k, "; ");
		put_words(cfg, f->advice, k);
	}
	ink_put(k, "\n");
}

/* What a program wants and people see another way. */
static void show_nothing(const struct evtext_config *cfg, const struct event *ev,
			 struct ink *k)
{
	(void)cfg;
	(void)ev;
	(void)k;
}

static void (*const shows[EVENT_COUNT])(const struct evtext_config *cfg,
					const struct event *ev, struct ink *k) = {
	[EVENT_PEER] = show_peer,	  [EVENT_MESSAGE] = evtext_message,
	[EVENT_STATE] = show_state,	  [EVENT_NOTICE] = show_notice,
	[EVENT_TRACE] = show_trace,	  [EVENT_NODE] = show_fields,
	[EVENT_PERSON] = show_person,	  [EVENT_WHOIS] = show_fields,
	[EVENT_IDENTITY] = show_identity, [EVENT_PONG] = show_pong,
	[EVENT_OPTION] = show_option,	  [EVENT_SENT] = show_nothing,
	[EVENT_LAGGED] = show_lagged,	  [EVENT_ERROR] = show_error,
	[EVENT_DONE] = show_done,	  [EVENT_WAITING] = show_waiting,
	[EVENT_FINDING] = show_finding,	  [EVENT_ITEM] = show_item,
	[EVENT_ENTRY] = show_nothing,	  [EVENT_RECORD] = show_nothing,
	[EVENT_SAFETY] = show_safety,	  [EVENT_SAS] = show_sas,
	[EVENT_EDIT] = evtext_edit,	  [EVENT_DELETE] = evtext_delete,
	[EVENT_KNOCK] = show_knock,	  [EVENT_REACTION] = evtext_reaction,
	[EVENT_TYPING] = evtext_typing,
};

void evtext_show(const struct evtext_config *cfg, const struct event *ev, struct ink *k)
{
	shows[ev->type](cfg, ev, k);
}
