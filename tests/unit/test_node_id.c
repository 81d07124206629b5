/*
 * Node ids and URIs: values made without this code, every typing mistake of one
 * character, and text from people who mean no good.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/secret.h"
#include "crypto/node_id.h"
#include "lib/vectors.h"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

static struct id32 random_id(struct rng_seeded *rng)
{
	struct id32 id;

	rng_fill(&rng->rng, id.b, sizeof(id.b));
	return id;
}

static void assert_parses(const char *text, const struct id32 *want)
{
	struct id32 got;

	if (node_id_parse(text, &got) != ERR_OK)
		fail_msg("'%s' was refused", text);
	assert_true(id32_eq(&got, want));
}

static void golden_ids_come_out_the_same(void **state)
{
	(void)state;
	json_t *file = vectors_golden("crypto.json");
	const json_t *list = json_object_get(file, "node_ids");
	struct pool pool = {0};
	size_t i;
	json_t *g;

	assert_int_equal(json_array_size(list), 3);
	json_array_foreach(list, i, g)
	{
		const char *compact = vectors_str(g, "compact");
		const struct slice want = vectors_hex(&pool, g, "id");
		struct id32 ik, id;
		char text[NODE_ID_TEXT_BYTES], out[NODE_ID_COMPACT_BYTES];
		char base32[NODE_ID_BASE32_BYTES], shortened[NODE_ID_SHORT_BYTES];

		memcpy(ik.b, vectors_hex(&pool, g, "ik").p, 32);
		node_id_of(&ik, &id);
		assert_memory_equal(id.b, want.p, 32);
		node_id_text(&id, text);
		assert_string_equal(text, vectors_str(g, "text"));
		node_id_compact(&id, out);
		assert_string_equal(out, compact);
		node_id_base32(&id, base32);
		assert_int_equal(strlen(base32), 52);
		assert_memory_equal(base32, compact, 52);
		node_id_short(&id, shortened);
		assert_int_equal(strlen(shortened), 8);
		assert_memory_equal(shortened, compact, 8);
		assert_parses(text, &id);
		assert_parses(compact, &id);
		memset(&ik, 0, sizeof(ik));
		assert_int_equal(node_id_parse_base32(slice_str(base32), &ik), ERR_OK);
		assert_true(id32_eq(&ik, &id));
	}
	pool_wipe(&pool);
	json_decref(file);
}

static void people_write_ids_in_many_ways(void **state)
{
	(void)state;
	struct rng_seeded rng;
	char text[NODE_ID_TEXT_BYTES], copy[3 * NODE_ID_TEXT_BYTES];

	rng_seeded_init(&rng, 1);
	const struct id32 id = random_id(&rng);
	node_id_text(&id, text);
	for (size_t i = 0; i <= strlen(text); i++)
		copy[i] = (char)toupper((unsigned char)text[i]);
	assert_parses(copy, &id);
	for (size_t i = 0; i <= strlen(text); i++)
		copy[i] = text[i] == '-' ? ' ' : text[i];
	assert_parses(copy, &id);
	snprintf(copy, sizeof(copy), "  \t%s - ", text);
	assert_parses(copy, &id);
	size_t n = 0;
	for (size_t i = 0; i < strlen(text); i++) {
		copy[n++] = text[i];
		copy[n++] = '-';
	}
	copy[n] = '\0';
	assert_parses(copy, &id);
}

static void every_single_typo_is_noticed(void **state)
{
	(void)state;
	struct rng_seeded rng;
	char compact[NODE_ID_COMPACT_BYTES];
	struct id32 out;

	rng_seeded_init(&rng, 2);
	for (int k = 0; k < 20; k++) {
		const struct id32 id = random_id(&rng);
		node_id_compact(&id, compact);
		for (size_t i = 0; i < 56; i++) {
			const char right = compact[i];
			for (const char *c = alphabet; *c != '\0'; c++) {
				compact[i] = *c;
				if (*c != right &&
				    node_id_parse(compact, &out) != ERR_RANGE)
					fail_msg("%s: typo at %zu", compact, i);
			}
			compact[i] = right;
		}
		assert_parses(compact, &id);
	}
}

static void neighbours_swapped_are_noticed(void **state)
{
	(void)state;
	struct rng_seeded rng;
	char compact[NODE_ID_COMPACT_BYTES];
	struct id32 out;

	rng_seeded_init(&rng, 3);
	const struct id32 id = random_id(&rng);
	node_id_compact(&id, compact);
	for (size_t i = 0; i + 1 < 56; i++) {
		const char a = compact[i], b = compact[i + 1];
		if (a == b)
			continue;
		compact[i] = b, compact[i + 1] = a;
		assert_int_equal(node_id_parse(compact, &out), ERR_RANGE);
		compact[i] = a, compact[i + 1] = b;
	}
}

static void what_is_no_id_is_a_usage_error(void **state)
{
	(void)state;
	struct rng_seeded rng;
	char compact[NODE_ID_COMPACT_BYTES], longer[NODE_ID_COMPACT_BYTES + 1];
	struct id32 out;

	rng_seeded_init(&rng, 4);
	const struct id32 id = random_id(&rng);
	for (size_t n = 0; n < 56; n++) {
		node_id_compact(&id, compact);
		compact[n] = '\0';
		assert_int_equal(node_id_parse(compact, &out), ERR_USAGE);
	}
	node_id_compact(&id, compact);
	snprintf(longer, sizeof(longer), "%sa", compact);
	assert_int_equal(node_id_parse(longer, &out), ERR_USAGE);
	char much[1000];
	memset(much, 'a', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	assert_int_equal(node_id_parse(much, &out), ERR_USAGE);
	for (int c = 1; c < 256; c++) {
		if (strchr(alphabet, tolower(c)) != NULL)
			continue;
		node_id_compact(&id, compact);
		compact[20] = (char)c;
		assert_int_equal(node_id_parse(compact, &out), ERR_USAGE);
	}
	assert_int_equal(node_id_parse("bob", &out), ERR_USAGE);
	assert_int_equal(node_id_parse("--- ---", &out), ERR_USAGE);
}

static void a_txt_id_is_52_characters(void **state)
{
	(void)state;
	struct rng_seeded rng;
	char base32[NODE_ID_BASE32_BYTES];
	struct id32 out;

	rng_seeded_init(&rng, 5);
	const struct id32 id = random_id(&rng);
	node_id_base32(&id, base32);
	for (size_t n = 0; n < 52; n++)
		assert_int_equal(node_id_parse_base32(slice_of(base32, n), &out),
				 ERR_USAGE);
	assert_int_equal(node_id_parse_base32(slice_of(base32, 53), &out), ERR_USAGE);
	/* The four spare bits: 15 of 16 last characters are no id. */
	int good = 0;
	for (const char *c = alphabet; *c != '\0'; c++) {
		base32[51] = *c;
		good += node_id_parse_base32(slice_of(base32, 52), &out) == ERR_OK;
	}
	assert_int_equal(good, 2);
}

