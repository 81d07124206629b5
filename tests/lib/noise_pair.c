#include "lib/noise_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

void noise_pair_init(struct noise_pair *np, const char *pattern)
{
	const struct noise_pattern *p = noise_pattern_find(pattern);

	memset(np, 0, sizeof(*np));
	if (p == NULL)
		fail_msg("%s is not known", pattern);
	rng_seeded_init(&np->rng, 7);
	rng_fill(&np->rng.rng, np->psk, sizeof(np->psk));
	for (int i = 0; i < 2; i++) {
		rng_fill(&np->rng.rng, np->s[i], NOISE_DHLEN);
		rng_fill(&np->rng.rng, np->e[i], NOISE_DHLEN);
		crypto_scalarmult_base(np->s_pub[i], np->s[i]);
		crypto_scalarmult_base(np->e_pub[i], np->e[i]);
	}
	for (int i = 0; i < 2; i++) {
		struct noise_keys keys = {np->s[i], np->s_pub[1 - i], np->e[i], {0}};
		for (int k = 0; k < NOISE_MAX_PSKS; k++)
			keys.psk[k] = np->psk[k];
		assert_int_equal(noise_handshake_init(&np->side[i], p, i == 1,
						      slice_str("prologue"), &keys,
						      &np->rng.rng),
				 ERR_OK);
	}
}

void noise_pair_pass(struct noise_pair *np, struct slice payload)
{
	uint8_t message[1024], got[1024];
	size_t n, got_n;
	const int from = noise_is_my_turn(&np->side[1]) ? 1 : 0;

	assert_true(noise_is_my_turn(&np->side[from]));
	assert_false(noise_is_my_turn(&np->side[1 - from]));
	assert_int_equal(noise_write_message(&np->side[from], payload, message,
					     sizeof(message), &n),
			 ERR_OK);
	assert_int_equal(noise_read_message(&np->side[1 - from], slice_of(message, n),
					    got, &got_n),
			 ERR_OK);
	assert_true(slice_eq(slice_of(got, got_n), payload));
}

void noise_pair_finish(struct noise_pair *np, struct noise_transport *t)
{
	uint8_t h[2][NOISE_HASHLEN];

	while (!noise_is_done(&np->side[1]))
		noise_pair_pass(np, slice_str("payload"));
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			noise_split(&np->side[i], &t->send[i], &t->receive[i], h[i]),
			ERR_OK);
	assert_memory_equal(h[0], h[1], NOISE_HASHLEN);
	memcpy(t->h, h[0], NOISE_HASHLEN);
}

void noise_transport_pass(struct noise_transport *t, int from)
{
	const struct slice none = {NULL, 0}, plaintext = slice_str("transport");
	uint8_t sealed[64], opened[64];

	assert_int_equal(noise_encrypt_with_ad(&t->send[from], none, plaintext, sealed),
			 ERR_OK);
	assert_memory_not_equal(sealed, plaintext.p, plaintext.n);
	assert_int_equal(noise_decrypt_with_ad(
				 &t->receive[1 - from], none,
				 slice_of(sealed, plaintext.n + NOISE_TAGLEN), opened),
			 ERR_OK);
	assert_memory_equal(opened, plaintext.p, plaintext.n);
}
