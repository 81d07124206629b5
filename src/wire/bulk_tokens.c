/*
 * bulk_tokens: see the header. All tokens live equally long, so the oldest expires first.
 */
#include "wire/bulk_tokens.h"

#include <assert.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/secret.h"

static_assert(sizeof(struct bulk_secret) <= SECRET_SLOT_BYTES, "it fills one slot");

struct token {
	struct id16 bulk_id;
	struct bulk_secret *secret; /* in a secret slot */
	uint64_t session, transfer;
	uint64_t until_us;
};

struct bulk_tokens {
	const struct clock *clock;
	const struct rng *rng;
	struct map *by_id; /* bulk id -> struct token */
};

static const uint64_t life_us = (uint64_t)PROTO_BULK_TOKEN_S * 1000 * 1000;

struct bulk_tokens *bulk_tokens_new(const struct clock *clock, const struct rng *rng)
{
	struct bulk_tokens *t = mem_new(sizeof(*t));

	t->clock = clock;
	t->rng = rng;
	t->by_id = map_new(sizeof(struct id16));
	return t;
}

static void drop(struct bulk_tokens *t, struct token *token)
{
	map_del(t->by_id, &token->bulk_id);
	secret_slot_free(token->secret);
	mem_free(token);
}

void bulk_tokens_free(struct bulk_tokens *t)
{
	if (t == NULL)
		return;
	size_t pos = 0;
	for (struct token *token; (token = map_next(t->by_id, &pos)) != NULL;)
		drop(t, token);
	map_free(t->by_id);
	mem_free(t);
}

static void expire(struct bulk_tokens *t)
{
	uint64_t now = clock_mono_us(t->clock);
	struct token *oldest;

	while ((oldest = map_oldest(t->by_id, NULL)) != NULL && oldest->until_us <= now)
		drop(t, oldest);
}

enum err bulk_tokens_put(struct bulk_tokens *t, uint64_t session, const uint8_t *hash,
			 uint64_t transfer, const struct id32 *token)
{
	struct id16 id = bulk_id_of(token);

	expire(t);
	if (map_get(t->by_id, &id) != NULL)
		return ERR_EXISTS;
	if (map_count(t->by_id) >= PROTO_BULK_TOKENS_MAX)
		return ERR_LIMIT;
	struct token *new = mem_new(sizeof(*new));
	new->bulk_id = id;
	new->secret = secret_slot_new();
	new->secret->token = *token;
	memcpy(new->secret->h, hash, sizeof(new->secret->h));
	new->session = session;
	new->transfer = transfer;
	new->until_us = clock_mono_us(t->clock) + life_us;
	map_put(t->by_id, &id, new);
	return ERR_OK;
}

enum err bulk_tokens_add(struct bulk_tokens *t, uint64_t session, const uint8_t *hash,
			 uint64_t transfer, struct id32 *token_out)
{
	rng_fill(t->rng, token_out->b, sizeof(token_out->b));
	return bulk_tokens_put(t, session, hash, transfer, token_out);
}

void bulk_tokens_drop_session(struct bulk_tokens *t, uint64_t session)
{
	size_t pos = 0;

	for (struct token *token; (token = map_next(t->by_id, &pos)) != NULL;) {
		if (token->session == session)
			drop(t, token);
	}
}

void bulk_tokens_drop_transfer(struct bulk_tokens *t, uint64_t transfer)
{
	size_t pos = 0;

	for (struct token *token; (token = map_next(t->by_id, &pos)) != NULL;) {
		if (token->transfer == transfer)
			drop(t, token);
	}
}

size_t bulk_tokens_count(const struct bulk_tokens *t)
{
	return map_count(t->by_id);
}

bool bulk_tokens_has(struct bulk_tokens *t, const struct id16 *bulk_id)
{
	expire(t);
	return map_get(t->by_id, bulk_id) != NULL;
}

enum err bulk_tokens_answer(struct bulk_tokens *t, struct slice opening,
			    uint8_t answer[static BULK_ANSWER_BYTES],
			    struct bulk_keys *keys, uint64_t *transfer)
{
	struct id16 id = bulk_opening_id(opening);

	expire(t);
	struct token *token = map_get(t->by_id, &id);
	if (token == NULL)
		return ERR_UNKNOWN;
	enum err e = bulk_answer(token->secret, t->rng, opening, answer, keys);
	*transfer = token->transfer;
	/* Who could not open it does not spend it for who can. */
	if (e != ERR_AUTH)
		drop(t, token);
	return e;
}
