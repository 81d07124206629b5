/*
 * core: peers, sessions, conversations; commands in, events out. Knows neither
 * sockets nor screens: it reaches the network through link_ops and discovery
 * through core_ports, is told sightings, and is given time and chance. So it runs
 * in a simulation as it runs for real.
 *
 * One thread. Nothing here waits.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/timer.h"
#include "core/front.h"
#include "crypto/identity.h"
#include "discovery/discovery.h"
#include "net/link.h"
#include "store/store.h"

struct core;

/* One thing that doctor has looked at. level: ok, note, wrong; advice may be NULL. */
typedef void core_finding_fn(void *ctx, const char *level, const char *subject,
			     const char *text, const char *advice);

/* What core asks of its surroundings; any may be NULL. */
struct core_ports {
	void *ctx;
	/* A peer by hand; its sightings come through core_sighting. */
	enum err (*fixed_add)(void *ctx, const char *host_port, const struct id32 *id);
	enum err (*fixed_del)(void *ctx, const char *host_port);
	/* A dial failed: ask the network again for this mDNS instance. */
	void (*again)(void *ctx, const char *instance);
	void (*visible_set)(void *ctx, bool is_visible);
	/* This address proved a key: net keeps room for it. */
	void (*address_proved)(void *ctx, const struct addr *a);
	/* Writes the profile's file. */
	enum err (*save)(void *ctx);
	/* The node shall stop (quit --node). */
	void (*stop)(void *ctx);
	/* Looks at files and disk, and calls fn for each finding. */
	void (*inspect)(void *ctx, core_finding_fn *fn, void *fn_ctx);
};

struct core_config {
	const struct clock *clock;
	struct timers *timers;
	const struct rng *rng;
	struct identity *identity; /* outlives core */
	struct id16 boot; /* the same as in chan_config */
	struct options *options; /* outlives core */
	const struct link_ops *link;
	void *net; /* first argument of link_ops */
	struct core_ports ports;
	struct store *store; /* freed before core, so that it tells nobody */
	const char *profile;
	uint8_t role; /* role bits announced: 0 for now */
};

struct core *core_new(const struct core_config *cfg);
/* Says goodbye on every session first. NULL is fine. */
void core_free(struct core *c);

/* False until the store has told who is known: core_tick goes on asking, and nobody
 * should be let in before. */
bool core_is_ready(const struct core *c);
/* Once it is ready. Not ERR_OK: the store could not tell all, so nothing may go on. */
enum err core_load_err(const struct core *c);

/* For net_events_set; ctx is the struct core *. */
const struct link_events *core_link_events(void);
/* Discovery's, and those that a test makes. */
void core_sighting(struct core *c, const struct sighting *s);
void core_discovery_status(struct core *c, const char *backend, const char *trouble);
void core_ifaces(struct core *c, const struct ifaces *ifs);
void core_listening(struct core *c, uint16_t port);
/* At the end of every tick: runs commands, sends what was collected, sweeps what died.
 * True: more commands wait, and it is to be called again after the network had its turn. */
bool core_tick(struct core *c);
/* A live option was changed from outside (SIGHUP): what depends on it follows. */
void core_option_changed(struct core *c, enum option id);
/* Something for the people at the front ends. level: info, warning, alarm. */
void core_notice(struct core *c, const char *level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Front ends of this process are opened here. */
struct front_source core_front_source(struct core *c);

#endif
