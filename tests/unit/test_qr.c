/* The code as it stands on a terminal, read by a program for cameras. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/safety.h"
#include "lib/skip.h"
#include "lib/tempdir.h"
#include "ui/qr.h"

enum { PIXELS = 4 }; /* of a module */

/* Which halves of the character at *text are light; *text goes on. */
static unsigned halves(const char **text)
{
	static const char *const drawn[] = {" ", "▀", "▄", "█"}; /* upper, lower: bits */
	for (unsigned i = 0; i < 4; i++) {
		size_t n = strlen(drawn[i]);
		if (strncmp(*text, drawn[i], n) != 0)
			continue;
		*text += n;
		return i;
	}
	fail_msg("a character that is not drawn");
	return 0;
}

static size_t columns(const char *text)
{
	size_t n = 0;
	for (; *text != '\n'; n++)
		halves(&text);
	return n;
}

/* One line of characters as two lines of modules. */
static void put_line(FILE *f, const char **text, unsigned half)
{
	const char *begin = *text;
	for (unsigned i = 0; i < PIXELS; i++)
		for (*text = begin; **text != '\n';) {
			int light = halves(text) & 1U << half ? 255 : 0;
			for (unsigned k = 0; k < PIXELS; k++)
				fputc(light, f);
		}
}

static void write_picture(const char *path, const char *text)
{
	size_t rows = 0;
	for (const char *s = text; (s = strchr(s, '\n')) != NULL; s++)
		rows++;
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fprintf(f, "P5 %zu %zu 255\n", columns(text) * PIXELS, 2 * rows * PIXELS);
	while (*text != '\0') {
		const char *line = text;
		put_line(f, &text, 0);
		text = line;
		put_line(f, &text, 1);
		text++;
	}
	assert_int_equal(fclose(f), 0);
}

static void read_picture(const char *path, char *out, size_t max)
{
	char *command = mem_printf("zbarimg -q --raw '%s'", path);
	FILE *p = popen(command, "r");
	assert_non_null(p);
	if (fgets(out, (int)max, p) == NULL)
		out[0] = '\0';
	assert_int_equal(pclose(p), 0);
	out[strcspn(out, "\n")] = '\0';
	mem_free(command);
}

static void a_camera_reads_the_code_of_verify(void **state)
{
	if (system("command -v zbarimg >/dev/null") != 0)
		skip_because("zbarimg is not installed (package zbar-tools)");
	const struct id32 self = {{1, 2, 3}}, peer = {{0xff, 4, 5}};
	char code[SAFETY_CODE_BYTES], got[256];
	safety_code(&self, &peer, code);
	char *text = qr_text(code, false), *path = tempdir_path(*state, "code.pgm");
	write_picture(path, text);
	read_picture(path, got, sizeof got);
	assert_string_equal(got, code);
	assert_true(safety_code_fits(got, &peer, &self));
	mem_free(path);
	mem_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_camera_reads_the_code_of_verify,
						tempdir_setup, tempdir_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
