/* Mailbox: many senders, one taker, bounded (MB-2).
 *
 * Two parts: a private list that only the home worker touches, and one atomic word with the chain of
 * batches that others sent and a count of places. A send from the home appends to the list; a send
 * from elsewhere is one compare-and-swap for a whole batch.
 *
 * I-1  per sender and mailbox, messages are taken in the order offered (MB-1): before the home appends
 *      to its list it moves the word's chain there.
 * I-2  charged messages never exceed the limit given with the offer, whoever offers: the word counts
 *      a place for each before it is in. Places that the home freed it may keep (`spare`) and fill
 *      again without touching the word; they are a sixteenth of the capacity at most.
 *      It gives them back when something arrives from elsewhere, when somebody waits, and when it
 *      finds a mailbox empty that others send to. Until then others may hear FULL early by so many.
 * I-3  depth is added before a message can be taken and never negative (PD-5).
 * I-4  after mbox_close every offer is refused with OFFER_CLOSED.
 *
 * May run at the same time:       offer  take  close  depth
 *   offer  [any]                   yes   yes   yes    yes
 *   take   [home worker]           yes   no    no     yes
 *   close  [home worker]           yes   no    no     yes
 *   depth  [any]                   yes   yes   yes    yes
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/count.h"
#include "message/message.h"
#include "sched/sched.h"

/* More than this cannot be counted in the word: 2^20 with room for cycles let through. */
#define MBOX_CAPACITY_MAX 100000u
#define MBOX_HARD_FACTOR 8u

enum offer { OFFER_TAKEN, OFFER_FULL, OFFER_CLOSED };

struct mbox_ring;
struct pauser;

/* In `capacity`: the mailbox has `bounds`. So senders of most need not look at the next line. */
#define MBOX_BOUNDED (1u << 31)
/* The same for: not all of its owner's ports block who sends. */
#define MBOX_CHOOSY (1u << 30)
#define MBOX_FLAGS (MBOX_BOUNDED | MBOX_CHOOSY)

/* What few mailboxes have: a bound in bytes, ports that drop the oldest. */
struct mbox_bounds {
    /* set before the first offer, then constant */
    uint64_t bytes_max;      /* 0: no bound */
    struct mbox_ring *rings; /* of drop_oldest ports; NULL: none */
    uint16_t ring_count;

    /* only the home worker */
    uint16_t ring_next; /* rings take turns */
    bool ring_turn;     /* rings and list take turns */

    /* any thread */
    _Atomic uint32_t in_rings;
    _Atomic uint64_t bytes; /* counted only when bounded */
};

/* ENDING: its owner takes nothing before others have ended (pause_end). LEAVING: somebody waits for its
 * owner's end (pause_leave). RESTING: its owner has no life at present, and will have another. Written
 * by the home worker only. */
enum mbox_ends { MBOX_ENDING = 1, MBOX_LEAVING = 2, MBOX_RESTING = 4 };

/* Two lines of memory, see struct inst: the first is all that a sender elsewhere writes or reads. */
struct mbox {
    struct sched_task task; /* task.word: NOTE | CLOSED | places taken | chain */

    /* any thread */
    _Atomic uint32_t
        capacity; /* set before the first offer; changed only when a cell is used again */
    _Atomic uint32_t uncharged;

    /* only the home worker */
    struct msg *head, *tail;     /* tail: only as long as there is a head */
    _Atomic uint32_t high_water; /* read by anyone, as `spare` */
    _Atomic uint16_t spare;      /* places of the word's count without a message */
    bool from_away; /* something came through the word since spare places were given back */

    /* any thread */
    _Atomic uint8_t ends;             /* enum mbox_ends: what the ends of lives keep it from */
    _Atomic(struct pauser *) waiters; /* changed under the pause graph's lock */
    struct pauser *pausing;           /* what its own actor waits for; under the same lock */
    struct mbox_bounds *bounds;       /* lent; only with MBOX_BOUNDED; constant */
};

void mbox_init(struct mbox *mb, const struct task_ops *ops, struct sched_worker *home,
               uint32_t capacity);
/* The same, closed until mbox_open. */
void mbox_init_shut(struct mbox *mb, const struct task_ops *ops, struct sched_worker *home,
                    uint32_t capacity);
