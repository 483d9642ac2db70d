/* State memory of one incarnation; see heap.h. */
#include "base/heap.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define IS_SEPARATE true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SEPARATE true
#endif
#endif
#ifndef IS_SEPARATE
#define IS_SEPARATE false
#endif

/* Sizes below are totals: header and payload, a multiple of 16. Up to 128 in steps of 16, then four
 * steps a doubling: at most a quarter is lost by rounding. */
#define FINE_MAX 128u
#define FINE_COUNT 8u
#define CLASS_COUNT 24u
#define TOTAL_MAX (HEAP_SMALL_MAX + sizeof(struct header))

#define CHUNK_FIRST 512u
#define CHUNK_MAX 65536u

/* Directly before each block; lies at 8 behind a multiple of 16. */
struct header {
    uint32_t owner; /* says which heap, and that it is live; see mark_of */
    uint32_t class; /* CLASS_COUNT: alone */
};

/* A block from mem_alloc of its own. */
struct heap_alone {
    struct heap_alone *next, *previous;
    uint64_t size; /* of the payload */
    struct header header;
};

struct free_block {
    struct free_block *next;
};

struct chunk {
    struct chunk *next;
    uint64_t size;
};

/* Stands at the front of the first chunk. */
struct heap_pool {
    struct chunk *chunks; /* the further ones */
    char *at, *end;       /* what is left of the newest chunk */
    uint64_t next_chunk;
    struct free_block *free[CLASS_COUNT];
};

_Static_assert(sizeof(struct heap) <= 64, "a heap lies in every actor");
_Static_assert(sizeof(struct heap_alone) % 16 == 0, "blocks are aligned to 16");
_Static_assert(sizeof(struct heap_pool) % 16 == 0, "blocks are aligned to 16");
_Static_assert(sizeof(struct chunk) % 16 == 0, "blocks are aligned to 16");
_Static_assert(sizeof(struct header) == 8, "a block begins 8 behind a multiple of 16");

static uint32_t mark_of(const struct heap *heap) {
    return (uint32_t)((uintptr_t)heap >> 3) ^ 0x5eedb10cu;
}

static struct header *header_of(void *memory) {
    return (struct header *)memory - 1;
}

static bool is_live(const struct heap *heap, void *memory) {
    return (uintptr_t)memory % 16 == 0 && header_of(memory)->owner == mark_of(heap) &&
           header_of(memory)->class <= CLASS_COUNT;
}

static uint32_t class_of(uint64_t size) {
    uint32_t total = (uint32_t)((size + sizeof(struct header) + 15) / 16 * 16);
    if (total <= FINE_MAX) {
        return total / 16 - 1;
    }
    uint32_t log = 31 - (uint32_t)__builtin_clz(total - 1); /* 2^log < total <= 2^(log + 1) */
    return FINE_COUNT + (log - 7) * 4 + ((total - 1 - (1u << log)) >> (log - 2));
}

static uint32_t class_total(uint32_t class) {
    if (class < FINE_COUNT) {
        return (class + 1) * 16;
    }
    uint32_t log = 7 + (class - FINE_COUNT) / 4;
    return (1u << log) + ((class - FINE_COUNT) % 4 + 1) * (1u << (log - 2));
}

/* --- what comes from mem_alloc --- */

static bool may_hold(const struct heap *heap, uint64_t more) {
    return heap->limit == 0 || (heap->held <= heap->limit && more <= heap->limit - heap->held);
}

static void *take(struct heap *heap, uint64_t size) {
    void *memory = may_hold(heap, size) ? mem_alloc(size) : NULL;
    heap->held += memory ? size : 0;
    return memory;
}

static struct heap_alone *alone_of(void *memory) {
    return (struct heap_alone *)memory - 1;
}

static void alone_link(struct heap *heap, struct heap_alone *alone) {
    alone->previous = NULL;
    alone->next = heap->alone;
    if (alone->next) {
        alone->next->previous = alone;
    }
    heap->alone = alone;
}

static void alone_unlink(struct heap *heap, struct heap_alone *alone) {
    if (alone->previous) {
        alone->previous->next = alone->next;
    } else {
        heap->alone = alone->next;
    }
    if (alone->next) {
        alone->next->previous = alone->previous;
    }
}

static void *alone_alloc(struct heap *heap, uint64_t size) {
    uint64_t total;
    struct heap_alone *alone =
        __builtin_add_overflow(size, sizeof *alone, &total) ? NULL : take(heap, total);
    if (!alone) {
        return NULL;
    }
    alone->size = size;
    alone->header = (struct header){mark_of(heap), CLASS_COUNT};
    alone_link(heap, alone);
    heap->used += total;
    return alone + 1;
}

static void alone_free(struct heap *heap, struct heap_alone *alone) {
    alone_unlink(heap, alone);
    heap->held -= alone->size + sizeof *alone;
    heap->used -= alone->size + sizeof *alone;
    alone->header.owner = 0;
    mem_free(alone);
}

