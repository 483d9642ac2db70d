/* Who restarts after an end, who with it, how often and when. */
#include "given.h"

static void test_begin_starts_all_in_init_order(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c) d");
    const uint32_t order[] = {4, 1, 3, 2, 0}; /* d, g, c, b, a */
    memcpy(g->order, order, sizeof order);

    const char *said = given_begin(g);

    assert_string_equal(said, "start d, start g, start c, start b, start a");
    assert_int_equal(tree_incarnation(g->tree, 0), 1);
}

static void test_sv5_transient_restarts_after_a_failure_only(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_running(g);

    assert_string_equal(fails(g, 'a'), "wait a 1/3 100ms");
    assert_string_equal(due(g, 'a'), "start a");
    assert_string_equal(finishes(g, 'b'), "close b (finished)");
    assert_int_equal(tree_incarnation(g->tree, 0), 2);
}

static void test_sv5_permanent_restarts_after_any_end(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_restart(g, 'a')->policy = RESTART_PERMANENT;
    given_running(g);

    assert_string_equal(finishes(g, 'a'), "wait a 1/3 100ms");
    assert_string_equal(due(g, 'a'), "start a");
    assert_string_equal(fails(g, 'a'), "wait a 2/3 200ms");
}

static void test_sv5_temporary_is_never_restarted(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c");
    given_restart(g, 'a')->policy = RESTART_TEMPORARY;
    given_restart(g, 'b')->policy = RESTART_TEMPORARY;
    given_running(g);

    assert_string_equal(fails(g, 'a'), "close a (temporary)");
    assert_string_equal(finishes(g, 'b'), "close b (finished)");
}

static void test_dr2_stop_by_the_host_is_not_followed_by_a_restart(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_restart(g, 'a')->policy = RESTART_PERMANENT;
    given_running(g);

    assert_string_equal(stopped(g, 'a'), "close a (stopped)");
    assert_string_equal(stopped(g, 'b'), "close b (stopped)");
    assert_true(tree_is_over(g->tree));
}

static void test_sv5_failing_init_is_a_failure(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    (void)given_begin(g);

    assert_string_equal(fails(g, 'a'), "wait a 1/3 100ms");
}

static void test_sv5_one_for_one_leaves_siblings_alone(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b c)");
    given_running(g);

    assert_string_equal(fails(g, 'b'), "wait b 1/3 100ms");
    assert_string_equal(fails(g, 'a'), "wait a 2/3 100ms");
    assert_string_equal(due(g, 'a'), "start a");
    assert_string_equal(due(g, 'b'), "start b");
}

static void test_sv5_one_for_all_stops_the_others_the_last_first(void **state) {
    struct given *g = *state;
    given_tree(g, "x g(a b c)");
    given_policy(g, 'g')->strategy = STRATEGY_ONE_FOR_ALL;
    given_running(g);

    assert_string_equal(fails(g, 'b'), "wait b 1/3 100ms, stop c (sibling), stop a (sibling)");
    assert_string_equal(stopped(g, 'c'), "");
    assert_string_equal(stopped(g, 'a'), "");
    assert_string_equal(due(g, 'b'), "start a, start b, start c");
}

static void test_sv5_batch_waits_for_the_last_to_end(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_running(g);
    (void)fails(g, 'a');

    assert_string_equal(due(g, 'a'), "");
    assert_string_equal(stopped(g, 'b'), "");
    assert_string_equal(stopped(g, 'c'), "start a, start b, start c");
}

static void test_sv5_rest_for_one_stops_those_that_appear_later(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c d");
    given_policy(g, '-')->strategy = STRATEGY_REST_FOR_ONE;
    given_running(g);

    assert_string_equal(fails(g, 'b'), "wait b 1/3 100ms, stop d (sibling), stop c (sibling)");
    (void)stopped(g, 'd');
    (void)stopped(g, 'c');
    assert_string_equal(due(g, 'b'), "start b, start c, start d");
    assert_string_equal(state_of(g, 'a'), "running");
}

