/*
 * The Noise engine against published vectors (trial A1), and against itself for
 * every pattern.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/noise.h"
#include "lib/noise_pair.h"
#include "lib/noise_vectors.h"
#include "lib/vectors.h"

static const struct slice none = {NULL, 0};

struct vector_count {
	unsigned ran, other_suite, unsupported;
};

/* "Noise_<pattern>_25519_ChaChaPoly_BLAKE2b": the pattern, else NULL. */
static const char *pattern_of(const char *protocol_name, char out[static 64])
{
	char rest[64];

	if (sscanf(protocol_name, "Noise_%63[^_]_%63s", out, rest) != 2 ||
	    strcmp(rest, "25519_ChaChaPoly_BLAKE2b") != 0)
		return NULL;
	return out;
}

static const uint8_t *key_or_null(struct slice key)
{
	return key.n == 32 ? key.p : NULL;
}

static void init_side(struct noise_handshakestate *hs, const struct noise_pattern *p,
		      bool initiator, const struct noise_vector_side *v)
{
	struct noise_keys keys = {
		key_or_null(v->s), key_or_null(v->rs), key_or_null(v->e), {0}};

	assert_int_equal(v->n_psks, noise_pattern_psks(p));
	for (unsigned i = 0; i < v->n_psks; i++)
		keys.psk[i] = v->psk[i].p;
	assert_int_equal(noise_handshake_init(hs, p, initiator, v->prologue, &keys, NULL),
			 ERR_OK);
}

static void check_handshake_message(struct noise_handshakestate *side,
				    const struct noise_vector *v, unsigned i)
{
	uint8_t *message = mem_new(NOISE_MAX_MESSAGE), *payload = mem_new(65536);
	struct noise_handshakestate *writer = &side[i % 2 == 0];
	struct noise_handshakestate *reader = &side[i % 2 != 0];
	size_t n, payload_n;

	assert_int_equal(noise_write_message(writer, v->messages[i].payload, message,
					     NOISE_MAX_MESSAGE, &n),
			 ERR_OK);
	assert_int_equal(n, v->messages[i].ciphertext.n);
	assert_memory_equal(message, v->messages[i].ciphertext.p, n);
	assert_int_equal(
		noise_read_message(reader, slice_of(message, n), payload, &payload_n),
		ERR_OK);
	assert_true(slice_eq(slice_of(payload, payload_n), v->messages[i].payload));
	mem_free(message);
	mem_free(payload);
}

static void check_transport_message(struct noise_transport *t, int from,
				    const struct noise_vector *v, unsigned i)
{
	const struct slice plaintext = v->messages[i].payload;
	const struct slice ciphertext = v->messages[i].ciphertext;
	uint8_t *p = mem_new(plaintext.n + NOISE_TAGLEN);

	assert_int_equal(noise_encrypt_with_ad(&t->send[from], none, plaintext, p),
			 ERR_OK);
	assert_int_equal(ciphertext.n, plaintext.n + NOISE_TAGLEN);
	assert_memory_equal(p, ciphertext.p, ciphertext.n);
	/* In place, as the record layer does it. */
	assert_int_equal(noise_decrypt_with_ad(&t->receive[1 - from], none,
					       slice_of(p, ciphertext.n), p),
			 ERR_OK);
	assert_true(slice_eq(slice_of(p, plaintext.n), plaintext));
	mem_free(p);
}

/* The text vectors let the responder speak in one-way patterns, which section 7.4
 * forbids: both ends must refuse. */
static void check_transport_refused(struct noise_transport *t,
				    const struct noise_vector *v, unsigned i)
{
	uint8_t out[256];

	assert_in_range(v->messages[i].ciphertext.n, 0, sizeof(out));
	assert_int_equal(
		noise_encrypt_with_ad(&t->send[0], none, v->messages[i].payload, out),
		ERR_LIMIT);
	assert_int_equal(noise_decrypt_with_ad(&t->receive[1], none,
					       v->messages[i].ciphertext, out),
			 ERR_LIMIT);
}

static void run_vector(const struct noise_pattern *p, const struct noise_vector *v)
{
	const unsigned n_handshake = noise_pattern_messages(p);
	struct noise_handshakestate side[2];
	struct noise_transport t;
	uint8_t h[2][NOISE_HASHLEN];

	init_side(&side[1], p, true, &v->initiator);
	init_side(&side[0], p, false, &v->responder);
	assert_true(v->n_messages > n_handshake);
	for (unsigned i = 0; i < n_handshake; i++)
		check_handshake_message(side, v, i);
	for (int s = 0; s < 2; s++)
		assert_int_equal(noise_split(&side[s], &t.send[s], &t.receive[s], h[s]),
				 ERR_OK);
	assert_memory_equal(h[0], h[1], NOISE_HASHLEN);
	if (v->handshake_hash.n > 0) {
		assert_int_equal(v->handshake_hash.n, NOISE_HASHLEN);
		assert_memory_equal(h[0], v->handshake_hash.p, NOISE_HASHLEN);
	}
	for (unsigned i = n_handshake; i < v->n_messages; i++) {
		const unsigned turn = v->is_restarted ? i - n_handshake : i;
		if (n_handshake == 1 && v->is_restarted && turn % 2 != 0)
			check_transport_refused(&t, v, i);
		else
			check_transport_message(
				&t, n_handshake == 1 || turn % 2 == 0 ? 1 : 0, v, i);
	}
}

