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
	bool is_counting; /* walks back, and shows nothing yet */
	bool is_asked; /* the store has it */
	bool is_dead; /* freed when the store has answered */
};

static void pager_free(struct pager *g)
{
	list_del(&g->node);
	g->core->n_pagers--;
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
static void show(struct pager *g, const struct store_reply *reply,
		 const struct store_message *m)
{
	struct shown s;
	if (shown_init(&s, g->core, m) == ERR_OK && expire_on_listed(g->core, &s, m)) {
		for (size_t i = 0; s.ev.u.message.reply_to && i < reply->n_messages; i++)
			shown_answers(&s, &reply->messages[i]);
		s.ev.time_ms = m->kept_ms;
		emit_reply(g->core, g->to, &s.ev);
		g->n++;
	}
	shown_wipe(&s);
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

static void forward(struct pager *g, const struct store_reply *reply)
{
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
	g->next.max = g->left < PAGE_ROWS ? (size_t)g->left : PAGE_ROWS;
	enum err e = store_submit(g->core->cfg.store, &g->next);
	g->is_asked = e == ERR_OK;
	if (e != ERR_OK && e != ERR_FULL)
		pager_end(g, e, "");
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
	g->next = (struct store_request){.done = on_page, .ctx = g};
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
	req.done = on_page;
	req.ctx = g;
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
	uint64_t n;
	if (!call_number(call, a->n, "n", SHOWN_DEFAULT, SHOWN_MAX, &n))
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
	g->next.verb = STORE_SCAN;
	g->next.is_all_convs = true;
	g->next.match = is_match;
	g->next.arg = slice_of((const uint8_t *)needle, strlen(needle) + 1);
	g->next.max_rows = SCAN_ROWS;
	ask(g);
}
