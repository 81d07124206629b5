/*
 * guest: sessions of people the user has not made contacts of. They are counted, by
 * address and in all, and the one silent longest goes when there are too many.
 */
#ifndef CORE_GUEST_H
#define CORE_GUEST_H

#include "core/session.h"

/* s went live. It, or another, may be DEAD after. */
void guest_join(struct session *s);
void guest_leave(struct session *s);
/* The peer became a contact: its sessions are no guests any more. */
void guest_promote(struct peer *p);

#endif
