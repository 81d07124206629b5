/* cmd_people: verbs about who is there. */
#include <stdio.h>
#include <strings.h>

#include "base/mem.h"
#include "core/command.h"
#include "core/contact.h"
#include "core/dialer.h"
#include "core/forget.h"
#include "core/knock.h"
#include "core/rival.h"
#include "core/session.h"
#include "core/trace.h"
#include "core/waiter.h"

enum { WAIT_MAX_S = 86400, PING_WAIT_S = 5 };

/* ---- peers ---- */

static void send_person(struct call *call, const struct peer *p)
{
	char address[ADDR_TEXT_BYTES];
	struct event_peer row;
	peer_describe(p, &row, address);
	struct event ev = {.type = EVENT_PERSON};
	_Static_assert(sizeof ev.u.person == sizeof row, "the same fields");
	memcpy(&ev.u.person, &row, sizeof row);
	emit_reply(call->core, call->to, &ev);
}

static bool is_listed(const struct peer *p)
{
	return p->presence != PRESENCE_GONE && p->presence != PRESENCE_NONE;
}

static unsigned send_listed(struct call *call, bool is_online)
{
	unsigned n = 0;
	size_t pos = 0;
	for (struct peer *p; (p = map_next(call->core->peers, &pos)) != NULL;) {
		if (!is_listed(p) || (p->presence == PRESENCE_ONLINE) != is_online)
			continue;
		send_person(call, p);
		n++;
	}
	return n;
}

void cmd_peers(struct call *call)
{
	const struct args_peers *a = &call->cmd->u.peers;
	uint64_t wait_s;
	if (!call_number(call, a->wait, "wait", 0, WAIT_MAX_S, &wait_s))
		return;
	if (wait_s > 0 && !call->is_again) {
		waiter_again(call->core, call->to, call->cmd, wait_s * 1000);
		return;
	}
	unsigned online = send_listed(call, true);
	unsigned others = send_listed(call, false);
	char text[64] = "nobody yet";
	if (online + others > 0)
		snprintf(text, sizeof text, "%u online, %u more known", online, others);
	call_done(call, text);
}

/* ---- whois ---- */

static void describe_session(const struct session *s, struct event_whois *w)
{
	w->online_since = s->up_ms;
	w->session = s->log_id;
	w->cipher = "Noise_XX_25519_ChaChaPoly_BLAKE2b";
}

void cmd_whois(struct call *call)
{
	struct peer *p;
	if (!call_whom(call, call->cmd->u.whois.who, false, &p))
		return;
	const struct session *s = peer_session(p);
	char address[ADDR_TEXT_BYTES], fingerprint[NODE_ID_TEXT_BYTES], device[33] = "";
	struct event_peer row;
	const char *found_by;
	char *addresses = dialer_addresses(p, &found_by), rivals[512];
	peer_describe(p, &row, address);
	node_id_text(&p->node_id, fingerprint);
	rival_list(p, rivals, sizeof rivals);
	struct event ev = {.type = EVENT_WHOIS};
	ev.u.whois = (struct event_whois){
		.id = row.id,
		.name = row.name,
		.nick = row.nick,
		.fingerprint = fingerprint,
		.state = row.state,
		.trust = row.trust,
		.address = row.address,
		.path = row.path,
		.role = row.role,
		.status = row.status,
		.away = row.away,
		.seen = row.seen,
		.device = s != NULL ? device : NULL,
		.devices = p->devlist != NULL ? p->devlist->n : 0,
		.found_by = found_by,
		.addresses = addresses[0] != '\0' ? addresses : NULL,
		.met = p->met_ms,
		.knock = row.knock,
		.rivals = rivals[0] != '\0' ? rivals : NULL,
		.queued = p->n_queued,
	};
	if (s != NULL) {
		hex_encode(slice_of(s->cert.device_id.b, 16), device);
		describe_session(s, &ev.u.whois);
	}
	emit_reply(call->core, call->to, &ev);
	mem_free(addresses);
	call_done(call, NULL);
}

/* ---- add, forget ---- */

/* Splits what the user gave into address and (maybe) id; the uri's id wins. */
static bool parse_target(struct call *call, char *host_port, struct id32 *id,
			 bool *has_id)
{
	const struct args_add *a = &call->cmd->u.add;
	*has_id = false;
	if (strncasecmp(a->address, "p2pmsg:", 7) == 0) {
		if (uri_parse(a->address, id, host_port) != ERR_OK)
			return call_fail(call, 1, "'%s' is no p2pmsg: URI", a->address);
		if (host_port[0] == '\0')
			return call_fail(call, 1,
					 "the URI has no @host:port; add the address: "
					 "add HOST[:PORT] ID");
		*has_id = true;
		return true;
	}
	memcpy(host_port, a->address, strlen(a->address) + 1);
	if (a->id == NULL)
		return true;
	*has_id = true;
	if (node_id_parse(a->id, id) == ERR_OK)
		return true;
	return call_fail(call, 1,
			 "'%s' is no whole id (14 groups of 4 characters, as `id` shows "
			 "it)",
			 a->id);
}

/* The line of the option that begins with this address. */
static const char *find_added(const struct core *c, const char *host_port)
{
	size_t n = strlen(host_port);
	for (size_t i = 0; i < options_list_count(c->cfg.options, OPT_peer); i++) {
		const char *line = options_list(c->cfg.options, OPT_peer, i);
		if (strncmp(line, host_port, n) == 0 &&
		    (line[n] == '\0' || line[n] == ' '))
			return line;
	}
	return NULL;
}

