/*
 * safety_words: the PGP word list of Patrick Juola and Philip Zimmermann, as published.
 */
#ifndef CRYPTO_SAFETY_WORDS_H
#define CRYPTO_SAFETY_WORDS_H

/* Of each byte: its word at an even place (two syllables, counted from 0) and at an odd
 * one (three). */
extern const char *const safety_words[256][2];

#endif
