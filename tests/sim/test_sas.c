/* People compare short words: the same on both sides, and never with somebody between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/safety.h"
#include "lib/desk.h"
#include "lib/rogue.h"

/* A desk on each of two nodes that follow what happens. */
struct pair {
	struct sim *s;
	struct desk at[2];
};

static void follow(struct desk *d)
{
	desk_ask(d, VERB_EVENTS, "0", NULL, NULL, 10);
	d->sas[0] = '\0';
}

static void pair_open(struct pair *p, uint64_t seed)
{
	p->s = sim_meet(seed, 2);
	for (unsigned i = 0; i < 2; i++) {
		desk_open_at(&p->at[i], p->s, i);
		follow(&p->at[i]);
	}
}

/* Node i says something of the other: yes, no, nothing, a number. */
static void verify(struct pair *p, unsigned i, const char *answer)
{
	desk_ask(&p->at[i], VERB_VERIFY, i == 0 ? "n1" : "n0", answer, NULL, 50);
}

static bool trusts(struct pair *p, unsigned i, const char *trust)
{
	desk_ask(&p->at[i], VERB_WHOIS, i == 0 ? "n1" : "n0", NULL, NULL, 10);
	size_t n = strlen(p->at[i].row), m = strlen(trust);
	return n > m && strcmp(p->at[i].row + n - m, trust) == 0;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void both_sides_show_the_same_words(void **state)
{
	(void)state;
	struct pair p;
	char first[256];
	pair_open(&p, 70);
	verify(&p, 0, NULL);
	assert_int_equal(p.at[0].counts[EVENT_DONE], 1);
	assert_true(starts(p.at[0].sas, "compare: "));
	assert_true(strlen(p.at[0].sas) > 40);
	assert_string_equal(p.at[0].sas, p.at[1].sas);
	snprintf(first, sizeof first, "%s", p.at[0].sas);
	verify(&p, 0, "no");
	verify(&p, 1, NULL); /* and never again the same */
	assert_string_equal(p.at[0].sas, p.at[1].sas);
	assert_string_not_equal(p.at[0].sas, first);
	sim_free(p.s);
}

static void who_does_not_follow_gets_the_words_as_a_reply(void **state)
{
	(void)state;
	struct pair p;
	struct desk d;
	pair_open(&p, 71);
	desk_open(&d, p.s);
	desk_ask(&d, VERB_VERIFY, "n1", NULL, NULL, 50);
	assert_int_equal(d.counts[EVENT_SAFETY], 1);
	assert_int_equal(d.counts[EVENT_SAS], 1);
	assert_int_equal(d.counts[EVENT_DONE], 1);
	assert_string_equal(d.sas, p.at[1].sas);
	desk_ask(&d, VERB_VERIFY, "n1", NULL, NULL, 50); /* the same ones */
	assert_int_equal(d.counts[EVENT_DONE], 1);
	assert_string_equal(d.sas, p.at[1].sas);
	sim_free(p.s);
}

/* Each user verifies for itself alone. */
static void yes_verifies_on_this_side_only(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 72);
	assert_true(trusts(&p, 0, "unverified"));
	verify(&p, 0, NULL);
	verify(&p, 0, "yes");
	assert_int_equal(p.at[0].counts[EVENT_DONE], 1);
	assert_true(trusts(&p, 0, " verified"));
	assert_true(starts(p.at[1].sas, "confirmed"));
	assert_true(trusts(&p, 1, "unverified"));
	verify(&p, 1, "yes");
	assert_true(trusts(&p, 1, " verified"));
	verify(&p, 1, "yes"); /* the run is over */
	assert_int_equal(p.at[1].counts[EVENT_ERROR], 1);
	assert_int_equal(p.at[0].n_alarms + p.at[1].n_alarms, 0);
	sim_free(p.s);
}