static void on_vector(void *ctx, const struct noise_vector *v)
{
	struct vector_count *count = ctx;
	char name[64];

	if (pattern_of(v->protocol_name, name) == NULL) {
		count->other_suite++;
		return;
	}
	const struct noise_pattern *p = noise_pattern_find(name);
	if (p == NULL) {
		count->unsupported++;
		print_message("not supported: %s\n", v->protocol_name);
		return;
	}
	run_vector(p, v);
	count->ran++;
}

static struct vector_count run_file(const char *path)
{
	struct vector_count count = {0};
	const unsigned n = noise_vectors_each(path, on_vector, &count);

	print_message("%s: %u vectors: %u ran, %u of other suites, %u not supported\n",
		      path, n, count.ran, count.other_suite, count.unsupported);
	assert_int_equal(n, count.ran + count.other_suite + count.unsupported);
	return count;
}

static void A1_json_vectors(void **state)
{
	(void)state;
	char *path = vectors_path("noise/cacophony_25519_ChaChaPoly_BLAKE2b.json");
	const struct vector_count count = run_file(path);

	assert_int_equal(count.ran, 59);
	assert_int_equal(count.other_suite + count.unsupported, 0);
	mem_free(path);
}

static void A1_text_vectors(void **state)
{
	(void)state;
	char *path =
		vectors_path("/usr/share/gocode/src/github.com/flynn/noise/vectors.txt");
	const struct vector_count count = run_file(path);

	assert_int_equal(count.ran, 240);
	assert_int_equal(count.other_suite, 1680);
	assert_int_equal(count.unsupported, 0);
	mem_free(path);
}

/* Every pattern with several psks at once, made by python3-dissononce. */
static void golden_vectors(void **state)
{
	(void)state;
	const struct vector_count count = run_file("tests/golden/noise.json");

	assert_int_equal(count.ran, 38);
	assert_int_equal(count.other_suite + count.unsupported, 0);
}

/* Whatever other files the caller has: P2PMSG_NOISE_VECTORS=path:path */
static void A1_more_vectors(void **state)
{
	(void)state;
	char *copy = mem_strdup(getenv("P2PMSG_NOISE_VECTORS")), *rest = copy;
	for (char *path; (path = strsep(&rest, ":")) != NULL;) {
		if (access(path, R_OK) != 0)
			fail_msg("%s cannot be read", path);
		assert_true(run_file(path).ran > 0);
	}
	mem_free(copy);
}

static const char *const all_patterns[] = {
	"N",	"K",   "X",   "NN",   "KN",   "NK",  "KK",  "NX",   "KX",  "XN",
	"IN",	"XK",  "IK",  "XX",   "IX",   "NK1", "NX1", "X1N",  "X1K", "XK1",
	"X1K1", "X1X", "XX1", "X1X1", "K1N",  "K1K", "KK1", "K1K1", "K1X", "KX1",
	"K1X1", "I1N", "I1K", "IK1",  "I1K1", "I1X", "IX1", "I1X1",
};
enum { N_PATTERNS = sizeof(all_patterns) / sizeof(*all_patterns) };

/* "XX" and the set 0b101 give "XXpsk0+psk2". */
static void psk_name(const char *base, unsigned set, char out[static 64])
{
	int n = snprintf(out, 64, "%s", base);
	const char *plus = "";

	for (unsigned i = 0; i < 5; i++) {
		if ((set >> i & 1) == 0)
			continue;
		n += snprintf(out + n, (size_t)(64 - n), "%spsk%u", plus, i);
		plus = "+";
	}
}

static void run_pair(const char *name)
{
	struct noise_pair np;
	struct noise_transport t;

	noise_pair_init(&np, name);
	const bool is_one_way = noise_pattern_messages(np.side[0].pattern) == 1;
	noise_pair_finish(&np, &t);
	noise_transport_pass(&t, 1);
	if (!is_one_way)
		noise_transport_pass(&t, 0);
}

static void every_pattern_with_every_psk_set_agrees(void **state)
{
	(void)state;
	char name[64];
	unsigned ran = 0;

	for (unsigned i = 0; i < N_PATTERNS; i++) {
		const struct noise_pattern *p = noise_pattern_find(all_patterns[i]);
		assert_non_null(p);
		const unsigned sets = 2u << noise_pattern_messages(p);
		for (unsigned set = 0; set < 32; set++) {
			psk_name(all_patterns[i], set, name);
			if (set >= sets) {
				assert_null(noise_pattern_find(name));
				continue;
			}
			run_pair(name);
			ran++;
		}
	}
	/* 3 patterns of one message, 12 of two, 18 of three, 5 of four. */
	assert_int_equal(ran, 3 * 4 + 12 * 8 + 18 * 16 + 5 * 32);
}

