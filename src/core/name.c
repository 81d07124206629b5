#include "core/name.h"

#include <stdio.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	PREFIX_MIN = 4,
	LISTED_MAX = 8,
	COMPACT = NODE_ID_COMPACT_BYTES - 1,
	NAMESAKES_BURST = 8
};

/* What the user typed, in the forms it is compared in. */
struct wanted {
	char *folded; /* case-folded nick; NULL when no valid UTF-8 */
	char prefix[COMPACT + 1]; /* without dashes, lower case; "": cannot be one */
	char *nick; /* folded part before ~; NULL: no ~ */
	const char *tail; /* part after ~ */
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

static bool fits(const struct peer *p, const struct wanted *w)
{
	size_t n = strlen(w->prefix);
	if (n >= PREFIX_MIN && strncmp(p->id_text, w->prefix, n) == 0)
		return true;
	if (has_nick(p, w->folded))
		return true;
	return w->tail != NULL && w->tail[0] != '\0' && has_nick(p, w->nick) &&
	       strncasecmp(p->id_text, w->tail, strlen(w->tail)) == 0;
}

static void list_one(const struct peer *p, char *why, size_t max)
{
	size_t used = strlen(why);
	snprintf(why + used, max - used, "%s%s (%.12s, %s)", used > 0 ? ", " : "",
		 p->name, p->id_text, peer_state_str(p));
}

static enum err search(struct core *c, const char *who, const struct wanted *w,
		       struct peer **out, char *why, size_t why_max)
{
	char found[900] = "";
	unsigned n = 0;
	/* contacts first: a crowd of namesakes must not hide them */
	for (unsigned round = 0; round < 2; round++) {
		size_t pos = 0;
		for (struct peer *p; (p = map_next(c->peers, &pos)) != NULL;) {
			if (p->is_contact != (round == 0) ||
			    p->presence == PRESENCE_GONE || !fits(p, w))
				continue;
			*out = p;
			if (n++ < LISTED_MAX)
				list_one(p, found, sizeof found);
		}
	}
	if (n == 1)
		return ERR_OK;
	*out = NULL;
	if (n == 0) {
		snprintf(why, why_max, "nobody here is called '%s' (/peers lists who is)",
			 who);
		return ERR_UNKNOWN;
	}
	snprintf(why, why_max, "'%s' fits %u: %s; use the id", who, n, found);
	return ERR_AMBIGUOUS;
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

enum err name_resolve(struct core *c, const char *who, struct peer **out, char *why,
		      size_t why_max)
{
	*out = strlen(who) == COMPACT ? map_get(c->by_text, who) : NULL;
	if (*out != NULL)
		return ERR_OK;
	if (strncasecmp(who, "p2pmsg:", 7) == 0)
		return by_uri(c, who, out, why, why_max);
	enum err e = by_id(c, who, out, why, why_max);
	if (e != ERR_USAGE)
		return e;
	struct wanted w;
	wanted_init(&w, who);
	e = search(c, who, &w, out, why, why_max);
	wanted_wipe(&w);
	return e;
}

/* A contact, other than p, that goes by this name. */
static const struct peer *namesake(const struct peer *p, const char *folded)
{
	size_t pos = 0;
	for (struct peer *o; (o = map_next(p->core->peers, &pos)) != NULL;)
		if (o != p && o->is_contact && has_nick(o, folded))
			return o;
	return NULL;
}

void name_warn(const struct peer *p)
{
	struct core *c = p->core;
	char *folded = p->nick[0] != '\0' ? text_fold(p->nick) : NULL;
	const struct peer *known = folded != NULL ? namesake(p, folded) : NULL;
	mem_free(folded);
	/* whoever makes keys up shall not fill the screen */
	if (known == NULL || p->is_contact ||
	    !bucket_take(&c->namesakes, core_now_us(c), 1, NAMESAKES_BURST))
		return;
	peer_notice(p, "warning", "%s is not the %s you know: another key uses that name",
		    p->name, known->name);
}
