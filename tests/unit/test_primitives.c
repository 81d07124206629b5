/*
 * libsodium as this project calls it, against Wycheproof and the RFCs: the
 * primitives are not ours, but that we call the right one in the right way is.
 * ChaCha20-Poly1305 goes through the Noise cipher state where a nonce has its form
 * (four zero bytes first).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/noise.h"
#include "lib/vectors.h"

struct aead_case {
	struct slice key, nonce, ad, plaintext, sealed;
	bool is_valid;
};

struct count {
	unsigned ran, by_noise, other;
};

static bool is_valid(const json_t *test)
{
	return strcmp(vectors_str(test, "result"), "valid") == 0;
}

/* Calls fn for each test of each group of a Wycheproof file. */
static void each_test(const char *name,
		      void (*fn)(struct pool *pool, const json_t *group, const json_t *t,
				 struct count *count),
		      struct count *count)
{
	json_t *file = vectors_json(name);
	size_t g, i;
	json_t *group, *t;

	json_array_foreach(json_object_get(file, "testGroups"), g, group)
	{
		json_array_foreach(json_object_get(group, "tests"), i, t)
		{
			struct pool pool = {0};
			fn(&pool, group, t, count);
			pool_wipe(&pool);
		}
	}
	json_decref(file);
}

static struct aead_case read_aead(struct pool *pool, const json_t *t)
{
	const struct slice ct = vectors_hex(pool, t, "ct"),
			   tag = vectors_hex(pool, t, "tag");
	uint8_t *sealed = pool_bytes(pool, ct.n + tag.n);

	memcpy(sealed, ct.p, ct.n);
	memcpy(sealed + ct.n, tag.p, tag.n);
	return (struct aead_case){
		.key = vectors_hex(pool, t, "key"),
		.nonce = vectors_hex(pool, t, "iv"),
		.ad = vectors_hex(pool, t, "aad"),
		.plaintext = vectors_hex(pool, t, "msg"),
		.sealed = slice_of(sealed, ct.n + tag.n),
		.is_valid = is_valid(t),
	};
}

static void check_noise(struct pool *pool, const struct aead_case *a)
{
	struct noise_cipherstate cs;
	uint8_t *out = pool_bytes(pool, a->sealed.n);
	uint64_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		n |= (uint64_t)a->nonce.p[4 + i] << 8 * i;
	noise_cipherstate_initialize_key(&cs, a->key.p);
	cs.n = n;
	assert_int_equal(noise_decrypt_with_ad(&cs, a->ad, a->sealed, out),
			 a->is_valid ? ERR_OK : ERR_AUTH);
	assert_true(cs.n == n + a->is_valid);
	if (!a->is_valid)
		return;
	assert_memory_equal(out, a->plaintext.p, a->plaintext.n);
	cs.n = n;
	assert_int_equal(noise_encrypt_with_ad(&cs, a->ad, a->plaintext, out), ERR_OK);
	assert_memory_equal(out, a->sealed.p, a->sealed.n);
}

static void check_aead(struct pool *pool, const struct aead_case *a)
{
	uint8_t *out = pool_bytes(pool, a->sealed.n);
	const int status = crypto_aead_chacha20poly1305_ietf_decrypt(
		out, NULL, NULL, a->sealed.p, a->sealed.n, a->ad.p, a->ad.n, a->nonce.p,
		a->key.p);

	assert_int_equal(status, a->is_valid ? 0 : -1);
	if (a->is_valid)
		assert_memory_equal(out, a->plaintext.p, a->plaintext.n);
}

static bool has_noise_nonce(struct slice nonce)
{
	return sodium_is_zero(nonce.p, 4) &&
	       memcmp(nonce.p + 4, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) != 0;
}

static void on_chacha20_poly1305(struct pool *pool, const json_t *group, const json_t *t,
				 struct count *count)
{
	const struct aead_case a = read_aead(pool, t);

	(void)group;
	if (a.nonce.n != 12) {
		count->other++;
		return;
	}
	check_aead(pool, &a);
	count->ran++;
	if (!has_noise_nonce(a.nonce))
		return;
	check_noise(pool, &a);
	count->by_noise++;
}

