/*
 * list: an intrusive doubly linked ring. The head is a node of its own; a node
 * that stands in no list points to itself. The objects belong to the caller.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Puts node at the end; it stands in no list yet. */
static inline void list_add(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Puts node at the front. */
static inline void list_add_first(struct list *head, struct list *node)
{
	list_add(head->next, node);
}

/* Takes node out of whatever list it stands in; harmless twice. */
static inline void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_entry(node, type, member) \
	((type *)(void *)((char *)(node)-offsetof(type, member)))

/* it: struct list *; removing it while walking needs list_each_safe. */
#define list_each(it, head) \
	for (struct list *it = (head)->next; it != (head); it = it->next)

#define list_each_safe(it, head) \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head); \
	     it = it##_next, it##_next = it->next)

#endif
