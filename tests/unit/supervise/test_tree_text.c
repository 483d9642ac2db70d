/* What the tree does, in words for a log. */
#include "given.h"

/* The action number `at` of the last step. */
static const char *described(struct given *g, uint32_t at) {
    assert_true(at < g->actions.count);
    str_clear(&g->said);
    tree_describe(g->tree, &g->actions.items[at], &g->said);
    return str_text(&g->said);
}

static void test_start_tells_which_life_begins(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    (void)given_begin(g);
    assert_string_equal(described(g, 0), "starts");
    (void)fails(g, 'a');

    (void)due(g, 'a');

    assert_string_equal(described(g, 0), "starts again, life 2");
}

static void test_restart_tells_count_limit_and_delay(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_policy(g, '-')->intensity = 5;
    given_running(g);
    (void)fails(g, 'b');
    given_restart(g, 'a')->backoff.jitter = 0.2;

    (void)given_step(
        g, (struct tree_event){
               .kind = TREE_EVENT_ENDED, .incarnation = 1, .how = TREE_FAILED, .random = 25123456});

    assert_string_equal(described(g, 0), "restart 2 of 5 in 10s, in 105ms");
}

static void test_restart_tells_when_it_is_counted_alone(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_restart(g, 'a')->own = true;
    given_restart(g, 'a')->backoff.initial_ns = 700 * NS_PER_MS + 123;
    given_running(g);

    (void)fails(g, 'a');

    assert_string_equal(described(g, 0), "restart 1 of 3 in 10s of its own, in 700ms");
}

static void test_restart_while_stopping_is_at_once(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_running(g);
    (void)hears(g, TREE_EVENT_STOPPING);

    (void)fails(g, 'a');

    assert_string_equal(described(g, 0), "restart 1 of 3 in 10s, at once");
}

static void test_stop_tells_on_whose_account(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c) d");
    given_policy(g, '-')->strategy = STRATEGY_REST_FOR_ONE;
    given_policy(g, 'g')->intensity = 0;
    given_running(g);
    (void)fails(g, 'b');
    assert_string_equal(described(g, 1), "stopped, with its group 'g'");

    (void)fails(g, 'a');

    assert_string_equal(described(g, 1), "stopped, to start again together with 'a'");
}

static void test_failure_of_a_group_tells_the_excess_and_where_it_began(void **state) {
    struct given *g = *state;
    given_tree(g, "x g(a h(b))");
    given_policy(g, 'h')->intensity = 1;
    given_policy(g, 'g')->intensity = 0;
    given_policy(g, '-')->intensity = 0;
    given_running(g);
    (void)fails(g, 'b');
    (void)due(g, 'b');

    (void)fails(g, 'b');
    assert_string_equal(described(g, 0), "failed: 'b' ended again after 1 restart in 10s");
    (void)fails(g, 'h');
    assert_string_equal(described(g, 0),
                        "failed: 'h' ended, which is never restarted; it began with 'b'");
    (void)stopped(g, 'a');
    (void)fails(g, 'g');
    assert_string_equal(described(g, 0),
                        "gives up: 'g' ended, which is never restarted; it began with 'b'");
    assert_string_equal(described(g, 1), "over: its group 'g' has ended");
    assert_string_equal(described(g, 4), "over: it is given up");
}

static void test_excess_of_an_own_intensity_says_so(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_restart(g, 'a')->own = true;
    given_restart(g, 'a')->intensity = 2;
    given_running(g);
    (void)fails(g, 'a');
    (void)due(g, 'a');
    (void)fails(g, 'a');
    (void)due(g, 'a');

    (void)fails(g, 'a');

    assert_string_equal(described(g, 0),
                        "gives up: 'a' ended again after 2 restarts in 10s of its own");
}

static void test_close_and_absorb_tell_why(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c d");
    given_policy(g, '-')->strategy = STRATEGY_REST_FOR_ONE;
    given_restart(g, 'd')->policy = RESTART_TEMPORARY;
    given_running(g);
    (void)removed(g, 'a');
    assert_string_equal(described(g, 0), "stopped: it is removed");
    (void)stopped(g, 'a');
    assert_string_equal(described(g, 0), "over: it is removed");
    (void)fails(g, 'b');
    (void)fails(g, 'c');
    assert_string_equal(described(g, 0), "failed while it was being stopped");

    (void)stopped(g, 'd');

    assert_string_equal(described(g, 0), "over: it is temporary");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_start_tells_which_life_begins),
        TEST(test_restart_tells_count_limit_and_delay),
        TEST(test_restart_tells_when_it_is_counted_alone),
        TEST(test_restart_while_stopping_is_at_once),
        TEST(test_stop_tells_on_whose_account),
        TEST(test_failure_of_a_group_tells_the_excess_and_where_it_began),
        TEST(test_excess_of_an_own_intensity_says_so),
        TEST(test_close_and_absorb_tell_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
