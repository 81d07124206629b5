/*
 * bulkseal, with libcrypto and without: the two against each other, against noise.h, and
 * against published vectors.
 */
#include "crypto/bulkseal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/thread.h"
#include "lib/bulkseal_sodium.h"
#include "lib/noise_vectors.h"
#include "lib/vectors.h"

/* One implementation under test. */
struct variant {
	const char *name;
	void *(*new)(struct noise_cipherstate *cs);
	void (*free)(void *s);
	enum err (*seal)(void *s, struct slice plaintext, uint8_t *out);
	enum err (*open)(void *s, struct slice ciphertext, uint8_t *out);
	uint64_t (*count)(const void *s);
};

#define VARIANT(prefix, type) \
	static void *prefix##_new_(struct noise_cipherstate *cs) \
	{ \
		return prefix##_new(cs); \
	} \
	static void prefix##_free_(void *s) \
	{ \
		prefix##_free(s); \
	} \
	static enum err prefix##_seal_(void *s, struct slice in, uint8_t *out) \
	{ \
		return prefix##_seal(s, in, out); \
	} \
	static enum err prefix##_open_(void *s, struct slice in, uint8_t *out) \
	{ \
		return prefix##_open(s, in, out); \
	} \
	static uint64_t prefix##_count_(const void *s) \
	{ \
		return prefix##_count(s); \
	}
VARIANT(bulkseal, bulkseal)
VARIANT(sodium_bulkseal, sodium_bulkseal)

#define ROW(prefix) \
	{ \
#prefix, prefix##_new_, prefix##_free_, prefix##_seal_, prefix##_open_, \
			prefix##_count_ \
	}
static const struct variant variants[] = {ROW(bulkseal), ROW(sodium_bulkseal)};
enum { N_VARIANTS = 2 };

#define each_variant(v) \
	for (const struct variant *v = variants; v < variants + N_VARIANTS; v++)

enum { TEXT_MAX = NOISE_MAX_MESSAGE - BULKSEAL_TAG_BYTES };

static struct rng_seeded rng;
static uint8_t plain[TEXT_MAX], sealed[N_VARIANTS + 1][NOISE_MAX_MESSAGE + 16];

static int setup(void **state)
{
	(void)state;
	rng_seeded_init(&rng, 1);
	rng_fill(&rng.rng, plain, sizeof(plain));
	return 0;
}

static struct noise_cipherstate cipher(uint64_t n)
{
	struct noise_cipherstate cs;
	uint8_t k[NOISE_KEYLEN];

	memset(k, 0x5a, sizeof(k));
	noise_cipherstate_initialize_key(&cs, k);
	cs.n = n;
	return cs;
}

static void *make(const struct variant *v, uint64_t n)
{
	struct noise_cipherstate cs = cipher(n);

	return v->new (&cs);
}

static void the_library_is_the_one_of_the_build(void **state)
{
	struct noise_cipherstate cs = cipher(0), cs2 = cipher(0);
	struct bulkseal *s = bulkseal_new(&cs);
	struct sodium_bulkseal *t = sodium_bulkseal_new(&cs2);

	(void)state;
#ifdef HAVE_LIBCRYPTO
	assert_string_equal(bulkseal_library(s), "libcrypto");
#else
	assert_string_equal(bulkseal_library(s), "libsodium");
#endif
	assert_string_equal(sodium_bulkseal_library(t), "libsodium");
	bulkseal_free(s);
	sodium_bulkseal_free(t);
}

static void the_key_is_taken_and_its_source_wiped(void **state)
{
	static const struct noise_cipherstate none;

	(void)state;
	each_variant(v)
	{
		struct noise_cipherstate cs = cipher(3);
		void *s = v->new (&cs);
		assert_memory_equal(&cs, &none, sizeof(cs));
		assert_int_equal(v->count(s), 3);
		v->free(s);
		v->free(NULL);
	}
}

static void without_a_key_nothing_is_sealed(void **state)
{
	(void)state;
	each_variant(v)
	{
		struct noise_cipherstate cs = {.n = 0};
		void *s = v->new (&cs);
		assert_int_equal(v->seal(s, slice_of(plain, 5), sealed[0]), ERR_LIMIT);
		v->free(s);
	}
}

