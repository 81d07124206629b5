#include "lib/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/vectors.h"

static const char *const texts[] = {
	"",
	"\x1b[2J\x1b[H",
	"\x1b]0;title\a",
	"\x1b]52;c;aGFsbG8=\a",
	"\x1bP1$r0m\x1b\\",
	"\x1b"
	"c",
	"\x1b[?1000h\x1b[6n",
	"\x1b[201~rm -rf\n",
	"\xc2\x9b"
	"31m C1 CSI",
	"\xe2\x80\xae"
	"drow",
	"\xe2\x81\xa6 isolate without end",
	"\xe2\x81\xa9\xe2\x81\xa9 ends without isolate",
	"zero\xe2\x80\x8bwidth\xef\xbb\xbf",
	"line\xe2\x80\xa8separator\xe2\x80\xa9paragraph",
	"tags \xf3\xa0\x81\x81\xf3\xa0\x81\xbf",
	"\xcc\x81 alone",
	"hello\n-- bob verified",
	"hello\r-- bob verified",
	"hello\x0b-- bob verified\x0c-- or so",
	"hello\xc2\x85-- bob verified",
	"\n\n\n",
	"\t\ttabs\t",
	"\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80",
	"half a character \xe2\x82",
	"\"quotes\" \\back\\ </script>{}[],:",
	"%s%n%d%99999999c",
};

static void each_byte(void (*fn)(void *ctx, const char *text), void *ctx)
{
	char text[8];
	for (unsigned byte = 1; byte < 256; byte++) {
		snprintf(text, sizeof text, "%c", (int)byte);
		fn(ctx, text);
		snprintf(text, sizeof text, "a%cb", (int)byte);
		fn(ctx, text);
	}
}

void hostile_each(void (*fn)(void *ctx, const char *text), void *ctx)
{
	each_byte(fn, ctx);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		fn(ctx, texts[i]);
	json_t *list = vectors_json("text/blns.json");
	size_t i;
	json_t *text;
	assert_true(json_array_size(list) > 400);
	json_array_foreach(list, i, text) fn(ctx, json_string_value(text));
	json_decref(list);
}
