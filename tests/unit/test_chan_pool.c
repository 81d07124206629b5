/*
 * chan_pool: it may change nothing but the time that things take.
 */
#include "wire/chan_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/chan_pair.h"

static struct chan_pair pair;
static struct chan_pool *pool;

static int setup(void **state)
{
	(void)state;
	pair_init(&pair, 4);
	pool = chan_pool_new(8);
	pair.a.cfg.pool = pair.b.cfg.pool = pool;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_wipe(&pair);
	chan_pool_free(pool);
	return 0;
}

static void two_nodes_may_share_one(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		pair_connect(&pair);
		end_send(&pair.a, KIND_MSG, "to b");
		end_send(&pair.b, KIND_MSG, "to a");
		pair_run(&pair);
		assert_int_equal(pair.a.records, 1);
		assert_int_equal(pair.b.records, 1);
		assert_memory_equal(chan_peer(pair.a.chan)->cert.raw,
				    identity_cert(pair.b.id)->raw, CERT_BYTES);
		assert_memory_equal(chan_peer(pair.b.chan)->cert.raw,
				    identity_cert(pair.a.id)->raw, CERT_BYTES);
	}
}

/* A new identity where the old one stood, perhaps at the same address. */
static void a_start_belongs_to_its_static_key(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		pair_connect(&pair);
		assert_true(id32_eq(&chan_peer(pair.b.chan)->cert.node_id,
				    identity_node_id(pair.a.id)));
		end_reset(&pair.a);
		identity_free(pair.a.id);
		pair.a.id = identity_generate(&pair.rng.rng);
		pair.a.cfg.self = pair.a.id;
	}
}

static void a_start_is_the_one_of_noise(void **state)
{
	static const char prologue[] = "some prologue";
	struct noise_handshakestate plain, kept;

	(void)state;
	for (unsigned role = 0; role < 2; role++) {
		assert_int_equal(chan_pool_start(NULL, pair.a.id, pair.a.cfg.rng, role,
						 slice_str(prologue), &plain),
				 ERR_OK);
		for (unsigned i = 0; i < 2; i++) {
			memset(&kept, 0, sizeof(kept));
			assert_int_equal(chan_pool_start(pool, pair.a.id, pair.a.cfg.rng,
							 role, slice_str(prologue),
							 &kept),
					 ERR_OK);
			assert_memory_equal(&plain.symmetric, &kept.symmetric,
					    sizeof(plain.symmetric));
			assert_memory_equal(plain.s, kept.s, 32);
			assert_memory_equal(plain.s_pub, kept.s_pub, 32);
			assert_int_equal(plain.initiator, kept.initiator);
			assert_ptr_equal(plain.rng, kept.rng);
		}
		/* It draws from where the channel draws. */
		pair.a.cfg.rng = rng_system();
		chan_pool_start(pool, pair.a.id, pair.a.cfg.rng, role,
				slice_str(prologue), &kept);
		assert_ptr_equal(kept.rng, rng_system());
		pair.a.cfg.rng = &pair.rng.rng;
		/* Another prologue is another start. */
		chan_pool_start(pool, pair.a.id, pair.a.cfg.rng, role, slice_str("other"),
				&kept);
		assert_memory_not_equal(&plain.symmetric, &kept.symmetric,
					sizeof(plain.symmetric));
	}
}

static void a_kept_certificate_differs_in_no_byte(void **state)
{
	const struct cert *own = identity_cert(pair.b.id);
	struct cert out;
	uint8_t raw[CERT_BYTES];

	(void)state;
	chan_pool_keep(pool, own);
	assert_int_equal(chan_pool_cert(pool, slice_of(own->raw, CERT_BYTES), &out),
			 ERR_OK);
	assert_memory_equal(out.raw, own->raw, CERT_BYTES);
	assert_true(id32_eq(&out.node_id, &own->node_id));
	for (size_t i = 0; i < CERT_BYTES; i++) {
		memcpy(raw, own->raw, CERT_BYTES);
		raw[i] ^= 1;
		assert_int_not_equal(
			chan_pool_cert(pool, slice_of(raw, CERT_BYTES), &out), ERR_OK);
	}
	assert_int_equal(chan_pool_cert(pool, slice_of(own->raw, CERT_BYTES - 1), &out),
			 ERR_PROTO);
}

/* More peers than there is room for: the newer ones stay, all get in. */
static void a_small_pool_serves_many_peers(void **state)
{
	struct chan_pool *tiny = chan_pool_new(1);

	(void)state;
	pair.b.cfg.pool = tiny;
	for (unsigned i = 0; i < 4; i++) {
		pair_connect(&pair);
		end_reset(&pair.a);
		identity_free(pair.a.id);
		pair.a.id = identity_generate(&pair.rng.rng);
		pair.a.cfg.self = pair.a.id;
	}
	end_reset(&pair.b);
	pair.b.cfg.pool = NULL;
	chan_pool_free(tiny);
	chan_pool_free(chan_pool_new(0));
	chan_pool_free(NULL);
}

static void memory_goes_from_one_buffer_to_the_next(void **state)
{
	struct buf a, b;
	const uint8_t *p;

	(void)state;
	buf_init(&a, 1000);
	buf_init(&b, 5000);
	buf_zeros(&a, 800);
	p = a.p;
	buf_drop(&a, 800);
	chan_pool_return(pool, &a);
	assert_null(a.p);
	assert_int_equal(a.max, 1000);
	chan_pool_lend(pool, &b);
	assert_ptr_equal(b.p, p);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 5000);
	/* There is one only. */
	chan_pool_lend(pool, &a);
	assert_null(a.p);
	chan_pool_return(pool, &b);
	buf_wipe(&a);
	buf_wipe(&b);
}

/* Half a message of a stranger must not hold what the busy ones share. */
static void a_stranger_borrows_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	buf_zeros(&b, 50000);
	buf_drop(&b, 50000);
	chan_pool_return(pool, &b);
	pair_dial(&pair);
	end_feed(&pair.b, slice_str("P2P"));
	chan_pool_lend(pool, &b);
	assert_true(b.cap >= 50000);
	buf_wipe(&b);
}

static void a_returned_secret_is_zero(void **state)
{
	uint8_t *secret;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		secret = chan_pool_secret_new(pool, 64);
		for (size_t k = 0; k < 64; k++)
			assert_int_equal(secret[k], 0);
		memset(secret, 0xff, 64);
		chan_pool_secret_free(pool, secret, 64);
	}
	chan_pool_secret_free(pool, NULL, 64);
	chan_pool_secret_free(NULL, chan_pool_secret_new(NULL, 64), 64);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(two_nodes_may_share_one),
		T(a_start_belongs_to_its_static_key),
		T(a_start_is_the_one_of_noise),
		T(a_kept_certificate_differs_in_no_byte),
		T(a_small_pool_serves_many_peers),
		T(memory_goes_from_one_buffer_to_the_next),
		T(a_stranger_borrows_nothing),
		T(a_returned_secret_is_zero),
	};

	return cmocka_run_group_tests_name("chan_pool", tests, NULL, NULL);
}
