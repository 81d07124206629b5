#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/discovery.h"
#include "discovery/txt.h"
#include "wire/proto.h"

#define ID52 "aebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4qa"

struct txt {
	uint8_t p[600];
	size_t n;
};

static void add(struct txt *t, const void *p, size_t n)
{
	t->p[t->n] = (uint8_t)n;
	memcpy(t->p + t->n + 1, p, n);
	t->n += 1 + n;
}

static void add_str(struct txt *t, const char *s)
{
	add(t, s, strlen(s));
}

/* The strings up to NULL. */
static struct txt txt_of(const char *first, ...)
{
	struct txt t = {.n = 0};
	va_list args;

	va_start(args, first);
	for (const char *s = first; s; s = va_arg(args, const char *))
		add_str(&t, s);
	va_end(args);
	return t;
}

static struct txt good(void)
{
	return txt_of("v=1", "id=" ID52, "r=1", "p=1,2", NULL);
}

static enum err parse(const struct txt *t, struct sighting *out)
{
	return sighting_parse_txt(slice_of(t->p, t->n), out);
}

static void refuses(const struct txt *t)
{
	struct sighting s = {.role = 77}, before = s;

	assert_int_equal(parse(t, &s), ERR_PROTO);
	assert_memory_equal(&s, &before, sizeof(s));
}

#define REFUSES(...) \
	do { \
		struct txt refused_ = txt_of(__VA_ARGS__, NULL); \
		refuses(&refused_); \
	} while (0)

static void a_good_record_is_read(void **state)
{
	struct txt t = good();
	struct sighting s = {0};

	(void)state;
	assert_int_equal(parse(&t, &s), ERR_OK);
	assert_true(s.has_id);
	for (int i = 0; i < 32; i++)
		assert_int_equal(s.id.b[i], i + 1);
	assert_int_equal(s.role, 1);
	assert_int_equal(s.proto_min, 1);
	assert_int_equal(s.proto_max, 2);
}

/* What the record does not say is left as it was. */
static void other_fields_are_left_alone(void **state)
{
	struct txt t = good();
	struct sighting s = {.ifindex = 7, .is_gone = true, .addr.port = 9};

	(void)state;
	assert_int_equal(parse(&t, &s), ERR_OK);
	assert_int_equal(s.ifindex, 7);
	assert_true(s.is_gone);
	assert_int_equal(s.addr.port, 9);
}

static void role_and_versions_may_be_missing(void **state)
{
	struct txt t = txt_of("id=" ID52, "v=1", NULL);
	struct sighting s = {.role = 9};

	(void)state;
	assert_int_equal(parse(&t, &s), ERR_OK);
	assert_int_equal(s.role, 0);
	assert_int_equal(s.proto_min, 1);
	assert_int_equal(s.proto_max, 1);
}

static void unknown_keys_are_ignored(void **state)
{
	struct txt t = txt_of("nick=x", "v=1", "nick=x", "=v", "", "flag", "id=" ID52,
			      "vv=2", "i=", NULL);
	struct sighting s = {0};

	(void)state;
	assert_int_equal(parse(&t, &s), ERR_OK);
}

static void the_case_of_a_key_does_not_count(void **state)
{
	struct txt t = txt_of("V=1", "Id=" ID52, NULL);
	struct sighting s = {0};

	(void)state;
	assert_int_equal(parse(&t, &s), ERR_OK);
	REFUSES("v=1", "V=1", "id=" ID52);
}

static void what_must_be_there_must_be_right(void **state)
{
	(void)state;
	REFUSES("id=" ID52);
	REFUSES("v=1");
	REFUSES("v=2", "id=" ID52);
	REFUSES("v=", "id=" ID52);
	REFUSES("v", "id=" ID52);
	REFUSES("v=1 ", "id=" ID52);
	REFUSES("v=257", "id=" ID52);
	REFUSES("v=1", "id");
	REFUSES("v=1", "id=");
	REFUSES("v=1", "id=" ID52 "a");
	REFUSES("v=1", "id=aebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4q");
	REFUSES("v=1", "id=aebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4qb");
	REFUSES("v=1", "id=0ebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4qa");
}

