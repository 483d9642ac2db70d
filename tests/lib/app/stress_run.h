/* One run of a random graph, from its seed to the verdict. */
#pragma once

#include <stdint.h>

struct stress_world; /* the folder and the ledger, for many runs */

struct stress_world *stress_world_create(void);
void stress_world_destroy(struct stress_world *world);

/* From now on so many threads look at all actors while a graph runs; not in seeded runs. */
void stress_world_look(struct stress_world *world, unsigned lookers);

/* Runs the graph of `seed`: with 0 workers seeded, in this thread, under a logical clock; else with
 * so many threads. Fails the test when anything of it was wrong, and says how to run it again.
 * Returns a number that stands for all that was handled, in order; seeded runs of one seed agree. */
uint64_t stress_run(struct stress_world *world, uint64_t seed, unsigned workers);

/* Of all runs so far. */
struct stress_sums {
    uint64_t handled, lives, deaths, quarantined, saves, loads, looks;
};
struct stress_sums stress_sums(const struct stress_world *world);
