/*
 * The order of a mend, which may be interrupted anywhere: all that opens is written to
 * path.new; that is synced and renamed to path.rescued, which decides it; then the old file
 * and its log are renamed to path.damaged-TIME, and path.rescued to path.
 */
#include "store/sqlite_mend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "store/salvage.h"
#include "store/sqlite_schema.h"

enum { COMMIT_ROWS = 10000 };

struct mend {
	struct sqlite_db *d; /* the new one */
	struct rowseal seal;
	uint64_t n_messages, n_items, n_records, n_bad, n_done, n_sealed, n_opened;
};

static char *beside(const char *path, const char *suffix)
{
	return mem_printf("%s%s", path, suffix);
}

static const char *file_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

void sqlite_mend_later(struct sqlite_db *d)
{
	char text[STORE_WHY_BYTES];

	if (d->is_damage_told)
		return;
	d->is_damage_told = true;
	char *mark = beside(d->cfg->path, ".damaged");
	const int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		close(fd);
	mem_free(mark);
	snprintf(text, sizeof(text),
		 "the message store is damaged: %.80s. Start p2pmsg anew: it takes over "
		 "all "
		 "that can still be read, and sets the file aside",
		 d->why);
	d->cfg->on_trouble(d->cfg->ctx, ERR_CORRUPT, text);
}

bool sqlite_mend_is_due(const char *path)
{
	char *mark = beside(path, ".damaged");
	const bool is_due = access(mark, F_OK) == 0;

	mem_free(mark);
	return is_due;
}

static bool is_blob(const struct salvage_value *v, size_t n)
{
	return v->kind == SALVAGE_BLOB && v->blob.n == n;
}

static bool is_sealed(const struct salvage_value *v)
{
	return v->kind == SALVAGE_BLOB && v->blob.n >= ROWSEAL_BYTES;
}

static uint64_t number(const struct salvage_value *v)
{
	return v->i > 0 ? (uint64_t)v->i : 0;
}

/* Whether it is genuine. */
static bool opens(struct mend *m, const struct sqlite_ad *ad, struct slice sealed)
{
	struct slice plain;

	m->n_sealed++;
	if (sqlite_db_unseal(m->d, ad, sealed, &plain) != ERR_OK) {
		m->n_bad++;
		return false;
	}
	m->n_opened++;
	return true;
}

static enum err take(struct mend *m, sqlite3_stmt *st, uint64_t *count)
{
	const enum err e = sqlite_db_do(m->d, st);

	if (e == ERR_OK && count != NULL && sqlite3_changes(m->d->db) > 0)
		++*count;
	return e;
}

static bool is_message(const struct salvage_row *r)
{
	const struct salvage_value *v = r->values;
	bool is = r->n == 10 && v[0].kind == SALVAGE_NULL && is_blob(&v[1], 32) &&
		  is_blob(&v[2], 16) && is_blob(&v[3], 16) && is_sealed(&v[9]);

	for (size_t i = 4; i < 9 && is; i++)
		is = v[i].kind == SALVAGE_INT;
	return is && r->rowid > 0;
}

static enum err take_message(struct mend *m, const struct salvage_row *r)
{
	const struct salvage_value *v = r->values;
	struct store_message of = {.lamport = number(&v[4])};

	memcpy(of.author.b, v[1].blob.p, sizeof(of.author.b));
	memcpy(of.id.b, v[2].blob.p, sizeof(of.id.b));
	memcpy(of.conv.b, v[3].blob.p, sizeof(of.conv.b));
	const struct sqlite_ad ad = sqlite_ad_message(&of);
	if (!opens(m, &ad, v[9].blob))
		return ERR_OK;
	sqlite3_stmt *st = sqlite_db_stmt(m->d, SQL_MEND_MESSAGE);
	sqlite_db_u64(st, 1, (uint64_t)r->rowid);
	for (int i = 1; i < 4; i++)
		sqlite_db_blob(st, i + 1, v[i].blob);
	for (int i = 4; i < 9; i++)
		sqlite_db_u64(st, i + 1, number(&v[i]));
	sqlite_db_blob(st, 10, v[9].blob);
	return take(m, st, &m->n_messages);
}

