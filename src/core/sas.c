#include "core/sas.h"

#include "base/log.h"
#include "base/secret.h"
#include "core/session.h"

enum { HOUR_S = 3600 };

/* ---- phases ---- */

static const char *const phase_names[SAS_PHASES] = {
	[SAS_IDLE] = "idle",
	[SAS_COMMITTED] = "committed",
	[SAS_ANSWERED] = "answered",
	[SAS_SHOWN] = "shown",
};

/* may[from] has a bit for each phase that may follow: the words come after the reveal
 * only. COMMITTED to ANSWERED: both have begun, and theirs counts. */
static const unsigned may[SAS_PHASES] = {
	[SAS_IDLE] = 1U << SAS_COMMITTED | 1U << SAS_ANSWERED,
	[SAS_COMMITTED] = 1U << SAS_ANSWERED | 1U << SAS_SHOWN | 1U << SAS_IDLE,
	[SAS_ANSWERED] = 1U << SAS_SHOWN | 1U << SAS_IDLE,
	[SAS_SHOWN] = 1U << SAS_IDLE,
};

/* The only writer of phase. */
static void sas_enter(struct peer *p, enum sas_phase to)
{
	struct sas *r = &p->sas;
	if (!(may[r->phase] & 1U << to)) {
		BUG("sas phase");
		return;
	}
	log_debug("sas", "%.8s: %s -> %s", p->id_text, phase_names[r->phase],
		  phase_names[to]);
	r->phase = to;
}

static struct session *session_of(const struct peer *p)
{
	link_id link = p->sas.link;
	return map_get(p->core->sessions, &link);
}

/* Of this session, and not of another one of the same peer. */
static bool is_running(const struct session *s)
{
	return s->peer->sas.phase != SAS_IDLE && s->peer->sas.link == s->link;
}

/* ---- what is said ---- */

void sas_describe(const struct peer *p, struct event *ev, struct sas_text *text)
{
	*ev = (struct event){.type = EVENT_SAS};
	ev->u.sas.peer = p->id_text;
	ev->u.sas.name = p->name;
	ev->u.sas.state = "compare";
	if (p->sas.phase != SAS_SHOWN)
		return;
	sas_words(p->sas.value, text->words);
	sas_numbers(p->sas.value, text->numbers);
	ev->u.sas.words = text->words;
	ev->u.sas.numbers = text->numbers;
}

static void tell(struct peer *p, const char *state, const char *why)
{
	struct event ev;
	struct sas_text text;
	sas_describe(p, &ev, &text);
	ev.u.sas.state = state;
	ev.u.sas.why = why;
	emit(p->core, &ev);
}

/* Who follows the events has seen the words already. */
static void answer_asker(struct peer *p)
{
	struct event ev;
	struct sas_text text;
	struct core *c = p->core;
	if (!p->sas.is_asked)
		return;
	p->sas.is_asked = false;
	if (!emit_is_following(c, p->sas.asker.front)) {
		sas_describe(p, &ev, &text);
		emit_reply(c, p->sas.asker, &ev);
	}
	emit_done(c, p->sas.asker, NULL);
}

static void say_result(struct session *s, bool is_same)
{
	struct msg m = {.type = MSG_SAS_RESULT};
	m.u.sas_result.is_same = is_same;
	session_ctrl(s, &m);
}

/* ---- the end ---- */

static void forget_run(struct peer *p)
{
	struct sas *r = &p->sas;
	sas_enter(p, SAS_IDLE);
	timer_stop(&r->limit);
	r->is_asked = false;
	secret_wipe(r->own, sizeof r->own);
	secret_wipe(r->other, sizeof r->other);
	secret_wipe(r->value, sizeof r->value);
}

/* Nobody has said that the words differ: it may be begun anew. */
static void end(struct peer *p, const char *why)
{
	struct sas *r = &p->sas;
	struct reply_to asker = r->asker;
	bool is_asked = r->is_asked;
	tell(p, "ended", why);
	forget_run(p);
	if (is_asked)
		emit_error(p->core, asker, 4, "no words to compare with %s: %s", p->name,
			   why);
}

static void abort_run(struct session *s, const char *why)
{
	end(s->peer, why);
	say_result(s, false);
}

