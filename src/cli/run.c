#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "cli/config.h"
#include "cli/program.h"
#include "cli/verbs.h"
#include "ui/cmdline.h"
#include "ui/evjson.h"
#include "ui/help.h"

/* What the command line said. */
struct request {
	struct options *options;
	struct options *files;
	struct paths paths;
	const char *profile;
	struct command *command; /* NULL: the client */
	bool is_json;
};

/* ---- words ---- */

/* The forms that every program understands. */
static char *synonym(char *word)
{
	static char help[] = "help", version[] = "version";
	static const struct {
		const char *option;
		char *verb;
	} forms[] = {
		{"--help", help},
		{"-h", help},
		{"--version", version},
		{"-V", version},
	};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strcmp(word, forms[i].option) == 0)
			return forms[i].verb;
	return word;
}

/* A verb's own options may stand before it too: the first word that is a verb comes
 * to the front. */
static void verb_first(char **words, int n)
{
	const struct command_row *row;
	int at = 0;
	while (at < n && strncmp(words[at], "--", 2) == 0 && strcmp(words[at], "--") != 0)
		at++;
	if (at == 0)
		return;
	while (at < n && command_find(words[at], COMMAND_SHELL, &row) != ERR_OK)
		at++;
	if (at == n)
		return;
	char *verb = words[at];
	memmove(words + 1, words, (size_t)at * sizeof *words);
	words[0] = verb;
}

static enum status parse_words(struct request *r, int n, char **words)
{
	char *why = NULL;
	if (n > 0)
		words[0] = synonym(words[0]);
	verb_first(words, n);
	if (n > 0 && strncmp(words[0], "--", 2) == 0) {
		say("there is no option %s: p2pmsg help lists them", words[0]);
		return STATUS_USAGE;
	}
	enum err e = cmdline_shell((size_t)n, words, &r->command, &why);
	if (e == ERR_OK || e == ERR_WAIT)
		return STATUS_DONE;
	say("%s", why);
	mem_free(why);
	return STATUS_USAGE;
}

static enum status parse_argv(struct request *r, int argc, char **argv)
{
	char *why = NULL;
	int n = 0;
	char **words = mem_array((size_t)argc + 1, sizeof *words);
	enum status s = STATUS_DONE;
	if (options_argv(r->options, argc - 1, argv + 1, words, &n, &why) != ERR_OK) {
		say("%s", why ? why : "that is no valid option: p2pmsg help lists them");
		s = STATUS_USAGE;
	}
	if (s == STATUS_DONE)
		s = parse_words(r, n, words);
	r->is_json = options_bool(r->options, OPT_json);
	mem_free(why);
	mem_free(words);
	return s;
}

/* ---- settings ---- */

static void set_log_level(const struct options *o)
{
	static const enum log_level levels[] = {LOG_WARN, LOG_ERROR, LOG_INFO, LOG_DEBUG};
	log_level_set(levels[options_enum(o, OPT_log_level)]);
}

static enum status load_settings(struct request *r)
{
	char *why = NULL;
	r->profile = options_str(r->options, OPT_profile);
	enum err e = paths_init(&r->paths, r->profile, getenv, &why);
	if (e == ERR_OK)
		e = config_load(r->options, &r->paths, &why);
	if (e == ERR_OK)
		e = config_load(r->files, &r->paths, &why);
	if (e == ERR_OK) {
		config_name_me(r->options);
		config_name_me(r->files);
		set_log_level(r->options);
		return STATUS_DONE;
	}
	say("%s", why ? why : err_str(e));
	mem_free(why);
	return e == ERR_USAGE || e == ERR_RANGE ? STATUS_USAGE : STATUS_LOCAL;
}

/* ---- what needs no node ---- */

static void print(const struct request *r, const char *text)
{
	struct event ev = {.type = EVENT_DONE, .time_ms = clock_wall_ms(clock_system())};
	ev.u.done.text = text;
	char *json = r->is_json ? evjson_event(&ev) : NULL;
	printf("%s\n", json ? json : text);
	mem_free(json);
}

static int run_help(struct request *r)
{
	char *text;
	enum err e = help_text(r->command->u.help.verb, false, &text);
	if (e == ERR_OK)
		fputs(text, stdout);
	else
		say("%s", text);
	mem_free(text);
	return e == ERR_OK ? STATUS_DONE : STATUS_USAGE;
}

static int run_version(struct request *r)
{
	print(r, "p2pmsg " P2PMSG_VERSION);
	return STATUS_DONE;
}

/* ---- what runs on a node ---- */

/* Settings that a running node took at its own start. */
static void warn_of_late_options(const struct request *r)
{
	for (unsigned id = 0; id < OPT_COUNT; id++)
		if (options_source(r->options, id) == OPTION_CMDLINE &&
		    !(option_row(id)->flags & OPTION_ARGV))
			say("a node of this profile runs already, so --%s has no effect "
			    "(`p2pmsg set %s VALUE` changes the running one)",
			    option_row(id)->name, option_row(id)->name);
}

static enum status add_control(struct program *p)
{
	struct frontend_config cfg = {0};
	return program_add_frontend(p, &frontend_control, &cfg);
}

