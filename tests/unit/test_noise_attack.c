/*
 * Trial A8 at the level of the engine: an attacker who keeps the handshake's
 * books correctly, but sends points of low order (whose Diffie-Hellman results it
 * knows: zero), or our own keys.
 *
 * Each attack would succeed against an engine without that very check, which the
 * honest run with the same code shows; so none passes for a wrong reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/secret.h"
#include "crypto/noise_symmetric.h"
#include "lib/noise_pair.h"
#include "lib/vectors.h"

static const struct slice none = {NULL, 0};

/* A key of the attacker: what it sends, and the private key behind it. A NULL
 * private key stands for a point of low order. */
struct key {
	const uint8_t *private_key, *public_key;
};

static struct slice key_slice(const uint8_t *key)
{
	return slice_of(key, 32);
}

static void mix_dh(struct noise_symmetricstate *ss, struct key own, const uint8_t *theirs)
{
	uint8_t shared[32] = {0};

	if (own.private_key != NULL)
		assert_int_equal(crypto_scalarmult(shared, own.private_key, theirs), 0);
	noise_mix_key(ss, key_slice(shared));
}

static void begin(struct noise_symmetricstate *ss, const uint8_t *initiator_e)
{
	noise_initialize_symmetric(ss, "Noise_XX_25519_ChaChaPoly_BLAKE2b");
	noise_mix_hash(ss, slice_str("prologue"));
	noise_mix_hash(ss, key_slice(initiator_e));
	noise_mix_hash(ss, none);
}

/* The attacker answers an initiator of XX: e, ee, s, es. */
static enum err answer(struct noise_pair *np, struct key e, struct key s)
{
	struct noise_symmetricstate ss;
	uint8_t m1[32], m2[96], payload[96];
	size_t n;

	assert_int_equal(noise_write_message(&np->side[1], none, m1, sizeof(m1), &n),
			 ERR_OK);
	begin(&ss, m1);
	memcpy(m2, e.public_key, 32);
	noise_mix_hash(&ss, key_slice(m2));
	mix_dh(&ss, e, m1);
	noise_encrypt_and_hash(&ss, key_slice(s.public_key), m2 + 32);
	mix_dh(&ss, s, m1);
	noise_encrypt_and_hash(&ss, none, m2 + 80);
	return noise_read_message(&np->side[1], slice_of(m2, sizeof(m2)), payload, &n);
}

/* The attacker dials a responder of XX; returns the first error of the victim. */
static enum err dial(struct noise_pair *np, struct key e, struct key s)
{
	struct noise_symmetricstate ss;
	uint8_t m2[96], rs[32], m3[64], payload[96];
	size_t n;

	begin(&ss, e.public_key);
	enum err err =
		noise_read_message(&np->side[0], key_slice(e.public_key), payload, &n);
	if (err != ERR_OK)
		return err;
	err = noise_write_message(&np->side[0], none, m2, sizeof(m2), &n);
	if (err != ERR_OK)
		return err;
	noise_mix_hash(&ss, key_slice(m2));
	mix_dh(&ss, e, m2);
	assert_int_equal(noise_decrypt_and_hash(&ss, slice_of(m2 + 32, 48), rs), ERR_OK);
	mix_dh(&ss, e, rs);
	assert_int_equal(noise_decrypt_and_hash(&ss, slice_of(m2 + 80, 16), payload),
			 ERR_OK);
	noise_encrypt_and_hash(&ss, key_slice(s.public_key), m3);
	mix_dh(&ss, s, m2);
	noise_encrypt_and_hash(&ss, none, m3 + 48);
	return noise_read_message(&np->side[0], slice_of(m3, sizeof(m3)), payload, &n);
}

/* The attacker's honest keys: those of the side it plays. */
static struct key honest_e(const struct noise_pair *np, int side)
{
	return (struct key){np->e[side], np->e_pub[side]};
}

static struct key honest_s(const struct noise_pair *np, int side)
{
	return (struct key){np->s[side], np->s_pub[side]};
}