static void *alone_resize(struct heap *heap, struct heap_alone *alone, uint64_t size) {
    uint64_t before = alone->size;
    uint64_t total;
    if (__builtin_add_overflow(size, sizeof *alone, &total) ||
        (size > before && !may_hold(heap, size - before))) {
        return NULL;
    }
    alone_unlink(heap, alone);
    struct heap_alone *moved = mem_resize(alone, total);
    alone_link(heap, moved ? moved : alone);
    if (!moved) {
        return NULL;
    }
    moved->size = size;
    heap->held = heap->held - before + size;
    heap->used = heap->used - before + size;
    return moved + 1;
}

/* --- the pool --- */

static int pool_create(struct heap *heap) {
    struct heap_pool *pool = take(heap, sizeof *pool + CHUNK_FIRST);
    if (!pool) {
        return -1;
    }
    pool->at = (char *)(pool + 1) + sizeof(struct header);
    pool->end = (char *)(pool + 1) + CHUNK_FIRST;
    pool->next_chunk = 2 * (uint64_t)CHUNK_FIRST;
    heap->pool = pool;
    return 0;
}

/* What was left of the chunk before is given up: less than one block. */
static int pool_grow(struct heap *heap, uint32_t total) {
    struct heap_pool *pool = heap->pool;
    uint64_t least = sizeof(struct chunk) + 16 + total;
    uint64_t size = pool->next_chunk > least ? pool->next_chunk : least;
    struct chunk *chunk = take(heap, size);
    if (!chunk) { /* near the limit a chunk for this block alone may still fit */
        size = least;
        chunk = take(heap, size);
    }
    if (!chunk) {
        return -1;
    }
    chunk->size = size;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->at = (char *)(chunk + 1) + sizeof(struct header);
    pool->end = (char *)chunk + size;
    pool->next_chunk = size * 2 < CHUNK_MAX ? size * 2 : CHUNK_MAX;
    return 0;
}

static void *pool_alloc(struct heap *heap, uint32_t class) {
    struct heap_pool *pool = heap->pool;
    uint32_t total = class_total(class);
    void *memory = pool->free[class];
    if (memory) {
        pool->free[class] = pool->free[class]->next;
        memset(memory, 0, total - sizeof(struct header));
    } else {
        if ((uint64_t)(pool->end - pool->at) < total && pool_grow(heap, total) < 0) {
            return NULL;
        }
        memory = pool->at + sizeof(struct header);
        pool->at += total;
    }
    *header_of(memory) = (struct header){mark_of(heap), class};
    heap->used += total;
    return memory;
}

static void pool_free(struct heap *heap, void *memory) {
    struct header *header = header_of(memory);
    struct free_block *block = memory;
    heap->used -= class_total(header->class);
    header->owner = 0;
    block->next = heap->pool->free[header->class];
    heap->pool->free[header->class] = block;
}

/* --- the heap --- */

void heap_init(struct heap *heap, uint64_t limit) {
    *heap = (struct heap){.limit = limit, .separate = IS_SEPARATE};
}

void heap_fini(struct heap *heap) {
    for (struct heap_alone *alone = heap->alone, *next; alone; alone = next) {
        next = alone->next;
        mem_free(alone);
    }
    for (struct chunk *chunk = heap->pool ? heap->pool->chunks : NULL, *next; chunk; chunk = next) {
        next = chunk->next;
        mem_free(chunk);
    }
    mem_free(heap->pool);
    *heap = (struct heap){.limit = heap->limit, .separate = heap->separate};
}

void *heap_alloc(struct heap *heap, uint64_t size) {
    bool is_first = !heap->pool && !heap->alone;
    if (heap->separate || is_first || size > HEAP_SMALL_MAX) {
        return alone_alloc(heap, size);
    }
    if (!heap->pool && pool_create(heap) < 0) {
        return alone_alloc(heap, size); /* under a tight limit there may be room for this one */
    }
    return pool_alloc(heap, class_of(size));
}

void *heap_resize(struct heap *heap, void *memory, uint64_t size) {
    if (!memory) {
        return heap_alloc(heap, size);
    }
    if (!is_live(heap, memory)) {
        return NULL;
    }
    uint32_t class = header_of(memory)->class;
    if (class == CLASS_COUNT) {
        return alone_resize(heap, alone_of(memory), size);
    }
    if (size <= HEAP_SMALL_MAX && class_of(size) == class) {
        return memory;
    }
    uint64_t before = class_total(class) - sizeof(struct header);
    void *moved = heap_alloc(heap, size);
    if (moved) {
        memcpy(moved, memory, before < size ? before : size);
        pool_free(heap, memory);
    }
    return moved;
}

int heap_free(struct heap *heap, void *memory) {
    if (!memory) {
        return 0;
    }
    if (!is_live(heap, memory)) {
        return -1;
    }
    if (header_of(memory)->class == CLASS_COUNT) {
        alone_free(heap, alone_of(memory));
    } else {
        pool_free(heap, memory);
    }
    return 0;
}
