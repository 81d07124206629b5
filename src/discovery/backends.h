/*
 * backends: the ways to speak mDNS, and the choice between them. Belongs to the
 * mDNS thread.
 *
 * When something changed, backends_settle
 *   1 closes the backends that failed (each then pauses)
 *   2 opens them in the order of the table until one is up; closes those after it
 *   3 brings the interfaces in use and the announcement on them up to date
 *   4 tells how it stands
 * Nothing is ever closed inside a callback of Avahi's.
 */
#ifndef DISCOVERY_BACKENDS_H
#define DISCOVERY_BACKENDS_H

#include "discovery/heard.h"
#include "discovery/links.h"
#include "discovery/mdns_event.h"
#include "discovery/txt.h"

struct AvahiPoll;

struct backends;

/* put: an event for the loop, copied by the callee. poll and timers outlive it. */
struct backends_config {
	const struct mdns_config *mdns; /* copied, but for interfaces */
	const struct AvahiPoll *poll;
	struct timers *timers;
	void (*put)(void *ctx, const struct mdns_event *e);
	void *ctx;
};

struct backends *backends_new(const struct backends_config *cfg);
/* Withdraws the announcement. NULL is fine. */
void backends_free(struct backends *b);
void backends_ifaces_set(struct backends *b, const struct ifaces *ifs);
void backends_visible_set(struct backends *b, bool is_visible);
void backends_again(struct backends *b, const char *instance);
/* The thread woke up: calls that take long are counted from here. */
void backends_awake(struct backends *b);
/* True when there is something to settle. */
bool backends_is_dirty(const struct backends *b);
void backends_settle(struct backends *b);

/* --- what a backend is --- */

#define BACKEND_TYPE "_p2pmsg._tcp"
#define BACKEND_DOMAIN "local"
enum { BACKEND_INSTANCE_BYTES = 17, BACKEND_HOST_BYTES = 32 };

struct backend; /* a row of the table, while we run */

/* An interface in use. The three pointers are the backend's; they are NULL before
 * link_open. */
struct backend_link {
	struct backend *of;
	struct iface iface;
	char instance[BACKEND_INSTANCE_BYTES]; /* our name there: 16 hex digits */
	struct addr addrs[LINK_ADDRS_MAX]; /* to announce */
	size_t n_addrs;
	bool is_published;
	unsigned edition; /* of what is published */
	void *browser, *service, *host;
};

/* What is announced. */
struct backend_service {
	char host[BACKEND_HOST_BYTES]; /* p2pmsg-<hex>.local, of the embedded stack */
	uint16_t port;
	uint8_t txt[TXT_MAX_BYTES];
	size_t txt_len;
};

/*
 * Failures are told by backend_on_failed, not returned: then nothing more is asked
 * of the backend but close. close frees whatever links and resolvers hold, and does
 * not talk to a daemon to do so.
 */
struct backend_ops {
	const char *name;
	bool has_addresses; /* announces addresses itself: needs links, see links_names */
	void *(*open)(struct backend *b); /* NULL: it failed */
	void (*close)(void *self);
	void (*link_open)(void *self, struct backend_link *l); /* browse there */
	void (*link_close)(void *self, struct backend_link *l);
	/* Announce; again, when something differs. */
	void (*publish)(void *self, struct backend_link *l,
			const struct backend_service *service);
	void (*unpublish)(void *self, struct backend_link *l);
	void *(*ask)(void *self, struct heard_place *p); /* see heard.h */
	void (*hush)(void *self, void *resolver);
};

extern const struct backend_ops avahi_client_ops;
extern const struct backend_ops avahi_core_ops;

/* What a backend may ask. */
const struct AvahiPoll *backend_poll(const struct backend *b);
const struct links_rule *backend_rule(const struct backend *b);
const struct link_names *backend_names(const struct backend *b); /* may be used */
const struct backend_service *backend_service(const struct backend *b);

/* What a backend tells; from inside any call or callback. */
void backend_on_up(struct backend *b); /* again: all must be announced anew */
void backend_on_failed(struct backend *b, const char *why);
void backend_on_browse(struct backend_link *l, bool is_new, const char *instance,
		       enum addr_family family);
void backend_on_collision(struct backend *b); /* our name is taken */
void backend_on_refused(struct backend *b, const char *why); /* to announce */

#endif
