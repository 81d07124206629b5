#include "core/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/name.h"
#include "core/waiter.h"
#include "core/when.h"

enum {
	NEWBORN_MS = 5000, /* a node this young may not have heard of all yet */
	COMMANDS_A_TICK = 128 /* so that what the first ones say is under way meanwhile */
};

/* The verbs that the front ends do themselves. */
static void not_here(struct call *call)
{
	call_fail(call, 1, "%s is done by the client",
		  command_row(call->cmd->verb)->name);
}

void cmd_import(struct call *call)
{
	not_here(call);
}

void cmd_query(struct call *call)
{
	not_here(call);
}

void cmd_daemon(struct call *call)
{
	not_here(call);
}

void cmd_help(struct call *call)
{
	not_here(call);
}

void cmd_version(struct call *call)
{
	not_here(call);
}

static void (*const handlers[VERB_COUNT])(struct call *call) = {
#define C(NAME, name, flags, help) [VERB_##NAME] = cmd_##name,
	COMMAND_TABLE(C)
#undef C
};

static bool has_required(struct call *call)
{
	const struct command_row *row = command_row(call->cmd->verb);
	for (size_t i = 0; i < row->n_args; i++) {
		const struct arg_row *a = &row->args[i];
		if (a->need == ARG_REQ && call->cmd->u.arg[a->index] == NULL)
			return call_fail(call, 1, "%s needs %s: %s", row->name, a->name,
					 a->help);
	}
	return true;
}

void command_run(struct core *c, struct reply_to to, const struct command *cmd,
		 uint64_t patience_ms, bool is_again)
{
	struct call call = {.core = c,
			    .to = to,
			    .cmd = cmd,
			    .patience_ms = patience_ms,
			    .is_again = is_again};
	if ((unsigned)cmd->verb >= VERB_COUNT)
		call_fail(&call, 1, "no such command");
	else if (has_required(&call))
		handlers[cmd->verb](&call);
}

void command_run_queued(struct core *c)
{
	uint64_t age_ms = (core_now_us(c) - c->started_us) / 1000;
	uint64_t patience = age_ms < NEWBORN_MS ? NEWBORN_MS - age_ms : 0;
	struct queued_command *q;
	for (int i = 0; i < COMMANDS_A_TICK && (q = emit_next_command(c)) != NULL; i++) {
		if (emit_is_open(c, q->to.front))
			command_run(c, q->to, &q->cmd, patience, false);
		queued_command_free(q);
	}
}

/* ---- help for the handlers ---- */

bool call_fail(struct call *call, unsigned status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	emit_format(text, sizeof text, fmt, ap);
	va_end(ap);
	emit_error(call->core, call->to, status, "%s", text);
	return false;
}

void call_done(struct call *call, const char *text)
{
	emit_done(call->core, call->to, text);
}

bool call_number(struct call *call, const char *arg, const char *name, uint64_t fallback,
		 uint64_t max, uint64_t *out)
{
	*out = fallback;
	if (arg == NULL)
		return true;
	char *end;
	errno = 0;
	unsigned long long v = strtoull(arg, &end, 10);
	if (arg[0] < '0' || arg[0] > '9' || *end != '\0' || errno != 0 || v > max)
		return call_fail(call, 1, "%s%s takes a number from 0 to %llu, not '%s'",
				 name[1] == '\0' ? "-" : "--", name,
				 (unsigned long long)max, arg);
	*out = v;
	return true;
}

bool call_when(struct call *call, const char *name, const char *arg, uint64_t *out)
{
	if (arg == NULL || when_parse(arg, core_wall_ms(call->core), out) == ERR_OK)
		return true;
	return call_fail(
		call, 1,
		"--%s takes 2026-12-31, 2026-12-31T18:30 (UTC), or how long ago: "
		"90m, 36h, 7d",
		name);
}

static bool find_who(struct call *call, const char *who, bool may_be_lan, bool is_sending,
		     struct peer **out)
{
	char why[1024];
	*out = NULL;
	if (strcmp(who, "#lan") == 0)
		return may_be_lan || call_fail(call, 1,
					       "#lan is everybody here; name one of "
					       "them (/peers lists them)");
	enum err e = name_resolve(call->core, who, is_sending, out, why, sizeof why);
	if (e == ERR_OK)
		return true;
	if (e == ERR_UNKNOWN && call->patience_ms > 0) {
		waiter_again(call->core, call->to, call->cmd, call->patience_ms);
		return false;
	}
	return call_fail(call, 2, "%s", why);
}

bool call_who(struct call *call, const char *who, bool may_be_lan, struct peer **out)
{
	return find_who(call, who, may_be_lan, true, out);
}

bool call_whom(struct call *call, const char *who, bool may_be_lan, struct peer **out)
{
	return find_who(call, who, may_be_lan, false, out);
}
