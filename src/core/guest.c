#include "core/guest.h"

/* The guest that has been silent longest, from this address or (NULL) any. */
static struct session *idlest(const struct core *c, const struct addr *ip,
			      unsigned *count)
{
	struct session *found = NULL;
	*count = 0;
	list_each (it, &c->guests) {
		struct session *s = list_entry(it, struct session, of_guests);
		if (ip != NULL && !addr_ip_eq(&s->remote, ip))
			continue;
		(*count)++;
		if (found == NULL || s->heard_us < found->heard_us)
			found = s;
	}
	return found;
}

static void limit(struct core *c, const struct addr *ip, enum option max)
{
	unsigned count;
	struct session *s = idlest(c, ip, &count);
	if (s != NULL && count > (unsigned)options_int(c->cfg.options, max))
		session_close(s, CODE_QUOTA, "too many sessions of strangers");
}

void guest_join(struct session *s)
{
	if (s->peer->is_contact)
		return;
	list_add(&s->core->guests, &s->of_guests);
	s->core->n_guests++;
	limit(s->core, &s->remote, OPT_guests_ip);
	limit(s->core, NULL, OPT_guests);
}

void guest_leave(struct session *s)
{
	if (list_empty(&s->of_guests))
		return;
	list_del(&s->of_guests);
	s->core->n_guests--;
}

void guest_promote(struct peer *p)
{
	list_each (it, &p->sessions)
		guest_leave(list_entry(it, struct session, of_peer));
}
