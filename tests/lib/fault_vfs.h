/*
 * fault_vfs: a disk that fails, or a computer that stops, at the k-th thing done to it:
 * beneath SQLite, and beneath the fsync and rename of ours in programs that link this.
 */
#ifndef TESTS_LIB_FAULT_VFS_H
#define TESTS_LIB_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE, /* only counts */
	FAULT_EIO,
	FAULT_ENOSPC, /* what does not need room goes on */
	FAULT_DIE, /* as kill -9 does */
	FAULT_POWER /* so, and of what was not synced a part is lost or torn */
};

/* From now on: the k-th call (from 1 on), and n - 1 calls after it. k 0: none. seed: which
 * writes a power cut loses. Becomes SQLite's default. */
void fault_vfs_arm(enum fault_kind kind, uint64_t k, uint64_t n, uint64_t seed);
/* Calls since then. */
uint64_t fault_vfs_count(void);
/* As it was. */
void fault_vfs_disarm(void);

/* The status of a process that died of it. */
enum { FAULT_STATUS = 77 };

#endif