static void test_sv5_earlier_failure_widens_the_batch(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c d");
    given_policy(g, '-')->strategy = STRATEGY_REST_FOR_ONE;
    given_running(g);
    (void)fails(g, 'c');
    (void)stopped(g, 'd');
    g->now_ns += 10 * NS_PER_MS;

    assert_string_equal(fails(g, 'a'), "wait a 2/3 100ms, stop b (sibling)");
    (void)stopped(g, 'b');
    assert_string_equal(due(g, 'c'), ""); /* the back-off of a is longer */
    assert_string_equal(due(g, 'a'), "start a, start b, start c, start d");
}

static void test_sv5_group_in_a_batch_ends_and_starts_with_its_members(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b h(c)) d");
    given_policy(g, '-')->strategy = STRATEGY_REST_FOR_ONE;
    given_running(g);

    assert_string_equal(fails(g, 'a'), "wait a 1/3 100ms, stop d (sibling), stop c (sibling), "
                                       "stop h (sibling), stop b (sibling), stop g (sibling)");
    (void)stopped(g, 'd');
    (void)stopped(g, 'c');
    (void)stopped(g, 'h');
    (void)stopped(g, 'b');
    assert_string_equal(due(g, 'a'), "");
    assert_string_equal(stopped(g, 'g'), "start a, start g, start b, start h, start c, start d");
}

static void test_sv5_failure_while_stopping_is_absorbed_and_recorded(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_running(g);
    (void)fails(g, 'a');

    assert_string_equal(fails(g, 'b'), "absorb b");
    assert_int_equal(g->actions.items[0].cause.detail, given_node(g, 'b') + 100);
    assert_string_equal(due(g, 'a'), "start a, start b");
    assert_string_equal(fails(g, 'b'), "wait b 2/3 100ms, stop a (sibling)");
}

static void test_sv5_stopped_temporary_sibling_closes(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_restart(g, 'b')->policy = RESTART_TEMPORARY;
    given_running(g);
    (void)fails(g, 'a');
    (void)stopped(g, 'c');

    assert_string_equal(stopped(g, 'b'), "close b (temporary)");
    assert_string_equal(due(g, 'a'), "start a, start c");
}

static void test_sv5_sibling_that_finished_meanwhile_closes(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_restart(g, 'c')->policy = RESTART_PERMANENT;
    given_running(g);
    (void)fails(g, 'a');

    assert_string_equal(finishes(g, 'b'), "close b (finished)");
    assert_string_equal(finishes(g, 'c'), "");
    assert_string_equal(due(g, 'a'), "start a, start c");
}

static void test_sv5_intensity_counts_all_members_of_a_supervisor(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b)");
    given_policy(g, 'g')->intensity = 2;
    given_running(g);
    assert_string_equal(fails(g, 'a'), "wait a 1/2 100ms");
    assert_string_equal(fails(g, 'b'), "wait b 2/2 100ms");
    (void)due(g, 'a');

    assert_string_equal(fails(g, 'a'), "fail g by a");
    assert_int_equal(g->actions.items[0].other, given_node(g, 'a'));
    assert_string_equal(fails(g, 'g'), "wait g 1/3 100ms");
}

static void test_sv5_restarts_older_than_the_period_do_not_count(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_policy(g, '-')->intensity = 1;
    given_running(g);
    (void)fails(g, 'a');
    uint64_t first = g->now_ns;
    (void)due(g, 'a');
    g->now_ns = first + 10 * NS_PER_S;

    assert_string_equal(fails(g, 'b'), "wait b 1/1 100ms");
    g->now_ns += 10 * NS_PER_S - 1;
    assert_string_equal(fails(g, 'a'), "give up a by a, close a (given up)");
}

static void test_sv5_intensity_0_restarts_nothing(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_policy(g, '-')->intensity = 0;
    given_running(g);

    assert_string_equal(fails(g, 'a'), "give up a by a, close a (given up)");
}

