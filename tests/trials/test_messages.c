/*
 * Messages from a peer that wants memory, time or a second meaning: trials M1, M2.
 */
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/msg_rows.h"
#include "lib/vectors.h"
#include "wire/msg.h"
#include "wire/pack.h"

/* -------------------------------------------------------------- M1: bombs */

/* These stand before those of msgpack-c; nobody may call them. */
msgpack_unpack_return msgpack_unpack(const char *bytes, size_t len, size_t *off,
				     msgpack_zone *zone, msgpack_object *out)
{
	(void)bytes, (void)len, (void)off, (void)zone, (void)out;
	fail_msg("msgpack_unpack was called");
	return MSGPACK_UNPACK_PARSE_ERROR;
}

msgpack_unpack_return msgpack_unpack_next(msgpack_unpacked *out, const char *bytes,
					  size_t len, size_t *off)
{
	(void)out, (void)bytes, (void)len, (void)off;
	fail_msg("msgpack_unpack_next was called");
	return MSGPACK_UNPACK_PARSE_ERROR;
}

bool msgpack_unpacker_init(msgpack_unpacker *mpac, size_t size)
{
	(void)mpac, (void)size;
	fail_msg("msgpack_unpacker_init was called");
	return false;
}

static long peak_kib(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_maxrss;
}

static void assert_bomb(struct slice s)
{
	static const uint8_t kinds[] = {KIND_CTRL, KIND_MSG};
	struct msg m;
	size_t used;
	enum proto_code code;
	struct cur c = cur_of(s);

	assert_int_equal(pack_check(s, PROTO_DEPTH_MAX, &used), ERR_PROTO);
	assert_int_equal(pack_check(s, UINT32_MAX, &used), ERR_PROTO);
	for (size_t i = 0; i < sizeof(kinds); i++)
		assert_int_equal(msg_decode(kinds[i], s, &m, &used, &code), ERR_PROTO);
	pack_get_any(&c, UINT32_MAX);
	assert_true(c.failed);
}

/* Alone, and where a body, a value and an unknown value are expected. */
static void assert_bomb_anywhere(struct slice bomb)
{
	static const char *const before[] = {
		"",
		"\x93",
		"\x93\x01\xc0",
		"\x93\x01\xc0\x81\x02",
		"\x93\x01\xc0\x82\x02\xa0\x1f",
		"\x93\x7e\xc0\x81\x02",
		"\x93\x02\xc0\x81",
		"\x93\x02\xc0\x81\x7f",
	};

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		size_t n = strlen(before[i]);
		uint8_t *s = mem_new(n + bomb.n);
		memcpy(s, before[i], n);
		memcpy(s + n, bomb.p, bomb.n);
		assert_bomb(slice_of(s, n + bomb.n));
		mem_free(s);
	}
}

static void M1_huge_counts_and_lengths(void **state)
{
	static const char *const bombs[] = {
		"ddffffffff", "dd0fffffff", "dfffffffff",   "df0fffffff",
		"c6ffffffff", "dbffffffff", "c9ffffffff00", "dcffff",
		"deffff",     "c5ffff",	    "daffff",	    "c8ffff00",
	};
	long before = peak_kib();

	(void)state;
	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
		struct pool pool = {0};
		assert_bomb_anywhere(pool_hex(&pool, bombs[i]));
		pool_wipe(&pool);
	}
	assert_true(peak_kib() - before < 1024);
}

/* 93 bytes with which the tree unpacker of msgpack-c asks for 62 MB. */
static void M1_nested_array16(void **state)
{
	uint8_t v[93];
	long before;

	(void)state;
	for (size_t i = 0; i < sizeof(v); i += 3)
		memcpy(v + i, "\xdc\xff\xff", 3);
	before = peak_kib();
	assert_bomb_anywhere(slice_of(v, sizeof(v)));
	assert_true(peak_kib() - before < 1024);
}

static void M1_depth(void **state)
{
	static const size_t depths[] = {5, 33, 1000, 1000000};
	static const uint8_t heads[] = {0x91, 0x81};
	static uint8_t v[2 * 1000000 + 1];
	long before;

	(void)state;
	memset(v, 1, sizeof(v));
	before = peak_kib();
	for (size_t h = 0; h < sizeof(heads); h++) {
		/* For a map each level is the head and the key before the next head. */
		size_t step = heads[h] == 0x81 ? 2 : 1;
		for (size_t d = 0; d < sizeof(depths) / sizeof(*depths); d++) {
			struct slice s = slice_of(v, depths[d] * step + 1);
			size_t used;
			memset(v, 0, s.n);
			for (size_t i = 0; i < depths[d]; i++)
				v[i * step] = heads[h];
			assert_int_equal(pack_check(s, PROTO_DEPTH_MAX, &used),
					 ERR_PROTO);
			if (depths[d] > PACK_DEPTH_CAP)
				assert_bomb(s);
		}
	}
	assert_true(peak_kib() - before < 1024);
}

