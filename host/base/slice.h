/* How soon a thread gets a core back from others. */
#pragma once

#include <stdint.h>

#define SLICE_LEAST_NS 100000u /* what the kernel grants at least */

/* Asks the kernel to give the calling thread cores in slices of this length, instead of some milliseconds. It is no
 * more of the cores that way, but its turn comes sooner: when it wakes up, it takes the core from a thread with longer
 * slices at once, where it would have waited until that one's slice is over. Threads that it starts have the usual
 * slices. Does nothing where somebody has given the process another policy than the usual one, and before Linux 6.12,
 * which can't do it. Source: sched_setattr(2), Documentation/scheduler/sched-eevdf.rst of Linux. [any] */
void slice_ask(uint64_t ns);