static void no_fails_on_both_sides(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 73);
	verify(&p, 0, NULL);
	verify(&p, 0, "yes");
	verify(&p, 1, "no");
	assert_int_equal(p.at[1].n_alarms, 1);
	assert_int_equal(p.at[0].n_alarms, 1);
	assert_true(starts(p.at[0].sas, "failed"));
	assert_true(starts(p.at[1].sas, "failed"));
	assert_true(
		trusts(&p, 0, "changed")); /* what this run had proved is taken back */
	assert_true(trusts(&p, 1, "changed"));
	verify(&p, 0, NULL);
	assert_true(p.at[0].has_mismatch); /* until a good comparison */
	verify(&p, 0, "yes");
	verify(&p, 0, NULL);
	assert_false(p.at[0].has_mismatch);
	sim_free(p.s);
}

static void nothing_to_answer_without_words(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 74);
	verify(&p, 0, "yes");
	assert_int_equal(p.at[0].status, 1);
	assert_non_null(strstr(p.at[0].text, "/verify"));
	verify(&p, 0, "no");
	assert_int_equal(p.at[0].status, 1);
	verify(&p, 0, "perhaps");
	assert_int_equal(p.at[0].status, 1);
	assert_true(trusts(&p, 0, "unverified"));
	sim_free(p.s);
}

static void both_begin_and_one_run_counts(void **state)
{
	(void)state;
	for (uint64_t seed = 75; seed < 79; seed++) {
		struct pair p;
		pair_open(&p, seed);
		sim_latency(p.s, 20);
		desk_ask(&p.at[0], VERB_VERIFY, "n1", NULL, NULL, 0);
		desk_ask(&p.at[1], VERB_VERIFY, "n0", NULL, NULL, 0);
		sim_run(p.s, 300);
		for (unsigned i = 0; i < 2; i++) {
			assert_true(starts(p.at[i].sas, "compare: "));
			assert_int_equal(p.at[i].counts[EVENT_DONE], 1);
			assert_int_equal(p.at[i].counts[EVENT_SAS], 1);
		}
		assert_string_equal(p.at[0].sas, p.at[1].sas);
		verify(&p, 0, "yes");
		verify(&p, 1, "yes");
		assert_true(trusts(&p, 0, " verified"));
		assert_true(trusts(&p, 1, " verified"));
		sim_free(p.s);
	}
}

static void three_runs_an_hour(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 80);
	for (unsigned i = 0; i < 3; i++) {
		verify(&p, i % 2, NULL); /* whoever begins */
		assert_int_equal(p.at[i % 2].counts[EVENT_SAS], 1);
		verify(&p, 0, "no");
	}
	for (unsigned i = 0; i < 2; i++) {
		verify(&p, i, NULL);
		assert_int_equal(p.at[i].counts[EVENT_SAS], 0);
		assert_int_equal(p.at[i].counts[EVENT_SAFETY], 1); /* that one always */
		assert_non_null(strstr(p.at[i].text, "hour"));
	}
	sim_run(p.s, 3590 * 1000);
	verify(&p, 0, NULL);
	assert_int_equal(p.at[0].counts[EVENT_SAS], 0);
	sim_run(p.s, 10 * 1000);
	verify(&p, 0, NULL);
	assert_true(starts(p.at[0].sas, "compare: "));
	sim_free(p.s);
}

static void words_last_two_minutes(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 81);
	verify(&p, 0, NULL);
	sim_run(p.s, 119 * 1000);
	assert_true(starts(p.at[0].sas, "compare: "));
	sim_run(p.s, 2000);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(starts(p.at[i].sas, "ended"));
		assert_int_equal(p.at[i].n_alarms, 0); /* nobody said that they differ */
		verify(&p, i, "yes");
		assert_int_equal(p.at[i].status, 1);
		assert_true(trusts(&p, i, "unverified"));
	}
	sim_free(p.s);
}

static void the_end_of_the_session_ends_the_run(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 82);
	verify(&p, 0, NULL);
	sim_reset(p.s, 0, 1);
	sim_run(p.s, 10);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(starts(p.at[i].sas, "ended"));
		verify(&p, i, "yes");
		assert_int_equal(p.at[i].status, 1);
	}
	sim_free(p.s);
}

/* ---- without words ---- */

