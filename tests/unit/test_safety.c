/*
 * What two people compare: values made without this code, the published word list, and
 * that no bit of what goes in can change unseen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/rng.h"
#include "crypto/safety.h"
#include "crypto/safety_words.h"
#include "lib/vectors.h"

static struct id32 key_of(struct pool *pool, const json_t *g, const char *name)
{
	struct id32 id;
	const struct slice s = vectors_hex(pool, g, name);
	assert_int_equal(s.n, sizeof id.b);
	memcpy(id.b, s.p, sizeof id.b);
	return id;
}

static unsigned number_of(const json_t *g, const char *name)
{
	return (unsigned)json_integer_value(json_object_get(g, name));
}

/* The first two are what Signal's own tests publish. */
static void sides_come_out_as_published(void **state)
{
	(void)state;
	json_t *file = vectors_golden("safety.json");
	const json_t *list = json_object_get(file, "sides");
	struct pool pool = {0};
	char both[2 * SAFETY_SIDE_BYTES] = "";
	size_t i;
	json_t *g;

	assert_int_equal(json_array_size(list), 10);
	json_array_foreach(list, i, g)
	{
		const struct safety_params with = {number_of(g, "version"),
						   number_of(g, "iterations")};
		char digits[SAFETY_SIDE_BYTES];
		safety_side(&with, vectors_hex(&pool, g, "key"),
			    vectors_hex(&pool, g, "id"), digits);
		assert_string_equal(digits, vectors_str(g, "digits"));
		if (i < 2)
			memcpy(both + 30 * i, digits, sizeof digits);
	}
	assert_string_equal(both, "300354477692869396892869876765"
				  "458257569162576843440918079131");
	pool_wipe(&pool);
	json_decref(file);
}

static void golden_numbers_and_codes_come_out_the_same(void **state)
{
	(void)state;
	json_t *file = vectors_golden("safety.json");
	const json_t *list = json_object_get(file, "numbers");
	struct pool pool = {0};
	size_t i;
	json_t *g;

	assert_int_equal(json_array_size(list), 56);
	json_array_foreach(list, i, g)
	{
		const struct id32 a = key_of(&pool, g, "a"), b = key_of(&pool, g, "b");
		char number[SAFETY_NUMBER_BYTES], code[SAFETY_CODE_BYTES];
		safety_number(&a, &b, number);
		assert_string_equal(number, vectors_str(g, "number"));
		safety_number(&b, &a, number);
		assert_string_equal(number, vectors_str(g, "number"));
		safety_code(&a, &b, code);
		assert_string_equal(code, vectors_str(g, "code"));
		assert_true(safety_code_fits(code, &b, &a));
		assert_false(safety_code_fits(code, &a, &b)); /* our own code */
	}
	pool_wipe(&pool);
	json_decref(file);
}

static void golden_runs_come_out_the_same(void **state)
{
	(void)state;
	json_t *file = vectors_golden("safety.json");
	const json_t *list = json_object_get(file, "runs");
	struct pool pool = {0};
	size_t i;
	json_t *g;

	assert_int_equal(json_array_size(list), 32);
	json_array_foreach(list, i, g)
	{
		const struct id32 a = key_of(&pool, g, "ik_a"),
				  b = key_of(&pool, g, "ik_b");
		const struct sas_run run = {
			.hash = vectors_hex(&pool, g, "hash").p,
			.ik_a = &a,
			.ik_b = &b,
			.nonce_a = vectors_hex(&pool, g, "nonce_a").p,
			.nonce_b = vectors_hex(&pool, g, "nonce_b").p,
		};
		uint8_t commit[SAS_COMMIT_BYTES], value[SAS_BYTES];
		char numbers[SAS_NUMBERS_BYTES];
		sas_commit(&run, commit);
		sas_value(&run, value);
		sas_numbers(value, numbers);
		assert_memory_equal(commit, vectors_hex(&pool, g, "commit").p, 32);
		assert_memory_equal(value, vectors_hex(&pool, g, "value").p, 32);
		assert_string_equal(numbers, vectors_str(g, "numbers"));
	}
	pool_wipe(&pool);
	json_decref(file);
}

