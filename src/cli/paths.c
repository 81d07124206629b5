#include "cli/paths.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	SOCKET_PATH_MAX = 107, /* sun_path of Linux without its NUL */
	PROFILE_MAX = 32
};

static const char profile_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-.";

/* It becomes the name of files. */
static enum err check_profile(const char *profile, char **why)
{
	size_t n = strlen(profile);
	if (n > 0 && n <= PROFILE_MAX && strspn(profile, profile_chars) == n &&
	    profile[0] != '.' && profile[0] != '-')
		return ERR_OK;
	char *safe = text_safe(slice_str(profile), TEXT_NAME, 2 * PROFILE_MAX);
	*why = mem_printf("'%s' cannot be the name of a profile: take 1 to %d letters, "
			  "digits, _, - or ., not beginning with - or .",
			  safe, PROFILE_MAX);
	mem_free(safe);
	return ERR_USAGE;
}

/* The XDG folder that name says, else the one below HOME. A relative path counts as
 * unset, as the XDG rules want it. */
static enum err base_dir(char *(*env)(const char *name), const char *name,
			 const char *below_home, char **out, char **why)
{
	const char *dir = env(name), *home = env("HOME");
	if (dir && dir[0] == '/') {
		*out = mem_strdup(dir);
		return ERR_OK;
	}
	if (home && home[0] == '/') {
		*out = mem_printf("%s/%s", home, below_home);
		return ERR_OK;
	}
	*why = mem_printf("there is no place for your files: HOME is not set (set it, or "
			  "%s, to the path of a folder)",
			  name);
	return ERR_MISSING;
}

static void set_socket(struct paths *p, const char *profile,
		       char *(*env)(const char *name))
{
	const char *dir = env("XDG_RUNTIME_DIR");
	p->socket_dir = dir && dir[0] == '/' ? mem_printf("%s/p2pmsg", dir)
					     : mem_strdup(p->data_dir);
	p->socket = mem_printf("%s/%s.sock", p->socket_dir, profile);
}

static enum err check_socket(const struct paths *p, char **why)
{
	size_t n = strlen(p->socket);
	if (n <= SOCKET_PATH_MAX)
		return ERR_OK;
	*why = mem_printf(
		"the path of the control socket has %zu bytes, and the system "
		"takes %d: %s (set XDG_RUNTIME_DIR to a shorter path, or take a "
		"shorter --profile)",
		n, SOCKET_PATH_MAX, p->socket);
	return ERR_RANGE;
}

enum err paths_init(struct paths *p, const char *profile, char *(*env)(const char *name),
		    char **why)
{
	char *config = NULL, *data = NULL;
	*p = (struct paths){0};
	*why = NULL;
	enum err e = check_profile(profile, why);
	if (e == ERR_OK)
		e = base_dir(env, "XDG_CONFIG_HOME", ".config", &config, why);
	if (e == ERR_OK)
		e = base_dir(env, "XDG_DATA_HOME", ".local/share", &data, why);
	if (e != ERR_OK)
		goto out;
	p->config_dir = mem_printf("%s/p2pmsg", config);
	p->config = mem_printf("%s/config", p->config_dir);
	p->profile_config = mem_printf("%s/%s.conf", p->config_dir, profile);
	p->data_dir = mem_printf("%s/p2pmsg/%s", data, profile);
	p->key = mem_printf("%s/key", p->data_dir);
	p->lock = mem_printf("%s/lock", p->data_dir);
	p->last_port = mem_printf("%s/port", p->data_dir);
	p->store = mem_printf("%s/store.db", p->data_dir);
	set_socket(p, profile, env);
	e = check_socket(p, why);
out:
	mem_free(config);
	mem_free(data);
	return e;
}

void paths_wipe(struct paths *p)
{
	char *all[] = {p->config_dir, p->config, p->profile_config, p->data_dir,
		       p->key,	      p->lock,	 p->last_port,	    p->store,
		       p->socket_dir, p->socket};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		mem_free(all[i]);
	*p = (struct paths){0};
}
