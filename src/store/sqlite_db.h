/*
 * sqlite_db: one connection, its statements, and the cells that are sealed. All SQL stands
 * in the table below: what others wrote is only ever bound.
 */
#ifndef STORE_SQLITE_DB_H
#define STORE_SQLITE_DB_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "crypto/rowseal.h"
#include "store/backend.h"

#define SQL_MESSAGE "seq,author,id,conv,lamport,sent,kept,expires,state,body"

/* S(NAME, text) */
#define SQL_TABLE(S) \
	S(BEGIN, "BEGIN IMMEDIATE") \
	S(COMMIT, "COMMIT") \
	S(ROLLBACK, "ROLLBACK") \
	S(META_GET, "SELECT value FROM meta WHERE id=?1") \
	S(META_PUT, "INSERT OR REPLACE INTO meta(id,value) VALUES(?1,?2)") \
	S(LAST_MESSAGE, "SELECT max(seq) FROM messages") \
	S(HAS_GONE, "SELECT count(*) FROM (SELECT 1 FROM gone LIMIT 1)") \
	S(HAS_OBJECTS, "SELECT count(*) FROM (SELECT 1 FROM objects LIMIT 1)") \
	S(LAST_ITEM, "SELECT max(seq) FROM outbox") \
	S(IS_GONE, "SELECT 1 FROM gone WHERE author=?1 AND id=?2") \
	S(INSERT, "INSERT INTO messages(" SQL_MESSAGE ") " \
		  "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) " \
		  "ON CONFLICT(author,id) DO NOTHING") \
	S(DELETE, "DELETE FROM messages WHERE seq=?1") \
	S(FIND, "SELECT " SQL_MESSAGE " FROM messages WHERE author=?1 AND id=?2") \
	S(AMEND, "UPDATE messages SET sent=?2,expires=?3,state=?4,body=?5 WHERE seq=?1") \
	S(STATE, "UPDATE messages SET state=?3 WHERE author=?1 AND id=?2 AND " \
		 "instr(?4,state)<instr(?4,?3)") \
	S(OBJECT_PUT, "INSERT OR IGNORE INTO objects(id,body) VALUES(?1,?2)") \
	S(OBJECT_DROP, "DELETE FROM objects WHERE id=?1 AND " \
		       "NOT EXISTS(SELECT 1 FROM outbox WHERE object=?1)") \
	S(OBJECT_SWEEP, \
	  "DELETE FROM objects WHERE id NOT IN (SELECT object FROM outbox)") \
	S(QUEUE, "INSERT INTO outbox(seq,peer,object,since,body) " \
		 "VALUES(?1,?2,?3,?4,?5) " \
		 "ON CONFLICT(object,peer) DO NOTHING") \
	S(UNQUEUE, "DELETE FROM outbox WHERE object=?1 AND peer=?2") \
	S(UNQUEUE_PEER, "DELETE FROM outbox WHERE peer=?1") \
	S(WAITING, \
	  "SELECT seq,peer,object,since FROM outbox WHERE peer=?1 ORDER BY seq") \
	S(FAIL_WAITING, "UPDATE messages SET state=?4 WHERE author=?1 AND conv=?2 AND " \
			"id IN (SELECT object FROM outbox WHERE peer=?3)") \
	S(MOVE, "UPDATE messages SET conv=?2,body=?3 WHERE seq=?1") \
	S(RECORD_PUT, "INSERT INTO records(kind,key,value) VALUES(?1,?2,?3) " \
		      "ON CONFLICT(kind,key) DO UPDATE SET value=?3") \
	S(RECORD_DROP, "DELETE FROM records WHERE kind=?1 AND key=?2") \
	S(GONE_CONV, "INSERT OR REPLACE INTO gone(author,id,since) " \
		     "SELECT author,id,?2 FROM messages WHERE conv=?1") \
	S(GONE_ALL, "INSERT OR REPLACE INTO gone(author,id,since) " \
		    "SELECT author,id,?1 FROM messages") \
	S(GONE_SEQ, "INSERT OR REPLACE INTO gone(author,id,since) " \
		    "SELECT author,id,?2 FROM messages WHERE seq=?1") \
	S(MEND_MESSAGE, "INSERT OR IGNORE INTO messages(" SQL_MESSAGE ") " \
			"VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)") \
	S(MEND_ITEM, "INSERT OR IGNORE INTO outbox(seq,peer,object,since,body) " \
		     "VALUES(?1,?2,?3,?4,?5)") \
	S(MEND_GONE, "INSERT OR IGNORE INTO gone(author,id,since) VALUES(?1,?2,?3)") \
	S(MEND_ORPHANS, "DELETE FROM outbox WHERE body IS NULL AND " \
			"object NOT IN (SELECT id FROM objects)") \
	S(GONE_SWEEP, "DELETE FROM gone WHERE since<=?1") \
	S(DELETE_CONV, "DELETE FROM messages WHERE conv=?1") \
	S(SEQS_CONV, "SELECT seq FROM messages WHERE conv=?1 AND seq<=?2 LIMIT ?3") \
	S(SEQS_ALL, "SELECT seq FROM messages WHERE seq<=?1 ORDER BY seq LIMIT ?2") \
	S(NEXT_CONV, "SELECT conv FROM messages WHERE conv>?1 ORDER BY conv LIMIT 1") \
	S(DELETE_ALL, "DELETE FROM messages") \
	S(EXPIRED, "SELECT seq FROM messages WHERE expires>0 AND expires<=?1 " \
		   "ORDER BY expires LIMIT ?2") \
	S(OLD, "SELECT seq FROM messages WHERE conv=?1 AND kept<?2 AND NOT EXISTS" \
	       "(SELECT 1 FROM outbox WHERE object=messages.id) LIMIT ?3") \
	S(UP_TO, "SELECT seq FROM messages WHERE conv=?1 AND " \
		 "(lamport,author,id)<=(?2,?3,?4) AND NOT EXISTS" \
		 "(SELECT 1 FROM outbox WHERE object=messages.id) LIMIT ?5") \
	S(MEASURE, "SELECT lamport,author,id,length(body) FROM messages WHERE " \
		   "conv=?1 AND (lamport,author,id)<(?2,?3,?4) " \
		   "ORDER BY lamport DESC,author DESC,id DESC") \
	S(GIVEN_UP, \
	  "SELECT seq,peer,object,since FROM outbox WHERE since<?1 ORDER BY seq") \
	S(CONV_UP, "SELECT " SQL_MESSAGE " FROM messages WHERE conv=?1 AND " \
		   "(lamport,author,id)>(?2,?3,?4) ORDER BY lamport,author,id") \
	S(CONV_DOWN, "SELECT " SQL_MESSAGE " FROM messages WHERE conv=?1 AND " \
		     "(lamport,author,id)<(?2,?3,?4) " \
		     "ORDER BY lamport DESC,author DESC,id DESC") \
	S(ALL_UP, "SELECT " SQL_MESSAGE " FROM messages WHERE seq>?1 ORDER BY seq") \
	S(ALL_DOWN, \
	  "SELECT " SQL_MESSAGE " FROM messages WHERE seq<?1 ORDER BY seq DESC") \
	S(OUTBOX_PEER, "SELECT o.seq,o.peer,o.object,o.since,coalesce(o.body,b.body) " \
		       "FROM outbox o LEFT JOIN objects b ON b.id=o.object " \
		       "WHERE o.peer=?2 AND o.seq>?1 ORDER BY o.seq") \
	S(OUTBOX_ALL, "SELECT o.seq,o.peer,o.object,o.since,coalesce(o.body,b.body) " \
		      "FROM outbox o LEFT JOIN objects b ON b.id=o.object " \
		      "WHERE o.seq>?1 ORDER BY o.seq") \
	S(COUNTS, "SELECT peer,count(*),min(since) FROM outbox WHERE peer>?1 " \
		  "GROUP BY peer ORDER BY peer") \
	S(RECORDS, "SELECT key,value FROM records WHERE kind=?1 AND key>=?2 AND key>?3 " \
		   "ORDER BY key") \
	S(OBJECTS, "SELECT id,body FROM objects UNION ALL " \
		   "SELECT object,body FROM outbox WHERE body IS NOT NULL") \
	S(RECORDS_ALL, "SELECT kind,key,value FROM records") \
	S(QUICK_CHECK, "PRAGMA quick_check(1)")

