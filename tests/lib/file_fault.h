/*
 * file_fault: a file port whose k-th call fails, or is the last thing the process does.
 */
#ifndef TESTS_LIB_FILE_FAULT_H
#define TESTS_LIB_FILE_FAULT_H

#include <stdbool.h>

#include "files/file_port.h"

enum file_fault_kind {
	FILE_FAULT_NONE, /* only counts */
	FILE_FAULT_ENOSPC, /* calls that need room */
	FILE_FAULT_EIO, /* any call */
	FILE_FAULT_EINTR, /* calls that the manual says it of */
	FILE_FAULT_SHORT, /* reads and writes: half of it, at least a byte */
	FILE_FAULT_DIE /* as kill -9 does, before the call */
};

struct file_fault {
	struct file_port port; /* its ctx is this struct: not to be moved */
	enum file_fault_kind kind;
	uint64_t k; /* 1: the first call */
	uint64_t count;
	bool has_struck;
	bool lacks_openat2, lacks_noreplace, lacks_links; /* old kernels, other disks */
	uint64_t room; /* 0: what there is */
	uint64_t n_syncs, n_reads; /* bytes read by read and pread */
};

void file_fault_init(struct file_fault *f, enum file_fault_kind kind, uint64_t k);
const char *file_fault_str(enum file_fault_kind kind);

enum { FILE_FAULT_STATUS = 78 };

#endif