static void the_number_is_the_same_on_both_sides(void **state)
{
	(void)state;
	struct pair p;
	char other[128];
	pair_open(&p, 83);
	verify(&p, 0, NULL);
	verify(&p, 1, NULL);
	assert_int_equal(strlen(p.at[0].safety), SAFETY_NUMBER_BYTES - 1);
	assert_string_equal(p.at[0].safety, p.at[1].safety);
	snprintf(other, sizeof other, "%s", p.at[1].safety);
	other[0] = other[0] == '9' ? '0' : (char)(other[0] + 1);
	verify(&p, 0, other);
	assert_int_equal(p.at[0].status, 3);
	assert_true(trusts(&p, 0, "unverified"));
	verify(&p, 0, p.at[1].safety);
	assert_int_equal(p.at[0].counts[EVENT_DONE], 1);
	assert_true(trusts(&p, 0, " verified"));
	assert_true(trusts(&p, 1, "unverified"));
	sim_free(p.s);
}

static void the_code_of_the_other_side_verifies(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 84);
	verify(&p, 0, NULL);
	verify(&p, 1, NULL);
	verify(&p, 0, p.at[0].code); /* our own: nobody was asked */
	assert_int_equal(p.at[0].status, 3);
	verify(&p, 0, p.at[1].code);
	assert_true(trusts(&p, 0, " verified"));
	desk_ask(&p.at[1], VERB_VERIFY, "n0", NULL, "yes", 50);
	assert_true(trusts(&p, 1, " verified"));
	desk_ask(&p.at[1], VERB_VERIFY, "n0", "yes", "yes", 50);
	assert_int_equal(p.at[1].status, 1);
	sim_free(p.s);
}

static void verified_survives_a_restart(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 85);
	desk_ask(&p.at[0], VERB_VERIFY, "n1", NULL, "yes", 50);
	sim_stop(p.s, 1, true);
	sim_stop(p.s, 0, true);
	sim_start(p.s, 0);
	sim_run(p.s, 100);
	desk_open_at(&p.at[0], p.s, 0);
	assert_true(trusts(&p, 0, " verified"));
	desk_ask(&p.at[0], VERB_VERIFY, "n1", NULL, NULL,
		 50); /* away: the number alone */
	assert_int_equal(strlen(p.at[0].safety), SAFETY_NUMBER_BYTES - 1);
	assert_int_equal(p.at[0].counts[EVENT_DONE], 1);
	desk_ask(&p.at[0], VERB_BLOCK, "n1", NULL, NULL, 50);
	assert_true(trusts(&p, 0, "blocked"));
	desk_ask(&p.at[0], VERB_UNBLOCK, "n1", NULL, NULL, 50);
	assert_true(trusts(&p, 0, " verified"));
	sim_free(p.s);
}

/* ---- somebody in between, and peers without rules ---- */

static void send32(struct rogue *r, enum msg_type type, const uint8_t *bytes)
{
	struct msg m = {.type = type};
	m.u.sas_commit.commit = slice_of(bytes, 32); /* the three have one shape */
	rogue_send(r, &m);
}

static void send_result(struct rogue *r, bool is_same)
{
	struct msg m = {.type = MSG_SAS_RESULT};
	m.u.sas_result.is_same = is_same;
	rogue_send(r, &m);
}

static const struct id32 *ik_of(struct sim *s, unsigned i)
{
	return &identity_cert(sim_node(s, i)->identity)->ik;
}

static const struct id32 *rogue_ik(const struct rogue *r)
{
	return &identity_cert(r->identity)->ik;
}

static void commit_to(struct rogue *r, struct sim *s, unsigned node, const uint8_t *nonce)
{
	uint8_t commit[SAS_COMMIT_BYTES];
	const struct sas_run run = {
		.ik_a = rogue_ik(r), .ik_b = ik_of(s, node), .nonce_a = nonce};
	sas_commit(&run, commit);
	send32(r, MSG_SAS_COMMIT, commit);
}

/* Mallory has a session with each, poses as the other to both, and passes on all that
 * can be passed on; the commitment must be made anew, or it does not fit. */
