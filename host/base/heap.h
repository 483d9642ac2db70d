/* State memory of one incarnation: blocks in size classes, accounted, capped, freed whole.
 *
 * Nothing is allocated before the first block. The first block stands alone, as most actors have one;
 * from the second on, blocks up to HEAP_SMALL_MAX come from chunks that grow with the heap. Larger
 * ones come one by one from mem_alloc. Built with the address sanitizer, all do, so that it sees each
 * misuse.
 *
 * A block knows its heap, so that freeing twice, or another actor's memory, is refused instead of
 * destroying the heap; this needs the bytes before the block intact. A heap must not be moved.
 * One thread at a time. [turn] */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HEAP_SMALL_MAX 2040u

struct heap {
    uint64_t limit; /* for `held`; 0: none */
    uint64_t held;  /* bytes taken from mem_alloc */
    uint64_t used;  /* bytes of live blocks, their headers and rounding included */
    struct heap_alone *alone;
    struct heap_pool *pool;
    bool separate; /* no pool: each block alone */
};

void heap_init(struct heap *heap, uint64_t limit);
/* Frees all blocks; the heap may be used again. */
void heap_fini(struct heap *heap);
/* Zeroed, aligned to 16; for size 0 too. NULL: no memory, or the limit is reached. */
void *heap_alloc(struct heap *heap, uint64_t size);
/* As realloc; NULL memory is an alloc. New bytes are whatever they are. NULL: no memory, limit
 * reached, or not a live block of this heap; `memory` stays. */
void *heap_resize(struct heap *heap, void *memory, uint64_t size);
/* Takes NULL. -1, and nothing is done: not a live block of this heap. */
int heap_free(struct heap *heap, void *memory);
