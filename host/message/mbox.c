/* The mailbox: a private list and one atomic word. */
#include "message/mbox.h"

#include <assert.h>
#include <stddef.h>

/* The word. Blocks are aligned to 64 bytes and lie below 2^48, so 42 bits name one. */
#define WORD_CLOSED 2ull
#define COUNT_SHIFT 2
#define COUNT_ONE (1ull << COUNT_SHIFT)
#define COUNT_MASK (((1ull << 20) - 1) << COUNT_SHIFT)
#define CHAIN_SHIFT 22

static inline struct msg *word_chain(uint64_t word) {
    return (struct msg *)(uintptr_t)(word >> CHAIN_SHIFT << 6);
}
static inline uint64_t chain_word(const struct msg *first) {
    assert(((uintptr_t)first & 63) == 0 && (uintptr_t)first >> 48 == 0);
    return (uint64_t)(uintptr_t)first >> 6 << CHAIN_SHIFT;
}
static inline uint32_t word_count(uint64_t word) {
    return (uint32_t)((word & COUNT_MASK) >> COUNT_SHIFT);
}

void mbox_init(struct mbox *mb, const struct task_ops *ops, struct sched_worker *home,
               uint32_t capacity, uint64_t bytes_max) {
    *mb = (struct mbox){.bytes_max = bytes_max};
    atomic_store_explicit(&mb->capacity, capacity, memory_order_relaxed);
    task_init(&mb->task, ops, home);
}

void mbox_reopen(struct mbox *mb, struct sched_worker *home, uint32_t capacity) {
    struct sched_task *task = &mb->task;
    task->cost_ns = 0;
    task->queued = false;
    task->pull = 0;
    mb->ring_turn = false;
    atomic_store_explicit(&mb->capacity, capacity, memory_order_relaxed);
    atomic_store_explicit(&mb->high_water, 0, memory_order_relaxed);
    atomic_store_explicit(&task->home, home, memory_order_relaxed);
    /* release: who finds it open finds the rest */
    atomic_store_explicit(&task->word, 0, memory_order_release);
}

static inline uint32_t charged_now(const struct mbox *mb) {
    return atomic_load_explicit(&mb->charged, memory_order_relaxed);
}

static inline void set_charged(struct mbox *mb, uint32_t count) {
    atomic_store_explicit(&mb->charged, count, memory_order_relaxed);
}

static inline void note_high_water(struct mbox *mb, uint32_t depth) {
    if (depth > atomic_load_explicit(&mb->high_water, memory_order_relaxed)) {
        atomic_store_explicit(&mb->high_water, depth, memory_order_relaxed);
    }
}

static void append(struct mbox *mb, struct msg *first, struct msg *last) {
    last->next = NULL;
    if (mb->tail) {
        mb->tail->next = first;
    } else {
        mb->head = first;
    }
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

/* Moves the word's chain into the list, keeping the flags in `keep`. */
static void collect(struct mbox *mb, uint64_t keep) {
    uint32_t before = charged_now(mb);
    /* acquire: pairs with the release of the senders; their writes into the messages are seen */
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_acquire);
    do {
        /* I-2: the list's count grows before the word's shrinks, so that a sender who reads both sees
         * too much for a moment, never too little. */
        set_charged(mb, before + word_count(word));
    } while (!atomic_compare_exchange_weak_explicit(&mb->task.word, &word, word & keep,
                                                    memory_order_acq_rel, memory_order_acquire));
    append_batches(mb, word_chain(word));
    note_high_water(mb, charged_now(mb));
}

void mbox_arrived(struct mbox *mb) {
    collect(mb, WORD_CLOSED);
}

static void collect_some(struct mbox *mb) {
    if (word_chain(atomic_load_explicit(&mb->task.word, memory_order_relaxed))) {
        collect(mb, WORD_CLOSED | TASK_NOTE);
    }
}

static enum offer offer_home(struct mbox *mb, struct msg *first, struct msg *last, uint32_t count,
                             uint32_t limit) {
    if (mbox_is_closed(mb)) {
        return OFFER_CLOSED;
    }
    collect_some(mb); /* I-1 */
    if (msg_is_charged(first)) {
        uint32_t charged = charged_now(mb);
        if (charged + count > limit) {
            return OFFER_FULL;
        }
        set_charged(mb, charged + count);
        note_high_water(mb, charged + count);
    } else {
        atomic_fetch_add_explicit(&mb->uncharged, count, memory_order_relaxed);
    }
    append(mb, first, last);
    sched_ready(&mb->task);
    return OFFER_TAKEN;
}

