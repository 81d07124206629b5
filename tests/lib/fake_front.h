/*
 * fake_front: a front_source without a node. It remembers events as core does, answers
 * status and events by itself and every other command as the test says.
 */
#ifndef TESTS_LIB_FAKE_FRONT_H
#define TESTS_LIB_FAKE_FRONT_H

#include <stddef.h>
#include <stdint.h>

#include "core/front.h"
#include "net/loop.h"

struct fake_front;

/* Commands are run at the end of the tick of l. */
struct fake_front *fake_front_new(struct loop *l);
void fake_front_free(struct fake_front *f); /* every port closed before */
struct front_source fake_front_source(struct fake_front *f);

/* Events that are kept; 2048 at first. */
void fake_front_keep(struct fake_front *f, size_t n);
/* What happens to commands other than status and events; without it: DONE. */
void fake_front_on_command(struct fake_front *f,
			   void (*fn)(void *ctx, uint64_t port,
				      const struct command *cmd),
			   void *ctx);
/* From now on each other command is run ms after the one before it. */
void fake_front_delay(struct fake_front *f, unsigned ms);
/* A reply to the port; a port that is closed is no error. */
void fake_front_reply(struct fake_front *f, uint64_t port, const struct event *ev);
void fake_front_done(struct fake_front *f, uint64_t port, uint64_t tag, const char *text);
void fake_front_error(struct fake_front *f, uint64_t port, uint64_t tag, unsigned status,
		      const char *text);
/* Something happened; gets the next cursor. */
void fake_front_emit(struct fake_front *f, const struct event *ev);
void fake_front_emit_notice(struct fake_front *f, const char *text);

size_t fake_front_ports(const struct fake_front *f);
size_t fake_front_commands(const struct fake_front *f); /* run so far */

#endif
