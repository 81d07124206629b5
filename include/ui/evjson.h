/*
 * evjson: events and commands as JSON, one object a line. What programs read and
 * write, on a pipe and on the control socket; attached front ends speak it too, so
 * both directions exist for both. p2pmsg(1), "JSON lines".
 *
 *   {"v":1,"type":"message","cursor":7,"time":"2026-01-02T03:04:05.678Z",...}
 *   {"cmd":"msg","who":"bob","text":"hi","tag":7}
 */
#ifndef UI_EVJSON_H
#define UI_EVJSON_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "core/front.h"

enum {
	EVJSON_VERSION = 1,
	EVJSON_COMMAND_MAX = 128 << 10, /* bytes of a line from a client: of restore */
	EVJSON_EVENT_MAX = 256 << 10 /* bytes of a line from a node: 16,000 of text, six
					for each at worst, and room */
};

/* Pure ASCII without a newline, whatever others put into the texts: fit for a
 * terminal. Numbers above 2^63 - 1 become that. mem_free. */
char *evjson_event(const struct event *ev);
/* One allocation: mem_free. ERR_PROTO: no event; ERR_VERSION: another "v";
 * ERR_UNKNOWN: a type from a newer node, to be left out. */
enum err evjson_event_parse(struct slice line, struct event **out);

/* UTF-8 without a newline; mem_free. */
char *evjson_command(const struct command *cmd);
/* One allocation: mem_free. ERR_USAGE: *why (mem_free) says what would be right, and
 * *tag is the command's if it has one, else 0. */
enum err evjson_command_parse(struct slice line, struct command **out, uint64_t *tag,
			      char **why);

#endif
