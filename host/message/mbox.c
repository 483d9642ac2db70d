/* The mailbox: a private list and one atomic word. */
#include "message/mbox.h"

#include <assert.h>
#include <stddef.h>

#include "base/forget.h"
#include "base/hot.h"
#include "base/prefetch.h"

/* The word. Blocks are aligned to 64 bytes and lie below 2^48, so 42 bits name one. */
#define WORD_CLOSED 2ull
#define COUNT_ONE MBOX_PLACE
#define COUNT_MASK (((1ull << 20) - 1) * COUNT_ONE)
#define CHAIN_SHIFT 22

static inline struct msg *word_chain(uint64_t word) {
    return (struct msg *)(uintptr_t)(word >> CHAIN_SHIFT << 6);
}
static inline uint64_t chain_word(const struct msg *first) {
    assert(((uintptr_t)first & 63) == 0 && (uintptr_t)first >> 48 == 0);
    return (uint64_t)(uintptr_t)first >> 6 << CHAIN_SHIFT;
}
static inline uint32_t word_count(uint64_t word) {
    return (uint32_t)((word & COUNT_MASK) / COUNT_ONE);
}

/* task.most: how many spare places may be kept; of a mailbox that has bounds, none. */
static uint16_t spare_most(uint32_t capacity) {
    return capacity & MBOX_BOUNDED ? 0 : (uint16_t)((capacity & ~MBOX_FLAGS) / 16);
}
_Static_assert(MBOX_CAPACITY_MAX / 16 < UINT16_MAX, "what may be kept, and one more, fits");

void mbox_init(struct mbox *mb, const struct task_ops *ops, struct sched_worker *home,
               uint32_t capacity) {
    *mb = (struct mbox){0};
    atomic_store_explicit(&mb->capacity, capacity, memory_order_relaxed);
    task_init(&mb->task, ops, home);
    mb->task.most = spare_most(capacity);
}

void mbox_init_shut(struct mbox *mb, const struct task_ops *ops, struct sched_worker *home,
                    uint32_t capacity) {
    mbox_init(mb, ops, home, capacity);
    /* relaxed: nobody knows it yet */
    atomic_store_explicit(&mb->task.word, WORD_CLOSED, memory_order_relaxed);
}

void mbox_bound(struct mbox *mb, struct mbox_bounds *bounds) {
    mb->bounds = bounds;
    mb->task.most = 0;
    /* release: pairs with mbox_is_bounded; a sender that found who had the memory before may look */
    atomic_fetch_or_explicit(&mb->capacity, MBOX_BOUNDED, memory_order_release);
}

void mbox_renew(struct mbox *mb, struct sched_worker *home, uint32_t capacity) {
    struct sched_task *task = &mb->task;
    task->cost_ns = 0;
    task->queued = false;
    task->pull = 0;
    mb->from_away = false;
    capacity |= mb->bounds ? MBOX_BOUNDED : 0;
    task->most = spare_most(capacity);
    atomic_store_explicit(&mb->capacity, capacity, memory_order_relaxed);
    atomic_store_explicit(&mb->high_water, 0, memory_order_relaxed);
    atomic_store_explicit(&mb->ends, 0, memory_order_relaxed);
    atomic_store_explicit(&task->home, home, memory_order_relaxed);
}

void mbox_open(struct mbox *mb) {
    /* release: who finds it open finds the rest */
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    atomic_store_explicit(&mb->task.word, word & COUNT_MASK, memory_order_release);
}

void mbox_reopen(struct mbox *mb, struct sched_worker *home, uint32_t capacity) {
    mbox_renew(mb, home, capacity);
    mbox_open(mb);
}

static inline uint32_t spare_now(const struct mbox *mb) {
    return atomic_load_explicit(&mb->spare, memory_order_relaxed);
}

static inline void set_spare(struct mbox *mb, uint32_t count) {
    /* release: pairs with mbox_depth; who sees a message gone sees that its taker runs */
    atomic_store_explicit(&mb->spare, (uint16_t)count, memory_order_release);
}
static inline void change_spare(struct mbox *mb, uint32_t count) {
    atomic_signal_fence(memory_order_release); /* as in set_spare, but added by one instruction */
    count_add_16(&mb->spare, (uint16_t)count);
}

