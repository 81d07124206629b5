/*
 * Certificates and our own keys: golden vectors made without this code, every
 * flipped bit and length of a certificate (trial A13 at this level), and what
 * identity.h promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/secret.h"
#include "crypto/identity.h"
#include "lib/vectors.h"

/* Offsets within a certificate. */
enum { AT_IK = 22, AT_DS = 54, AT_DEVICE = 150, AT_SERIAL = 166, AT_FLAGS = 174 };

static struct identity *new_identity(uint64_t seed)
{
	struct rng_seeded rng;

	rng_seeded_init(&rng, seed);
	return identity_generate(&rng.rng);
}

static struct slice cert_slice(const struct identity *id)
{
	return slice_of(identity_cert(id)->raw, CERT_BYTES);
}

static bool is_cert_eq(const struct cert *a, const struct cert *b)
{
	return memcmp(a->raw, b->raw, CERT_BYTES) == 0 && id32_eq(&a->ik, &b->ik) &&
	       id32_eq(&a->ds, &b->ds) && id32_eq(&a->dn, &b->dn) &&
	       id32_eq(&a->dx, &b->dx) && id16_eq(&a->device_id, &b->device_id) &&
	       a->serial == b->serial && id32_eq(&a->node_id, &b->node_id);
}

static void golden_identities_come_out_the_same(void **state)
{
	(void)state;
	json_t *file = vectors_golden("crypto.json");
	const json_t *g = json_object_get(file, "identity");
	static const char *const names[][3] = {
		{"secret", "cert", "devlist"},
		{"second_secret", "second_cert", "second_devlist"},
	};
	struct pool pool = {0};

	for (size_t i = 0; i < 2; i++) {
		const struct slice secret = vectors_hex(&pool, g, names[i][0]);
		const struct slice cert = vectors_hex(&pool, g, names[i][1]);
		const struct slice list = vectors_hex(&pool, g, names[i][2]);
		uint8_t exported[IDENTITY_SECRET_BYTES];
		struct identity *id;
		struct cert parsed;

		assert_int_equal(secret.n, IDENTITY_SECRET_BYTES);
		assert_int_equal(identity_import(secret.p, list, &id), ERR_OK);
		assert_true(slice_eq(cert_slice(id), cert));
		assert_int_equal(cert_parse(cert, &parsed), ERR_OK);
		assert_true(is_cert_eq(&parsed, identity_cert(id)));
		assert_int_equal(parsed.serial, i + 1);
		assert_true(devlist_names(identity_devlist(id), &parsed));
		identity_export(id, exported);
		assert_memory_equal(exported, secret.p, secret.n);
		assert_memory_equal(identity_dn_secret(id), secret.p + 64, 32);
		identity_free(id);
	}
	pool_wipe(&pool);
	json_decref(file);
}

static void a_new_identity_vouches_for_itself(void **state)
{
	(void)state;
	struct identity *id = new_identity(1);
	const struct cert *c = identity_cert(id);
	const struct devlist *l = identity_devlist(id);
	struct cert parsed;
	struct devlist parsed_list;
	uint8_t dn[32];

	assert_int_equal(cert_parse(cert_slice(id), &parsed), ERR_OK);
	assert_true(is_cert_eq(&parsed, c));
	assert_int_equal(c->serial, 1);
	assert_int_equal(devlist_parse(slice_of(l->raw, l->raw_len), &parsed_list),
			 ERR_OK);
	assert_int_equal(parsed_list.version, 1);
	assert_int_equal(parsed_list.n, 1);
	assert_true(devlist_names(&parsed_list, c));
	crypto_scalarmult_base(dn, identity_dn_secret(id));
	assert_memory_equal(dn, c->dn.b, 32);
	assert_ptr_equal(identity_node_id(id), &c->node_id);
	assert_ptr_equal(identity_device_id(id), &c->device_id);
	identity_free(id);
}

static void identities_and_their_keys_differ(void **state)
{
	(void)state;
	struct identity *a = new_identity(1), *b = new_identity(2);
	const struct cert *c = identity_cert(a);

	assert_false(id32_eq(identity_node_id(a), identity_node_id(b)));
	assert_false(id16_eq(identity_device_id(a), identity_device_id(b)));
	assert_false(id32_eq(&c->ik, &c->ds));
	assert_false(id32_eq(&c->dn, &c->dx));
	identity_free(a);
	identity_free(b);
	identity_free(NULL);
}

static void A13_every_flipped_bit_is_refused(void **state)
{
	(void)state;
	struct identity *id = new_identity(1);
	const struct slice good = cert_slice(id);
	struct cert out, before;
	uint8_t raw[CERT_BYTES];

	memset(&out, 0x5a, sizeof(out));
	memset(&before, 0x5a, sizeof(before));
	for (size_t bit = 0; bit < 8 * CERT_BYTES; bit++) {
		memcpy(raw, good.p, CERT_BYTES);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		const enum err err = cert_parse(slice_of(raw, CERT_BYTES), &out);
		const bool is_form = bit / 8 < AT_IK ||
				     (bit / 8 >= AT_FLAGS && bit / 8 < AT_FLAGS + 4);
		/* Serial 1 becomes 0 by its last bit. */
		const bool is_zero_serial = bit == 8 * (AT_FLAGS - 1);
		assert_int_equal(err, is_form || is_zero_serial ? ERR_PROTO : ERR_AUTH);
		assert_memory_equal(&out, &before, sizeof(out));
	}
	identity_free(id);
}

