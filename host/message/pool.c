/* Per-worker pools of message blocks. */
#include "message/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/count.h"
#include "base/hot.h"
#include "base/prefetch.h"

#define CLASS_COUNT 7u /* 64 << 0 ... 64 << 6 */
#define CLASS_HEAP UINT8_MAX
#define BLOCK_MIN POOL_SMALL
#define SLAB_LEAST (64u * 1024)
#define SLAB_MOST (4u * 1024 * 1024)
#define LARGE_PAGE ((size_t)1 << 21)
#define CARVED 2048u                  /* bytes made into blocks at a time */
#define SHARED_AT 0u                  /* its place among all pools, and the owner of its blocks */
#define SHARED_INDEX (POOL_HEAP - 1u) /* owns none: who gives a block back by it sends it home */
#define AWAY_SLOTS 8u
#define AWAY_SOME 16u  /* enough to send home when there is time */
#define AWAY_CHAIN 64u /* blocks sent home at once; 16 to 64 measured alike, 1 is slower */

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ALWAYS_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ALWAYS_HEAP 1
#endif
#endif
#ifndef POOL_ALWAYS_HEAP
#define POOL_ALWAYS_HEAP 0
#endif

struct slab {
    struct slab *next;
    void *memory; /* of which this is the aligned part; owned */
    char pad[BLOCK_MIN - sizeof(struct slab *) - sizeof(void *)];
};

/* Foreign blocks of one owner and class, on their way home. */
struct away {
    struct msg *first, *last;
    uint32_t count;
    uint16_t owner;
    uint8_t size_class;
};

struct pool {
    struct pools *pools;
    uint16_t index;
    bool shared;      /* for any thread: sends home at once */
    uint64_t keeping; /* of its small blocks, when they are taken; constant */

    /* only the owning worker; of the shared pool: who has set `taken` */
    struct msg *free[CLASS_COUNT];
    struct slab *slabs;
    char *fresh; /* of the newest slab: not carved yet */
    size_t fresh_size;
    struct away away[AWAY_SLOTS];
    uint32_t away_count;

    /* written by the owner, read by anyone */
    _Atomic int64_t live; /* taken minus given back here; only the sum over pools means something */
    _Atomic uint64_t bytes;

    /* any thread: blocks coming home */
    _Alignas(64) _Atomic(struct msg *) returned[CLASS_COUNT];

    struct pool *link;  /* retired; under pools.lock */
    _Atomic bool taken; /* the shared pool: by a thread that takes a block */
};

struct pools {
    pthread_mutex_t lock;
    _Atomic(struct pool *) all[POOLS_MAX];
    unsigned count;       /* under lock */
    struct pool *retired; /* under lock */
    _Atomic int64_t heap_live;
    struct pool shared;
};

struct pools *pools_create(void) {
    struct pools *pools = mem_aligned(_Alignof(struct pools), sizeof *pools);
    if (pools) {
        pthread_mutex_init(&pools->lock, NULL);
        pools->shared.pools = pools;
        pools->shared.shared = true;
        pools->shared.index = SHARED_INDEX;
        atomic_store_explicit(&pools->all[SHARED_AT], &pools->shared, memory_order_relaxed);
        pools->count = SHARED_AT + 1;
    }
    return pools;
}

struct pool *pools_shared(struct pools *pools) {
    return &pools->shared;
}

static void slabs_free(struct pool *pool) {
    while (pool->slabs) {
        struct slab *slab = pool->slabs;
        pool->slabs = slab->next;
        mem_free(slab->memory);
    }
}

void pools_destroy(struct pools *pools) {
    if (!pools) {
        return;
    }
    for (unsigned i = 0; i < pools->count; i++) {
        struct pool *pool = atomic_load_explicit(&pools->all[i], memory_order_relaxed);
        slabs_free(pool);
        mem_free(pool->shared ? NULL : pool);
    }
    pthread_mutex_destroy(&pools->lock);
    mem_free(pools);
}

