/* A tree that is made another while it runs: members that join groups, before and behind others, and other policies. */
#include "given.h"

#include "base/alloc.h"

/* Into the group `parent` ('-': a root), before `before` ('-': as the last). */
static int try_join(struct given *g, char name, char parent, char before, bool is_group) {
    uint32_t at = (uint32_t)g->plan.actor_count + g->added;
    uint32_t up = parent == '-' ? PLAN_NONE : given_node(g, parent);
    uint32_t behind = before == '-' ? PLAN_NONE : given_node(g, before);
    g->paths[at][0] = name;
    g->specs[at].supervise = given_supervise();
    g->specs[at].restart =
        (struct restart_block){RESTART_TRANSIENT, false, 3, 10 * NS_PER_S, *given_backoff()};
    g->actors[at] = (struct plan_actor){
        .path = g->paths[at], .parent = up, .is_group = is_group, .spec = &g->specs[at]};
    return tree_add(g->tree, at, &g->actors[at], up, behind, &g->actions, &g->err);
}

static void join(struct given *g, char name, char parent, char before, bool is_group) {
    assert_int_equal(try_join(g, name, parent, before, is_group), 0);
    g->added++;
}

static const char *starts(struct given *g, char name) {
    return given_step(g,
                      (struct tree_event){.kind = TREE_EVENT_ADDED, .node = given_node(g, name)});
}

/* Those that are not closed, in their order. */
static void assert_order(const struct given *g, const char *expected) {
    char order[GIVEN_MAX + 1] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < g->plan.actor_count + g->added; i++) {
        order[size++] = g->paths[tree_node_at(g->tree, i)][0];
        assert_int_equal(tree_place(g->tree, tree_node_at(g->tree, i)), i);
    }
    assert_string_equal(order, expected);
}

static void test_member_joins_before_a_sibling_and_behind_all(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c) d");
    given_running(g);

    join(g, 'x', 'g', 'c', false);
    join(g, 'y', 'g', '-', false);
    join(g, 'z', '-', 'a', false);

    assert_order(g, "zagbxcyd");
    assert_int_equal(tree_place_behind(g->tree, given_node(g, 'g')), 7);
    assert_string_equal(starts(g, 'x'), "start x");
    assert_string_equal(starts(g, 'y'), "start y");
    assert_string_equal(starts(g, 'z'), "start z");
}

static void test_sv5_rest_for_one_goes_by_where_a_member_joined(void **state) {
    struct given *g = *state;
    given_tree(g, "g(b c)");
    given_policy(g, 'g')->strategy = STRATEGY_REST_FOR_ONE;
    given_running(g);
    join(g, 'x', 'g', 'c', false);
    (void)starts(g, 'x');
    (void)started(g, 'x');

    assert_string_equal(fails(g, 'x'), "wait x 1/3 100ms, stop c (sibling)");
    (void)stopped(g, 'c');
    assert_string_equal(due(g, 'x'), "start c, start x");
}

static void test_group_joins_with_its_members(void **state) {
    struct given *g = *state;
    given_tree(g, "a h(b)");
    given_running(g);

    join(g, 'g', 'h', 'b', true);
    join(g, 'x', 'g', '-', false);
    join(g, 'y', 'g', '-', false);

    assert_order(g, "ahgxyb");
    assert_string_equal(starts(g, 'g'), "start g, start x, start y");
    all_start(g);
    assert_string_equal(removed(g, 'g'), "stop y (removed), stop x (removed), stop g (removed)");
    (void)stopped(g, 'y');
    (void)stopped(g, 'x');
    (void)stopped(g, 'g');
    assert_string_equal(state_of(g, 'g'), "closed");
    assert_string_equal(state_of(g, 'b'), "running");
}

static void test_member_of_a_group_that_is_down_starts_with_it(void **state) {
    struct given *g = *state;
    given_tree(g, "g(b)");
    given_policy(g, 'g')->intensity = 0;
    given_running(g);
    (void)fails(g, 'b');
    (void)ended(g, 'g', TREE_FAILED);
    assert_string_equal(state_of(g, 'g'), "waiting");
    join(g, 'x', 'g', '-', false);

    assert_string_equal(starts(g, 'x'), "");
    assert_string_equal(due(g, 'g'), "start g, start b, start x");
}

