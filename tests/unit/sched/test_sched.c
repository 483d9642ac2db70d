/* Making and unmaking the scheduler. */
#include "given.h"

#include <fcntl.h>

#include "base/alloc.h"

static void test_number_of_workers_is_checked(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = NULL;
    struct err err;

    struct sched_options none = given_options(&locals, 0, clock_system());
    assert_int_equal(sched_create(&none, &sched, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, "need 1 to 1024 workers, got 0");

    struct sched_options many = given_options(&locals, 1025, clock_system());
    assert_int_equal(sched_create(&many, &sched, &err), -1);
    assert_string_equal(err.text, "need 1 to 1024 workers, got 1025");
    assert_null(sched);
}

/* Workers that were not made yet hold no descriptor to close. */
static void test_refused_local_undoes_those_before_and_closes_nothing(void **state) {
    (void)state;
    struct locals locals = {.fail_at = 3};
    struct sched_options options = given_options(&locals, 4, clock_system());
    struct sched *sched = NULL;
    struct err err;
    int before = fcntl(0, F_GETFD);

    assert_int_equal(sched_create(&options, &sched, &err), -1);

    assert_null(sched);
    assert_int_equal(err.code, ERR_NOMEM);
    assert_string_equal(err.text, "worker 2");
    assert_int_equal(locals.created, 2);
    assert_int_equal(locals.destroyed, 2);
    assert_int_equal(fcntl(0, F_GETFD), before);
}

static void test_no_memory_is_told(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched_options options = given_options(&locals, 2, clock_system());
    struct sched *sched = NULL;
    struct err err;
    unsigned failures = 0;

    TEST_EACH_FAILED_ALLOCATION(n, failures += sched_create(&options, &sched, &err) < 0, sched)

    assert_int_equal(failures, 4); /* the scheduler, its workers, for each a stack for signals */
    assert_int_equal(err.code, ERR_NOMEM);
    sched_destroy(sched);
    assert_int_equal(locals.created, locals.destroyed);
}

static void test_destroy_takes_null(void **state) {
    (void)state;

    sched_destroy(NULL);
}

static void test_workers_are_numbered_and_wrap(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 3);

    assert_int_equal(sched_worker_count(sched), 3);
    assert_int_equal(sched_worker_at(sched, 2)->index, 2);
    assert_ptr_equal(sched_worker_at(sched, 4), sched_worker_at(sched, 1));
    assert_false(sched_is_seeded(sched));
    assert_null(sched_current());

    end_sched(sched);
    assert_int_equal(locals.destroyed, 3);
}

static void test_scheduler_that_never_started_can_be_destroyed(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched_options options = given_options(&locals, 2, clock_system());
    struct sched *sched;
    struct err err;
    assert_int_equal(sched_create(&options, &sched, &err), 0);

    sched_destroy(sched);

    assert_int_equal(locals.destroyed, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_of_workers_is_checked),
        cmocka_unit_test(test_refused_local_undoes_those_before_and_closes_nothing),
        cmocka_unit_test(test_no_memory_is_told),
        cmocka_unit_test(test_destroy_takes_null),
        cmocka_unit_test(test_workers_are_numbered_and_wrap),
        cmocka_unit_test(test_scheduler_that_never_started_can_be_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
