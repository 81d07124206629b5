#include "core/core.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "core/calendar.h"
#include "core/cand.h"
#include "core/chat.h"
#include "core/command.h"
#include "core/contact.h"
#include "core/dialer.h"
#include "core/emit.h"
#include "core/expire.h"
#include "core/find.h"
#include "core/forget.h"
#include "core/history.h"
#include "core/job.h"
#include "core/marks.h"
#include "core/profile.h"
#include "core/quotes.h"
#include "core/session.h"
#include "core/sweep.h"
#include "core/tag.h"
#include "core/trace.h"
#include "core/waiter.h"

/* ---- life ---- */

struct core *core_new(const struct core_config *cfg)
{
	struct core *c = mem_new(sizeof *c);
	c->cfg = *cfg;
	c->time = mem_new(sizeof *c->time);
	c->started_us = core_now_us(c);
	c->is_kept = options_enum(cfg->options, OPT_store) == 0;
	c->node_id = *identity_node_id(cfg->identity);
	node_id_compact(&c->node_id, c->id_text);
	conv_lan(&c->lan_conv);
	c->peers = map_new(sizeof(struct id32));
	c->by_text = map_new(NODE_ID_COMPACT_BYTES - 1);
	c->by_conv = map_new(sizeof(struct id16));
	c->sessions = map_new(sizeof(link_id));
	c->attempts = map_new(sizeof(link_id));
	c->cands = map_new(sizeof(struct cand_key));
	c->lan_ips = map_new(16);
	buf_init(&c->scratch, PROTO_PAYLOAD_MAX_BYTES);
	emit_init(c);
	struct list *lists[] = {&c->guests,  &c->dirty,	  &c->dead,	&c->cands_order,
				&c->rumours, &c->fronts,  &c->commands, &c->waiters,
				&c->traces,  &c->sayings, &c->unsaved,	&c->pagers,
				&c->jobs,    &c->rounds,  &c->markings, &c->finds,
				&c->quotes,  &c->unshown};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		list_init(lists[i]);
	snprintf(c->discovery, sizeof c->discovery, "off");
	profile_load(c);
	contact_load(c);
	forget_load(c);
	c->sweep = sweep_new(c);
	calendar_load(c);
	return c;
}

bool core_is_ready(const struct core *c)
{
	return c->n_loading == 0;
}

enum err core_load_err(const struct core *c)
{
	return c->load_err;
}

static void close_sessions(struct core *c)
{
	size_t pos = 0;
	for (struct session *s; (s = map_next(c->sessions, &pos)) != NULL;)
		session_close(s, CODE_SHUTDOWN, proto_code_str(CODE_SHUTDOWN));
}

void core_free(struct core *c)
{
	if (c == NULL)
		return;
	list_each (it, &c->fronts)
		list_entry(it, struct front, node)->is_following = false;
	close_sessions(c);
	waiter_free_all(c);
	chat_free_sayings(c);
	tag_free_all(c);
	marks_free_all(c);
	find_free_all(c);
	quotes_free_all(c);
	expire_stop(c);
	trace_free_all(c);
	history_free_all(c);
	job_free_all(c);
	sweep_free(c->sweep);
	session_sweep(c);
	size_t pos = 0;
	for (struct peer *p; (p = map_next(c->peers, &pos)) != NULL;)
		peer_free(p);
	dialer_free(c);
	timer_stop(&c->profile_timer);
	timer_stop(&c->save_timer);
	chat_free(c);
	map_free(c->peers);
	map_free(c->by_text);
	map_free(c->by_conv);
	map_free(c->sessions);
	emit_free_all(c);
	mem_free(c->trouble);
	mem_free(c->time);
	buf_wipe(&c->scratch);
	mem_free(c);
}

/* ---- from the network ---- */

static void on_peer(void *ctx, link_id id, const struct link_peer *p)
{
	session_on_peer(ctx, id, p);
}

static void on_up(void *ctx, link_id id, const struct link_peer *p)
{
	session_on_up(ctx, id, p);
}

static void on_record(void *ctx, link_id id, const struct record *r)
{
	session_on_record(ctx, id, r);
}

static void on_room(void *ctx, link_id id)
{
	session_on_room(ctx, id);
}

static void on_down(void *ctx, link_id id, enum err why, uint16_t code,
		    struct slice reason)
{
	if (!session_on_down(ctx, id, why, code, reason))
		dialer_on_down(ctx, id, why, code);
}

static void on_trace(void *ctx, link_id id, const struct chan_trace *t)
{
	trace_on_frame(ctx, id, t);
}

const struct link_events *core_link_events(void)
{
	static const struct link_events events = {
		.on_peer = on_peer,
		.on_up = on_up,
		.on_record = on_record,
		.on_room = on_room,
		.on_down = on_down,
		.on_trace = on_trace,
	};
	return &events;
}

/* ---- from the surroundings ---- */

void core_sighting(struct core *c, const struct sighting *s)
{
	dialer_sighting(c, s);
	dialer_poke(c);
}

void core_discovery_status(struct core *c, const char *backend, const char *trouble)
{
	bool is_new = (trouble == NULL) != (c->trouble == NULL) ||
		      (trouble != NULL && strcmp(trouble, c->trouble) != 0);
	snprintf(c->discovery, sizeof c->discovery, "%s", backend);
	if (!is_new)
		return;
	mem_free(c->trouble);
	c->trouble = mem_strdup(trouble);
	if (trouble != NULL)
		core_notice(c, "warning", "%s", trouble);
}

void core_ifaces(struct core *c, const struct ifaces *ifs)
{
	c->ifaces = *ifs;
	size_t pos = 0;
	for (struct session *s; (s = map_next(c->sessions, &pos)) != NULL;)
		session_probe(s);
	dialer_poke(c);
}

void core_listening(struct core *c, uint16_t port)
{
	c->port = port;
}

void core_notice(struct core *c, const char *level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	emit_format(text, sizeof text, fmt, ap);
	va_end(ap);
	emit_notice(c, level, text, NULL);
}

/* ---- the end of the tick ---- */

static void flush(struct core *c)
{
	while (!list_empty(&c->dirty)) {
		struct session *s = list_entry(c->dirty.next, struct session, of_dirty);
		list_del(&s->of_dirty);
		session_flush(s);
	}
}

bool core_tick(struct core *c)
{
	store_poll(c->cfg.store);
	command_run_queued(c);
	waiter_sweep(c);
	flush(c);
	contact_flush(c);
	trace_sweep(c);
	history_sweep(c);
	job_sweep(c);
	session_sweep(c);
	emit_sweep(c);
	*c->time = (struct core_time){0};
	bool is_answered = store_fd(c->cfg.store) < 0 && store_pending(c->cfg.store) > 0;
	return !list_empty(&c->commands) || is_answered;
}
