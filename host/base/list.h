/* Intrusive doubly linked list. A head is a link that points to itself when empty. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
#define LIST_EACH(link, head)                                                                      \
    for (struct list *link = (head)->next; link != (head); link = link->next)
/* `link` may be removed while walking. */
#define LIST_EACH_SAFE(link, after, head)                                                          \
    for (struct list *link = (head)->next, *after = link->next; link != (head);                    \
         link = after, after = link->next)

static inline void list_init(struct list *head) {
    head->next = head;
    head->prev = head;
}
static inline bool list_is_empty(const struct list *head) {
    return head->next == head;
}
static inline void list_add_before(struct list *at, struct list *link) {
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}
static inline void list_add_last(struct list *head, struct list *link) {
    list_add_before(head, link);
}
static inline void list_add_first(struct list *head, struct list *link) {
    list_add_before(head->next, link);
}
/* For a list that others walk forward meanwhile, by list_seen: one thread changes it. What was hidden still
 * leads on to the end, for who stands there; its memory must stay as long as somebody may. */
static inline void list_show_all_last(struct list *head, struct list *first, struct list *last) {
    struct list *before = head->prev;
    first->prev = before;
    __atomic_store_n(&last->next, head, __ATOMIC_RELAXED);
    head->prev = last;
    /* release: pairs with list_seen; who finds it finds what belongs to it */
    __atomic_store_n(&before->next, first, __ATOMIC_RELEASE);
}
static inline void list_show_last(struct list *head, struct list *link) {
    list_show_all_last(head, link, link);
}
static inline void list_hide(struct list *link) {
    link->next->prev = link->prev;
    /* seq_cst, as the load in list_seen: who hides a link and then asks whether anybody walks, and who says that
     * he walks and then does, must not both be told no. Else its memory went while it was being found. */
    __atomic_store_n(&link->prev->next, link->next, __ATOMIC_SEQ_CST);
}
/* The same, when who asks whether anybody walks sees to that order by himself. */
static inline void list_hide_quietly(struct list *link) {
    link->next->prev = link->prev;
    /* release: who comes to what follows finds it whole, as ever */
    __atomic_store_n(&link->prev->next, link->next, __ATOMIC_RELEASE);
}
static inline struct list *list_seen(const struct list *link) {
    return __atomic_load_n(&link->next, __ATOMIC_SEQ_CST);
}
/* Leaves link pointing to itself, so that removing twice is harmless. */
static inline void list_remove(struct list *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}
