/*
 * bulk_flow: what may come when on a bulk connection, seen from either end: the files
 * in one direction, what is durable of them in the other.
 *
 *   start -> file | stream | directory -> ... -> ended
 *   any of them -> stopped
 */
#ifndef WIRE_BULK_FLOW_H
#define WIRE_BULK_FLOW_H

#include "wire/bulk.h"

enum flow_stage {
	FLOW_START,
	FLOW_FILE, /* with a size */
	FLOW_STREAM,
	FLOW_DIRECTORY,
	FLOW_ENDED,
	FLOW_STOPPED,
	FLOW_STAGES
};

struct bulk_flow {
	enum flow_stage stage;
	bool is_folder;
	uint64_t entries; /* complete */
	uint64_t entries_bytes; /* of those */
	uint64_t bytes; /* of the one under way */
	uint64_t size; /* its */
	uint64_t most; /* bytes of it that were ever there, earlier copies too */
	unsigned again; /* how often it was begun anew */
	uint64_t durable_entries; /* the last DURABLE, or what it started from */
	bool is_all_durable;
	bool is_stopped_back; /* STOP from the receiver of the files */
	size_t path_n;
	uint8_t path[PROTO_BULK_PATH_BYTES]; /* of the entry under way */
};

void bulk_flow_init(struct bulk_flow *f, const struct bulk_start *start);

/* A record from the side that sends the files, or from the other one. ERR_PROTO: it may
 * not come, or not now; nothing has changed. *is_again as in struct bulk_record. */
enum err bulk_flow_take(struct bulk_flow *f, bool from_sender,
			const struct bulk_record *r, bool *is_again);

#endif
