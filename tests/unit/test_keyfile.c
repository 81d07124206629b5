/*
 * Key files: golden ones made without this code, every damage, hostile costs, and
 * who may read them. The faults of disks are in test_keyfile_faults.c.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/keyfile.h"
#include "crypto/keyfile_seal.h"
#include "lib/tempdir.h"
#include "lib/vectors.h"

/* Offsets within the file. */
enum {
	AT_VERSION = 15,
	AT_KDF = 16,
	AT_PASSES = 20,
	AT_KIB = 24,
	AT_SALT = 28,
	AT_NONCE = 44,
	HEADER_BYTES = 68,
	SUM_BYTES = 32
};

static const struct slice none = {NULL, 0};
static const struct keyfile_cost cheap = {.passes = 1, .kib = 8};

static struct rng_seeded rng;
static char *dir, *path;

static int set_up(void **state)
{
	(void)state;
	rng_seeded_init(&rng, 1);
	void *made;
	if (tempdir_setup(&made) != 0)
		return -1;
	dir = made;
	path = tempdir_path(dir, "keys");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mem_free(path);
	void *made = dir;
	tempdir_teardown(&made);
	return 0;
}

static struct slice passphrase(void)
{
	return slice_str("correct horse");
}

static void assert_same(const struct identity *a, const struct identity *b)
{
	uint8_t x[IDENTITY_SECRET_BYTES], y[IDENTITY_SECRET_BYTES];

	identity_export(a, x);
	identity_export(b, y);
	assert_memory_equal(x, y, sizeof(x));
	assert_memory_equal(identity_cert(a)->raw, identity_cert(b)->raw, CERT_BYTES);
	assert_int_equal(identity_devlist(a)->raw_len, identity_devlist(b)->raw_len);
	assert_memory_equal(identity_devlist(a)->raw, identity_devlist(b)->raw,
			    identity_devlist(a)->raw_len);
}

static struct buf seal(const struct identity *id, struct slice phrase)
{
	struct buf b;

	buf_init(&b, KEYFILE_MAX_BYTES);
	assert_int_equal(keyfile_seal(id, phrase, &cheap, &rng.rng, &b), ERR_OK);
	return b;
}

static enum err unseal(const uint8_t *p, size_t n, struct slice phrase)
{
	struct identity *id;
	const enum err err = keyfile_unseal(slice_of(p, n), phrase, &id);

	if (err != ERR_OK)
		assert_null(id);
	identity_free(id);
	return err;
}

/* What the sum is for is damage; somebody who writes files on purpose mends it. */
static void mend_sum(uint8_t *p, size_t n)
{
	hash_one("p2pmsg-keysum-v1", slice_of(p, n - SUM_BYTES), p + n - SUM_BYTES,
		 SUM_BYTES);
}

static void golden_files_open(void **state)
{
	(void)state;
	json_t *file = vectors_golden("crypto.json");
	const json_t *g = json_object_get(file, "keyfile");
	const json_t *want = json_object_get(file, "identity");
	struct pool pool = {0};
	const struct slice phrase = vectors_hex(&pool, g, "passphrase");
	const struct slice secret = vectors_hex(&pool, want, "secret");
	const struct slice list = vectors_hex(&pool, want, "second_devlist");
	static const char *const names[] = {"open", "sealed"};

	for (int i = 0; i < 2; i++) {
		uint8_t exported[IDENTITY_SECRET_BYTES];
		struct identity *id;
		bool needs;
		const struct slice content = vectors_hex(&pool, g, names[i]);
		assert_int_equal(keyfile_check(content, &needs), ERR_OK);
		assert_int_equal(needs, i == 1);
		assert_int_equal(keyfile_unseal(content, phrase, &id), ERR_OK);
		identity_export(id, exported);
		assert_memory_equal(exported, secret.p, secret.n);
		assert_memory_equal(identity_devlist(id)->raw, list.p, list.n);
		identity_free(id);
	}
	const struct slice newer = vectors_hex(&pool, g, "newer");
	assert_int_equal(unseal(newer.p, newer.n, none), ERR_VERSION);
	pool_wipe(&pool);
	json_decref(file);
}

