/* Roots that are added to a tree: in the same strategy and the same window as the others. */
#include "given.h"

#include "base/alloc.h"

static int try_add(struct given *g, char name) {
    uint32_t at = (uint32_t)g->plan.actor_count + g->added;
    g->paths[at][0] = name;
    g->specs[at].restart =
        (struct restart_block){RESTART_TRANSIENT, true, 1, 10 * NS_PER_S, *given_backoff()};
    g->specs[at].restart.own = name == 'o';
    g->actors[at] =
        (struct plan_actor){.path = g->paths[at], .parent = PLAN_NONE, .spec = &g->specs[at]};
    return tree_add(g->tree, at, &g->actors[at], PLAN_NONE, PLAN_NONE, &g->actions, &g->err);
}

/* Says what follows. */
static const char *added(struct given *g, char name) {
    assert_int_equal(try_add(g, name), 0);
    g->added++;
    return given_step(g,
                      (struct tree_event){.kind = TREE_EVENT_ADDED, .node = given_node(g, name)});
}

static void test_added_root_starts(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b)");
    given_running(g);

    assert_string_equal(added(g, 'x'), "start x");
    assert_string_equal(added(g, 'y'), "start y");
    assert_string_equal(started(g, 'x'), "");
    assert_string_equal(finishes(g, 'x'), "close x (finished)");
    assert_string_equal(state_of(g, 'y'), "starting");
}

static void test_tree_is_over_when_added_roots_are_too(void **state) {
    struct given *g = *state;
    given_tree(g, "a");
    given_running(g);
    (void)added(g, 'x');
    (void)started(g, 'x');

    (void)finishes(g, 'a');
    assert_false(tree_is_over(g->tree));
    (void)finishes(g, 'x');
    assert_true(tree_is_over(g->tree));
}

static void test_sv5_added_root_counts_in_the_window_of_all(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b)");
    given_policy(g, '-')->intensity = 2;
    given_running(g);
    (void)added(g, 'x');
    (void)started(g, 'x');

    assert_string_equal(fails(g, 'a'), "wait a 1/2 100ms");
    assert_string_equal(fails(g, 'x'), "wait x 2/2 100ms");
    (void)due(g, 'x');
    (void)started(g, 'x');
    assert_string_equal(fails(g, 'x'), "give up x by x, close x (given up)");
}

static void test_sv5_added_root_with_an_intensity_of_its_own_counts_alone(void **state) {
    struct given *g = *state;
    given_tree(g, "a");
    given_running(g);
    (void)added(g, 'o');
    (void)started(g, 'o');

    assert_string_equal(fails(g, 'o'), "wait o 1/1 alone 100ms");
}

static void test_sv5_one_for_all_holds_for_added_roots(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b)");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_running(g);
    (void)added(g, 'x');
    (void)started(g, 'x');

    assert_string_equal(fails(g, 'x'),
                        "wait x 1/3 100ms, stop b (sibling), stop g (sibling), stop a (sibling)");
    (void)stopped(g, 'b');
    (void)stopped(g, 'g');
    (void)stopped(g, 'a');
    assert_string_equal(due(g, 'x'), "start a, start g, start b, start x");
    all_start(g);
    assert_string_equal(fails(g, 'a'),
                        "wait a 2/3 100ms, stop x (sibling), stop b (sibling), stop g (sibling)");
}

static void test_nothing_starts_in_a_tree_that_stops(void **state) {
    struct given *g = *state;
    given_tree(g, "a");
    given_running(g);
    (void)hears(g, TREE_EVENT_STOPPING);

    assert_string_equal(added(g, 'x'), "");
    assert_string_equal(state_of(g, 'x'), "down");
}

static void test_root_that_is_taken_back_never_was(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b)");
    given_running(g);

    assert_int_equal(try_add(g, 'o'), 0);
    tree_remove_last(g->tree);

    assert_string_equal(fails(g, 'a'), "wait a 1/3 100ms");
    assert_string_equal(due(g, 'a'), "start a");
    (void)started(g, 'a');
    (void)finishes(g, 'a');
    (void)finishes(g, 'b');
    (void)stopped(g, 'g');
    assert_true(tree_is_over(g->tree));
}

static void test_without_memory_the_tree_stays_as_it_is(void **state) {
    struct given *g = *state;
    int status = -1;
    given_tree(g, "a");
    given_running(g);

    TEST_EACH_FAILED_ALLOCATION(n, status = try_add(g, 'o'), status == 0);

    assert_string_equal(g->err.text, "no memory to supervise 'o'");
    assert_string_equal(fails(g, 'a'), "wait a 1/3 100ms");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_added_root_starts),
        TEST(test_tree_is_over_when_added_roots_are_too),
        TEST(test_sv5_added_root_counts_in_the_window_of_all),
        TEST(test_sv5_added_root_with_an_intensity_of_its_own_counts_alone),
        TEST(test_sv5_one_for_all_holds_for_added_roots),
        TEST(test_nothing_starts_in_a_tree_that_stops),
        TEST(test_root_that_is_taken_back_never_was),
        TEST(test_without_memory_the_tree_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
