/*
 * clock: time is an argument. Monotonic time decides everything; wall time is
 * for display only.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	uint64_t (*mono_us)(
		void *ctx); /* monotonic, includes suspend where the system can */
	uint64_t (*wall_ms)(void *ctx); /* Unix time */
	void *ctx;
};

/* The system's clock; static. */
const struct clock *clock_system(void);

/* A clock that stands until it is moved; for tests and the simulation. It starts at
 * one second and at 2026-01-01T00:00:00Z; it must not be moved in memory. */
struct clock_manual {
	struct clock clock;
	uint64_t now_us;
	uint64_t wall_offset_ms; /* wall = now_us / 1000 + this */
};
void clock_manual_init(struct clock_manual *m);
void clock_manual_advance(struct clock_manual *m, uint64_t us);

static inline uint64_t clock_mono_us(const struct clock *c)
{
	return c->mono_us(c->ctx);
}

static inline uint64_t clock_mono_ms(const struct clock *c)
{
	return c->mono_us(c->ctx) / 1000;
}

static inline uint64_t clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c->ctx);
}

/* "2026-01-02T03:04:05.678Z" (RFC 3339, UTC) with a NUL; years are clamped to
 * 1970 ... 9999. */
enum { CLOCK_TEXT_BYTES = 25 };
void clock_text(uint64_t wall_ms, char out[static CLOCK_TEXT_BYTES]);

#endif