enum sql {
#define S(name, text) SQL_##name,
	SQL_TABLE(S)
#undef S
		SQL_COUNT
};

/* Cells of meta. The numbers are on disk. */
enum { META_CANARY = 1, META_IS_OPEN = 2, META_LAST_MESSAGE = 3 };

enum { SQLITE_DB_AD_BYTES = 32 + 32 + 16 + 16 + 8 + STORE_RECORD_KEY_BYTES };

struct sqlite_db {
	sqlite3 *db;
	sqlite3_stmt *stmts[SQL_COUNT];
	const struct store_config *cfg;
	struct rowseal seal;
	uint8_t *plain, *sealed; /* of one body */
	atomic_bool is_interrupted;
	bool is_damage_told;
	char why[STORE_WHY_BYTES]; /* of the last error */
	/* The write lane's. */
	uint64_t last_message, last_item;
	/* Is there perhaps a row in gone, in objects: there seldom is. */
	bool has_gone, has_objects;
	int lock_fd; /* -1: none */
	bool was_unclean;
};

/* Opens path, which is there, and may be empty. Only who writes needs seal's nonces. On
 * error too *out is to be closed. Until is_damage_told is made false, damage is only
 * returned: whoever opens it knows better what to do. */
enum err sqlite_db_open(const struct store_config *cfg, const char *path,
			const struct rowseal *seal, struct sqlite_db **out);