/* The words differ, or the reveal does: what a machine in the middle brings about. What
 * this run had proved is taken back. */
static void fail(struct peer *p, bool is_withdrawn, const char *why)
{
	struct sas *r = &p->sas;
	struct reply_to asker = r->asker;
	bool is_asked = r->is_asked;
	bool is_verified = p->is_verified && !is_withdrawn && !r->has_verified;
	tell(p, "failed", why);
	forget_run(p);
	peer_trust(p, is_verified, true);
	if (is_asked)
		emit_error(p->core, asker, 3, "the comparison with %s failed: %s",
			   p->name, why);
	peer_notice(p, "alarm",
		    "the comparison with %s failed: %s. Somebody may be in between; say "
		    "nothing secret there, and compare /verify on both sides another way",
		    p->name, why);
}

void sas_session_lost(struct session *s)
{
	if (is_running(s))
		end(s->peer, "the connection ended");
}

void sas_wipe(struct peer *p)
{
	timer_stop(&p->sas.limit);
	secret_wipe(&p->sas, sizeof p->sas);
}

static void on_late(void *ctx)
{
	struct peer *p = ctx;
	struct session *s = session_of(p);
	bool is_shown = p->sas.phase == SAS_SHOWN;
	end(p, is_shown ? "nobody answered in time" : "the other side does not answer");
	if (s != NULL &&
	    !is_shown) /* with words it has its own limit, and no is an alarm */
		say_result(s, false);
}

/* ---- the beginning ---- */

static bool take_start(struct core *c, struct sas *r)
{
	uint64_t now = core_now_us(c);
	uint64_t *oldest = &r->starts_us[r->n_starts % SAS_RUNS_AN_HOUR];
	if (r->n_starts >= SAS_RUNS_AN_HOUR && now - *oldest < HOUR_S * 1000000ULL)
		return false;
	*oldest = now;
	r->n_starts++;
	return true;
}

/* Both nonces are new in each run. A step of the other machine is awaited for a short
 * while, its user until the limit. */
static void prepare(struct session *s, bool is_ours)
{
	struct core *c = s->core;
	struct peer *p = s->peer;
	struct sas *r = &p->sas;
	r->link = s->link;
	r->is_ours = is_ours;
	r->began_us = core_now_us(c);
	r->has_crossed = r->has_answered = r->have_they = r->has_verified = false;
	rng_fill(c->cfg.rng, r->own, sizeof r->own);
	timer_set(c->cfg.timers, &r->limit, PROTO_SAS_STEP_S * 1000ULL, on_late, p);
}

/* h, the keys and nonces by who has begun. */
static struct sas_run run_of(const struct session *s)
{
	const struct sas *r = &s->peer->sas;
	const struct id32 *own = &identity_cert(s->core->cfg.identity)->ik;
	return (struct sas_run){
		.hash = s->hash,
		.ik_a = r->is_ours ? own : &s->cert.ik,
		.ik_b = r->is_ours ? &s->cert.ik : own,
		.nonce_a = r->is_ours ? r->own : r->other,
		.nonce_b = r->is_ours ? r->other : r->own,
	};
}

enum err sas_begin(struct session *s, struct reply_to to)
{
	struct peer *p = s->peer;
	struct msg m = {.type = MSG_SAS_COMMIT};
	uint8_t commit[SAS_COMMIT_BYTES];
	if (p->sas.phase != SAS_IDLE)
		return ERR_EXISTS;
	if (!take_start(s->core, &p->sas))
		return ERR_LIMIT;
	prepare(s, true);
	sas_enter(p, SAS_COMMITTED);
	p->sas.is_asked = true;
	p->sas.asker = to;
	struct sas_run run = run_of(s);
	sas_commit(&run, commit);
	m.u.sas_commit.commit = slice_of(commit, sizeof commit);
	session_ctrl(s, &m);
	return ERR_OK;
}

static void show(struct session *s)
{
	struct peer *p = s->peer;
	struct sas *r = &p->sas;
	struct sas_run run = run_of(s);
	sas_value(&run, r->value);
	sas_enter(p, SAS_SHOWN);
	uint64_t spent_ms = (core_now_us(s->core) - r->began_us) / 1000;
	timer_set(s->core->cfg.timers, &r->limit, PROTO_SAS_S * 1000ULL - spent_ms,
		  on_late, p);
	tell(p, "compare", NULL);
	answer_asker(p);
}

