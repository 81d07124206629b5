/* cmd_doctor: what is wrong, and what to do about it. */
#include <stdio.h>

#include "core/job.h"

enum { DAY_MS = 24 * 3600 * 1000, LONG_DAYS = 7 };

/* No clock of a machine that runs this is before 2025. */
#define BIRTH_MS 1735689600000ULL

struct doctor {
	struct job job;
	bool is_deep;
	unsigned n_wrong;
	uint64_t n_waiting, since_ms; /* the first of them */
	uint64_t began_us;
	struct store_request counts;
};

static void tell(void *ctx, const char *level, const char *subject, const char *text,
		 const char *advice)
{
	struct doctor *d = ctx;
	struct event ev = {.type = EVENT_FINDING};
	ev.u.finding = (struct event_finding){
		.level = level, .subject = subject, .text = text, .advice = advice};
	d->n_wrong += level[0] == 'w';
	emit_reply(d->job.core, d->job.to, &ev);
}

/* ---- the network ---- */

static void see_port(struct doctor *d)
{
	const struct core *c = d->job.core;
	char text[80];
	if (c->port == 0) {
		tell(d, "note", "node", "no node of this profile is running",
		     "start p2pmsg, or p2pmsg daemon: only then do others reach you");
		return;
	}
	snprintf(text, sizeof text, "others reach this node at port %u, TCP", c->port);
	tell(d, "ok", "node", text, NULL);
}

static void see_discovery(struct doctor *d)
{
	const struct core *c = d->job.core;
	char text[80];
	bool is_off = strcmp(c->discovery, "off") == 0;
	if (c->trouble != NULL) {
		tell(d, "wrong", "discovery", c->trouble,
		     "add people by their address meanwhile: /add HOST:PORT");
	} else if (is_off) {
		tell(d, "note", "discovery", "nobody is looked for (discovery = off)",
		     "add people by their address: /add HOST:PORT");
	} else {
		snprintf(text, sizeof text, "people are looked for by mDNS (%s)",
			 c->discovery);
		tell(d, "ok", "discovery", text, NULL);
	}
}

static void see_ifaces(struct doctor *d)
{
	const struct ifaces *ifs = &d->job.core->ifaces;
	unsigned n = 0, n_multicast = 0;
	char text[80];
	for (unsigned i = 0; i < ifs->n; i++) {
		const struct iface *f = &ifs->v[i];
		if (!f->is_up || f->is_loopback || f->n_addrs == 0)
			continue;
		n++;
		n_multicast += f->is_multicast;
	}
	snprintf(text, sizeof text, "%u interface%s up, %u with multicast", n,
		 n == 1 ? " is" : "s are", n_multicast);
	if (n == 0)
		tell(d, "wrong", "network", "no network interface is up",
		     "plug the cable in, or join the Wi-Fi");
	else if (n_multicast == 0)
		tell(d, "note", "network", text,
		     "without multicast nobody is found: /add HOST:PORT");
	else
		tell(d, "ok", "network", text, NULL);
}

static void see_people(struct doctor *d)
{
	struct core *c = d->job.core;
	unsigned online = 0, seen = 0;
	char text[80];
	size_t pos = 0;
	for (const struct peer *p; (p = map_next(c->peers, &pos)) != NULL;) {
		online += peer_session(p) != NULL;
		seen += p->n_sightings > 0;
	}
	snprintf(text, sizeof text, "%u online, %u announced", online, seen);
	if (online > 0)
		tell(d, "ok", "people", text, NULL);
	else if (seen > 0)
		tell(d, "note", "people",
		     "others are announced, but no connection was made yet",
		     "does a firewall, here or there, close their TCP port?");
	else
		tell(d, "note", "people", "nobody else is heard of",
		     "if others should be: a firewall may close UDP port 5353, and some "
		     "Wi-Fi keeps its clients apart; /add HOST:PORT goes without "
		     "multicast");
}

static void see_clock(struct doctor *d)
{
	if (core_wall_ms(d->job.core) < BIRTH_MS)
		tell(d, "wrong", "clock", "this machine's clock is years behind",
		     "set it: messages get wrong times");
}

/* ---- the store ---- */

static void end(struct doctor *d)
{
	if (d->n_wrong > 0)
		job_fail(&d->job, 5, "%u %s", d->n_wrong,
			 d->n_wrong == 1 ? "thing is wrong" : "things are wrong");
	else
		job_done(&d->job, "all is well");
}

static const char *why_of(const struct store_reply *reply)
{
	return reply->why[0] != '\0' ? reply->why : err_str(reply->err);
}