static inline uint32_t in_rings_now(const struct mbox *mb) {
    /* relaxed: who adds to a ring pokes afterwards */
    return mbox_is_bounded(mb) ? atomic_load_explicit(&mb->bounds->in_rings, memory_order_relaxed)
                               : 0;
}

static inline uint64_t bytes_max(const struct mbox *mb) {
    return mbox_is_bounded(mb) ? mb->bounds->bytes_max : 0;
}

void mbox_open_here(struct mbox *mb) {
    uint64_t kept = atomic_load_explicit(&mb->task.word, memory_order_relaxed) & COUNT_MASK;
    if (!kept && mb->task.most > 0) {
        atomic_store_explicit(&mb->spare, 1, memory_order_relaxed);
        kept = COUNT_ONE;
    }
    atomic_store_explicit(&mb->task.word, kept, memory_order_release);
}

/* `charged` of the depth; what takes no room is part of it too (PD-6). */
static inline void note_high_water(struct mbox *mb, uint32_t charged) {
    uint32_t depth =
        charged + atomic_load_explicit(&mb->uncharged, memory_order_relaxed) + in_rings_now(mb);
    if (depth > atomic_load_explicit(&mb->high_water, memory_order_relaxed)) {
        atomic_store_explicit(&mb->high_water, depth, memory_order_relaxed);
    }
}

/* Without a branch: whether somebody has messages already to whom many send, nobody can foretell. */
static inline void append(struct mbox *mb, struct msg *first, struct msg *last) {
    struct msg *tail = mb->tail;
    FORGET(tail); /* else it is read only where there is a head: by a branch */
    struct msg **end = mb->head ? &tail->next : &mb->head;
    last->next = NULL;
    *end = first;
    mb->tail = last;
}

/* The word holds batches, newest first; each first message knows its batch's last. */
static void append_batches(struct mbox *mb, struct msg *newest) {
    struct msg *list = NULL;
    struct msg *list_last = NULL;
    while (newest) {
        struct msg *last = newest->last;
        struct msg *older = last->next;
        last->next = list;
        if (!list) {
            list_last = last;
        }
        list = newest;
        newest = older;
    }
    if (list) {
        append(mb, list, list_last);
    }
}

/* Moves the word's chain into the list, keeping the flags in `keep`; gives back spare places. */
HOT __attribute__((noinline)) static void collect(struct mbox *mb, uint64_t keep) {
    uint64_t spare = spare_now(mb);
    /* acquire: pairs with the release of the senders; their writes into the messages are seen */
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_acquire);
    uint64_t after;
    prefetch_to_write(word_chain(word)); /* while the exchange below waits for this line */
    set_spare(
        mb,
        0); /* before the count shrinks: mbox_depth sees too much for a moment, not too little */
    do {
        after = ((word & COUNT_MASK) - spare * COUNT_ONE) | (word & keep);
    } while (!atomic_compare_exchange_weak_explicit(&mb->task.word, &word, after,
                                                    memory_order_acq_rel, memory_order_acquire));
    if (word_chain(word)) {
        append_batches(mb, word_chain(word));
        mb->from_away = true;
        note_high_water(mb, word_count(after));
    }
}

HOT void mbox_arrived(struct mbox *mb) {
    collect(mb, WORD_CLOSED);
}

static void collect_some(struct mbox *mb) {
    if (word_chain(atomic_load_explicit(&mb->task.word, memory_order_relaxed))) {
        collect(mb, WORD_CLOSED | TASK_NOTE);
    }
}

__attribute__((noinline)) void mbox_give_places(struct mbox *mb) {
    uint64_t spare = spare_now(mb);
    if (spare > 0) {
        set_spare(mb, 0);
        /* release: pairs with the acquire in mbox_depth */
        atomic_fetch_sub_explicit(&mb->task.word, spare * COUNT_ONE, memory_order_release);
    }
}

