#include "core/history.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/command.h"
#include "core/expire.h"
#include "core/kept.h"

enum {
	PAGERS_MAX = 256,
	PAGE_ROWS = 256,
	SCAN_ROWS = 20000, /* looked at, before others have their turn */
	HITS_ROWS = 32, /* of a search that shows what stands around */
	CONTEXT_MAX = 50,
	SHOWN_DEFAULT = 20,
	SHOWN_MAX = 1000000000
};

/*
 * One list under way. History is shown oldest first, but asked for by its newest n: so
 * it walks back to where it begins, then forward. A search shows the newest first.
 */
struct pager {
	struct list node;
	struct core *core;
	struct reply_to to;
	struct store_request next; /* the next page */
	char *needle; /* folded; NULL: history */
	uint64_t left, n;
	struct store_message oldest; /* that was counted; without body */
	/* a search: so many are shown before and after each that was found */
	uint64_t context;
	struct store_message *hits; /* of one page; without bodies */
	size_t n_hits, at;
	bool is_around; /* what is asked for is around hits[at], */
	bool is_behind; /* it and what follows; else what is before it */
	bool has_more; /* pages */
	bool is_counting; /* walks back, and shows nothing yet */
	bool is_asked; /* the store has it */
	bool is_dead; /* freed when the store has answered */
};

static void pager_free(struct pager *g)
{
	list_del(&g->node);
	g->core->n_pagers--;
	mem_free(g->hits);
	mem_free(g->needle);
	mem_free(g);
}

static void pager_end(struct pager *g, enum err e, const char *why)
{
	char text[64];
	snprintf(text, sizeof text, "%llu message%s", (unsigned long long)g->n,
		 g->n == 1 ? "" : "s");
	if (e == ERR_OK)
		emit_done(g->core, g->to, text);
	else
		emit_error(g->core, g->to, 5, "the history cannot be read: %s",
			   why[0] != '\0' ? why : err_str(e));
	pager_free(g);
}

/* ---- shown ---- */

/* reply: where the message may stand that it answers. */
static void show_as(struct pager *g, const struct store_reply *reply,
		    const struct store_message *m, bool is_context)
{
	struct shown s;
	if (shown_init(&s, g->core, m) == ERR_OK && expire_on_listed(g->core, &s, m)) {
		for (size_t i = 0; s.ev.u.message.reply_to && i < reply->n_messages; i++)
			shown_answers(&s, &reply->messages[i]);
		s.ev.time_ms = m->kept_ms;
		s.ev.u.message.context = is_context;
		emit_reply(g->core, g->to, &s.ev);
		g->n += !is_context;
	}
	shown_wipe(&s);
}

static void show(struct pager *g, const struct store_reply *reply,
		 const struct store_message *m)
{
	show_as(g, reply, m, false);
}

static void show_all(struct pager *g, const struct store_reply *reply)
{
	for (size_t i = 0; i < reply->n_messages && g->left > 0; i++, g->left--)
		show(g, reply, &reply->messages[i]);
}

static void show_all_backwards(struct pager *g, const struct store_reply *reply)
{
	for (size_t i = reply->n_messages; i > 0; i--)
		show(g, reply, &reply->messages[i - 1]);
}

/* ---- the walk ---- */

static void go_on_from(struct pager *g, const struct store_message *last)
{
	g->next.has_from = true;
	g->next.from.lamport = last->lamport;
	g->next.from.seq = last->seq;
	g->next.from.author = last->author;
	g->next.from.id = last->id;
}

static void ask(struct pager *g);
static void on_page(void *ctx, const struct store_request *req,
		    const struct store_reply *reply);

static void submit(struct pager *g, struct store_request *req)
{
	req->done = on_page;
	req->ctx = g;
	enum err e = store_submit(g->core->cfg.store, req);
	g->is_asked = e == ERR_OK;
	if (e != ERR_OK && e != ERR_FULL)
		pager_end(g, e, "");
}

