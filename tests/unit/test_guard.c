#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/guard.h"

/* The service type of ours, as a name on the wire. */
#define SERVICE "\x07_p2pmsg\x04_tcp\x05local"
#define CLASS_TTL "\0\1\0\0\x11\x94"

enum { TYPE_PTR = 12, TYPE_TXT = 16, TYPE_CNAME = 5 };

struct packet {
	uint8_t p[512];
	size_t n;
};

static void put(struct packet *k, const void *p, size_t n)
{
	memcpy(k->p + k->n, p, n);
	k->n += n;
}

static void put16(struct packet *k, unsigned v)
{
	uint8_t b[] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(k, b, sizeof(b));
}

static struct packet header(unsigned questions, unsigned answers, unsigned additional)
{
	struct packet k = {.n = 0};

	put16(&k, 0);
	put16(&k, 0x8400);
	put16(&k, questions);
	put16(&k, answers);
	put16(&k, 0);
	put16(&k, additional);
	return k;
}

static void question(struct packet *k)
{
	put(k, SERVICE, sizeof(SERVICE));
	put16(k, TYPE_PTR);
	put16(k, 1);
}

static void record(struct packet *k, unsigned type)
{
	put(k, SERVICE, sizeof(SERVICE));
	put16(k, type);
	put(k, CLASS_TTL, sizeof(CLASS_TTL) - 1);
	put16(k, 4);
	put(k, "\1x\xc0\x0c", 4);
}

static bool is_harmless(const struct packet *k)
{
	return guard_is_harmless(slice_of(k->p, k->n));
}

static void plain_packets_pass(void **state)
{
	struct packet k = header(0, 0, 0);

	(void)state;
	assert_true(is_harmless(&k));
	k = header(2, 2, 1);
	question(&k);
	question(&k);
	record(&k, TYPE_PTR);
	record(&k, TYPE_TXT);
	record(&k, TYPE_TXT);
	assert_true(is_harmless(&k));
}

static void pointers_end_a_name(void **state)
{
	struct packet k = header(0, 1, 0);

	(void)state;
	put(&k, "\3abc\xc0\x0c", 6);
	put16(&k, TYPE_PTR);
	put(&k, CLASS_TTL, sizeof(CLASS_TTL) - 1);
	put16(&k, 0);
	assert_true(is_harmless(&k));
}

static void a_cname_anywhere_is_dropped(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 3; at++) {
		struct packet k = header(1, 2, 1);

		question(&k);
		for (unsigned i = 0; i < 3; i++)
			record(&k, i == at ? TYPE_CNAME : TYPE_PTR);
		assert_false(is_harmless(&k));
	}
}

/* To ask for one does no harm. */
static void a_question_about_a_cname_passes(void **state)
{
	struct packet k = header(1, 0, 0);

	(void)state;
	put(&k, SERVICE, sizeof(SERVICE));
	put16(&k, TYPE_CNAME);
	put16(&k, 1);
	assert_true(is_harmless(&k));
}

static void every_shorter_packet_is_dropped(void **state)
{
	struct packet k = header(1, 1, 0);

	(void)state;
	question(&k);
	record(&k, TYPE_PTR);
	assert_true(is_harmless(&k));
	for (size_t n = 0; n < k.n; n++) {
		uint8_t *p = test_malloc(n + 1);

		memcpy(p, k.p, n);
		assert_false(guard_is_harmless(slice_of(p, n)));
		test_free(p);
	}
}

static void labels_of_no_known_kind_are_dropped(void **state)
{
	static const uint8_t kinds[] = {0x40, 0x41, 0x80, 0xbf};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct packet k = header(0, 1, 0);

		put(&k, &kinds[i], 1);
		put(&k, "a", 1); /* would do if it were a pointer */
		put16(&k, TYPE_PTR);
		put(&k, CLASS_TTL, sizeof(CLASS_TTL) - 1);
		put16(&k, 0);
		assert_false(is_harmless(&k));
	}
}

static void counts_larger_than_the_packet_are_dropped(void **state)
{
	struct packet k = header(65535, 65535, 65535);

	(void)state;
	record(&k, TYPE_PTR);
	assert_false(is_harmless(&k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_packets_pass),
		cmocka_unit_test(pointers_end_a_name),
		cmocka_unit_test(a_cname_anywhere_is_dropped),
		cmocka_unit_test(a_question_about_a_cname_passes),
		cmocka_unit_test(every_shorter_packet_is_dropped),
		cmocka_unit_test(labels_of_no_known_kind_are_dropped),
		cmocka_unit_test(counts_larger_than_the_packet_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
