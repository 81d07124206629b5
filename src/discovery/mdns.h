/*
 * mdns: the thread that speaks mDNS, as the loop sees it. Nothing here waits, but
 * mdns_stop. What the loop wants is left for the thread, the newer replacing the
 * older, so that a thread which stands still in a stuck daemon piles up nothing; what
 * the thread has to say comes through a bounded queue.
 */
#ifndef DISCOVERY_MDNS_H
#define DISCOVERY_MDNS_H

#include "discovery/mdns_event.h"

struct mdns;

enum err mdns_start(const struct mdns_config *cfg, struct mdns **out);
/* Withdraws the announcement. After 0.5 s the thread is left to end by itself; it
 * touches nothing of the caller's then. NULL is fine. */
void mdns_stop(struct mdns *m);
int mdns_fd(const struct mdns *m); /* readable while there are events */
struct mdns_event *mdns_take(struct mdns *m); /* NULL: none; free with mem_free */
void mdns_ifaces_set(struct mdns *m, const struct ifaces *ifs);
void mdns_visible_set(struct mdns *m, bool is_visible);
void mdns_again(struct mdns *m, const char *instance);

#endif