static bool is_object(const struct salvage_row *r)
{
	return r->n == 3 && r->values[0].kind == SALVAGE_NULL &&
	       is_blob(&r->values[1], 16) && is_sealed(&r->values[2]);
}

static enum err take_object(struct mend *m, const struct salvage_row *r)
{
	struct id16 id;

	memcpy(id.b, r->values[1].blob.p, sizeof(id.b));
	const struct sqlite_ad ad = sqlite_ad_object(&id);
	if (!opens(m, &ad, r->values[2].blob))
		return ERR_OK;
	sqlite3_stmt *st = sqlite_db_stmt(m->d, SQL_OBJECT_PUT);
	sqlite_db_blob(st, 1, r->values[1].blob);
	sqlite_db_blob(st, 2, r->values[2].blob);
	return take(m, st, NULL);
}

static bool is_item(const struct salvage_row *r)
{
	return r->n == 5 && r->rowid > 0 && r->values[0].kind == SALVAGE_NULL &&
	       is_blob(&r->values[1], 32) && is_blob(&r->values[2], 16) &&
	       r->values[3].kind == SALVAGE_INT &&
	       (r->values[4].kind == SALVAGE_NULL || is_sealed(&r->values[4]));
}

static enum err take_item(struct mend *m, const struct salvage_row *r)
{
	const bool is_shared = r->values[4].kind == SALVAGE_NULL;
	struct id16 id;

	memcpy(id.b, r->values[2].blob.p, sizeof(id.b));
	const struct sqlite_ad ad = sqlite_ad_object(&id);
	if (!is_shared && !opens(m, &ad, r->values[4].blob))
		return ERR_OK;
	sqlite3_stmt *st = sqlite_db_stmt(m->d, SQL_MEND_ITEM);
	sqlite_db_u64(st, 1, (uint64_t)r->rowid);
	sqlite_db_blob(st, 2, r->values[1].blob);
	sqlite_db_blob(st, 3, r->values[2].blob);
	sqlite_db_u64(st, 4, number(&r->values[3]));
	if (is_shared)
		sqlite3_bind_null(st, 5);
	else
		sqlite_db_blob(st, 5, r->values[4].blob);
	return take(m, st, &m->n_items);
}

static bool is_record(const struct salvage_row *r)
{
	return r->n == 4 && r->values[0].kind == SALVAGE_NULL &&
	       r->values[1].kind == SALVAGE_INT && r->values[1].i >= 0 &&
	       r->values[1].i < 256 && r->values[2].kind == SALVAGE_BLOB &&
	       r->values[2].blob.n <= STORE_RECORD_KEY_BYTES && is_sealed(&r->values[3]);
}

static enum err take_record(struct mend *m, const struct salvage_row *r)
{
	const struct sqlite_ad ad =
		sqlite_ad_record((uint8_t)r->values[1].i, r->values[2].blob);

	if (!opens(m, &ad, r->values[3].blob))
		return ERR_OK;
	sqlite3_stmt *st = sqlite_db_stmt(m->d, SQL_RECORD_PUT);
	sqlite_db_u64(st, 1, number(&r->values[1]));
	sqlite_db_blob(st, 2, r->values[2].blob);
	sqlite_db_blob(st, 3, r->values[3].blob);
	return take(m, st, &m->n_records);
}

static bool is_gone(const struct salvage_row *r)
{
	return r->n == 3 && is_blob(&r->values[0], 32) && is_blob(&r->values[1], 16) &&
	       r->values[2].kind == SALVAGE_INT;
}

static enum err take_gone(struct mend *m, const struct salvage_row *r)
{
	sqlite3_stmt *st = sqlite_db_stmt(m->d, SQL_MEND_GONE);

	sqlite_db_blob(st, 1, r->values[0].blob);
	sqlite_db_blob(st, 2, r->values[1].blob);
	sqlite_db_u64(st, 3, number(&r->values[2]));
	return take(m, st, NULL);
}

static bool is_canary(const struct salvage_row *r)
{
	return r->n == 2 && r->rowid == META_CANARY && is_sealed(&r->values[1]);
}

/* The new file has one of its own; but that this one opens tells whose key it is, even
 * where nothing else is left. */
