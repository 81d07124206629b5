/*
 * evtext_show: one function for each event that stands alone as text.
 */
#ifndef UI_EVTEXT_SHOW_H
#define UI_EVTEXT_SHOW_H

#include "ui/evtext.h"
#include "ui/ink.h"

/* Puts nothing when there is nothing to show. */
void evtext_show(const struct evtext_config *cfg, const struct event *ev, struct ink *k);

#endif
