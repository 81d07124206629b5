#include "crypto/safety.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "crypto/hash.h"
#include "crypto/node_id.h"
#include "crypto/safety_words.h"

enum {
	/* what Signal has, but for the type of the key */
	VERSION = 0,
	ITERATIONS = 5200,
	KEY_TYPE = 0x0e,
	GROUPS = 12,
	SIDE_GROUPS = GROUPS / 2,
	GROUP_BYTES = 5,
	DIGITS = GROUPS * 5,
	HASH_BYTES = 64,
	KEY_CHARS = 52,
	WORDS = 5,
	NUMBERS = 3,
	NUMBER_BITS = 13,
	NUMBER_LEAST = 1000
};

static const char scheme[] = "P2PMSG-VERIFY-1:";
enum { SCHEME_CHARS = sizeof scheme - 1, CODE_CHARS = SAFETY_CODE_BYTES - 1 };

static struct slice key(const struct id32 *ik)
{
	return slice_of(ik->b, sizeof ik->b);
}

/* ---- the safety number ---- */

static uint64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void add(crypto_hash_sha512_state *st, struct slice s)
{
	if (s.n > 0)
		crypto_hash_sha512_update(st, s.p, s.n);
}

void safety_side(const struct safety_params *with, struct slice key, struct slice id,
		 char out[static SAFETY_SIDE_BYTES])
{
	const uint8_t version[2] = {(uint8_t)(with->version >> 8),
				    (uint8_t)with->version};
	uint8_t h[HASH_BYTES];
	struct slice before = slice_of(version, sizeof version);
	crypto_hash_sha512_state st;
	for (unsigned i = 0; i < with->iterations; i++) {
		crypto_hash_sha512_init(&st);
		add(&st, before);
		if (i == 0) {
			add(&st, key);
			add(&st, id);
		}
		add(&st, key);
		crypto_hash_sha512_final(&st, h);
		before = slice_of(h, sizeof h);
	}
	for (size_t i = 0; i < SIDE_GROUPS; i++) {
		uint64_t v = big_endian(h + GROUP_BYTES * i, GROUP_BYTES);
		snprintf(out + 5 * i, 6, "%05u", (unsigned)(v % 100000));
	}
}

static void side_of(const struct id32 *ik, char out[static SAFETY_SIDE_BYTES])
{
	static const struct safety_params ours = {VERSION, ITERATIONS};
	uint8_t typed[1 + sizeof ik->b] = {KEY_TYPE};
	struct id32 id;
	memcpy(typed + 1, ik->b, sizeof ik->b);
	node_id_of(ik, &id);
	safety_side(&ours, slice_of(typed, sizeof typed), slice_of(id.b, sizeof id.b),
		    out);
}

/* The smaller half first, so that both sides have the same. */
void safety_number(const struct id32 *a, const struct id32 *b,
		   char out[static SAFETY_NUMBER_BYTES])
{
	char sides[2][SAFETY_SIDE_BYTES];
	side_of(a, sides[0]);
	side_of(b, sides[1]);
	unsigned first = strcmp(sides[0], sides[1]) > 0;
	for (size_t i = 0; i < GROUPS; i++) {
		const char *side = sides[i < SIDE_GROUPS ? first : !first];
		snprintf(out + 6 * i, SAFETY_NUMBER_BYTES - 6 * i, "%.5s%s",
			 side + 5 * (i % SIDE_GROUPS), i + 1 < GROUPS ? " " : "");
	}
}

/* The digits alone; false when there is anything but these, blanks and dashes, or
 * another count of them. */
static bool squeeze(const char *typed, char out[static DIGITS])
{
	size_t n = 0;
	for (; *typed != '\0'; typed++) {
		if (strchr(" \t-", *typed) != NULL)
			continue;
		if (*typed < '0' || *typed > '9' || n == DIGITS)
			return false;
		out[n++] = *typed;
	}
	return n == DIGITS;
}

