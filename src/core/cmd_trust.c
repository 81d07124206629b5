/* cmd_trust: the verb with which people make sure of each other's keys. */
#include <string.h>

#include "core/command.h"
#include "core/session.h"

static const struct id32 *own_ik(const struct core *c)
{
	return &identity_cert(c->cfg.identity)->ik;
}

static void send_safety(struct call *call, const struct peer *p, bool has_begun)
{
	char number[SAFETY_NUMBER_BYTES], code[SAFETY_CODE_BYTES];
	struct event ev = {.type = EVENT_SAFETY};
	safety_number(own_ik(call->core), peer_ik(p), number);
	safety_code(own_ik(call->core), peer_ik(p), code);
	ev.u.safety = (struct event_safety){
		.peer = p->id_text,
		.name = p->name,
		.trust = peer_trust_str(p),
		.number = number,
		.code = code,
		.mismatch = p->is_mismatched,
		.began = has_begun,
	};
	emit_reply(call->core, call->to, &ev);
}

/* Words are of no use to a node that ends with its command. */
static bool is_lasting(const struct core *c)
{
	return c->port != 0;
}

static void send_words(struct call *call, const struct peer *p)
{
	struct event ev;
	struct sas_text text;
	sas_describe(p, &ev, &text);
	emit_reply(call->core, call->to, &ev);
	call_done(call, NULL);
}

/* What is there to compare: the number always, words with who is here. The command's
 * end comes with the words. */
static void show_all(struct call *call, struct peer *p)
{
	struct session *s = is_lasting(call->core) ? peer_session(p) : NULL;
	bool is_shown = p->sas.phase == SAS_SHOWN;
	if (s == NULL || is_shown) {
		send_safety(call, p, is_shown);
		if (is_shown)
			send_words(call, p);
		else
			call_done(call, p->is_verified ? "you have verified this key"
						       : "compare the number, then: "
							 "/verify WHO --compared");
		return;
	}
	enum err e = sas_begin(s, call->to);
	send_safety(call, p, e != ERR_LIMIT);
	if (e == ERR_LIMIT)
		call_done(call, "no words now: three comparisons an hour are the limit; "
				"the number is as good");
	else if (e == ERR_EXISTS)
		call_done(call, "the words come in a moment");
}

static void make_verified(struct call *call, struct peer *p)
{
	peer_trust(p, true, false);
	call_done(call, "verified: this is the key that you have compared");
}

static void answer_words(struct call *call, struct peer *p, bool is_same)
{
	if (p->sas.phase != SAS_SHOWN) {
		call_fail(call, 1,
			  "there are no words of %s to answer for: /verify %s shows some",
			  p->name, p->name);
		return;
	}
	sas_answer(p, is_same);
	if (is_same)
		call_done(call, "verified: you have compared the words");
	else
		call_done(call, "not verified, as the words differ");
}

static void compare_number(struct call *call, struct peer *p, const char *typed)
{
	char number[SAFETY_NUMBER_BYTES];
	safety_number(own_ik(call->core), peer_ik(p), number);
	if (safety_number_fits(typed, number))
		make_verified(call, p);
	else
		call_fail(call, 3,
			  "that is not the safety number of you and %s: mistyped, or "
			  "somebody is in between",
			  p->name);
}

static void compare_code(struct call *call, struct peer *p, const char *text)
{
	if (safety_code_fits(text, own_ik(call->core), peer_ik(p)))
		make_verified(call, p);
	else
		call_fail(call, 3,
			  "that code is not what %s shows for you: it is of other keys, "
			  "or your own",
			  p->name);
}

static void take_answer(struct call *call, struct peer *p, const char *answer)
{
	if (strcmp(answer, "yes") == 0 || strcmp(answer, "no") == 0)
		answer_words(call, p, answer[0] == 'y');
	else if (safety_is_number(answer))
		compare_number(call, p, answer);
	else if (safety_is_code(answer))
		compare_code(call, p, answer);
	else
		call_fail(call, 1,
			  "verify takes yes, no, the 60 digits of a safety number or the "
			  "text of a QR code, not '%.60s'",
			  answer);
}

void cmd_verify(struct call *call)
{
	const struct args_verify *a = &call->cmd->u.verify;
	struct peer *p;
	if (!call_whom(call, a->who, false, &p))
		return;
	if (peer_ik(p) == NULL)
		call_fail(call, 2, "the key of %s comes with the first connection",
			  p->name);
	else if (a->answer != NULL && a->compared != NULL)
		call_fail(call, 1, "give an answer or --compared, not both");
	else if (a->answer != NULL)
		take_answer(call, p, a->answer);
	else if (a->compared != NULL)
		make_verified(call, p);
	else
		show_all(call, p);
}
