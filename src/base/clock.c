#include "base/clock.h"

#include <string.h>
#include <time.h>

#ifdef CLOCK_BOOTTIME
#define MONO CLOCK_BOOTTIME
#else
#define MONO CLOCK_MONOTONIC
#endif

/* 9999-12-31T23:59:59.999Z */
static const uint64_t wall_max_ms = 253402300799999;

static uint64_t system_mono_us(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(MONO, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t system_wall_ms(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (ts.tv_sec < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

const struct clock *clock_system(void)
{
	static const struct clock clock = {
		.mono_us = system_mono_us,
		.wall_ms = system_wall_ms,
	};

	return &clock;
}

static uint64_t manual_mono_us(void *ctx)
{
	const struct clock_manual *m = ctx;

	return m->now_us;
}

static uint64_t manual_wall_ms(void *ctx)
{
	const struct clock_manual *m = ctx;

	return m->now_us / 1000 + m->wall_offset_ms;
}

void clock_manual_init(struct clock_manual *m)
{
	*m = (struct clock_manual){
		.clock = {manual_mono_us, manual_wall_ms, m},
		.now_us = 1000000,
		.wall_offset_ms = 1767225600000 - 1000,
	};
}

void clock_manual_advance(struct clock_manual *m, uint64_t us)
{
	m->now_us += us;
}

void clock_text(uint64_t wall_ms, char out[static CLOCK_TEXT_BYTES])
{
	uint64_t ms = wall_ms < wall_max_ms ? wall_ms : wall_max_ms;
	time_t s = (time_t)(ms / 1000);
	char *p = out + strlen("2026-01-02T03:04:05");
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	*p++ = '.';
	*p++ = (char)('0' + ms / 100 % 10);
	*p++ = (char)('0' + ms / 10 % 10);
	*p++ = (char)('0' + ms % 10);
	*p++ = 'Z';
	*p = '\0';
}