/* Charged messages, all that have arrived. [home worker] */
static uint32_t charged_now(const struct mbox *mb) {
    return word_count(atomic_load_explicit(&mb->task.word, memory_order_relaxed)) - spare_now(mb);
}

/* A place for each of `count` messages of the home's own; false: full. `word` was read just now. */
static inline bool take_places(struct mbox *mb, uint64_t word, uint32_t count, uint32_t limit) {
    uint32_t spare = spare_now(mb);
    uint32_t more = count > spare ? count - spare : 0;
    do {
        if (word_count(word) - spare + count > limit) {
            return false;
        }
        /* relaxed: nothing but the count is told */
    } while (more &&
             !atomic_compare_exchange_weak_explicit(&mb->task.word, &word, word + more * COUNT_ONE,
                                                    memory_order_relaxed, memory_order_relaxed));
    set_spare(mb, spare + more - count);
    note_high_water(mb, word_count(word) - spare + count);
    return true;
}

static void free_place(struct mbox *mb) {
    uint32_t spare = spare_now(mb) + 1;
    set_spare(mb, spare);
    if (spare > mb->task.most) {
        mbox_give_places(mb);
    }
}

static enum offer offer_home(struct mbox *mb, struct msg *first, struct msg *last, uint32_t count,
                             uint32_t limit) {
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    if (word & WORD_CLOSED) { /* the home's own doing: no order to keep */
        return OFFER_CLOSED;
    }
    if (word_chain(word)) {
        collect(mb, TASK_NOTE); /* I-1 */
        word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    }
    if (!msg_is_charged(first)) {
        atomic_fetch_add_explicit(&mb->uncharged, count, memory_order_relaxed);
        note_high_water(mb, charged_now(mb));
    } else if (!take_places(mb, word, count, limit)) {
        return OFFER_FULL;
    }
    append(mb, first, last);
    sched_ready(&mb->task);
    return OFFER_TAKEN;
}

/* All that may be in the word of a mailbox that is open and has got nothing from elsewhere. */
#define WORD_USUAL (COUNT_MASK | TASK_NOTE)

bool mbox_offer_here(struct mbox *mb, struct sched_worker *worker, struct msg *first,
                     struct msg *last, uint32_t count) {
    if (atomic_load_explicit(&mb->task.home, memory_order_relaxed) != worker) {
        return false;
    }
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    uint32_t spare = spare_now(mb);
    uint32_t charged = (uint32_t)word / COUNT_ONE - spare + count;
    /* with bounds of its own the capacity is negative; read behind the rest, for want of registers */
    if (word & ~WORD_USUAL || spare < count ||
        (int32_t)charged >
            (int32_t)(atomic_load_explicit(&mb->capacity, memory_order_relaxed) & ~MBOX_CHOOSY)) {
        return false;
    }
    change_spare(mb, -count);
    uint32_t depth = charged + atomic_load_explicit(&mb->uncharged, memory_order_relaxed);
    if (depth > atomic_load_explicit(&mb->high_water, memory_order_relaxed)) {
        atomic_store_explicit(&mb->high_water, depth, memory_order_relaxed);
    }
    append(mb, first, last);
    sched_ready_here(worker, &mb->task);
    return true;
}

/* Not inlined, so that the common path needs little stack of its own. */
HOT __attribute__((noinline)) static enum offer
offer_away(struct mbox *mb, struct msg *first, struct msg *last, uint32_t count, uint32_t limit) {
    uint32_t charge = msg_is_charged(first) ? count : 0;
    if (!charge) {
        atomic_fetch_add_explicit(&mb->uncharged, count, memory_order_relaxed);
    }
    first->last = last;
    /* acquire: with a closed word, what the closer wrote before is seen */
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_acquire);
    uint64_t mine;
    do {
        bool full = charge && word_count(word) + charge > limit;
        if (word & WORD_CLOSED || full) {
            if (!charge) {
                atomic_fetch_sub_explicit(&mb->uncharged, count, memory_order_relaxed);
            }
            last->next = NULL;
            return word & WORD_CLOSED ? OFFER_CLOSED : OFFER_FULL;
        }
        last->next = word_chain(word);
        mine = chain_word(first) | ((word & COUNT_MASK) + charge * COUNT_ONE) | TASK_NOTE;
        /* release: pairs with the acquire in collect */
    } while (!atomic_compare_exchange_weak_explicit(&mb->task.word, &word, mine,
                                                    memory_order_acq_rel, memory_order_acquire));
    if (!(word & TASK_NOTE)) {
        sched_notify(&mb->task);
    }
    return OFFER_TAKEN;
}

