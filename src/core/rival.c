#include "core/rival.h"

#include <stdio.h>

#include "base/cur.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/contact.h"

enum { NAMESAKES_BURST = 8, EXPLAINED_MAX = 3 };

static struct rival *find(const struct peer *p, const struct id32 *id)
{
	for (unsigned i = 0; i < p->n_rivals; i++)
		if (id32_eq(&p->rivals[i].id, id))
			return &p->rivals[i];
	return NULL;
}

enum rival_state rival_state(const struct peer *p, const struct id32 *id)
{
	const struct rival *r = find(p, id);
	return r != NULL ? r->state : RIVAL_NONE;
}

static unsigned count_open(const struct peer *p)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->n_rivals; i++)
		n += p->rivals[i].state == RIVAL_OPEN;
	return n;
}

bool rival_is_open(const struct peer *p)
{
	return p->n_rivals > 0 && count_open(p) > 0;
}

struct peer *rival_holder(const struct peer *p)
{
	size_t pos = 0;
	for (struct peer *k; (k = map_next(p->core->peers, &pos)) != NULL;)
		if (k->is_contact && rival_state(k, &p->node_id) == RIVAL_OPEN)
			return k;
	return NULL;
}

/* ---- noted ---- */

/* Room for one more: the oldest that is somebody else goes, and is asked about again if
 * it comes back. While all are undecided, one more says nothing new. */
static bool make_room(struct peer *p)
{
	if (p->rivals == NULL)
		p->rivals = mem_array(RIVALS_MAX, sizeof *p->rivals);
	if (p->n_rivals < RIVALS_MAX)
		return true;
	for (unsigned i = 0; i < p->n_rivals; i++) {
		if (p->rivals[i].state != RIVAL_OTHER)
			continue;
		p->n_rivals--;
		memmove(&p->rivals[i], &p->rivals[i + 1],
			(p->n_rivals - i) * sizeof *p->rivals);
		return true;
	}
	return false;
}

static bool add(struct peer *p, const struct id32 *id, enum rival_state state)
{
	if (!make_room(p))
		return false;
	p->rivals[p->n_rivals++] = (struct rival){*id, state};
	contact_changed(p);
	return true;
}

static bool is_same_word(const char *a, const char *b)
{
	char *one = text_fold(a), *two = text_fold(b);
	bool is = one != NULL && two != NULL && strcmp(one, two) == 0;
	mem_free(one);
	mem_free(two);
	return is;
}

/* Whoever makes keys up shall not fill the screen. */
static void warn(const struct peer *p, const struct peer *rival)
{
	struct core *c = p->core;
	if (!bucket_take(&c->namesakes, core_now_us(c), 1, NAMESAKES_BURST))
		return;
	peer_notice(
		rival, p->is_verified ? "alarm" : "warning",
		"%s is not the %s you know: another key uses %s. /trust %.12s %.12s if "
		"it is somebody else, /trust %.12s %.12s if it is a new key of the "
		"same person, and you are sure",
		rival->name, p->name,
		is_same_word(p->pinned, rival->nick) ? "that name"
						     : "a name that looks like it",
		p->id_text, p->id_text, p->id_text, rival->id_text);
}

static void note(struct peer *p, const struct peer *rival)
{
	bool was_open = rival_is_open(p);
	if (rival->is_blocked || find(p, &rival->node_id) != NULL ||
	    !add(p, &rival->node_id, RIVAL_OPEN))
		return;
	warn(p, rival);
	if (!was_open)
		peer_tell(p);
}

static bool has_look(const struct peer *p, const char *look)
{
	return p->is_contact && p->look != NULL && strcmp(p->look, look) == 0;
}

/* Who has p's nick, or one like it, for a name. Of two contacts, the one that was the
 * first to be one. */
static void look_for_holders(struct peer *p)
{
	char *look = p->nick[0] != '\0' ? text_look(p->nick) : NULL;
	size_t pos = 0;
	for (struct peer *k;
	     look != NULL && (k = map_next(p->core->peers, &pos)) != NULL;)
		if (k != p && has_look(k, look) &&
		    rival_state(p, &k->node_id) == RIVAL_NONE)
			note(k, p);
	mem_free(look);
}

/* Who uses the name that p has as of now. */
static void look_for_users(struct peer *p)
{
	size_t pos = 0;
	for (struct peer *o; (o = map_next(p->core->peers, &pos)) != NULL;) {
		if (o == p || o->nick[0] == '\0' || has_look(o, p->look))
			continue;
		char *look = text_look(o->nick);
		if (look != NULL && strcmp(look, p->look) == 0)
			note(p, o);
		mem_free(look);
	}
}

