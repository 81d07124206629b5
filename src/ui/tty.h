/*
 * tty: what the terminal behind a descriptor can do.
 */
#ifndef UI_TTY_H
#define UI_TTY_H

#include <stdbool.h>

/* A terminal that knows colours, and NO_COLOR is not set. */
bool tty_is_color(int fd);
/* A terminal that understands more than text. */
bool tty_is_smart(int fd);
/* 0 when it is no terminal or does not say. */
unsigned tty_columns(int fd);

#endif
