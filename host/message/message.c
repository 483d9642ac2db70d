/* Taking, sharing and freeing messages. */
#include "message/message.h"

#include <stddef.h>

#include "base/hot.h"
#include "message/pool.h"

/* What a sender claims its strings to hold may be nonsense (type_copy_size); sums stay far from
 * overflow. */
#define BODY_MAX (UINT64_MAX / 4)

const char *msg_kind_text(enum msg_kind kind) {
    switch (kind) {
#define MSG_CASE(name, text, charged)                                                              \
    case MSG_##name:                                                                               \
        return text;
        MSG_KINDS(MSG_CASE)
#undef MSG_CASE
    default:
        return "unknown";
    }
}

HOT struct msg *msg_alloc(struct pool *pool, enum msg_kind kind, unsigned flags,
                          uint64_t body_size) {
    if (body_size > BODY_MAX) {
        return NULL;
    }
    struct msg *m = pool_take_block(pool, MSG_BODY_AT(flags) + body_size);
    if (!m) {
        return NULL;
    }
    m->next = NULL;
    m->last = NULL;
    m->sender = 0;
    m->dest = 0;
    m->type = 0;
    m->port = 0;
    m->kind = (uint8_t)kind;
    m->flags = (uint8_t)flags;
    m->reason = 0;
    atomic_store_explicit(&m->refs, 1, memory_order_relaxed);
    if (flags & MSG_EXTENDED) {
        *msg_extension(m) = (struct msg_extension){0};
    }
    return m;
}

struct msg *msg_hold(struct msg *m) {
    struct msg *origin = msg_origin(m);
    atomic_fetch_add_explicit(&origin->refs, 1, memory_order_relaxed);
    return origin;
}

void msg_release(struct pool *pool, struct msg *origin) {
    /* The last holder needs no atomic write; acquire: pairs with the release of the others' drop, so
     * that their reads are over before the block is used again. */
    if (atomic_load_explicit(&origin->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&origin->refs, 1, memory_order_acq_rel) == 1) {
        pool_give_block(pool, origin);
    }
}

void msg_release_small(struct pool *pool, struct msg *origin) {
    if (!pool_give_small(pool, origin)) {
        msg_release(pool, origin);
    }
}

struct msg *msg_share(struct pool *pool, struct msg *m, unsigned flags) {
    struct msg *envelope = msg_alloc(pool, MSG_DATA, flags | MSG_SHARED, sizeof m);
    if (envelope) {
        *(struct msg **)msg_own_body(envelope) = msg_hold(m);
        envelope->type = m->type;
    }
    return envelope;
}

void msg_free(struct pool *pool, struct msg *m) {
    if (m->flags & MSG_SHARED) {
        msg_release(pool, *(struct msg **)msg_own_body(m));
        pool_give_block(pool, m);
    } else {
        msg_release(pool, m);
    }
}

void msg_free_chain(struct pool *pool, struct msg *first) {
    while (first) {
        struct msg *next = first->next;
        msg_free(pool, first);
        first = next;
    }
}
