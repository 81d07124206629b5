#include "wire/proto.h"

#include <stddef.h>

static const char *const code_texts[] = {
#define X(name, number, text) [number] = text,
	CODE_TABLE(X)
#undef X
};

const char *proto_code_str(unsigned code)
{
	if (code >= sizeof(code_texts) / sizeof(*code_texts) || code_texts[code] == NULL)
		return "unknown code";
	return code_texts[code];
}

int proto_code_is_retried(unsigned code)
{
	return code == CODE_QUOTA || code == CODE_RATE || code == CODE_DISK_FULL;
}
