#include "cli/config.h"

#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { NICK_MAX = 64 };

enum err config_load(struct options *o, const struct paths *p, char **why)
{
	enum err e = options_load(o, p->config, OPTION_COMMON, why);
	return e == ERR_OK ? options_load(o, p->profile_config, OPTION_PROFILE, why) : e;
}

char *config_nick_of(const char *login)
{
	char nick[NICK_MAX + 1];
	size_t n = 0;
	if (login && text_is_nick(slice_str(login)))
		return mem_strdup(login);
	for (; login && *login && n < NICK_MAX; login++) {
		bool is_letter = (*login >= 'a' && *login <= 'z') ||
				 (*login >= 'A' && *login <= 'Z') ||
				 (*login >= '0' && *login <= '9');
		if (is_letter || (n > 0 && strchr("_-.", *login)))
			nick[n++] = *login;
	}
	nick[n] = '\0';
	return mem_strdup(n > 0 ? nick : "user");
}

void config_name_me(struct options *o)
{
	if (*options_str(o, OPT_nick))
		return;
	const struct passwd *user = getpwuid(getuid());
	char *nick = config_nick_of(user ? user->pw_name : NULL);
	options_set(o, OPT_nick, nick, options_source(o, OPT_nick), NULL);
	mem_free(nick);
}

static bool is_changed(const struct options *before, const struct options *now,
		       enum option id)
{
	const struct option_row *row = option_row(id);
	return row->flags & OPTION_LIVE && row->kind != OPTION_LIST &&
	       strcmp(options_str(before, id), options_str(now, id)) != 0;
}

struct changes {
	void (*on_change)(void *ctx, enum option id);
	void *ctx;
};

static void take_changes(struct options *o, const struct options *before,
			 const struct options *now, const struct changes *to)
{
	for (unsigned id = 0; id < OPT_COUNT; id++) {
		if (!is_changed(before, now, id) ||
		    options_source(o, id) == OPTION_CMDLINE)
			continue;
		options_set(o, id, options_str(now, id), OPTION_SET, NULL);
		to->on_change(to->ctx, id);
	}
}

enum err config_reload(struct options *o, struct options **files, const struct paths *p,
		       void (*on_change)(void *ctx, enum option id), void *ctx,
		       char **why)
{
	const struct changes to = {on_change, ctx};
	struct options *now = options_new();
	enum err e = config_load(now, p, why);
	if (e != ERR_OK) {
		options_free(now);
		return e;
	}
	config_name_me(now);
	take_changes(o, *files, now, &to);
	options_free(*files);
	*files = now;
	return ERR_OK;
}
