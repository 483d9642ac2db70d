/* Copies of the states of live actors, to try new code on (RL-1): each is saved by its actor at a message
 * boundary, and nothing else of that turn remains. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actor/type.h"

struct samples;

#define SAMPLES_MOST 64u
#define SAMPLES_BYTES ((uint64_t)16 << 20)

struct sample {
    uint64_t uid;
    char name[160];
    uint32_t version;
    const void *data;
    uint64_t size;
    const struct config *config; /* NULL: it has none */
};

/* Asks SAMPLES_MOST actors of the type, evenly chosen, for their states in this version. NULL: no memory.
 * Thread that is in no turn. */
struct samples *samples_ask(struct proc *proc, const struct inst_type *type, uint32_t version);
/* Whether all have answered, or until then. In seeded mode `until_ns` has to be now. */
bool samples_wait(struct samples *samples, uint64_t until_ns);
/* Those that have come, in all SAMPLES_BYTES at most, lent until samples_end; no more are taken. An actor
 * that could not save has given none. */
size_t samples_take(struct samples *samples, const struct sample **ret);
/* Late answers may still come. Takes NULL. */
void samples_end(struct samples *samples);