static void a_file_without_a_passphrase_goes_round(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng), *got;
	bool needs = true;
	struct stat st;

	umask(0);
	assert_int_equal(keyfile_save(path, id, none, &rng.rng), ERR_OK);
	umask(022);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(keyfile_probe(path, &needs), ERR_OK);
	assert_false(needs);
	assert_int_equal(keyfile_load(path, none, &got), ERR_OK);
	assert_same(id, got);
	identity_free(got);
	/* One that is not needed does no harm. */
	assert_int_equal(keyfile_load(path, passphrase(), &got), ERR_OK);
	identity_free(got);
	identity_free(id);
}

/* The real cost, once. */
static void a_file_with_a_passphrase_goes_round(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng), *got;
	bool needs = false;
	struct buf content;

	assert_int_equal(keyfile_save(path, id, passphrase(), &rng.rng), ERR_OK);
	assert_int_equal(keyfile_probe(path, &needs), ERR_OK);
	assert_true(needs);
	assert_int_equal(keyfile_load(path, none, &got), ERR_PASSPHRASE);
	assert_int_equal(keyfile_load(path, slice_str("correct horsf"), &got),
			 ERR_PASSPHRASE);
	assert_null(got);
	assert_int_equal(keyfile_load(path, passphrase(), &got), ERR_OK);
	assert_same(id, got);
	identity_free(got);
	buf_init(&content, KEYFILE_MAX_BYTES);
	assert_int_equal(file_read(path, &content), ERR_OK);
	assert_memory_equal(content.p + AT_PASSES, "\0\0\0\3\0\1\0\0", 8);
	buf_wipe(&content);
	identity_free(id);
}

static void passphrases_are_exact(void **state)
{
	(void)state;
	static const char *const wrong[] = {"correct hors", "correct horse ",
					    "Correct horse", "c", "correct horse\n"};
	struct identity *id = identity_generate(&rng.rng);
	struct buf b = seal(id, passphrase());

	assert_int_equal(unseal(b.p, b.len, passphrase()), ERR_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(unseal(b.p, b.len, slice_str(wrong[i])), ERR_PASSPHRASE);
	/* NULs are bytes like others. */
	assert_int_equal(unseal(b.p, b.len, slice_of("correct horse", 14)),
			 ERR_PASSPHRASE);
	assert_int_equal(unseal(b.p, b.len, none), ERR_PASSPHRASE);
	buf_wipe(&b);
	identity_free(id);
}

static bool holds(const struct buf *b, const uint8_t *p, size_t n)
{
	return memmem(b->p, b->len, p, n) != NULL;
}

static void no_secret_stands_in_the_file(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng);
	uint8_t secret[IDENTITY_SECRET_BYTES];

	identity_export(id, secret);
	for (int i = 0; i < 2; i++) {
		struct buf b = seal(id, i == 0 ? none : passphrase());
		for (size_t at = 0; at + 8 <= sizeof(secret) - 8; at += 8)
			assert_false(holds(&b, secret + at, 8));
		assert_false(holds(&b, identity_cert(id)->ik.b, 8));
		buf_wipe(&b);
	}
	identity_free(id);
}

static void salt_and_nonce_are_fresh(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng);
	struct buf a = seal(id, none), b = seal(id, none);

	assert_int_equal(a.len, b.len);
	assert_memory_not_equal(a.p + 28, b.p + 28, 16);
	assert_memory_not_equal(a.p + 44, b.p + 44, 24);
	assert_memory_not_equal(a.p + 68, b.p + 68, 32);
	buf_wipe(&a);
	buf_wipe(&b);
	identity_free(id);
}

static void every_flipped_bit_is_damage(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng);

	for (int i = 0; i < 2; i++) {
		struct buf b = seal(id, i == 0 ? none : passphrase());
		for (size_t bit = 0; bit < 8 * b.len; bit++) {
			bool needs = true;
			b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(unseal(b.p, b.len, passphrase()), ERR_CORRUPT);
			assert_int_equal(keyfile_check(buf_slice(&b), &needs),
					 ERR_CORRUPT);
			assert_false(needs);
			b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(unseal(b.p, b.len, passphrase()), ERR_OK);
		buf_wipe(&b);
	}
	identity_free(id);
}

