/*
 * qr: a QR code of half blocks, two modules to a character.
 */
#ifndef UI_QR_H
#define UI_QR_H

#include <stdbool.h>

/*
 * Lines that end with '\n', with a quiet zone of four modules; mem_free. NULL: the
 * text is too long. Upper case, digits and $%*+-./: make the smallest code.
 *
 * With is_color both colours are set, so that it scans on light and dark terminals;
 * without, light modules are drawn and dark ones are left out, which scans on a dark
 * terminal and, for most readers, on a light one.
 */
char *qr_text(const char *text, bool is_color);

#endif