static uint64_t chain_bytes(const struct msg *m) {
    uint64_t bytes = 0;
    for (; m; m = m->next) {
        bytes += msg_block_size(m);
    }
    return bytes;
}

static inline enum offer offer_any(struct mbox *mb, struct msg *first, struct msg *last,
                                   uint32_t count, uint32_t limit) {
    /* T-2: whoever reads its own worker here is on the home's thread, and it stays the home */
    struct sched_worker *home = atomic_load_explicit(&mb->task.home, memory_order_acquire);
    return home == sched_current() ? offer_home(mb, first, last, count, limit)
                                   : offer_away(mb, first, last, count, limit);
}

/* The bound in bytes that goes with a limit: as much above its usual one. */
static uint64_t bytes_limit(const struct mbox *mb, uint32_t limit) {
    uint64_t bytes;
    if (limit <= mbox_capacity(mb)) {
        return mb->bounds->bytes_max;
    }
    return __builtin_mul_overflow(mb->bounds->bytes_max, MBOX_HARD_FACTOR, &bytes) ? UINT64_MAX
                                                                                   : bytes;
}

__attribute__((noinline)) static enum offer offer_bounded(struct mbox *mb, struct msg *first,
                                                          struct msg *last, uint32_t count,
                                                          uint32_t limit) {
    uint64_t bytes = chain_bytes(first);
    uint64_t most = bytes_limit(mb, limit);
    uint64_t before = atomic_fetch_add_explicit(&mb->bounds->bytes, bytes, memory_order_relaxed);
    enum offer result = OFFER_FULL;
    /* One message is let in below the bound whatever its size, as mbox_room says: else it would wait
     * for ever. */
    if (before < most && (before + bytes <= most || count == 1)) {
        result = offer_any(mb, first, last, count, limit);
    } else if (mbox_is_closed(mb)) {
        result = OFFER_CLOSED;
    }
    if (result != OFFER_TAKEN) {
        /* seq_cst: who began to wait because of these bytes either is seen here or sees them gone;
         * pairs with pause_wait and mbox_room */
        atomic_fetch_sub_explicit(&mb->bounds->bytes, bytes, memory_order_seq_cst);
        if (atomic_load_explicit(&mb->waiters, memory_order_seq_cst)) {
            mbox_poke(mb);
        }
    }
    return result;
}

HOT enum offer mbox_offer(struct mbox *mb, struct msg *first, struct msg *last, uint32_t count,
                          uint32_t limit) {
    return __builtin_expect(!mbox_is_bounded(mb), 1) || !msg_is_charged(first) || bytes_max(mb) == 0
               ? offer_any(mb, first, last, count, limit)
               : offer_bounded(mb, first, last, count, limit);
}

struct msg *mbox_last(const struct mbox *mb, enum msg_kind kind) {
    bool is_last = atomic_load_explicit(&mb->task.home, memory_order_acquire) == sched_current() &&
                   mb->head && mb->tail->kind == kind &&
                   !word_chain(atomic_load_explicit(&mb->task.word, memory_order_relaxed));
    return is_last ? mb->tail : NULL;
}

void mbox_add_later(struct mbox *mb, struct msg *m) {
    assert(!msg_is_charged(m));
    if (word_chain(atomic_load_explicit(&mb->task.word, memory_order_relaxed))) {
        collect(mb, TASK_NOTE); /* I-1 */
    }
    atomic_fetch_add_explicit(&mb->uncharged, 1, memory_order_relaxed);
    note_high_water(mb, charged_now(mb));
    append(mb, m, m);
    sched_ready_later(&mb->task);
}

