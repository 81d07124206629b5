/*
 * msgpack_stdio: what our reading of MessagePack says of bytes, for comparing it with
 * another implementation. Each line of stdin is answered by one of stdout:
 *
 *   check HEX      `no`, or the number of bytes of the object at the front
 *   ctrl HEX       an object as a control record or as one of a message record:
 *   msg HEX        the name of the error, and for OK the object encoded again
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/mem.h"
#include "wire/msg.h"
#include "wire/pack.h"

static void answer_check(struct slice s)
{
	size_t used;

	if (pack_check(s, PROTO_DEPTH_MAX, &used) == ERR_OK)
		printf("%zu\n", used);
	else
		puts("no");
}

static void print_encoded(const struct msg *m)
{
	char *hex = mem_new(2 * PROTO_PAYLOAD_MAX_BYTES + 1);
	struct buf b;

	buf_init(&b, PROTO_PAYLOAD_MAX_BYTES);
	if (msg_encode(m, &b) != ERR_OK)
		abort();
	hex_encode(buf_slice(&b), hex);
	printf("OK %s\n", hex);
	buf_wipe(&b);
	mem_free(hex);
}

static void answer_msg(uint8_t kind, struct slice s)
{
	struct msg m;
	size_t used;
	enum proto_code code;
	enum err e = msg_decode(kind, s, &m, &used, &code);

	if (e == ERR_OK)
		print_encoded(&m);
	else
		puts(err_name(e));
}

static void answer(const char *word, struct slice s)
{
	if (strcmp(word, "check") == 0)
		answer_check(s);
	else
		answer_msg(strcmp(word, "ctrl") == 0 ? KIND_CTRL : KIND_MSG, s);
}

int main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		char *hex = strchr(line, ' ');
		uint8_t *bytes;
		if (hex == NULL || line[n - 1] != '\n')
			return 1;
		*hex++ = '\0';
		line[--n] = '\0';
		/* Exactly as long as the input, so that a sanitizer sees a byte too far. */
		bytes = mem_new(strlen(hex) / 2 + (strlen(hex) == 0));
		if (hex_decode(slice_str(hex), bytes, strlen(hex) / 2) != ERR_OK)
			return 1;
		answer(line, slice_of(bytes, strlen(hex) / 2));
		fflush(stdout);
		mem_free(bytes);
	}
	free(line);
	return 0;
}
