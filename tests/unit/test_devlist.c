/*
 * Device lists: one form only, and only with the right signature (trial A13 at
 * this level). Which of two good lists is newer is tested where it is decided.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/identity.h"
#include "lib/vectors.h"

enum { LIST_MAX = 4096 };

struct entry {
	uint8_t device_id, hash; /* repeated */
};

/* A list with any content, signed by the key of signer under the name of owner. */
struct draft {
	uint8_t owner, signer;
	uint64_t version;
	uint16_t n_said;
	size_t n;
	struct entry entries[20];
	size_t n_extra; /* zero bytes before the signature */
};

static void key_of(uint8_t number, uint8_t public_key[32], uint8_t secret[64])
{
	const uint8_t seed[32] = {number};

	crypto_sign_ed25519_seed_keypair(public_key, secret, seed);
}

static void add_repeated(struct buf *b, uint8_t v, int n)
{
	while (n-- > 0)
		buf_u8(b, v);
}

static enum err parse_draft(const struct draft *d, struct devlist *out)
{
	uint8_t owner[32], signer[32], secret[64], sig[64];
	struct buf b;

	key_of(d->owner, owner, secret);
	key_of(d->signer, signer, secret);
	buf_init(&b, LIST_MAX);
	buf_add(&b, slice_of("p2pmsg-device-list-v1", 22));
	buf_add(&b, slice_of(owner, 32));
	buf_u64(&b, d->version);
	buf_u16(&b, d->n_said);
	for (size_t i = 0; i < d->n; i++) {
		add_repeated(&b, d->entries[i].device_id, 16);
		add_repeated(&b, d->entries[i].hash, 32);
	}
	buf_zeros(&b, d->n_extra);
	crypto_sign_ed25519_detached(sig, NULL, buf_slice(&b).p, buf_slice(&b).n, secret);
	buf_add(&b, slice_of(sig, sizeof(sig)));
	const enum err err = devlist_parse(buf_slice(&b), out);
	buf_wipe(&b);
	return err;
}

static const struct draft good = {
	.owner = 1,
	.signer = 1,
	.version = 3,
	.n_said = 2,
	.n = 2,
	.entries = {{5, 50}, {6, 60}},
};

static void a_good_list_is_read(void **state)
{
	(void)state;
	struct devlist l;

	assert_int_equal(parse_draft(&good, &l), ERR_OK);
	assert_int_equal(l.version, 3);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.raw_len, 22 + 32 + 8 + 2 + 2 * 48 + 64);
	assert_int_equal(l.devices[0].device_id.b[15], 5);
	assert_int_equal(l.devices[1].device_id.b[0], 6);
	assert_int_equal(l.devices[1].cert_hash[31], 60);
}

static void forms_that_are_not_the_one_are_refused(void **state)
{
	(void)state;
	struct draft cases[9], *c = cases;
	struct devlist out, before;

	memset(&out, 0x5a, sizeof(out));
	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < 9; i++)
		cases[i] = good;
	c++->version = 0;
	c->n = 0, c++->n_said = 0;
	c++->n_said = 1;
	c++->n_said = 3;
	c++->n_extra = 1;
	c++->n_extra = 48;
	c++->entries[1].device_id = 5; /* the same device twice */
	c++->entries[1].device_id = 4; /* descending */
	c->n = c->n_said = 17;
	for (uint8_t i = 0; i < 17; i++)
		c->entries[i].device_id = i;
	for (size_t i = 0; i < 9; i++)
		if (parse_draft(&cases[i], &out) != ERR_PROTO)
			fail_msg("case %zu was not refused", i);
	assert_memory_equal(&out, &before, sizeof(out));
	c->n = c->n_said = 16;
	assert_int_equal(parse_draft(c, &out), ERR_OK);
}

static void A13_a_forged_list_is_refused(void **state)
{
	(void)state;
	struct draft d = good;
	struct devlist out;

	d.signer = 2;
	assert_int_equal(parse_draft(&d, &out), ERR_AUTH);
	d.owner = 2;
	assert_int_equal(parse_draft(&d, &out), ERR_OK);
}

static void A13_every_flipped_bit_is_refused(void **state)
{
	(void)state;
	struct devlist l, out;
	uint8_t raw[DEVLIST_MAX_BYTES];

	assert_int_equal(parse_draft(&good, &l), ERR_OK);
	for (size_t bit = 0; bit < 8u * l.raw_len; bit++) {
		memcpy(raw, l.raw, l.raw_len);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		const enum err err = devlist_parse(slice_of(raw, l.raw_len), &out);
		assert_true(err == ERR_PROTO || err == ERR_AUTH);
	}
}

static void every_other_length_is_refused(void **state)
{
	(void)state;
	struct devlist l, out;
	uint8_t raw[DEVLIST_MAX_BYTES] = {0};

	assert_int_equal(parse_draft(&good, &l), ERR_OK);
	memcpy(raw, l.raw, l.raw_len);
	for (size_t n = 0; n < sizeof(raw); n++)
		assert_int_equal(devlist_parse(slice_of(raw, n), &out),
				 n == l.raw_len ? ERR_OK : ERR_PROTO);
}

