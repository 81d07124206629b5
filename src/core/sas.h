/*
 * sas: one comparison of short words with a peer, over one session.
 * p2pmsg-protocol(7), "Trust".
 *
 * Phases:  IDLE       none under way
 *          COMMITTED  ours: our commitment went out, its nonce is awaited
 *          ANSWERED   theirs: our nonce went out, the reveal is awaited
 *          SHOWN      both sides show the words; the users are to answer
 */
#ifndef CORE_SAS_H
#define CORE_SAS_H

#include "core/emit.h"
#include "crypto/safety.h"

struct peer;
struct session;

enum { SAS_RUNS_AN_HOUR = 3 };

enum sas_phase { SAS_IDLE, SAS_COMMITTED, SAS_ANSWERED, SAS_SHOWN, SAS_PHASES };

struct sas {
	enum sas_phase phase;
	link_id link; /* of its session */
	struct timer limit;
	uint64_t began_us;
	bool is_ours; /* we have begun it */
	bool has_crossed; /* theirs, begun at the same moment, was dropped */
	uint8_t own[SAS_NONCE_BYTES], other[SAS_NONCE_BYTES];
	uint8_t commit[SAS_COMMIT_BYTES]; /* theirs */
	uint8_t value[SAS_BYTES];
	bool has_answered, have_they; /* that they are the same */
	bool has_verified; /* it was this run that made the peer verified */
	bool is_asked; /* a command waits for the words: */
	struct reply_to asker;
	uint64_t starts_us[SAS_RUNS_AN_HOUR]; /* of the last runs, whoever began */
	unsigned n_starts;
};

/* Begins a run; to is told when the words are there, or why they are not. ERR_EXISTS:
 * one is under way; ERR_LIMIT: too many within an hour. */
enum err sas_begin(struct session *s, struct reply_to to);
/* This side's user has compared. Only in SHOWN. */
void sas_answer(struct peer *p, bool is_same);
/* The words as an event; text is the caller's. */
struct sas_text {
	char words[SAS_WORDS_BYTES], numbers[SAS_NUMBERS_BYTES];
};
void sas_describe(const struct peer *p, struct event *ev, struct sas_text *text);
/* The session ends. */
void sas_session_lost(struct session *s);
/* The peer is freed: nobody is told. */
void sas_wipe(struct peer *p);

/* What the other side sent; on_sas.c. */
void sas_take_commit(struct session *s, struct slice commit);
void sas_take_nonce(struct session *s, struct slice nonce);
void sas_take_reveal(struct session *s, struct slice nonce);
void sas_take_result(struct session *s, bool is_same);

#endif