/* A psk in another place, and another psk, is another handshake. */
static void a_wrong_psk_is_refused(void **state)
{
	(void)state;
	uint8_t message[256], payload[256];
	size_t n;
	struct noise_pair np;

	noise_pair_init(&np, "NNpsk0");
	np.side[0].psk[0][31] ^= 1;
	assert_int_equal(
		noise_write_message(&np.side[1], none, message, sizeof(message), &n),
		ERR_OK);
	assert_int_equal(
		noise_read_message(&np.side[0], slice_of(message, n), payload, &n),
		ERR_AUTH);
}

static void unknown_names_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = {
		"",
		"YY",
		"xx",
		"XXX",
		"XX ",
		"XXpsk",
		"XXpsk4",
		"XXpsk5",
		"XXpsk9",
		"XXpsk-1",
		"XXpsk3+",
		"XXpsk3psk3",
		"XXpsk3+psk3",
		"XXpsk2+psk1",
		"XX+psk1",
		"XXpsk01",
		"XXfallback",
		"XXnoidh",
		"XXpsk3+fallback",
		"X1",
		"Npsk2",
		"NNpsk3",
		"X1X1psk5",
		"psk0",
		"XXhfs",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (noise_pattern_find(names[i]) != NULL)
			fail_msg("'%s' was found", names[i]);
}

static void patterns_say_what_they_need(void **state)
{
	(void)state;
	const struct noise_pattern *xx = noise_pattern_find("XX");
	const struct noise_pattern *nk = noise_pattern_find("NKpsk0+psk2");
	const struct noise_pattern *x = noise_pattern_find("X");

	assert_true(noise_pattern_has_static(xx, true));
	assert_true(noise_pattern_has_static(xx, false));
	assert_false(noise_pattern_needs_remote(xx, true));
	assert_false(noise_pattern_needs_remote(xx, false));
	assert_int_equal(noise_pattern_messages(xx), 3);
	assert_int_equal(noise_pattern_psks(xx), 0);
	assert_false(noise_pattern_has_static(nk, true));
	assert_true(noise_pattern_has_static(nk, false));
	assert_true(noise_pattern_needs_remote(nk, true));
	assert_false(noise_pattern_needs_remote(nk, false));
	assert_int_equal(noise_pattern_psks(nk), 2);
	assert_true(noise_pattern_has_static(x, true));
	assert_int_equal(noise_pattern_messages(x), 1);
}

static void a_missing_key_is_a_usage_error(void **state)
{
	(void)state;
	const uint8_t k[32] = {1};
	const struct {
		const char *pattern;
		bool initiator;
		struct noise_keys keys;
	} cases[] = {
		{"XX", true, {0}},	{"XX", false, {0}},
		{"NK", true, {0}},	{"NK", false, {0}},
		{"IK", true, {.s = k}}, {"IK", true, {.rs = k}},
		{"NNpsk0", true, {0}},	{"NNpsk0+psk2", true, {.psk = {k, NULL}}},
	};
	struct noise_handshakestate hs;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(noise_handshake_init(
					 &hs, noise_pattern_find(cases[i].pattern),
					 cases[i].initiator, none, &cases[i].keys, NULL),
				 ERR_USAGE);
	assert_int_equal(
		noise_handshake_init(&hs, NULL, true, none, &cases[0].keys, NULL),
		ERR_USAGE);
}

/* Fresh ephemerals come from the rng when none is given. */
static void ephemerals_differ(void **state)
{
	(void)state;
	const struct noise_keys keys = {0};
	struct rng_seeded rng;
	uint8_t message[2][64];
	size_t n;

	rng_seeded_init(&rng, 1);
	for (int i = 0; i < 2; i++) {
		struct noise_handshakestate hs;
		noise_handshake_init(&hs, noise_pattern_find("NN"), true, none, &keys,
				     &rng.rng);
		assert_int_equal(noise_write_message(&hs, none, message[i], 64, &n),
				 ERR_OK);
		assert_int_equal(n, 32);
	}
	assert_memory_not_equal(message[0], message[1], 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(A1_json_vectors),
		cmocka_unit_test(A1_text_vectors),
		cmocka_unit_test(golden_vectors),
		cmocka_unit_test(every_pattern_with_every_psk_set_agrees),
		cmocka_unit_test(a_wrong_psk_is_refused),
		cmocka_unit_test(unknown_names_are_refused),
		cmocka_unit_test(patterns_say_what_they_need),
		cmocka_unit_test(a_missing_key_is_a_usage_error),
		cmocka_unit_test(ephemerals_differ),
	};

	const struct CMUnitTest more[] = {cmocka_unit_test(A1_more_vectors)};

	secret_init();
	int failed = cmocka_run_group_tests_name("noise", tests, NULL, NULL);
	if (getenv("P2PMSG_NOISE_VECTORS") != NULL)
		failed += cmocka_run_group_tests_name("noise_more", more, NULL, NULL);
	return failed;
}