static void a_man_in_the_middle_cannot_show_the_same_words(void **state)
{
	(void)state;
	struct sim *s = sim_new(86, 2);
	struct rogue to_a, to_b;
	struct desk a, b;
	sim_start(s, 0);
	sim_start(s, 1);
	rogue_init(&to_a, s, 1, NULL);
	rogue_init(&to_b, s, 2, to_a.identity);
	rogue_dial(&to_a, 0);
	rogue_hello(&to_a);
	rogue_dial(&to_b, 1);
	rogue_hello(&to_b);
	desk_open_at(&a, s, 0);
	desk_open_at(&b, s, 1);
	follow(&a);
	follow(&b);
	desk_ask(&a, VERB_VERIFY, "rogue", NULL, NULL, 20);
	assert_int_equal(to_a.n_commits, 1);
	commit_to(&to_b, s, 1, to_a.commit); /* a's nonce is hidden still: any other */
	assert_int_equal(to_b.n_nonces, 1);
	send32(&to_a, MSG_SAS_NONCE, to_b.nonce);
	assert_int_equal(to_a.n_reveals, 1);
	send32(&to_b, MSG_SAS_REVEAL, to_a.commit);
	assert_true(starts(a.sas, "compare: "));
	assert_true(starts(b.sas, "compare: "));
	assert_string_not_equal(a.sas, b.sas);
	/* and the numbers of the keys differ as well */
	desk_ask(&b, VERB_VERIFY, "rogue", NULL, NULL, 20);
	assert_string_not_equal(a.safety, b.safety);
	rogue_wipe(&to_b);
	rogue_end(&to_a);
	sim_free(s);
}

/* A rogue that has met node 0, and a desk there. */
static void meet_rogue(struct rogue *r, struct desk *d, uint64_t seed)
{
	struct sim *s = sim_new(seed, 1);
	sim_start(s, 0);
	rogue_meet(r, s, seed % 100 + 9, NULL);
	desk_open(d, s);
	follow(d);
}

static void leave(struct rogue *r)
{
	struct sim *s = r->sim;
	assert_true(r->is_up && !r->is_closed); /* none of it costs the connection */
	rogue_end(r);
	sim_free(s);
}

static void the_words_are_those_of_the_manual(void **state)
{
	(void)state;
	struct rogue r;
	struct desk d;
	const uint8_t nonce[32] = {7};
	uint8_t value[SAS_BYTES];
	char want[256], words[SAS_WORDS_BYTES], numbers[SAS_NUMBERS_BYTES];
	meet_rogue(&r, &d, 87);
	commit_to(&r, r.sim, 0, nonce);
	assert_int_equal(r.n_nonces, 1);
	assert_string_equal(d.sas, ""); /* nothing before the reveal */
	send32(&r, MSG_SAS_REVEAL, nonce);
	const struct sas_run run = {r.hash, rogue_ik(&r), ik_of(r.sim, 0), nonce,
				    r.nonce};
	sas_value(&run, value);
	sas_words(value, words);
	sas_numbers(value, numbers);
	snprintf(want, sizeof want, "compare: %s; %s", words, numbers);
	assert_string_equal(d.sas, want);
	send_result(&r, true); /* is display only */
	assert_true(starts(d.sas, "confirmed"));
	desk_ask(&d, VERB_WHOIS, "rogue", NULL, NULL, 10);
	assert_non_null(strstr(d.row, "unverified"));
	leave(&r);
}

static void a_reveal_that_does_not_fit_fails_with_an_alarm(void **state)
{
	(void)state;
	struct rogue r;
	struct desk d;
	uint8_t nonce[32] = {7};
	meet_rogue(&r, &d, 88);
	commit_to(&r, r.sim, 0, nonce);
	nonce[31] ^= 1;
	d.n_alarms = 0;
	send32(&r, MSG_SAS_REVEAL, nonce);
	assert_true(starts(d.sas, "failed"));
	assert_int_equal(d.n_alarms, 1);
	assert_int_equal(r.n_no, 1);
	nonce[31] ^= 1; /* too late */
	send32(&r, MSG_SAS_REVEAL, nonce);
	assert_true(starts(d.sas, "failed"));
	leave(&r);
}

