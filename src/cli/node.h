/*
 * node: the parts of a running node put together: network, discovery, interfaces,
 * core. What is between them, and the files they want written, is here.
 */
#ifndef CLI_NODE_H
#define CLI_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "core/core.h"
#include "crypto/identity.h"
#include "net/loop.h"

struct node_config {
	struct loop *loop;
	struct options *options; /* these four outlive the node */
	const struct paths *paths;
	struct identity *identity;
	const char *profile;
	/* False: for commands that need nobody else; it neither listens nor looks. */
	bool is_networked;
	bool is_storeless; /* the store is not opened: it knows nobody */
	void (*on_stop)(void *ctx); /* quit --node; from the loop */
	void *ctx;
};

struct node;

/* Has said what is wrong unless STATUS_DONE. */
enum status node_start(const struct node_config *cfg, struct node **out);
/* Front ends are stopped first. NULL is fine. */
void node_stop(struct node *n);
/* Says goodbye to everybody and calls done, within about a second. */
void node_goodbye(struct node *n, void (*done)(void *ctx), void *ctx);

struct core *node_core(struct node *n);
uint16_t node_port(const struct node *n);

#endif
