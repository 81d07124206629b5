/*
 * noise_stdio: one Noise session over stdin and stdout, each message u16 length
 * and bytes, for talking with other implementations.
 *
 *   noise_stdio PATTERN initiator|responder [NAME=HEX ...] [plan=LETTERS]
 *
 *   prologue, s, rs, psk (once for each), payload (once for each message of ours,
 *   those of the handshake first)
 *   plan: what follows the handshake: i, r: a transport message of that side;
 *   I, R: that side's sending key is rekeyed
 *
 * At the end stderr says, line by line, `h HEX` and `got HEX` for each message
 * received. On failure it says `failed ERR at MESSAGE`, and the status is 1.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/noise.h"

enum { PAYLOADS_MAX = 256, GOT_MAX = 256 };

struct bytes {
	uint8_t *p;
	size_t n;
};

static struct {
	struct bytes prologue, s, rs, psk[NOISE_MAX_PSKS], payload[PAYLOADS_MAX];
	unsigned n_psks, n_payloads;
	const char *plan;
} args;

static struct bytes got[GOT_MAX];
static unsigned n_got, n_sent, n_messages;
static uint8_t wire[NOISE_MAX_MESSAGE], plain[NOISE_MAX_MESSAGE];

static _Noreturn void die(const char *why)
{
	fprintf(stderr, "failed %s at %u\n", why, n_messages);
	exit(1);
}

static void must(enum err err)
{
	if (err != ERR_OK)
		die(err_name(err));
}

static struct bytes unhex(const char *hex)
{
	struct bytes b = {mem_new(strlen(hex) / 2 + 1), strlen(hex) / 2};

	must(hex_decode(slice_str(hex), b.p, b.n));
	return b;
}

static const char *value_of(const char *arg, const char *name)
{
	const size_t n = strlen(name);

	return strncmp(arg, name, n) == 0 && arg[n] == '=' ? arg + n + 1 : NULL;
}

static void read_arg(const char *arg)
{
	const struct {
		const char *name;
		struct bytes *list;
		unsigned *n, max;
	} rows[] = {
		{"prologue", &args.prologue, NULL, 1},
		{"s", &args.s, NULL, 1},
		{"rs", &args.rs, NULL, 1},
		{"psk", args.psk, &args.n_psks, NOISE_MAX_PSKS},
		{"payload", args.payload, &args.n_payloads, PAYLOADS_MAX},
	};
	const char *value = value_of(arg, "plan");

	if (value != NULL) {
		args.plan = value;
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		value = value_of(arg, rows[i].name);
		const unsigned at = rows[i].n ? *rows[i].n : 0;
		if (value == NULL || at >= rows[i].max)
			continue;
		rows[i].list[at] = unhex(value);
		if (rows[i].n != NULL)
			++*rows[i].n;
		return;
	}
	die("USAGE");
}

static struct slice next_payload(void)
{
	if (n_sent == args.n_payloads)
		die("no payload left");
	const struct bytes *b = &args.payload[n_sent++];
	return slice_of(b->p, b->n);
}

static void write_wire(size_t n)
{
	const uint8_t length[2] = {(uint8_t)(n >> 8), (uint8_t)n};

	if (fwrite(length, 1, 2, stdout) != 2 || fwrite(wire, 1, n, stdout) != n ||
	    fflush(stdout) != 0)
		die("IO");
	n_messages++;
}

static struct slice read_wire(void)
{
	uint8_t length[2];

	if (fread(length, 1, 2, stdin) != 2)
		die("TRUNCATED");
	const size_t n = (size_t)length[0] << 8 | length[1];
	if (fread(wire, 1, n, stdin) != n)
		die("TRUNCATED");
	return slice_of(wire, n);
}

static void keep(size_t n)
{
	if (n_got == GOT_MAX)
		die("too many messages");
	got[n_got++] = (struct bytes){mem_dup(plain, n), n};
	n_messages++;
}

static void shake_hands(struct noise_handshakestate *hs)
{
	while (!noise_is_done(hs)) {
		size_t n;
		if (noise_is_my_turn(hs)) {
			must(noise_write_message(hs, next_payload(), wire, sizeof(wire),
						 &n));
			write_wire(n);
		} else {
			must(noise_read_message(hs, read_wire(), plain, &n));
			keep(n);
		}
	}
}

static void send_one(struct noise_cipherstate *cs)
{
	const struct slice payload = next_payload();

	if (payload.n > NOISE_MAX_MESSAGE - NOISE_TAGLEN)
		die("USAGE");
	must(noise_encrypt_with_ad(cs, slice_of(NULL, 0), payload, wire));
	write_wire(payload.n + NOISE_TAGLEN);
}

static void receive_one(struct noise_cipherstate *cs)
{
	const struct slice message = read_wire();

	must(noise_decrypt_with_ad(cs, slice_of(NULL, 0), message, plain));
	keep(message.n - NOISE_TAGLEN);
}

static void follow_plan(bool is_initiator, struct noise_cipherstate *send,
			struct noise_cipherstate *receive)
{
	for (const char *c = args.plan ? args.plan : ""; *c != '\0'; c++) {
		const bool is_ours = (*c == 'i' || *c == 'I') == is_initiator;
		if (*c == 'I' || *c == 'R')
			noise_rekey(is_ours ? send : receive);
		else if (is_ours)
			send_one(send);
		else
			receive_one(receive);
	}
}

static void say(const char *name, const uint8_t *p, size_t n)
{
	char *hex = mem_new(2 * n + 1);

	hex_encode(slice_of(p, n), hex);
	fprintf(stderr, "%s %s\n", name, hex);
	mem_free(hex);
}

static void free_all(void)
{
	struct bytes *const lists[] = {&args.prologue, &args.s, &args.rs};

	for (size_t i = 0; i < 3; i++)
		mem_free(lists[i]->p);
	for (unsigned i = 0; i < args.n_psks; i++)
		mem_free(args.psk[i].p);
	for (unsigned i = 0; i < args.n_payloads; i++)
		mem_free(args.payload[i].p);
	for (unsigned i = 0; i < n_got; i++)
		mem_free(got[i].p);
}

int main(int argc, char **argv)
{
	struct noise_handshakestate hs;
	struct noise_cipherstate send, receive;
	uint8_t h[NOISE_HASHLEN];

	secret_init();
	if (argc < 3)
		die("USAGE");
	for (int i = 3; i < argc; i++)
		read_arg(argv[i]);
	const bool is_initiator = strcmp(argv[2], "initiator") == 0;
	struct noise_keys keys = {.s = args.s.p, .rs = args.rs.p};
	for (unsigned i = 0; i < args.n_psks; i++)
		keys.psk[i] = args.psk[i].p;
	must(noise_handshake_init(&hs, noise_pattern_find(argv[1]), is_initiator,
				  slice_of(args.prologue.p, args.prologue.n), &keys,
				  rng_system()));
	shake_hands(&hs);
	must(noise_split(&hs, &send, &receive, h));
	follow_plan(is_initiator, &send, &receive);
	say("h", h, sizeof(h));
	for (unsigned i = 0; i < n_got; i++)
		say("got", got[i].p, got[i].n);
	free_all();
	return 0;
}
