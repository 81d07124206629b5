#include "files/mishap.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"

/* Codes of what is not simply "it failed here". */
static const struct {
	enum err e;
	enum proto_code code;
} codes[] = {
	{ERR_OK, CODE_OK},
	{ERR_PROTO, CODE_PROTOCOL},
	{ERR_LIMIT, CODE_TOO_LARGE},
	{ERR_NOSPACE, CODE_DISK_FULL},
	{ERR_READONLY, CODE_DISK_FULL},
	{ERR_MISSING, CODE_NOT_FOUND},
	{ERR_IN_USE, CODE_CHANGED},
	{ERR_PERM, CODE_UNAUTHORISED},
	{ERR_TIMEOUT, CODE_SHUTDOWN},
};

enum proto_code mishap_code(enum err e)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].e == e)
			return codes[i].code;
	}
	return CODE_DISK_FULL;
}

static enum err set(struct mishap *m, enum err e, enum proto_code code, struct slice path,
		    const char *why)
{
	const size_t path_max = 160;
	char *safe;

	if (m->e != ERR_OK || e == ERR_OK)
		return e;
	m->e = e;
	m->code = code;
	safe = text_safe(path, TEXT_NAME, path_max);
	snprintf(m->text, sizeof(m->text), "%s%s%s", safe, path.n > 0 ? ": " : "",
		 why != NULL ? why : err_str(e));
	mem_free(safe);
	return e;
}

enum err mishap_set(struct mishap *m, enum err e, struct slice path, const char *why)
{
	return set(m, e, mishap_code(e), path, why);
}

enum err mishap_changed(struct mishap *m, struct slice path, const char *why)
{
	return set(m, ERR_IN_USE, CODE_CHANGED, path, why);
}