/* Before the first offer. The bounds stay the caller's, as do the rings: to be freed after mbox_close. */
void mbox_bound(struct mbox *mb, struct mbox_bounds *bounds);
/* From now on nobody looks for bounds who does not have them in hand already. [closed] */
static inline void mbox_unbound(struct mbox *mb) {
    atomic_fetch_and_explicit(&mb->capacity, ~MBOX_FLAGS, memory_order_seq_cst);
}

/* Before the first offer. */
static inline void mbox_be_choosy(struct mbox *mb) {
    atomic_fetch_or_explicit(&mb->capacity, MBOX_CHOOSY, memory_order_relaxed);
}
/* Makes a closed mailbox ready for another owner; it stays closed until mbox_open. Senders that still
 * hold the old one may offer afterwards; what they send carries the old uid. */
void mbox_renew(struct mbox *mb, struct sched_worker *home, uint32_t capacity);
void mbox_open(struct mbox *mb);
/* The same; when it is empty, with a place kept for the home, from where the first message is likely to come: it then
 * costs no atomic (I-2). [home worker] */
void mbox_open_here(struct mbox *mb);
/* mbox_renew and mbox_open. */
void mbox_reopen(struct mbox *mb, struct sched_worker *home, uint32_t capacity);
static inline uint32_t mbox_capacity(const struct mbox *mb) {
    return atomic_load_explicit(&mb->capacity, memory_order_relaxed) & ~MBOX_FLAGS;
}
static inline bool mbox_is_bounded(const struct mbox *mb) {
    /* acquire: who sees that there are bounds sees them */
    return atomic_load_explicit(&mb->capacity, memory_order_acquire) & MBOX_BOUNDED;
}
/* One of both. */
static inline bool mbox_is_special(const struct mbox *mb) {
    return atomic_load_explicit(&mb->capacity, memory_order_relaxed) & MBOX_FLAGS;
}
static inline bool mbox_is_choosy(const struct mbox *mb) {
    return atomic_load_explicit(&mb->capacity, memory_order_relaxed) & MBOX_CHOOSY;
}

#define MBOX_PLACE (1ull << 2) /* in task.word: one taken */

/* A message that counts, to be there when a shut mailbox opens: from the only one who knows it as yet. False: there would be
 * no room, and the message stays the caller's. mbox_close gives them back. */
static inline bool mbox_keep(struct mbox *mb, struct msg *m) {
    uint32_t kept = atomic_load_explicit(&mb->high_water, memory_order_relaxed);
    if (kept >= mbox_capacity(mb) || mbox_is_bounded(mb)) {
        return false;
    }
    m->next = NULL;
    *(mb->head ? &mb->tail->next : &mb->head) = m;
    mb->tail = m;
    atomic_store_explicit(&mb->high_water, kept + 1, memory_order_relaxed);
    /* its place at once: who opens it then needs no other line, and who finds it shut leaves the word alone */
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    atomic_store_explicit(&mb->task.word, word + MBOX_PLACE, memory_order_relaxed);
    return true;
}

/* Offers a chain of `count` messages, first to last, all charged or all uncharged. All or nothing.
 * OFFER_TAKEN: they are the mailbox's. Else they stay the caller's: OFFER_FULL: more than `limit`
 * would wait; OFFER_CLOSED. Uncharged ones are never refused as full. [any] */
enum offer mbox_offer(struct mbox *mb, struct msg *first, struct msg *last, uint32_t count,
                      uint32_t limit);
/* The message that would be taken last, when it is of this uncharged kind, nothing else has arrived, and the
 * mailbox is of the caller's worker; else NULL. [any] */
struct msg *mbox_last(const struct mbox *mb, enum msg_kind kind);
/* As mbox_offer up to the capacity, for less: a chain that counts, up to NULL, offered by the home, which is
 * `worker`, to be taken in the usual order into places that it has. False: ask mbox_offer. */
bool mbox_offer_here(struct mbox *mb, struct sched_worker *worker, struct msg *first,
                     struct msg *last, uint32_t count);
/* Offers one uncharged message to an open mailbox; its task is readied later (sched_ready_later).
 * [home worker] */
void mbox_add_later(struct mbox *mb, struct msg *m);
/* How many charged messages would be taken below `limit` now; 0: not one. [any] */
uint32_t mbox_room(const struct mbox *mb, uint32_t limit);
/* Gives back the places kept for the home, so that others find them. [home worker] */
void mbox_give_places(struct mbox *mb);

