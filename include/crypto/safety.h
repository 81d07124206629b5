/*
 * safety: what two people compare to know that nobody is between them: the safety
 * number of their two keys, the code of the same for a camera, and the short words of
 * a run over a live session. p2pmsg-protocol(7), "Trust".
 */
#ifndef CRYPTO_SAFETY_H
#define CRYPTO_SAFETY_H

#include <stdbool.h>

#include "base/ids.h"
#include "base/slice.h"

enum {
	SAFETY_SIDE_BYTES = 30 + 1, /* digits, NUL */
	SAFETY_NUMBER_BYTES = 12 * 6, /* 12 groups of 5 digits, blanks between, NUL */
	SAFETY_CODE_BYTES = 16 + 52 + 1 + 52 + 1, /* 121 characters, NUL */
	SAS_NONCE_BYTES = 32,
	SAS_COMMIT_BYTES = 32,
	SAS_BYTES = 32,
	SAS_WORDS_BYTES = 5 * 13, /* the longest word has 12 letters */
	SAS_NUMBERS_BYTES = 3 * 5 /* "1000 9191 4096" and NUL */
};

/* Signal's numeric fingerprint of one side: the digits that stand for its key, however
 * often it is hashed. */
struct safety_params {
	unsigned version, iterations;
};
/* iterations >= 1; key with its type before it; id: what else names its owner. */
void safety_side(const struct safety_params *with, struct slice key, struct slice id,
		 char out[static SAFETY_SIDE_BYTES]);

/* The same whichever key is a and whichever is b. Takes some milliseconds: whoever makes
 * up keys to find a number like another pays that for each. */
void safety_number(const struct id32 *a, const struct id32 *b,
		   char out[static SAFETY_NUMBER_BYTES]);
/* True when typed is this number, whatever blanks and dashes stand in it. */
bool safety_number_fits(const char *typed, const char *number);
/* True when it has the form of a number: 60 digits, blanks and dashes. */
bool safety_is_number(const char *typed);

/* The text of the QR code that `self` shows to `peer`. */
void safety_code(const struct id32 *self, const struct id32 *peer,
		 char out[static SAFETY_CODE_BYTES]);
/* True when it has the form of such a text, in either case. */
bool safety_is_code(const char *text);
/* True when it is what `peer` shows to `self`: both keys are right, and in their
 * places. */
bool safety_code_fits(const char *text, const struct id32 *self, const struct id32 *peer);

/* What both sides of one run know. a has begun it. */
struct sas_run {
	const uint8_t *hash; /* of the handshake: 64 bytes */
	const struct id32 *ik_a, *ik_b;
	const uint8_t *nonce_a, *nonce_b; /* SAS_NONCE_BYTES each */
};

/* Of nonce_a, ik_a and ik_b; the rest may be NULL. */
void sas_commit(const struct sas_run *run, uint8_t out[static SAS_COMMIT_BYTES]);
void sas_value(const struct sas_run *run, uint8_t out[static SAS_BYTES]);
/* Five words, blanks between. */
void sas_words(const uint8_t value[static SAS_BYTES], char out[static SAS_WORDS_BYTES]);
/* Three numbers from 1000 to 9191, blanks between. */
void sas_numbers(const uint8_t value[static SAS_BYTES],
		 char out[static SAS_NUMBERS_BYTES]);

#endif
