/*
 * bulkseal_sodium: crypto/bulkseal as a build without libcrypto has it, under other
 * names beside the one of this build.
 */
#ifndef TESTS_LIB_BULKSEAL_SODIUM_H
#define TESTS_LIB_BULKSEAL_SODIUM_H

#include "crypto/noise.h"

struct sodium_bulkseal;

struct sodium_bulkseal *sodium_bulkseal_new(struct noise_cipherstate *cs);
void sodium_bulkseal_free(struct sodium_bulkseal *s);
enum err sodium_bulkseal_seal(struct sodium_bulkseal *s, struct slice plaintext,
			      uint8_t *out);
enum err sodium_bulkseal_open(struct sodium_bulkseal *s, struct slice ciphertext,
			      uint8_t *out);
uint64_t sodium_bulkseal_count(const struct sodium_bulkseal *s);
const char *sodium_bulkseal_library(const struct sodium_bulkseal *s);

#endif