/* Just before it: going on from there, it is the next. */
static struct store_message before(const struct store_message *m)
{
	struct store_message b = *m;
	b.seq--;
	for (size_t i = sizeof b.id.b; i-- > 0;)
		if (b.id.b[i]-- != 0)
			return b;
	for (size_t i = sizeof b.author.b; i-- > 0;)
		if (b.author.b[i]-- != 0)
			return b;
	b.lamport--;
	return b;
}

/* Back at the first one that is to be shown: from there on forward. */
static void turn(struct pager *g, const struct store_reply *reply, uint64_t walked)
{
	g->is_counting = false;
	g->left = walked;
	if (!g->next.has_from) { /* all of it is in this page */
		show_all_backwards(g, reply);
		pager_end(g, ERR_OK, "");
		return;
	}
	const struct store_message at = before(&g->oldest);
	if (walked == 0) {
		pager_end(g, ERR_OK, "");
		return;
	}
	g->next.is_forward = true;
	go_on_from(g, &at);
	ask(g);
}

static void count(struct pager *g, const struct store_reply *reply)
{
	uint64_t n = reply->n_messages;
	g->left -= n;
	g->n += n;
	if (n > 0)
		g->oldest = reply->messages[n - 1];
	if (g->left > 0 && reply->is_more) {
		go_on_from(g, &reply->last);
		ask(g);
		return;
	}
	uint64_t walked = g->n;
	g->n = 0;
	turn(g, reply, walked);
}

/* ---- what stands around what was found ---- */

static void around(struct pager *g)
{
	const struct store_message *hit = &g->hits[g->at];
	const struct store_message from = g->is_behind ? before(hit) : *hit;
	struct store_request req = {.verb = STORE_PAGE};
	req.msg.conv = hit->conv;
	req.has_from = true;
	req.from.lamport = from.lamport;
	req.from.author = from.author;
	req.from.id = from.id;
	req.is_forward = g->is_behind;
	req.max = (size_t)g->context + g->is_behind;
	submit(g, &req);
}

/* All of a page are shown with what is around them, then the next page comes. */
static void next_hit(struct pager *g)
{
	g->is_around = g->at < g->n_hits;
	g->is_behind = false;
	if (g->is_around || (g->left > 0 && g->has_more))
		ask(g);
	else
		pager_end(g, ERR_OK, "");
}

static void take_hits(struct pager *g, const struct store_reply *reply)
{
	mem_free(g->hits);
	g->hits = mem_array(reply->n_messages + 1, sizeof *g->hits);
	g->n_hits = g->at = 0;
	g->has_more = reply->is_more;
	if (reply->is_more)
		go_on_from(g, &reply->last);
	for (size_t i = 0; i < reply->n_messages && g->left > 0; i++, g->left--) {
		g->hits[g->n_hits] = reply->messages[i];
		g->hits[g->n_hits++].body = slice_of(NULL, 0);
	}
	next_hit(g);
}

static void on_around(struct pager *g, const struct store_reply *reply)
{
	const struct store_message *hit = &g->hits[g->at];
	size_t n = reply->n_messages;
	for (size_t i = 0; i < n; i++) {
		const struct store_message *m =
			&reply->messages[g->is_behind ? i : n - 1 - i];
		bool is_hit =
			id16_eq(&m->id, &hit->id) && id32_eq(&m->author, &hit->author);
		show_as(g, reply, m, !is_hit);
	}
	if (g->is_behind) {
		g->at++;
		next_hit(g);
	} else {
		g->is_behind = true;
		ask(g);
	}
}

static void forward(struct pager *g, const struct store_reply *reply)
{
	if (g->context > 0) {
		take_hits(g, reply);
		return;
	}
	show_all(g, reply);
	if (g->left == 0 || !reply->is_more) {
		pager_end(g, ERR_OK, "");
		return;
	}
	go_on_from(g, &reply->last);
	ask(g);
}

static void on_page(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct pager *g = ctx;
	(void)req;
	g->is_asked = false;
	if (g->is_dead)
		pager_free(g);
	else if (reply->err != ERR_OK)
		pager_end(g, reply->err, reply->why);
	else if (g->is_around)
		on_around(g, reply);
	else if (g->is_counting)
		count(g, reply);
	else
		forward(g, reply);
}