void rival_look(struct peer *p)
{
	if (p->is_contact && p->look == NULL && p->pinned[0] != '\0') {
		p->look = text_look(p->pinned);
		if (p->look != NULL)
			look_for_users(p);
	}
	look_for_holders(p);
}

/* ---- decided ---- */

void rival_decide(struct peer *p, const struct id32 *id, enum rival_state state)
{
	bool was_open = rival_is_open(p);
	struct rival *r = find(p, id);
	if (r == NULL)
		add(p, id, state);
	else
		r->state = state;
	contact_changed(p);
	if (was_open && !rival_is_open(p))
		peer_tell(p);
}

unsigned rival_decide_all(struct peer *p)
{
	unsigned n = count_open(p);
	for (unsigned i = 0; i < p->n_rivals; i++)
		if (p->rivals[i].state == RIVAL_OPEN)
			p->rivals[i].state = RIVAL_OTHER;
	if (n == 0)
		return 0;
	contact_changed(p);
	peer_tell(p);
	return n;
}

void rival_blocked(const struct peer *rival)
{
	size_t pos = 0;
	for (struct peer *p; (p = map_next(rival->core->peers, &pos)) != NULL;)
		if (rival_state(p, &rival->node_id) == RIVAL_OPEN)
			rival_decide(p, &rival->node_id, RIVAL_OTHER);
}

/* ---- said ---- */

static void say_one(const struct peer *p, const struct id32 *id, char *out, size_t max)
{
	char text[NODE_ID_COMPACT_BYTES];
	const struct peer *r = peer_find(p->core, id);
	size_t used = strlen(out);
	node_id_compact(id, text);
	snprintf(out + used, max - used, "%s%s (%.12s)", used > 0 ? ", " : "",
		 r != NULL && r->nick[0] != '\0' ? r->name : "a key that is away", text);
}

void rival_list(const struct peer *p, char *out, size_t max)
{
	out[0] = '\0';
	for (unsigned i = 0; i < p->n_rivals; i++)
		if (p->rivals[i].state == RIVAL_OPEN)
			say_one(p, &p->rivals[i].id, out, max);
}

void rival_explain(const struct peer *p, const char *who, char *out, size_t max)
{
	char others[600] = "", heir[NODE_ID_COMPACT_BYTES] = "ID";
	unsigned n = count_open(p), shown = 0;
	for (unsigned i = 0; i < p->n_rivals && shown < EXPLAINED_MAX; i++) {
		if (p->rivals[i].state != RIVAL_OPEN)
			continue;
		say_one(p, &p->rivals[i].id, others, sizeof others);
		if (shown++ == 0)
			node_id_compact(&p->rivals[i].id, heir);
	}
	if (shown == 0)
		snprintf(others, sizeof others, "others");
	snprintf(
		out, max,
		"nothing was done, as '%s' is the name of %s (%.12s), whom you know, but "
		"is "
		"also used by %s%s. Decide once: /trust %s %.12s when you mean whom you "
		"know "
		"and the other is somebody else; /trust %s %.12s when your contact has a "
		"new key. Or name a key by its id: /msg %.12s",
		who, p->name, p->id_text, others, n > shown ? " and more" : "", who,
		p->id_text, who, heir, p->id_text);
}

/* ---- kept ---- */

void rival_put(struct buf *b, const struct peer *p)
{
	for (unsigned i = 0; i < p->n_rivals; i++) {
		(void)buf_u8(b, (uint8_t)p->rivals[i].state);
		(void)buf_add(b, slice_of(p->rivals[i].id.b, 32));
	}
}

void rival_take(struct peer *p, struct slice all)
{
	struct cur c = cur_of(all);
	p->n_rivals = 0;
	while (c.left >= RIVAL_BYTES) {
		uint8_t state = cur_u8(&c);
		struct id32 id;
		cur_copy(&c, id.b, sizeof id.b);
		if (state != RIVAL_NONE && state <= RIVAL_HEIR && make_room(p))
			p->rivals[p->n_rivals++] =
				(struct rival){id, (enum rival_state)state};
	}
}

void rival_wipe(struct peer *p)
{
	mem_free(p->rivals);
	mem_free(p->look);
	p->rivals = NULL;
	p->look = NULL;
	p->n_rivals = 0;
}