static void test_sv5_actor_with_its_own_intensity_is_counted_alone(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b)");
    given_policy(g, 'g')->intensity = 1;
    given_restart(g, 'a')->own = true;
    given_restart(g, 'a')->intensity = 2;
    given_running(g);

    assert_string_equal(fails(g, 'a'), "wait a 1/2 alone 100ms");
    assert_string_equal(fails(g, 'b'), "wait b 1/1 100ms");
    (void)due(g, 'a');
    assert_string_equal(fails(g, 'a'), "wait a 2/2 alone 200ms");
    (void)due(g, 'a');
    assert_string_equal(fails(g, 'a'), "fail g by a");
}

static void test_sv5_backoff_grows_per_child_and_is_capped(void **state) {
    static const char *const waits[] = {"wait a 1/9 100ms",  "wait a 2/9 200ms",
                                        "wait a 3/9 400ms",  "wait a 4/9 800ms",
                                        "wait a 5/9 1000ms", "wait a 6/9 1000ms"};
    struct given *g = *state;
    given_tree(g, "a b");
    given_policy(g, '-')->intensity = 9;
    given_running(g);

    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_string_equal(fails(g, 'a'), waits[i]);
        (void)due(g, 'a');
        (void)started(g, 'a');
    }
    assert_string_equal(fails(g, 'b'), "wait b 7/9 100ms");
}

static void test_sv5_backoff_is_reset_after_the_period_without_failure(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_running(g);
    (void)fails(g, 'a');
    (void)due(g, 'a');
    (void)started(g, 'a');
    g->now_ns += 10 * NS_PER_S - 1;
    assert_string_equal(fails(g, 'a'), "wait a 1/3 200ms");
    (void)due(g, 'a');
    (void)started(g, 'a');

    g->now_ns += 10 * NS_PER_S;

    assert_string_equal(fails(g, 'a'), "wait a 1/3 100ms");
}

static void test_sv5_backoff_longer_than_the_period_does_not_reset_itself(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_restart(g, 'a')->backoff = (struct backoff_policy){20 * NS_PER_S, 40 * NS_PER_S, 2, 0};
    given_running(g);
    assert_string_equal(fails(g, 'a'), "wait a 1/3 20000ms");
    (void)due(g, 'a');

    assert_string_equal(fails(g, 'a'), "wait a 1/3 40000ms");
    (void)due(g, 'a');
    (void)started(g, 'a');
    assert_string_equal(fails(g, 'a'), "wait a 1/3 40000ms");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_begin_starts_all_in_init_order),
        TEST(test_sv5_transient_restarts_after_a_failure_only),
        TEST(test_sv5_permanent_restarts_after_any_end),
        TEST(test_sv5_temporary_is_never_restarted),
        TEST(test_dr2_stop_by_the_host_is_not_followed_by_a_restart),
        TEST(test_sv5_failing_init_is_a_failure),
        TEST(test_sv5_one_for_one_leaves_siblings_alone),
        TEST(test_sv5_one_for_all_stops_the_others_the_last_first),
        TEST(test_sv5_batch_waits_for_the_last_to_end),
        TEST(test_sv5_rest_for_one_stops_those_that_appear_later),
        TEST(test_sv5_earlier_failure_widens_the_batch),
        TEST(test_sv5_group_in_a_batch_ends_and_starts_with_its_members),
        TEST(test_sv5_failure_while_stopping_is_absorbed_and_recorded),
        TEST(test_sv5_stopped_temporary_sibling_closes),
        TEST(test_sv5_sibling_that_finished_meanwhile_closes),
        TEST(test_sv5_intensity_counts_all_members_of_a_supervisor),
        TEST(test_sv5_restarts_older_than_the_period_do_not_count),
        TEST(test_sv5_intensity_0_restarts_nothing),
        TEST(test_sv5_actor_with_its_own_intensity_is_counted_alone),
        TEST(test_sv5_backoff_grows_per_child_and_is_capped),
        TEST(test_sv5_backoff_is_reset_after_the_period_without_failure),
        TEST(test_sv5_backoff_longer_than_the_period_does_not_reset_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
