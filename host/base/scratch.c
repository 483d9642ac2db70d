/* Turn memory; see scratch.h. */
#include "base/scratch.h"

#include <stddef.h>

#include "base/alloc.h"

struct scratch_chunk {
    struct scratch_chunk *next;
    uint64_t size;
};

_Static_assert(sizeof(struct scratch_chunk) % 16 == 0, "memory is aligned to 16");

void scratch_init(struct scratch *scratch) {
    *scratch = (struct scratch){0};
}

__attribute__((noinline)) static void free_others(struct scratch *scratch) {
    while (scratch->others) {
        struct scratch_chunk *chunk = scratch->others;
        scratch->others = chunk->next;
        scratch->held -= chunk->size;
        mem_free(chunk);
    }
}

void scratch_fini(struct scratch *scratch) {
    free_others(scratch);
    mem_free(scratch->chunk);
    scratch_init(scratch);
}

static struct scratch_chunk *take_chunk(struct scratch *scratch, uint64_t size) {
    struct scratch_chunk *chunk = mem_alloc(size);
    if (chunk) {
        chunk->size = size;
        scratch->held += size;
    }
    return chunk;
}

static void put_aside(struct scratch *scratch, struct scratch_chunk *chunk) {
    chunk->next = scratch->others;
    scratch->others = chunk;
}

static int next_chunk(struct scratch *scratch) {
    struct scratch_chunk *chunk = take_chunk(scratch, SCRATCH_CHUNK);
    if (!chunk) {
        return -1;
    }
    if (scratch->chunk) {
        put_aside(scratch, scratch->chunk);
    }
    scratch->chunk = chunk;
    scratch->at = (char *)(chunk + 1);
    scratch->end = (char *)chunk + SCRATCH_CHUNK;
    return 0;
}

/* A chunk of its own, so that the chunk in use is not given up for it. */
static void *alloc_large(struct scratch *scratch, uint64_t size) {
    uint64_t total;
    struct scratch_chunk *chunk =
        __builtin_add_overflow(size, sizeof *chunk, &total) ? NULL : take_chunk(scratch, total);
    if (!chunk) {
        return NULL;
    }
    put_aside(scratch, chunk);
    return chunk + 1;
}

void *scratch_alloc(struct scratch *scratch, uint64_t size) {
    if (size > SCRATCH_CHUNK / 4) {
        return alloc_large(scratch, size);
    }
    uint64_t rounded = (size + 15) / 16 * 16;
    if ((uint64_t)(scratch->end - scratch->at) < rounded || !scratch->chunk) {
        if (next_chunk(scratch) < 0) {
            return NULL;
        }
    }
    void *memory = scratch->at;
    scratch->at += rounded;
    return memory;
}

void scratch_reset_used(struct scratch *scratch) {
    if (scratch->others) {
        free_others(scratch);
    }
    if (scratch->chunk) {
        scratch->at = (char *)(scratch->chunk + 1);
    }
}
