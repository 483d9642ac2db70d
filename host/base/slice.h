/* How soon a thread gets a core, and gives it back. */
#pragma once

#include <stdint.h>

#define SLICE_LEAST_NS 100000u /* what the kernel grants at least */

/* Asks the kernel to give the calling thread cores in slices of this length, instead of some milliseconds. It is no
 * more of the cores that way, but its turn comes sooner: when it wakes up, it takes the core from a thread with longer
 * slices at once, where it would have waited until that one's slice is over. Threads that it starts have the usual
 * slices. Does nothing where somebody has given the process another policy than the usual one, and before Linux 6.12,
 * which can't do it. Source: sched_setattr(2), Documentation/scheduler/sched-eevdf.rst of Linux. [any] */
void slice_ask(uint64_t ns);

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