static void wycheproof_chacha20_poly1305(void **state)
{
	(void)state;
	struct count count = {0};

	each_test("wycheproof/chacha20_poly1305_test.json", on_chacha20_poly1305, &count);
	assert_int_equal(count.ran, 316);
	assert_int_equal(count.by_noise, 10);
	assert_int_equal(count.other, 9);
}

static void on_xchacha20_poly1305(struct pool *pool, const json_t *group, const json_t *t,
				  struct count *count)
{
	const struct aead_case a = read_aead(pool, t);
	uint8_t *out = pool_bytes(pool, a.sealed.n);

	(void)group;
	if (a.nonce.n != 24) {
		count->other++;
		return;
	}
	const int status = crypto_aead_xchacha20poly1305_ietf_decrypt(
		out, NULL, NULL, a.sealed.p, a.sealed.n, a.ad.p, a.ad.n, a.nonce.p,
		a.key.p);
	assert_int_equal(status, a.is_valid ? 0 : -1);
	if (a.is_valid)
		assert_memory_equal(out, a.plaintext.p, a.plaintext.n);
	count->ran++;
}

static void wycheproof_xchacha20_poly1305(void **state)
{
	(void)state;
	struct count count = {0};

	each_test("wycheproof/xchacha20_poly1305_test.json", on_xchacha20_poly1305,
		  &count);
	assert_int_equal(count.ran, 306);
	assert_int_equal(count.other, 9);
}

static void on_x25519(struct pool *pool, const json_t *group, const json_t *t,
		      struct count *count)
{
	const struct slice want = vectors_hex(pool, t, "shared");
	const bool is_zero = sodium_is_zero(want.p, want.n);
	uint8_t out[32];

	(void)group;
	const int status = crypto_scalarmult(out, vectors_hex(pool, t, "private").p,
					     vectors_hex(pool, t, "public").p);
	assert_int_equal(status, is_zero ? -1 : 0);
	if (!is_zero)
		assert_memory_equal(out, want.p, 32);
	count->ran++;
	count->other += is_zero;
}

static void wycheproof_x25519(void **state)
{
	(void)state;
	struct count count = {0};

	each_test("wycheproof/x25519_test.json", on_x25519, &count);
	assert_int_equal(count.ran, 518);
	assert_int_equal(count.other, 31);
}

static void on_ed25519(struct pool *pool, const json_t *group, const json_t *t,
		       struct count *count)
{
	const struct slice sig = vectors_hex(pool, t, "sig"),
			   msg = vectors_hex(pool, t, "msg");
	const struct slice key =
		vectors_hex(pool, json_object_get(group, "publicKey"), "pk");

	/* Ours are cut out of fixed fields: 64 bytes always. */
	const bool is_good = sig.n == 64 && crypto_sign_ed25519_verify_detached(
						    sig.p, msg.p, msg.n, key.p) == 0;
	assert_int_equal(is_good, is_valid(t));
	count->ran++;
}

static void wycheproof_ed25519(void **state)
{
	(void)state;
	struct count count = {0};

	each_test("wycheproof/ed25519_test.json", on_ed25519, &count);
	assert_int_equal(count.ran, 151);
}

static void hmac_sha256(uint8_t out[static 64], struct slice key, struct slice msg)
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key.p, key.n);
	crypto_auth_hmacsha256_update(&st, msg.p, msg.n);
	crypto_auth_hmacsha256_final(&st, out);
}

static void hmac_sha512(uint8_t out[static 64], struct slice key, struct slice msg)
{
	crypto_auth_hmacsha512_state st;

	crypto_auth_hmacsha512_init(&st, key.p, key.n);
	crypto_auth_hmacsha512_update(&st, msg.p, msg.n);
	crypto_auth_hmacsha512_final(&st, out);
}

typedef void hmac_fn(uint8_t out[static 64], struct slice key, struct slice msg);

static void check_hmac(struct pool *pool, hmac_fn *hmac, const json_t *t,
		       struct count *count)
{
	const struct slice tag = vectors_hex(pool, t, "tag");
	uint8_t out[64];