void sqlite_db_close(struct sqlite_db *d);

/* What an SQLite result means; d->why is set. */
enum err sqlite_db_err(struct sqlite_db *d, int rc);
/* The statement, ready to be bound; NULL: sqlite_db_err says why. */
sqlite3_stmt *sqlite_db_stmt(struct sqlite_db *d, enum sql which);
/* One row more: *is_row. At its end, or at an error, st is reset. */
enum err sqlite_db_step(struct sqlite_db *d, sqlite3_stmt *st, bool *is_row);
/* Runs st to its end. NULL is an error as above. */
enum err sqlite_db_do(struct sqlite_db *d, sqlite3_stmt *st);
/* SQL of ours without arguments. */
enum err sqlite_db_exec(struct sqlite_db *d, const char *sql);

void sqlite_db_blob(sqlite3_stmt *st, int at, struct slice s);
void sqlite_db_u64(sqlite3_stmt *st, int at, uint64_t v);
struct slice sqlite_db_get_blob(sqlite3_stmt *st, int column);
uint64_t sqlite_db_get_u64(sqlite3_stmt *st, int column);
/* ERR_CORRUPT when it is not that long. */
enum err sqlite_db_get_id16(sqlite3_stmt *st, int column, struct id16 *out);
enum err sqlite_db_get_id32(sqlite3_stmt *st, int column, struct id32 *out);

/* A row of SQL_MESSAGE; without body. */
enum err sqlite_db_get_message(sqlite3_stmt *st, struct store_message *m);

/* Which cell it is: what a sealed one is bound to. */
struct sqlite_ad {
	uint8_t p[SQLITE_DB_AD_BYTES];
	size_t n;
};
struct sqlite_ad sqlite_ad_message(const struct store_message *m);
struct sqlite_ad sqlite_ad_object(const struct id16 *id);
struct sqlite_ad sqlite_ad_record(uint8_t kind, struct slice key);
struct sqlite_ad sqlite_ad_canary(void);

/* In d->sealed until the next call. */
struct slice sqlite_db_seal(struct sqlite_db *d, const struct sqlite_ad *ad,
			    struct slice plain);
/* Damage was found: text, not of others, says which. It is told once. */
void sqlite_db_damaged(struct sqlite_db *d, const char *text);
/* In d->plain until the next call. ERR_CORRUPT, and somebody is told of it once. */
enum err sqlite_db_unseal(struct sqlite_db *d, const struct sqlite_ad *ad,
			  struct slice sealed, struct slice *out);
/* The sealed cell of a row of ALL_UP, OBJECTS or RECORDS_ALL; as above. */
enum err sqlite_db_unseal_row(struct sqlite_db *d, enum sql table, sqlite3_stmt *st,
			      struct slice *out);

#endif
