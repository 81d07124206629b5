/*
 * sqlite: opening, committing, checking. WAL with synchronous=FULL: a commit is one
 * fsync of the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/salvage.h"
#include "store/sqlite_mend.h"
#include "store/sqlite_rows.h"
#include "store/sqlite_schema.h"

/* SQLite would make it readable by others; its log gets the mode of the database. */
static enum err make_file(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_from_errno(errno);
	const enum err e = fchmod(fd, 0600) == 0 ? ERR_OK : err_from_errno(errno);
	close(fd);
	return e;
}

static enum err set_wal(struct sqlite_db *d)
{
	sqlite3_stmt *st = NULL;
	bool is_row = false;
	enum err e = sqlite_db_err(
		d, sqlite3_prepare_v2(d->db, "PRAGMA journal_mode=WAL", -1, &st, NULL));

	if (e == ERR_OK)
		e = sqlite_db_step(d, st, &is_row);
	if (e == ERR_OK &&
	    (!is_row || !slice_eq(sqlite_db_get_blob(st, 0), slice_str("wal")))) {
		snprintf(d->why, sizeof(d->why), "this file system cannot hold its log");
		e = ERR_IO;
	}
	sqlite3_finalize(st);
	return e;
}

static enum err get_last(struct sqlite_db *d, enum sql which, uint64_t *out)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, which);
	bool is_row;
	const enum err e = sqlite_db_step(d, st, &is_row);

	*out = is_row ? sqlite_db_get_u64(st, 0) : 0;
	sqlite3_reset(st);
	return e;
}

static enum err load(struct sqlite_db *d)
{
	uint64_t last = 0, is_open = 0, has_gone = 0, has_objects = 0;
	enum err e = get_last(d, SQL_LAST_MESSAGE, &d->last_message);

	if (e == ERR_OK)
		e = get_last(d, SQL_LAST_ITEM, &d->last_item);
	if (e == ERR_OK)
		e = get_last(d, SQL_HAS_GONE, &has_gone);
	if (e == ERR_OK)
		e = get_last(d, SQL_HAS_OBJECTS, &has_objects);
	d->has_gone = has_gone != 0;
	d->has_objects = has_objects != 0;
	if (e == ERR_OK)
		e = sqlite_schema_meta_get(d, META_LAST_MESSAGE, &last);
	if (last > d->last_message)
		d->last_message = last;
	if (e == ERR_OK)
		e = sqlite_schema_meta_get(d, META_IS_OPEN, &is_open);
	d->was_unclean = is_open != 0;
	return e == ERR_OK ? sqlite_schema_meta_put(d, META_IS_OPEN, 1) : e;
}

/* As it is; what is wrong with it is said in why. */
static enum err open_whole(const struct store_config *cfg, struct sqlite_db **out,
			   char *why)
{
	struct rowseal seal;
	enum err e = ERR_CORRUPT;

	*out = NULL;
	if (sqlite_mend_is_due(cfg->path)) {
		snprintf(why, STORE_WHY_BYTES, "that was found when it was last used");
		return e;
	}
	if (salvage_is_cut(cfg->path)) {
		snprintf(why, STORE_WHY_BYTES, "its end is missing");
		return e;
	}
	rowseal_init(&seal, cfg->key, cfg->rng);
	e = sqlite_db_open(cfg, cfg->path, &seal, out);
	if (e == ERR_OK)
		e = set_wal(*out);
	if (e == ERR_OK)
		e = sqlite_schema_open(*out);
	if (e == ERR_OK)
		e = load(*out);
	if (e == ERR_OK)
		return e;
	snprintf(why, STORE_WHY_BYTES, "%s", (*out)->why);
	sqlite_db_close(*out);
	*out = NULL;
	return e;
}

static enum err take_lock(const struct store_config *cfg, int *fd, char *why)
{
	char *path = mem_printf("%s.lock", cfg->path);
	const enum err e = file_lock(path, fd);

	if (e != ERR_OK)
		snprintf(why, STORE_WHY_BYTES, "%s", err_str(e));
	mem_free(path);
	return e;
}

