/*
 * sqlite_rows: what each request does.
 */
#ifndef STORE_SQLITE_ROWS_H
#define STORE_SQLITE_ROWS_H

#include "store/sqlite_db.h"

typedef enum err sqlite_run_fn(struct sqlite_db *d, const struct store_request *req,
			       struct store_answer *a);

/* sqlite_write.c. Any error but those the backend may leave alone spoils the transaction. */
sqlite_run_fn sqlite_keep, sqlite_outcome, sqlite_record, sqlite_forget, sqlite_sweep;
/* sqlite_move.c. */
sqlite_run_fn sqlite_move;
/* sqlite_read.c. */
sqlite_run_fn sqlite_get, sqlite_page, sqlite_outbox, sqlite_counts, sqlite_records,
	sqlite_convs, sqlite_measure, sqlite_check;

#endif
