#include "lib/bulkseal_sodium.h"

#undef HAVE_LIBCRYPTO

#define bulkseal sodium_bulkseal
#define bulkseal_new sodium_bulkseal_new
#define bulkseal_free sodium_bulkseal_free
#define bulkseal_seal sodium_bulkseal_seal
#define bulkseal_open sodium_bulkseal_open
#define bulkseal_count sodium_bulkseal_count
#define bulkseal_library sodium_bulkseal_library

#include "crypto/bulkseal.c"