/* ---- what the other side sends ---- */

static void answer_commit(struct session *s, struct slice commit)
{
	struct peer *p = s->peer;
	struct msg m = {.type = MSG_SAS_NONCE};
	prepare(s, false);
	sas_enter(p, SAS_ANSWERED);
	memcpy(p->sas.commit, commit.p, sizeof p->sas.commit);
	m.u.sas_nonce.nonce = slice_of(p->sas.own, sizeof p->sas.own);
	session_ctrl(s, &m);
}

/* Both have begun: the run of the smaller node id counts. */
static void cross(struct session *s, struct slice commit)
{
	struct sas *r = &s->peer->sas;
	if (r->has_crossed)
		abort_run(s, "the other side began twice");
	else if (id32_cmp(&s->core->node_id, &s->peer->node_id) < 0)
		r->has_crossed = true;
	else
		answer_commit(s, commit); /* our nonce was never shown; it is a new one */
}

void sas_take_commit(struct session *s, struct slice commit)
{
	struct peer *p = s->peer;
	if (is_running(s) && p->sas.phase == SAS_COMMITTED)
		cross(s, commit);
	else if (is_running(s))
		abort_run(s, "the other side began twice");
	else if (p->sas.phase != SAS_IDLE || !take_start(s->core, &p->sas))
		say_result(s, false);
	else
		answer_commit(s, commit);
}

/* True when it comes at its turn. A late one, of a run that has ended, is nothing. */
static bool is_turn(struct session *s, enum sas_phase phase)
{
	if (is_running(s) && s->peer->sas.phase != phase)
		abort_run(s, "the other side did not keep the order");
	return is_running(s);
}

void sas_take_nonce(struct session *s, struct slice nonce)
{
	struct sas *r = &s->peer->sas;
	struct msg m = {.type = MSG_SAS_REVEAL};
	if (!is_turn(s, SAS_COMMITTED))
		return;
	memcpy(r->other, nonce.p, sizeof r->other);
	m.u.sas_reveal.nonce = slice_of(r->own, sizeof r->own);
	session_ctrl(s, &m);
	if (s->phase == SESSION_LIVE)
		show(s);
}

void sas_take_reveal(struct session *s, struct slice nonce)
{
	struct sas *r = &s->peer->sas;
	uint8_t commit[SAS_COMMIT_BYTES];
	if (!is_turn(s, SAS_ANSWERED))
		return;
	memcpy(r->other, nonce.p, sizeof r->other);
	struct sas_run run = run_of(s);
	sas_commit(&run, commit);
	if (memcmp(commit, r->commit, sizeof commit) == 0) {
		show(s);
		return;
	}
	fail(s->peer, false, "the other side broke its commitment");
	say_result(s, false);
}

/* Yes is for display; no ends it here as well. Before the words are shown, no means
 * only that the run is off. */
void sas_take_result(struct session *s, bool is_same)
{
	struct peer *p = s->peer;
	if (!is_running(s))
		return;
	if (p->sas.phase != SAS_SHOWN && is_same) {
		abort_run(s, "the other side did not keep the order");
	} else if (p->sas.phase != SAS_SHOWN) {
		end(p, "the other side does not want to compare now");
	} else if (!is_same) {
		fail(p, false, "the other side says that the words differ, or gave up");
	} else if (!p->sas.have_they) {
		p->sas.have_they = true;
		tell(p, "confirmed", NULL);
		if (p->sas.has_answered)
			forget_run(p);
	}
}

/* ---- what the user says ---- */

static void confirm(struct peer *p)
{
	struct sas *r = &p->sas;
	r->has_answered = true;
	r->has_verified = r->has_verified || !p->is_verified;
	peer_trust(p, true, false);
	tell(p, "verified", NULL);
	if (r->have_they)
		forget_run(p);
}

void sas_answer(struct peer *p, bool is_same)
{
	struct session *s = session_of(p);
	if (s == NULL || p->sas.phase != SAS_SHOWN)
		return;
	if (is_same)
		confirm(p);
	else
		fail(p, true, "you said that the words differ");
	say_result(s, is_same);
}
