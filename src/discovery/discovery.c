#include "discovery/discovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "discovery/fixed.h"
#include "discovery/mdns.h"

/* Events handled in one go, so that a flood of them leaves the loop its turn. */
enum { EVENTS_AT_ONCE = 256 };

struct discovery {
	struct loop *loop;
	const struct discovery_events *events;
	void *ctx;
	enum discovery_mode mode;
	struct mdns_config mdns_cfg;
	struct mdns *mdns; /* NULL: off, or no interfaces are known yet */
	struct loop_watch *watch;
	struct fixed *fixed;
	struct timer off; /* tells of mode off from outside discovery_start */
	unsigned n_inside; /* calls of our owner's functions under way */
	bool is_stopped;
};

/* Our owner may stop us from inside an event. */
static void leave(struct discovery *d)
{
	if (--d->n_inside == 0 && d->is_stopped)
		mem_free(d);
}

static void on_sighting(void *ctx, const struct sighting *s)
{
	struct discovery *d = ctx;

	d->events->on_sighting(d->ctx, s);
}

static void tell_status(struct discovery *d, const char *backend, const char *trouble)
{
	log_info("discovery", "%s%s%s", backend, trouble ? ": " : "",
		 trouble ? trouble : "");
	d->events->on_status(d->ctx, backend, trouble);
}

static void on_event(struct discovery *d, const struct mdns_event *e)
{
	if (e->kind == MDNS_SIGHTING)
		on_sighting(d, &e->sighting);
	else
		tell_status(d, e->backend, e->trouble[0] ? e->trouble : NULL);
}

static void on_readable(void *ctx)
{
	struct discovery *d = ctx;
	struct mdns_event *e;

	d->n_inside++;
	for (int i = 0; i < EVENTS_AT_ONCE && !d->is_stopped; i++) {
		e = mdns_take(d->mdns);
		if (!e)
			break;
		on_event(d, e);
		mem_free(e);
	}
	leave(d);
}

static void on_off(void *ctx)
{
	tell_status(ctx, "off", NULL);
}

static void on_no_thread(void *ctx)
{
	tell_status(ctx, "off", "no thread could be started for mDNS");
}

static void config_names(struct link_names *out, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n && out->n < IFACES_MAX; i++)
		snprintf(out->v[out->n++], IFACE_NAME_BYTES, "%s", names[i]);
}

enum err discovery_start(const struct discovery_config *cfg,
			 const struct discovery_events *events, void *ctx,
			 struct discovery **out)
{
	struct discovery *d = mem_new(sizeof(*d));
	unsigned jitter;

	d->loop = cfg->loop;
	d->events = events;
	d->ctx = ctx;
	d->mode = cfg->mode;
	d->mdns_cfg = (struct mdns_config){
		.use_daemon = cfg->mode != DISCOVERY_EMBEDDED,
		.use_embedded = cfg->mode != DISCOVERY_AVAHI,
		.node_id = cfg->node_id,
		.port = cfg->port,
		.role = cfg->role,
		.is_visible = cfg->is_visible,
		.rule = {.use_ip4 = cfg->use_ip4, .use_ip6 = cfg->use_ip6}};
	config_names(&d->mdns_cfg.rule.asked, cfg->interfaces, cfg->n_interfaces);
	rng_fill(cfg->rng, &d->mdns_cfg.seed, sizeof(d->mdns_cfg.seed));
	/* The embedded stack draws its delays from rand(): unseeded, all nodes of a
	 * crowd would draw the same. */
	rng_fill(cfg->rng, &jitter, sizeof(jitter));
	srand(jitter);
	d->fixed = fixed_new(d->loop, on_sighting, d);
	if (cfg->mode == DISCOVERY_OFF)
		timer_set(loop_timers(d->loop), &d->off, 0, on_off, d);
	*out = d;
	return ERR_OK;
}

static void start_mdns(struct discovery *d)
{
	if (mdns_start(&d->mdns_cfg, &d->mdns) == ERR_OK &&
	    loop_watch_start(d->loop, mdns_fd(d->mdns), on_readable, d, &d->watch) ==
		    ERR_OK)
		return;
	mdns_stop(d->mdns);
	d->mdns = NULL;
	timer_set(loop_timers(d->loop), &d->off, 0, on_no_thread, d);
}

void discovery_ifaces_set(struct discovery *d, const struct ifaces *ifs)
{
	if (d->mode == DISCOVERY_OFF)
		return;
	if (!d->mdns)
		start_mdns(d);
	if (d->mdns)
		mdns_ifaces_set(d->mdns, ifs);
}

void discovery_visible_set(struct discovery *d, bool is_visible)
{
	d->mdns_cfg.is_visible = is_visible;
	if (d->mdns)
		mdns_visible_set(d->mdns, is_visible);
}

void discovery_again(struct discovery *d, const char *instance)
{
	if (d->mdns)
		mdns_again(d->mdns, instance);
}

enum err discovery_fixed_add(struct discovery *d, const char *host_port,
			     const struct id32 *id)
{
	return fixed_add(d->fixed, host_port, id);
}

enum err discovery_fixed_del(struct discovery *d, const char *host_port)
{
	return fixed_del(d->fixed, host_port);
}

void discovery_stop(struct discovery *d)
{
	if (!d)
		return;
	loop_watch_stop(d->watch);
	mdns_stop(d->mdns);
	fixed_free(d->fixed);
	timer_stop(&d->off);
	d->n_inside++;
	d->is_stopped = true;
	leave(d);
}