static void keep_peer_option(struct core *c, const char *host_port, const struct id32 *id)
{
	char text[NODE_ID_TEXT_BYTES] = "";
	if (id != NULL)
		node_id_text(id, text);
	char *value = mem_printf("%s%s%s", host_port, id != NULL ? " " : "", text);
	char *why = NULL;
	const char *old = find_added(c, host_port);
	char *copy = mem_strdup(old); /* the line that goes must not be its own key */
	if (old != NULL)
		options_list_del(c->cfg.options, OPT_peer, copy);
	mem_free(copy);
	options_set(c->cfg.options, OPT_peer, value, OPTION_SET, &why);
	mem_free(why);
	mem_free(value);
}

void cmd_add(struct call *call)
{
	struct core *c = call->core;
	struct id32 id;
	bool has_id;
	char *host_port = mem_new(strlen(call->cmd->u.add.address) + 1);
	if (!parse_target(call, host_port, &id, &has_id))
		goto out;
	if (has_id && id32_eq(&id, &c->node_id)) {
		call_fail(call, 1, "that is your own id");
		goto out;
	}
	enum err e = c->cfg.ports.fixed_add == NULL
			     ? ERR_UNREACHABLE
			     : c->cfg.ports.fixed_add(c->cfg.ports.ctx, host_port,
						      has_id ? &id : NULL);
	if (e != ERR_OK) {
		bool is_usage = e == ERR_USAGE;
		call_fail(call, is_usage ? 1 : 5, "cannot add '%s': %s", host_port,
			  is_usage ? "give HOST, HOST:PORT or [IPV6]:PORT, with a port "
				     "from 1024 on"
				   : err_str(e));
		goto out;
	}
	struct peer *p = has_id ? peer_get(c, &id) : NULL;
	if (p != NULL)
		peer_pin(p);
	keep_peer_option(c, host_port, has_id ? &id : NULL);
	call_done(call, "added; /save keeps it for the next start");
out:
	mem_free(host_port);
}

static bool forget_added(struct call *call, const char *host_port)
{
	struct core *c = call->core;
	const char *line = find_added(c, host_port);
	if (line == NULL)
		return false;
	if (c->cfg.ports.fixed_del != NULL)
		c->cfg.ports.fixed_del(c->cfg.ports.ctx, host_port);
	char *copy = mem_strdup(line);
	options_list_del(c->cfg.options, OPT_peer, copy);
	mem_free(copy);
	call_done(call, "address forgotten; /save keeps it so");
	return true;
}

/* The contacts stay, and what waits. */
static void forget_history(struct call *call, const char *who)
{
	struct core *c = call->core;
	struct peer *p = NULL;
	if (who != NULL && !call_who(call, who, true, &p))
		return;
	if (who == NULL)
		forget_all(c, &call->to);
	else
		forget_conv(c, p != NULL ? &p->conv : &c->lan_conv, NULL, &call->to);
}

/* What goes with p. */
static void describe_gone(const struct peer *p, char *out, size_t max)
{
	char waiting[48];
	snprintf(waiting, sizeof waiting, ", %u waiting message%s", p->n_queued,
		 p->n_queued == 1 ? "" : "s");
	snprintf(out, max, "forgotten, with all that was said%s%s%s%s%s",
		 p->n_queued > 0 ? waiting : "",
		 p->is_verified	    ? ", that its key was verified"
		 : p->is_mismatched ? ", that a comparison failed"
				    : "",
		 p->is_blocked ? ", that it was blocked" : "",
		 p->alias[0] != '\0' || p->tags[0] != '\0' ? ", alias and tags" : "",
		 list_empty(&p->cands) ? "" : ", addresses");
}

void cmd_forget(struct call *call)
{
	const char *who = call->cmd->u.forget.who;
	struct peer *p;
	if (call->cmd->u.forget.history != NULL) {
		forget_history(call, who);
		return;
	}
	if (who == NULL) {
		call_fail(call, 1,
			  "forget whom? /forget WHO, or /forget --history all "
			  "that was ever said");
		return;
	}
	if (forget_added(call, who) || !call_who(call, who, false, &p))
		return;
	if (!list_empty(&p->sessions)) {
		call_fail(call, 1,
			  "%s is online; only peers that are away can be forgotten",
			  p->name);
		return;
	}
	char gone[256];
	describe_gone(p, gone, sizeof gone);
	if (!contact_forget(p)) {
		call_fail(call, 5, "the store is busy: not all is forgotten, try again");
		return;
	}
	trace_forget(call->core, p);
	knock_drop(p);
	peer_forget(p);
	call_done(call, gone);
}

/* ---- ping ---- */

void cmd_ping(struct call *call)
{
	const struct args_ping *a = &call->cmd->u.ping;
	struct peer *p;
	uint64_t wait_s;
	if (!call_number(call, a->wait, "wait", PING_WAIT_S, WAIT_MAX_S, &wait_s) ||
	    !call_whom(call, a->who, false, &p))
		return;
	struct session *s = peer_session(p);
	if (s != NULL) {
		waiter_ping(s, call->to, wait_s);
		return;
	}
	dialer_want(p);
	if (call->patience_ms > 0)
		waiter_again(call->core, call->to, call->cmd, call->patience_ms);
	else
		call_fail(call, 2, "%s is not online", p->name);
}