static void test_member_that_is_taken_back_never_was(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c) d");
    given_running(g);
    assert_int_equal(try_join(g, 'x', 'g', 'c', false), 0);

    tree_remove_last(g->tree);

    assert_order(g, "agbcd");
    assert_int_equal(tree_place_behind(g->tree, given_node(g, 'g')), 4);
    (void)finishes(g, 'b');
    (void)finishes(g, 'c');
    assert_string_equal(state_of(g, 'g'), "stopping");
}

/* Its number goes to another one, which stands and starts elsewhere. */
static void test_number_of_one_that_has_closed_is_given_again(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c) d");
    given_policy(g, '-')->strategy = STRATEGY_REST_FOR_ONE;
    given_running(g);
    uint32_t number = given_node(g, 'b');
    (void)removed(g, 'b');
    (void)stopped(g, 'b');

    tree_vacate(g->tree, number);

    assert_int_equal(tree_place(g->tree, number), 4);
    assert_int_equal(tree_place_behind(g->tree, given_node(g, 'g')), 3);
    assert_int_equal(tree_state(g->tree, number), TREE_IS_CLOSED);
    g->paths[number][0] = 'x';
    g->actors[number].parent = PLAN_NONE;
    assert_int_equal(tree_add(g->tree, number, &g->actors[number], PLAN_NONE, given_node(g, 'd'),
                              &g->actions, &g->err),
                     0);
    assert_order(g, "agcxd");
    assert_int_equal(tree_start_order(g->tree, 4), number);
    assert_string_equal(starts(g, 'x'), "start x");
    (void)started(g, 'x');
    assert_int_equal(tree_incarnation(g->tree, number), 1);
    assert_string_equal(fails(g, 'x'), "wait x 1/3 100ms, stop d (sibling)");
}

/* T-6: who closed with it open is not held up by it. */
static void test_one_that_never_started_gives_its_number_back(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b) d");
    given_running(g);
    assert_int_equal(try_join(g, 'x', 'g', '-', false), 0);

    tree_vacate(g->tree, 4);

    (void)finishes(g, 'b');
    assert_string_equal(state_of(g, 'g'), "stopping");
    (void)stopped(g, 'g');
    (void)finishes(g, 'a');
    (void)finishes(g, 'd');
    assert_true(tree_is_over(g->tree));
}

static const char *again(struct given *g, char name) {
    return given_step(g,
                      (struct tree_event){.kind = TREE_EVENT_AGAIN, .node = given_node(g, name)});
}

static void test_one_starts_again_at_once_and_it_does_not_count(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_policy(g, '-')->intensity = 0;
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_restart(g, 'b')->policy = RESTART_TEMPORARY;
    given_running(g);

    assert_string_equal(again(g, 'a'), "stop a (again)");
    assert_string_equal(again(g, 'b'), "stop b (again)");
    assert_string_equal(stopped(g, 'a'), "start a");
    assert_string_equal(fails(g, 'b'), "start b");
    all_start(g);
    assert_string_equal(fails(g, 'a'), "give up a by a, close a (given up)");
}

static void test_one_that_is_down_starts_when_it_would(void **state) {
    struct given *g = *state;
    given_tree(g, "a");
    given_running(g);
    (void)fails(g, 'a');

    assert_string_equal(again(g, 'a'), "");

    assert_string_equal(due(g, 'a'), "start a");
}

static void test_one_that_finishes_when_it_is_told_to_start_again_has_finished(void **state) {
    struct given *g = *state;
    given_tree(g, "a");
    given_running(g);
    (void)again(g, 'a');

    assert_string_equal(finishes(g, 'a'), "close a (finished)");
}

static void test_one_that_is_removed_meanwhile_does_not_start_again(void **state) {
    struct given *g = *state;
    given_tree(g, "a");
    given_running(g);
    (void)again(g, 'a');
    (void)removed(g, 'a');

    assert_string_equal(stopped(g, 'a'), "close a (removed)");
}