/* Sizes around the blocks of the cipher and of its implementations, and the ends. */
static const size_t sizes[] = {0,   1,	 15,  16,  17,	31,   32,   63,	   64,
			       65,  127, 128, 129, 255, 256,  257,  511,   512,
			       513, 960, 961, 975, 976, 1023, 1024, 16385, TEXT_MAX};
enum { N_SIZES = sizeof(sizes) / sizeof(*sizes) };

static void all_seal_the_bytes_of_noise(void **state)
{
	struct noise_cipherstate noise = cipher(0);
	void *s[N_VARIANTS];

	(void)state;
	for (size_t i = 0; i < N_VARIANTS; i++)
		s[i] = make(&variants[i], 0);
	for (size_t at = 0; at < N_SIZES; at++) {
		struct slice text = slice_of(plain, sizes[at]);
		noise_encrypt_with_ad(&noise, slice_of(NULL, 0), text,
				      sealed[N_VARIANTS]);
		for (size_t i = 0; i < N_VARIANTS; i++) {
			assert_int_equal(variants[i].seal(s[i], text, sealed[i]), ERR_OK);
			assert_memory_equal(sealed[i], sealed[N_VARIANTS],
					    text.n + BULKSEAL_TAG_BYTES);
			assert_int_equal(variants[i].count(s[i]), at + 1);
		}
	}
	for (size_t i = 0; i < N_VARIANTS; i++)
		variants[i].free(s[i]);
}

/* Every counter byte is where Noise has it. */
static void the_counter_is_the_nonce_of_noise(void **state)
{
	(void)state;
	each_variant(v)
	{
		for (unsigned bit = 0; bit < 40; bit++) {
			uint64_t n = UINT64_C(1) << bit;
			struct noise_cipherstate noise = cipher(n);
			void *s = make(v, n);
			struct slice text = slice_of(plain, 40);
			noise_encrypt_with_ad(&noise, slice_of(NULL, 0), text, sealed[1]);
			assert_int_equal(v->seal(s, text, sealed[0]), ERR_OK);
			assert_memory_equal(sealed[0], sealed[1], 56);
			v->free(s);
		}
	}
}

static void all_open_in_place_and_apart_what_noise_has_sealed(void **state)
{
	(void)state;
	each_variant(v)
	{
		struct noise_cipherstate noise = cipher(0);
		void *in_place = make(v, 0), *apart = make(v, 0);
		for (size_t at = 0; at < N_SIZES; at++) {
			size_t n = sizes[at];
			struct slice c = slice_of(sealed[0], n + BULKSEAL_TAG_BYTES);
			noise_encrypt_with_ad(&noise, slice_of(NULL, 0),
					      slice_of(plain, n), sealed[0]);
			assert_int_equal(v->open(apart, c, sealed[1]), ERR_OK);
			assert_memory_equal(sealed[1], plain, n);
			assert_int_equal(v->open(in_place, c, sealed[0]), ERR_OK);
			assert_memory_equal(sealed[0], plain, n);
		}
		v->free(in_place);
		v->free(apart);
	}
}

/* As in a frame: behind its head, at no aligned place. */
static void sealing_in_place_is_sealing(void **state)
{
	enum { AT = 2, N = 65519 };

	(void)state;
	each_variant(v)
	{
		struct noise_cipherstate noise = cipher(0);
		void *s = make(v, 0);
		memcpy(sealed[0] + AT, plain, N);
		assert_int_equal(v->seal(s, slice_of(sealed[0] + AT, N), sealed[0] + AT),
				 ERR_OK);
		noise_encrypt_with_ad(&noise, slice_of(NULL, 0), slice_of(plain, N),
				      sealed[1]);
		assert_memory_equal(sealed[0] + AT, sealed[1], N + BULKSEAL_TAG_BYTES);
		v->free(s);
	}
}

