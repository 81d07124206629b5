/* The channel against strangers who speak something else, or nothing. Trial N4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/chan_pair.h"
#include "wire/preamble.h"

static struct chan_pair pair;

static int setup(void **state)
{
	(void)state;
	pair_init(&pair, 6);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_wipe(&pair);
	return 0;
}

static void N4_length_prefixes_without_a_body(void **state)
{
	static const uint16_t lengths[] = {0,	1,     15,    16,    31,   33,
					   79,	80,    81,    575,   577,  607,
					   609, 16400, 16401, 32768, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		const uint8_t v[2] = {(uint8_t)(lengths[i] >> 8), (uint8_t)lengths[i]};
		const struct slice prefix = slice_of(v, 2);
		bool is_frame = lengths[i] == 80 || lengths[i] == 16400;
		uint8_t preamble[PROTO_PREAMBLE_BYTES];
		struct slice s;

		preamble_write(preamble);
		/* Instead of message 1, 2, 3 and of a record. */
		end_fresh(&pair.b, false);
		end_feed(&pair.b, slice_of(preamble, sizeof(preamble)));
		assert_int_equal(end_feed(&pair.b, prefix), ERR_PROTO);
		end_fresh(&pair.a, true);
		assert_int_equal(end_feed(&pair.a, prefix), ERR_PROTO);
		pair_dial(&pair);
		s = chan_out(pair.a.chan);
		end_feed(&pair.b, s);
		chan_drop(pair.b.chan, chan_out(pair.b.chan).n);
		assert_int_equal(end_feed(&pair.b, prefix), ERR_PROTO);
		end_assert_refused(&pair.b, ERR_PROTO);
		pair_connect(&pair);
		assert_int_equal(end_feed(&pair.b, prefix),
				 is_frame ? ERR_WAIT : ERR_PROTO);
	}
}

static void N4_other_protocols(void **state)
{
	static const char *const hellos[] = {
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"PUT /x HTTP/1.1\r\n",
		"POST / HTTP/1.1\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"SSH-2.0-OpenSSH_9.2p1\r\n",
		"\x05\x01",
		"PASS x\r\nNICK x\r\n",
		"\023BitTorrent protocol"};

	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(*hellos); i++) {
		size_t n = hellos[i][0] == 'P' ? 2 : 1;
		/* At the first byte that differs, not at the twelfth. */
		end_fresh(&pair.b, false);
		assert_int_equal(end_feed(&pair.b, slice_of(hellos[i], n)), ERR_PROTO);
		end_assert_refused(&pair.b, ERR_PROTO);
		end_fresh(&pair.a, true);
		assert_int_equal(end_feed(&pair.a, slice_str(hellos[i])), ERR_PROTO);
		assert_int_equal(pair.a.peers + pair.a.refusals, 0);
	}
}

static void N4_random_bytes(void **state)
{
	uint8_t junk[700];

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		rng_fill(&pair.rng.rng, junk, sizeof(junk));
		end_fresh(&pair.b, false);
		if (i % 2 == 0)
			preamble_write(junk);
		if (i % 4 == 0)
			memcpy(junk + PROTO_PREAMBLE_BYTES, "\0\40", 2);
		end_feed(&pair.b, slice_of(junk, sizeof(junk)));
		assert_int_not_equal(pair.b.err, ERR_WAIT);
		end_assert_refused(&pair.b, pair.b.err);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(N4_length_prefixes_without_a_body),
		T(N4_other_protocols),
		T(N4_random_bytes),
	};

	return cmocka_run_group_tests_name("channel_noise", tests, NULL, NULL);
}
