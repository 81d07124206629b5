/*
 * Slots come from chunks of locked pages that are mapped when the free list runs
 * out and never unmapped: the number of sessions falls as it rose. A free slot is
 * all zeros but for the link to the next.
 */
#include "base/secret.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/log.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif

enum { CHUNK_BYTES = 16384 };

union slot {
	union slot *next;
	uint8_t bytes[SECRET_SLOT_BYTES];
};

static union slot *free_slots;
static atomic_bool may_be_swapped;

static _Noreturn void die(const char *what)
{
	log_error("secret", "%s", what);
	abort();
}

/* Keys must not reach the disk through a crash, nor another process of this user. */
static void forbid_looking_inside(void)
{
#ifndef IS_SANITIZED /* the leak checker looks inside by ptrace */
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		log_warn("secret", "cannot turn core dumps off");
#ifdef PR_SET_DUMPABLE
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		log_warn("secret", "cannot keep other programs from reading memory");
#endif
#endif
}

void secret_init(void)
{
	if (sodium_init() < 0)
		die("libsodium cannot start");
	forbid_looking_inside();
}

void *secret_new(size_t n)
{
	/* sodium_malloc aligns the end, to the guard page, not the start. */
	size_t rounded = n <= SIZE_MAX - 15 ? (n + 15) & ~(size_t)15 : n;
	void *p = sodium_malloc(rounded);

	if (p == NULL)
		die("no memory for a key");
	/* It tried that itself, and keeps to itself how it went. */
	if (mlock(p, rounded) != 0)
		may_be_swapped = true;
	memset(p, 0, rounded);
	return p;
}

void secret_free(void *p)
{
	sodium_free(p);
}

static void add_chunk(void)
{
	union slot *slots = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (slots == MAP_FAILED)
		die("no memory for session keys");
	/* It also leaves the pages out of core dumps. That the system allows too few
	 * locked pages for thousands of sessions is no reason to stop. */
	if (sodium_mlock(slots, CHUNK_BYTES) != 0)
		may_be_swapped = true;
	for (size_t i = 0; i < CHUNK_BYTES / sizeof(*slots); i++) {
		slots[i].next = free_slots;
		free_slots = &slots[i];
	}
}

void *secret_slot_new(void)
{
	union slot *slot;

	if (free_slots == NULL)
		add_chunk();
	slot = free_slots;
	free_slots = slot->next;
	slot->next = NULL;
	return slot;
}

void secret_slot_free(void *slot)
{
	union slot *s = slot;

	if (s == NULL)
		return;
	sodium_memzero(s, sizeof(*s));
	s->next = free_slots;
	free_slots = s;
}

bool secret_may_be_swapped(void)
{
	return may_be_swapped;
}

void secret_wipe(void *p, size_t n)
{
	if (n > 0)
		sodium_memzero(p, n);
}