/* Fail, then succeed: and nothing of what did not prove itself stays. */
static void A6_a_failure_does_not_move_the_counter(void **state)
{
	enum { N = 300 };
	static const uint8_t zeros[N];

	(void)state;
	each_variant(v)
	{
		void *seals = make(v, 7), *opens = make(v, 7);
		struct slice c = slice_of(sealed[0], N + BULKSEAL_TAG_BYTES);
		v->seal(seals, slice_of(plain, N), sealed[0]);
		for (size_t i = 0; i < c.n; i++) {
			memcpy(sealed[1], sealed[0], c.n);
			sealed[1][i] ^= 1 << i % 8;
			memset(sealed[2], 0xff, N);
			assert_int_equal(
				v->open(opens, slice_of(sealed[1], c.n), sealed[2]),
				ERR_AUTH);
			assert_memory_equal(sealed[2], zeros, N);
			assert_int_equal(
				v->open(opens, slice_of(sealed[1], c.n), sealed[1]),
				ERR_AUTH);
			assert_memory_equal(sealed[1], zeros, N);
			assert_int_equal(v->count(opens), 7);
		}
		assert_int_equal(v->open(opens, c, sealed[2]), ERR_OK);
		assert_memory_equal(sealed[2], plain, N);
		assert_int_equal(v->open(opens, c, sealed[2]), ERR_AUTH);
		v->free(seals);
		v->free(opens);
	}
}

static void A4_what_is_cut_or_longer_does_not_open(void **state)
{
	enum { N = 80, WHOLE = N + BULKSEAL_TAG_BYTES };

	(void)state;
	each_variant(v)
	{
		void *seals = make(v, 0), *opens = make(v, 0);
		v->seal(seals, slice_of(plain, N), sealed[0]);
		for (size_t n = 0; n <= WHOLE + 3; n++) {
			enum err e = v->open(opens, slice_of(sealed[0], n), sealed[1]);
			assert_int_equal(e, n == WHOLE		     ? ERR_OK
					    : n < BULKSEAL_TAG_BYTES ? ERR_PROTO
								     : ERR_AUTH);
			if (n == WHOLE)
				break;
		}
		v->free(opens);
		opens = make(v, 0);
		assert_int_equal(
			v->open(opens, slice_of(sealed[0], WHOLE + 1), sealed[1]),
			ERR_AUTH);
		assert_int_equal(v->open(opens,
					 slice_of(sealed[0], NOISE_MAX_MESSAGE + 1),
					 sealed[1]),
				 ERR_PROTO);
		assert_int_equal(v->seal(seals, slice_of(plain, TEXT_MAX + 1), sealed[1]),
				 ERR_RANGE);
		v->free(seals);
		v->free(opens);
	}
}

static void A12_after_two_to_the_forty_records_no_more(void **state)
{
	(void)state;
	each_variant(v)
	{
		void *seals = make(v, BULKSEAL_RECORDS_MAX - 1);
		void *opens = make(v, BULKSEAL_RECORDS_MAX - 1);
		struct slice c = slice_of(sealed[0], 4 + BULKSEAL_TAG_BYTES);
		assert_int_equal(v->seal(seals, slice_of(plain, 4), sealed[0]), ERR_OK);
		assert_int_equal(v->open(opens, c, sealed[1]), ERR_OK);
		memset(sealed[0], 0, 20);
		assert_int_equal(v->seal(seals, slice_of(plain, 4), sealed[0]),
				 ERR_LIMIT);
		for (size_t i = 0; i < 20; i++)
			assert_int_equal(sealed[0][i], 0);
		assert_int_equal(v->open(opens, c, sealed[1]), ERR_LIMIT);
		v->free(seals);
		v->free(opens);
	}
}

/* ----------------------------------------------------------------- vectors */

static void check_transport(const struct variant *v, const struct noise_cipherstate *key,
			    struct slice text, struct slice c)
{
	struct noise_cipherstate cs = *key, cs2 = *key;
	void *seals = v->new (&cs), *opens = v->new (&cs2);

	assert_int_equal(c.n, text.n + BULKSEAL_TAG_BYTES);
	assert_int_equal(v->seal(seals, text, sealed[0]), ERR_OK);
	assert_memory_equal(sealed[0], c.p, c.n);
	assert_int_equal(v->open(opens, c, sealed[0]), ERR_OK);
	if (text.n > 0)
		assert_memory_equal(sealed[0], text.p, text.n);
	v->free(seals);
	v->free(opens);
}

/* NULL for another suite, and for one-way patterns. */
static const struct noise_pattern *pattern_of(const struct noise_vector *v)
{
	char name[64], rest[64];

	if (sscanf(v->protocol_name, "Noise_%63[^_]_%63s", name, rest) != 2 ||
	    strcmp(rest, "25519_ChaChaPoly_BLAKE2b") != 0)
		return NULL;
	const struct noise_pattern *p = noise_pattern_find(name);
	return p != NULL && noise_pattern_messages(p) > 1 ? p : NULL;
}