/* Now, or when the front end has taken what it has. */
static void ask(struct pager *g)
{
	if (g->is_asked || emit_is_full(g->core, g->to.front))
		return;
	if (g->is_around) {
		around(g);
		return;
	}
	uint64_t max = g->context > 0 ? HITS_ROWS : PAGE_ROWS;
	g->next.max = (size_t)(g->left < max ? g->left : max);
	submit(g, &g->next);
}

void history_sweep(struct core *c)
{
	list_each_safe (it, &c->pagers) {
		struct pager *g = list_entry(it, struct pager, node);
		if (emit_is_open(c, g->to.front))
			ask(g);
		else if (g->is_asked)
			g->is_dead = true;
		else
			pager_free(g);
	}
}

void history_free_all(struct core *c)
{
	list_each_safe (it, &c->pagers)
		pager_free(list_entry(it, struct pager, node));
}

/* ---- the verbs ---- */

static struct pager *pager_new(struct call *call, uint64_t left)
{
	struct core *c = call->core;
	if (!c->is_kept) {
		call_fail(call, 5, "this node keeps nothing (store = none)");
		return NULL;
	}
	if (c->n_pagers >= PAGERS_MAX) {
		call_fail(call, 5, "too many lists are under way already");
		return NULL;
	}
	struct pager *g = mem_new(sizeof *g);
	g->core = c;
	g->to = call->to;
	g->left = left;
	g->next = (struct store_request){.verb = STORE_SCAN};
	list_add(&c->pagers, &g->node);
	c->n_pagers++;
	return g;
}

/* False: an error was sent. Without whom: all conversations. */
static bool call_conv(struct call *call, const char *who, struct store_request *req)
{
	struct peer *p;
	req->is_all_convs = who == NULL;
	if (who == NULL)
		return true;
	if (!call_whom(call, who, true, &p))
		return false;
	req->msg.conv = p != NULL ? p->conv : call->core->lan_conv;
	return true;
}

void cmd_history(struct call *call)
{
	const struct args_history *a = &call->cmd->u.history;
	struct store_request req = {.verb = STORE_SCAN, .max_rows = SCAN_ROWS};
	bool has_span = a->since != NULL || a->until != NULL;
	uint64_t n;
	if (!call_number(call, a->n, "n", has_span ? SHOWN_MAX : SHOWN_DEFAULT, SHOWN_MAX,
			 &n) ||
	    !call_when(call, "since", a->since, &req.since_ms) ||
	    !call_when(call, "until", a->until, &req.until_ms) ||
	    !call_conv(call, a->who, &req))
		return;
	struct pager *g = n > 0 ? pager_new(call, n) : NULL;
	if (g == NULL) {
		if (n == 0)
			call_done(call, "0 messages");
		return;
	}
	g->next = req;
	g->is_counting = true;
	ask(g);
}

/* In the store's thread. */
static bool is_match(struct slice needle, const struct store_message *m)
{
	struct slice text;
	return kept_text(m, &text) == ERR_OK && text_has(text, (const char *)needle.p);
}

void cmd_search(struct call *call)
{
	const struct args_search *a = &call->cmd->u.search;
	uint64_t n, context;
	if (!call_number(call, a->n, "n", SHOWN_DEFAULT, SHOWN_MAX, &n) ||
	    !call_number(call, a->context, "context", 0, CONTEXT_MAX, &context))
		return;
	char *needle = text_bare(a->text);
	if (needle == NULL || needle[0] == '\0') {
		mem_free(needle);
		call_fail(call, 1, "search for some letters");
		return;
	}
	struct pager *g = pager_new(call, n);
	if (g == NULL) {
		mem_free(needle);
		return;
	}
	g->needle = needle;
	g->context = context;
	g->next.is_all_convs = true;
	g->next.match = is_match;
	g->next.arg = slice_of((const uint8_t *)needle, strlen(needle) + 1);
	g->next.max_rows = SCAN_ROWS;
	ask(g);
}
