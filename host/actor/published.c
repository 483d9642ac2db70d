/* What actors publish of themselves (S-4): a list that the home worker changes while lookers read it. */
#include "actor/published.h"

#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

const struct published *inst_published(const struct inst *in) {
    struct inst_more *more = inst_seen(in);
    /* seq_cst: L-1; so the one below */
    return more ? atomic_load_explicit(&more->attributes, memory_order_seq_cst) : NULL;
}

const struct published *published_next(const struct published *at) {
    return atomic_load_explicit(&at->next, memory_order_seq_cst);
}

void inst_publish(struct inst *in, struct published *attribute) {
    _Atomic(struct published *) *at = &in->more->attributes; /* made when the turn published */
    struct published *old = atomic_load_explicit(at, memory_order_relaxed);
    while (old && strcmp(old->name, attribute->name) != 0) {
        at = &old->next;
        old = atomic_load_explicit(at, memory_order_relaxed);
    }
    struct published *next = old ? atomic_load_explicit(&old->next, memory_order_relaxed) : NULL;
    atomic_store_explicit(&attribute->next, next, memory_order_relaxed);
    /* seq_cst: L-1; release: who finds it finds all of it */
    atomic_store_explicit(at, attribute, memory_order_seq_cst);
    looks_give_up(in->proc, old ? &old->block : NULL);
}

void inst_attributes_end(struct inst *in) {
    struct published *at =
        in->more ? atomic_load_explicit(&in->more->attributes, memory_order_relaxed) : NULL;
    if (!at) {
        return;
    }
    atomic_store_explicit(&in->more->attributes, NULL, memory_order_seq_cst); /* L-1 */
    while (at) {
        struct published *next = atomic_load_explicit(&at->next, memory_order_relaxed);
        looks_give_up(in->proc, &at->block);
        at = next;
    }
}

static bool read_value(const struct published *at, struct troupe_value *ret, char *text,
                       uint64_t text_size) {
    *ret = at->value;
    (void)snprintf(text, text_size, "%.*s", (int)at->value.s.size,
                   at->value.s.size ? at->value.s.data : "");
    ret->s = troupe_str(text);
    return true;
}

bool inst_attribute(struct inst *in, const char *name, struct troupe_value *ret, char *text,
                    uint64_t text_size) {
    struct looker looker;
    bool found = false;
    looks_begin(in->proc, &looker);
    for (const struct published *at = inst_published(in); at && !found; at = published_next(at)) {
        found = strcmp(at->name, name) == 0 && read_value(at, ret, text, text_size);
    }
    looks_end(in->proc, &looker);
    return found;
}