static const uint8_t *key_or_null(struct slice key)
{
	return key.n == NOISE_DHLEN ? key.p : NULL;
}

static void start(struct noise_handshakestate *hs, const struct noise_pattern *p,
		  bool is_initiator, const struct noise_vector_side *v)
{
	struct noise_keys keys = {
		key_or_null(v->s), key_or_null(v->rs), key_or_null(v->e), {0}};

	for (unsigned i = 0; i < v->n_psks; i++)
		keys.psk[i] = v->psk[i].p;
	assert_int_equal(
		noise_handshake_init(hs, p, is_initiator, v->prologue, &keys, NULL),
		ERR_OK);
}

/* The handshake by noise.h, the transport messages by bulkseal, with the counters that
 * they have. */
static void run_vector(void *ctx, const struct noise_vector *v)
{
	struct noise_handshakestate hs[2];
	struct noise_cipherstate send[2], receive[2];
	unsigned *ran = ctx, i = 0;
	size_t n, n2;

	const struct noise_pattern *p = pattern_of(v);
	if (p == NULL)
		return;
	start(&hs[0], p, true, &v->initiator);
	start(&hs[1], p, false, &v->responder);
	for (; !noise_is_done(&hs[0]); i++) {
		assert_int_equal(noise_write_message(&hs[i % 2], v->messages[i].payload,
						     sealed[0], sizeof(sealed[0]), &n),
				 ERR_OK);
		assert_int_equal(noise_read_message(&hs[1 - i % 2],
						    slice_of(sealed[0], n), sealed[1],
						    &n2),
				 ERR_OK);
	}
	for (unsigned side = 0; side < 2; side++)
		noise_split(&hs[side], &send[side], &receive[side], NULL);
	for (unsigned first = i; i < v->n_messages; i++) {
		unsigned from = v->is_restarted ? (i - first) % 2 : i % 2;
		each_variant(variant)
			check_transport(variant, &send[from], v->messages[i].payload,
					v->messages[i].ciphertext);
		send[from].n++;
		++*ran;
	}
}

static void A1_published_noise_vectors(void **state)
{
	char *path = vectors_path("noise/cacophony_25519_ChaChaPoly_BLAKE2b.json");
	unsigned ran = 0;

	(void)state;
	noise_vectors_each(path, run_vector, &ran);
	assert_true(ran > 50);
	mem_free(path);
}

/* Made with python3-dissononce: there whatever else is missing. */
static void A1_golden_noise_vectors(void **state)
{
	unsigned ran = 0;

	(void)state;
	noise_vectors_each("tests/golden/noise.json", run_vector, &ran);
	assert_true(ran > 50);
}

/* ----------------------------------------------------------------- threads */

static void work(void *ctx)
{
	static const size_t n = 1000;
	struct bulkseal *s = ctx;
	uint8_t *own = mem_new(n + BULKSEAL_TAG_BYTES);

	for (int i = 0; i < 200; i++)
		bulkseal_seal(s, slice_of(own, n), own);
	mem_free(own);
	bulkseal_free(s);
}

static void threads_may_take_it_over(void **state)
{
	struct thread *threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct noise_cipherstate cs = cipher(i);
		assert_int_equal(
			thread_start("seal", work, bulkseal_new(&cs), &threads[i]),
			ERR_OK);
	}
	for (size_t i = 0; i < 4; i++)
		thread_join(threads[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_library_is_the_one_of_the_build),
		cmocka_unit_test(the_key_is_taken_and_its_source_wiped),
		cmocka_unit_test(without_a_key_nothing_is_sealed),
		cmocka_unit_test(all_seal_the_bytes_of_noise),
		cmocka_unit_test(the_counter_is_the_nonce_of_noise),
		cmocka_unit_test(all_open_in_place_and_apart_what_noise_has_sealed),
		cmocka_unit_test(sealing_in_place_is_sealing),
		cmocka_unit_test(A6_a_failure_does_not_move_the_counter),
		cmocka_unit_test(A4_what_is_cut_or_longer_does_not_open),
		cmocka_unit_test(A12_after_two_to_the_forty_records_no_more),
		cmocka_unit_test(A1_published_noise_vectors),
		cmocka_unit_test(A1_golden_noise_vectors),
		cmocka_unit_test(threads_may_take_it_over),
	};

	secret_init();
	return cmocka_run_group_tests(tests, setup, NULL);
}