uint32_t mbox_room(const struct mbox *mb, uint32_t limit) {
    uint32_t taken = word_count(atomic_load_explicit(&mb->task.word, memory_order_relaxed));
    if (atomic_load_explicit(&mb->task.home, memory_order_acquire) == sched_current()) {
        taken -= spare_now(mb);
    }
    if (bytes_max(mb) &&
        atomic_load_explicit(&mb->bounds->bytes, memory_order_seq_cst) >= bytes_limit(mb, limit)) {
        return 0;
    }
    return taken >= limit ? 0 : limit - taken;
}

/* The list is empty: what has come from elsewhere meanwhile. */
static inline struct msg *refill(struct mbox *mb) {
    collect_some(mb);
    if (!mb->head && mb->from_away) {
        mb->from_away = false;
        mbox_give_places(mb);
    }
    return mb->head;
}

static inline struct msg *list_take(struct mbox *mb) {
    struct msg *m = mb->head ? mb->head : refill(mb);
    if (!m) {
        return NULL;
    }
    mb->head = m->next;
    if (!msg_is_charged(m)) {
        atomic_fetch_sub_explicit(&mb->uncharged, 1, memory_order_release);
        return m;
    }
    free_place(mb);
    return m;
}

struct msg *mbox_take_usual(struct mbox *mb) {
    struct msg *m = mb->head;
    mb->head = m->next;
    change_spare(mb, 1);
    return m;
}

bool mbox_is_done(const struct mbox *mb) {
    return word_chain(atomic_load_explicit(&mb->task.word, memory_order_relaxed)) == NULL &&
           !mb->from_away;
}

bool mbox_is_spent(const struct mbox *mb) {
    return !mb->head && mbox_is_done(mb) && !mbox_is_bounded(mb);
}

static struct msg *list_take_bytes(struct mbox *mb) {
    struct msg *m = list_take(mb);
    if (m && msg_is_charged(m) && bytes_max(mb)) {
        atomic_fetch_sub_explicit(&mb->bounds->bytes, msg_block_size(m), memory_order_relaxed);
    }
    return m;
}

__attribute__((noinline)) static struct msg *take_bounded(struct mbox *mb) {
    struct mbox_bounds *bounds = mb->bounds;
    if (in_rings_now(mb) == 0) {
        return list_take_bytes(mb);
    }
    note_high_water(mb, charged_now(mb)); /* rings fill without the home */
    /* MB-3: what a child sent through a ring comes before its end in the list */
    if (!mb->head) {
        collect_some(mb);
    }
    bounds->ring_turn = !bounds->ring_turn || (mb->head && mb->head->kind == MSG_ENDED);
    struct msg *m = bounds->ring_turn ? mbox_ring_take(mb) : list_take_bytes(mb);
    if (!m) {
        m = bounds->ring_turn ? list_take_bytes(mb) : mbox_ring_take(mb);
    }
    return m;
}

struct msg *mbox_take(struct mbox *mb) {
    return mbox_is_bounded(mb) ? take_bounded(mb) : list_take(mb);
}

struct msg *mbox_take_kind(struct mbox *mb, enum msg_kind kind) {
    collect_some(mb);
    struct msg *before = NULL;
    struct msg *m = mb->head;
    while (m && m->kind != kind) {
        before = m;
        m = m->next;
    }
    if (!m) {
        return NULL;
    }
    if (before) {
        before->next = m->next;
    } else {
        mb->head = m->next;
    }
    if (mb->tail == m) {
        mb->tail = before;
    }
    atomic_fetch_sub_explicit(&mb->uncharged, 1, memory_order_release);
    return m;
}

void mbox_untake(struct mbox *mb, struct msg *m) {
    m->next = mb->head;
    if (!mb->head) {
        mb->tail = m;
    }
    mb->head = m;
    if (mbox_is_bounded(mb)) {
        mb->bounds->ring_turn = true; /* the list's comes next: it may be one of a ring */
    }
    if (!msg_is_charged(m)) {
        atomic_fetch_add_explicit(&mb->uncharged, 1, memory_order_relaxed);
        return;
    }
    uint32_t spare = spare_now(mb);
    if (spare > 0) {
        set_spare(mb, spare - 1);
    } else {
        atomic_fetch_add_explicit(&mb->task.word, COUNT_ONE, memory_order_relaxed);
    }
    if (bytes_max(mb)) {
        atomic_fetch_add_explicit(&mb->bounds->bytes, msg_block_size(m), memory_order_relaxed);
    }
}

