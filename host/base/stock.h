/* A thread's stock of small blocks, for what comes and goes millions of times a second: a block given is the
 * next one taken, for a few instructions. Blocks are those of mem_alloc: one taken may be freed with mem_free
 * by any thread instead. Built with the address sanitizer it keeps none, so that each misuse is seen.
 * [one thread] */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define STOCK_KEEPS 0u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STOCK_KEEPS 0u
#endif
#endif
#ifndef STOCK_KEEPS
#define STOCK_KEEPS 32u /* blocks of a size */
#endif

/* Sizes as malloc rounds them: 24, 40, 56 ... so that nothing is lost by it. */
#define STOCK_LEAST 24u
#define STOCK_STEP 16u
#define STOCK_SIZES 7u
#define STOCK_MOST (STOCK_LEAST + (STOCK_SIZES - 1) * STOCK_STEP)

struct stock_block {
    struct stock_block *next;
};

/* Zero: empty. */
struct stock {
    struct stock_block *first[STOCK_SIZES];
    uint8_t count[STOCK_SIZES];
};

static inline unsigned stock_class(size_t size) {
    return size <= STOCK_LEAST ? 0 : (unsigned)((size - STOCK_LEAST + STOCK_STEP - 1) / STOCK_STEP);
}

/* Zeroed, `size` bytes; NULL: no memory. */
static inline void *stock_take(struct stock *stock, size_t size) {
    if (STOCK_KEEPS == 0 || size > STOCK_MOST) {
        return mem_alloc(size);
    }
    unsigned class = stock_class(size);
    struct stock_block *block = stock->first[class];
    if (!block) {
        return mem_alloc(STOCK_LEAST + class * STOCK_STEP);
    }
    stock->first[class] = block->next;
    stock->count[class]--;
    /* of the smallest all of it, for less than a call */
    return class == 0 ? memset(block, 0, STOCK_LEAST) : memset(block, 0, size);
}

/* `size` as it was taken with; takes NULL. */
static inline void stock_give(struct stock *stock, void *memory, size_t size) {
    unsigned class = size > STOCK_MOST ? 0 : stock_class(size);
    if (!memory || size > STOCK_MOST || stock->count[class] + 1u > STOCK_KEEPS) {
        mem_free(memory);
        return;
    }
    struct stock_block *block = memory;
    block->next = stock->first[class];
    stock->first[class] = block;
    stock->count[class]++;
}

static inline void stock_fini(struct stock *stock) {
    for (unsigned class = 0; class < STOCK_SIZES; class ++) {
        while (stock->first[class]) {
            struct stock_block *block = stock->first[class];
            stock->first[class] = block->next;
            mem_free(block);
        }
        stock->count[class] = 0;
    }
}
