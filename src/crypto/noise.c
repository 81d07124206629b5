#include "crypto/noise.h"

#include <sodium.h>

#include "base/cur.h"
#include "base/secret.h"
#include "crypto/noise_pattern.h"
#include "crypto/noise_symmetric.h"

_Static_assert(NOISE_DHLEN == crypto_scalarmult_BYTES, "DH");

static struct slice key_slice(const uint8_t key[static 32])
{
	return slice_of(key, 32);
}

/* True for two encodings of one point: bit 255 means nothing in X25519. */
static bool is_same_key(const uint8_t a[static NOISE_DHLEN],
			const uint8_t b[static NOISE_DHLEN])
{
	const unsigned last = NOISE_DHLEN - 1;

	return memcmp(a, b, last) == 0 && ((a[last] ^ b[last]) & 0x7f) == 0;
}

static bool has_keys(const struct noise_pattern *p, bool initiator,
		     const struct noise_keys *keys)
{
	if (noise_pattern_has_static(p, initiator) && keys->s == NULL)
		return false;
	if (noise_pattern_needs_remote(p, initiator) && keys->rs == NULL)
		return false;
	for (unsigned i = 0; i < noise_pattern_psks(p); i++)
		if (keys->psk[i] == NULL)
			return false;
	return true;
}

static void copy_keys(struct noise_handshakestate *hs, const struct noise_keys *keys)
{
	if (noise_pattern_has_static(hs->pattern, hs->initiator)) {
		memcpy(hs->s, keys->s, NOISE_DHLEN);
		crypto_scalarmult_base(hs->s_pub, hs->s);
		hs->has_s = true;
	}
	if (noise_pattern_needs_remote(hs->pattern, hs->initiator)) {
		memcpy(hs->rs, keys->rs, NOISE_DHLEN);
		hs->has_rs = true;
	}
	if (keys->e != NULL) {
		memcpy(hs->e, keys->e, NOISE_DHLEN);
		hs->is_e_fixed = true;
	}
	hs->n_psks = noise_pattern_psks(hs->pattern);
	for (unsigned i = 0; i < hs->n_psks; i++)
		memcpy(hs->psk[i], keys->psk[i], NOISE_PSKLEN);
}

/* The initiator's pre-message comes first (section 5.3). */
static void mix_premessages(struct noise_handshakestate *hs)
{
	const uint8_t *initiator_s = hs->initiator ? hs->s_pub : hs->rs;
	const uint8_t *responder_s = hs->initiator ? hs->rs : hs->s_pub;

	if (noise_pattern_has_premessage(hs->pattern, true))
		noise_mix_hash(&hs->symmetric, key_slice(initiator_s));
	if (noise_pattern_has_premessage(hs->pattern, false))
		noise_mix_hash(&hs->symmetric, key_slice(responder_s));
}

enum err noise_handshake_init(struct noise_handshakestate *hs,
			      const struct noise_pattern *pattern, bool initiator,
			      struct slice prologue, const struct noise_keys *keys,
			      const struct rng *rng)
{
	char name[NOISE_NAME_BYTES];

	memset(hs, 0, sizeof(*hs));
	if (pattern == NULL || !has_keys(pattern, initiator, keys))
		return ERR_USAGE;
	hs->pattern = pattern;
	hs->initiator = initiator;
	hs->rng = rng;
	copy_keys(hs, keys);
	noise_pattern_name(pattern, name);
	noise_initialize_symmetric(&hs->symmetric, name);
	noise_mix_hash(&hs->symmetric, prologue);
	mix_premessages(hs);
	return ERR_OK;
}

/* Section 9.2: in a psk handshake e is mixed into the key too. */
static void mix_e(struct noise_handshakestate *hs, const uint8_t e[static NOISE_DHLEN])
{
	noise_mix_hash(&hs->symmetric, key_slice(e));
	if (hs->n_psks > 0)
		noise_mix_key(&hs->symmetric, key_slice(e));
}

