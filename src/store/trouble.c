#include "store/trouble.h"

#include <stdio.h>

static const struct {
	enum err err;
	const char *what_to_do;
} rows[] = {
	{ERR_NOSPACE, "Make room on the disk"},
	{ERR_READONLY, "Make its file system writable"},
	{ERR_PERM, "Give p2pmsg back the right to write there"},
	{ERR_LOCKED, "End the other program that has it open"},
	{ERR_IO, "The disk may be failing: save what is on it"},
};

void trouble_text(enum err e, const char *why, char out[static STORE_WHY_BYTES])
{
	const char *what_to_do = "";

	if (e == ERR_OK) {
		snprintf(out, STORE_WHY_BYTES, "messages can be kept again");
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].err == e)
			what_to_do = rows[i].what_to_do;
	}
	snprintf(
		out, STORE_WHY_BYTES,
		"messages cannot be kept: %.160s. %s%sWhat was acknowledged is safe, and "
		"p2pmsg goes on trying",
		why[0] != '\0' ? why : err_str(e), what_to_do,
		what_to_do[0] != '\0' ? ". " : "");
}
