#include "store/sqlite_schema.h"

#include <stdio.h>

#include "base/buf.h"

enum { SCHEMA_BYTES = 64 << 10, APPLICATION = 0x70326d73 /* p2ms */ };

/*
 * One string for each version; more are appended, none is changed. Everything that may have
 * to be salvaged stands in a table with rowids, in columns whose kinds tell it from the
 * others. An outbox row without body shares one of objects.
 */
static const char *const migrations[] = {
	"CREATE TABLE meta(id INTEGER PRIMARY KEY, value);"
	"CREATE TABLE messages(seq INTEGER PRIMARY KEY, author BLOB NOT NULL,"
	" id BLOB NOT NULL, conv BLOB NOT NULL, lamport INTEGER NOT NULL,"
	" sent INTEGER NOT NULL, kept INTEGER NOT NULL, expires INTEGER NOT NULL,"
	" state INTEGER NOT NULL, body BLOB NOT NULL);"
	"CREATE UNIQUE INDEX messages_id ON messages(author,id);"
	"CREATE INDEX messages_conv ON messages(conv,lamport,author,id);"
	"CREATE INDEX messages_kept ON messages(kept);"
	"CREATE INDEX messages_expires ON messages(expires) WHERE expires>0;"
	"CREATE TABLE gone(author BLOB NOT NULL, id BLOB NOT NULL,"
	" since INTEGER NOT NULL, UNIQUE(author,id));"
	"CREATE INDEX gone_since ON gone(since);"
	"CREATE TABLE objects(no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
	" body BLOB NOT NULL);"
	"CREATE TABLE outbox(seq INTEGER PRIMARY KEY, peer BLOB NOT NULL,"
	" object BLOB NOT NULL, since INTEGER NOT NULL, body BLOB, UNIQUE(object,peer));"
	"CREATE INDEX outbox_peer ON outbox(peer);"
	"CREATE TABLE records(no INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
	" key BLOB NOT NULL, value BLOB NOT NULL, UNIQUE(kind,key));",
	"DROP INDEX messages_kept;"
	"CREATE INDEX messages_kept ON messages(conv,kept);",
};

enum { VERSION = sizeof(migrations) / sizeof(migrations[0]) };

static const char schema_sql[] = "SELECT name||' '||coalesce(sql,'') FROM sqlite_schema "
				 "WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name";

/* What the canary says: which version this is, where nobody changes it unseen. */
struct canary {
	char text[12];
	uint8_t version[4];
};

static struct canary canary_of(uint32_t version)
{
	return (struct canary){
		.text = "p2pmsg store",
		.version = {(uint8_t)(version >> 24), (uint8_t)(version >> 16),
			    (uint8_t)(version >> 8), (uint8_t)version},
	};
}

/* The first column of the first row; 0 without one. */
static enum err get_number(struct sqlite_db *d, const char *sql, uint64_t *out)
{
	sqlite3_stmt *st = NULL;
	bool is_row = false;
	enum err e = sqlite_db_err(d, sqlite3_prepare_v2(d->db, sql, -1, &st, NULL));

	*out = 0;
	if (e == ERR_OK)
		e = sqlite_db_step(d, st, &is_row);
	if (is_row)
		*out = sqlite_db_get_u64(st, 0);
	sqlite3_finalize(st);
	return e;
}

static enum err get_schema(struct sqlite_db *d, sqlite3 *db, struct buf *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, schema_sql, -1, &st, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW &&
		    (buf_add(out, sqlite_db_get_blob(st, 0)) != ERR_OK ||
		     buf_u8(out, 0) != ERR_OK))
			rc = SQLITE_CORRUPT;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : sqlite_db_err(d, rc);
}

/* Against what the migrations make elsewhere: nothing else has to be kept up to date. */
static enum err check_schema(struct sqlite_db *d)
{
	struct buf have, want;
	sqlite3 *other = NULL;
	enum err e = ERR_OK;

	buf_init(&have, SCHEMA_BYTES);
	buf_init(&want, SCHEMA_BYTES);
	int rc = sqlite3_open_v2(":memory:", &other,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
					 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_MEMORY,
				 NULL);
	for (size_t i = 0; i < VERSION && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(other, migrations[i], NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		e = ERR_BUG;
	if (e == ERR_OK)
		e = get_schema(d, other, &want);
	if (e == ERR_OK)
		e = get_schema(d, d->db, &have);
	if (e == ERR_OK && !slice_eq(buf_slice(&have), buf_slice(&want))) {
		snprintf(d->why, sizeof(d->why), "its tables are not as they should be");
		e = ERR_CORRUPT;
	}
	sqlite3_close(other);
	buf_wipe(&have);
	buf_wipe(&want);
	return e;
}

static enum err put_canary(struct sqlite_db *d)
{
	const struct sqlite_ad ad = sqlite_ad_canary();
	const struct canary c = canary_of(VERSION);
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_META_PUT);

	sqlite_db_u64(st, 1, META_CANARY);
	sqlite_db_blob(st, 2, sqlite_db_seal(d, &ad, slice_of(&c, sizeof(c))));
	return sqlite_db_do(d, st);
}

/* Does any cell of the store open? */
static bool is_key_of_rows(struct sqlite_db *d)
{
	static const enum sql tables[] = {SQL_ALL_UP, SQL_OBJECTS, SQL_RECORDS_ALL};
	struct slice plain;
	bool fits = false;

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]) && !fits; t++) {
		sqlite3_stmt *st = sqlite_db_stmt(d, tables[t]);
		bool is_row = true;
		if (t == 0)
			sqlite_db_u64(st, 1, 0);
		while (!fits && sqlite_db_step(d, st, &is_row) == ERR_OK && is_row)
			fits = sqlite_db_unseal_row(d, tables[t], st, &plain) == ERR_OK;
		sqlite3_reset(st);
	}
	return fits;
}