/* One bit in each byte, because some of these cost an Argon2id run. */
static void every_forged_byte_is_refused(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng);

	for (int i = 0; i < 2; i++) {
		struct buf b = seal(id, i == 0 ? none : passphrase());
		for (size_t at = 0; at < b.len - SUM_BYTES; at++) {
			bool needs;
			b.p[at] ^= 2;
			mend_sum(b.p, b.len);
			/* Without a passphrase there is no cost either. */
			if (i == 0 && at >= AT_PASSES && at < AT_SALT)
				assert_int_equal(keyfile_check(buf_slice(&b), &needs),
						 ERR_CORRUPT);
			const enum err err = unseal(b.p, b.len, passphrase());
			if (at == AT_VERSION)
				assert_int_equal(err, ERR_VERSION);
			else if (i == 0 || at < AT_PASSES)
				assert_int_equal(err, ERR_CORRUPT);
			else
				assert_true(err == ERR_PASSPHRASE || err == ERR_CORRUPT);
			b.p[at] ^= 2;
		}
		buf_wipe(&b);
	}
	identity_free(id);
}

static void every_truncation_is_damage(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng);

	for (int i = 0; i < 2; i++) {
		struct buf b = seal(id, i == 0 ? none : passphrase());
		uint8_t *copy = mem_new(b.len + 1);
		for (size_t n = 0; n <= b.len + 1; n++) {
			if (n == b.len)
				continue;
			memcpy(copy, b.p, n < b.len ? n : b.len);
			assert_int_equal(unseal(copy, n, passphrase()), ERR_CORRUPT);
			if (n < SUM_BYTES)
				continue;
			mend_sum(copy, n);
			const enum err err = unseal(copy, n, passphrase());
			assert_true(err == ERR_CORRUPT ||
				    (i == 1 && err == ERR_PASSPHRASE));
		}
		mem_free(copy);
		buf_wipe(&b);
	}
	identity_free(id);
}

/* Anybody can seal a body without a passphrase. */
static enum err unseal_body(const uint8_t *body, size_t n)
{
	static const uint8_t header[HEADER_BYTES] = "p2pmsg-keyfile\0\1";
	const size_t len = HEADER_BYTES + n + 16 + SUM_BYTES;
	uint8_t *p = mem_new(len), key[32];

	memcpy(p, header, HEADER_BYTES);
	hash_one("p2pmsg-keynop-v1", slice_of(p + AT_SALT, 16), key, sizeof(key));
	crypto_aead_xchacha20poly1305_ietf_encrypt(p + HEADER_BYTES, NULL, body, n, p,
						   HEADER_BYTES, NULL, p + AT_NONCE, key);
	mend_sum(p, len);
	const enum err err = unseal(p, len, none);
	mem_free(p);
	return err;
}

static void a_body_of_another_form_is_damage(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng);
	const struct devlist *l = identity_devlist(id);
	const size_t n = IDENTITY_SECRET_BYTES + 2u + l->raw_len;
	uint8_t *body = mem_new(60000);
	uint8_t *length = body + IDENTITY_SECRET_BYTES;

	identity_export(id, body);
	length[1] = (uint8_t)l->raw_len;
	memcpy(length + 2, l->raw, l->raw_len);
	assert_int_equal(unseal_body(body, n), ERR_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(unseal_body(body, i), ERR_CORRUPT);
	assert_int_equal(unseal_body(body, n + 1), ERR_CORRUPT);
	assert_int_equal(unseal_body(body, n + 2000), ERR_CORRUPT);
	assert_int_equal(unseal_body(body, 60000), ERR_CORRUPT);
	length[1]--;
	assert_int_equal(unseal_body(body, n), ERR_CORRUPT);
	length[1] = (uint8_t)(length[1] + 2);
	assert_int_equal(unseal_body(body, n), ERR_CORRUPT);
	mem_free(body);
	identity_free(id);
}

/* Long enough to run over whatever a sane file needs. */
static void a_long_file_with_a_good_sum_is_damage(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng);
	uint8_t *p = mem_new(KEYFILE_MAX_BYTES);

	for (int i = 0; i < 2; i++) {
		struct buf b = seal(id, i == 0 ? none : passphrase());
		memcpy(p, b.p, b.len);
		mend_sum(p, KEYFILE_MAX_BYTES);
		assert_int_equal(unseal(p, KEYFILE_MAX_BYTES, passphrase()), ERR_CORRUPT);
		buf_wipe(&b);
	}
	mem_free(p);
	identity_free(id);
}

