#include "core/keep.h"

#include <stdio.h>

#include "core/contact.h"
#include "wire/fields.h"

enum { KEY_DAYS, KEY_MIB };

static const struct msg_field rows[] = {
	{KEY_DAYS, MSG_UINT, MSG_REQ, 0, KEEP_DAYS_MAX, "days",
	 offsetof(struct keep, days)},
	{KEY_MIB, MSG_UINT, MSG_REQ, 0, KEEP_MIB_MAX, "mib", offsetof(struct keep, mib)},
};
static const struct fields table = {rows, sizeof rows / sizeof *rows};

struct keep keep_default(const struct core *c)
{
	return (struct keep){
		.days = (uint64_t)options_int(c->cfg.options, OPT_keep_days),
		.mib = (uint64_t)options_int(c->cfg.options, OPT_keep_mib),
	};
}

struct keep keep_parse(const struct core *c, struct slice value)
{
	struct keep k = {0};
	struct cur cur = cur_of(value);
	enum proto_code code;
	if (value.n == 0 || fields_get(&cur, &table, &k, &code) != ERR_OK)
		return keep_default(c);
	return k;
}

enum err keep_encode(struct buf *b, const struct keep *k)
{
	return fields_put(b, &table, k);
}

struct store_request keep_request(enum store_verb verb, const struct id16 *conv)
{
	struct store_request req = {.verb = verb, .max = 1};
	req.record.kind = RECORD_KEEP;
	req.record.key = slice_of(conv->b, sizeof conv->b);
	return req;
}

void keep_str(const struct keep *k, char *out, size_t max)
{
	char days[40] = "for ever", mib[40] = "";
	if (k->days > 0)
		snprintf(days, sizeof days, "for %llu day%s", (unsigned long long)k->days,
			 k->days == 1 ? "" : "s");
	if (k->mib > 0)
		snprintf(mib, sizeof mib, ", at most %llu MiB",
			 (unsigned long long)k->mib);
	snprintf(out, max, "%s%s", days, mib);
}