/* *version: what it says. A canary that does not open is a matter of the key, unless
 * something else opens with it. */
static enum err check_canary(struct sqlite_db *d, uint64_t *version)
{
	const struct sqlite_ad ad = sqlite_ad_canary();
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_META_GET);
	struct slice plain = {0};
	bool is_row;

	*version = 0;
	sqlite_db_u64(st, 1, META_CANARY);
	enum err e = sqlite_db_step(d, st, &is_row);
	if (e != ERR_OK)
		return e;
	if (is_row)
		e = sqlite_db_unseal(d, &ad, sqlite_db_get_blob(st, 0), &plain);
	sqlite3_reset(st);
	if (is_row && e != ERR_OK && !is_key_of_rows(d)) {
		snprintf(d->why, sizeof(d->why),
			 "the key file does not belong to it: bring back the one that it "
			 "was made with, or move it away to begin without messages");
		return ERR_AUTH;
	}
	const struct canary want = canary_of(0);
	if (plain.n != sizeof(want) || memcmp(plain.p, &want, sizeof(want.text)) != 0) {
		snprintf(d->why, sizeof(d->why), "its mark is missing or damaged");
		return ERR_CORRUPT;
	}
	for (size_t i = 0; i < sizeof(want.version); i++)
		*version = *version << 8 | plain.p[sizeof(want.text) + i];
	return ERR_OK;
}

static enum err migrate(struct sqlite_db *d, uint64_t from)
{
	char sql[120];
	enum err e = sqlite_db_do(d, sqlite_db_stmt(d, SQL_BEGIN));

	for (uint64_t i = from; i < VERSION && e == ERR_OK; i++)
		e = sqlite_db_exec(d, migrations[i]);
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d; PRAGMA application_id=%d",
		 VERSION, APPLICATION);
	if (e == ERR_OK)
		e = sqlite_db_exec(d, sql);
	if (e == ERR_OK)
		e = put_canary(d);
	if (e == ERR_OK)
		e = sqlite_db_do(d, sqlite_db_stmt(d, SQL_COMMIT));
	if (e != ERR_OK && !sqlite3_get_autocommit(d->db))
		sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

static enum err check_version(struct sqlite_db *d, uint64_t version)
{
	uint64_t said;
	const enum err e = check_canary(d, &said);

	/* A header that claims more than the canary is damaged, not newer. */
	if (version > VERSION && (e != ERR_OK || said > VERSION)) {
		snprintf(d->why, sizeof(d->why),
			 "it was written by a newer p2pmsg (version %llu of the store, "
			 "this one knows %d): start that one",
			 (unsigned long long)version, VERSION);
		return ERR_VERSION;
	}
	if (e == ERR_OK && said != version) {
		snprintf(d->why, sizeof(d->why), "its version is damaged");
		return ERR_CORRUPT;
	}
	return e;
}

enum err sqlite_schema_open(struct sqlite_db *d)
{
	uint64_t version = 0, n_tables = 0;
	enum err e = get_number(d, "PRAGMA user_version", &version);

	if (e == ERR_OK)
		e = get_number(d, "SELECT count(*) FROM sqlite_schema", &n_tables);
	if (e == ERR_OK && (version != 0 || n_tables != 0))
		e = check_version(d, version);
	if (e == ERR_OK && version < VERSION)
		e = migrate(d, version);
	return e == ERR_OK ? check_schema(d) : e;
}

enum err sqlite_schema_meta_get(struct sqlite_db *d, uint64_t id, uint64_t *out)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_META_GET);
	bool is_row;

	*out = 0;
	sqlite_db_u64(st, 1, id);
	const enum err e = sqlite_db_step(d, st, &is_row);
	if (is_row)
		*out = sqlite_db_get_u64(st, 0);
	sqlite3_reset(st);
	return e;
}

enum err sqlite_schema_meta_put(struct sqlite_db *d, uint64_t id, uint64_t v)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_META_PUT);

	sqlite_db_u64(st, 1, id);
	sqlite_db_u64(st, 2, v);
	return sqlite_db_do(d, st);
}
