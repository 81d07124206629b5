/* on_sas: the messages of a comparison of short words. */
#include "core/sas.h"
#include "core/session.h"

enum err on_sas_commit(struct session *s, const struct msg *m)
{
	sas_take_commit(s, m->u.sas_commit.commit);
	return ERR_OK;
}

enum err on_sas_nonce(struct session *s, const struct msg *m)
{
	sas_take_nonce(s, m->u.sas_nonce.nonce);
	return ERR_OK;
}

enum err on_sas_reveal(struct session *s, const struct msg *m)
{
	sas_take_reveal(s, m->u.sas_reveal.nonce);
	return ERR_OK;
}

enum err on_sas_result(struct session *s, const struct msg *m)
{
	sas_take_result(s, m->u.sas_result.is_same);
	return ERR_OK;
}
