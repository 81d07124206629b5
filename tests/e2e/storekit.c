/*
 * storekit: puts what makes no sense into the store of a node that does not run, sealed
 * as it should be.
 *
 *   storekit DATA_DIR newer          a store of a version that does not exist yet
 *   storekit DATA_DIR contact        a contact of nonsense
 *   storekit DATA_DIR object ID      nonsense that waits for ID
 *   storekit DATA_DIR refused ID     a text that ID must refuse
 *   storekit DATA_DIR body ID        a message of nonsense in the conversation with ID
 *   storekit DATA_DIR secrets        changes nothing: prints its keys as hex
 *
 * PASSPHRASE in the environment opens the key file.
 */
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "core/chat.h"
#include "core/contact.h"
#include "crypto/keyfile.h"
#include "crypto/rowseal.h"
#include "store/store.h"

struct kit {
	struct identity *self;
	char *path;
	uint8_t key[STORE_KEY_BYTES];
	struct id32 peer;
	struct store *s;
	enum err err;
	bool is_done;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "storekit: %s\n", what);
	exit(1);
}

static void on_done(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct kit *k = ctx;
	(void)req;
	k->err = reply->err;
	k->is_done = true;
}

static void put(struct kit *k, struct store_request *req)
{
	char why[STORE_WHY_BYTES];
	const struct store_config cfg = {
		.path = k->path, .key = k->key, .rng = rng_system()};
	if (store_open(&cfg, &k->s, why) != ERR_OK)
		fail(why);
	req->done = on_done;
	req->ctx = k;
	if (store_submit(k->s, req) != ERR_OK)
		fail("it does not take it");
	for (store_poll(k->s); !k->is_done; store_poll(k->s)) {
		struct pollfd p = {.fd = store_fd(k->s), .events = POLLIN};
		poll(&p, 1, 1000);
	}
	if (k->err != ERR_OK)
		fail(err_str(k->err));
	store_free(k->s);
}

static void contact(struct kit *k)
{
	struct store_request req = {.verb = STORE_RECORD};
	req.record.kind = RECORD_CONTACT;
	req.record.key = slice_str("this is as long as an id should be");
	req.record.key.n = 32;
	req.record.value = slice_str("nobody");
	put(k, &req);
}

static struct store_request message(const struct kit *k)
{
	struct store_request req = {.verb = STORE_KEEP, .is_new = true};
	req.msg.author = *identity_node_id(k->self);
	rng_fill(rng_system(), req.msg.id.b, sizeof req.msg.id.b);
	conv_of(&req.msg.author, &k->peer, &req.msg.conv);
	req.msg.lamport = 1;
	req.msg.sent_ms = req.msg.kept_ms = 1767225600000;
	req.msg.body = slice_str("no body");
	req.object_id = req.msg.id;
	return req;
}

static void body(struct kit *k)
{
	struct store_request req = message(k);
	put(k, &req);
}

static void object(struct kit *k)
{
	struct store_request req = message(k);
	req.msg.state = STORE_QUEUED;
	req.object = slice_str("no object");
	req.to = &k->peer;
	req.n_to = 1;
	put(k, &req);
}

/* Of a conversation that is not ours. */
static void refused(struct kit *k)
{
	static const uint8_t conv[16] = "somebody else's";
	struct store_request req = message(k);
	struct msg m = {.type = MSG_TEXT, .id = req.msg.id};
	struct buf b;
	m.u.text = (struct msg_text){.conv = slice_of(conv, sizeof conv),
				     .time = req.msg.sent_ms,
				     .lamport = 1,
				     .text = slice_str("refuse me")};
	buf_init(&b, PROTO_PAYLOAD_MAX_BYTES);
	if (msg_encode(&m, &b) != ERR_OK)
		fail("it cannot be encoded");
	req.msg.state = STORE_QUEUED;
	req.object = buf_slice(&b);
	req.to = &k->peer;
	req.n_to = 1;
	put(k, &req);
	buf_wipe(&b);
}

/* As sqlite_schema.c has it. */
static void newer(struct kit *k)
{
	static const uint8_t mark[16] = {'p', '2', 'p', 'm', 's', 'g', ' ', 's',
					 't', 'o', 'r', 'e', 0,	  0,   0,   99};
	static const char ad[] = "meta.canary";
	uint8_t sealed[sizeof mark + ROWSEAL_BYTES];
	struct rowseal seal;
	sqlite3 *db;
	sqlite3_stmt *st;
	rowseal_init(&seal, k->key, rng_system());
	rowseal_seal(&seal, slice_of(ad, sizeof ad), slice_of(mark, sizeof mark), sealed);
	if (sqlite3_open(k->path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "UPDATE meta SET value=? WHERE typeof(value)='blob'",
			       -1, &st, NULL) != SQLITE_OK)
		fail(sqlite3_errmsg(db));
	sqlite3_bind_blob(st, 1, sealed, sizeof sealed, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_DONE || sqlite3_changes(db) != 1)
		fail("there is not one canary");
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void print_hex(const uint8_t *p, size_t n)
{
	while (n-- > 0)
		printf("%02x", *p++);
	printf("\n");
}

static void secrets(struct kit *k)
{
	uint8_t all[IDENTITY_SECRET_BYTES];
	identity_export(k->self, all);
	for (size_t i = 0; i < 4; i++)
		print_hex(all + 32 * i, 32);
	print_hex(k->key, sizeof k->key);
	secret_wipe(all, sizeof all);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(struct kit *k);
	} rows[] = {{"newer", newer},	  {"contact", contact}, {"object", object},
		    {"refused", refused}, {"body", body},	{"secrets", secrets}};
	const char *passphrase = getenv("PASSPHRASE");
	struct kit k = {.err = ERR_OK};
	if (argc < 3)
		fail("see its first comment");
	secret_init();
	char *key = mem_printf("%s/key", argv[1]);
	if (keyfile_load(key, slice_str(passphrase != NULL ? passphrase : ""), &k.self) !=
	    ERR_OK)
		fail("its key file does not open");
	if (argc > 3 && node_id_parse(argv[3], &k.peer) != ERR_OK)
		fail("that is no id");
	identity_db_key(k.self, k.key);
	k.path = mem_printf("%s/store.db", argv[1]);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, argv[2]) == 0)
			rows[i].fn(&k);
	identity_free(k.self);
	mem_free(k.path);
	mem_free(key);
	return 0;
}