static void the_attacker_can_keep_the_books(void **state)
{
	(void)state;
	struct noise_pair np;

	noise_pair_init(&np, "XX");
	assert_int_equal(answer(&np, honest_e(&np, 0), honest_s(&np, 0)), ERR_OK);
	noise_pair_init(&np, "XX");
	assert_int_equal(dial(&np, honest_e(&np, 1), honest_s(&np, 1)), ERR_OK);
	assert_true(noise_is_done(&np.side[0]));
}

static void refuse_low_order(const uint8_t *point)
{
	const struct key low = {NULL, point};
	struct noise_pair np;

	noise_pair_init(&np, "XX");
	assert_int_equal(answer(&np, low, honest_s(&np, 0)), ERR_AUTH);
	noise_pair_init(&np, "XX");
	assert_int_equal(answer(&np, honest_e(&np, 0), low), ERR_AUTH);
	noise_pair_init(&np, "XX");
	assert_int_equal(dial(&np, low, honest_s(&np, 1)), ERR_AUTH);
	noise_pair_init(&np, "XX");
	assert_int_equal(dial(&np, honest_e(&np, 1), low), ERR_AUTH);
	assert_true(sodium_is_zero((uint8_t *)&np.side[0], sizeof(np.side[0])));
}

static void A8_low_order_points_are_refused(void **state)
{
	(void)state;
	json_t *file = vectors_json("wycheproof/x25519_test.json");
	const json_t *tests = json_object_get(
		json_array_get(json_object_get(file, "testGroups"), 0), "tests");
	struct pool pool = {0};
	unsigned n = 0;
	size_t i;
	json_t *t;

	json_array_foreach(tests, i, t)
	{
		const struct slice shared = vectors_hex(&pool, t, "shared");
		const struct slice point = vectors_hex(&pool, t, "public");
		if (!sodium_is_zero(shared.p, shared.n))
			continue;
		assert_int_equal(point.n, 32);
		refuse_low_order(point.p);
		n++;
	}
	assert_int_equal(n, 31);
	pool_wipe(&pool);
	json_decref(file);
}

/* The same without files: the points of order 1, 2, 4, 8 as RFC 7748 and the
 * Curve25519 page list them, and their encodings above the prime. */
static void A8_known_low_order_points_are_refused(void **state)
{
	(void)state;
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct pool pool = {0};

	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		uint8_t point[32];
		memcpy(point, pool_hex(&pool, points[i]).p, 32);
		refuse_low_order(point);
		point[31] |= 0x80;
		refuse_low_order(point);
	}
	pool_wipe(&pool);
}

/* The attacker is given the victim's private key, so that only the comparison
 * stands in its way. */
static void A8_our_own_ephemeral_is_refused(void **state)
{
	(void)state;
	struct noise_pair np;

	noise_pair_init(&np, "XX");
	assert_int_equal(answer(&np, honest_e(&np, 1), honest_s(&np, 0)), ERR_AUTH);
	noise_pair_init(&np, "XX");
	np.e_pub[1][31] |= 0x80; /* the same point, written otherwise */
	assert_int_equal(answer(&np, honest_e(&np, 1), honest_s(&np, 0)), ERR_AUTH);
}

static void A8_our_own_static_is_refused(void **state)
{
	(void)state;

	for (int high_bit = 0; high_bit < 2; high_bit++) {
		struct noise_pair np;
		noise_pair_init(&np, "XX");
		np.s_pub[1][31] |= (uint8_t)(high_bit << 7);
		assert_int_equal(answer(&np, honest_e(&np, 0), honest_s(&np, 1)),
				 ERR_AUTH);
		noise_pair_init(&np, "XX");
		np.s_pub[0][31] |= (uint8_t)(high_bit << 7);
		assert_int_equal(dial(&np, honest_e(&np, 1), honest_s(&np, 0)), ERR_AUTH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_attacker_can_keep_the_books),
		cmocka_unit_test(A8_low_order_points_are_refused),
		cmocka_unit_test(A8_known_low_order_points_are_refused),
		cmocka_unit_test(A8_our_own_ephemeral_is_refused),
		cmocka_unit_test(A8_our_own_static_is_refused),
	};

	secret_init();
	return cmocka_run_group_tests_name("noise_attack", tests, NULL, NULL);
}
