/*
 * heard: what the browser heard, and the asking that makes sightings of it.
 *
 * An instance is heard at places: one for each interface and address family. Each
 * place is asked for its address 100 to 200 ms after it was heard, at random, so
 * that a crowd does not ask at once; at most asking_max at the same time; and again
 * a little later when nobody answered. Only what changed is reported.
 *
 *   idle -> soon (timer) -> waiting (for a free resolver) -> asking -> idle
 *
 * Belongs to the mDNS thread; knows nothing of Avahi.
 */
#ifndef DISCOVERY_HEARD_H
#define DISCOVERY_HEARD_H

#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/timer.h"
#include "discovery/sighting.h"

struct heard;
struct heard_instance;

enum place_state { PLACE_IDLE, PLACE_SOON, PLACE_WAITING, PLACE_ASKING };

/* Read by those who ask; written by heard.c only. */
struct heard_place {
	struct heard *in;
	struct heard_instance *of;
	struct list of_node, all_node, line_node;
	const char *instance; /* lives as long as the place */
	uint32_t ifindex;
	enum addr_family family;
	bool is_loopback;
	enum place_state state;
	struct timer timer;
	void *resolver; /* while asking */
	uint64_t asked_ms;
	unsigned n_silent;
	unsigned round;
	bool is_reported;
	struct sighting reported;
};

struct heard_ops {
	/* Starts asking; heard_answer or heard_silence follows, never from inside.
	 * NULL: it cannot now. */
	void *(*ask)(void *ctx, struct heard_place *p);
	/* Ends it, also after the answer. */
	void (*hush)(void *ctx, void *resolver);
	/* Borrowed for the call. */
	void (*report)(void *ctx, const struct sighting *s);
};

struct heard_config {
	const struct heard_ops *ops;
	void *ctx;
	struct timers *timers;
	const struct clock *clock;
	const struct rng *rng;
	size_t places_max; /* the oldest is dropped */
	size_t asking_max;
};

struct heard *heard_new(const struct heard_config *cfg);
/* Reports nothing and hushes nobody: their backend is gone. NULL is fine. */
void heard_free(struct heard *h);

/* instance: at most 63 bytes. */
void heard_appear(struct heard *h, const char *instance, uint32_t ifindex,
		  enum addr_family family, bool is_loopback);
void heard_vanish(struct heard *h, const char *instance, uint32_t ifindex,
		  enum addr_family family);
void heard_vanish_link(struct heard *h, uint32_t ifindex);
/* Ask again (a dial failed). Unknown instances are ignored. */
void heard_again(struct heard *h, const char *instance);
/*
 * The backend is gone and another takes over: resolvers are forgotten without
 * hush. What was reported stays for 10 s, so that people do not see everybody
 * leave and come back; what has not been heard again by then is gone.
 */
void heard_fresh(struct heard *h);

/* The answer for a place that is being asked; a without port scope. */
void heard_answer(struct heard_place *p, const struct addr *a, struct slice txt);
void heard_silence(struct heard_place *p);

size_t heard_count(const struct heard *h); /* places */

#endif
