/*
 * Our own HMAC-BLAKE2b and HKDF, and the labelled hash, against values made by
 * others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "lib/vectors.h"

typedef void hkdf_fn(struct slice salt, struct slice ikm, struct slice info, uint8_t *out,
		     size_t out_len);

static void golden_hmac_blake2b(void **state)
{
	(void)state;
	json_t *file = vectors_golden("crypto.json");
	const json_t *list = json_object_get(file, "hmac_blake2b");
	struct pool pool = {0};
	size_t i;
	json_t *g;

	assert_int_equal(json_array_size(list), 88);
	json_array_foreach(list, i, g)
	{
		const struct slice key = vectors_hex(&pool, g, "key");
		const struct slice data = vectors_hex(&pool, g, "data");
		const struct slice want = vectors_hex(&pool, g, "mac");
		/* In one piece, and in two: the split must not matter. */
		for (size_t cut = 0; cut <= data.n; cut += data.n / 3 + 1) {
			const struct slice parts[] = {{data.p, cut},
						      {data.p + cut, data.n - cut}};
			uint8_t mac[HMAC_BLAKE2B_BYTES];
			hmac_blake2b(mac, key, parts, 2);
			assert_memory_equal(mac, want.p, want.n);
		}
	}
	pool_wipe(&pool);
	json_decref(file);
}

static void golden_labelled_hashes(void **state)
{
	(void)state;
	json_t *file = vectors_golden("crypto.json");
	const json_t *list = json_object_get(file, "hash_labelled");
	struct pool pool = {0};
	size_t i;
	json_t *g;

	assert_int_equal(json_array_size(list), 36);
	json_array_foreach(list, i, g)
	{
		const char *label = vectors_str(g, "label");
		const struct slice data = vectors_hex(&pool, g, "data");
		const struct slice want = vectors_hex(&pool, g, "hash");
		const struct slice parts[] = {{data.p, data.n / 2},
					      {NULL, 0},
					      {data.p + data.n / 2, data.n - data.n / 2}};
		uint8_t out[64];
		hash_one(label, data, out, want.n);
		assert_memory_equal(out, want.p, want.n);
		memset(out, 0, sizeof(out));
		hash_labelled(label, parts, 3, out, want.n);
		assert_memory_equal(out, want.p, want.n);
	}
	pool_wipe(&pool);
	json_decref(file);
}

/* A label of zeros is no label: then the published values of plain BLAKE2b hold. */
static const char no_label[16] = {0};

static void published_blake2b(void **state)
{
	(void)state;
	json_t *file = vectors_json("blake2/blake2b-kat.json");
	struct pool pool = {0};
	unsigned ran = 0, keyed = 0;
	size_t i;
	json_t *t;

	json_array_foreach(file, i, t)
	{
		const struct slice in = vectors_hex(&pool, t, "in");
		const struct slice want = vectors_hex(&pool, t, "out");
		uint8_t out[64];
		if (vectors_hex(&pool, t, "key").n > 0) {
			keyed++; /* the project has no keyed BLAKE2b */
			continue;
		}
		hash_one(no_label, in, out, sizeof(out));
		assert_memory_equal(out, want.p, want.n);
		ran++;
	}
	assert_int_equal(ran, 256);
	assert_int_equal(keyed, 256);
	pool_wipe(&pool);
	json_decref(file);
}

static void rfc7693_blake2b(void **state)
{
	(void)state;
	char *path = vectors_path("blake2/pyca_blake2b.txt");
	struct kv_file *f = kv_open(path);
	struct pool pool = {0};
	unsigned ran = 0;

	while (kv_next(f, "MD")) {
		struct slice in = kv_hex(&pool, f, "Msg");
		uint8_t out[64];
		in.n = (size_t)atoi(kv_get(f, "Len")) / 8;
		hash_one(no_label, in, out, sizeof(out));
		assert_memory_equal(out, kv_hex(&pool, f, "MD").p, sizeof(out));
		ran++;
	}
	assert_true(ran >= 7);
	pool_wipe(&pool);
	kv_close(f);
	mem_free(path);
}

