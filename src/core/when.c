#include "core/when.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AGO_MAX = 1000000000 };

static enum err ago(const char *text, uint64_t now_ms, uint64_t *out_ms)
{
	static const struct {
		const char *unit;
		uint64_t s;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		uint64_t ms = (n < AGO_MAX ? n : AGO_MAX) * units[i].s * 1000;
		*out_ms = ms < now_ms ? now_ms - ms : 1;
		return ERR_OK;
	}
	return ERR_USAGE;
}

enum err when_parse(const char *text, uint64_t now_ms, uint64_t *out_ms)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M",
					    "%Y-%m-%dT%H:%M:%SZ"};
	if (text[0] < '0' || text[0] > '9')
		return ERR_USAGE;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		time_t t = timegm(&tm);
		*out_ms = t > 0 ? (uint64_t)t * 1000 : 1;
		return ERR_OK;
	}
	return ago(text, now_ms, out_ms);
}