/* The next message, now the caller's; NULL: empty. [home worker] */
struct msg *mbox_take(struct mbox *mb);
/* The same for less: `head`, when that is a message that counts, of a mailbox that is roomy. */
struct msg *mbox_take_usual(struct mbox *mb);
/* It has no bounds of its own, and may keep one more place. [home worker] */
static inline bool mbox_is_roomy(const struct mbox *mb) {
    return atomic_load_explicit(&mb->spare, memory_order_relaxed) < mb->task.most;
}
/* Nothing is at hand, nothing has come from elsewhere, and no places are to be given back for what did: mbox_take
 * would do nothing. [home worker] */
bool mbox_is_spent(const struct mbox *mb);
/* The same of one without `head` that was roomy. */
bool mbox_is_done(const struct mbox *mb);
/* The first message of this uncharged kind, wherever it stands; NULL: none. [home worker] */
struct msg *mbox_take_kind(struct mbox *mb, enum msg_kind kind);
/* Puts a message taken last back as the first, also when its place is taken meanwhile. [home worker] */
void mbox_untake(struct mbox *mb, struct msg *m);
/* Whether take would give one. [home worker] */
bool mbox_has_message(const struct mbox *mb);
/* Refuses all further offers; returns what was queued, in order, as a chain. [home worker] */
struct msg *mbox_close(struct mbox *mb);
bool mbox_is_closed(const struct mbox *mb);
/* Whether its slot waits for a next life: it is open, and nobody takes. [any] */
static inline bool mbox_is_resting(const struct mbox *mb) {
    return atomic_load_explicit(&mb->ends, memory_order_relaxed) & MBOX_RESTING;
}
/* [home worker] */
static inline void mbox_set_ends(struct mbox *mb, unsigned set, unsigned clear) {
    unsigned before = atomic_load_explicit(&mb->ends, memory_order_relaxed);
    unsigned after = (before & ~clear) | set;
    if (after != before) {
        atomic_store_explicit(&mb->ends, (uint8_t)after, memory_order_relaxed);
    }
}
static inline void mbox_rest(struct mbox *mb, bool resting) {
    mbox_set_ends(mb, resting ? MBOX_RESTING : 0, MBOX_RESTING);
}
/* For task_ops.arrived: takes the chain and clears NOTE in one. [home worker] */
void mbox_arrived(struct mbox *mb);

/* Somebody waits for room; seq_cst: as in pause.c. [any] */
static inline bool mbox_has_waiters(const struct mbox *mb) {
    return atomic_load_explicit(&mb->waiters, memory_order_seq_cst) != NULL;
}

/* Asks for an activation of the task; nothing when the mailbox is closed, so that after the close no
 * inbox gets hold of the task again. [any] */
void mbox_poke(struct mbox *mb);
/* Whether the task is linked into an inbox (T-3): its memory must stay. [home worker, closed] */
static inline bool mbox_is_noted(const struct mbox *mb) {
    return atomic_load_explicit(&mb->task.word, memory_order_acquire) & TASK_NOTE;
}

/* Accepted and not yet taken, of all kinds. [any] */
uint32_t mbox_depth(const struct mbox *mb);
/* The greatest depth, of all kinds, as the home saw it whenever it took or got some; never below the
 * depth (PD-6). [any] */
uint32_t mbox_high_water(const struct mbox *mb);

/* A drop_oldest port's ring: beside the list, under a lock of its own. Order per port (MB-1). */
struct mbox_ring {
    pthread_mutex_t lock;
    uint16_t port;
    uint32_t capacity;
    struct msg *head, *tail; /* under lock */
    uint32_t count;          /* under lock */
};
void mbox_ring_init(struct mbox_ring *ring, uint16_t port, uint32_t capacity);
void mbox_ring_fini(struct mbox_ring *ring);
/* The ring of a port, or NULL. */
struct mbox_ring *mbox_ring_find(const struct mbox *mb, uint16_t port);
/* Adds a message; *ret_evicted gets the oldest when it had to make room, else NULL: the caller frees
 * and counts it. OFFER_CLOSED: m stays the caller's. [any] */
enum offer mbox_ring_offer(struct mbox *mb, struct mbox_ring *ring, struct msg *m,
                           struct msg **ret_evicted);
/* For mbox.c: the next of the rings' messages, which take turns; NULL: there is none. [home worker] */
struct msg *mbox_ring_take(struct mbox *mb);
