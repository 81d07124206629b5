/*
 * bulk_pair: both ends of a bulk connection, joined without a socket. Everything follows
 * from the seed, so two pairs with the same seed have the same keys.
 */
#ifndef TESTS_LIB_BULK_PAIR_H
#define TESTS_LIB_BULK_PAIR_H

#include "base/rng.h"
#include "wire/bulk.h"

/* A token and a session's h. */
struct bulk_secret bulk_pair_secret(uint64_t seed);
/* The handshake; [0] the dialler's keys, [1] the listener's. Fails the test. */
void bulk_pair_keys(uint64_t seed, struct bulk_keys keys[static 2]);

struct bulk_pair {
	struct bulk *sender, *receiver;
	struct bulkseal *raw; /* as the sender's, for records that no sender makes */
	struct bulkseal *raw_back; /* as the receiver's */
	uint8_t frame[BULK_FRAME_MAX_BYTES + 1];
	size_t frame_n;
	struct bulk_record got; /* by the last pass; borrows from frame */
};

/* start.is_sender is of no meaning. The sender has dialled. */
void bulk_pair_init(struct bulk_pair *p, uint64_t seed, const struct bulk_start *start);
void bulk_pair_wipe(struct bulk_pair *p);

/* One record from the sender, or to it; what either end says of it. ERR_BUG: it was not
 * sent. */
enum err bulk_pair_forth(struct bulk_pair *p, const struct bulk_record *r);
enum err bulk_pair_back(struct bulk_pair *p, const struct bulk_record *r);
/* A record in form that its end would not send; then as below. */
enum err bulk_pair_force(struct bulk_pair *p, bool from_sender,
			 const struct bulk_record *r);
/* Any plaintext as a record of the sender's, or of the receiver's; the ends that make
 * records are then behind, so nothing of theirs may follow in that direction. */
enum err bulk_pair_raw(struct bulk_pair *p, struct slice plain);
enum err bulk_pair_raw_back(struct bulk_pair *p, struct slice plain);

/* Records in one expression. */
struct bulk_record bulk_of_entry(const char *path, uint64_t size);
struct bulk_record bulk_of_directory(const char *path);
struct bulk_record bulk_of_stream(void);
struct bulk_record bulk_of_bytes(size_t n); /* of one static buffer, 0x00 0x01 ... */
struct bulk_record bulk_of_hole(uint64_t n);
struct bulk_record bulk_of_end(uint64_t entries, uint64_t bytes);
struct bulk_record bulk_of_durable(uint64_t entries, uint64_t bytes);
struct bulk_record bulk_of_stop(uint64_t code);

#endif
