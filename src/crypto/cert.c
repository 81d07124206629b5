#include "crypto/cert.h"

#include <sodium.h>

#include "base/buf.h"
#include "base/cur.h"
#include "crypto/hash.h"
#include "crypto/identity_sign.h"
#include "crypto/node_id.h"

enum { SIG_BYTES = crypto_sign_ed25519_BYTES, BODY_BYTES = CERT_BYTES - 2 * SIG_BYTES };

/* With its NUL, which is the 00 after the label. */
static const char label[] = "p2pmsg-device-cert-v1";

static bool is_signed(struct slice body, const uint8_t *sig, const struct id32 *key)
{
	return crypto_sign_ed25519_verify_detached(sig, body.p, body.n, key->b) == 0;
}

enum err cert_parse(struct slice raw, struct cert *out)
{
	struct cur c = cur_of(raw);
	struct cert cert;

	cur_expect(&c, slice_of(label, sizeof(label)));
	cur_copy(&c, cert.ik.b, sizeof(cert.ik.b));
	cur_copy(&c, cert.ds.b, sizeof(cert.ds.b));
	cur_copy(&c, cert.dn.b, sizeof(cert.dn.b));
	cur_copy(&c, cert.dx.b, sizeof(cert.dx.b));
	cur_copy(&c, cert.device_id.b, sizeof(cert.device_id.b));
	cert.serial = cur_u64(&c);
	const uint32_t flags = cur_u32(&c);
	const struct slice sig_ik = cur_take(&c, SIG_BYTES);
	const struct slice sig_ds = cur_take(&c, SIG_BYTES);
	if (!cur_done(&c) || cert.serial == 0 || flags != 0)
		return ERR_PROTO;

	const struct slice body = slice_of(raw.p, BODY_BYTES);
	if (!is_signed(body, sig_ik.p, &cert.ik) || !is_signed(body, sig_ds.p, &cert.ds))
		return ERR_AUTH;
	memcpy(cert.raw, raw.p, CERT_BYTES);
	node_id_of(&cert.ik, &cert.node_id);
	*out = cert;
	return ERR_OK;
}

void cert_hash(const struct cert *c, uint8_t out[static CERT_HASH_BYTES])
{
	hash_one("p2pmsg-devcrt-v1", slice_of(c->raw, CERT_BYTES), out, CERT_HASH_BYTES);
}

void cert_sign(struct cert *c, const uint8_t ik_secret[static 64],
	       const uint8_t ds_secret[static 64])
{
	uint8_t *sig_ik = c->raw + BODY_BYTES, *sig_ds = sig_ik + SIG_BYTES;
	struct buf b;

	buf_init(&b, BODY_BYTES);
	buf_add(&b, slice_of(label, sizeof(label)));
	buf_add(&b, slice_of(c->ik.b, sizeof(c->ik.b)));
	buf_add(&b, slice_of(c->ds.b, sizeof(c->ds.b)));
	buf_add(&b, slice_of(c->dn.b, sizeof(c->dn.b)));
	buf_add(&b, slice_of(c->dx.b, sizeof(c->dx.b)));
	buf_add(&b, slice_of(c->device_id.b, sizeof(c->device_id.b)));
	buf_u64(&b, c->serial);
	buf_u32(&b, 0);
	memcpy(c->raw, buf_slice(&b).p, BODY_BYTES);
	buf_wipe(&b);
	crypto_sign_ed25519_detached(sig_ik, NULL, c->raw, BODY_BYTES, ik_secret);
	crypto_sign_ed25519_detached(sig_ds, NULL, c->raw, BODY_BYTES, ds_secret);
	node_id_of(&c->ik, &c->node_id);
}
