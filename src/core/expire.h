/*
 * expire: messages that disappear. An own one when its time has passed since it was
 * said; another's when it has passed since it was first shown here. p2pmsg-protocol(7),
 * "Disappearing messages".
 */
#ifndef CORE_EXPIRE_H
#define CORE_EXPIRE_H

#include "core/kept.h"

/* What has expired goes now, and from now on in time. */
void expire_start(struct core *c);
void expire_stop(struct core *c);

/* When a TEXT that comes in now disappears; 0: never, or nobody sees it yet. */
uint64_t expire_from_now(const struct core *c, const struct msg *m);
/* Something disappears then; 0: nothing. */
void expire_known(struct core *c, uint64_t expires_ms);
/* It is shown, perhaps to nobody: fills the event in. */
void expire_on_shown(struct core *c, struct shown *s, const struct store_message *kept);
/* It is shown where nothing is kept: its time begins. Fills the event in. */
void expire_unkept(struct core *c, struct shown *s);
/* A front end has got all that happened: the time of what nobody had seen begins. */
void expire_on_follow(struct core *c);
/* It is shown in an answer, so its time begins, if it had not. False: it is gone. */
bool expire_on_listed(struct core *c, struct shown *s, const struct store_message *kept);

/* What we say on #lan disappears after that; 0: it stays. Kept. */
void expire_set_lan(struct core *c, uint64_t expire_s);
/* Asks the store for it. req is to be submitted by contact_load's rule. */
struct store_request expire_lan_request(void);
void expire_take_lan(struct core *c, const struct store_reply *reply);

#endif
