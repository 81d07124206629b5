#include "lib/desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *word(const char *s)
{
	return s != NULL ? s : "";
}

static void keep_said(struct desk *d, const struct event *ev)
{
	size_t used = strlen(d->said);
	if (ev->type == EVENT_MESSAGE && ev->cursor == 0)
		snprintf(d->said + used, sizeof d->said - used,
			 ev->u.message.context ? "(%s)|" : "%s|", ev->u.message.text);
}

static void add(char *out, size_t max, const char *before, const char *what)
{
	size_t used = strlen(out);
	if (what != NULL)
		snprintf(out + used, max - used, "%s%s", before, what);
}

static void keep_full(struct desk *d, const struct event *ev)
{
	const struct event_message *m = &ev->u.message;
	char number[32];
	if (ev->type != EVENT_MESSAGE)
		return;
	snprintf(d->id, sizeof d->id, "%s", m->id);
	snprintf(d->state, sizeof d->state, "%s", word(m->state));
	add(d->full, sizeof d->full, "", m->text);
	add(d->full, sizeof d->full, " re ", m->reply_text);
	add(d->full, sizeof d->full, "", m->reply_to && !m->reply_text ? " re ?" : NULL);
	add(d->full, sizeof d->full, "", m->edited ? " edited" : NULL);
	add(d->full, sizeof d->full, "", m->deleted ? " deleted" : NULL);
	add(d->full, sizeof d->full, " ", m->reactions);
	snprintf(number, sizeof number, "%llu", (unsigned long long)m->late);
	add(d->full, sizeof d->full, " late ", m->late > 0 ? number : NULL);
	add(d->full, sizeof d->full, "", m->expires ? " expires" : NULL);
	add(d->full, sizeof d->full, "", "|");
}

/* Events with an id, a direction and who it was begin alike. */
static void keep_mark(struct desk *d, const struct event *ev)
{
	const struct event_edit *e = &ev->u.edit;
	const struct event_reaction *r = &ev->u.reaction;
	size_t max = sizeof d->marks;
	if (ev->type == EVENT_EDIT)
		add(d->marks, max, e->nick, " edit: ");
	else if (ev->type == EVENT_DELETE)
		add(d->marks, max, ev->u.delete.nick, " delete|");
	else if (ev->type == EVENT_REACTION)
		add(d->marks, max, r->nick, " reaction: ");
	else if (ev->type == EVENT_TYPING)
		add(d->marks, max, "typing ", ev->u.typing.typing ? "on|" : "off|");
	if (ev->type == EVENT_EDIT)
		add(d->marks, max, e->text, "|");
	if (ev->type == EVENT_REACTION)
		add(d->marks, max, word(r->text), "|");
	if (ev->type == EVENT_STATE && strcmp(ev->u.state.state, "read") == 0)
		add(d->marks, max, "read", "|");
}

static void keep_row(struct desk *d, const struct event *ev)
{
	char *out = d->row;
	size_t max = sizeof d->row;
	if (ev->type == EVENT_PERSON)
		snprintf(out, max, "%s %s %s", ev->u.person.name, ev->u.person.state,
			 ev->u.person.id);
	else if (ev->type == EVENT_OPTION)
		snprintf(out, max, "%s=%s from %s", ev->u.option.name, ev->u.option.value,
			 ev->u.option.source);
	else if (ev->type == EVENT_WHOIS)
		snprintf(out, max, "%s %s %s %s", ev->u.whois.name,
			 ev->u.whois.fingerprint, word(ev->u.whois.session),
			 ev->u.whois.trust);
	else if (ev->type == EVENT_ITEM)
		snprintf(out, max, "%s %s %s", ev->u.item.id, ev->u.item.state,
			 ev->u.item.text);
	else if (ev->type == EVENT_NOTICE)
		snprintf(out, max, "%s", ev->u.notice.text);
	else if (ev->type == EVENT_NODE)
		snprintf(out, max, "%s %s %s", ev->u.node.running ? "running" : "idle",
			 ev->u.node.boot != NULL ? "boot" : "-",
			 word(ev->u.node.discovery));
}

