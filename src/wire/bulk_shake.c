#include "wire/bulk_shake.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "wire/frame.h"
#include "wire/preamble.h"

enum { LENGTH_BYTES = 2 };

struct bulk_dial {
	struct noise_handshakestate hs;
};

void bulk_keys_wipe(struct bulk_keys *k)
{
	bulkseal_free(k->send);
	bulkseal_free(k->receive);
	*k = (struct bulk_keys){0};
}

struct id16 bulk_id_of(const struct id32 *token)
{
	struct id16 id;

	hash_one("p2pmsg-bulkid-v1", slice_of(token->b, sizeof(token->b)), id.b,
		 sizeof(id.b));
	return id;
}

/* front: preamble and bulk id, as they cross the wire. */
static enum err start(struct noise_handshakestate *hs, bool is_initiator,
		      const struct bulk_secret *secret, const uint8_t *front,
		      const struct rng *rng)
{
	static const char label[16] = "p2pmsg-noise-v1"; /* with its NUL */
	struct noise_keys keys = {.psk = {secret->token.b}};
	uint8_t prologue[sizeof(label) + BULK_ID_END + NOISE_HASHLEN];

	memcpy(prologue, label, sizeof(label));
	memcpy(prologue + sizeof(label), front, BULK_ID_END);
	memcpy(prologue + sizeof(label) + BULK_ID_END, secret->h, NOISE_HASHLEN);
	return noise_handshake_init(hs, noise_pattern_find("NNpsk0"), is_initiator,
				    slice_of(prologue, sizeof(prologue)), &keys, rng);
}

static enum err write_message(struct noise_handshakestate *hs, uint8_t *out)
{
	size_t n;

	out[0] = 0;
	out[1] = PROTO_BULK_MSG_BYTES;
	return noise_write_message(hs, slice_of(NULL, 0), out + LENGTH_BYTES,
				   PROTO_BULK_MSG_BYTES, &n);
}

/* A whole frame. */
static enum err read_message(struct noise_handshakestate *hs, const uint8_t *in)
{
	uint8_t payload[PROTO_BULK_MSG_BYTES];
	size_t n;

	return noise_read_message(hs, slice_of(in + LENGTH_BYTES, PROTO_BULK_MSG_BYTES),
				  payload, &n);
}

static enum err split(struct noise_handshakestate *hs, struct bulk_keys *out)
{
	struct noise_cipherstate send, receive;
	enum err e = noise_split(hs, &send, &receive, NULL);

	if (e == ERR_OK) {
		out->send = bulkseal_new(&send);
		out->receive = bulkseal_new(&receive);
	}
	return e;
}

/* ----------------------------------------------------------------- dialler */

struct bulk_dial *bulk_dial_new(const struct bulk_secret *secret, const struct rng *rng,
				uint8_t opening[static BULK_OPENING_BYTES])
{
	struct bulk_dial *d = secret_new(sizeof(*d));
	struct id16 id = bulk_id_of(&secret->token);

	preamble_write_bulk(opening);
	memcpy(opening + PROTO_PREAMBLE_BYTES, id.b, sizeof(id.b));
	/* Neither can fail: all keys are there, and there is room. A handshake that
	 * failed would refuse all that follows. */
	(void)start(&d->hs, true, secret, opening, rng);
	(void)write_message(&d->hs, opening + BULK_ID_END);
	return d;
}

void bulk_dial_free(struct bulk_dial *d)
{
	secret_free(d);
}

static enum err check_refusal(struct slice answer)
{
	struct refusal r;
	enum err e = refusal_read(answer, &r);

	return e == ERR_OK ? ERR_VERSION : e;
}

enum err bulk_dial_finish(struct bulk_dial *d, struct slice answer, struct bulk_keys *out)
{
	struct slice body;
	size_t used;

	/* No length begins like the letter of a refusal. */
	if (answer.n > 0 && answer.p[0] == 'P')
		return check_refusal(answer);
	enum err e = frame_get(answer, PROTO_BULK_MSG_BYTES, PROTO_BULK_MSG_BYTES, &body,
			       &used);
	if (e == ERR_OK && used != answer.n)
		e = ERR_PROTO;
	if (e == ERR_OK)
		e = read_message(&d->hs, answer.p);
	if (e == ERR_OK)
		e = split(&d->hs, out);
	return e;
}

/* ---------------------------------------------------------------- listener */

enum err bulk_opening_check(struct slice bytes, bool *has_id)
{
	enum err e = preamble_check_bulk(bytes);
	struct slice rest, body;
	size_t used;

	*has_id = e == ERR_OK && bytes.n >= BULK_ID_END;
	if (e != ERR_OK || !*has_id)
		return e == ERR_OK ? ERR_WAIT : e;
	rest = slice_of(bytes.p + BULK_ID_END, bytes.n - BULK_ID_END);
	e = frame_get(rest, PROTO_BULK_MSG_BYTES, PROTO_BULK_MSG_BYTES, &body, &used);
	return e == ERR_OK && used != rest.n ? ERR_PROTO : e;
}

struct id16 bulk_opening_id(struct slice bytes)
{
	struct id16 id;

	memcpy(id.b, bytes.p + PROTO_PREAMBLE_BYTES, sizeof(id.b));
	return id;
}

enum err bulk_answer(const struct bulk_secret *secret, const struct rng *rng,
		     struct slice opening, uint8_t answer[static BULK_ANSWER_BYTES],
		     struct bulk_keys *out)
{
	struct noise_handshakestate *hs = secret_new(sizeof(*hs));
	enum err e = start(hs, false, secret, opening.p, rng);

	if (e == ERR_OK)
		e = read_message(hs, opening.p + BULK_ID_END);
	/* From here on the other side has the token. */
	if (e == ERR_OK && write_message(hs, answer) != ERR_OK)
		e = ERR_PROTO;
	if (e == ERR_OK)
		e = split(hs, out);
	secret_free(hs);
	return e;
}
