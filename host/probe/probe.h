/* The probe: a plugin file is loaded by another process first, with copies of real states, and whatever
 * crashes, hangs, exits or eats memory does it there (RL-1).
 *
 *  this process                             troupe-probe, a process of its own
 *    probe_run  -- the sheet, a memfd -->     maps the file, calls `init`
 *                                             `load` of each state, `save` of it for the way back
 *               <-- step by step, a word --   `fini`, unmaps it
 *
 * P-1  The child has nothing of this process but its environment and the sheet: descriptors are closed, the
 *      session is its own, signals are as they were at the start of the world.
 * P-2  It ends: by its time, the processor's, the memory's bound, or with this thread.
 * P-3  What it writes into the sheet is input: a number is checked, a text cut. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "plugin/image.h"

#define PROBE_MEMORY ((uint64_t)1 << 30) /* bytes, beyond what it has when it begins */

/* A copy of an actor's state. */
struct probe_state {
    const char *actor; /* its name */
    uint64_t uid;
    uint32_t version;
    const void *data;
    uint64_t size;
    const void *config; /* its config, by the file's note; NULL: the type takes none */
};

struct probe_type {
    const char *id;
    uint32_t
        version_back; /* `save` of the loaded state has to write this one, too; 0: it need not */
    /* A state of this layout stays where it is, so that no `load` is tried. 0: none does. */
    uint64_t state_size, config_offset;
    const struct probe_state *states;
    size_t count;
};

struct probe_how {
    const char *path; /* of the private copy */
    const struct image *image;
    const struct probe_type *types;
    size_t type_count;
    uint64_t time_ns; /* by the clock on the wall, however slow the machine */
};

struct probe_result {
    uint64_t states; /* that were loaded */
    char actor[160]; /* whose state it failed with; "" */
};

/* Errors: REFUSED, with one sentence that says what happened, in which hook, with whose state; IO (the probe
 * can't be run, and why), NOMEM. Fills *ret whenever it was run. Any thread that is in no turn. */
int probe_run(const struct probe_how *how, struct probe_result *ret, struct err *err);

/* Where troupe-probe is: $TROUPE_PROBE, else beside the program or library that holds this code, in the build
 * tree or installed, else where it was built to be installed. mem_free; NULL: no memory. [any] */
char *probe_helper(void);
