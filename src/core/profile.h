/*
 * profile: what others see of us: nick, status, away; in HELLO and PROFILE.
 */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "core/session.h"

/* The first record of a session. */
void profile_hello(struct session *s);
/* Something of it changed: everybody is told, at most every 10 s. */
void profile_changed(struct core *c);
/* Takes nick and status from the options. */
void profile_load(struct core *c);

#endif