/* The second letter of a token is the responder's key, the first the initiator's. */
static enum err mix_dh(struct noise_handshakestate *hs, uint8_t token)
{
	const bool is_initiator_e = token == NOISE_EE || token == NOISE_ES;
	const bool is_responder_e = token == NOISE_EE || token == NOISE_SE;
	const bool is_own_e = hs->initiator ? is_initiator_e : is_responder_e;
	const bool is_remote_e = hs->initiator ? is_responder_e : is_initiator_e;
	uint8_t shared[NOISE_DHLEN];
	enum err err = ERR_AUTH;

	/* -1 is the all-zero result: the other side gave a point of low order. */
	if (crypto_scalarmult(shared, is_own_e ? hs->e : hs->s,
			      is_remote_e ? hs->re : hs->rs) == 0) {
		noise_mix_key(&hs->symmetric, key_slice(shared));
		err = ERR_OK;
	}
	secret_wipe(shared, sizeof(shared));
	return err;
}

/* psk tokens and the DHs are the same for the writer and the reader. */
static enum err mix_token(struct noise_handshakestate *hs, uint8_t token)
{
	if (token != NOISE_PSK)
		return mix_dh(hs, token);
	noise_mix_key_and_hash(&hs->symmetric, key_slice(hs->psk[hs->next_psk++]));
	return ERR_OK;
}

struct writer {
	uint8_t *p;
	size_t left;
};

static enum err write_sealed(struct noise_handshakestate *hs, struct writer *w,
			     struct slice plaintext)
{
	const size_t tag = noise_tag_len(&hs->symmetric);

	if (w->left < tag || w->left - tag < plaintext.n)
		return ERR_LIMIT;
	const enum err err = noise_encrypt_and_hash(&hs->symmetric, plaintext, w->p);
	w->p += plaintext.n + tag;
	w->left -= plaintext.n + tag;
	return err;
}

static enum err write_e(struct noise_handshakestate *hs, struct writer *w)
{
	if (w->left < NOISE_DHLEN)
		return ERR_LIMIT;
	if (!hs->is_e_fixed)
		rng_fill(hs->rng, hs->e, NOISE_DHLEN);
	crypto_scalarmult_base(hs->e_pub, hs->e);
	hs->has_e = true;
	memcpy(w->p, hs->e_pub, NOISE_DHLEN);
	w->p += NOISE_DHLEN;
	w->left -= NOISE_DHLEN;
	mix_e(hs, hs->e_pub);
	return ERR_OK;
}

static enum err write_token(struct noise_handshakestate *hs, struct writer *w,
			    uint8_t token)
{
	if (token == NOISE_E)
		return write_e(hs, w);
	if (token == NOISE_S)
		return write_sealed(hs, w, key_slice(hs->s_pub));
	return mix_token(hs, token);
}

enum err noise_write_message(struct noise_handshakestate *hs, struct slice payload,
			     uint8_t *out, size_t out_max, size_t *out_len)
{
	uint8_t tokens[NOISE_TOKENS_MAX];
	struct writer w = {out,
			   out_max < NOISE_MAX_MESSAGE ? out_max : NOISE_MAX_MESSAGE};
	enum err err = ERR_OK;

	*out_len = 0;
	if (!noise_is_my_turn(hs))
		return ERR_USAGE;
	const unsigned n = noise_pattern_tokens(hs->pattern, hs->next_message, tokens);
	for (unsigned i = 0; i < n && err == ERR_OK; i++)
		err = write_token(hs, &w, tokens[i]);
	if (err == ERR_OK)
		err = write_sealed(hs, &w, payload);
	if (err != ERR_OK) {
		noise_handshake_wipe(hs);
		return err;
	}
	hs->next_message++;
	*out_len = (size_t)(w.p - out);
	return ERR_OK;
}

static enum err read_e(struct noise_handshakestate *hs, struct cur *c)
{
	cur_copy(c, hs->re, NOISE_DHLEN);
	if (c->failed)
		return ERR_PROTO;
	if (hs->has_e && is_same_key(hs->re, hs->e_pub))
		return ERR_AUTH;
	hs->has_re = true;
	mix_e(hs, hs->re);
	return ERR_OK;
}