static void numbers_are_numbers(void **state)
{
	static const char *const bad[] = {
		"r=",	   "r=256", "r=-1",   "r=1x", "r=0001", "r=99999999999999999999",
		"p=",	   "p=1",   "p=1,",   "p=,1", "p=2,1",	"p=0,1",
		"p=1,2,3", "p=1;2", "p=1,256"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSES("v=1", "id=" ID52, bad[i]);
}

static void D4_duplicate_keys(void **state)
{
	(void)state;
	REFUSES("v=1", "id=" ID52, "v=1");
	REFUSES("v=1", "id=" ID52, "id=" ID52);
	REFUSES("v=1", "id=" ID52, "r=0", "r=1");
	REFUSES("v=1", "id=" ID52, "p=1,1", "p=1,1");
}

static void D4_length_past_the_end(void **state)
{
	struct txt t = good();

	(void)state;
	t.p[t.n++] = 1;
	refuses(&t);
	t = good();
	t.p[0]++;
	refuses(&t);
	t = good();
	t.p[0] = 255;
	refuses(&t);
}

static void every_shorter_record_is_refused_or_whole(void **state)
{
	struct txt t = good();
	struct sighting s;

	(void)state;
	for (size_t n = 0; n < t.n; n++) {
		/* On the heap and no longer, so that the sanitizer sees a byte too far. */
		uint8_t *p = test_malloc(n + 1);
		bool is_whole = n == t.n - 6 || n == t.n - 6 - 4;

		memcpy(p, t.p, n);
		assert_int_equal(sighting_parse_txt(slice_of(p, n), &s),
				 is_whole ? ERR_OK : ERR_PROTO);
		test_free(p);
	}
}

static void D4_empty_strings(void **state)
{
	struct txt t = {.n = 0}, zero = {.p = {0}, .n = 1};
	struct sighting s = {0};

	(void)state;
	refuses(&t);
	refuses(&zero);
	t = good();
	add_str(&t, "");
	add_str(&t, "");
	assert_int_equal(parse(&t, &s), ERR_OK);
}

static void D4_longest_string_that_is_no_text(void **state)
{
	uint8_t junk[255];
	struct txt t = {.n = 0};

	(void)state;
	memset(junk, 0xfe, sizeof(junk));
	add(&t, junk, sizeof(junk));
	refuses(&t); /* 256 bytes, but nothing that must be there */
	t = txt_of("v=1", "id=" ID52, NULL);
	add(&t, junk, 256 - t.n - 1);
	assert_int_equal(t.n, TXT_MAX_BYTES);
	assert_int_equal(parse(&t, &(struct sighting){0}), ERR_OK);
	add_str(&t, "");
	refuses(&t); /* 257 */
}

static void D4_bidi_values(void **state)
{
	struct txt t = txt_of("v=1", "id=" ID52,
			      "nick=\xe2\x80\xae"
			      "bob",
			      NULL);

	(void)state;
	assert_int_equal(parse(&t, &(struct sighting){0}), ERR_OK);
	REFUSES("v=\xe2\x80\xae"
		"1",
		"id=" ID52);
	REFUSES("v=1", "id=\xe2\x80\xae" ID52);
	REFUSES("v=1", "id=" ID52,
		"r=\xe2\x80\xae"
		"1");
	REFUSES("v=1", "id=" ID52, "p=1\xe2\x80\x8b,1");
}

/* Digits of another script, and a NUL inside. */
static void D4_look_alikes(void **state)
{
	struct txt t = txt_of("v=1", "id=" ID52, NULL);

	(void)state;
	REFUSES("v=\xd9\xa1", "id=" ID52);
	add(&t, "r=1\0", 4);
	refuses(&t);
}

static void our_own_record_is_read_back(void **state)
{
	uint8_t built[TXT_MAX_BYTES];
	struct sighting s = {0};
	struct id32 id;
	size_t n;

	(void)state;
	memset(id.b, 0xa5, sizeof(id.b));
	n = txt_build(&id, 255, built);
	assert_in_range(n, 1, TXT_MAX_BYTES);
	assert_int_equal(sighting_parse_txt(slice_of(built, n), &s), ERR_OK);
	assert_true(id32_eq(&s.id, &id));
	assert_int_equal(s.role, 255);
	assert_int_equal(s.proto_min, PROTO_MAJOR);
	assert_int_equal(s.proto_max, PROTO_MAJOR);
}

static void our_own_record_is_as_the_page_says(void **state)
{
	struct txt want = txt_of("v=1", "id=" ID52, "r=1", "p=1,1", NULL);
	uint8_t built[TXT_MAX_BYTES];
	struct id32 id;

	(void)state;
	for (int i = 0; i < 32; i++)
		id.b[i] = (uint8_t)(i + 1);
	assert_int_equal(txt_build(&id, 1, built), want.n);
	assert_memory_equal(built, want.p, want.n);
	assert_int_equal(TXT_MAX_BYTES, PROTO_TXT_MAX_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_record_is_read),
		cmocka_unit_test(other_fields_are_left_alone),
		cmocka_unit_test(role_and_versions_may_be_missing),
		cmocka_unit_test(unknown_keys_are_ignored),
		cmocka_unit_test(the_case_of_a_key_does_not_count),
		cmocka_unit_test(what_must_be_there_must_be_right),
		cmocka_unit_test(numbers_are_numbers),
		cmocka_unit_test(D4_duplicate_keys),
		cmocka_unit_test(D4_length_past_the_end),
		cmocka_unit_test(every_shorter_record_is_refused_or_whole),
		cmocka_unit_test(D4_empty_strings),
		cmocka_unit_test(D4_longest_string_that_is_no_text),
		cmocka_unit_test(D4_bidi_values),
		cmocka_unit_test(D4_look_alikes),
		cmocka_unit_test(our_own_record_is_read_back),
		cmocka_unit_test(our_own_record_is_as_the_page_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
