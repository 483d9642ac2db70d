/* Random graphs of actors, under seeds: every message accounted for, order kept, nothing left.
 *
 * Seeded runs step all workers in one thread, in an order that the seed decides; the same graphs then
 * run with real threads. A failure prints the command that repeats it.
 *
 *   TROUPE_STRESS_SECONDS=600 tests/stress/test_stress     longer, on new seeds
 *   TROUPE_SEED=17 TROUPE_WORKERS=2 tests/stress/test_stress    one run; 0 workers: seeded */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/app/stress_run.h"
#include "lib/test.h"
#include "lib/threads.h"

#define SEEDED_SECONDS 12
#define THREADED_SECONDS 8
#define SEEDED_RUNS 400u
#define THREADED_RUNS 150u

static uint64_t number_from(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static double now_s(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned count_entries(const char *path) {
    DIR *folder = opendir(path);
    unsigned count = 0;
    assert_non_null(folder);
    while (readdir(folder)) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

static void print_sums(const struct stress_world *world) {
    struct stress_sums sums = stress_sums(world);
    print_message("%" PRIu64 " messages, %" PRIu64 " lives, %" PRIu64 " of %" PRIu64
                  " checkpoints loaded, %" PRIu64 " deaths on messages, %" PRIu64
                  " quarantined, %" PRIu64 " looks\n",
                  sums.handled, sums.lives, sums.loads, sums.saves, sums.deaths, sums.quarantined,
                  sums.looks);
}

/* Seeds in order until the time is up, at most `runs` of them; for ever while a length is given. */
static void run_seeds(unsigned workers, unsigned lookers, double seconds, uint64_t runs) {
    struct stress_world *world = stress_world_create();
    stress_world_look(world, lookers);
    uint64_t given = number_from("TROUPE_STRESS_SECONDS", 0);
    uint64_t first = number_from("TROUPE_STRESS_FROM", 1);
    double begin = now_s();
    uint64_t done = 0;
    unsigned fds = 0;
    unsigned threads = 0;
    if (given) {
        seconds = (double)given / 4;
        runs = UINT64_MAX;
    }
    for (; done < runs && now_s() - begin < seconds; done++) {
        (void)stress_run(world, first + done, workers);
        if (done == 0) { /* what the process itself keeps is there now */
            fds = count_entries("/proc/self/fd");
            threads = test_count_threads();
        }
    }
    assert_int_equal(count_entries("/proc/self/fd"), fds);
    assert_int_equal(test_count_threads(), threads);
    print_message("%" PRIu64 " graphs in %.1f s: ", done, now_s() - begin);
    print_sums(world);
    stress_world_destroy(world);
}

static void test_every_message_is_accounted_for_in_any_order_of_turns(void **state) {
    (void)state;
    run_seeds(0, 0, SEEDED_SECONDS, SEEDED_RUNS);
}

static void test_every_message_is_accounted_for_with_one_worker(void **state) {
    (void)state;
    run_seeds(1, 0, THREADED_SECONDS, THREADED_RUNS);
}

static void test_every_message_is_accounted_for_with_two_workers(void **state) {
    (void)state;
    run_seeds(2, 0, THREADED_SECONDS, THREADED_RUNS);
}

static void test_every_message_is_accounted_for_with_four_workers(void **state) {
    (void)state;
    run_seeds(4, 0, THREADED_SECONDS, THREADED_RUNS);
}

/* Actors spawn, die and begin anew meanwhile: each look gives one whole life, whoever ends during it, and
 * the accounts come out as if nobody had looked (S-2, S-7). */
static void test_s7_everybody_is_looked_at_all_the_while(void **state) {
    (void)state;
    run_seeds(2, 2, THREADED_SECONDS, THREADED_RUNS);
}

/* Else the command that repeats a failure would not. */
static void test_a_seed_repeats_its_run(void **state) {
    struct stress_world *world = stress_world_create();
    (void)state;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t once = stress_run(world, seed, 0);
        uint64_t again = stress_run(world, seed, 0);

        if (once != again) {
            fail_msg("seed %" PRIu64 " had another run the second time", seed);
        }
    }

    stress_world_destroy(world);
}

static int run_one(uint64_t seed) {
    struct stress_world *world = stress_world_create();
    unsigned workers = (unsigned)number_from("TROUPE_WORKERS", 0);
    stress_world_look(world, (unsigned)number_from("TROUPE_LOOKERS", 0));
    uint64_t times = number_from("TROUPE_TIMES", 1);
    for (uint64_t i = 0; i < times; i++) {
        (void)stress_run(world, seed, workers);
    }
    print_message("seed %" PRIu64 ", nothing wrong: ", seed);
    print_sums(world);
    stress_world_destroy(world);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_repeats_its_run),
        cmocka_unit_test(test_every_message_is_accounted_for_in_any_order_of_turns),
        cmocka_unit_test(test_every_message_is_accounted_for_with_one_worker),
        cmocka_unit_test(test_every_message_is_accounted_for_with_two_workers),
        cmocka_unit_test(test_every_message_is_accounted_for_with_four_workers),
        cmocka_unit_test(test_s7_everybody_is_looked_at_all_the_while),
    };
    uint64_t seed = number_from("TROUPE_SEED", 0);
    return seed ? run_one(seed) : cmocka_run_group_tests(tests, NULL, NULL);
}
