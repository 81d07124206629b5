#include "cli/identity_open.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "cli/askpass.h"
#include "crypto/keyfile.h"
#include "net/child.h"

enum { PASSPHRASE_BYTES = 1024, TRIES = 3 };

/* What each fault of the file means, and what to do; %s is its path. */
static const struct {
	enum err e;
	const char *before, *after;
} faults[] = {
	{ERR_PERM, "the key file ",
	 " must be yours and closed to others, as whoever reads it can be you: chmod 600 "
	 "it, and think whether somebody has read it"},
	{ERR_CORRUPT, "the key file ",
	 " is damaged. No new identity was made: restore the file from a backup, or move "
	 "it away to begin as somebody new"},
	{ERR_VERSION, "the key file ", " was written by a newer p2pmsg: update this one"},
	{ERR_PASSPHRASE, "that is not the passphrase of the key file ", ""},
};

static enum status say_fault(const struct paths *p, enum err e)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		if (faults[i].e != e)
			continue;
		say("%s%s%s", faults[i].before, p->key, faults[i].after);
		return STATUS_LOCAL;
	}
	char *text = say_file("read the key file", p->key, e, NULL);
	say("%s", text);
	mem_free(text);
	return STATUS_LOCAL;
}

/* ---- passphrases ---- */

static enum status from_command(const struct options *o, char *out)
{
	const char *command = options_str(o, OPT_passphrase_command);
	enum err e = child_first_line(command, out, PASSPHRASE_BYTES);
	if (e == ERR_OK)
		return STATUS_DONE;
	if (e == ERR_LIMIT)
		say("the first line of passphrase_command is longer than %d bytes",
		    PASSPHRASE_BYTES - 1);
	else
		say("passphrase_command gave no passphrase: it must print one line and "
		    "end "
		    "with status 0 (it is: %s)",
		    command);
	return STATUS_LOCAL;
}

static enum status from_terminal(const struct paths *p, char *out)
{
	char *prompt = mem_printf("passphrase of %s: ", p->key);
	enum err e = askpass(prompt, out, PASSPHRASE_BYTES);
	mem_free(prompt);
	if (e == ERR_OK)
		return STATUS_DONE;
	if (e == ERR_MISSING)
		say("the key file %s needs its passphrase, and there is no terminal to "
		    "ask "
		    "on: set passphrase_command in the configuration",
		    p->key);
	else
		say("no passphrase was given");
	return STATUS_LOCAL;
}

/* A command is asked once, a person may mistype. */
static enum status load_sealed(const struct paths *p, const struct options *o, char *room,
			       struct identity **out)
{
	bool has_command = *options_str(o, OPT_passphrase_command) != '\0';
	enum err e = ERR_PASSPHRASE;
	for (int i = 0; i < TRIES && e == ERR_PASSPHRASE; i++) {
		enum status s =
			has_command ? from_command(o, room) : from_terminal(p, room);
		if (s != STATUS_DONE)
			return s;
		e = keyfile_load(p->key, slice_str(room), out);
		if (e != ERR_OK)
			say_fault(p, e);
		if (has_command)
			break;
	}
	return e == ERR_OK ? STATUS_DONE : STATUS_LOCAL;
}

/* ---- the file ---- */

static enum status load(const struct paths *p, const struct options *o, bool is_sealed,
			struct identity **out)
{
	if (is_sealed) {
		char *room = secret_new(PASSPHRASE_BYTES);
		enum status s = load_sealed(p, o, room, out);
		secret_free(room);
		return s;
	}
	enum err e = keyfile_load(p->key, slice_of(NULL, 0), out);
	return e == ERR_OK ? STATUS_DONE : say_fault(p, e);
}

/* The first start asks nothing; who has set passphrase_command wants it used. */
static enum status make(const struct paths *p, const struct options *o,
			const struct rng *rng, struct identity **out)
{
	enum status s = STATUS_DONE;
	char *room = secret_new(PASSPHRASE_BYTES);
	if (*options_str(o, OPT_passphrase_command))
		s = from_command(o, room);
	if (s == STATUS_DONE) {
		*out = identity_generate(rng);
		enum err e = keyfile_save(p->key, *out, slice_str(room), rng);
		if (e != ERR_OK) {
			char *text = say_file("write the key file", p->key, e, NULL);
			say("%s", text);
			mem_free(text);
			s = STATUS_LOCAL;
		}
	}
	secret_free(room);
	return s;
}

/* Nobody else's key opens what is there already. */
static enum status say_missing(const struct paths *p)
{
	say("the key file %s is missing, and %s, which only it opens, is there. No new "
	    "identity was made: bring the key file back from a backup, or move the other "
	    "one away to begin as somebody new",
	    p->key, p->store);
	return STATUS_LOCAL;
}

enum status identity_open(const struct paths *p, const struct options *o,
			  const struct rng *rng, struct identity **out)
{
	bool is_sealed;
	*out = NULL;
	enum err e = keyfile_probe(p->key, &is_sealed);
	if (e == ERR_MISSING && access(p->store, F_OK) == 0)
		return say_missing(p);
	if (e == ERR_MISSING)
		return make(p, o, rng, out);
	return e == ERR_OK ? load(p, o, is_sealed, out) : say_fault(p, e);
}
