/*
 * faulty: the whole program on a disk that fails, or at which it dies.
 *
 *   P2PMSG_FAULT="KIND K N" faulty daemon ...
 *
 * KIND: eio, enospc, die, power, or none; the K-th call and the N - 1 after it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/run.h"
#include "lib/fault_vfs.h"

static const struct {
	const char *name;
	enum fault_kind kind;
} kinds[] = {
	{"none", FAULT_NONE}, {"eio", FAULT_EIO},     {"enospc", FAULT_ENOSPC},
	{"die", FAULT_DIE},   {"power", FAULT_POWER},
};

static void arm(const char *text)
{
	char name[16] = "";
	unsigned long k = 0, n = 1;

	if (sscanf(text, "%15s %lu %lu", name, &k, &n) < 1)
		abort();
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			fault_vfs_arm(kinds[i].kind, k, n, k);
			return;
		}
	}
	abort();
}

int main(int argc, char **argv)
{
	const char *fault = getenv("P2PMSG_FAULT");

	if (fault != NULL)
		arm(fault);
	return run(argc, argv);
}