static int run_client(struct request *r)
{
	struct program p;
	struct frontend_config cfg = {0};
	enum status s = program_init(&p, r->options, &r->paths, r->profile);
	if (s == STATUS_DONE)
		s = program_find(&p);
	if (s == STATUS_DONE && p.attach)
		warn_of_late_options(r);
	else if (s == STATUS_DONE)
		s = program_start_node(&p, true, false);
	if (s == STATUS_DONE && p.node)
		s = add_control(&p);
	if (s == STATUS_DONE)
		s = program_add_frontend(&p, r->is_json ? &frontend_json : &frontend_line,
					 &cfg);
	int status = s == STATUS_DONE ? program_run(&p) : (int)s;
	program_wipe(&p);
	return status;
}

static enum status refuse_second(const struct request *r)
{
	say("a node of the profile '%s' runs already (`p2pmsg quit --node` stops it; "
	    "--profile NAME starts one for somebody else)",
	    r->profile);
	return STATUS_LOCAL;
}

static int run_daemon(struct request *r)
{
	struct program p;
	enum status s = program_init(&p, r->options, &r->paths, r->profile);
	if (s == STATUS_DONE)
		s = program_find(&p);
	if (s == STATUS_DONE && p.attach)
		s = refuse_second(r);
	if (s == STATUS_DONE)
		s = program_start_node(&p, true, false);
	if (s == STATUS_DONE)
		s = add_control(&p);
	if (s == STATUS_DONE) {
		p.rereads = true;
		p.files = r->files;
		r->files = NULL;
		say("the node of the profile '%s' listens on port %u; its control socket "
		    "is %s",
		    r->profile, node_port(p.node), r->paths.socket);
	}
	int status = s == STATUS_DONE ? program_run(&p) : (int)s;
	program_wipe(&p);
	return status;
}

/* A short-lived node for this command. One that goes on can be asked by others. */
static enum status start_for_verb(struct request *r, struct program *p)
{
	const struct verb_needs *needs = verb_needs(r->command->verb);
	if (needs->is_running) {
		say("no node of the profile '%s' is running", r->profile);
		return STATUS_LOCAL;
	}
	enum status s = program_start_node(p, !needs->is_offline, needs->is_storeless);
	return s == STATUS_DONE && needs->is_endless ? add_control(p) : s;
}

static enum status add_oneshot(struct request *r, struct program *p)
{
	static const struct command save = {.verb = VERB_SAVE};
	const struct verb_needs *needs = verb_needs(r->command->verb);
	bool is_change =
		needs->saved_arg >= 0 && r->command->u.arg[needs->saved_arg] != NULL;
	struct frontend_config cfg = {
		.command = r->command,
		.then = p->node && is_change ? &save : NULL,
		.is_json = r->is_json,
	};
	p->interrupted = needs->is_endless ? STATUS_DONE : -1;
	return program_add_frontend(p, &frontend_oneshot, &cfg);
}

/* ERR_OK, or it was said. */
static enum status open_import(const struct request *r, int *fd)
{
	const char *path = r->command->u.import.file;
	*fd = STDIN_FILENO;
	if (path == NULL || strcmp(path, "-") == 0)
		return STATUS_DONE;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd >= 0)
		return STATUS_DONE;
	say("cannot read %s: %s", path, err_str(err_from_errno(errno)));
	return STATUS_LOCAL;
}

static enum status add_import(struct request *r, struct program *p)
{
	struct frontend_config cfg = {.command = r->command, .is_json = r->is_json};
	enum status s = open_import(r, &cfg.in);
	p->interrupted = -1;
	return s == STATUS_DONE ? program_add_frontend(p, &frontend_import, &cfg) : s;
}

static int run_verb(struct request *r)
{
	struct program p;
	enum status s = program_init(&p, r->options, &r->paths, r->profile);
	if (s == STATUS_DONE)
		s = program_find(&p);
	if (s == STATUS_DONE)
		s = verb_prepare(&r->command, r->options, p.attach == NULL);
	if (s == STATUS_DONE && p.attach)
		warn_of_late_options(r);
	else if (s == STATUS_DONE)
		s = start_for_verb(r, &p);
	if (s == STATUS_DONE)
		s = r->command->verb == VERB_IMPORT ? add_import(r, &p)
						    : add_oneshot(r, &p);
	int status = s == STATUS_DONE ? program_run(&p) : (int)s;
	program_wipe(&p);
	return status;
}

/* ---- dispatch ---- */

static const struct {
	enum verb verb;
	int (*run)(struct request *r);
	bool has_settings; /* needs the files; help must work when they are wrong */
} rows[] = {
	{VERB_HELP, run_help, false},
	{VERB_VERSION, run_version, false},
	{VERB_DAEMON, run_daemon, true},
};

static int dispatch(struct request *r)
{
	int (*fn)(struct request * r) = r->command ? run_verb : run_client;
	bool has_settings = true;
	for (size_t i = 0; r->command && i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].verb != r->command->verb)
			continue;
		fn = rows[i].run;
		has_settings = rows[i].has_settings;
	}
	enum status s = has_settings ? load_settings(r) : STATUS_DONE;
	return s == STATUS_DONE ? fn(r) : (int)s;
}

/* Whoever starts us without them would get our sockets as standard output. */
static void open_standard_files(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int run(int argc, char **argv)
{
	struct request r = {.options = options_new(), .files = options_new()};
	open_standard_files();
	umask(077);
	secret_init();
	enum status s = parse_argv(&r, argc, argv);
	int status = s == STATUS_DONE ? dispatch(&r) : (int)s;
	if (fflush(stdout) != 0 && status == STATUS_DONE) {
		say("the output cannot be written");
		status = STATUS_LOCAL;
	}
	mem_free(r.command);
	paths_wipe(&r.paths);
	options_free(r.options);
	options_free(r.files);
	return status;
}
