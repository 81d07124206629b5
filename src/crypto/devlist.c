#include "crypto/devlist.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cur.h"
#include "crypto/identity_sign.h"

enum { SIG_BYTES = crypto_sign_ed25519_BYTES };

/* With its NUL, which is the 00 after the label. */
static const char label[] = "p2pmsg-device-list-v1";

static int compare_entries(const void *a, const void *b)
{
	const struct devlist_entry *x = a, *y = b;

	return memcmp(x->device_id.b, y->device_id.b, sizeof(x->device_id.b));
}

static bool is_ascending(const struct devlist *l)
{
	for (unsigned i = 1; i < l->n; i++)
		if (compare_entries(&l->devices[i - 1], &l->devices[i]) >= 0)
			return false;
	return true;
}

static void read_entries(struct cur *c, struct devlist *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		cur_copy(c, l->devices[i].device_id.b, sizeof(l->devices[i].device_id.b));
		cur_copy(c, l->devices[i].cert_hash, CERT_HASH_BYTES);
	}
}

enum err devlist_parse(struct slice raw, struct devlist *out)
{
	struct cur c = cur_of(raw);
	struct devlist l = {0};

	cur_expect(&c, slice_of(label, sizeof(label)));
	cur_copy(&c, l.ik.b, sizeof(l.ik.b));
	l.version = cur_u64(&c);
	l.n = cur_u16(&c);
	if (c.failed || l.version == 0 || l.n == 0 || l.n > DEVLIST_MAX_DEVICES)
		return ERR_PROTO;
	read_entries(&c, &l);
	const struct slice sig = cur_take(&c, SIG_BYTES);
	if (!cur_done(&c) || !is_ascending(&l))
		return ERR_PROTO;
	if (crypto_sign_ed25519_verify_detached(sig.p, raw.p, raw.n - SIG_BYTES,
						l.ik.b) != 0)
		return ERR_AUTH;
	memcpy(l.raw, raw.p, raw.n);
	l.raw_len = (uint16_t)raw.n;
	*out = l;
	return ERR_OK;
}

bool devlist_names(const struct devlist *l, const struct cert *c)
{
	uint8_t hash[CERT_HASH_BYTES];

	if (!id32_eq(&l->ik, &c->ik))
		return false;
	cert_hash(c, hash);
	for (unsigned i = 0; i < l->n; i++)
		if (id16_eq(&l->devices[i].device_id, &c->device_id))
			return memcmp(l->devices[i].cert_hash, hash, sizeof(hash)) == 0;
	return false;
}

void devlist_sign(struct devlist *l, const uint8_t ik_secret[static 64])
{
	struct buf b;

	qsort(l->devices, l->n, sizeof(*l->devices), compare_entries);
	buf_init(&b, DEVLIST_MAX_BYTES - SIG_BYTES);
	buf_add(&b, slice_of(label, sizeof(label)));
	buf_add(&b, slice_of(l->ik.b, sizeof(l->ik.b)));
	buf_u64(&b, l->version);
	buf_u16(&b, l->n);
	for (unsigned i = 0; i < l->n; i++) {
		buf_add(&b, slice_of(l->devices[i].device_id.b,
				     sizeof(l->devices[i].device_id.b)));
		buf_add(&b, slice_of(l->devices[i].cert_hash, CERT_HASH_BYTES));
	}
	const struct slice body = buf_slice(&b);
	memcpy(l->raw, body.p, body.n);
	crypto_sign_ed25519_detached(l->raw + body.n, NULL, l->raw, body.n, ik_secret);
	l->raw_len = (uint16_t)(body.n + SIG_BYTES);
	buf_wipe(&b);
}
