/*
 * paths: where a profile keeps its files, by the XDG rules. Nothing is made here.
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include "base/err.h"

struct paths {
	char *config_dir; /* $XDG_CONFIG_HOME/p2pmsg */
	char *config; /* .../config: for all profiles */
	char *profile_config; /* .../<profile>.conf */
	char *data_dir; /* $XDG_DATA_HOME/p2pmsg/<profile> */
	char *key, *lock, *last_port, *store; /* in it */
	char *socket_dir; /* $XDG_RUNTIME_DIR/p2pmsg, or the data folder */
	char *socket; /* <profile>.sock there */
};

/* env is getenv, or a test's. ERR_USAGE: no name for a profile; ERR_MISSING: no HOME;
 * ERR_RANGE: too long for a socket. *why (mem_free) says what to do. Freed by
 * paths_wipe, also after an error. */
enum err paths_init(struct paths *p, const char *profile, char *(*env)(const char *name),
		    char **why);
void paths_wipe(struct paths *p);

#endif
