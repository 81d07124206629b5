/*
 * sink_state: a sink from within. sink.c takes entries and ends, sink_bytes.c the content of
 * files, sink_resume.c comes back to what a journal says.
 */
#ifndef FILES_SINK_STATE_H
#define FILES_SINK_STATE_H

#include "base/buf.h"
#include "files/filename.h"
#include "files/journal.h"
#include "files/sink.h"
#include "files/stage.h"

/* A folder that may still get entries. The first is the tree, which has no path. */
struct sink_level {
	int fd;
	size_t path_n; /* of sink.path, this folder's part */
	int64_t mtime_ns;
	unsigned next_number; /* for names that are taken here */
	char name[FILENAME_ROOM];
};

/* The file that is being written. */
struct sink_file {
	bool is_open;
	int fd;
	struct entry entry; /* its path is in sink.file_path */
	char name[FILENAME_ROOM];
	uint64_t at; /* bytes so far, holes included */
	uint64_t written; /* the length it has on the disk */
	uint64_t end; /* of the room set aside for it */
	uint64_t run; /* bytes since its beginning or its last hole */
	struct digest before; /* of the content before it */
	bool is_safe_begun; /* the journal may name it */
	/* sink_resume came back to it: its ENTRY has to come once more, as it was. */
	bool is_awaited;
};

enum sink_phase { SINK_PHASE_OPEN, SINK_PHASE_ENDED, SINK_PHASE_PLACED };

struct sink {
	struct sink_config cfg;
	enum sink_phase phase;
	enum err failed;
	struct mishap why;
	int stream; /* -1: files */
	struct stage stage;
	struct journal *journal;
	struct sink_level levels[FILENAME_DEPTH_MAX + 1];
	unsigned n_levels;
	struct buf path, file_path; /* of the deepest folder; of the file */
	struct sink_file file;
	/* The deepest level has just begun: it counts when something has followed it. */
	bool has_new_folder;
	struct entry folder; /* its path is sink.path */
	uint64_t entries, total; /* whole ones; bytes of them */
	uint64_t
		credit; /* bytes that may be written before the room is looked at again */
	/* Since the last sync: folders and files that began or ended. */
	bool has_news;
	struct digest content;
	char clash[256];
};

/* The sink has failed, for good; the first reason stays. Nothing when e is OK. Returns e. */
enum err sink_fail(struct sink *s, enum err e, struct slice path, const char *why);
/* Room for n more bytes besides the floor: ERR_NOSPACE. */
enum err sink_take_room(struct sink *s, uint64_t n);
struct sink *sink_alloc(const struct sink_config *cfg);
/* Goes up until the deepest level is the folder that path lies in; each folder left gets its
 * mode and time. ERR_PROTO: that folder is not among them. */
enum err sink_go_to_parent(struct sink *s, struct slice path);
enum err sink_enter(struct sink *s, int fd, const struct entry *e, const char *name);
struct journal_mark sink_mark(const struct sink *s, enum journal_step step);

#endif
