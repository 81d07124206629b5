/*
 * evtext_talk: how people read what is said, and what is done to it.
 */
#ifndef UI_EVTEXT_TALK_H
#define UI_EVTEXT_TALK_H

#include "ui/evtext.h"
#include "ui/ink.h"

typedef void evtext_fn(const struct evtext_config *cfg, const struct event *ev,
		       struct ink *k);
evtext_fn evtext_message, evtext_edit, evtext_delete, evtext_reaction, evtext_typing;

#endif
