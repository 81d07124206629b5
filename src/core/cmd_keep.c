/* cmd_keep: how long a conversation is kept. */
#include <stdio.h>
#include <string.h>

#include "core/job.h"
#include "core/keep.h"
#include "core/sweep.h"

struct wanted {
	bool is_change, has_days, has_mib, is_default;
	uint64_t days, mib;
};

struct change {
	struct job job;
	struct id16 conv;
	struct wanted want;
	char text[160];
};

static void on_written(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct change *g = ctx;
	(void)req;
	if (!job_is_good(&g->job, reply, "that cannot be written"))
		return;
	sweep_now(g->job.core);
	job_done(&g->job, g->text);
}

static void write(struct change *g, const struct keep *k)
{
	struct store_request req = keep_request(STORE_RECORD, &g->conv);
	struct buf value;
	buf_init(&value, 64);
	if (!g->want.is_default && keep_encode(&value, k) == ERR_OK)
		req.record.value = buf_slice(&value);
	(void)job_ask(&g->job, &req, on_written);
	buf_wipe(&value);
}

static void on_read(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct change *g = ctx;
	char text[80];
	(void)req;
	if (!job_is_good(&g->job, reply, "that cannot be read"))
		return;
	bool is_own = reply->n_records > 0 && !g->want.is_default;
	struct keep k = keep_default(g->job.core);
	if (is_own)
		k = keep_parse(g->job.core, reply->records->value);
	if (g->want.has_days)
		k.days = g->want.days;
	if (g->want.has_mib)
		k.mib = g->want.mib;
	keep_str(&k, text, sizeof text);
	is_own = is_own || g->want.has_days || g->want.has_mib;
	snprintf(g->text, sizeof g->text, "kept %s%s", text,
		 is_own ? "" : ", as the settings say");
	if (g->want.is_change)
		write(g, &k);
	else
		job_done(&g->job, g->text);
}

static bool call_limits(struct call *call, struct wanted *want)
{
	const struct args_keep *a = &call->cmd->u.keep;
	want->has_days = a->days != NULL;
	want->has_mib = a->mib != NULL;
	want->is_default = a->what != NULL;
	want->is_change = want->has_days || want->has_mib || want->is_default;
	if (a->what != NULL &&
	    (strcmp(a->what, "default") != 0 || want->has_days || want->has_mib))
		return call_fail(call, 1,
				 "/keep WHO --days N --mib N, or /keep WHO default");
	return call_number(call, a->days, "days", 0, KEEP_DAYS_MAX, &want->days) &&
	       call_number(call, a->mib, "mib", 0, KEEP_MIB_MAX, &want->mib);
}

void cmd_keep(struct call *call)
{
	struct wanted want = {0};
	struct peer *p;
	if (!call_limits(call, &want) || !call_who(call, call->cmd->u.keep.who, true, &p))
		return;
	struct change *g = job_new(call, sizeof *g);
	if (g == NULL)
		return;
	g->want = want;
	g->conv = p != NULL ? p->conv : call->core->lan_conv;
	struct store_request req = keep_request(STORE_RECORDS, &g->conv);
	(void)job_ask(&g->job, &req, on_read);
}