static struct pool *pool_add_locked(struct pools *pools) {
    if (pools->count == POOLS_MAX) {
        return NULL;
    }
    struct pool *pool = mem_aligned(_Alignof(struct pool), sizeof *pool);
    if (pool) {
        pool->pools = pools;
        pool->index = (uint16_t)pools->count;
        struct msg small = {.refs = 1, .owner = pool->index};
        pool->keeping = atomic_load_explicit(&small.keeping, memory_order_relaxed);
        /* release: who meets a block of this pool finds the pool */
        atomic_store_explicit(&pools->all[pools->count++], pool, memory_order_release);
    }
    return pool;
}

struct pool *pools_take(struct pools *pools) {
    pthread_mutex_lock(&pools->lock);
    struct pool *pool = pools->retired;
    if (pool) {
        pools->retired = pool->link;
    } else {
        pool = pool_add_locked(pools);
    }
    pthread_mutex_unlock(&pools->lock);
    return pool;
}

void pools_give_back(struct pools *pools, struct pool *pool) {
    pool_flush(pool);
    pthread_mutex_lock(&pools->lock);
    pool->link = pools->retired;
    pools->retired = pool;
    pthread_mutex_unlock(&pools->lock);
}

int64_t pools_live(struct pools *pools) {
    pthread_mutex_lock(&pools->lock);
    int64_t live = atomic_load(&pools->heap_live);
    for (unsigned i = 0; i < pools->count; i++) {
        struct pool *pool = atomic_load(&pools->all[i]);
        live += atomic_load_explicit(&pool->live, memory_order_relaxed);
    }
    pthread_mutex_unlock(&pools->lock);
    return live;
}

uint64_t pools_bytes(struct pools *pools) {
    pthread_mutex_lock(&pools->lock);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < pools->count; i++) {
        struct pool *pool = atomic_load(&pools->all[i]);
        bytes += atomic_load_explicit(&pool->bytes, memory_order_relaxed);
    }
    pthread_mutex_unlock(&pools->lock);
    return bytes;
}

static inline void count_live(struct pool *pool, int64_t change) {
    count_change(&pool->live, change);
}

static unsigned class_of(uint64_t size) {
    uint64_t units = (size - 1) / BLOCK_MIN;
    return units ? 64u - (unsigned)__builtin_clzll(units) : 0;
}

/* Blocks that came home are the list when it is empty. They are not touched: another core has them. */
static void collect_returned(struct pool *pool, unsigned size_class) {
    _Atomic(struct msg *) *returned = &pool->returned[size_class];
    if (atomic_load_explicit(returned, memory_order_relaxed)) {
        /* acquire: pairs with send_home; the last user is done with the blocks */
        pool->free[size_class] = atomic_exchange_explicit(returned, NULL, memory_order_acquire);
    }
}

/* Slabs grow with the pool, so that a small one is small. One for which many have to be at once gets large pages: filling
 * memory that the kernel gives 4 KiB at a time takes five times as long. Not zeroed by us, so as not to touch what is not
 * used yet. */
static bool add_slab(struct pool *pool) {
    uint64_t bytes = atomic_load_explicit(&pool->bytes, memory_order_relaxed);
    size_t size = bytes < SLAB_LEAST ? SLAB_LEAST : bytes < SLAB_MOST ? bytes : SLAB_MOST;
    size_t align = size == SLAB_MOST ? LARGE_PAGE : BLOCK_MIN;
    char *memory = mem_alloc(size + align);
    if (!memory) {
        return false;
    }
    size_t over = (uintptr_t)memory & (align - 1);
    struct slab *slab = (struct slab *)(void *)(memory + (over ? align - over : 0));
    if (size == SLAB_MOST) {
        mem_use_large_pages(slab, size);
    }
    slab->memory = memory;
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->fresh = (char *)(slab + 1);
    pool->fresh_size = size - sizeof *slab;
    atomic_store_explicit(&pool->bytes, bytes + size, memory_order_relaxed);
    return true;
}

