#include "store/sqlite_db.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/secret.h"
#include "store/sqlite_mend.h"

enum {
	/* Pages come from the system's cache; ours only saves calls. */
	CACHE_KIB = 8192,
	BUSY_MS = 5000 /* another program that looks into it */
};

static const char *const texts[SQL_COUNT] = {
#define S(name, text) text,
	SQL_TABLE(S)
#undef S
};

/* Result codes without their extension. */
static const struct {
	int rc;
	enum err err;
} errs[] = {
	{SQLITE_OK, ERR_OK},
	{SQLITE_ROW, ERR_OK},
	{SQLITE_DONE, ERR_OK},
	{SQLITE_FULL, ERR_NOSPACE},
	{SQLITE_READONLY, ERR_READONLY},
	{SQLITE_CORRUPT, ERR_CORRUPT},
	{SQLITE_NOTADB, ERR_CORRUPT},
	{SQLITE_BUSY, ERR_LOCKED},
	{SQLITE_LOCKED, ERR_LOCKED},
	{SQLITE_PERM, ERR_PERM},
	{SQLITE_AUTH, ERR_PERM},
	{SQLITE_INTERRUPT, ERR_TIMEOUT},
	{SQLITE_CONSTRAINT, ERR_CORRUPT}, /* ours are kept, so an index is wrong */
	{SQLITE_MISUSE, ERR_BUG},
};

static enum err err_of(sqlite3 *db, int rc)
{
	const int system_errno = db != NULL ? sqlite3_system_errno(db) : 0;

	for (size_t i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		if (errs[i].rc == (rc & 0xff))
			return errs[i].err;
	}
	/* Its own words for what the system said may be of an earlier call. */
	if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_IOERR) {
		const enum err e =
			system_errno != 0 ? err_from_errno(system_errno) : ERR_IO;
		return e == ERR_NOSPACE || e == ERR_READONLY || e == ERR_PERM ? e
									      : ERR_IO;
	}
	return ERR_IO;
}

enum err sqlite_db_err(struct sqlite_db *d, int rc)
{
	const enum err e = err_of(d->db, rc);

	if (e == ERR_OK)
		return e;
	snprintf(d->why, sizeof(d->why), "%s (%s)", err_str(e),
		 d->db != NULL ? sqlite3_errmsg(d->db) : sqlite3_errstr(rc));
	if (e == ERR_CORRUPT)
		sqlite_mend_later(d);
	return e;
}

static enum err configure(struct sqlite_db *d)
{
	char cache[64];
	enum err e;

	sqlite3_extended_result_codes(d->db, 1);
	sqlite3_busy_timeout(d->db, BUSY_MS);
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	snprintf(cache, sizeof(cache), "PRAGMA cache_size=-%d", CACHE_KIB);
	e = sqlite_db_exec(d, cache);
	return e != ERR_OK ? e
			   : sqlite_db_exec(d, "PRAGMA synchronous=FULL;"
					       "PRAGMA secure_delete=ON;"
					       "PRAGMA cell_size_check=ON;"
					       "PRAGMA temp_store=MEMORY;"
					       "PRAGMA mmap_size=0;"
					       "PRAGMA wal_autocheckpoint=8000;"
					       "PRAGMA journal_size_limit=67108864");
}

enum err sqlite_db_open(const struct store_config *cfg, const char *path,
			const struct rowseal *seal, struct sqlite_db **out)
{
	struct sqlite_db *d = mem_new(sizeof(*d));
	const int flags =
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

	*out = d;
	d->cfg = cfg;
	d->lock_fd = -1;
	d->plain = mem_new(STORE_BODY_BYTES + ROWSEAL_BYTES);
	d->sealed = mem_new(STORE_BODY_BYTES + ROWSEAL_BYTES);
	d->seal = *seal;
	d->is_damage_told = true;
	const enum err e = sqlite_db_err(d, sqlite3_open_v2(path, &d->db, flags, NULL));
	return e != ERR_OK ? e : configure(d);
}

