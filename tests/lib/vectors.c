#include "lib/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ids.h"
#include "base/mem.h"

/* The RFC values lie in Debian's python3-cryptography-vectors too. */
static const struct {
	const char *name, *path;
} elsewhere[] = {
	{"rfc/rfc7748.txt", "asymmetric/X25519/rfc7748.txt"},
	{"rfc/rfc7539.txt", "ciphers/ChaCha20/rfc7539.txt"},
	{"rfc/chacha20poly1305_openssl.txt", "ciphers/ChaCha20Poly1305/openssl.txt"},
	{"rfc/rfc8032_ed25519.txt", "asymmetric/Ed25519/sign.input"},
	{"rfc/rfc-4231-sha256.txt", "HMAC/rfc-4231-sha256.txt"},
	{"rfc/rfc-4231-sha512.txt", "HMAC/rfc-4231-sha512.txt"},
	{"rfc/rfc-5869-HKDF-SHA256.txt", "KDF/rfc-5869-HKDF-SHA256.txt"},
	{"rfc/hkdf-generated.txt", "KDF/hkdf-generated.txt"},
	{"blake2/pyca_blake2b.txt", "hashes/blake2/blake2b.txt"},
};

static char *find_elsewhere(const char *name)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
		if (strcmp(elsewhere[i].name, name) == 0)
			return mem_printf("/usr/lib/python3/dist-packages/"
					  "cryptography_vectors/%s",
					  elsewhere[i].path);
	return NULL;
}

char *vectors_path(const char *name)
{
	const char *dir = getenv("P2PMSG_VECTORS");
	char *path = name[0] == '/'
			     ? mem_strdup(name)
			     : mem_printf("%s/%s", dir ? dir : "../shared/vectors", name);
	char *second = find_elsewhere(name);

	if (access(path, R_OK) != 0 && second != NULL && access(second, R_OK) == 0) {
		mem_free(path);
		return second;
	}
	mem_free(second);
	if (access(path, R_OK) != 0) {
		print_message("skip: no %s\n", path);
		mem_free(path);
		skip();
	}
	return path;
}

json_t *vectors_json(const char *name)
{
	char *path = vectors_path(name);
	json_error_t why;
	json_t *json = json_load_file(path, 0, &why);

	if (json == NULL)
		fail_msg("%s:%d: %s", path, why.line, why.text);
	mem_free(path);
	return json;
}

json_t *vectors_golden(const char *name)
{
	char *path = mem_printf("tests/golden/%s", name);
	json_error_t why;
	json_t *json = json_load_file(path, 0, &why);

	if (json == NULL)
		fail_msg("%s:%d: %s", path, why.line, why.text);
	mem_free(path);
	return json;
}

const char *vectors_str(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	if (s == NULL)
		fail_msg("no text in member %s", key);
	return s;
}

uint8_t *pool_bytes(struct pool *pool, size_t n)
{
	uint8_t *p = mem_new(n > 0 ? n : 1);

	pool->v = mem_resize(pool->v, pool->n + 1, sizeof(*pool->v));
	pool->v[pool->n++] = p;
	return p;
}

struct slice pool_hex(struct pool *pool, const char *hex)
{
	const size_t n = strlen(hex) / 2;
	uint8_t *p = pool_bytes(pool, n);

	if (hex_decode(slice_str(hex), p, n) != ERR_OK)
		fail_msg("not hex: %s", hex);
	return slice_of(p, n);
}

void pool_wipe(struct pool *pool)
{
	for (size_t i = 0; i < pool->n; i++)
		mem_free(pool->v[i]);
	mem_free(pool->v);
	*pool = (struct pool){0};
}

struct slice vectors_hex(struct pool *pool, const json_t *object, const char *key)
{
	const char *hex = json_string_value(json_object_get(object, key));

	return pool_hex(pool, hex ? hex : "");
}

enum { KV_MAX = 64 };

struct kv_file {
	FILE *file;
	char *line;
	size_t line_size;
	size_t n;
	struct kv {
		char *key, *value;
	} v[KV_MAX];
};

struct kv_file *kv_open(const char *path)
{
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return NULL;
	struct kv_file *f = mem_new(sizeof(*f));
	f->file = file;
	return f;
}

static void kv_clear(struct kv_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		mem_free(f->v[i].key);
	f->n = 0;
}

void kv_close(struct kv_file *f)
{
	kv_clear(f);
	fclose(f->file);
	free(f->line);
	mem_free(f);
}

static char *trim(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
		s[--n] = '\0';
	return s + strspn(s, " \t");
}

/* Returns the key, or NULL when the line is not a pair. */
static const char *kv_add(struct kv_file *f, const char *line)
{
	char *copy = mem_strdup(line), *equals = strchr(copy, '=');

	if (equals == NULL || f->n == KV_MAX) {
		mem_free(copy);
		return NULL;
	}
	*equals = '\0';
	struct kv *kv = &f->v[f->n++];
	kv->key = trim(copy);
	kv->value = trim(equals + 1);
	return kv->key;
}

bool kv_next(struct kv_file *f, const char *last_key)
{
	kv_clear(f);
	while (getline(&f->line, &f->line_size, f->file) > 0) {
		const char *line = trim(f->line);
		if (*line == '#')
			continue;
		if (*line == '\0') {
			if (f->n > 0 && last_key == NULL)
				return true;
			continue;
		}
		const char *key = kv_add(f, line);
		if (key != NULL && last_key != NULL && strcmp(key, last_key) == 0)
			return true;
	}
	return f->n > 0 && last_key == NULL;
}

const char *kv_get(const struct kv_file *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].key, key) == 0)
			return f->v[i].value;
	return NULL;
}

struct slice kv_hex(struct pool *pool, const struct kv_file *f, const char *key)
{
	const char *hex = kv_get(f, key);

	return pool_hex(pool, hex ? hex : "");
}
