/* Seeds of deterministic tests: which ones to run, and how to run the one that failed again.
 *
 *     struct test_seeds seeds = test_seeds(500);
 *     for (uint64_t seed; test_seeds_next(&seeds, &seed);) {
 *         ... all that is random comes from `seed`
 *     }
 *
 * with test_seed_teardown as the test's teardown. When the test fails or the program dies meanwhile,
 * the seed is printed with the command that replays it. In the environment, TROUPE_SEED=n runs only
 * that seed, TROUPE_SEEDS=n as many as that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct test_seeds {
    uint64_t next, last;
};

/* The seeds 1 to `count`, unless the environment says otherwise. */
struct test_seeds test_seeds(uint64_t count);
/* False: all have run. */
bool test_seeds_next(struct test_seeds *seeds, uint64_t *ret_seed);
/* cmocka's teardown; says how to replay when the test did not come to its end. */
int test_seed_teardown(void **state);

/* Numbers for a test's own choices: repeatable, well mixed. */
struct test_random {
    uint64_t state;
};
uint64_t test_random_next(struct test_random *random);
/* Below `bound`, which is not 0. */
uint64_t test_random_below(struct test_random *random, uint64_t bound);
