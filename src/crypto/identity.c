#include "crypto/identity.h"

#include <sodium.h>

#include "base/cur.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/identity_sign.h"

/* In guarded pages of its own. The seeds are what is stored; the rest is made of
 * them. */
struct secrets {
	uint8_t ik_seed[32], ds_seed[32];
	uint8_t dn[32], dx[32];
	uint8_t ik_secret[crypto_sign_ed25519_SECRETKEYBYTES];
	uint8_t ds_secret[crypto_sign_ed25519_SECRETKEYBYTES];
};

struct identity {
	struct secrets *secrets;
	struct cert cert;
	struct devlist devlist;
};

static struct identity *identity_new(void)
{
	struct identity *id = mem_new(sizeof(*id));

	id->secrets = secret_new(sizeof(*id->secrets));
	return id;
}

void identity_free(struct identity *id)
{
	if (id == NULL)
		return;
	secret_free(id->secrets);
	mem_free(id);
}

/* Everything that follows from the seeds, device id and serial. Ed25519 is
 * deterministic: the certificate comes out the same each time. */
static void derive(struct identity *id, const struct id16 *device_id, uint64_t serial)
{
	struct secrets *s = id->secrets;
	struct cert *c = &id->cert;

	crypto_sign_ed25519_seed_keypair(c->ik.b, s->ik_secret, s->ik_seed);
	crypto_sign_ed25519_seed_keypair(c->ds.b, s->ds_secret, s->ds_seed);
	crypto_scalarmult_base(c->dn.b, s->dn);
	crypto_scalarmult_base(c->dx.b, s->dx);
	c->device_id = *device_id;
	c->serial = serial;
	cert_sign(c, s->ik_secret, s->ds_secret);
}

static void draw_device(struct identity *id, uint64_t serial, const struct rng *rng)
{
	struct id16 device_id;

	rng_fill(rng, id->secrets->ds_seed, sizeof(id->secrets->ds_seed));
	rng_fill(rng, id->secrets->dn, sizeof(id->secrets->dn));
	rng_fill(rng, id->secrets->dx, sizeof(id->secrets->dx));
	rng_fill(rng, device_id.b, sizeof(device_id.b));
	derive(id, &device_id, serial);
}

void identity_db_key(const struct identity *id, uint8_t out[static 32])
{
	const struct secrets *s = id->secrets;

	hash_one("p2pmsg-dbkey--v1", slice_of(s->ik_seed, sizeof(s->ik_seed)), out, 32);
}

static void list_add(struct devlist *l, const struct cert *c)
{
	struct devlist_entry *e = &l->devices[l->n++];

	e->device_id = c->device_id;
	cert_hash(c, e->cert_hash);
}

struct identity *identity_generate(const struct rng *rng)
{
	struct identity *id = identity_new();

	rng_fill(rng, id->secrets->ik_seed, sizeof(id->secrets->ik_seed));
	draw_device(id, 1, rng);
	id->devlist.ik = id->cert.ik;
	id->devlist.version = 1;
	list_add(&id->devlist, &id->cert);
	devlist_sign(&id->devlist, id->secrets->ik_secret);
	return id;
}

const struct cert *identity_cert(const struct identity *id)
{
	return &id->cert;
}

const struct devlist *identity_devlist(const struct identity *id)
{
	return &id->devlist;
}

const struct id32 *identity_node_id(const struct identity *id)
{
	return &id->cert.node_id;
}

const struct id16 *identity_device_id(const struct identity *id)
{
	return &id->cert.device_id;
}

const uint8_t *identity_dn_secret(const struct identity *id)
{
	return id->secrets->dn;
}

struct identity *identity_new_device(struct identity *id, const struct rng *rng)
{
	if (id->devlist.n == DEVLIST_MAX_DEVICES)
		return NULL;
	struct identity *device = identity_new();
	memcpy(device->secrets->ik_seed, id->secrets->ik_seed,
	       sizeof(device->secrets->ik_seed));
	draw_device(device, id->cert.serial + 1, rng);
	id->devlist.version++;
	list_add(&id->devlist, &device->cert);
	devlist_sign(&id->devlist, id->secrets->ik_secret);
	device->devlist = id->devlist;
	return device;
}

static bool has_device_twice(const struct cert *const *certs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (id16_eq(&certs[i]->device_id, &certs[k]->device_id))
				return true;
	return false;
}

enum err identity_sign_devlist(const struct identity *id, uint64_t version,
			       const struct cert *const *certs, size_t n,
			       struct devlist *out)
{
	struct devlist l = {.ik = id->cert.ik, .version = version};

	if (version == 0 || n == 0 || n > DEVLIST_MAX_DEVICES)
		return ERR_RANGE;
	if (has_device_twice(certs, n))
		return ERR_USAGE;
	for (size_t i = 0; i < n; i++) {
		if (!id32_eq(&certs[i]->ik, &l.ik))
			return ERR_USAGE;
		list_add(&l, certs[i]);
	}
	devlist_sign(&l, id->secrets->ik_secret);
	*out = l;
	return ERR_OK;
}

enum err identity_set_devlist(struct identity *id, const struct devlist *l)
{
	if (!id32_eq(&l->ik, &id->cert.ik) || l->version <= id->devlist.version)
		return ERR_RANGE;
	id->devlist = *l;
	return ERR_OK;
}

/* ik seed, ds seed, dn, dx, device id, serial (big-endian) */
void identity_export(const struct identity *id, uint8_t out[static IDENTITY_SECRET_BYTES])
{
	const struct secrets *s = id->secrets;
	const struct id16 *device_id = &id->cert.device_id;

	memcpy(out, s->ik_seed, 32);
	memcpy(out + 32, s->ds_seed, 32);
	memcpy(out + 64, s->dn, 32);
	memcpy(out + 96, s->dx, 32);
	memcpy(out + 128, device_id->b, sizeof(device_id->b));
	for (int i = 0; i < 8; i++)
		out[144 + i] = (uint8_t)(id->cert.serial >> (56 - 8 * i));
}

/* A list of another person, or one that gives our device id to another certificate. */
static bool is_foreign_list(const struct devlist *l, const struct cert *c)
{
	if (!id32_eq(&l->ik, &c->ik))
		return true;
	if (devlist_names(l, c))
		return false;
	for (unsigned i = 0; i < l->n; i++)
		if (id16_eq(&l->devices[i].device_id, &c->device_id))
			return true;
	return false;
}

enum err identity_import(const uint8_t in[static IDENTITY_SECRET_BYTES],
			 struct slice devlist, struct identity **out)
{
	struct identity *id = identity_new();
	struct cur c = cur_of(slice_of(in, IDENTITY_SECRET_BYTES));
	struct id16 device_id;

	cur_copy(&c, id->secrets->ik_seed, 32);
	cur_copy(&c, id->secrets->ds_seed, 32);
	cur_copy(&c, id->secrets->dn, 32);
	cur_copy(&c, id->secrets->dx, 32);
	cur_copy(&c, device_id.b, sizeof(device_id.b));
	const uint64_t serial = cur_u64(&c);
	derive(id, &device_id, serial);
	if (serial == 0 || devlist_parse(devlist, &id->devlist) != ERR_OK ||
	    is_foreign_list(&id->devlist, &id->cert)) {
		identity_free(id);
		return ERR_CORRUPT;
	}
	*out = id;
	return ERR_OK;
}