static enum err take_canary(struct mend *m, const struct salvage_row *r)
{
	const struct sqlite_ad ad = sqlite_ad_canary();
	const uint64_t n_bad = m->n_bad;

	opens(m, &ad, r->values[1].blob);
	m->n_bad = n_bad;
	return ERR_OK;
}

static bool is_last(const struct salvage_row *r)
{
	return r->n == 2 && r->rowid == META_LAST_MESSAGE &&
	       r->values[1].kind == SALVAGE_INT;
}

static enum err take_last(struct mend *m, const struct salvage_row *r)
{
	return sqlite_schema_meta_put(m->d, META_LAST_MESSAGE, number(&r->values[1]));
}

static enum err start_anew(struct mend *m)
{
	enum err e = sqlite_db_do(m->d, sqlite_db_stmt(m->d, SQL_COMMIT));

	return e != ERR_OK ? e : sqlite_db_do(m->d, sqlite_db_stmt(m->d, SQL_BEGIN));
}

static enum err on_row(void *ctx, const struct salvage_row *r)
{
	static const struct {
		bool (*is)(const struct salvage_row *r);
		enum err (*take)(struct mend *m, const struct salvage_row *r);
	} shapes[] = {
		{is_message, take_message}, {is_object, take_object},
		{is_item, take_item},	    {is_record, take_record},
		{is_gone, take_gone},	    {is_last, take_last},
		{is_canary, take_canary},
	};
	struct mend *m = ctx;
	enum err e = ERR_OK;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (!shapes[i].is(r))
			continue;
		e = shapes[i].take(m, r);
		break;
	}
	/* The journal of the new file is in memory, so it must not grow for long. */
	if (e == ERR_OK && ++m->n_done % COMMIT_ROWS == 0)
		e = start_anew(m);
	return e;
}

static void remove_files(const char *path)
{
	static const char *const parts[] = {"", "-wal", "-shm", "-journal"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *name = beside(path, parts[i]);
		unlink(name);
		mem_free(name);
	}
}

static enum err sync_path(const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC);
	enum err e = ERR_OK;

	if (fd < 0)
		return err_from_errno(errno);
	if (fsync(fd) != 0)
		e = err_from_errno(errno);
	close(fd);
	return e;
}

static enum err sync_folder(const char *path)
{
	char *folder = mem_strdup(path), *slash = strrchr(folder, '/');

	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	const enum err e =
		sync_path(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY);
	mem_free(folder);
	return e;
}

static enum err make_new(struct mend *m, const struct store_config *cfg, const char *path)
{
	remove_files(path);
	const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_from_errno(errno);
	close(fd);
	rowseal_init(&m->seal, cfg->key, cfg->rng);
	enum err e = sqlite_db_open(cfg, path, &m->seal, &m->d);
	/* Nobody needs a half of it: it is synced once, when it is whole. */
	if (e == ERR_OK)
		e = sqlite_db_exec(m->d, "PRAGMA journal_mode=MEMORY;"
					 "PRAGMA synchronous=OFF");
	return e == ERR_OK ? sqlite_schema_open(m->d) : e;
}

/* All that opens, from cfg->path. */
static enum err fill(struct mend *m, const struct store_config *cfg)
{
	uint64_t n_bad = 0;
	enum err e = sqlite_db_do(m->d, sqlite_db_stmt(m->d, SQL_BEGIN));

	if (e == ERR_OK)
		e = salvage_walk(cfg->path, on_row, m, &n_bad);
	m->n_bad += n_bad;
	if (e == ERR_OK)
		e = take(m, sqlite_db_stmt(m->d, SQL_MEND_ORPHANS), NULL);
	if (e == ERR_OK) {
		const uint64_t n_lost = (uint64_t)sqlite3_changes(m->d->db);
		m->n_items -= n_lost < m->n_items ? n_lost : m->n_items;
		m->n_bad += n_lost;
		e = sqlite_db_do(m->d, sqlite_db_stmt(m->d, SQL_OBJECT_SWEEP));
	}
	return e == ERR_OK ? sqlite_db_do(m->d, sqlite_db_stmt(m->d, SQL_COMMIT)) : e;
}

