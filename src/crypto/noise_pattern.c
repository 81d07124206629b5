#include "crypto/noise_pattern.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGES_MAX = 4, BASE_TOKENS_MAX = 6, PSK_SETS = 32 };

/* Pre-messages: the static key of the initiator, the responder, both. */
enum { NONE = 0, I = 1, R = 2, IR = I | R };

enum {
	E = NOISE_E,
	S = NOISE_S,
	EE = NOISE_EE,
	ES = NOISE_ES,
	SE = NOISE_SE,
	SS = NOISE_SS
};

/* X(name, pre-messages, tokens of each message; the initiator begins) */
/* clang-format off: a row a line */
#define PATTERN_TABLE(X) \
	/* one-way, section 7.4 */ \
	X(N, R, {E, ES}) \
	X(K, IR, {E, ES, SS}) \
	X(X, R, {E, ES, S, SS}) \
	/* fundamental, section 7.5 */ \
	X(NN, NONE, {E}, {E, EE}) \
	X(KN, I, {E}, {E, EE, SE}) \
	X(NK, R, {E, ES}, {E, EE}) \
	X(KK, IR, {E, ES, SS}, {E, EE, SE}) \
	X(NX, NONE, {E}, {E, EE, S, ES}) \
	X(KX, I, {E}, {E, EE, SE, S, ES}) \
	X(XN, NONE, {E}, {E, EE}, {S, SE}) \
	X(IN, NONE, {E, S}, {E, EE, SE}) \
	X(XK, R, {E, ES}, {E, EE}, {S, SE}) \
	X(IK, R, {E, ES, S, SS}, {E, EE, SE}) \
	X(XX, NONE, {E}, {E, EE, S, ES}, {S, SE}) \
	X(IX, NONE, {E, S}, {E, EE, SE, S, ES}) \
	/* deferred, section 18.1 */ \
	X(NK1, R, {E}, {E, EE, ES}) \
	X(NX1, NONE, {E}, {E, EE, S}, {ES}) \
	X(X1N, NONE, {E}, {E, EE}, {S}, {SE}) \
	X(X1K, R, {E, ES}, {E, EE}, {S}, {SE}) \
	X(XK1, R, {E}, {E, EE, ES}, {S, SE}) \
	X(X1K1, R, {E}, {E, EE, ES}, {S}, {SE}) \
	X(X1X, NONE, {E}, {E, EE, S, ES}, {S}, {SE}) \
	X(XX1, NONE, {E}, {E, EE, S}, {ES, S, SE}) \
	X(X1X1, NONE, {E}, {E, EE, S}, {ES, S}, {SE}) \
	X(K1N, I, {E}, {E, EE}, {SE}) \
	X(K1K, IR, {E, ES}, {E, EE}, {SE}) \
	X(KK1, IR, {E}, {E, EE, SE, ES}) \
	X(K1K1, IR, {E}, {E, EE, ES}, {SE}) \
	X(K1X, I, {E}, {E, EE, S, ES}, {SE}) \
	X(KX1, I, {E}, {E, EE, SE, S}, {ES}) \
	X(K1X1, I, {E}, {E, EE, S}, {SE, ES}) \
	X(I1N, NONE, {E, S}, {E, EE}, {SE}) \
	X(I1K, R, {E, ES, S}, {E, EE}, {SE}) \
	X(IK1, R, {E, S}, {E, EE, SE, ES}) \
	X(I1K1, R, {E, S}, {E, EE, ES}, {SE}) \
	X(I1X, NONE, {E, S}, {E, EE, S, ES}, {SE}) \
	X(IX1, NONE, {E, S}, {E, EE, SE, S}, {ES}) \
	X(I1X1, NONE, {E, S}, {E, EE, S}, {SE, ES})
/* clang-format on */

struct base {
	const char *name;
	uint8_t premessages;
	uint8_t tokens[MESSAGES_MAX][BASE_TOKENS_MAX]; /* each list ends with 0 */
};

static const struct base bases[] = {
#define X(name, pre, ...) {#name, pre, {__VA_ARGS__}},
	PATTERN_TABLE(X)
#undef X
};

enum base_index {
#define X(name, pre, ...) BASE_##name,
	PATTERN_TABLE(X)
#undef X
		BASE_COUNT
};

struct noise_pattern {
	uint8_t base;
	uint8_t psks; /* bit i: modifier psk<i> */
};