/* Some blocks at a time: the next messages find them at hand. Of the shared pool one: who takes from it is alone, and wants
 * the block that was used last. */
static void carve(struct pool *pool, unsigned size_class) {
    size_t size = (size_t)BLOCK_MIN << size_class;
    if (pool->fresh_size < size && !add_slab(pool)) {
        return;
    }
    struct msg **last = &pool->free[size_class];
    size_t carved = 0;
    do {
        struct msg *m = (struct msg *)(void *)pool->fresh;
        pool->fresh += size;
        pool->fresh_size -= size;
        m->owner = pool->shared ? SHARED_AT : pool->index;
        m->size_class = (uint8_t)size_class;
        *last = m;
        last = &m->next;
        carved += size;
    } while (!pool->shared && carved + size <= CARVED && pool->fresh_size >= size);
    *last = NULL;
}

struct heap_block {
    struct pools *pools;
    uint64_t size;
    void *memory; /* which it lies in */
    char pad[BLOCK_MIN - 2 * sizeof(void *) - sizeof(uint64_t)];
    struct msg msg;
};

static struct msg *take_heap(struct pools *pools, uint64_t size) {
    /* The heap's own way to align costs three times as much. Not zeroed, as blocks of pools are not. */
    void *memory = mem_resize(NULL, BLOCK_MIN - 1 + offsetof(struct heap_block, msg) + size);
    if (!memory) {
        return NULL;
    }
    uintptr_t at = ((uintptr_t)memory + BLOCK_MIN - 1) / BLOCK_MIN * BLOCK_MIN;
    struct heap_block *block = (struct heap_block *)at;
    block->memory = memory;
    block->pools = pools;
    block->size = size;
    block->msg.owner = POOL_HEAP;
    block->msg.size_class = CLASS_HEAP;
    atomic_fetch_add_explicit(&pools->heap_live, 1, memory_order_relaxed);
    return &block->msg;
}

static struct heap_block *heap_block_of(const struct msg *m) {
    return (struct heap_block *)(void *)((char *)(uintptr_t)m - offsetof(struct heap_block, msg));
}

static struct msg *take_one(struct pool *pool, unsigned size_class) {
    if (!pool->free[size_class]) {
        collect_returned(pool, size_class);
    }
    if (!pool->free[size_class]) {
        carve(pool, size_class);
    }
    struct msg *m = pool->free[size_class];
    if (m) {
        pool->free[size_class] = m->next;
        count_live(pool, 1);
    }
    return m;
}

/* Nobody waits: who finds the pool taken goes to the heap, which has room for many threads at once. For who comes
 * alone the pool is nearer: after some milliseconds the heap is in no cache, and costs as much as a wake-up. */
static struct msg *take_shared(struct pool *pool, unsigned size_class, uint64_t size) {
    /* acquire and release: who takes it next sees what the one before left */
    if (atomic_exchange_explicit(&pool->taken, true, memory_order_acquire)) {
        return take_heap(pool->pools, size);
    }
    struct msg *m = take_one(pool, size_class);
    atomic_store_explicit(&pool->taken, false, memory_order_release);
    return m;
}

/* Not inlined, so that the common path needs no stack of its own. */
HOT __attribute__((noinline)) static struct msg *take_slowly(struct pool *pool, uint64_t size) {
    unsigned size_class = class_of(size);
    if (POOL_ALWAYS_HEAP || size_class >= CLASS_COUNT) {
        return take_heap(pool->pools, size);
    }
    return pool->shared ? take_shared(pool, size_class, size) : take_one(pool, size_class);
}

HOT struct msg *pool_take_block(struct pool *pool, uint64_t size) {
    unsigned size_class = class_of(size);
    struct msg *m = size_class < CLASS_COUNT && !pool->shared ? pool->free[size_class] : NULL;
    if (!m) {
        return take_slowly(pool, size);
    }
    pool->free[size_class] = m->next;
    prefetch_to_write(m->next); /* it may have come home from another core */
    count_live(pool, 1);
    return m;
}

