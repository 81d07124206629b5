#include "core/name.h"

#include <stdio.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/rival.h"

enum {
	PREFIX_MIN = 4,
	LISTED_MAX = 8,
	COMPACT = NODE_ID_COMPACT_BYTES - 1,
	FITTING_MAX = 64
};

/* What the user typed, in the forms it is compared in. */
struct wanted {
	char *folded; /* case-folded nick; NULL when no valid UTF-8 */
	char prefix[COMPACT + 1]; /* without dashes, lower case; "": cannot be one */
	char *nick; /* folded part before ~; NULL: no ~ */
	const char *tail; /* part after ~ */
	size_t n_tail;
};

/* The characters of an id without dashes; "" when it is something else. */
static void squeeze(const char *who, char out[static COMPACT + 1])
{
	size_t n = 0;
	for (; *who != '\0'; who++) {
		char ch = *who >= 'A' && *who <= 'Z' ? (char)(*who | 0x20) : *who;
		if (ch == '-')
			continue;
		bool is_digit = (ch >= 'a' && ch <= 'z') || (ch >= '2' && ch <= '7');
		if (!is_digit || n >= COMPACT) {
			n = 0;
			break;
		}
		out[n++] = ch;
	}
	out[n] = '\0';
}

static void wanted_init(struct wanted *w, const char *who)
{
	*w = (struct wanted){0};
	w->folded = text_fold(who);
	squeeze(who, w->prefix);
	const char *tilde = strrchr(who, '~');
	if (tilde == NULL)
		tilde = strrchr(who, '=');
	if (tilde == NULL)
		return;
	char *nick = mem_strndup(who, (size_t)(tilde - who));
	w->nick = text_fold(nick);
	w->tail = tilde + 1;
	w->n_tail = strcspn(w->tail, "?+!*"); /* marks of the trust, as it is shown */
	mem_free(nick);
}

static void wanted_wipe(struct wanted *w)
{
	mem_free(w->folded);
	mem_free(w->nick);
}

static bool is_folded(const char *nick, const char *folded)
{
	char *own = text_fold(nick);
	bool is_same = own != NULL && strcmp(own, folded) == 0;
	mem_free(own);
	return is_same;
}

/* A contact keeps the name it was met with: when it calls itself otherwise, nobody
 * else can take its place. */
static bool has_nick(const struct peer *p, const char *folded)
{
	return folded != NULL &&
	       (is_folded(p->nick, folded) || is_folded(p->alias, folded) ||
		(p->pinned[0] != '\0' && is_folded(p->pinned, folded)));
}

/* How a peer fits what was typed. */
enum fit { FIT_NONE, FIT_NICK, FIT_ID, FIT_ALIAS };

static enum fit fit_of(const struct peer *p, const struct wanted *w)
{
	size_t n = strlen(w->prefix);
	if (w->folded != NULL && p->alias[0] != '\0' && is_folded(p->alias, w->folded))
		return FIT_ALIAS;
	if (n >= PREFIX_MIN && strncmp(p->id_text, w->prefix, n) == 0)
		return FIT_ID;
	if (w->n_tail > 0 && has_nick(p, w->nick) &&
	    strncasecmp(p->id_text, w->tail, w->n_tail) == 0)
		return FIT_ID;
	bool is_empty = w->folded == NULL || w->folded[0] == '\0';
	return !is_empty && has_nick(p, w->folded) ? FIT_NICK : FIT_NONE;
}

/* Those who fit, contacts first: a crowd of namesakes must not hide them. */
struct fitting {
	struct peer *peers[FITTING_MAX];
	bool is_named[FITTING_MAX]; /* by its nick, which anybody can take */
	unsigned n;
};

static void put_fitting(struct fitting *f, struct peer *p, enum fit fit)
{
	if (fit == FIT_NONE || f->n == FITTING_MAX)
		return;
	f->peers[f->n] = p;
	f->is_named[f->n++] = fit == FIT_NICK;
}

/* An alias is the user's own word: nobody else can have it. */
static void collect(struct core *c, const struct wanted *w, struct fitting *f)
{
	for (unsigned round = 0; round < 2; round++) {
		size_t pos = 0;
		for (struct peer *p; (p = map_next(c->peers, &pos)) != NULL;) {
			enum fit fit = fit_of(p, w);
			if (p->is_contact != (round == 0) || p->presence == PRESENCE_GONE)
				continue;
			if (fit == FIT_ALIAS)
				f->n = 0;
			put_fitting(f, p, fit);
			if (fit == FIT_ALIAS)
				return;
		}
	}
}

/* The user has said that the name does not mean it. */
static bool is_out(const struct fitting *f, unsigned at)
{
	const struct peer *p = f->peers[at];
	for (unsigned i = 0; f->is_named[at] && i < f->n; i++)
		if (rival_state(f->peers[i], &p->node_id) == RIVAL_OTHER ||
		    rival_state(p, &f->peers[i]->node_id) == RIVAL_HEIR)
			return true;
	return false;
}