static enum err read_s(struct noise_handshakestate *hs, struct cur *c)
{
	const struct slice sealed =
		cur_take(c, NOISE_DHLEN + noise_tag_len(&hs->symmetric));

	if (c->failed)
		return ERR_PROTO;
	const enum err err = noise_decrypt_and_hash(&hs->symmetric, sealed, hs->rs);
	if (err != ERR_OK)
		return err;
	if (hs->has_s && is_same_key(hs->rs, hs->s_pub))
		return ERR_AUTH;
	hs->has_rs = true;
	return ERR_OK;
}

static enum err read_token(struct noise_handshakestate *hs, struct cur *c, uint8_t token)
{
	if (token == NOISE_E)
		return read_e(hs, c);
	if (token == NOISE_S)
		return read_s(hs, c);
	return mix_token(hs, token);
}

static enum err read_payload(struct noise_handshakestate *hs, struct cur *c,
			     uint8_t *payload_out, size_t *payload_len)
{
	const size_t tag = noise_tag_len(&hs->symmetric);

	if (c->left < tag)
		return ERR_PROTO;
	const struct slice sealed = cur_take(c, c->left);
	const enum err err = noise_decrypt_and_hash(&hs->symmetric, sealed, payload_out);
	if (err == ERR_OK)
		*payload_len = sealed.n - tag;
	return err;
}

enum err noise_read_message(struct noise_handshakestate *hs, struct slice message,
			    uint8_t *payload_out, size_t *payload_len)
{
	uint8_t tokens[NOISE_TOKENS_MAX];
	struct cur c = cur_of(message);
	enum err err = message.n > NOISE_MAX_MESSAGE ? ERR_PROTO : ERR_OK;

	*payload_len = 0;
	if (hs->pattern == NULL || noise_is_done(hs) || noise_is_my_turn(hs))
		return ERR_USAGE;
	const unsigned n = noise_pattern_tokens(hs->pattern, hs->next_message, tokens);
	for (unsigned i = 0; i < n && err == ERR_OK; i++)
		err = read_token(hs, &c, tokens[i]);
	if (err == ERR_OK)
		err = read_payload(hs, &c, payload_out, payload_len);
	if (err != ERR_OK) {
		noise_handshake_wipe(hs);
		return err;
	}
	hs->next_message++;
	return ERR_OK;
}

bool noise_is_done(const struct noise_handshakestate *hs)
{
	return hs->pattern != NULL &&
	       hs->next_message == noise_pattern_messages(hs->pattern);
}

bool noise_is_my_turn(const struct noise_handshakestate *hs)
{
	return hs->pattern != NULL && !noise_is_done(hs) &&
	       hs->initiator == (hs->next_message % 2 == 0);
}

/* One-way patterns (section 7.4): the responder must not send. A cipher state
 * without a key would send plaintext, so it gets one whose nonces are used up. */
static void close_direction(struct noise_cipherstate *cs)
{
	secret_wipe(cs, sizeof(*cs));
	cs->has_key = true;
	cs->n = UINT64_MAX;
}

enum err noise_split(struct noise_handshakestate *hs, struct noise_cipherstate *send,
		     struct noise_cipherstate *receive, uint8_t *h_out)
{
	if (!noise_is_done(hs))
		return ERR_USAGE;
	struct noise_cipherstate *c1 = hs->initiator ? send : receive;
	struct noise_cipherstate *c2 = hs->initiator ? receive : send;
	noise_symmetric_split(&hs->symmetric, c1, c2);
	if (noise_pattern_messages(hs->pattern) == 1)
		close_direction(c2);
	if (h_out != NULL)
		memcpy(h_out, hs->symmetric.h, NOISE_HASHLEN);
	noise_handshake_wipe(hs);
	return ERR_OK;
}

void noise_handshake_wipe(struct noise_handshakestate *hs)
{
	secret_wipe(hs, sizeof(*hs));
}
