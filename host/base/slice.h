/* How long a thread keeps a core that others wait for. */
#pragma once

#include <stdint.h>

/* Gives the core to who waits for it, if somebody does, and goes on. For work of milliseconds beside the workers: one
 * of them that has messages may wait for just this core while another is idle, and the kernel looks who has had a core
 * for long, and what an idle one could do, at its own ticks only, which are milliseconds apart. [any] */
void slice_end(void);
/* The same in a loop over thousands, once in a while, by the number of the round. */
#define SLICE_ROUNDS 256u
static inline void slice_make_way(uint64_t round) {
    if (round % SLICE_ROUNDS == 0) {
        slice_end();
    }
}