static void run_wycheproof_hkdf(const char *name, hkdf_fn *hkdf, size_t hash_len,
				unsigned expected)
{
	json_t *file = vectors_json(name);
	const json_t *groups = json_object_get(file, "testGroups");
	struct pool pool = {0};
	unsigned ran = 0;
	size_t g, i;
	json_t *group, *t;

	json_array_foreach(groups, g, group)
	{
		json_array_foreach(json_object_get(group, "tests"), i, t)
		{
			const size_t n =
				(size_t)json_integer_value(json_object_get(t, "size"));
			const struct slice want = vectors_hex(&pool, t, "okm");
			/* Longer than RFC 5869 allows: not a call of ours. */
			if (strcmp(vectors_str(t, "result"), "valid") != 0) {
				assert_true(n > 255 * hash_len);
				continue;
			}
			uint8_t *out = pool_bytes(&pool, n);
			hkdf(vectors_hex(&pool, t, "salt"), vectors_hex(&pool, t, "ikm"),
			     vectors_hex(&pool, t, "info"), out, n);
			assert_int_equal(want.n, n);
			assert_memory_equal(out, want.p, n);
			ran++;
		}
	}
	assert_int_equal(ran, expected);
	pool_wipe(&pool);
	json_decref(file);
}

static void wycheproof_hkdf_sha256(void **state)
{
	(void)state;
	run_wycheproof_hkdf("wycheproof/hkdf_sha256_test.json", hkdf_sha256, 32, 83);
}

static void wycheproof_hkdf_sha512(void **state)
{
	(void)state;
	run_wycheproof_hkdf("wycheproof/hkdf_sha512_test.json", hkdf_sha512, 64, 80);
}

static void run_hkdf_text(const char *name, unsigned expected)
{
	char *path = vectors_path(name);
	struct kv_file *f = kv_open(path);
	struct pool pool = {0};
	unsigned ran = 0;

	while (kv_next(f, "OKM")) {
		const struct slice want = kv_hex(&pool, f, "OKM");
		const size_t n = (size_t)atoi(kv_get(f, "L"));
		uint8_t *out = pool_bytes(&pool, n);
		hkdf_sha256(kv_hex(&pool, f, "salt"), kv_hex(&pool, f, "IKM"),
			    kv_hex(&pool, f, "info"), out, n);
		assert_int_equal(want.n, n);
		assert_memory_equal(out, want.p, n);
		ran++;
	}
	assert_int_equal(ran, expected);
	pool_wipe(&pool);
	kv_close(f);
	mem_free(path);
}

static void rfc5869_hkdf_sha256(void **state)
{
	(void)state;
	run_hkdf_text("rfc/rfc-5869-HKDF-SHA256.txt", 3);
}

static void a_long_hkdf_sha256(void **state)
{
	(void)state;
	run_hkdf_text("rfc/hkdf-generated.txt", 1);
}

/* A shorter output is the beginning of a longer one, at every length. */
static void hkdf_outputs_are_prefixes(void **state)
{
	(void)state;
	const struct slice salt = slice_str("salt"), ikm = slice_str("ikm"),
			   info = slice_str("info");
	static uint8_t whole[255 * 64];

	hkdf_sha512(salt, ikm, info, whole, sizeof(whole));
	for (size_t n = 0; n <= 200; n++) {
		uint8_t out[201];
		memset(out, 0xee, sizeof(out));
		hkdf_sha512(salt, ikm, info, out, n);
		assert_memory_equal(out, whole, n);
		assert_int_equal(out[n], 0xee);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_hmac_blake2b),
		cmocka_unit_test(golden_labelled_hashes),
		cmocka_unit_test(published_blake2b),
		cmocka_unit_test(rfc7693_blake2b),
		cmocka_unit_test(wycheproof_hkdf_sha256),
		cmocka_unit_test(wycheproof_hkdf_sha512),
		cmocka_unit_test(rfc5869_hkdf_sha256),
		cmocka_unit_test(a_long_hkdf_sha256),
		cmocka_unit_test(hkdf_outputs_are_prefixes),
	};

	secret_init();
	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