static void on_checked(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct doctor *d = ctx;
	char text[80];
	(void)req;
	if (!job_is_answered(&d->job))
		return;
	uint64_t ms = (core_now_us(d->job.core) - d->began_us) / 1000;
	snprintf(text, sizeof text, "all of it was looked through in %llu.%llu s",
		 (unsigned long long)ms / 1000, (unsigned long long)ms / 100 % 10);
	if (reply->err == ERR_OK)
		tell(d, "ok", "store", text, NULL);
	else
		tell(d, "wrong", "store", why_of(reply),
		     "start the node again: what can be read is taken over into a new "
		     "one, and the damaged one is set aside");
	end(d);
}

static void check(struct doctor *d)
{
	struct store_request req = {.verb = STORE_CHECK};
	if (!d->is_deep) {
		end(d);
		return;
	}
	d->began_us = core_now_us(d->job.core);
	tell(d, "note", "store", "looking through all of it ...", NULL);
	(void)job_ask(&d->job, &req, on_checked);
}

static void tell_waiting(struct doctor *d)
{
	char text[100];
	uint64_t now = core_wall_ms(d->job.core);
	uint64_t days = now > d->since_ms ? (now - d->since_ms) / DAY_MS : 0;
	snprintf(text, sizeof text, "%llu message%s waiting, the first for %llu day%s",
		 (unsigned long long)d->n_waiting, d->n_waiting == 1 ? " is" : "s are",
		 (unsigned long long)days, days == 1 ? "" : "s");
	if (d->n_waiting == 0)
		tell(d, "ok", "outbox", "nothing waits", NULL);
	else if (days >= LONG_DAYS)
		tell(d, "note", "outbox", text, "/outbox tells for whom");
	else
		tell(d, "ok", "outbox", text, NULL);
}

static void on_counts(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct doctor *d = ctx;
	(void)req;
	if (!job_is_good(&d->job, reply, "the outbox cannot be read"))
		return;
	for (size_t i = 0; i < reply->n_counts; i++) {
		const struct store_count *k = &reply->counts[i];
		if (d->n_waiting == 0 || k->since_ms < d->since_ms)
			d->since_ms = k->since_ms;
		d->n_waiting += k->n;
		d->counts.peer = k->peer;
	}
	d->counts.is_peer = true;
	if (reply->is_more) {
		(void)job_ask(&d->job, &d->counts, on_counts);
		return;
	}
	tell_waiting(d);
	check(d);
}

/* What was kept last was not kept in the future. */
static void on_newest(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct doctor *d = ctx;
	(void)req;
	if (!job_is_good(&d->job, reply, "the messages cannot be read"))
		return;
	if (reply->n_messages > 0 &&
	    reply->messages->kept_ms > core_wall_ms(d->job.core) + DAY_MS)
		tell(d, "wrong", "clock",
		     "the newest message was kept later than this machine's clock says",
		     "set the clock");
	else
		tell(d, "ok", "clock", "it goes well with what was kept last", NULL);
	d->counts.verb = STORE_COUNTS;
	(void)job_ask(&d->job, &d->counts, on_counts);
}

/* Removing what is not there is a commit like any other. */
static void on_written(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct doctor *d = ctx;
	struct store_request newest = {
		.verb = STORE_PAGE, .is_all_convs = true, .max = 1};
	(void)req;
	if (!job_is_answered(&d->job))
		return;
	if (reply->err == ERR_OK)
		tell(d, "ok", "store", "it can be written", NULL);
	else
		tell(d, "wrong", "store", why_of(reply),
		     "messages cannot be kept, so none are taken: make room on the "
		     "disk, or see who may write there");
	(void)job_ask(&d->job, &newest, on_newest);
}

static void try_writing(struct doctor *d)
{
	struct store_request req = {.verb = STORE_RECORD};
	req.record.key = slice_str("doctor");
	if (d->job.core->is_kept) {
		(void)job_ask(&d->job, &req, on_written);
		return;
	}
	tell(d, "note", "store", "nothing is kept (store = none)",
	     "messages for those who are away are lost with this node");
	end(d);
}

void cmd_doctor(struct call *call)
{
	struct core *c = call->core;
	struct doctor *d = job_new(call, sizeof *d);
	if (d == NULL)
		return;
	d->is_deep = call->cmd->u.doctor.deep != NULL;
	see_port(d);
	if (c->port != 0) {
		see_discovery(d);
		see_ifaces(d);
		see_people(d);
	}
	see_clock(d);
	if (c->cfg.ports.inspect != NULL)
		c->cfg.ports.inspect(c->cfg.ports.ctx, tell, d);
	try_writing(d);
}