static void keep_trust(struct desk *d, const struct event *ev)
{
	if (ev->type == EVENT_SAS) {
		snprintf(d->sas, sizeof d->sas, "%s: %s; %s", ev->u.sas.state,
			 word(ev->u.sas.words), word(ev->u.sas.numbers));
	} else if (ev->type == EVENT_SAFETY) {
		snprintf(d->safety, sizeof d->safety, "%s", ev->u.safety.number);
		snprintf(d->code, sizeof d->code, "%s", ev->u.safety.code);
		d->has_mismatch = ev->u.safety.mismatch;
	} else if (ev->type == EVENT_NOTICE && strcmp(ev->u.notice.level, "alarm") == 0) {
		d->n_alarms++;
	}
}

static void keep_told(struct desk *d, const struct event *ev)
{
	if (ev->type == EVENT_MESSAGE && ev->cursor != 0)
		snprintf(d->told, sizeof d->told, "%s %s: %s", ev->u.message.direction,
			 word(ev->u.message.trust), ev->u.message.text);
	else if (ev->type == EVENT_KNOCK)
		snprintf(d->told, sizeof d->told, "knock: %s", ev->u.knock.text);
}

static void keep_end(struct desk *d, const struct event *ev)
{
	if (ev->type == EVENT_ERROR) {
		d->status = (unsigned)ev->u.error.status;
		snprintf(d->text, sizeof d->text, "%s", ev->u.error.text);
	} else if (ev->type == EVENT_DONE) {
		d->first_done = d->first_done != 0 ? d->first_done : ev->tag;
		snprintf(d->text, sizeof d->text, "%s", word(ev->u.done.text));
	}
}

static void on_event(void *ctx, const struct event *ev)
{
	struct desk *d = ctx;
	d->counts[ev->type]++;
	d->last_tag = ev->tag;
	if (d->closes_at_once)
		d->port.ops->close(d->port.impl);
	if (ev->cursor != 0 && d->first_cursor == 0)
		d->first_cursor = ev->cursor;
	if (ev->type == EVENT_LAGGED)
		d->lagged_to = ev->u.lagged.to;
	keep_row(d, ev);
	keep_said(d, ev);
	keep_full(d, ev);
	keep_mark(d, ev);
	keep_trust(d, ev);
	keep_told(d, ev);
	keep_end(d, ev);
	if (ev->type != EVENT_PEER || d->forget_when_offline == NULL ||
	    strcmp(ev->u.peer.state, "offline") != 0)
		return;
	struct command cmd = {.verb = VERB_FORGET};
	cmd.u.forget.who = d->forget_when_offline;
	d->port.ops->submit(d->port.impl, &cmd);
}

void desk_open(struct desk *d, struct sim *s)
{
	desk_open_at(d, s, 0);
}

void desk_open_at(struct desk *d, struct sim *s, unsigned i)
{
	*d = (struct desk){.s = s};
	struct front_source src = core_front_source(sim_node(s, i)->core);
	assert_int_equal(src.open(src.ctx, on_event, d, &d->port), ERR_OK);
}

void desk_ask(struct desk *d, enum verb verb, const char *a, const char *b, const char *c,
	      uint64_t ms)
{
	struct command cmd = {.verb = verb, .tag = ++d->tag};
	cmd.u.arg[0] = a;
	cmd.u.arg[1] = b;
	cmd.u.arg[2] = c;
	d->status = 0;
	d->first_done = 0;
	d->text[0] = d->row[0] = d->said[0] = d->told[0] = '\0';
	d->full[0] = d->marks[0] = '\0';
	d->n_alarms = 0;
	memset(d->counts, 0, sizeof d->counts);
	d->port.ops->submit(d->port.impl, &cmd);
	if (ms > 0)
		sim_run(d->s, ms);
}
