/* cmd_node: verbs about this node. */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/command.h"
#include "core/expire.h"
#include "core/profile.h"
#include "core/sweep.h"
#include "core/trace.h"

/* ---- id ---- */

/* An address others can use: the first global one, else the first of a LAN. */
static void own_address(const struct core *c, char *out, size_t max)
{
	out[0] = '\0';
	for (unsigned i = 0; i < c->ifaces.n; i++) {
		const struct iface *f = &c->ifaces.v[i];
		for (unsigned k = 0; k < f->n_addrs && !f->is_loopback; k++) {
			struct addr a = f->addrs[k].addr;
			if (!f->is_up || addr_is_link_local(&a))
				continue;
			char text[ADDR_TEXT_BYTES];
			a.port = c->port;
			addr_str(&a, text);
			snprintf(out, max, "%s", text);
			return;
		}
	}
}

void cmd_id(struct call *call)
{
	struct core *c = call->core;
	char fingerprint[NODE_ID_TEXT_BYTES], device[33], address[ADDR_TEXT_BYTES];
	node_id_text(&c->node_id, fingerprint);
	hex_encode(slice_of(identity_device_id(c->cfg.identity)->b, 16), device);
	own_address(c, address, sizeof address);
	char *uri = uri_text(&c->node_id, address[0] != '\0' ? address : NULL);
	struct event ev = {.type = EVENT_IDENTITY};
	ev.u.identity = (struct event_identity){
		.id = c->id_text,
		.fingerprint = fingerprint,
		.uri = uri,
		.nick = c->nick,
		.device = device,
		.qr = call->cmd->u.id.qr != NULL,
	};
	emit_reply(c, call->to, &ev);
	mem_free(uri);
	call_done(call, NULL);
}

/* ---- set, save ---- */

static const char *const source_names[] = {
	[OPTION_DEFAULT] = "default", [OPTION_COMMON] = "config",
	[OPTION_PROFILE] = "profile", [OPTION_CMDLINE] = "command line",
	[OPTION_SET] = "set",
};

static char *value_of(const struct options *o, enum option id)
{
	static const char *const answers[] = {"no", "yes"};
	switch (option_row(id)->kind) {
	case OPTION_INT:
		return mem_printf("%ld", options_int(o, id));
	case OPTION_BOOL:
		return mem_strdup(answers[options_bool(o, id)]);
	case OPTION_LIST:
		break;
	case OPTION_STR:
	case OPTION_ENUM:
		return mem_strdup(options_str(o, id));
	}
	char *all = mem_strdup("");
	for (size_t i = 0; i < options_list_count(o, id); i++) {
		char *longer = mem_printf("%s%s%s", all, i > 0 ? ", " : "",
					  options_list(o, id, i));
		mem_free(all);
		all = longer;
	}
	return all;
}

static char *takes_of(const struct option_row *row)
{
	switch (row->kind) {
	case OPTION_INT:
		return mem_printf("%ld to %ld", row->min, row->max);
	case OPTION_BOOL:
		return mem_strdup("yes or no");
	case OPTION_ENUM:
		return mem_strdup(row->def);
	case OPTION_STR:
	case OPTION_LIST:
		break;
	}
	return mem_printf("text of up to %ld bytes", row->max);
}

static void send_option(struct call *call, enum option id)
{
	const struct options *o = call->core->cfg.options;
	const struct option_row *row = option_row(id);
	char *value = value_of(o, id), *takes = takes_of(row);
	struct event ev = {.type = EVENT_OPTION};
	ev.u.option = (struct event_option){
		.name = row->name,
		.value = value,
		.source = source_names[options_source(o, id)],
		.takes = takes,
		.help = row->help,
		.live = (row->flags & OPTION_LIVE) != 0,
	};
	emit_reply(call->core, call->to, &ev);
	mem_free(value);
	mem_free(takes);
}

static void on_profile_option(struct core *c)
{
	profile_load(c);
	profile_changed(c);
}

static void on_visibility(struct core *c)
{
	if (c->cfg.ports.visible_set != NULL)
		c->cfg.ports.visible_set(c->cfg.ports.ctx,
					 options_enum(c->cfg.options, OPT_visibility) ==
						 0);
}

static void on_log_level(struct core *c)
{
	static const enum log_level levels[] = {LOG_WARN, LOG_ERROR, LOG_INFO, LOG_DEBUG};
	log_level_set(levels[options_enum(c->cfg.options, OPT_log_level)]);
}

/* What else a live option changes. */
static const struct {
	enum option id;
	void (*apply)(struct core *c);
} appliers[] = {
	{OPT_nick, on_profile_option},	 {OPT_status, on_profile_option},
	{OPT_visibility, on_visibility}, {OPT_log_level, on_log_level},
	{OPT_keep_days, sweep_now},	 {OPT_keep_mib, sweep_now},
	{OPT_queue_days, sweep_now},
};