static void numbers_of_the_edges(void **state)
{
	(void)state;
	uint8_t value[SAS_BYTES] = {0};
	char numbers[SAS_NUMBERS_BYTES];
	sas_numbers(value, numbers);
	assert_string_equal(numbers, "1000 1000 1000");
	memset(value, 0xff, sizeof value);
	sas_numbers(value, numbers);
	assert_string_equal(numbers, "9191 9191 9191");
	value[4] = 0xfe; /* the 40th bit is in the words only */
	sas_numbers(value, numbers);
	assert_string_equal(numbers, "9191 9191 9191");
	value[4] = 0xfd;
	sas_numbers(value, numbers);
	assert_string_equal(numbers, "9191 9191 9190");
}

/* The example that is printed wherever the list is described. */
static void words_of_the_published_example(void **state)
{
	(void)state;
	static const uint8_t print[20] = {0xe5, 0x82, 0x94, 0xf2, 0xe9, 0xa2, 0x27,
					  0x48, 0x6e, 0x8b, 0x06, 0x1b, 0x31, 0xcc,
					  0x52, 0x8f, 0xd7, 0xfa, 0x3f, 0x19};
	static const char *const words[] = {
		"topmost Istanbul Pluto vagabond treadmill",
		"brackish dictator goldfish Medusa afflict",
		"chatter revolver Dupont midsummer stopwatch",
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		uint8_t value[SAS_BYTES] = {0};
		char out[SAS_WORDS_BYTES];
		memcpy(value, print + 6 * i, 5);
		sas_words(value, out);
		assert_string_equal(out, words[i]);
	}
}

/* A digest of the whole list as several others have it: one column, then the other. */
static void the_word_list_is_the_published_one(void **state)
{
	(void)state;
	static const char want[] =
		"e9b7b0052233a74aa56724ed3f79c272036aed68d8f4c0856e833c8043b9ac62";
	crypto_hash_sha256_state st;
	uint8_t digest[32];
	char hex[65];
	crypto_hash_sha256_init(&st);
	for (size_t i = 0; i < 512; i++) {
		const char *word = safety_words[i % 256][i / 256];
		if (i > 0)
			crypto_hash_sha256_update(&st, (const uint8_t *)"\n", 1);
		crypto_hash_sha256_update(&st, (const uint8_t *)word, strlen(word));
		assert_true(strlen(word) <= SAS_WORDS_BYTES / 5 - 1);
	}
	crypto_hash_sha256_final(&st, digest);
	hex_encode(slice_of(digest, sizeof digest), hex);
	assert_string_equal(hex, want);
}

