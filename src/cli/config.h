/*
 * config: the two files of settings, at the start and again on SIGHUP.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "base/options.h"
#include "cli/paths.h"

/* The common file and the profile's. On error *why (mem_free) names file and line. */
enum err config_load(struct options *o, const struct paths *p, char **why);
/* Who has chosen no nick is called as at the login, made a valid nick. */
void config_name_me(struct options *o);
/* The nick made of a login name; mem_free. login may be NULL. */
char *config_nick_of(const char *login);

/*
 * Reads the files again. *files is what they said the last time (owned; replaced):
 * what is different now and takes effect while running is set and told, unless the
 * command line said otherwise. On error nothing changes and *why is set.
 */
enum err config_reload(struct options *o, struct options **files, const struct paths *p,
		       void (*on_change)(void *ctx, enum option id), void *ctx,
		       char **why);

#endif