/* Whoever has not committed first learns our nonce before choosing: never. */
static void the_order_cannot_be_turned_round(void **state)
{
	(void)state;
	static const enum msg_type types[] = {MSG_SAS_COMMIT, MSG_SAS_NONCE,
					      MSG_SAS_REVEAL};
	const uint8_t nonce[32] = {7};
	struct rogue r;
	struct desk d;
	meet_rogue(&r, &d, 89);
	send32(&r, MSG_SAS_REVEAL, nonce); /* of no run: nothing */
	send32(&r, MSG_SAS_NONCE, nonce);
	send_result(&r, true);
	send_result(&r, false);
	assert_string_equal(d.sas, "");
	assert_int_equal(r.n_no + r.n_nonces + r.n_reveals, 0);
	desk_ask(&d, VERB_VERIFY, "rogue", NULL, NULL, 20);
	send32(&r, MSG_SAS_REVEAL, nonce); /* instead of the nonce */
	assert_true(starts(d.sas, "ended"));
	assert_int_equal(r.n_no, 1);
	assert_int_equal(r.n_reveals, 0); /* ours was never shown */
	send32(&r, MSG_SAS_NONCE, nonce);
	assert_int_equal(r.n_reveals, 0);
	desk_ask(&d, VERB_VERIFY, "rogue", NULL, NULL, 20);
	send_result(&r, true); /* before there are words */
	assert_true(starts(d.sas, "ended"));
	assert_int_equal(r.n_no, 2);
	desk_ask(&d, VERB_VERIFY, "rogue", NULL, NULL, 20);
	send32(&r, MSG_SAS_NONCE, nonce);
	assert_int_equal(r.n_reveals, 1);
	assert_true(starts(d.sas, "compare: "));
	send32(&r, types[1], nonce); /* another, now that ours is known */
	assert_true(starts(d.sas, "ended"));
	desk_ask(&d, VERB_VERIFY, "rogue", "yes", NULL, 20);
	assert_int_equal(d.status, 1);
	leave(&r);
}

static void a_second_commitment_aborts(void **state)
{
	(void)state;
	const uint8_t one[32] = {7}, two[32] = {8};
	struct rogue r;
	struct desk d;
	meet_rogue(&r, &d, 90);
	commit_to(&r, r.sim, 0, one);
	commit_to(&r, r.sim, 0, two);
	assert_true(starts(d.sas, "ended"));
	assert_int_equal(r.n_no, 1);
	send32(&r, MSG_SAS_REVEAL, two);
	send32(&r, MSG_SAS_REVEAL, one);
	assert_true(starts(d.sas, "ended"));
	commit_to(&r, r.sim, 0, one);
	send32(&r, MSG_SAS_REVEAL, one);
	assert_true(starts(d.sas, "compare: "));
	commit_to(&r, r.sim, 0, two);
	assert_true(starts(d.sas, "ended"));
	leave(&r);
}

/* One whose node id is smaller than that of node 0, or not. */
static void meet_ordered(struct rogue *r, struct desk *d, uint64_t seed, bool is_smaller)
{
	for (;; seed++) {
		meet_rogue(r, d, seed);
		int cmp = id32_cmp(identity_node_id(r->identity),
				   identity_node_id(sim_node(r->sim, 0)->identity));
		if ((cmp < 0) == is_smaller)
			return;
		leave(r);
	}
}

static void of_two_that_cross_the_smaller_ids_counts(void **state)
{
	(void)state;
	const uint8_t nonce[32] = {7};
	struct rogue r;
	struct desk d;
	meet_ordered(&r, &d, 100, true);
	desk_ask(&d, VERB_VERIFY, "rogue", NULL, NULL, 20);
	commit_to(&r, r.sim, 0, nonce);
	assert_int_equal(r.n_nonces, 1); /* theirs */
	send32(&r, MSG_SAS_REVEAL, nonce);
	assert_true(starts(d.sas, "compare: "));
	assert_int_equal(d.counts[EVENT_DONE], 1); /* the command has its words */
	assert_int_equal(r.n_reveals, 0);
	leave(&r);
	meet_ordered(&r, &d, 200, false);
	desk_ask(&d, VERB_VERIFY, "rogue", NULL, NULL, 20);
	commit_to(&r, r.sim, 0, nonce);
	assert_int_equal(r.n_nonces, 0); /* ours: it waits for the nonce */
	send32(&r, MSG_SAS_NONCE, nonce);
	assert_int_equal(r.n_reveals, 1);
	assert_true(starts(d.sas, "compare: "));
	leave(&r);
	meet_ordered(&r, &d, 300, false);
	desk_ask(&d, VERB_VERIFY, "rogue", NULL, NULL, 20);
	commit_to(&r, r.sim, 0, nonce);
	commit_to(&r, r.sim, 0, nonce); /* only one can have crossed */
	assert_true(starts(d.sas, "ended"));
	leave(&r);
}