static void tell(const struct store_config *cfg, const struct mend *m, const char *what)
{
	char text[STORE_WHY_BYTES];

	snprintf(text, sizeof(text),
		 "the message store was damaged: %.100s. Taken over: %llu messages, %llu "
		 "waiting, %llu records; %llu pieces were lost. The old file is "
		 "%.40s.damaged-%llu",
		 what, (unsigned long long)m->n_messages, (unsigned long long)m->n_items,
		 (unsigned long long)m->n_records, (unsigned long long)m->n_bad,
		 file_of(cfg->path), (unsigned long long)cfg->now_ms);
	cfg->on_trouble(cfg->ctx, ERR_CORRUPT, text);
}

static enum err decide(const struct store_config *cfg, const char *path)
{
	char *rescued = beside(cfg->path, ".rescued");
	enum err e = sync_path(path, O_RDONLY);

	if (e == ERR_OK && rename(path, rescued) != 0)
		e = err_from_errno(errno);
	if (e == ERR_OK)
		e = sync_folder(cfg->path);
	mem_free(rescued);
	return e;
}

/* So short that the mark itself, on the second page, is cut. */
static bool is_mark_cut(const char *path)
{
	struct stat st;

	return salvage_is_cut(path) && stat(path, &st) == 0 &&
	       st.st_size < 2 * SALVAGE_PAGE_BYTES;
}

enum err sqlite_mend(const struct store_config *cfg, const char *what, char *why)
{
	struct mend m = {.d = NULL};
	char *path = beside(cfg->path, ".new");
	enum err e = make_new(&m, cfg, path);

	if (e == ERR_OK)
		e = fill(&m, cfg);
	snprintf(why, STORE_WHY_BYTES, "it is damaged, and could not be mended: %.200s",
		 m.d != NULL && m.d->why[0] != '\0' ? m.d->why : err_str(e));
	sqlite_db_close(m.d);
	if (e == ERR_OK && m.n_sealed > 0 && m.n_opened == 0 && !is_mark_cut(cfg->path)) {
		snprintf(why, STORE_WHY_BYTES,
			 "it is damaged, and the key file does not belong to it: bring "
			 "back the one it was made with");
		e = ERR_AUTH;
	}
	if (e == ERR_OK)
		e = decide(cfg, path);
	if (e != ERR_OK)
		remove_files(path);
	mem_free(path);
	if (e == ERR_OK)
		e = sqlite_mend_finish(cfg, why);
	if (e == ERR_OK)
		tell(cfg, &m, what);
	return e;
}

/* A file that is not there needs no new name. */
static enum err move(const char *from, const char *to)
{
	return rename(from, to) == 0 || errno == ENOENT ? ERR_OK : err_from_errno(errno);
}

static enum err set_aside(const struct store_config *cfg)
{
	static const char *const parts[] = {"-wal", ""};
	enum err e = ERR_OK;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && e == ERR_OK; i++) {
		char *from = beside(cfg->path, parts[i]);
		char *to = mem_printf("%s.damaged-%llu%s", cfg->path,
				      (unsigned long long)cfg->now_ms, parts[i]);
		e = move(from, to);
		mem_free(from);
		mem_free(to);
	}
	char *shm = beside(cfg->path, "-shm");
	unlink(shm);
	mem_free(shm);
	/* A log must be gone for good before there is a new file that it would spoil. */
	return e == ERR_OK ? sync_folder(cfg->path) : e;
}

enum err sqlite_mend_finish(const struct store_config *cfg, char *why)
{
	char *rescued = beside(cfg->path, ".rescued");
	char *mark = beside(cfg->path, ".damaged");
	enum err e = ERR_OK;

	if (access(rescued, F_OK) != 0)
		goto out;
	e = set_aside(cfg);
	if (e == ERR_OK && rename(rescued, cfg->path) != 0)
		e = err_from_errno(errno);
	if (e == ERR_OK)
		unlink(mark);
	if (e == ERR_OK)
		e = sync_folder(cfg->path);
	if (e != ERR_OK)
		snprintf(why, STORE_WHY_BYTES, "a damaged one cannot be set aside: %s",
			 err_str(e));
out:
	mem_free(rescued);
	mem_free(mark);
	return e;
}