/* Every pattern with every set of psk0 ... psk4, so that noise_pattern_find can
 * hand out a pointer that needs no owner. */
static const struct noise_pattern patterns[BASE_COUNT][PSK_SETS] = {
#define PSKS_4(b, n) \
	{b, n}, {b, (n) + 1}, {b, (n) + 2}, \
	{ \
		b, (n) + 3 \
	}
#define PSKS_16(b, n) PSKS_4(b, n), PSKS_4(b, n + 4), PSKS_4(b, n + 8), PSKS_4(b, n + 12)
#define X(name, pre, ...) {PSKS_16(BASE_##name, 0), PSKS_16(BASE_##name, 16)},
	PATTERN_TABLE(X)
#undef X
};

static unsigned base_messages(const struct base *b)
{
	unsigned n = 0;

	while (n < MESSAGES_MAX && b->tokens[n][0] != 0)
		n++;
	return n;
}

/* "psk0+psk2": ascending (section 8: order that does not matter is
 * alphabetical), none above the number of messages. 0 when it is anything else. */
static unsigned parse_psks(const char *s, unsigned n_messages)
{
	unsigned psks = 0;

	for (;;) {
		if (strncmp(s, "psk", 3) != 0 || s[3] < '0' || s[3] > '4')
			return 0;
		const unsigned i = (unsigned)(s[3] - '0');
		if (i > n_messages || psks >> i != 0)
			return 0;
		psks |= 1u << i;
		s += 4;
		if (*s == '\0')
			return psks;
		if (*s++ != '+')
			return 0;
	}
}

const struct noise_pattern *noise_pattern_find(const char *name)
{
	for (size_t i = 0; i < BASE_COUNT; i++) {
		const size_t n = strlen(bases[i].name);
		if (strncmp(name, bases[i].name, n) != 0)
			continue;
		if (name[n] == '\0')
			return &patterns[i][0];
		const unsigned psks = parse_psks(name + n, base_messages(&bases[i]));
		if (psks != 0)
			return &patterns[i][psks];
	}
	return NULL;
}

bool noise_pattern_has_premessage(const struct noise_pattern *p, bool initiator)
{
	return (bases[p->base].premessages & (initiator ? I : R)) != 0;
}

static bool sends_static(const struct base *b, bool initiator)
{
	for (unsigned m = initiator ? 0 : 1; m < MESSAGES_MAX; m += 2)
		if (memchr(b->tokens[m], S, BASE_TOKENS_MAX) != NULL)
			return true;
	return false;
}

bool noise_pattern_has_static(const struct noise_pattern *p, bool initiator)
{
	return noise_pattern_has_premessage(p, initiator) ||
	       sends_static(&bases[p->base], initiator);
}

bool noise_pattern_needs_remote(const struct noise_pattern *p, bool initiator)
{
	return noise_pattern_has_premessage(p, !initiator);
}

unsigned noise_pattern_psks(const struct noise_pattern *p)
{
	unsigned n = 0;

	for (unsigned rest = p->psks; rest != 0; rest &= rest - 1)
		n++;
	return n;
}

unsigned noise_pattern_messages(const struct noise_pattern *p)
{
	return base_messages(&bases[p->base]);
}

unsigned noise_pattern_tokens(const struct noise_pattern *p, unsigned i,
			      uint8_t out[static NOISE_TOKENS_MAX])
{
	unsigned n = 0;

	/* Section 9.4: psk0 opens the first message, psk<i> ends message i. */
	if (i == 0 && (p->psks & 1) != 0)
		out[n++] = NOISE_PSK;
	for (const uint8_t *t = bases[p->base].tokens[i]; *t != 0; t++)
		out[n++] = *t;
	if ((p->psks >> (i + 1) & 1) != 0)
		out[n++] = NOISE_PSK;
	return n;
}

void noise_pattern_name(const struct noise_pattern *p, char out[static NOISE_NAME_BYTES])
{
	int n = snprintf(out, NOISE_NAME_BYTES, "Noise_%s", bases[p->base].name);
	const char *plus = "";

	for (unsigned i = 0; i <= MESSAGES_MAX; i++) {
		if ((p->psks >> i & 1) == 0)
			continue;
		n += snprintf(out + n, (size_t)(NOISE_NAME_BYTES - n), "%spsk%u", plus,
			      i);
		plus = "+";
	}
	snprintf(out + n, (size_t)(NOISE_NAME_BYTES - n), "_25519_ChaChaPoly_BLAKE2b");
}