static void drop_out(struct fitting *f)
{
	struct fitting left = {.n = 0};
	for (unsigned i = 0; i < f->n; i++)
		if (!is_out(f, i))
			put_fitting(&left, f->peers[i],
				    f->is_named[i] ? FIT_NICK : FIT_ID);
	*f = left;
}

/* Somebody who is not noted was one too many to be. */
static bool is_open(const struct peer *k, const struct peer *other)
{
	enum rival_state state = rival_state(k, &other->node_id);
	return state == RIVAL_OPEN || (state == RIVAL_NONE && !other->is_contact);
}

/* The contact that all the others are undecided rivals of. */
static struct peer *holder_of(const struct fitting *f)
{
	struct peer *k = f->peers[0];
	for (unsigned i = 0; i < f->n; i++)
		if (!f->is_named[i] || (i > 0 && !is_open(k, f->peers[i])))
			return NULL;
	return k->is_contact ? k : NULL;
}

static void list_all(const struct fitting *f, const char *who, char *why, size_t max)
{
	char found[900] = "";
	for (unsigned i = 0; i < f->n && i < LISTED_MAX; i++) {
		const struct peer *p = f->peers[i];
		size_t used = strlen(found);
		snprintf(found + used, sizeof found - used, "%s%s (%.12s, %s)",
			 used > 0 ? ", " : "", p->name, p->id_text, peer_state_str(p));
	}
	snprintf(why, max, "'%s' fits %u: %s; use the id", who, f->n, found);
}

/* The one left, unless something is to be sent and its name is in dispute. */
static enum err settle(const struct fitting *f, const char *who, bool is_sending,
		       struct peer **out, char *why, size_t max)
{
	struct peer *k = f->n == 1 ? f->peers[0] : holder_of(f);
	struct peer *disputed = k;
	if (k == NULL) {
		list_all(f, who, why, max);
		return ERR_AMBIGUOUS;
	}
	if (f->n == 1 && !rival_is_open(k))
		disputed = rival_holder(k);
	if (is_sending && f->is_named[0] && disputed != NULL) {
		rival_explain(disputed, who, why, max);
		return ERR_AMBIGUOUS;
	}
	*out = k;
	return ERR_OK;
}

static enum err search(struct core *c, const char *who, bool is_sending,
		       struct peer **out, char *why, size_t why_max)
{
	struct fitting f = {.n = 0};
	struct wanted w;
	*out = NULL;
	wanted_init(&w, who);
	collect(c, &w, &f);
	wanted_wipe(&w);
	drop_out(&f);
	if (f.n > 0)
		return settle(&f, who, is_sending, out, why, why_max);
	snprintf(why, why_max, "nobody here is called '%s' (/peers lists who is)", who);
	return ERR_UNKNOWN;
}

/* A whole id means that key, known or not. */
static enum err by_id(struct core *c, const char *text, struct peer **out, char *why,
		      size_t why_max)
{
	struct id32 id;
	enum err e = node_id_parse(text, &id);
	if (e == ERR_RANGE)
		snprintf(why, why_max,
			 "the id is mistyped: its check characters do not fit");
	if (e != ERR_OK)
		return e;
	if (id32_eq(&id, &c->node_id)) {
		snprintf(why, why_max, "that is your own id");
		return ERR_AMBIGUOUS;
	}
	*out = peer_find(c, &id);
	if (*out != NULL)
		return ERR_OK;
	snprintf(why, why_max, "nobody with this id has been seen yet");
	return ERR_UNKNOWN;
}

static enum err by_uri(struct core *c, const char *who, struct peer **out, char *why,
		       size_t why_max)
{
	struct id32 id;
	char *host = mem_new(strlen(who) + 1);
	enum err e = uri_parse(who, &id, host);
	mem_free(host);
	if (e == ERR_OK) {
		char text[NODE_ID_COMPACT_BYTES];
		node_id_compact(&id, text);
		return by_id(c, text, out, why, why_max);
	}
	snprintf(why, why_max, "'%s' is no p2pmsg: URI", who);
	return ERR_RANGE;
}

enum err name_resolve(struct core *c, const char *who, bool is_sending, struct peer **out,
		      char *why, size_t why_max)
{
	*out = strlen(who) == COMPACT ? map_get(c->by_text, who) : NULL;
	if (*out != NULL)
		return ERR_OK;
	/* A variable that was not set must not fit whoever has no alias. */
	if (who[0] == '\0') {
		snprintf(why, why_max, "the name is empty: say who (/peers lists them)");
		return ERR_AMBIGUOUS;
	}
	if (strncasecmp(who, "p2pmsg:", 7) == 0)
		return by_uri(c, who, out, why, why_max);
	enum err e = by_id(c, who, out, why, why_max);
	return e == ERR_USAGE ? search(c, who, is_sending, out, why, why_max) : e;
}