static void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void a_hostile_cost_is_refused_at_once(void **state)
{
	(void)state;
	static const uint32_t costs[][2] = {
		{0, 8},	       {1, 0},		{1, 7},
		{9, 8},	       {UINT32_MAX, 8}, {1, 256 * 1024 + 1},
		{1, 1u << 30}, {1, UINT32_MAX},
	};
	struct identity *id = identity_generate(&rng.rng);
	struct buf b = seal(id, passphrase());
	bool needs;

	for (size_t i = 0; i < sizeof(costs) / sizeof(*costs); i++) {
		put_u32(b.p + AT_PASSES, costs[i][0]);
		put_u32(b.p + AT_KIB, costs[i][1]);
		mend_sum(b.p, b.len);
		assert_int_equal(unseal(b.p, b.len, passphrase()), ERR_CORRUPT);
		assert_int_equal(keyfile_check(buf_slice(&b), &needs), ERR_CORRUPT);
	}
	put_u32(b.p + AT_PASSES, 1);
	put_u32(b.p + AT_KIB, 8);
	mend_sum(b.p, b.len);
	assert_int_equal(unseal(b.p, b.len, passphrase()), ERR_OK);
	buf_wipe(&b);
	identity_free(id);
}

static void others_may_not_read_it(void **state)
{
	(void)state;
	static const mode_t bad[] = {0644, 0640, 0604, 0620, 0602, 0666, 0777};
	struct identity *id = identity_generate(&rng.rng), *got;
	bool needs;

	assert_int_equal(keyfile_save(path, id, none, &rng.rng), ERR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(chmod(path, bad[i]), 0);
		assert_int_equal(keyfile_probe(path, &needs), ERR_PERM);
		assert_int_equal(keyfile_load(path, none, &got), ERR_PERM);
		assert_null(got);
	}
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(keyfile_load(path, none, &got), ERR_OK);
	identity_free(got);
	identity_free(id);
}

static void what_is_no_key_file_is_damage(void **state)
{
	(void)state;
	uint8_t *big = mem_new(KEYFILE_MAX_BYTES + 1);
	static const size_t sizes[] = {
		0, 1, 31, 32, 100, 446, KEYFILE_MAX_BYTES, KEYFILE_MAX_BYTES + 1};
	struct identity *got;
	bool needs;

	assert_int_equal(keyfile_probe(path, &needs), ERR_MISSING);
	assert_int_equal(keyfile_load(path, none, &got), ERR_MISSING);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_int_equal(file_write_atomic(path, slice_of(big, sizes[i]), 0600),
				 ERR_OK);
		assert_int_equal(keyfile_probe(path, &needs), ERR_CORRUPT);
		assert_int_equal(keyfile_load(path, none, &got), ERR_CORRUPT);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(keyfile_load(path, none, &got), ERR_OK);
	mem_free(big);
}

static void a_full_list_fits(void **state)
{
	(void)state;
	struct identity *id = identity_generate(&rng.rng), *got;

	for (int i = 1; i < DEVLIST_MAX_DEVICES; i++)
		identity_free(identity_new_device(id, &rng.rng));
	struct buf b = seal(id, passphrase());
	assert_int_equal(keyfile_unseal(buf_slice(&b), passphrase(), &got), ERR_OK);
	assert_int_equal(identity_devlist(got)->n, DEVLIST_MAX_DEVICES);
	assert_same(id, got);
	buf_wipe(&b);
	identity_free(got);
	identity_free(id);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(golden_files_open),
		test(a_file_without_a_passphrase_goes_round),
		test(a_file_with_a_passphrase_goes_round),
		test(passphrases_are_exact),
		test(no_secret_stands_in_the_file),
		test(salt_and_nonce_are_fresh),
		test(every_flipped_bit_is_damage),
		test(every_forged_byte_is_refused),
		test(every_truncation_is_damage),
		test(a_body_of_another_form_is_damage),
		test(a_long_file_with_a_good_sum_is_damage),
		test(a_hostile_cost_is_refused_at_once),
		test(others_may_not_read_it),
		test(what_is_no_key_file_is_damage),
		test(a_full_list_fits),
	};

	secret_init();
	return cmocka_run_group_tests_name("keyfile", tests, NULL, NULL);
}
