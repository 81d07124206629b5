/*
 * run: from the words of the command line to what they ask for.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

/* The exit status. */
int run(int argc, char **argv);

#endif