static void golden_lists_are_read(void **state)
{
	(void)state;
	json_t *file = vectors_golden("crypto.json");
	const json_t *g = json_object_get(file, "identity");
	struct pool pool = {0};
	struct cert one, two;
	struct devlist first, second;

	assert_int_equal(cert_parse(vectors_hex(&pool, g, "cert"), &one), ERR_OK);
	assert_int_equal(cert_parse(vectors_hex(&pool, g, "second_cert"), &two), ERR_OK);
	assert_int_equal(devlist_parse(vectors_hex(&pool, g, "devlist"), &first), ERR_OK);
	assert_int_equal(devlist_parse(vectors_hex(&pool, g, "second_devlist"), &second),
			 ERR_OK);
	assert_true(devlist_names(&first, &one));
	assert_false(devlist_names(&first, &two));
	assert_true(devlist_names(&second, &one));
	assert_true(devlist_names(&second, &two));
	pool_wipe(&pool);
	json_decref(file);
}

/* The same device id with another certificate, and another person's list. */
static void only_this_very_certificate_is_named(void **state)
{
	(void)state;
	struct rng_seeded rng;

	rng_seeded_init(&rng, 1);
	struct identity *id = identity_generate(&rng.rng);
	struct cert c = *identity_cert(id);
	struct devlist l = *identity_devlist(id);
	assert_true(devlist_names(&l, &c));
	c.raw[CERT_BYTES - 1] ^= 1;
	assert_false(devlist_names(&l, &c));
	c.raw[CERT_BYTES - 1] ^= 1;
	l.ik.b[0] ^= 1;
	assert_false(devlist_names(&l, &c));
	l.ik.b[0] ^= 1;
	c.device_id.b[0] ^= 1;
	assert_false(devlist_names(&l, &c));
	identity_free(id);
}

static void lists_are_signed_in_order(void **state)
{
	(void)state;
	struct rng_seeded rng;
	const struct cert *certs[DEVLIST_MAX_DEVICES + 1];
	struct identity *devices[DEVLIST_MAX_DEVICES];
	struct devlist up, down, out;

	rng_seeded_init(&rng, 1);
	devices[0] = identity_generate(&rng.rng);
	for (int i = 1; i < DEVLIST_MAX_DEVICES; i++)
		devices[i] = identity_new_device(devices[0], &rng.rng);
	for (int i = 0; i < DEVLIST_MAX_DEVICES; i++)
		certs[i] = identity_cert(devices[i]);
	assert_int_equal(identity_sign_devlist(devices[0], 20, certs, 16, &up), ERR_OK);
	for (int i = 0; i < DEVLIST_MAX_DEVICES; i++)
		certs[15 - i] = identity_cert(devices[i]);
	assert_int_equal(identity_sign_devlist(devices[5], 20, certs, 16, &down), ERR_OK);
	assert_int_equal(up.raw_len, DEVLIST_MAX_BYTES);
	assert_memory_equal(up.raw, down.raw, DEVLIST_MAX_BYTES);
	assert_int_equal(devlist_parse(slice_of(up.raw, up.raw_len), &out), ERR_OK);
	for (int i = 0; i < DEVLIST_MAX_DEVICES; i++)
		assert_true(devlist_names(&out, certs[i]));
	for (int i = 0; i < DEVLIST_MAX_DEVICES; i++)
		identity_free(devices[i]);
}

static void what_cannot_be_listed_is_not_signed(void **state)
{
	(void)state;
	struct rng_seeded rng;
	const struct cert *certs[DEVLIST_MAX_DEVICES + 1];
	struct devlist l;

	rng_seeded_init(&rng, 1);
	struct identity *id = identity_generate(&rng.rng);
	struct identity *other = identity_generate(&rng.rng);
	for (int i = 0; i <= DEVLIST_MAX_DEVICES; i++)
		certs[i] = identity_cert(id);
	assert_int_equal(identity_sign_devlist(id, 2, certs, 0, &l), ERR_RANGE);
	assert_int_equal(identity_sign_devlist(id, 2, certs, 17, &l), ERR_RANGE);
	assert_int_equal(identity_sign_devlist(id, 0, certs, 1, &l), ERR_RANGE);
	assert_int_equal(identity_sign_devlist(id, 2, certs, 2, &l), ERR_USAGE);
	certs[1] = identity_cert(other);
	assert_int_equal(identity_sign_devlist(id, 2, certs, 2, &l), ERR_USAGE);
	assert_int_equal(identity_sign_devlist(id, 2, certs, 1, &l), ERR_OK);
	identity_free(id);
	identity_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_list_is_read),
		cmocka_unit_test(forms_that_are_not_the_one_are_refused),
		cmocka_unit_test(A13_a_forged_list_is_refused),
		cmocka_unit_test(A13_every_flipped_bit_is_refused),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(golden_lists_are_read),
		cmocka_unit_test(only_this_very_certificate_is_named),
		cmocka_unit_test(lists_are_signed_in_order),
		cmocka_unit_test(what_cannot_be_listed_is_not_signed),
	};

	secret_init();
	return cmocka_run_group_tests_name("devlist", tests, NULL, NULL);
}