struct msg *pool_take_small(struct pool *pool) {
    struct msg *m = pool->free[0];
    if (m) {
        pool->free[0] = m->next;
        prefetch_to_write(m->next); /* as in pool_take_block */
        atomic_store_explicit(&m->keeping, pool->keeping, memory_order_relaxed);
        count_live(pool, 1);
    }
    return m;
}

static void send_home(struct pools *pools, uint16_t owner, uint8_t size_class, struct msg *first,
                      struct msg *last) {
    struct pool *home = atomic_load_explicit(&pools->all[owner], memory_order_acquire);
    _Atomic(struct msg *) *returned = &home->returned[size_class];
    struct msg *head = atomic_load_explicit(returned, memory_order_relaxed);
    do {
        last->next = head;
        /* release: pairs with collect_returned */
    } while (!atomic_compare_exchange_weak_explicit(returned, &head, first, memory_order_release,
                                                    memory_order_relaxed));
}

static void away_flush(struct pool *pool, struct away *away) {
    if (away->count) {
        send_home(pool->pools, away->owner, away->size_class, away->first, away->last);
        pool->away_count -= away->count;
        away->count = 0;
    }
}

__attribute__((noinline)) void pool_flush(struct pool *pool) {
    for (unsigned i = 0; i < AWAY_SLOTS && pool->away_count; i++) {
        away_flush(pool, &pool->away[i]);
    }
}

bool pool_wants_flush(const struct pool *pool) {
    return pool->away_count >= AWAY_SOME;
}

static void give_away(struct pool *pool, struct msg *m) {
    struct away *away = &pool->away[(m->owner + m->size_class) % AWAY_SLOTS];
    if (away->count && (away->owner != m->owner || away->size_class != m->size_class)) {
        away_flush(pool, away);
    }
    if (away->count == 0) {
        away->last = m;
        away->owner = m->owner;
        away->size_class = m->size_class;
        m->next = NULL;
    } else {
        m->next = away->first;
    }
    away->first = m;
    away->count++;
    pool->away_count++;
    if (away->count == AWAY_CHAIN) {
        away_flush(pool, away);
    }
}

bool pool_may_let_go(struct msg *m) {
    /* acquire: as in msg_release */
    return m->owner == POOL_HEAP && !(m->flags & MSG_SHARED) &&
           atomic_load_explicit(&m->refs, memory_order_acquire) == 1;
}

void pool_let_go(struct msg *m) {
    atomic_fetch_sub_explicit(&heap_block_of(m)->pools->heap_live, 1, memory_order_relaxed);
}

void pool_free_let_go(struct msg *m) {
    mem_free(heap_block_of(m)->memory);
}

__attribute__((noinline)) static void give_elsewhere(struct pool *pool, struct msg *m) {
    if (m->owner == POOL_HEAP) {
        pool_let_go(m);
        pool_free_let_go(m);
        return;
    }
    if (pool->shared) {
        atomic_fetch_sub_explicit(&pool->pools->heap_live, 1, memory_order_relaxed);
        send_home(pool->pools, m->owner, m->size_class, m, m);
        return;
    }
    count_live(pool, -1);
    give_away(pool, m);
}

void pool_give_block(struct pool *pool, struct msg *m) {
    if (m->owner != pool->index) {
        give_elsewhere(pool, m);
        return;
    }
    count_live(pool, -1);
    m->next = pool->free[m->size_class];
    pool->free[m->size_class] = m;
}

bool pool_give_small(struct pool *pool, struct msg *m) {
    /* acquire: as in msg_release */
    if (atomic_load_explicit(&m->keeping, memory_order_acquire) != pool->keeping) {
        return false;
    }
    count_live(pool, -1);
    m->next = pool->free[0];
    pool->free[0] = m;
    return true;
}

uint64_t msg_block_size(const struct msg *m) {
    return m->owner == POOL_HEAP ? heap_block_of(m)->size : (uint64_t)BLOCK_MIN << m->size_class;
}