static enum offer offer_away(struct mbox *mb, struct msg *first, struct msg *last, uint32_t count,
                             uint32_t limit) {
    uint32_t charge = msg_is_charged(first) ? count : 0;
    if (!charge) {
        atomic_fetch_add_explicit(&mb->uncharged, count, memory_order_relaxed);
    }
    first->last = last;
    /* acquire: with a closed word, what the closer wrote before is seen */
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_acquire);
    uint64_t mine;
    do {
        bool full = charge && word_count(word) + charged_now(mb) + charge > limit;
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

static enum offer offer_any(struct mbox *mb, struct msg *first, struct msg *last, uint32_t count,
                            uint32_t limit) {
    /* T-2: whoever reads its own worker here is on the home's thread, and it stays the home */
    struct sched_worker *home = atomic_load_explicit(&mb->task.home, memory_order_acquire);
    return home == sched_current() ? offer_home(mb, first, last, count, limit)
                                   : offer_away(mb, first, last, count, limit);
}

enum offer mbox_offer(struct mbox *mb, struct msg *first, struct msg *last, uint32_t count,
                      uint32_t limit) {
    if (mb->bytes_max == 0 || !msg_is_charged(first)) {
        return offer_any(mb, first, last, count, limit);
    }
    uint64_t bytes = chain_bytes(first);
    uint64_t before = atomic_fetch_add_explicit(&mb->bytes, bytes, memory_order_relaxed);
    enum offer result = OFFER_FULL;
    /* One message is let in below the bound whatever its size, as mbox_room says: else it would wait
     * for ever. */
    if (before < mb->bytes_max && (before + bytes <= mb->bytes_max || count == 1)) {
        result = offer_any(mb, first, last, count, limit);
    }
    if (result != OFFER_TAKEN) {
        atomic_fetch_sub_explicit(&mb->bytes, bytes, memory_order_relaxed);
    }
    return result;
}

uint32_t mbox_room(const struct mbox *mb, uint32_t limit) {
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    uint32_t charged = word_count(word) + charged_now(mb);
    bool bytes_full =
        mb->bytes_max && atomic_load_explicit(&mb->bytes, memory_order_relaxed) >= mb->bytes_max;
    return charged >= limit || bytes_full ? 0 : limit - charged;
}

static struct msg *ring_take(struct mbox *mb) {
    for (uint16_t i = 0; i < mb->ring_count; i++) {
        struct mbox_ring *ring = &mb->rings[i];
        pthread_mutex_lock(&ring->lock);
        struct msg *m = ring->head;
        if (m) {
            ring->head = m->next;
            ring->count--;
            if (!ring->head) {
                ring->tail = NULL;
            }
        }
        pthread_mutex_unlock(&ring->lock);
        if (m) {
            atomic_fetch_sub_explicit(&mb->in_rings, 1, memory_order_relaxed);
            return m;
        }
    }
    return NULL;
}

static struct msg *list_take(struct mbox *mb) {
    if (!mb->head) {
        collect_some(mb);
    }
    struct msg *m = mb->head;
    if (!m) {
        return NULL;
    }
    mb->head = m->next;
    if (!mb->head) {
        mb->tail = NULL;
    }
    if (!msg_is_charged(m)) {
        atomic_fetch_sub_explicit(&mb->uncharged, 1, memory_order_relaxed);
        return m;
    }
    set_charged(mb, charged_now(mb) - 1);
    if (mb->bytes_max) {
        atomic_fetch_sub_explicit(&mb->bytes, msg_block_size(m), memory_order_relaxed);
    }
    return m;
}

struct msg *mbox_take(struct mbox *mb) {
    if (mb->ring_count == 0) {
        return list_take(mb);
    }
    mb->ring_turn = !mb->ring_turn;
    struct msg *m = mb->ring_turn ? ring_take(mb) : list_take(mb);
    if (!m) {
        m = mb->ring_turn ? list_take(mb) : ring_take(mb);
    }
    return m;
}

void mbox_untake(struct mbox *mb, struct msg *m) {
    m->next = mb->head;
    mb->head = m;
    if (!mb->tail) {
        mb->tail = m;
    }
    if (msg_is_charged(m)) {
        set_charged(mb, charged_now(mb) + 1);
        if (mb->bytes_max) {
            atomic_fetch_add_explicit(&mb->bytes, msg_block_size(m), memory_order_relaxed);
        }
    } else {
        atomic_fetch_add_explicit(&mb->uncharged, 1, memory_order_relaxed);
    }
}

bool mbox_has_message(const struct mbox *mb) {
    return mb->head || word_chain(atomic_load_explicit(&mb->task.word, memory_order_relaxed)) ||
           (mb->ring_count && atomic_load_explicit(&mb->in_rings, memory_order_relaxed));
}

bool mbox_is_closed(const struct mbox *mb) {
    return atomic_load_explicit(&mb->task.word, memory_order_relaxed) & WORD_CLOSED;
}

struct msg *mbox_close(struct mbox *mb) {
    /* release: pairs with the acquire of a sender that is refused */
    atomic_fetch_or_explicit(&mb->task.word, WORD_CLOSED, memory_order_acq_rel);
    collect(mb, WORD_CLOSED | TASK_NOTE);
    for (struct msg *m = ring_take(mb); m; m = ring_take(mb)) {
        append(mb, m, m);
    }
    struct msg *queued = mb->head;
    mb->head = NULL;
    mb->tail = NULL;
    set_charged(mb, 0);
    atomic_store_explicit(&mb->uncharged, 0, memory_order_relaxed);
    atomic_store_explicit(&mb->bytes, 0, memory_order_relaxed);
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
        if (word & (WORD_CLOSED | TASK_NOTE)) {
            break;
        }
        /* release: what the caller wrote before is seen by the activation it asks for */
    } while (!atomic_compare_exchange_weak_explicit(&mb->task.word, &word, word | TASK_NOTE,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if (!(word & (WORD_CLOSED | TASK_NOTE))) {
        sched_notify(&mb->task);
    }
}

bool mbox_is_noted(const struct mbox *mb) {
    return atomic_load_explicit(&mb->task.word, memory_order_acquire) & TASK_NOTE;
}

uint32_t mbox_depth(const struct mbox *mb) {
    uint64_t word = atomic_load_explicit(&mb->task.word, memory_order_relaxed);
    return word_count(word) + charged_now(mb) +
           atomic_load_explicit(&mb->uncharged, memory_order_relaxed) +
           atomic_load_explicit(&mb->in_rings, memory_order_relaxed);
}

void mbox_ring_init(struct mbox_ring *ring, uint16_t port, uint32_t capacity) {
    *ring = (struct mbox_ring){.port = port, .capacity = capacity};
    pthread_mutex_init(&ring->lock, NULL);
}

void mbox_ring_fini(struct mbox_ring *ring) {
    assert(!ring->head);
    pthread_mutex_destroy(&ring->lock);
}

struct mbox_ring *mbox_ring_find(const struct mbox *mb, uint16_t port) {
    for (uint16_t i = 0; i < mb->ring_count; i++) {
        if (mb->rings[i].port == port) {
            return &mb->rings[i];
        }
    }
    return NULL;
}

enum offer mbox_ring_offer(struct mbox *mb, struct mbox_ring *ring, struct msg *m,
                           struct msg **ret_evicted) {
    struct msg *evicted = NULL;
    pthread_mutex_lock(&ring->lock);
    /* under the ring's lock: mbox_close sets CLOSED before it empties the ring, so either we see it or
     * it sees our message */
    if (mbox_is_closed(mb)) {
        pthread_mutex_unlock(&ring->lock);
        return OFFER_CLOSED;
    }
    if (ring->count == ring->capacity) {
        evicted = ring->head;
        ring->head = evicted->next;
        ring->count--;
    } else {
        atomic_fetch_add_explicit(&mb->in_rings, 1, memory_order_relaxed);
    }
    m->next = NULL;
    if (ring->head) {
        ring->tail->next = m;
    } else {
        ring->head = m;
    }
    ring->tail = m;
    ring->count++;
    pthread_mutex_unlock(&ring->lock);
    *ret_evicted = evicted;
    mbox_poke(mb);
    return OFFER_TAKEN;
}
