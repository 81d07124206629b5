/*
 * base64: bytes in text, as JSON carries them. RFC 4648, with padding.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* NUL-terminated; mem_free. */
char *base64_new(struct slice bytes);
/* Adds the bytes of a whole text to b. ERR_USAGE: it is none; ERR_FULL: b has no room. */
enum err base64_decode(struct slice text, struct buf *b);

#endif