static void take(struct given *g, char name) {
    uint32_t node = name == '-' ? PLAN_NONE : given_node(g, name);
    bool is_group = name == '-' || g->actors[node].is_group;
    struct tree_policies policies = {.path = name == '-' ? NULL : g->paths[node],
                                     .restart = name == '-' ? NULL : given_restart(g, name),
                                     .supervise = is_group ? given_policy(g, name) : NULL};
    assert_int_equal(tree_policies_init(&policies), 0);
    tree_take_policies(g->tree, node, &policies);
    tree_policies_fini(&policies);
}

static void test_sv5_other_policies_hold_from_then_on(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c)");
    given_running(g);
    given_policy(g, 'g')->strategy = STRATEGY_ONE_FOR_ALL;
    given_policy(g, '-')->intensity = 0;
    given_restart(g, 'c')->policy = RESTART_TEMPORARY;
    take(g, 'g');
    take(g, '-');
    take(g, 'c');

    assert_string_equal(fails(g, 'b'), "wait b 1/3 100ms, stop c (sibling)");
    assert_string_equal(stopped(g, 'c'), "close c (temporary)");
    assert_string_equal(fails(g, 'a'), "give up a by a, close a (given up)");
}

static void test_sv5_restarts_still_count_when_they_are_counted_in_the_same_way(void **state) {
    struct given *g = *state;
    given_tree(g, "a");
    given_policy(g, '-')->intensity = 2;
    given_running(g);
    assert_string_equal(fails(g, 'a'), "wait a 1/2 100ms");
    (void)due(g, 'a');
    (void)started(g, 'a');

    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    take(g, '-');

    assert_string_equal(fails(g, 'a'), "wait a 2/2 200ms");
    (void)due(g, 'a');
    (void)started(g, 'a');
    given_policy(g, '-')->intensity = 5;
    take(g, '-');
    assert_string_equal(fails(g, 'a'), "wait a 1/5 400ms");
}

static void test_sv5_one_that_gets_an_intensity_of_its_own_counts_alone(void **state) {
    struct given *g = *state;
    given_tree(g, "a");
    given_running(g);
    given_restart(g, 'a')->own = true;
    take(g, 'a');
    assert_string_equal(fails(g, 'a'), "wait a 1/3 alone 100ms");
    (void)due(g, 'a');
    (void)started(g, 'a');

    given_restart(g, 'a')->own = false;
    take(g, 'a');

    assert_string_equal(fails(g, 'a'), "wait a 1/3 200ms");
}

static void test_without_memory_a_group_is_not_joined(void **state) {
    struct given *g = *state;
    int status = -1;
    given_tree(g, "g(b)");
    given_running(g);

    TEST_EACH_FAILED_ALLOCATION(n, status = try_join(g, 'x', 'g', 'b', true), status == 0);

    assert_string_equal(g->err.text, "no memory to supervise 'x'");
    g->added++;
    assert_order(g, "gxb");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_member_joins_before_a_sibling_and_behind_all),
        TEST(test_sv5_rest_for_one_goes_by_where_a_member_joined),
        TEST(test_group_joins_with_its_members),
        TEST(test_member_of_a_group_that_is_down_starts_with_it),
        TEST(test_member_that_is_taken_back_never_was),
        TEST(test_number_of_one_that_has_closed_is_given_again),
        TEST(test_one_that_never_started_gives_its_number_back),
        TEST(test_one_starts_again_at_once_and_it_does_not_count),
        TEST(test_one_that_is_down_starts_when_it_would),
        TEST(test_one_that_finishes_when_it_is_told_to_start_again_has_finished),
        TEST(test_one_that_is_removed_meanwhile_does_not_start_again),
        TEST(test_sv5_other_policies_hold_from_then_on),
        TEST(test_sv5_restarts_still_count_when_they_are_counted_in_the_same_way),
        TEST(test_sv5_one_that_gets_an_intensity_of_its_own_counts_alone),
        TEST(test_without_memory_a_group_is_not_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
