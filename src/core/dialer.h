/*
 * dialer: how peers may be reached, and when to try. Sightings from all sources
 * are merged by key into candidates (id, address); a candidate is dialled when the
 * rules of p2pmsg-protocol(7), "mDNS", allow it.
 */
#ifndef CORE_DIALER_H
#define CORE_DIALER_H

#include "core/peer.h"
#include "core/session.h"

void dialer_sighting(struct core *c, const struct sighting *s);
/* Dials whatever is due and sets the timer for the next. */
void dialer_run(struct core *c);
/* As dialer_run, at the end of this tick; cheap to call often. */
void dialer_poke(struct core *c);

/* The key of this link is proved; p is NULL when there is no room for it, and
 * is_taken says whether a session begins. No-op for links that were not dialled. */
void dialer_on_proved(struct core *c, link_id id, struct peer *p, bool is_taken);
void dialer_on_up(struct session *s);
/* A dial that ended before its session began. False when the link was none. */
bool dialer_on_down(struct core *c, link_id id, enum err why, uint16_t code);
/* A session ended: when to try again. */
void dialer_on_lost(const struct session *s, enum err why, unsigned code);
/* The peer listens there, by its own word, at an address it has proved. */
void dialer_remember(struct session *s, uint16_t port);
/* A worn session (24 h) is dialled anew by its initiator. */
void dialer_renew(struct session *s);
/* The user wants this peer now. */
void dialer_want(struct peer *p);
/* Closes its dials and forgets its addresses. */
void dialer_forget(struct peer *p);
/* True while an address is kept at which this peer proved its key. */
bool dialer_remembers(const struct peer *p);
/* The address that would be tried first; "" when there is none. */
void dialer_best_address(const struct peer *p, char out[static ADDR_TEXT_BYTES]);
/* All of them, for whois; mem_free. *found_by: static text. */
char *dialer_addresses(const struct peer *p, const char **found_by);
void dialer_free(struct core *c);

#endif
