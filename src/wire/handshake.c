#include "wire/handshake.h"

#include <string.h>

#include "crypto/noise.h"
#include "wire/chan_pool.h"
#include "wire/greeting.h"

struct handshake {
	struct noise_handshakestate noise;
	const struct chan_config *cfg;
};

/* The messages of XX as they stand here: fixed sizes, so that nothing but "some
 * handshake" can be read off them. */
static const struct {
	size_t bytes;
	bool greets;
} messages[] = {
	{PROTO_MSG1_BYTES, false},
	{PROTO_MSG2_BYTES, true},
	{PROTO_MSG3_BYTES, true},
};

enum err handshake_new(const struct chan_config *cfg, bool is_initiator,
		       struct slice preamble, struct handshake **out)
{
	static const char label[16] = "p2pmsg-noise-v1"; /* with its NUL */
	uint8_t prologue[sizeof(label) + PROTO_PREAMBLE_BYTES];
	struct handshake *h = chan_pool_secret_new(cfg->pool, sizeof(*h));

	memcpy(prologue, label, sizeof(label));
	memcpy(prologue + sizeof(label), preamble.p, PROTO_PREAMBLE_BYTES);
	h->cfg = cfg;
	*out = h;
	return chan_pool_start(cfg->pool, cfg->self, cfg->rng, is_initiator,
			       slice_of(prologue, sizeof(prologue)), &h->noise);
}

void handshake_free(struct handshake *h)
{
	if (h != NULL)
		chan_pool_secret_free(h->cfg->pool, h, sizeof(*h));
}

static void greet(const struct chan_config *cfg,
		  uint8_t payload[static PROTO_HS_PAYLOAD_BYTES])
{
	const struct cert *own = identity_cert(cfg->self);
	struct greeting g = {
		.cert = slice_of(own->raw, sizeof(own->raw)),
		.minor = PROTO_MINOR,
		.caps = cfg->caps,
		.list_version = identity_devlist(cfg->self)->version,
		.boot = slice_of(cfg->boot.b, sizeof(cfg->boot.b)),
	};

	greeting_write(&g, payload);
}

enum err handshake_write(struct handshake *h, struct buf *out)
{
	uint8_t payload[PROTO_HS_PAYLOAD_BYTES], *at;
	bool greets = messages[h->noise.next_message].greets;
	size_t n = handshake_expects(h), len;
	enum err e = buf_reserve(out, 2 + n, &at);

	if (e != ERR_OK)
		return e;
	if (greets)
		greet(h->cfg, payload);
	e = noise_write_message(&h->noise,
				slice_of(payload, greets ? sizeof(payload) : 0), at + 2,
				n, &len);
	if (e != ERR_OK)
		return e;
	at[0] = (uint8_t)(len >> 8);
	at[1] = (uint8_t)len;
	buf_commit(out, 2 + len);
	return ERR_OK;
}

size_t handshake_expects(const struct handshake *h)
{
	return messages[h->noise.next_message].bytes;
}

/* The checks of the other side's static key and certificate, in the order that the
 * protocol gives them; Noise has refused an all-zero DH result before. */
static enum err check_peer(const struct handshake *h, const struct greeting *g,
			   const struct id32 *target, struct cert *cert)
{
	const struct cert *own = identity_cert(h->cfg->self);
	const uint8_t *rs = h->noise.rs;
	enum err e;

	if (memcmp(rs, own->dn.b, sizeof(own->dn.b)) == 0)
		return ERR_AUTH;
	e = chan_pool_cert(h->cfg->pool, g->cert, cert);
	if (e != ERR_OK)
		return e;
	if (memcmp(rs, cert->dn.b, sizeof(cert->dn.b)) != 0)
		return ERR_AUTH;
	chan_pool_keep(h->cfg->pool, cert);
	if (target != NULL && !id32_eq(&cert->node_id, target))
		return ERR_IDENTITY;
	return ERR_OK;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static enum err read_greeting(const struct handshake *h, struct slice payload,
			      const struct id32 *target, struct chan_peer *peer)
{
	struct greeting g;
	enum err e = greeting_read(payload, &g);

	if (e == ERR_OK)
		e = check_peer(h, &g, target, &peer->cert);
	if (e != ERR_OK)
		return e;
	memcpy(peer->boot.b, g.boot.p, sizeof(peer->boot.b));
	peer->minor = min64(g.minor, PROTO_MINOR);
	peer->caps = g.caps;
	peer->list_version = g.list_version;
	peer->is_initiator = h->noise.initiator;
	return ERR_OK;
}

enum err handshake_read(struct handshake *h, struct slice message,
			const struct id32 *target, struct chan_peer *peer)
{
	uint8_t payload[PROTO_MSG2_BYTES];
	bool greets = messages[h->noise.next_message].greets;
	size_t n;
	enum err e = noise_read_message(&h->noise, message, payload, &n);

	if (e != ERR_OK || !greets)
		return e;
	return read_greeting(h, slice_of(payload, n), target, peer);
}

enum err handshake_split(struct handshake *h, struct records *out, uint8_t *hash_out)
{
	return records_init(out, &h->noise, clock_mono_us(h->cfg->clock), hash_out);
}
