/*
 * mishap: what went wrong with a transfer, for the other side and for people.
 */
#ifndef FILES_MISHAP_H
#define FILES_MISHAP_H

#include "base/err.h"
#include "base/slice.h"
#include "wire/proto.h"

enum { MISHAP_TEXT_BYTES = 320 };

struct mishap {
	enum err e; /* ERR_OK: none */
	/* For STOP. What changed while it was sent has CODE_CHANGED (and e is ERR_IN_USE). */
	enum proto_code code;
	/* "photos/a.jpg: no space is left on the disk"; safe to show; for our own people, not
	 * for the wire. */
	char text[MISHAP_TEXT_BYTES];
};

/* The first one stays. path may be empty; why NULL: err_str(e). Returns e. */
enum err mishap_set(struct mishap *m, enum err e, struct slice path, const char *why);
/* ERR_IN_USE with CODE_CHANGED. */
enum err mishap_changed(struct mishap *m, struct slice path, const char *why);
/* What STOP and FILE_REJECT say to a peer. */
enum proto_code mishap_code(enum err e);

#endif
