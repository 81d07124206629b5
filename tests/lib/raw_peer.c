#include "lib/raw_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wire/frame.h"
#include "wire/preamble.h"

void raw_greet(uint8_t out[static PROTO_HS_PAYLOAD_BYTES], const struct identity *id)
{
	static const uint8_t boot[16] = {3};
	const struct cert *cert = identity_cert(id);
	const struct greeting g = {
		.cert = slice_of(cert->raw, sizeof(cert->raw)),
		.list_version = identity_devlist(id)->version,
		.boot = slice_of(boot, sizeof(boot)),
	};

	greeting_write(&g, out);
}

void raw_init(struct raw_peer *r, bool initiator, const struct identity *id,
	      const uint8_t *dn, const struct rng *rng)
{
	uint8_t prologue[16 + PROTO_PREAMBLE_BYTES] = "p2pmsg-noise-v1";
	const struct noise_keys keys = {.s = dn != NULL ? dn : identity_dn_secret(id)};

	memset(r, 0, sizeof(*r));
	preamble_write(prologue + 16);
	raw_greet(r->greeting, id);
	assert_int_equal(noise_handshake_init(&r->hs, noise_pattern_find("XX"), initiator,
					      slice_of(prologue, sizeof(prologue)), &keys,
					      rng),
			 ERR_OK);
}

void raw_write(struct raw_peer *r, struct buf *out)
{
	bool is_first = r->hs.next_message == 0;
	uint8_t preamble[PROTO_PREAMBLE_BYTES], message[PROTO_MSG2_BYTES];
	size_t n;

	preamble_write(preamble);
	if (is_first)
		buf_add(out, slice_of(preamble, sizeof(preamble)));
	assert_int_equal(noise_write_message(&r->hs,
					     slice_of(r->greeting,
						      is_first ? 0 : sizeof(r->greeting)),
					     message, sizeof(message), &n),
			 ERR_OK);
	buf_u16(out, (uint16_t)n);
	assert_int_equal(buf_add(out, slice_of(message, n)), ERR_OK);
}

enum err raw_read(struct raw_peer *r, struct slice frame)
{
	uint8_t payload[PROTO_MSG2_BYTES];
	size_t n;
	enum err e = noise_read_message(&r->hs, slice_of(frame.p + 2, frame.n - 2),
					payload, &n);

	if (e == ERR_OK && n == sizeof(r->heard))
		memcpy(r->heard, payload, n);
	return e;
}

/* Gives e what r says next. */
static enum err tell(struct raw_peer *r, struct chan_end *e)
{
	struct buf b;
	enum err err;

	buf_init(&b, 2000);
	raw_write(r, &b);
	err = end_feed(e, buf_slice(&b));
	buf_wipe(&b);
	return err;
}

/* Gives r what e says next; false when that is nothing, or nothing good. */
static bool hear(struct raw_peer *r, struct chan_end *e)
{
	struct buf b;
	bool is_first = r->hs.next_message == 0, is_good;
	size_t skip = is_first ? PROTO_PREAMBLE_BYTES : 0;
	struct slice s;

	buf_init(&b, 2000);
	end_take(e, &b);
	s = buf_slice(&b);
	is_good =
		s.n > skip + 2 && raw_read(r, slice_of(s.p + skip, s.n - skip)) == ERR_OK;
	buf_wipe(&b);
	return is_good;
}

enum err raw_shake(struct raw_peer *r, struct chan_end *e)
{
	enum err err = end_drain(e);

	while (err == ERR_WAIT && !noise_is_done(&r->hs)) {
		if (noise_is_my_turn(&r->hs))
			err = tell(r, e);
		else if (!hear(r, e))
			break;
	}
	if (noise_is_done(&r->hs) && chan_is_up(e->chan))
		assert_int_equal(noise_split(&r->hs, &r->send, &r->receive, r->hash),
				 ERR_OK);
	return err;
}

void raw_seal(struct raw_peer *r, struct slice plain, struct buf *out)
{
	size_t n = plain.n + NOISE_TAGLEN;
	uint8_t *at;

	buf_u16(out, (uint16_t)n);
	assert_int_equal(buf_reserve(out, n, &at), ERR_OK);
	assert_int_equal(noise_encrypt_with_ad(&r->send, slice_of(NULL, 0), plain, at),
			 ERR_OK);
	buf_commit(out, n);
}

void raw_record(struct raw_peer *r, uint8_t kind, uint8_t flags, struct slice payload,
		struct buf *out)
{
	const struct record rec = {kind, flags, payload};
	size_t n = record_padded(payload.n);
	uint8_t *plain = mem_new(n);

	record_write(&rec, plain);
	raw_seal(r, slice_of(plain, n), out);
	mem_free(plain);
}

enum err raw_say(struct raw_peer *r, struct chan_end *e, uint8_t kind, uint8_t flags,
		 struct slice payload)
{
	struct buf b;
	enum err err;

	buf_init(&b, 20000);
	raw_record(r, kind, flags, payload, &b);
	err = end_feed(e, buf_slice(&b));
	buf_wipe(&b);
	return err;
}
