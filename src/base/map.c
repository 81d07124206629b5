/*
 * Entries stand in a ring in the order of insertion and are numbered by it; entry
 * number n is at n mod cap. A removed entry leaves a hole (value NULL), and the
 * window from first to next closes over holes at its front, so that a map used as a
 * queue runs round the ring for ever. Only when the window fills the ring are the
 * entries that are left written to a new one, sized for them.
 *
 * The index is open addressing with linear probing over twice as many cells; removal
 * shifts back what probed past the cell, so that there are no tombstones either.
 */
#include "base/map.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum { CAP_MIN = 8, CAP_KEPT = 1024, KEY_MAX = 64 };

struct entry {
	void *value;
	uint32_t hash;
	uint8_t key[];
};

struct cell {
	uint32_t hash;
	uint32_t number; /* 0: free */
};

struct map {
	uint8_t *entries;
	struct cell *cells; /* 2 * cap */
	size_t stride; /* bytes of an entry */
	size_t key_len;
	uint32_t cap; /* 0 or a power of 2 */
	uint32_t count;
	uint32_t first, next; /* numbers; from 1 on */
};

static uint8_t hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void draw_hash_key(void)
{
	randombytes_buf(hash_key, sizeof(hash_key));
}

static uint32_t hash_of(const struct map *m, const void *key)
{
	uint8_t out[crypto_shorthash_BYTES];
	uint32_t hash;

	crypto_shorthash(out, key, m->key_len, hash_key);
	memcpy(&hash, out, sizeof(hash));
	return hash;
}

static struct entry *entry_at(const struct map *m, uint32_t number)
{
	return (void *)(m->entries + (number & (m->cap - 1)) * m->stride);
}

static uint32_t cell_mask(const struct map *m)
{
	return 2 * m->cap - 1;
}

/* The cell of the key, or the free one where it would go. */
static uint32_t find_cell(const struct map *m, const void *key, uint32_t hash)
{
	uint32_t i = hash & cell_mask(m);

	for (;; i = (i + 1) & cell_mask(m)) {
		const struct cell *c = &m->cells[i];
		if (c->number == 0)
			return i;
		if (c->hash == hash &&
		    memcmp(entry_at(m, c->number)->key, key, m->key_len) == 0)
			return i;
	}
}

/* Fills cell i from behind, as long as a later one may stand nearer to its home. */
static void free_cell(struct map *m, uint32_t i)
{
	uint32_t mask = cell_mask(m);

	for (uint32_t j = (i + 1) & mask; m->cells[j].number != 0; j = (j + 1) & mask) {
		uint32_t home = m->cells[j].hash & mask;
		if (((j - home) & mask) >= ((j - i) & mask)) {
			m->cells[i] = m->cells[j];
			i = j;
		}
	}
	m->cells[i] = (struct cell){0, 0};
}

struct map *map_new(size_t key_len)
{
	struct map *m = mem_new(sizeof(*m));
	const size_t align = _Alignof(struct entry);

	if (key_len == 0 || key_len > KEY_MAX)
		BUG("a map's key has 1 to 64 bytes");
	pthread_once(&hash_key_once, draw_hash_key);
	m->key_len = key_len;
	m->stride = (offsetof(struct entry, key) + key_len + align - 1) / align * align;
	m->first = m->next = 1;
	return m;
}

void map_free(struct map *m)
{
	if (m == NULL)
		return;
	mem_free(m->entries);
	mem_free(m->cells);
	mem_free(m);
}

size_t map_count(const struct map *m)
{
	return m->count;
}

/* At least a quarter stays free, so that the next time is far enough away to pay for
 * this one. */
static uint32_t cap_for(const struct map *m)
{
	uint32_t cap = CAP_MIN;

	while (cap - cap / 4 <= m->count)
		cap *= 2;
	return cap;
}

static void append(struct map *m, const struct entry *from)
{
	uint32_t i = from->hash & cell_mask(m);

	while (m->cells[i].number != 0)
		i = (i + 1) & cell_mask(m);
	m->cells[i] = (struct cell){from->hash, m->next};
	memcpy(entry_at(m, m->next), from, m->stride);
	m->next++;
	m->count++;
}

/* Numbers entries anew, without holes, in a ring that suits their count. */
static void rebuild(struct map *m)
{
	struct map old = *m;

	m->cap = cap_for(&old);
	m->entries = mem_resize(NULL, m->cap, m->stride);
	m->cells = mem_array(m->cap, 2 * sizeof(*m->cells));
	m->first = m->next = 1;
	m->count = 0;
	for (uint32_t n = old.first; n != old.next; n++) {
		const struct entry *e = entry_at(&old, n);
		if (e->value != NULL)
			append(m, e);
	}
	mem_free(old.entries);
	mem_free(old.cells);
}

void *map_get(const struct map *m, const void *key)
{
	uint32_t number;

	if (m->count == 0)
		return NULL;
	number = m->cells[find_cell(m, key, hash_of(m, key))].number;
	return number != 0 ? entry_at(m, number)->value : NULL;
}

void *map_put(struct map *m, const void *key, void *value)
{
	uint32_t i, hash = hash_of(m, key);
	struct entry *e;
	void *old;

	if (value == NULL) {
		BUG("a map holds no NULL");
		return NULL;
	}
	if (m->next - m->first == m->cap || m->next == UINT32_MAX)
		rebuild(m);
	i = find_cell(m, key, hash);
	if (m->cells[i].number != 0) {
		e = entry_at(m, m->cells[i].number);
		old = e->value;
		e->value = value;
		return old;
	}
	m->cells[i] = (struct cell){hash, m->next};
	e = entry_at(m, m->next++);
	e->value = value;
	e->hash = hash;
	memcpy(e->key, key, m->key_len);
	m->count++;
	return NULL;
}

/* Keeps the numbers, which a walk may hold. */
static void release_if_empty(struct map *m)
{
	if (m->count > 0 || m->cap <= CAP_KEPT)
		return;
	mem_free(m->entries);
	mem_free(m->cells);
	m->entries = NULL;
	m->cells = NULL;
	m->cap = 0;
}

void *map_del(struct map *m, const void *key)
{
	uint32_t i, number;
	void *value;

	if (m->count == 0)
		return NULL;
	i = find_cell(m, key, hash_of(m, key));
	number = m->cells[i].number;
	if (number == 0)
		return NULL;
	value = entry_at(m, number)->value;
	entry_at(m, number)->value = NULL;
	free_cell(m, i);
	m->count--;
	while (m->first != m->next && entry_at(m, m->first)->value == NULL)
		m->first++;
	release_if_empty(m);
	return value;
}

void *map_next(const struct map *m, size_t *pos)
{
	uint32_t n = *pos > m->first ? (uint32_t)*pos : m->first;

	for (; n < m->next; n++) {
		void *value = entry_at(m, n)->value;
		if (value != NULL) {
			*pos = (size_t)n + 1;
			return value;
		}
	}
	return NULL;
}

void *map_oldest(const struct map *m, const void **key_out)
{
	const struct entry *e;

	if (m->count == 0)
		return NULL;
	e = entry_at(m, m->first);
	if (key_out != NULL)
		*key_out = e->key;
	return e->value;
}