static void uris_go_round(void **state)
{
	(void)state;
	static const char *const hosts[] = {
		NULL,
		"192.0.2.1:7117",
		"[2001:db8::1]:7117",
		"[fe80::1%eth0]:7117",
		"host.example:1",
		"my_host-2",
	};
	struct rng_seeded rng;
	struct id32 got;
	char host[128];

	rng_seeded_init(&rng, 6);
	const struct id32 id = random_id(&rng);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		char *uri = uri_text(&id, hosts[i]);
		assert_memory_equal(uri, "p2pmsg:", 7);
		assert_int_equal(uri_parse(uri, &got, host), ERR_OK);
		assert_true(id32_eq(&got, &id));
		assert_string_equal(host, hosts[i] ? hosts[i] : "");
		for (char *c = uri; *c != '\0' && *c != '@'; c++)
			*c = (char)toupper((unsigned char)*c);
		assert_int_equal(uri_parse(uri, &got, host), ERR_OK);
		assert_string_equal(host, hosts[i] ? hosts[i] : "");
		mem_free(uri);
	}
}

/* The id is always a good one: what stands around it must be refused. host_port
 * lies on the heap and is exactly as large as the header asks. */
static void hostile_uris_are_refused(void **state)
{
	(void)state;
	static const char *const forms[] = {
		"",
		"p2pmsg",
		"p2pmsg:",
		"p2pmsg:@host:1",
		"%s",
		"p2pmsg%s",
		"p2pmsg//%s",
		"p2pmsg://%s",
		"p2p:%s",
		" p2pmsg:%s",
		"p2pmsg: %s",
		"p2pmsg:%s ",
		"p2pmsg:%s@",
		"p2pmsg:%s@@host",
		"p2pmsg:%s@host@host",
		"p2pmsg:%s@ho st",
		"p2pmsg:%s@host/path",
		"p2pmsg:%s@host?q",
		"p2pmsg:%s@host#f",
		"p2pmsg:%s@host;rm",
		"p2pmsg:%s@$(x)",
		"p2pmsg:%s@host\n",
		"p2pmsg:%s\n@host",
		"p2pmsg:%s@\x1b[31m",
		"p2pmsg:%s@\xe2\x80\xae",
		"p2pmsg:%s?host",
		"p2pmsg:-%s",
		"p2pmsg:%sa",
		"p2pmsg:%s%s",
	};
	struct rng_seeded rng;
	char compact[NODE_ID_COMPACT_BYTES], text[256];
	struct id32 id, got;

	rng_seeded_init(&rng, 7);
	id = random_id(&rng);
	node_id_compact(&id, compact);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		size_t n = 0;
		for (const char *f = forms[i]; *f != '\0'; f++) {
			if (f[0] == '%' && f[1] == 's') {
				memcpy(text + n, compact, 56);
				n += 56;
				f++;
				continue;
			}
			text[n++] = *f;
		}
		text[n] = '\0';
		char *host = mem_new(strlen(text) + 1);
		if (uri_parse(text, &got, host) != ERR_USAGE)
			fail_msg("'%s' was not refused", text);
		assert_string_equal(host, "");
		mem_free(host);
	}
	snprintf(text, sizeof(text), "p2pmsg:%s@host", compact);
	text[10] = text[10] == 'a' ? 'b' : 'a';
	assert_int_equal(uri_parse(text, &got, compact), ERR_RANGE);
	assert_string_equal(compact, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_ids_come_out_the_same),
		cmocka_unit_test(people_write_ids_in_many_ways),
		cmocka_unit_test(every_single_typo_is_noticed),
		cmocka_unit_test(neighbours_swapped_are_noticed),
		cmocka_unit_test(what_is_no_id_is_a_usage_error),
		cmocka_unit_test(a_txt_id_is_52_characters),
		cmocka_unit_test(uris_go_round),
		cmocka_unit_test(hostile_uris_are_refused),
	};

	secret_init();
	return cmocka_run_group_tests_name("node_id", tests, NULL, NULL);
}