static void every_other_length_is_refused(void **state)
{
	(void)state;
	struct identity *id = new_identity(1);
	struct cert out;
	uint8_t longer[CERT_BYTES + 1] = {0};

	memcpy(longer, cert_slice(id).p, CERT_BYTES);
	for (size_t n = 0; n <= sizeof(longer); n++)
		assert_int_equal(cert_parse(slice_of(longer, n), &out),
				 n == CERT_BYTES ? ERR_OK : ERR_PROTO);
	identity_free(id);
}

/* Signs a certificate with keys of the test after a change to its body, so that
 * nothing but the rule itself can refuse it. */
static void sign_raw(uint8_t raw[static CERT_BYTES])
{
	uint8_t ik[32], ds[32], ik_secret[64], ds_secret[64];
	const uint8_t seed[2][32] = {{1}, {2}};

	crypto_sign_ed25519_seed_keypair(ik, ik_secret, seed[0]);
	crypto_sign_ed25519_seed_keypair(ds, ds_secret, seed[1]);
	memcpy(raw + AT_IK, ik, 32);
	memcpy(raw + AT_DS, ds, 32);
	crypto_sign_ed25519_detached(raw + 178, NULL, raw, 178, ik_secret);
	crypto_sign_ed25519_detached(raw + 242, NULL, raw, 178, ds_secret);
}

static void signed_nonsense_is_refused(void **state)
{
	(void)state;
	struct identity *id = new_identity(1);
	uint8_t raw[CERT_BYTES];
	struct cert out;

	memcpy(raw, cert_slice(id).p, CERT_BYTES);
	sign_raw(raw);
	assert_int_equal(cert_parse(slice_of(raw, CERT_BYTES), &out), ERR_OK);
	raw[AT_FLAGS + 3] = 1;
	sign_raw(raw);
	assert_int_equal(cert_parse(slice_of(raw, CERT_BYTES), &out), ERR_PROTO);
	raw[AT_FLAGS + 3] = 0;
	memset(raw + AT_SERIAL, 0, 8);
	sign_raw(raw);
	assert_int_equal(cert_parse(slice_of(raw, CERT_BYTES), &out), ERR_PROTO);
	raw[AT_SERIAL + 7] = 1;
	raw[20] = '2'; /* the label of another version */
	sign_raw(raw);
	assert_int_equal(cert_parse(slice_of(raw, CERT_BYTES), &out), ERR_PROTO);
	identity_free(id);
}

/* A certificate of one identity with a signature of another, and the two
 * signatures in each other's place. */
static void A13_signatures_are_not_exchangeable(void **state)
{
	(void)state;
	struct identity *a = new_identity(1), *b = new_identity(2);
	uint8_t raw[CERT_BYTES];
	struct cert out;

	memcpy(raw, cert_slice(a).p, CERT_BYTES);
	memcpy(raw + 178, cert_slice(b).p + 178, 64);
	assert_int_equal(cert_parse(slice_of(raw, CERT_BYTES), &out), ERR_AUTH);
	memcpy(raw, cert_slice(a).p, CERT_BYTES);
	memcpy(raw + 242, cert_slice(b).p + 242, 64);
	assert_int_equal(cert_parse(slice_of(raw, CERT_BYTES), &out), ERR_AUTH);
	memcpy(raw, cert_slice(a).p, 178);
	memcpy(raw + 178, cert_slice(a).p + 242, 64);
	memcpy(raw + 242, cert_slice(a).p + 178, 64);
	assert_int_equal(cert_parse(slice_of(raw, CERT_BYTES), &out), ERR_AUTH);
	identity_free(a);
	identity_free(b);
}

static void a_second_device_has_keys_of_its_own(void **state)
{
	(void)state;
	struct identity *one = new_identity(1);
	struct rng_seeded rng;
	struct cert parsed;

	rng_seeded_init(&rng, 9);
	struct identity *two = identity_new_device(one, &rng.rng);
	const struct cert *a = identity_cert(one), *b = identity_cert(two);
	assert_true(id32_eq(&a->ik, &b->ik));
	assert_true(id32_eq(identity_node_id(one), identity_node_id(two)));
	assert_false(id32_eq(&a->ds, &b->ds));
	assert_false(id32_eq(&a->dn, &b->dn));
	assert_false(id32_eq(&a->dx, &b->dx));
	assert_false(id16_eq(&a->device_id, &b->device_id));
	assert_int_equal(b->serial, 2);
	assert_int_equal(cert_parse(cert_slice(two), &parsed), ERR_OK);
	for (int i = 0; i < 2; i++) {
		const struct devlist *l = identity_devlist(i == 0 ? one : two);
		struct devlist out;
		assert_int_equal(devlist_parse(slice_of(l->raw, l->raw_len), &out),
				 ERR_OK);
		assert_int_equal(out.version, 2);
		assert_int_equal(out.n, 2);
		assert_true(devlist_names(&out, a) && devlist_names(&out, b));
	}
	identity_free(one);
	identity_free(two);
}