bool safety_is_number(const char *typed)
{
	char digits[DIGITS];
	return squeeze(typed, digits);
}

bool safety_number_fits(const char *typed, const char *number)
{
	char a[DIGITS], b[DIGITS];
	return squeeze(typed, a) && squeeze(number, b) && memcmp(a, b, DIGITS) == 0;
}

/* ---- the code ---- */

void safety_code(const struct id32 *self, const struct id32 *peer,
		 char out[static SAFETY_CODE_BYTES])
{
	memcpy(out, scheme, SCHEME_CHARS);
	base32_encode(key(self), out + SCHEME_CHARS);
	out[SCHEME_CHARS + KEY_CHARS] = ':';
	base32_encode(key(peer), out + SCHEME_CHARS + KEY_CHARS + 1);
	for (char *c = out; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
}

static bool parse_code(const char *text, struct id32 *first, struct id32 *second)
{
	if (strlen(text) != CODE_CHARS || strncasecmp(text, scheme, SCHEME_CHARS) != 0 ||
	    text[SCHEME_CHARS + KEY_CHARS] != ':')
		return false;
	text += SCHEME_CHARS;
	return base32_decode(slice_of(text, KEY_CHARS), first->b, sizeof first->b) ==
		       ERR_OK &&
	       base32_decode(slice_of(text + KEY_CHARS + 1, KEY_CHARS), second->b,
			     sizeof second->b) == ERR_OK;
}

bool safety_is_code(const char *text)
{
	struct id32 first, second;
	return parse_code(text, &first, &second);
}

bool safety_code_fits(const char *text, const struct id32 *self, const struct id32 *peer)
{
	struct id32 first, second;
	return parse_code(text, &first, &second) && id32_eq(&first, peer) &&
	       id32_eq(&second, self);
}

/* ---- the short words ---- */

void sas_commit(const struct sas_run *run, uint8_t out[static SAS_COMMIT_BYTES])
{
	const struct slice parts[] = {slice_of(run->nonce_a, SAS_NONCE_BYTES),
				      key(run->ik_a), key(run->ik_b)};
	hash_labelled("p2pmsg-sascom-v1", parts, 3, out, SAS_COMMIT_BYTES);
}

void sas_value(const struct sas_run *run, uint8_t out[static SAS_BYTES])
{
	const struct slice parts[] = {
		slice_of(run->hash, HASH_BYTES),
		key(run->ik_a),
		key(run->ik_b),
		slice_of(run->nonce_a, SAS_NONCE_BYTES),
		slice_of(run->nonce_b, SAS_NONCE_BYTES),
	};
	hash_labelled("p2pmsg-saskey-v1", parts, sizeof parts / sizeof *parts, out,
		      SAS_BYTES);
}

/* From two lists in turn, so that a word left out or exchanged is heard. */
void sas_words(const uint8_t value[static SAS_BYTES], char out[static SAS_WORDS_BYTES])
{
	size_t n = 0;
	for (size_t i = 0; i < WORDS; i++)
		n += (size_t)snprintf(out + n, SAS_WORDS_BYTES - n, "%s%s",
				      i > 0 ? " " : "", safety_words[value[i]][i % 2]);
}

void sas_numbers(const uint8_t value[static SAS_BYTES],
		 char out[static SAS_NUMBERS_BYTES])
{
	uint64_t bits = big_endian(value, 5) >> (40 - NUMBERS * NUMBER_BITS);
	unsigned v[NUMBERS];
	for (size_t i = NUMBERS; i-- > 0; bits >>= NUMBER_BITS)
		v[i] = NUMBER_LEAST + (unsigned)(bits & ((1U << NUMBER_BITS) - 1));
	snprintf(out, SAS_NUMBERS_BYTES, "%04u %04u %04u", v[0] % 10000, v[1] % 10000,
		 v[2] % 10000);
}