void sqlite_db_close(struct sqlite_db *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(d->stmts[i]);
	sqlite3_close(d->db);
	secret_wipe(d->plain, STORE_BODY_BYTES + ROWSEAL_BYTES);
	mem_free(d->plain);
	mem_free(d->sealed);
	mem_free(d);
}

sqlite3_stmt *sqlite_db_stmt(struct sqlite_db *d, enum sql which)
{
	sqlite3_stmt **st = &d->stmts[which];

	if (*st == NULL)
		sqlite_db_err(d, sqlite3_prepare_v3(d->db, texts[which], -1,
						    SQLITE_PREPARE_PERSISTENT, st, NULL));
	return *st;
}

enum err sqlite_db_step(struct sqlite_db *d, sqlite3_stmt *st, bool *is_row)
{
	*is_row = false;
	if (st == NULL)
		return sqlite_db_err(d, sqlite3_extended_errcode(d->db)) != ERR_OK
			       ? err_of(d->db, sqlite3_extended_errcode(d->db))
			       : ERR_IO;
	const int rc = sqlite3_step(st);
	*is_row = rc == SQLITE_ROW;
	if (*is_row)
		return ERR_OK;
	const enum err e = sqlite_db_err(d, rc);
	sqlite3_reset(st);
	return e;
}

enum err sqlite_db_do(struct sqlite_db *d, sqlite3_stmt *st)
{
	bool is_row = true;
	enum err e = ERR_OK;

	while (e == ERR_OK && is_row)
		e = sqlite_db_step(d, st, &is_row);
	return e;
}

enum err sqlite_db_exec(struct sqlite_db *d, const char *sql)
{
	return sqlite_db_err(d, sqlite3_exec(d->db, sql, NULL, NULL, NULL));
}

void sqlite_db_blob(sqlite3_stmt *st, int at, struct slice s)
{
	/* An empty blob, where NULL would be none. */
	sqlite3_bind_blob64(st, at, s.n > 0 ? (const void *)s.p : "", s.n, SQLITE_STATIC);
}

void sqlite_db_u64(sqlite3_stmt *st, int at, uint64_t v)
{
	sqlite3_bind_int64(st, at, v > INT64_MAX ? INT64_MAX : (sqlite3_int64)v);
}

struct slice sqlite_db_get_blob(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);

	return slice_of(p, p != NULL ? (size_t)sqlite3_column_bytes(st, column) : 0);
}

uint64_t sqlite_db_get_u64(sqlite3_stmt *st, int column)
{
	const sqlite3_int64 v = sqlite3_column_int64(st, column);

	return v > 0 ? (uint64_t)v : 0;
}

static enum err get_id(sqlite3_stmt *st, int column, uint8_t *out, size_t n)
{
	const struct slice s = sqlite_db_get_blob(st, column);

	if (s.n != n)
		return ERR_CORRUPT;
	memcpy(out, s.p, n);
	return ERR_OK;
}

enum err sqlite_db_get_id16(sqlite3_stmt *st, int column, struct id16 *out)
{
	return get_id(st, column, out->b, sizeof(out->b));
}

enum err sqlite_db_get_id32(sqlite3_stmt *st, int column, struct id32 *out)
{
	return get_id(st, column, out->b, sizeof(out->b));
}

enum err sqlite_db_get_message(sqlite3_stmt *st, struct store_message *m)
{
	const uint64_t state = sqlite_db_get_u64(st, 8);

	*m = (struct store_message){
		.seq = sqlite_db_get_u64(st, 0),
		.lamport = sqlite_db_get_u64(st, 4),
		.sent_ms = sqlite_db_get_u64(st, 5),
		.kept_ms = sqlite_db_get_u64(st, 6),
		.expires_ms = sqlite_db_get_u64(st, 7),
		.state = state <= STORE_FAILED ? (enum store_state)state : STORE_NONE,
	};
	return sqlite_db_get_id32(st, 1, &m->author) != ERR_OK ||
			       sqlite_db_get_id16(st, 2, &m->id) != ERR_OK ||
			       sqlite_db_get_id16(st, 3, &m->conv) != ERR_OK
		       ? ERR_CORRUPT
		       : ERR_OK;
}