static enum err open_writer(const struct store_config *cfg, struct sqlite_db **out,
			    char *why)
{
	char what[STORE_WHY_BYTES];
	int lock = -1;
	enum err e = take_lock(cfg, &lock, why);

	*out = NULL;
	if (e == ERR_OK)
		e = sqlite_mend_finish(cfg, why);
	if (e == ERR_OK) {
		e = make_file(cfg->path);
		snprintf(why, STORE_WHY_BYTES, "%s", err_str(e));
	}
	if (e == ERR_OK)
		e = open_whole(cfg, out, why);
	if (e == ERR_CORRUPT) {
		snprintf(what, sizeof(what), "%s", why);
		e = sqlite_mend(cfg, what, why);
		if (e == ERR_OK)
			e = open_whole(cfg, out, why);
	}
	if (e != ERR_OK) {
		if (lock >= 0)
			close(lock);
		return e;
	}
	(*out)->lock_fd = lock;
	(*out)->is_damage_told = false;
	return ERR_OK;
}

static enum err sqlite_open(const struct store_config *cfg, enum store_lane lane,
			    void *writer, void **out, char *why)
{
	/* Who only reads needs no nonces, and those of the writer move on meanwhile. */
	const struct rowseal seal = {.key = cfg->key};
	struct sqlite_db *d = NULL;
	enum err e;

	(void)writer;
	*out = NULL;
	if (lane == STORE_LANE_WRITE) {
		/* Counting its memory takes a lock for every row. Refused, and no
		 * matter, when there is a store already. */
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
		e = open_writer(cfg, &d, why);
		*out = d;
		return e;
	}
	e = sqlite_db_open(cfg, cfg->path, &seal, &d);
	if (e == ERR_OK)
		e = sqlite_db_exec(d, "PRAGMA query_only=ON; PRAGMA cache_size=-2048");
	if (e != ERR_OK) {
		snprintf(why, STORE_WHY_BYTES, "%s", d->why);
		sqlite_db_close(d);
		return e;
	}
	d->is_damage_told = false;
	*out = d;
	return ERR_OK;
}

/* Whoever has the lock is the writer, and the last to go. */
static void sqlite_close(void *self)
{
	struct sqlite_db *d = self;
	const int lock = d->lock_fd;

	if (lock >= 0)
		sqlite_schema_meta_put(d, META_IS_OPEN, 0);
	sqlite_db_close(d);
	if (lock >= 0)
		close(lock);
}

static enum err sqlite_begin(void *self)
{
	struct sqlite_db *d = self;

	return sqlite_db_do(d, sqlite_db_stmt(d, SQL_BEGIN));
}

static enum err sqlite_commit(void *self)
{
	struct sqlite_db *d = self;

	return sqlite_db_do(d, sqlite_db_stmt(d, SQL_COMMIT));
}

/* Some errors have done it already. */
static void sqlite_rollback(void *self)
{
	struct sqlite_db *d = self;

	if (!sqlite3_get_autocommit(d->db))
		sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
}

static const char *sqlite_why(void *self)
{
	const struct sqlite_db *d = self;

	return d->why;
}

static bool sqlite_was_unclean(void *self)
{
	const struct sqlite_db *d = self;

	return d->was_unclean;
}

static void sqlite_stop(void *self)
{
	struct sqlite_db *d = self;

	atomic_store(&d->is_interrupted, true);
	sqlite3_interrupt(d->db);
}

static enum err sqlite_run(void *self, const struct store_request *req,
			   struct store_answer *a)
{
	static sqlite_run_fn *const runs[] = {
		[STORE_KEEP] = sqlite_keep,	  [STORE_OUTCOME] = sqlite_outcome,
		[STORE_RECORD] = sqlite_record,	  [STORE_FORGET] = sqlite_forget,
		[STORE_MOVE] = sqlite_move,	  [STORE_SWEEP] = sqlite_sweep,
		[STORE_CHECK] = sqlite_check,	  [STORE_GET] = sqlite_get,
		[STORE_PAGE] = sqlite_page,	  [STORE_SCAN] = sqlite_page,
		[STORE_OUTBOX] = sqlite_outbox,	  [STORE_COUNTS] = sqlite_counts,
		[STORE_RECORDS] = sqlite_records, [STORE_CONVS] = sqlite_convs,
		[STORE_MEASURE] = sqlite_measure,
	};

	return runs[req->verb](self, req, a);
}

const struct store_backend store_sqlite = {
	.name = "sqlite",
	.has_threads = true,
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.run = sqlite_run,
	.why = sqlite_why,
	.was_unclean = sqlite_was_unclean,
	.interrupt = sqlite_stop,
};
