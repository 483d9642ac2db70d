/* What the shadows of a reload count together. */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/shadow.h"
#include "base/alloc.h"

static int setup(void **state) {
    *state = shadow_run_create(20);
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    shadow_run_unref(*state);
    return 0;
}

static void differ(struct shadow_run *run, unsigned number) {
    char actor[16], json[32];
    (void)snprintf(actor, sizeof actor, "a%u", number);
    (void)snprintf(json, sizeof json, "{\"number\": %u}", number);
    shadow_run_compared(run, &(const struct shadow_difference){
                                 .actor = actor, .what = "something", .json = mem_text(json)});
}

static void test_as_many_turns_are_given_as_are_wanted(void **state) {
    struct shadow_run *run = *state;
    for (unsigned i = 0; i < 20; i++) {
        assert_true(shadow_run_take(run));
    }

    assert_false(shadow_run_wants(run));
    assert_false(shadow_run_take(run));
    shadow_run_give_back(run);
    assert_true(shadow_run_take(run));
    assert_false(shadow_run_take(run));
}

static void test_none_is_given_once_it_is_closed(void **state) {
    struct shadow_run *run = *state;
    assert_true(shadow_run_take(run));

    shadow_run_close(run);
    shadow_run_give_back(run);

    assert_false(shadow_run_wants(run));
    assert_false(shadow_run_take(run));
}

struct seen {
    unsigned count;
    char first[32], last[32];
};

static void see(void *context, const char *json) {
    struct seen *seen = context;
    (void)snprintf(seen->count++ ? seen->last : seen->first, sizeof seen->first, "%s", json);
}

static void test_the_first_differences_are_kept_and_all_are_counted(void **state) {
    struct shadow_run *run = *state;
    struct shadow_counts counts;
    struct seen seen = {0};
    shadow_run_compared(run, NULL);
    for (unsigned i = 0; i < SHADOW_KEEPS + 2; i++) {
        differ(run, i);
    }

    shadow_run_counts(run, &counts);
    shadow_run_each(run, see, &seen);

    assert_int_equal(counts.compared, SHADOW_KEEPS + 3);
    assert_int_equal(counts.differences, SHADOW_KEEPS + 2);
    assert_string_equal(counts.actor, "a0");
    assert_string_equal(counts.what, "something");
    assert_int_equal(seen.count, SHADOW_KEEPS);
    assert_string_equal(seen.first, "{\"number\": 0}");
    assert_string_equal(seen.last, "{\"number\": 15}");
}

static void test_it_is_done_when_all_is_compared_or_enough_differs(void **state) {
    struct shadow_run *run = *state;
    for (unsigned i = 0; i < SHADOW_KEEPS; i++) {
        assert_false(shadow_run_is_done(run, true));
        differ(run, i);
    }

    assert_true(shadow_run_is_done(run, true));
    shadow_run_wait(run, true, UINT64_MAX); /* it does not */
    assert_false(shadow_run_is_done(run, false));
    for (unsigned i = SHADOW_KEEPS; i < 20; i++) {
        shadow_run_compared(run, NULL);
    }
    assert_true(shadow_run_is_done(run, false));
    shadow_run_wait(run, false, UINT64_MAX);
}

static void test_states_beyond_the_bound_are_not_let_in(void **state) {
    struct shadow_run *run = *state;
    struct shadow_counts counts;

    assert_true(shadow_run_enter(run, SHADOW_BYTES - 1));
    assert_false(shadow_run_enter(run, 2));
    shadow_run_leave(run, 2);
    assert_true(shadow_run_enter(run, 1));

    shadow_run_counts(run, &counts);
    assert_int_equal(counts.actors, 2);
    assert_int_equal(counts.alive, 2);
}

static void test_the_first_that_is_left_out_is_named(void **state) {
    struct shadow_run *run = *state;
    struct shadow_counts counts;

    shadow_run_leave_out(run, "p/a[0]", "it has descriptors");
    shadow_run_leave_out(run, "p/b[0]", "its turn waits");

    shadow_run_counts(run, &counts);
    assert_int_equal(counts.left_out, 2);
    assert_string_equal(counts.left_out_actor, "p/a[0]");
    assert_string_equal(counts.left_out_why, "it has descriptors");
}

#define RUN_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_as_many_turns_are_given_as_are_wanted),
        RUN_TEST(test_none_is_given_once_it_is_closed),
        RUN_TEST(test_the_first_differences_are_kept_and_all_are_counted),
        RUN_TEST(test_it_is_done_when_all_is_compared_or_enough_differs),
        RUN_TEST(test_states_beyond_the_bound_are_not_let_in),
        RUN_TEST(test_the_first_that_is_left_out_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