static void flip(uint8_t *bytes, size_t bit)
{
	bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

/* Hashed less often: the length of the chain is held by the vectors. */
static void every_bit_of_a_key_changes_its_digits(void **state)
{
	(void)state;
	static const struct safety_params with = {0, 3};
	struct rng_seeded rng;
	uint8_t in[33 + 32];
	char digits[SAFETY_SIDE_BYTES], other[SAFETY_SIDE_BYTES];
	rng_seeded_init(&rng, 1);
	rng_fill(&rng.rng, in, sizeof in);
	for (size_t bit = 0; bit <= 8 * sizeof in; bit++) {
		if (bit > 0)
			flip(in, bit - 1);
		safety_side(&with, slice_of(in, 33), slice_of(in + 33, 32),
			    bit == 0 ? digits : other);
		if (bit == 0)
			continue;
		assert_string_not_equal(digits, other);
		flip(in, bit - 1);
	}
}

static void each_side_is_in_the_number(void **state)
{
	(void)state;
	const struct id32 a = {{1}}, b = {{2}}, c = {{3}};
	char number[SAFETY_NUMBER_BYTES], other[SAFETY_NUMBER_BYTES];
	safety_number(&a, &b, number);
	safety_number(&a, &c, other);
	assert_false(safety_number_fits(other, number));
	safety_number(&c, &b, other);
	assert_false(safety_number_fits(other, number));
	safety_number(&b, &a, other);
	assert_true(safety_number_fits(other, number));
}

static void every_bit_of_a_run_changes_the_value(void **state)
{
	(void)state;
	struct rng_seeded rng;
	uint8_t in[64 + 4 * 32], value[SAS_BYTES], other[SAS_BYTES];
	uint8_t commit[SAS_COMMIT_BYTES], other_commit[SAS_COMMIT_BYTES];
	rng_seeded_init(&rng, 2);
	rng_fill(&rng.rng, in, sizeof in);
	struct id32 a, b;
	struct sas_run run = {in, &a, &b, in + 128, in + 160};
	for (size_t bit = 0; bit <= 8 * sizeof in; bit++) {
		if (bit > 0)
			flip(in, bit - 1);
		memcpy(a.b, in + 64, 32);
		memcpy(b.b, in + 96, 32);
		sas_value(&run, bit == 0 ? value : other);
		sas_commit(&run, bit == 0 ? commit : other_commit);
		if (bit == 0)
			continue;
		assert_memory_not_equal(value, other, sizeof value);
		/* of the keys and nonce_a alone */
		bool is_in_commit = bit > 512 && bit <= 512 + 3 * 256;
		assert_int_equal(memcmp(commit, other_commit, sizeof commit) != 0,
				 is_in_commit);
		flip(in, bit - 1);
	}
}

/* Who begins is part of it: a run cannot be sent back to its sender. */
static void the_two_sides_of_a_run_are_not_alike(void **state)
{
	(void)state;
	uint8_t hash[64] = {1}, n[2][32] = {{2}, {3}}, one[SAS_BYTES], two[SAS_BYTES];
	const struct id32 a = {{4}}, b = {{5}};
	const struct sas_run run = {hash, &a, &b, n[0], n[1]};
	const struct sas_run back = {hash, &b, &a, n[0], n[1]};
	sas_value(&run, one);
	sas_value(&back, two);
	assert_memory_not_equal(one, two, sizeof one);
	sas_commit(&run, one);
	sas_commit(&back, two);
	assert_memory_not_equal(one, two, sizeof one);
}

static void typed_numbers(void **state)
{
	(void)state;
	static const char number[] = "01234 56789 01234 56789 01234 56789 "
				     "01234 56789 01234 56789 01234 56789";
	static const char *const good[] = {
		"012345678901234567890123456789012345678901234567890123456789",
		" 01234-56789 01234-56789\t01234-56789 01234-56789 01234-56789 "
		"01234-56789 ",
	};
	static const char *const bad[] = {
		"",
		"yes",
		"01234 56789",
		"01234567890123456789012345678901234567890123456789012345678",
		"0123456789012345678901234567890123456789012345678901234567890",
		"01234567890123456789012345678901234567890123456789012345678x",
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(safety_number_fits(good[i], number));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(safety_is_number(bad[i]));
		assert_false(safety_number_fits(bad[i], number));
	}
	char other[sizeof number];
	for (size_t i = 0; i < sizeof number - 1; i++) {
		memcpy(other, number, sizeof number);
		if (other[i] == ' ')
			continue;
		other[i] = other[i] == '9' ? '0' : (char)(other[i] + 1);
		assert_true(safety_is_number(other));
		assert_false(safety_number_fits(other, number));
	}
}

static void codes_that_are_none(void **state)
{
	(void)state;
	const struct id32 a = {{1}}, b = {{2}}, c = {{3}};
	char code[SAFETY_CODE_BYTES], bad[SAFETY_CODE_BYTES + 1];
	safety_code(&a, &b, code);
	assert_int_equal(strlen(code), 121);
	assert_false(safety_code_fits(code, &c, &a));
	assert_false(safety_code_fits(code, &b, &c));
	for (size_t n = 0; n < strlen(code); n++) {
		memcpy(bad, code, sizeof code);
		bad[n] = '\0';
		assert_false(safety_is_code(bad));
		memcpy(bad, code, sizeof code);
		bad[n] = '!';
		assert_false(safety_is_code(bad));
		memcpy(bad, code, sizeof code);
		bad[n] = bad[n] == 'C' ? 'E' : 'C';
		assert_false(safety_code_fits(bad, &b, &a));
	}
	snprintf(bad, sizeof bad, "%sA", code);
	assert_false(safety_is_code(bad));
	for (char *ch = code; *ch != '\0'; ch++)
		*ch = *ch >= 'A' && *ch <= 'Z' ? (char)(*ch | 0x20) : *ch;
	assert_true(safety_code_fits(code, &b, &a)); /* as some readers give it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sides_come_out_as_published),
		cmocka_unit_test(golden_numbers_and_codes_come_out_the_same),
		cmocka_unit_test(golden_runs_come_out_the_same),
		cmocka_unit_test(numbers_of_the_edges),
		cmocka_unit_test(words_of_the_published_example),
		cmocka_unit_test(the_word_list_is_the_published_one),
		cmocka_unit_test(every_bit_of_a_key_changes_its_digits),
		cmocka_unit_test(each_side_is_in_the_number),
		cmocka_unit_test(every_bit_of_a_run_changes_the_value),
		cmocka_unit_test(the_two_sides_of_a_run_are_not_alike),
		cmocka_unit_test(typed_numbers),
		cmocka_unit_test(codes_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
