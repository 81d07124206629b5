/*
 * tune: the TCP socket of a bulk connection, so that it leaves the queues of the network
 * to who chats: BBR where the system has it, else pacing by what the kernel measures.
 * p2pmsg-protocol(7), "Bulk connections". Any thread.
 */
#ifndef BASE_TUNE_H
#define BASE_TUNE_H

#include <stdbool.h>
#include <stdint.h>

enum { TUNE_TICK_MS = 100 };

/* What one look at the socket shows; 0 where it is not known. */
struct tune_sample {
	uint64_t rtt_us, min_rtt_us;
	uint64_t delivery_rate; /* bytes a second */
};

/* The pacing rate that follows, bytes a second. rate: the present one, 0: none yet.
 * UINT64_MAX and 0 both mean that nothing is held back. */
uint64_t tune_next_rate(uint64_t rate, const struct tune_sample *s);

struct tune {
	int fd; /* borrowed */
	uint64_t rate;
	bool is_paced; /* tune_tick has something to do */
};

/* On a connected socket. Nothing is done to one that is no TCP, or on loopback. */
void tune_init(struct tune *t, int fd);
/* About every TUNE_TICK_MS while something is sent. */
void tune_tick(struct tune *t);

#endif
