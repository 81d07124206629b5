/*
 * file_rig: a folder to send from, one to receive into, a port for each that may fail, and
 * a pump between a source and a sink without a network.
 */
#ifndef TESTS_LIB_FILE_RIG_H
#define TESTS_LIB_FILE_RIG_H

#include "files/sink.h"
#include "files/source.h"
#include "lib/file_fault.h"

enum { RIG_PLACED = 16 };

struct file_rig {
	void *dir;
	char *from, *to; /* folders in it */
	int to_fd;
	struct file_fault from_port, to_port;
	char *path; /* what is sent: from/name */
	const char *paths[1];
	size_t room; /* of a record */
	uint64_t every; /* bytes and entries between two calls of sink_durable */
	bool has_digest;
	struct mishap why;
	struct entry_place place; /* the last durable one */
	struct entry_place resumed; /* where file_rig_go_on began */
	/* of on_placed and on_skip */
	unsigned n_placed, n_skipped;
	char placed[RIG_PLACED][256], skipped[RIG_PLACED][256];
	enum source_skip skip_why[RIG_PLACED];
	/* of the last run */
	enum err source_err, sink_err;
	unsigned n_again, n_found;
	enum sink_state found[RIG_PLACED];
	enum sink_answer answer;
};

/* First of all in main: libsodium, and a disk that costs nothing to sync. */
void file_rig_main(void);
/* name: of what will be sent. */
void file_rig_init(struct file_rig *r, const char *name);
void file_rig_wipe(struct file_rig *r);

struct source_config file_rig_source(struct file_rig *r);
struct sink_config file_rig_sink(struct file_rig *r);

/* From a source to a sink, END and finish included; gives the first error, and in
 * source_err or sink_err whose it is. */
enum err file_rig_pump(struct file_rig *r, struct source *s, struct sink *k);
/* All of it anew: source_new, sink_new, pump; the working folder is removed when all went
 * well, and left otherwise. */
enum err file_rig_send(struct file_rig *r);
/* As a start after an accident: sink_recover, then sink_resume or sink_new, source_seek,
 * pump. */
enum err file_rig_go_on(struct file_rig *r);

/* What arrived is what was sent, and nothing else is there. */
void file_rig_check(struct file_rig *r, const char *name);
/* to/name; mem_free. */
char *file_rig_path(const struct file_rig *r, const char *name);

#endif