	hmac(out, vectors_hex(pool, t, "key"), vectors_hex(pool, t, "msg"));
	assert_int_equal(memcmp(out, tag.p, tag.n) == 0, is_valid(t));
	count->ran++;
}

static void on_hmac_sha256(struct pool *pool, const json_t *group, const json_t *t,
			   struct count *count)
{
	(void)group;
	check_hmac(pool, hmac_sha256, t, count);
}

static void on_hmac_sha512(struct pool *pool, const json_t *group, const json_t *t,
			   struct count *count)
{
	(void)group;
	check_hmac(pool, hmac_sha512, t, count);
}

static void wycheproof_hmac(void **state)
{
	(void)state;
	struct count count = {0};

	each_test("wycheproof/hmac_sha256_test.json", on_hmac_sha256, &count);
	each_test("wycheproof/hmac_sha512_test.json", on_hmac_sha512, &count);
	assert_int_equal(count.ran, 2 * 174);
}

static void run_rfc4231(const char *name, hmac_fn *hmac)
{
	char *path = vectors_path(name);
	struct kv_file *f = kv_open(path);
	struct pool pool = {0};
	unsigned ran = 0;

	while (kv_next(f, "MD")) {
		const struct slice want = kv_hex(&pool, f, "MD");
		uint8_t out[64];
		hmac(out, kv_hex(&pool, f, "Key"), kv_hex(&pool, f, "Msg"));
		assert_memory_equal(out, want.p, want.n);
		ran++;
	}
	assert_int_equal(ran, 6);
	pool_wipe(&pool);
	kv_close(f);
	mem_free(path);
}

static void rfc4231_hmac(void **state)
{
	(void)state;
	run_rfc4231("rfc/rfc-4231-sha256.txt", hmac_sha256);
	run_rfc4231("rfc/rfc-4231-sha512.txt", hmac_sha512);
}

static void rfc7748_x25519(void **state)
{
	(void)state;
	char *path = vectors_path("rfc/rfc7748.txt");
	struct kv_file *f = kv_open(path);
	struct pool pool = {0};
	unsigned ran = 0;

	while (kv_next(f, "OUTPUT_U")) {
		uint8_t out[32];
		assert_int_equal(crypto_scalarmult(out,
						   kv_hex(&pool, f, "INPUT_SCALAR").p,
						   kv_hex(&pool, f, "INPUT_U").p),
				 0);
		assert_memory_equal(out, kv_hex(&pool, f, "OUTPUT_U").p, 32);
		ran++;
	}
	assert_int_equal(ran, 3);
	pool_wipe(&pool);
	kv_close(f);
	mem_free(path);
}

/* Lines of secret || public : public : message : signature || message : */
static void rfc8032_ed25519(void **state)
{
	(void)state;
	char *path = vectors_path("rfc/rfc8032_ed25519.txt");
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	unsigned ran = 0;

	while (getline(&line, &size, f) > 0) {
		struct pool pool = {0};
		char *rest = line;
		const struct slice secret = pool_hex(&pool, strsep(&rest, ":"));
		const struct slice public_key = pool_hex(&pool, strsep(&rest, ":"));
		const struct slice msg = pool_hex(&pool, strsep(&rest, ":"));
		const struct slice want = pool_hex(&pool, strsep(&rest, ":"));
		uint8_t pk[32], sk[64], sig[64];
		crypto_sign_ed25519_seed_keypair(pk, sk, secret.p);
		assert_memory_equal(pk, public_key.p, 32);
		crypto_sign_ed25519_detached(sig, NULL, msg.p, msg.n, sk);
		assert_memory_equal(sig, want.p, 64);
		pool_wipe(&pool);
		ran++;
	}
	assert_int_equal(ran, 1024);
	free(line);
	fclose(f);
	mem_free(path);
}

