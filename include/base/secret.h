/*
 * secret: memory for keys.
 *
 * Long-lived keys live in pages of their own with guard pages (sodium_malloc).
 * Session keys, of which there are thousands, live in fixed slots of one locked
 * slab that is kept out of core dumps: a sodium_malloc each would cost 8 KiB
 * and two mappings.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum { SECRET_SLOT_BYTES = 96 }; /* two keys of 32 bytes and a spare */

/* Sets libsodium up; call once, before anything else of base and crypto. Aborts
 * when libsodium cannot start. Also turns core dumps and ptrace of others off
 * (not in sanitizer builds). */
void secret_init(void);

/* n guarded, locked bytes, zeroed, aligned to 16; never NULL. Freed, and wiped, by
 * secret_free, which takes NULL too. */
void *secret_new(size_t n);
void secret_free(void *p);

/* One slot of SECRET_SLOT_BYTES, zeroed, aligned to 16; never NULL. Wiped on release.
 * NULL may be released. The loop's thread only. */
void *secret_slot_new(void);
void secret_slot_free(void *slot);

/* The system let some of it not be locked: it may reach the disk as swapped memory. */
bool secret_may_be_swapped(void);

/* Overwrites n bytes so that the compiler cannot leave it out. */
void secret_wipe(void *p, size_t n);

#endif
