/* Turn memory: taken by moving a pointer, given back all at once when the turn ends.
 *
 * One per worker. Between turns it keeps at most one chunk, so that a turn that needed much leaves
 * nothing behind. One thread at a time. [turn] */
#pragma once

#include <stdint.h>

#define SCRATCH_CHUNK 65536u

struct scratch_chunk;

struct scratch {
    char *at, *end;               /* what is left of the chunk in use */
    struct scratch_chunk *chunk;  /* the chunk in use; kept by resets */
    struct scratch_chunk *others; /* full chunks, and those of large requests; freed by a reset */
    uint64_t held;                /* bytes taken from mem_alloc */
};

void scratch_init(struct scratch *scratch);
void scratch_fini(struct scratch *scratch);
/* Aligned to 16, not zeroed, never NULL for size 0; NULL: no memory. */
void *scratch_alloc(struct scratch *scratch, uint64_t size);
/* All memory taken so far is gone. Costs next to nothing when little or none was taken. */
void scratch_reset_used(struct scratch *scratch);
static inline void scratch_reset(struct scratch *scratch) {
    if (scratch->held > 0) {
        scratch_reset_used(scratch);
    }
}
