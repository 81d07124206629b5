#include "wire/chan_pool.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	BUFS = 2, /* one for input, one for output */
	BUF_MAX_BYTES = 256 * 1024,
	SECRETS = 4,
	LABEL_OFFSET = 22, /* of the first key in a certificate */
	DEVICE_ID_OFFSET = LABEL_OFFSET + 4 * 32,
	PROLOGUE_MAX_BYTES = 32
};

/* The state of a handshake before its first message. */
struct start {
	uint8_t prologue[PROLOGUE_MAX_BYTES];
	size_t prologue_n; /* 0: none yet */
	struct noise_handshakestate noise;
};

struct chan_pool {
	struct buf bufs[BUFS];
	void *secrets[SECRETS];
	struct start *starts[2]; /* responder, initiator; guarded */
	struct cert **certs; /* by device id; where two meet, the newer stays */
	size_t n_certs;
};

struct chan_pool *chan_pool_new(size_t certs)
{
	struct chan_pool *p = mem_new(sizeof(*p));

	p->n_certs = certs;
	p->certs = mem_array(certs, sizeof(*p->certs));
	return p;
}

void chan_pool_free(struct chan_pool *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < BUFS; i++)
		buf_wipe(&p->bufs[i]);
	for (size_t i = 0; i < SECRETS; i++)
		secret_free(p->secrets[i]);
	for (size_t i = 0; i < 2; i++)
		secret_free(p->starts[i]);
	for (size_t i = 0; i < p->n_certs; i++)
		mem_free(p->certs[i]);
	mem_free(p->certs);
	mem_free(p);
}

static void swap_memory(struct buf *a, struct buf *b)
{
	struct buf was = *a;

	*a = (struct buf){.p = b->p, .cap = b->cap, .max = a->max};
	*b = (struct buf){.p = was.p, .cap = was.cap, .max = b->max};
}

void chan_pool_lend(struct chan_pool *p, struct buf *b)
{
	for (size_t i = 0; p != NULL && i < BUFS && b->p == NULL; i++)
		swap_memory(b, &p->bufs[i]);
}

void chan_pool_return(struct chan_pool *p, struct buf *b)
{
	for (size_t i = 0; p != NULL && i < BUFS; i++) {
		if (b->cap > p->bufs[i].cap && b->cap <= BUF_MAX_BYTES)
			swap_memory(b, &p->bufs[i]);
	}
	buf_clear(b, 0);
}

void *chan_pool_secret_new(struct chan_pool *p, size_t n)
{
	for (size_t i = 0; p != NULL && i < SECRETS; i++) {
		void *secret = p->secrets[i];
		p->secrets[i] = NULL;
		if (secret != NULL)
			return secret;
	}
	return secret_new(n);
}

void chan_pool_secret_free(struct chan_pool *p, void *secret, size_t n)
{
	if (secret == NULL)
		return;
	secret_wipe(secret, n);
	for (size_t i = 0; p != NULL && i < SECRETS; i++) {
		if (p->secrets[i] == NULL) {
			p->secrets[i] = secret;
			return;
		}
	}
	secret_free(secret);
}

static enum err start_new(const struct identity *self, const struct rng *rng,
			  bool is_initiator, struct slice prologue,
			  struct noise_handshakestate *out)
{
	const struct noise_keys keys = {.s = identity_dn_secret(self)};

	return noise_handshake_init(out, noise_pattern_find("XX"), is_initiator, prologue,
				    &keys, rng);
}

static bool start_fits(const struct start *s, const struct identity *self,
		       struct slice prologue)
{
	const struct id32 *dn = &identity_cert(self)->dn;

	return slice_eq(slice_of(s->prologue, s->prologue_n), prologue) &&
	       memcmp(s->noise.s_pub, dn->b, sizeof(dn->b)) == 0;
}

enum err chan_pool_start(struct chan_pool *p, const struct identity *self,
			 const struct rng *rng, bool is_initiator, struct slice prologue,
			 struct noise_handshakestate *out)
{
	struct start *s;
	enum err e = ERR_OK;

	if (p == NULL || prologue.n > PROLOGUE_MAX_BYTES)
		return start_new(self, rng, is_initiator, prologue, out);
	if (p->starts[is_initiator] == NULL)
		p->starts[is_initiator] = secret_new(sizeof(*s));
	s = p->starts[is_initiator];
	if (!start_fits(s, self, prologue)) {
		memcpy(s->prologue, prologue.p, prologue.n);
		s->prologue_n = prologue.n;
		e = start_new(self, rng, is_initiator, prologue, &s->noise);
	}
	*out = s->noise;
	out->rng = rng;
	return e;
}

static struct cert **cert_place(const struct chan_pool *p, const uint8_t *raw)
{
	size_t n = (size_t)raw[DEVICE_ID_OFFSET] << 8 | raw[DEVICE_ID_OFFSET + 1];

	return &p->certs[n % p->n_certs];
}

enum err chan_pool_cert(struct chan_pool *p, struct slice raw, struct cert *out)
{
	const struct cert *kept;

	if (p == NULL || p->n_certs == 0 || raw.n != CERT_BYTES)
		return cert_parse(raw, out);
	kept = *cert_place(p, raw.p);
	if (kept == NULL || memcmp(kept->raw, raw.p, CERT_BYTES) != 0)
		return cert_parse(raw, out);
	*out = *kept;
	return ERR_OK;
}

void chan_pool_keep(struct chan_pool *p, const struct cert *cert)
{
	struct cert **place;

	if (p == NULL || p->n_certs == 0)
		return;
	place = cert_place(p, cert->raw);
	if (*place == NULL)
		*place = mem_new(sizeof(*cert));
	**place = *cert;
}
