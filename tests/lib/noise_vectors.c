#include "lib/noise_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "lib/vectors.h"

typedef void vector_fn(void *ctx, const struct noise_vector *v);

static struct slice prefixed_hex(struct pool *pool, const json_t *object,
				 const char *prefix, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", prefix, key);
	return vectors_hex(pool, object, name);
}

static void read_json_side(struct pool *pool, const json_t *j, const char *prefix,
			   struct noise_vector_side *side)
{
	char name[64];

	side->prologue = prefixed_hex(pool, j, prefix, "prologue");
	side->s = prefixed_hex(pool, j, prefix, "static");
	side->e = prefixed_hex(pool, j, prefix, "ephemeral");
	side->rs = prefixed_hex(pool, j, prefix, "remote_static");
	snprintf(name, sizeof(name), "%s_psks", prefix);
	const json_t *psks = json_object_get(j, name);
	for (size_t i = 0; i < json_array_size(psks) && i < NOISE_VECTOR_PSKS; i++)
		side->psk[side->n_psks++] =
			pool_hex(pool, json_string_value(json_array_get(psks, i)));
}

static void read_json_vector(struct pool *pool, const json_t *j, struct noise_vector *v)
{
	const json_t *messages = json_object_get(j, "messages");
	size_t i;
	json_t *m;

	v->protocol_name = vectors_str(j, "protocol_name");
	read_json_side(pool, j, "init", &v->initiator);
	read_json_side(pool, j, "resp", &v->responder);
	v->handshake_hash = vectors_hex(pool, j, "handshake_hash");
	assert_in_range(json_array_size(messages), 1, NOISE_VECTOR_MESSAGES);
	json_array_foreach(messages, i, m)
	{
		v->messages[i].payload = vectors_hex(pool, m, "payload");
		v->messages[i].ciphertext = vectors_hex(pool, m, "ciphertext");
	}
	v->n_messages = (unsigned)i;
}

static unsigned each_json(const char *path, vector_fn *fn, void *ctx)
{
	json_error_t why;
	json_t *file = json_load_file(path, 0, &why);
	const json_t *list = json_object_get(file, "vectors");
	unsigned n = 0;
	size_t i;
	json_t *j;

	json_array_foreach(list, i, j)
	{
		struct pool pool = {0};
		struct noise_vector v = {0};
		read_json_vector(&pool, j, &v);
		fn(ctx, &v);
		pool_wipe(&pool);
		n++;
	}
	json_decref(file);
	return n;
}

/* The text format gives private keys only; both sides know what the pattern asks. */
static struct slice public_key(struct pool *pool, struct slice private_key)
{
	if (private_key.n == 0)
		return private_key;
	uint8_t *p = pool_bytes(pool, 32);
	crypto_scalarmult_base(p, private_key.p);
	return slice_of(p, 32);
}

static void read_text_side(struct pool *pool, const struct kv_file *f,
			   const char *own_static, const char *remote_static,
			   const char *ephemeral, struct noise_vector_side *side)
{
	side->prologue = kv_hex(pool, f, "prologue");
	side->s = kv_hex(pool, f, own_static);
	side->rs = public_key(pool, kv_hex(pool, f, remote_static));
	side->e = kv_hex(pool, f, ephemeral);
	side->psk[0] = kv_hex(pool, f, "preshared_key");
	side->n_psks = side->psk[0].n > 0 ? 1 : 0;
}

static void read_text_vector(struct pool *pool, const struct kv_file *f,
			     struct noise_vector *v)
{
	char payload[32], ciphertext[32];

	v->protocol_name = kv_get(f, "handshake");
	v->is_restarted = true;
	read_text_side(pool, f, "init_static", "resp_static", "gen_init_ephemeral",
		       &v->initiator);
	read_text_side(pool, f, "resp_static", "init_static", "gen_resp_ephemeral",
		       &v->responder);
	for (unsigned i = 0; i < NOISE_VECTOR_MESSAGES; i++) {
		snprintf(payload, sizeof(payload), "msg_%u_payload", i);
		snprintf(ciphertext, sizeof(ciphertext), "msg_%u_ciphertext", i);
		if (kv_get(f, ciphertext) == NULL)
			break;
		v->messages[i].payload = kv_hex(pool, f, payload);
		v->messages[i].ciphertext = kv_hex(pool, f, ciphertext);
		v->n_messages = i + 1;
	}
}

static unsigned each_text(const char *path, vector_fn *fn, void *ctx)
{
	struct kv_file *f = kv_open(path);
	unsigned n = 0;

	assert_non_null(f);
	while (kv_next(f, NULL)) {
		struct pool pool = {0};
		struct noise_vector v = {0};
		if (kv_get(f, "handshake") == NULL)
			fail_msg("%s: a record without a handshake", path);
		read_text_vector(&pool, f, &v);
		fn(ctx, &v);
		pool_wipe(&pool);
		n++;
	}
	kv_close(f);
	return n;
}

static bool is_json(const char *path)
{
	FILE *f = fopen(path, "r");
	char c = '\0';

	if (f == NULL || fscanf(f, " %c", &c) != 1)
		fail_msg("%s: cannot be read", path);
	else
		fclose(f);
	return c == '{';
}

unsigned noise_vectors_each(const char *path, vector_fn *fn, void *ctx)
{
	return is_json(path) ? each_json(path, fn, ctx) : each_text(path, fn, ctx);
}
