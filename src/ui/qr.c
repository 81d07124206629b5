#include "ui/qr.h"

#include <qrencode.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/mem.h"

/* 177 modules is the largest code there is. */
enum { QUIET = 4, ROW_BYTES = 3 * (177 + 2 * QUIET) + 32, TEXT_MAX = ROW_BYTES * 100 };

static const char light_on_dark[] =
	"\x1b[0;37;40;97m"; /* 97 where there are 16 colours */
static const char normal[] = "\x1b[0m";

/* The quiet zone is light, and so is all around it. */
static bool is_light(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return true;
	return (code->data[y * code->width + x] & 1) == 0;
}

/* The half below the last row of an odd number is left dark. */
static const char *cell(const QRcode *code, int x, int y)
{
	static const char *const halves[2][2] = {{" ", "▄"}, {"▀", "█"}};
	bool is_below = y + 1 < code->width + QUIET && is_light(code, x, y + 1);
	return halves[is_light(code, x, y)][is_below];
}

static void put_row(struct buf *b, const QRcode *code, int y, bool is_color)
{
	if (is_color)
		(void)buf_add(b, slice_str(light_on_dark));
	for (int x = -QUIET; x < code->width + QUIET; x++)
		(void)buf_add(b, slice_str(cell(code, x, y)));
	if (is_color)
		(void)buf_add(b, slice_str(normal));
	(void)buf_u8(b, '\n');
}

char *qr_text(const char *text, bool is_color)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
	if (!code)
		return NULL;
	struct buf b;
	buf_init(&b, TEXT_MAX);
	for (int y = -QUIET; y < code->width + QUIET; y += 2)
		put_row(&b, code, y, is_color);
	char *out = mem_strndup(b.p, b.len);
	buf_wipe(&b);
	QRcode_free(code);
	return out;
}