bool mbox_has_message(const struct mbox *mb) {
    return mb->head || word_chain(atomic_load_explicit(&mb->task.word, memory_order_relaxed)) ||
           in_rings_now(mb);
}

bool mbox_is_closed(const struct mbox *mb) {
    /* seq_cst: pairs with mbox_close; see pause_wait */
    return atomic_load_explicit(&mb->task.word, memory_order_seq_cst) & WORD_CLOSED;
}

/* What the list held no longer counts. Only what is in it: a sender that is being refused takes back
 * by itself what it had added. */
static void uncount_list(struct mbox *mb) {
    bool has_bytes = bytes_max(mb) != 0;
    uint32_t uncharged = 0;
    uint64_t bytes = 0;
    for (const struct msg *m = mb->head; m; m = m->next) {
        if (msg_is_charged(m)) {
            bytes += has_bytes ? msg_block_size(m) : 0;
        } else {
            uncharged++;
        }
    }
    if (uncharged > 0) {
        atomic_fetch_sub_explicit(&mb->uncharged, uncharged, memory_order_relaxed);
    }
    if (bytes > 0) {
        atomic_fetch_sub_explicit(&mb->bounds->bytes, bytes, memory_order_relaxed);
    }
}

struct msg *mbox_close(struct mbox *mb) {
    uint32_t spare = spare_now(mb);
    set_spare(mb, 0);
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    /* release: pairs with the acquire of a sender that is refused, acquire: with the release of those that
     * were not; seq_cst: with pause_wait */
    while (!atomic_compare_exchange_weak_explicit(&mb->task.word, &word,
                                                  (word & TASK_NOTE) | WORD_CLOSED,
                                                  memory_order_seq_cst, memory_order_relaxed)) {
    }
    if (word_chain(word)) {
        append_batches(mb, word_chain(word));
        note_high_water(mb, word_count(word) - spare);
    }
    if (mb->head) {
        uncount_list(mb);
    }
    if (mbox_is_bounded(mb)) {
        for (struct msg *m = mbox_ring_take(mb); m; m = mbox_ring_take(mb)) {
            append(mb, m, m);
        }
    }
    struct msg *queued = mb->head;
    mb->head = NULL;
    return queued;
}

void mbox_poke(struct mbox *mb) {
    if (atomic_load_explicit(&mb->task.home, memory_order_acquire) == sched_current()) {
        if (!mbox_is_closed(mb)) {
            sched_ready(&mb->task);
        }
        return;
    }
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    do {
        if (word & WORD_CLOSED) {
            return;
        }
        /* release: what the caller wrote before is seen by the activation it asks for; so also when
         * NOTE is set already, else that activation might just have begun */
    } while (!atomic_compare_exchange_weak_explicit(&mb->task.word, &word, word | TASK_NOTE,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if (!(word & TASK_NOTE)) {
        sched_notify(&mb->task);
    }
}

uint32_t mbox_depth(const struct mbox *mb) {
    /* acquire: with the count that spare places were taken off, `spare` is seen without them */
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_acquire);
    uint32_t taken = word & WORD_CLOSED ? 0 : word_count(word); /* what is kept is not there yet */
    uint32_t spare = atomic_load_explicit(&mb->spare, memory_order_acquire);
    return (taken > spare ? taken - spare : 0) +
           atomic_load_explicit(&mb->uncharged, memory_order_acquire) +
           (mbox_is_bounded(mb) ? atomic_load_explicit(&mb->bounds->in_rings, memory_order_acquire)
                                : 0);
}

uint32_t mbox_high_water(const struct mbox *mb) {
    uint32_t depth = mbox_depth(mb);
    uint32_t high = atomic_load_explicit(&mb->high_water, memory_order_relaxed);
    return high > depth ? high : depth;
}