static void ad_add(struct sqlite_ad *ad, const void *p, size_t n)
{
	if (n > 0)
		memcpy(ad->p + ad->n, p, n);
	ad->n += n;
}

/* The table and column, with its NUL, then the row. */
static struct sqlite_ad ad_of(const char *cell)
{
	struct sqlite_ad ad = {.n = 0};

	ad_add(&ad, cell, strlen(cell) + 1);
	return ad;
}

struct sqlite_ad sqlite_ad_message(const struct store_message *m)
{
	struct sqlite_ad ad = ad_of("messages.body");
	uint8_t lamport[8];

	for (unsigned i = 0; i < sizeof(lamport); i++)
		lamport[i] = (uint8_t)(m->lamport >> (56 - 8 * i));
	ad_add(&ad, m->author.b, sizeof(m->author.b));
	ad_add(&ad, m->id.b, sizeof(m->id.b));
	ad_add(&ad, m->conv.b, sizeof(m->conv.b));
	ad_add(&ad, lamport, sizeof(lamport));
	return ad;
}

struct sqlite_ad sqlite_ad_object(const struct id16 *id)
{
	struct sqlite_ad ad = ad_of("objects.body");

	ad_add(&ad, id->b, sizeof(id->b));
	return ad;
}

struct sqlite_ad sqlite_ad_record(uint8_t kind, struct slice key)
{
	struct sqlite_ad ad = ad_of("records.value");

	ad_add(&ad, &kind, 1);
	ad_add(&ad, key.p, key.n);
	return ad;
}

struct sqlite_ad sqlite_ad_canary(void)
{
	return ad_of("meta.canary");
}

struct slice sqlite_db_seal(struct sqlite_db *d, const struct sqlite_ad *ad,
			    struct slice plain)
{
	rowseal_seal(&d->seal, slice_of(ad->p, ad->n), plain, d->sealed);
	return slice_of(d->sealed, plain.n + ROWSEAL_BYTES);
}

void sqlite_db_damaged(struct sqlite_db *d, const char *text)
{
	snprintf(d->why, sizeof(d->why), "%s", text);
	sqlite_mend_later(d);
}

enum err sqlite_db_unseal(struct sqlite_db *d, const struct sqlite_ad *ad,
			  struct slice sealed, struct slice *out)
{
	size_t n = 0;

	*out = (struct slice){0};
	if (sealed.n > STORE_BODY_BYTES + ROWSEAL_BYTES ||
	    rowseal_open(&d->seal, slice_of(ad->p, ad->n), sealed, d->plain, &n) !=
		    ERR_OK) {
		sqlite_db_damaged(d, "something in it does not open");
		return ERR_CORRUPT;
	}
	*out = slice_of(d->plain, n);
	return ERR_OK;
}

enum err sqlite_db_unseal_row(struct sqlite_db *d, enum sql table, sqlite3_stmt *st,
			      struct slice *out)
{
	const int last = sqlite3_column_count(st) - 1;
	const struct slice sealed = sqlite_db_get_blob(st, last);
	struct sqlite_ad ad;

	*out = (struct slice){0};
	if (table == SQL_ALL_UP) {
		struct store_message m;
		if (sqlite_db_get_message(st, &m) != ERR_OK)
			return ERR_CORRUPT;
		ad = sqlite_ad_message(&m);
	} else if (table == SQL_OBJECTS) {
		struct id16 id;
		if (sqlite_db_get_id16(st, 0, &id) != ERR_OK)
			return ERR_CORRUPT;
		ad = sqlite_ad_object(&id);
	} else {
		const struct slice key = sqlite_db_get_blob(st, 1);
		if (key.n > STORE_RECORD_KEY_BYTES)
			return ERR_CORRUPT;
		ad = sqlite_ad_record((uint8_t)sqlite_db_get_u64(st, 0), key);
	}
	return sqlite_db_unseal(d, &ad, sealed, out);
}
