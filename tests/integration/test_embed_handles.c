/* Strong and weak handles of a proc, and destroying it from wherever one happens to be (PR-2, PR-3). */
#include "lib/app/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wait.h"

#define SAYS "actors: { a: { type: kit.Player, config: { init: 'log up', cleanup: 'log bye' } } }"

static void test_pr2_last_handle_stops_the_proc_on_another_thread(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_start(*state, TROUPE_STAYS, SAYS);
    struct troupe_weak_proc *weak = troupe_proc_weak(proc);
    embedded_wait_logged(*state, "p/a[0]: up");
    assert_int_equal(troupe_weak_proc_wait(weak, 0, &error), TROUPE_TIMEOUT);
    assert_string_equal(error.text, "proc 'p' is not gone in time");

    troupe_proc_unref(proc);

    assert_null(troupe_weak_proc_upgrade(weak));
    embedded_ok(troupe_weak_proc_wait(weak, TROUPE_FOR_EVER, &error), &error);
    assert_true(embedded_logged(*state, "p/a[0]: bye"));
    troupe_weak_proc_free(weak);
}

static void test_pr2_every_strong_handle_keeps_it(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_start(*state, TROUPE_STAYS, SAYS);
    struct troupe_weak_proc *weak = troupe_proc_weak(proc);
    struct troupe_proc *second = troupe_proc_ref(proc);
    struct troupe_proc *third = troupe_weak_proc_upgrade(weak);

    troupe_proc_unref(proc);
    troupe_proc_unref(second);

    assert_ptr_equal(third, proc);
    assert_int_equal(troupe_proc_wait(third, 0, NULL, &error), TROUPE_TIMEOUT);
    troupe_weak_proc_free(weak);
    embedded_stop(third);
}

static void test_pr2_proc_that_never_ran_ends_too(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_create(*state, 0, SAYS);
    struct troupe_weak_proc *weak = troupe_proc_weak(proc);
    struct troupe_end *end = NULL;

    assert_int_equal(troupe_proc_wait(proc, 0, NULL, &error), TROUPE_INVALID);
    assert_string_equal(error.text, "proc 'p' was never started");
    embedded_ok(troupe_proc_destroy(proc, 0, &end, &error), &error);

    assert_int_equal(troupe_end_status(end), TROUPE_OK);
    troupe_end_free(end);
    assert_null(troupe_weak_proc_upgrade(weak));
    troupe_weak_proc_free(weak);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_log_setup, embedded_log_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pr2_last_handle_stops_the_proc_on_another_thread),
        TEST(test_pr2_every_strong_handle_keeps_it),
        TEST(test_pr2_proc_that_never_ran_ends_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
