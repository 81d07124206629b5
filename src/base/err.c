#include "base/err.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	const char *name, *text;
	enum err_class class;
} rows[ERR_COUNT] = {
#define X(name, class, text) [ERR_##name] = {#name, text, ERRC_##class},
	ERR_TABLE(X)
#undef X
};

static const struct {
	int errnum;
	enum err err;
} errnos[] = {
	{0, ERR_OK},
	{EAGAIN, ERR_WAIT},
	{EINTR, ERR_WAIT},
	{EINPROGRESS, ERR_WAIT},
	{EALREADY, ERR_WAIT},
	{ECONNRESET, ERR_TRUNCATED},
	{ECONNABORTED, ERR_TRUNCATED},
	{EPIPE, ERR_TRUNCATED},
	{ENOSPC, ERR_NOSPACE},
	{EDQUOT, ERR_NOSPACE},
	{EACCES, ERR_PERM},
	{EPERM, ERR_PERM},
	{EROFS, ERR_READONLY},
	{EEXIST, ERR_EXISTS},
	{ENOTEMPTY, ERR_EXISTS},
	{ENOENT, ERR_MISSING},
	{ENOTDIR, ERR_MISSING},
	{EADDRINUSE, ERR_IN_USE},
	{EBUSY, ERR_IN_USE},
	{ETXTBSY, ERR_IN_USE},
	{ENETDOWN, ERR_UNREACHABLE},
	{ENETUNREACH, ERR_UNREACHABLE},
	{EHOSTDOWN, ERR_UNREACHABLE},
	{EHOSTUNREACH, ERR_UNREACHABLE},
	{ECONNREFUSED, ERR_UNREACHABLE},
	{EADDRNOTAVAIL, ERR_UNREACHABLE},
	{ETIMEDOUT, ERR_TIMEOUT},
};

/* A value that is none of ours is itself a fault of ours. */
static enum err known(enum err e)
{
	return (unsigned)e < ERR_COUNT ? e : ERR_BUG;
}

enum err_class err_class(enum err e)
{
	return rows[known(e)].class;
}

const char *err_str(enum err e)
{
	return rows[known(e)].text;
}

const char *err_name(enum err e)
{
	return rows[known(e)].name;
}

enum err err_from_errno(int errnum)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
		if (errnos[i].errnum == errnum)
			return errnos[i].err;
	}
	return ERR_IO;
}
