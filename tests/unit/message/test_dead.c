/* Dead letters: the latest are kept, all are counted. */
#include "given.h"

#include <pthread.h>

#include "base/alloc.h"
#include "message/dead.h"

struct seen {
    uint64_t numbers[16];
    uint64_t bodies[16];
    unsigned count;
    struct dead_letter last;
};

static void see(void *context, const struct dead_letter *letter) {
    struct seen *seen = context;
    assert_true(seen->count < 16);
    seen->numbers[seen->count] = letter->number;
    seen->bodies[seen->count] = number_of(letter->message);
    seen->last = *letter;
    seen->count++;
}

static void bury(struct dead_letters *dead, struct world *w, uint64_t number) {
    dead_add(dead, w->pool, given_msg(w->pool, MSG_DATA, number), 100 + number, 200 + number, -3,
             1000 + number);
}

static void test_mb4_letters_are_kept_with_who_whom_why_and_when(void **state) {
    struct world *w = *state;
    struct dead_letters dead;
    assert_int_equal(dead_init(&dead, 4), 0);

    bury(&dead, w, 7);

    struct seen seen = {.count = 0};
    dead_each(&dead, see, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.bodies[0], 7);
    assert_int_equal(seen.last.number, 1);
    assert_int_equal(seen.last.from, 107);
    assert_int_equal(seen.last.to, 207);
    assert_int_equal(seen.last.reason, -3);
    assert_int_equal(seen.last.at_ns, 1007);
    dead_fini(&dead, w->pool);
}

static void test_mb4_oldest_fall_out_and_numbers_go_on(void **state) {
    struct world *w = *state;
    struct dead_letters dead;
    assert_int_equal(dead_init(&dead, 3), 0);

    for (uint64_t i = 1; i <= 8; i++) {
        bury(&dead, w, i);
    }

    struct seen seen = {.count = 0};
    dead_each(&dead, see, &seen);
    assert_int_equal(seen.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(seen.numbers[i], 6 + i);
        assert_int_equal(seen.bodies[i], 6 + i);
    }
    assert_int_equal(dead_total(&dead), 8);
    assert_int_equal(dead.dropped, 5);
    assert_int_equal(pools_live(w->pools), 3);
    dead_fini(&dead, w->pool);
    assert_int_equal(pools_live(w->pools), 0);
}

static void test_none_are_kept_but_all_counted_when_told_so(void **state) {
    struct world *w = *state;
    struct dead_letters dead;
    assert_int_equal(dead_init(&dead, 0), 0);

    bury(&dead, w, 1);
    bury(&dead, w, 2);

    struct seen seen = {.count = 0};
    dead_each(&dead, see, &seen);
    assert_int_equal(seen.count, 0);
    assert_int_equal(dead_total(&dead), 2);
    assert_int_equal(pools_live(w->pools), 0);
    dead_fini(&dead, w->pool);
}

static void test_no_memory_is_told(void **state) {
    struct world *w = *state;
    struct dead_letters dead;
    mem_fail_at(1);

    assert_int_equal(dead_init(&dead, 3), -1);

    mem_fail_at(0);
    dead_fini(&dead, w->pool);
}

struct undertaker {
    struct dead_letters *dead;
    struct world *w;
    pthread_t thread;
};

static void *bury_many(void *argument) {
    struct undertaker *u = argument;
    for (uint64_t i = 0; i < 5000; i++) {
        dead_add(u->dead, u->w->shared, given_msg(u->w->shared, MSG_DATA, i), 1, 2, -1, i);
    }
    return NULL;
}

static void count_each(void *context, const struct dead_letter *letter) {
    (void)letter;
    ++*(unsigned *)context;
}

static void test_letters_of_many_threads_are_all_counted(void **state) {
    struct world *w = *state;
    struct dead_letters dead;
    assert_int_equal(dead_init(&dead, 10), 0);
    struct undertaker all[4];
    for (unsigned i = 0; i < 4; i++) {
        all[i] = (struct undertaker){&dead, w, 0};
        assert_int_equal(pthread_create(&all[i].thread, NULL, bury_many, &all[i]), 0);
    }
    for (unsigned i = 0; i < 50; i++) {
        unsigned count = 0;
        dead_each(&dead, count_each, &count);
        assert_true(count <= 10);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(all[i].thread, NULL);
    }

    assert_int_equal(dead_total(&dead), 20000);
    assert_int_equal(dead.dropped, 19990);
    assert_int_equal(pools_live(w->pools), 10);
    dead_fini(&dead, w->pool);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_mb4_letters_are_kept_with_who_whom_why_and_when),
        IN_WORLD(test_mb4_oldest_fall_out_and_numbers_go_on),
        IN_WORLD(test_none_are_kept_but_all_counted_when_told_so),
        IN_WORLD(test_no_memory_is_told),
        IN_WORLD(test_letters_of_many_threads_are_all_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