static void who_commits_and_goes_silent_is_not_waited_for(void **state)
{
	(void)state;
	const uint8_t nonce[32] = {7};
	struct rogue r;
	struct desk d;
	meet_rogue(&r, &d, 91);
	commit_to(&r, r.sim, 0, nonce);
	sim_run(r.sim, 11000);
	assert_true(starts(d.sas, "ended"));
	desk_ask(&d, VERB_VERIFY, "rogue", NULL, NULL, 11000); /* knows no words */
	assert_int_equal(d.status, 4);
	assert_int_equal(d.n_alarms, 0);
	leave(&r);
}

static void a_peer_begins_three_times_an_hour(void **state)
{
	(void)state;
	const uint8_t nonce[32] = {7};
	struct rogue r;
	struct desk d;
	meet_rogue(&r, &d, 92);
	for (unsigned i = 0; i < 5; i++) {
		commit_to(&r, r.sim, 0, nonce);
		send_result(&r, false);
	}
	assert_int_equal(r.n_nonces, 3);
	assert_int_equal(r.n_no, 2);
	assert_int_equal(d.n_alarms, 0); /* there were no words yet */
	leave(&r);
}

/* ---- names ---- */

static void who_takes_the_nick_is_somebody_else(void **state)
{
	(void)state;
	struct sim *s = sim_meet(93, 3);
	struct desk d;
	struct command nick = {.verb = VERB_NICK};
	desk_open(&d, s);
	desk_ask(&d, VERB_VERIFY, "n1", NULL, "yes", 50);
	sim_stop(s, 1, false);
	nick.u.nick.nick = "N1"; /* as people read it */
	sim_submit(s, 2, &nick);
	follow(&d);
	sim_run(s, 15000);
	assert_non_null(strstr(d.row, "is not the n1~"));
	desk_ask(&d, VERB_MSG, "n1", "secret", NULL, 50);
	assert_int_equal(d.status, 2);
	assert_non_null(strstr(d.text, "/trust n1 "));
	desk_ask(&d, VERB_WHOIS, sim_node(s, 2)->id, NULL, NULL, 50);
	assert_true(starts(d.row, "N1~"));
	assert_non_null(strstr(d.row, " unverified"));
	desk_ask(&d, VERB_WHOIS, sim_node(s, 1)->id, NULL, NULL, 50);
	assert_non_null(strstr(d.row, " changed"));
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_show_the_same_words),
		cmocka_unit_test(who_does_not_follow_gets_the_words_as_a_reply),
		cmocka_unit_test(yes_verifies_on_this_side_only),
		cmocka_unit_test(no_fails_on_both_sides),
		cmocka_unit_test(nothing_to_answer_without_words),
		cmocka_unit_test(both_begin_and_one_run_counts),
		cmocka_unit_test(three_runs_an_hour),
		cmocka_unit_test(words_last_two_minutes),
		cmocka_unit_test(the_end_of_the_session_ends_the_run),
		cmocka_unit_test(the_number_is_the_same_on_both_sides),
		cmocka_unit_test(the_code_of_the_other_side_verifies),
		cmocka_unit_test(verified_survives_a_restart),
		cmocka_unit_test(a_man_in_the_middle_cannot_show_the_same_words),
		cmocka_unit_test(the_words_are_those_of_the_manual),
		cmocka_unit_test(a_reveal_that_does_not_fit_fails_with_an_alarm),
		cmocka_unit_test(the_order_cannot_be_turned_round),
		cmocka_unit_test(a_second_commitment_aborts),
		cmocka_unit_test(of_two_that_cross_the_smaller_ids_counts),
		cmocka_unit_test(who_commits_and_goes_silent_is_not_waited_for),
		cmocka_unit_test(a_peer_begins_three_times_an_hour),
		cmocka_unit_test(who_takes_the_nick_is_somebody_else),
	};
	return cmocka_run_group_tests_name("sas", tests, NULL, NULL);
}
