/*
 * fixed: peers given by hand. Each is resolved when it is added and again every 60 s;
 * every address it has is a sighting.
 */
#ifndef DISCOVERY_FIXED_H
#define DISCOVERY_FIXED_H

#include "discovery/sighting.h"
#include "net/loop.h"

/* A smaller port is never dialled. */
enum { FIXED_PORT = 7117, FIXED_PORT_MIN = 1024 };

struct fixed;

/* report: on the loop, never from inside a call of these; borrowed for the call. */
struct fixed *fixed_new(struct loop *l,
			void (*report)(void *ctx, const struct sighting *s), void *ctx);
/* Reports nothing. NULL is fine. */
void fixed_free(struct fixed *f);

/* ERR_USAGE for what is neither host, host:port nor address. One that is there
 * already takes the new id. */
enum err fixed_add(struct fixed *f, const char *host_port, const struct id32 *id);
/* ERR_UNKNOWN. Its addresses are reported gone. */
enum err fixed_del(struct fixed *f, const char *host_port);

#endif
