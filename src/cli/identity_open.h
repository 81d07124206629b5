/*
 * identity_open: the identity of a profile, from its key file; made at the first
 * start. Never made anew when there is a file, whatever is wrong with it.
 */
#ifndef CLI_IDENTITY_OPEN_H
#define CLI_IDENTITY_OPEN_H

#include "base/options.h"
#include "base/rng.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "crypto/identity.h"

/* The profile's folder exists and is locked. Asks for a passphrase where one is
 * needed. Has said what is wrong unless STATUS_DONE. */
enum status identity_open(const struct paths *p, const struct options *o,
			  const struct rng *rng, struct identity **out);

#endif