static void devices_end_at_sixteen(void **state)
{
	(void)state;
	struct identity *one = new_identity(1);
	struct rng_seeded rng;

	rng_seeded_init(&rng, 9);
	for (int i = 1; i < DEVLIST_MAX_DEVICES; i++) {
		struct identity *more = identity_new_device(one, &rng.rng);
		assert_non_null(more);
		identity_free(more);
	}
	assert_int_equal(identity_devlist(one)->n, DEVLIST_MAX_DEVICES);
	assert_int_equal(identity_devlist(one)->raw_len, DEVLIST_MAX_BYTES);
	assert_null(identity_new_device(one, &rng.rng));
	assert_int_equal(identity_devlist(one)->version, DEVLIST_MAX_DEVICES);
	identity_free(one);
}

static void only_a_higher_list_of_our_own_is_taken(void **state)
{
	(void)state;
	struct identity *id = new_identity(1), *other = new_identity(2);
	const struct cert *own[] = {identity_cert(id)};
	const struct cert *foreign[] = {identity_cert(other)};
	struct devlist l;

	assert_int_equal(identity_sign_devlist(id, 5, own, 1, &l), ERR_OK);
	assert_int_equal(identity_set_devlist(id, &l), ERR_OK);
	assert_int_equal(identity_devlist(id)->version, 5);
	assert_int_equal(identity_set_devlist(id, &l), ERR_RANGE);
	assert_int_equal(identity_sign_devlist(id, 4, own, 1, &l), ERR_OK);
	assert_int_equal(identity_set_devlist(id, &l), ERR_RANGE);
	assert_int_equal(identity_sign_devlist(other, 9, foreign, 1, &l), ERR_OK);
	assert_int_equal(identity_set_devlist(id, &l), ERR_RANGE);
	assert_int_equal(identity_devlist(id)->version, 5);
	identity_free(id);
	identity_free(other);
}

static void what_does_not_fit_is_not_imported(void **state)
{
	(void)state;
	struct identity *a = new_identity(1), *b = new_identity(2), *out;
	struct rng_seeded rng;
	uint8_t secret[IDENTITY_SECRET_BYTES];
	struct devlist l;

	identity_export(a, secret);
	const struct slice own = {identity_devlist(a)->raw, identity_devlist(a)->raw_len};
	const struct slice foreign = {identity_devlist(b)->raw,
				      identity_devlist(b)->raw_len};
	assert_int_equal(identity_import(secret, foreign, &out), ERR_CORRUPT);
	assert_int_equal(identity_import(secret, slice_of(own.p, own.n - 1), &out),
			 ERR_CORRUPT);
	assert_int_equal(identity_import(secret, slice_of(NULL, 0), &out), ERR_CORRUPT);
	/* Each key of ours is in the certificate that the list names. */
	for (size_t i = 32; i < 128; i += 8) {
		secret[i] ^= 0x08;
		assert_int_equal(identity_import(secret, own, &out), ERR_CORRUPT);
		secret[i] ^= 0x08;
	}
	memset(secret + 144, 0, 8); /* serial */
	assert_int_equal(identity_import(secret, own, &out), ERR_CORRUPT);
	/* Another device has removed this one. */
	rng_seeded_init(&rng, 9);
	identity_export(a, secret);
	struct identity *two = identity_new_device(a, &rng.rng);
	const struct cert *left[] = {identity_cert(two)};
	assert_int_equal(identity_sign_devlist(a, 7, left, 1, &l), ERR_OK);
	assert_int_equal(identity_import(secret, slice_of(l.raw, l.raw_len), &out),
			 ERR_OK);
	assert_false(devlist_names(identity_devlist(out), identity_cert(out)));
	identity_free(out);
	memset(secret + 144, 0, 8);
	assert_int_equal(identity_import(secret, slice_of(l.raw, l.raw_len), &out),
			 ERR_CORRUPT);
	identity_free(two);
	identity_free(a);
	identity_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_identities_come_out_the_same),
		cmocka_unit_test(a_new_identity_vouches_for_itself),
		cmocka_unit_test(identities_and_their_keys_differ),
		cmocka_unit_test(A13_every_flipped_bit_is_refused),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(signed_nonsense_is_refused),
		cmocka_unit_test(A13_signatures_are_not_exchangeable),
		cmocka_unit_test(a_second_device_has_keys_of_its_own),
		cmocka_unit_test(devices_end_at_sixteen),
		cmocka_unit_test(only_a_higher_list_of_our_own_is_taken),
		cmocka_unit_test(what_does_not_fit_is_not_imported),
	};

	secret_init();
	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