static void rfc8439_chacha20(void **state)
{
	(void)state;
	char *path = vectors_path("rfc/rfc7539.txt");
	struct kv_file *f = kv_open(path);
	struct pool pool = {0};
	unsigned ran = 0;

	while (kv_next(f, "CIPHERTEXT")) {
		const struct slice in = kv_hex(&pool, f, "PLAINTEXT");
		uint8_t *out = pool_bytes(&pool, in.n);
		crypto_stream_chacha20_ietf_xor_ic(
			out, in.p, in.n, kv_hex(&pool, f, "NONCE").p,
			(uint32_t)atoi(kv_get(f, "INITIAL_BLOCK_COUNTER")),
			kv_hex(&pool, f, "KEY").p);
		assert_memory_equal(out, kv_hex(&pool, f, "CIPHERTEXT").p, in.n);
		ran++;
	}
	assert_int_equal(ran, 3);
	pool_wipe(&pool);
	kv_close(f);
	mem_free(path);
}

/* All of these have a nonce of the Noise form. */
static void rfc8439_chacha20_poly1305(void **state)
{
	(void)state;
	char *path = vectors_path("rfc/chacha20poly1305_openssl.txt");
	struct kv_file *f = kv_open(path);
	struct count count = {0};

	while (kv_next(f, NULL)) {
		struct pool pool = {0};
		const struct slice ct = kv_hex(&pool, f, "Ciphertext"),
				   tag = kv_hex(&pool, f, "Tag");
		uint8_t *sealed = pool_bytes(&pool, ct.n + tag.n);
		memcpy(sealed, ct.p, ct.n);
		memcpy(sealed + ct.n, tag.p, tag.n);
		const struct aead_case a = {
			.key = kv_hex(&pool, f, "Key"),
			.nonce = kv_hex(&pool, f, "IV"),
			.ad = kv_hex(&pool, f, "AAD"),
			.plaintext = kv_hex(&pool, f, "Plaintext"),
			.sealed = slice_of(sealed, ct.n + tag.n),
			.is_valid = kv_get(f, "Result") == NULL,
		};
		if (a.key.n > 0 && tag.n == 16 && has_noise_nonce(a.nonce)) {
			check_noise(&pool, &a);
			count.ran++;
		}
		pool_wipe(&pool);
	}
	assert_int_equal(count.ran, 5);
	kv_close(f);
	mem_free(path);
}

static void argon2id(void **state)
{
	(void)state;
	json_t *file = vectors_json("argon2/argon2id_p1_libsodium.json");
	struct pool pool = {0};
	unsigned ran = 0;
	size_t i;
	json_t *t;

	json_array_foreach(json_object_get(file, "vectors"), i, t)
	{
		const struct slice password = vectors_hex(&pool, t, "password");
		const struct slice want = vectors_hex(&pool, t, "expected");
		const json_t *passes = json_object_get(t, "iterations");
		const json_t *bytes = json_object_get(t, "memory_bytes");
		if (want.n < crypto_pwhash_argon2id_BYTES_MIN)
			continue; /* libsodium makes no tag of 5 bytes */
		uint8_t *out = pool_bytes(&pool, want.n);
		assert_int_equal(crypto_pwhash_argon2id(
					 out, want.n, (const char *)password.p,
					 password.n, vectors_hex(&pool, t, "salt").p,
					 (uint64_t)json_integer_value(passes),
					 (size_t)json_integer_value(bytes),
					 crypto_pwhash_argon2id_ALG_ARGON2ID13),
				 0);
		assert_memory_equal(out, want.p, want.n);
		ran++;
	}
	assert_int_equal(ran, 9);
	pool_wipe(&pool);
	json_decref(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wycheproof_chacha20_poly1305),
		cmocka_unit_test(wycheproof_xchacha20_poly1305),
		cmocka_unit_test(wycheproof_x25519),
		cmocka_unit_test(wycheproof_ed25519),
		cmocka_unit_test(wycheproof_hmac),
		cmocka_unit_test(rfc4231_hmac),
		cmocka_unit_test(rfc7748_x25519),
		cmocka_unit_test(rfc8032_ed25519),
		cmocka_unit_test(rfc8439_chacha20),
		cmocka_unit_test(rfc8439_chacha20_poly1305),
		cmocka_unit_test(argon2id),
	};

	secret_init();
	return cmocka_run_group_tests_name("primitives", tests, NULL, NULL);
}