void core_option_changed(struct core *c, enum option id)
{
	for (size_t i = 0; i < sizeof appliers / sizeof *appliers; i++)
		if (appliers[i].id == id)
			appliers[i].apply(c);
}

static void change(struct call *call, enum option id, const char *value)
{
	char *why = NULL;
	bool is_live = option_row(id)->flags & OPTION_LIVE;
	if (options_set(call->core->cfg.options, id, value, OPTION_SET, &why) == ERR_OK) {
		core_option_changed(call->core, id);
		call_done(call,
			  is_live ? "set; /save keeps it"
				  : "it takes effect at the next start; /save keeps it "
				    "for that");
	} else {
		call_fail(call, 1, "%s", why != NULL ? why : "not a valid value");
	}
	mem_free(why);
}

void cmd_set(struct call *call)
{
	const struct args_set *a = &call->cmd->u.set;
	enum option id = a->name != NULL ? option_find(a->name) : OPT_COUNT;
	if (a->name != NULL && id == OPT_COUNT) {
		call_fail(call, 1, "no setting is called '%s' (/set lists them)",
			  a->name);
		return;
	}
	if (a->name != NULL && option_row(id)->flags & OPTION_ARGV && a->value != NULL) {
		call_fail(call, 1, "%s is given on the command line only", a->name);
		return;
	}
	if (a->value != NULL) {
		change(call, id, strcmp(a->value, "\"\"") == 0 ? "" : a->value);
		return;
	}
	for (unsigned i = 0; i < OPT_COUNT; i++)
		if (a->name == NULL ? !(option_row((enum option)i)->flags & OPTION_ARGV)
				    : i == id)
			send_option(call, (enum option)i);
	call_done(call, NULL);
}

void cmd_save(struct call *call)
{
	const struct core_ports *ports = &call->core->cfg.ports;
	enum err e = ports->save != NULL ? ports->save(ports->ctx) : ERR_READONLY;
	if (e == ERR_OK)
		call_done(call, "saved");
	else
		call_fail(call, 5, "cannot write the profile's file: %s", err_str(e));
}

/* ---- events, trace, quit ---- */

void cmd_events(struct call *call)
{
	uint64_t since;
	uint64_t newest = call->core->newest;
	if (!call_number(call, call->cmd->u.events.since, "since", newest, UINT64_MAX - 1,
			 &since))
		return;
	if (since > newest) {
		call_fail(call, 1,
			  "there is no cursor %llu, the newest is %llu: the node was "
			  "started anew since (another boot in /status); begin again "
			  "with --since 0",
			  (unsigned long long)since, (unsigned long long)newest);
		return;
	}
	emit_follow(call->core, call->to, since);
	expire_on_follow(call->core);
}

static void tell_traced(struct call *call, const struct peer *p)
{
	const char *name = p != NULL ? p->name : "all";
	char *text =
		mem_printf("the trace of %s is on; /trace %s off ends it", name, name);
	struct event ev = {.type = EVENT_NOTICE};
	ev.u.notice.level = "info";
	ev.u.notice.text = text;
	ev.u.notice.peer = p != NULL ? p->id_text : NULL;
	emit_reply(call->core, call->to, &ev);
	mem_free(text);
}

void cmd_trace(struct call *call)
{
	struct core *c = call->core;
	const struct args_trace *a = &call->cmd->u.trace;
	bool is_all = strcmp(a->who, "all") == 0 || strcmp(a->who, "#lan") == 0;
	struct peer *p = NULL;
	if (!is_all && !call_whom(call, a->who, false, &p))
		return;
	bool is_on = trace_is_on(c, call->to.front, p), want = !is_on;
	if (a->state != NULL && strcmp(a->state, "on") != 0 &&
	    strcmp(a->state, "off") != 0) {
		call_fail(call, 1, "trace WHO takes on or off, not '%s'", a->state);
		return;
	}
	if (a->state != NULL)
		want = strcmp(a->state, "on") == 0;
	if (want && !is_on) {
		trace_start(c, call->to, p);
		tell_traced(call, p);
		return; /* done comes when it is switched off */
	}
	if (!want)
		trace_stop(c, call->to.front, p);
	call_done(call, want ? "the trace is on already" : "the trace is off");
}

void cmd_quit(struct call *call)
{
	const struct core_ports *ports = &call->core->cfg.ports;
	call_done(call, NULL);
	if (call->cmd->u.quit.node != NULL && ports->stop != NULL)
		ports->stop(ports->ctx);
}
