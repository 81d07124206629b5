/*
 * shelltext: the node tells people what to type, "/peers"; in a shell that is
 * "p2pmsg peers".
 */
#ifndef UI_SHELLTEXT_H
#define UI_SHELLTEXT_H

/* text with every slash command that a shell has too written as there; mem_free. One
 * counts where a word may begin: at the start, after a blank or a bracket. */
char *shelltext(const char *text);

#endif
