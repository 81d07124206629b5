#include "core/chat.h"

#include "base/mem.h"
#include "core/dialer.h"
#include "core/outbox.h"
#include "crypto/hash.h"

static const char conv_label[16] = {'p', '2', 'p', 'm', 's', 'g', '-', 'c',
				    'o', 'n', 'v', 'i', 'd', '-', 'v', '1'};

void conv_of(const struct id32 *a, const struct id32 *b, struct id16 *out)
{
	bool is_ordered = id32_cmp(a, b) < 0;
	const struct slice parts[] = {
		slice_of((is_ordered ? a : b)->b, 32),
		slice_of((is_ordered ? b : a)->b, 32),
	};
	hash_labelled(conv_label, parts, 2, out->b, sizeof out->b);
}

void conv_lan(struct id16 *out)
{
	hash_one(conv_label, slice_str("#lan"), out->b, sizeof out->b);
}

static enum err encode(struct core *c, struct peer *p, struct slice text, bool is_action,
		       struct object **out)
{
	struct msg m = {.type = MSG_TEXT};
	const struct id16 *conv = p != NULL ? &p->conv : &c->lan_conv;
	uint64_t *lamport = p != NULL ? &p->lamport : &c->lan_lamport;
	rng_fill(c->cfg.rng, m.id.b, sizeof m.id.b);
	m.u.text = (struct msg_text){
		.has = is_action ? MSG_HAS(6) : 0,
		.conv = slice_of(conv->b, sizeof conv->b),
		.time = core_wall_ms(c) & PROTO_NUMBER_MAX,
		.lamport = ++*lamport,
		.text = text,
		.style = is_action,
	};
	buf_clear(&c->scratch, SIZE_MAX);
	enum err e = msg_encode(&m, &c->scratch);
	if (e == ERR_OK)
		*out = object_new(&m.id, p == NULL, buf_slice(&c->scratch));
	return e;
}

static void tell(struct core *c, struct peer *p, const struct object *o,
		 struct slice text, bool is_action)
{
	char small[256];
	char *copy = text.n < sizeof small ? small : mem_new(text.n + 1);
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	struct event ev = {.type = EVENT_MESSAGE};
	ev.u.message = (struct event_message){
		.id = o->id_text,
		.conv = p != NULL ? p->id_text : "#lan",
		.direction = "out",
		.peer = p != NULL ? p->id_text : NULL,
		.name = p != NULL ? p->name : NULL,
		.nick = c->nick,
		.text = copy,
		.style = is_action ? "action" : "plain",
		.state = p == NULL || peer_session(p) != NULL ? "sent" : "queued",
		.sent = core_wall_ms(c),
	};
	emit(c, &ev);
	if (copy != small)
		mem_free(copy);
}

/* Whoever does not read has a full queue of his own; it is nobody else's trouble. */
static enum err add_lan(struct core *c, struct object *o)
{
	enum err e = ERR_UNREACHABLE;
	size_t pos = 0;
	for (struct peer *p; (p = map_next(c->peers, &pos)) != NULL;) {
		if (peer_session(p) == NULL)
			continue;
		enum err one = outbox_add(p, o);
		e = e == ERR_OK ? ERR_OK : one;
	}
	return e;
}

static enum err add(struct core *c, struct peer *p, struct object *o)
{
	if (p == NULL)
		return add_lan(c, o);
	peer_pin(p);
	enum err e = outbox_add(p, o);
	dialer_want(p);
	return e;
}

enum err chat_say(struct core *c, struct peer *p, struct slice text, bool is_action,
		  struct id16 *id_out)
{
	struct object *o = NULL;
	enum err e = encode(c, p, text, is_action, &o);
	if (e != ERR_OK)
		return e;
	*id_out = o->id;
	e = add(c, p, o);
	if (e == ERR_OK)
		tell(c, p, o, text, is_action);
	object_release(o);
	return e;
}