static void M1_nils(void **state)
{
	static uint8_t v[60003];
	long before;

	(void)state;
	memset(v, 0xc0, sizeof(v));
	before = peak_kib();
	assert_bomb(slice_of(v, sizeof(v)));
	memcpy(v, "\xdc\xea\x60", 3);
	assert_bomb(slice_of(v, sizeof(v)));
	memcpy(v, "\xdc\x04\x00", 3);
	assert_bomb(slice_of(v, 3 + 1024));
	assert_true(peak_kib() - before < 1024);
}

/* The most that the profile allows is taken, and costs no memory either. */
static void M1_the_largest_honest_object(void **state)
{
	static uint8_t v[16380];
	struct buf b;
	long before;
	struct msg m;
	size_t used;
	enum proto_code code;

	(void)state;
	buf_init(&b, sizeof(v));
	pack_array(&b, 3);
	pack_uint(&b, MSG_HELLO);
	pack_nil(&b);
	pack_map(&b, 16);
	pack_uint(&b, 2);
	pack_str(&b, slice_str(""));
	for (uint64_t key = 100; key < 115; key++) {
		pack_uint(&b, key);
		pack_array(&b, PROTO_ARRAY_MAX);
		for (unsigned i = 0; i < PROTO_ARRAY_MAX; i++)
			assert_int_equal(pack_array(&b, 0), ERR_OK);
	}
	memcpy(v, buf_slice(&b).p, b.len);
	before = peak_kib();
	assert_int_equal(msg_decode(KIND_CTRL, slice_of(v, b.len), &m, &used, &code),
			 ERR_OK);
	assert_int_equal(used, b.len);
	assert_true(peak_kib() - before < 1024);
	buf_wipe(&b);
}

/* ---------------------------------------------------------- M2: strictness */

#define ID "c41030313233343536373839616263646500"
#define CONV "00c41030313233343536373839616263646500"

struct strict_case {
	const char *why, *hex;
	enum err e;
	enum proto_code code;
};

