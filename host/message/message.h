/* One message: header and body in one block of the host's memory (MB-5).
 *
 * I-1  a message is in at most one list: a sender's outbox, one mailbox, or the hands of one turn.
 * I-2  a body is written by its sender before the message is offered, and by nobody after.
 * I-3  a shared body belongs to its origin, whose count holds it until the last envelope is freed.
 * I-4  `flags` and `type` never change once a body is shared: sharers read them. Returning a message changes kind
 *      and reason only.
 * A small message without call and trace is one cache line: 48 bytes of header, 16 of body. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message/type.h"

/* What a message is. Charged kinds count against the mailbox's capacity; the others are bounded by
 * construction (MB-10). X(constant, text, charged) */
#define MSG_KINDS(X)                                                                               \
    X(DATA, "message", true)                                                                       \
    X(REQUEST, "request", true)                                                                    \
    X(REPLY, "reply", false)                                                                       \
    X(TICK, "tick", false)                                                                         \
    X(READY, "readiness", false)                                                                   \
    X(ENDED, "child ended", false)                                                                 \
    X(RETURNED, "undeliverable", false)                                                            \
    X(DEADLINE, "deadline", false)                                                                 \
    X(NOTICE, "notice", false)
#define MSG_CONSTANT(name, text, charged) MSG_##name,
enum msg_kind { MSG_KINDS(MSG_CONSTANT) MSG_KIND_COUNT };
#undef MSG_CONSTANT

#define MSG_EXTENDED 1u /* a struct msg_extension stands before the body */
#define MSG_SHARED 2u /* the body is another message's: a pointer to that one stands in its place */
#define MSG_BY_NAME 4u /* port is a port name's number, not the handler's row */
#define MSG_ROOMY                                                                                  \
    8u /* zeros follow the body, for all that any receiver wired there expects (MB-8) */
#define MSG_RETRIED 16u /* lives have died on it: the receiver knows how many (FC-4) */

struct msg {
    struct msg *next; /* in a mailbox, an outbox, a pool */
    struct msg *last; /* first of a batch on its way into a mailbox: the batch's last */
    uint64_t sender;  /* uid; 0: the host */
    uint64_t dest;    /* uid */
    union {
        struct {
            uint32_t type; /* index of its msg_type; 0: none (host kinds) */
            uint16_t port; /* row of the handler, or with MSG_BY_NAME a name's number */
            uint8_t kind;  /* enum msg_kind */
            uint8_t flags;
        };
        uint64_t head; /* all of these: what a message is, in one word; see msg_plain_head */
    };
    union {
        struct {
            _Atomic uint32_t refs; /* 1 + envelopes and keepers that share the body */
            uint16_t owner;        /* the pool it came from; POOL_HEAP: the heap */
            uint8_t size_class;
            /* RETURNED, REPLY without an answer: minus a status; type 0: body is text */
            uint8_t reason;
        };
        _Atomic uint64_t keeping; /* all of these: one comparison tells how it is freed */
    };
};

struct msg_extension {
    uint64_t call; /* REQUEST, REPLY: the call's number */
    uint64_t trace;
    uint64_t sequence;      /* the sender's count of what it sent; 0: it does not count */
    uint32_t ttl;           /* hops left between procs; 0: it has not crossed one */
    struct troupe_ref from; /* its sender, when that is another proc's: `sender` stands in for it */
    uint64_t
        far; /* the port of the reference it was sent to, when that is another proc's; else 0 */
};

#define MSG_BODY_AT(flags)                                                                         \
    (sizeof(struct msg) + ((flags)&MSG_EXTENDED ? sizeof(struct msg_extension) : 0))

static inline struct msg_extension *msg_extension(struct msg *m) {
    return (struct msg_extension *)(void *)(m + 1);
}
static inline void *msg_own_body(struct msg *m) {
    return (char *)m + MSG_BODY_AT(m->flags);
}
/* The message whose block holds the body. */
static inline struct msg *msg_origin(struct msg *m) {
    return m->flags & MSG_SHARED ? *(struct msg **)msg_own_body(m) : m;
}
/* The body, lent as long as the message. */
static inline void *msg_body(struct msg *m) {
    return m->flags & (MSG_SHARED | MSG_EXTENDED) ? msg_own_body(msg_origin(m)) : m + 1;
}
static inline uint64_t msg_trace(struct msg *m) {
    return m->flags & MSG_EXTENDED ? msg_extension(m)->trace : 0;
}
static inline uint64_t msg_call(struct msg *m) {
    return m->flags & MSG_EXTENDED ? msg_extension(m)->call : 0;
}
static inline uint32_t msg_ttl(struct msg *m) {
    return m->flags & MSG_EXTENDED ? msg_extension(m)->ttl : 0;
}
static inline uint64_t msg_sequence(struct msg *m) {
    return m->flags & MSG_EXTENDED ? msg_extension(m)->sequence : 0;
}
/* Who sent it, as an address in this proc. */
static inline struct troupe_ref msg_from(struct msg *m) {
    struct troupe_ref own = {m->sender, 0};
    bool far = m->flags & MSG_EXTENDED && msg_extension(m)->from.uid;
    return far ? msg_extension(m)->from : own;
}
static inline uint64_t msg_far(struct msg *m) {
    return m->flags & MSG_EXTENDED ? msg_extension(m)->far : 0;
}
static inline bool msg_is_charged(const struct msg *m) {
    return m->kind <= MSG_REQUEST;
}
const char *msg_kind_text(enum msg_kind kind);

struct pool;

/* A message with room for `body_size` bytes, header zeroed but for kind, flags and pool; NULL: no
 * memory. `pool` is the running worker's, or pools_shared on other threads. */
struct msg *msg_alloc(struct pool *pool, enum msg_kind kind, unsigned flags, uint64_t body_size);
/* What stands in `head` of a MSG_DATA of this type, for this row, without flags. Whoever sends many such
 * makes it ready once, and so does who takes them: one comparison tells all. */
static inline uint64_t msg_plain_head(uint32_t type, uint16_t row) {
    struct msg m = {.type = type, .port = row, .kind = MSG_DATA};
    return m.head;
}
/* The same for a reference: a port name's number in place of the row. */
static inline uint64_t msg_named_head(uint32_t type, uint16_t name) {
    struct msg m = {.type = type, .port = name, .kind = MSG_DATA, .flags = MSG_BY_NAME};
    return m.head;
}
/* `head`, which was made for port 0, for this one. In one piece: a word that was stored in two is read back late. */
static inline uint64_t msg_head_for(uint64_t head, uint16_t port) {
    return head | (uint64_t)port << (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 32 : 16);
}
_Static_assert(offsetof(struct msg, port) - offsetof(struct msg, head) == 4,
               "as msg_head_for has it");
/* An envelope, kind DATA and without sender, that shares the body of `m`. Reads nothing else of it that
 * may change: the block may be another envelope's by now, on its way somewhere. [who holds the body] */
struct msg *msg_share(struct pool *pool, struct msg *m, unsigned flags);
/* Takes a reference on the body of `m`, and gives it back. Keeps the block that holds it. */
struct msg *msg_hold(struct msg *m);
void msg_release(struct pool *pool, struct msg *origin);
/* The same for less, when it is a small one of this pool that nobody else holds. */
void msg_release_small(struct pool *pool, struct msg *origin);
/* Frees one message, or a chain up to NULL. */
void msg_free(struct pool *pool, struct msg *m);
void msg_free_chain(struct pool *pool, struct msg *first);
/* Bytes of its block: what a byte bound counts. */
uint64_t msg_block_size(const struct msg *m);