static void M2_one_meaning_only(void **state)
{
	static const struct strict_case v[] = {
		{"good", "9310" ID "84" CONV "0100020003a161", ERR_OK, 0},
		{"duplicate key",
		 "9310" ID "85" CONV "010001000200"
		 "03a161",
		 ERR_PROTO, 0},
		{"descending", "9310" ID "84" CONV "0200010003a161", ERR_PROTO, 0},
		{"uint8 for 0", "9310" ID "84" CONV "01cc00020003a161", ERR_PROTO, 0},
		{"uint16 for 200", "9310" ID "84" CONV "01cd00c8020003a161", ERR_PROTO,
		 0},
		{"uint64 for 1", "9310" ID "84" CONV "01cf0000000000000001020003a161",
		 ERR_PROTO, 0},
		{"int64 for 1", "9310" ID "84" CONV "01d30000000000000001020003a161",
		 ERR_PROTO, 0},
		{"wide type", "93cc10" ID "84" CONV "0100020003a161", ERR_PROTO, 0},
		{"wide key", "9310" ID "84" CONV "cc0100020003a161", ERR_PROTO, 0},
		{"wide map", "9310" ID "de0004" CONV "0100020003a161", ERR_PROTO, 0},
		{"wide array", "dc000310" ID "84" CONV "0100020003a161", ERR_PROTO, 0},
		{"str8 for 1", "9310" ID "84" CONV "0100020003d90161", ERR_PROTO, 0},
		{"bin16 for 16",
		 "9310c5001030313233343536373839616263646500"
		 "84" CONV "0100020003a161",
		 ERR_PROTO, 0},
		{"overlong", "9310" ID "84" CONV "0100020003a2c0af", ERR_PROTO, 0},
		{"surrogate", "9310" ID "84" CONV "0100020003a3eda080", ERR_PROTO, 0},
		{"beyond U+10FFFF", "9310" ID "84" CONV "0100020003a4f4908080", ERR_PROTO,
		 0},
		{"NUL", "9310" ID "84" CONV "0100020003a3610062", ERR_PROTO, 0},
		{"cut character", "9310" ID "84" CONV "0100020003a1c3", ERR_PROTO, 0},
		{"float time", "9310" ID "84" CONV "01ca3f800000020003a161", ERR_PROTO,
		 0},
		{"float unknown",
		 "9310" ID "85" CONV "0100020003a16109cb3ff0000000000000", ERR_PROTO, 0},
		{"ext", "9310" ID "85" CONV "0100020003a16109d40100", ERR_PROTO, 0},
		{"timestamp", "9310" ID "84" CONV "01d6ff5a4af6a5020003a161", ERR_PROTO,
		 0},
		{"nil field", "9310" ID "84" CONV "01c0020003a161", ERR_PROTO, 0},
		{"text as bin", "9310" ID "84" CONV "0100020003c40161", ERR_REFUSED,
		 CODE_PROTOCOL},
		{"negative time", "9310" ID "84" CONV "01ff020003a161", ERR_REFUSED,
		 CODE_PROTOCOL},
		{"time of 2^53", "9310" ID "84" CONV "01cf0020000000000000020003a161",
		 ERR_REFUSED, CODE_PROTOCOL},
		{"lamport of 2^64-1",
		 "9310" ID "84" CONV "010002cfffffffffffffffff03a161", ERR_REFUSED,
		 CODE_PROTOCOL},
		{"critical", "9310" ID "85" CONV "0100020003a1612000", ERR_REFUSED,
		 CODE_UNSUPPORTED},
		{"not critical", "9310" ID "85" CONV "0100020003a1613000", ERR_OK, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct pool pool = {0};
		struct slice s = pool_hex(&pool, v[i].hex);
		struct msg m;
		size_t used;
		enum proto_code code = CODE_OK;
		enum err e = msg_decode(KIND_MSG, s, &m, &used, &code);
		if (e != v[i].e)
			fail_msg("%s: %s", v[i].why, err_name(e));
		if (e == ERR_REFUSED)
			assert_int_equal(code, v[i].code);
		pool_wipe(&pool);
	}
}

static void M2_no_trailing_byte(void **state)
{
	struct pool pool = {0};
	struct slice ctrl = pool_hex(&pool, "9301c08102a000");
	struct slice text = pool_hex(&pool, "9310" ID "84" CONV "0100020003a16100");
	struct msg m;
	size_t used;
	enum proto_code code;

	(void)state;
	assert_int_equal(msg_decode(KIND_CTRL, ctrl, &m, &used, &code), ERR_PROTO);
	/* In a message record it would have to be the next message. */
	assert_int_equal(msg_decode(KIND_MSG, text, &m, &used, &code), ERR_OK);
	assert_int_equal(used, text.n - 1);
	assert_int_equal(
		msg_decode(KIND_MSG, slice_of(text.p + used, 1), &m, &used, &code),
		ERR_PROTO);
	pool_wipe(&pool);
}

/* Every single byte of a good message replaced by every other: it is refused, or it
 * still has one meaning only, its own encoding. */
static void M2_what_is_taken_encodes_to_itself(void **state)
{
	struct pool pool = {0};
	struct slice good = pool_hex(&pool, "9310" ID "85" CONV "01cd12340205"
					    "03a3616263"
					    "0601");
	uint8_t *s = pool_bytes(&pool, good.n);
	unsigned taken = 0;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t at = 0; at < good.n; at++) {
		for (unsigned v = 0; v < 256; v++) {
			struct msg m;
			size_t used;
			enum proto_code code;
			memcpy(s, good.p, good.n);
			s[at] = (uint8_t)v;
			if (msg_decode(KIND_MSG, slice_of(s, good.n), &m, &used, &code) !=
			    ERR_OK)
				continue;
			buf_truncate(&b, 0);
			assert_int_equal(msg_encode(&m, &b), ERR_OK);
			/* A key that is not known leaves no trace, rightly. */
			assert_true(b.len <= used);
			if (b.len == used)
				assert_memory_equal(buf_slice(&b).p, s, used);
			taken++;
		}
	}
	/* Ids, conversation, time, text: many other values are fine. */
	assert_true(taken > 32 * 256);
	buf_wipe(&b);
	pool_wipe(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M1_huge_counts_and_lengths),
		cmocka_unit_test(M1_nested_array16),
		cmocka_unit_test(M1_depth),
		cmocka_unit_test(M1_nils),
		cmocka_unit_test(M1_the_largest_honest_object),
		cmocka_unit_test(M2_one_meaning_only),
		cmocka_unit_test(M2_no_trailing_byte),
		cmocka_unit_test(M2_what_is_taken_encodes_to_itself),
	};

	return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
