/* Groups that fail, escalation, the end of all, and events that do not fit. */
#include "given.h"

#include "base/alloc.h"

static void test_ai4_members_of_a_failed_group_keep_their_slots(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b c)");
    given_policy(g, 'g')->intensity = 0;
    given_restart(g, 'c')->policy = RESTART_TEMPORARY;
    given_running(g);

    assert_string_equal(fails(g, 'b'), "fail g by b, stop c (group), stop a (group)");
    assert_string_equal(fails(g, 'a'), "absorb a");
    assert_string_equal(stopped(g, 'c'), "");
    assert_string_equal(fails(g, 'g'), "wait g 1/3 100ms");
    assert_string_equal(state_of(g, 'b'), "down");
    assert_string_equal(due(g, 'g'), "start g, start a, start b, start c");
}

static void test_sv5_restarted_group_counts_from_zero(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b)");
    given_policy(g, 'g')->intensity = 1;
    given_restart(g, 'b')->own = true;
    given_restart(g, 'b')->intensity = 1;
    given_running(g);
    (void)fails(g, 'b');
    (void)fails(g, 'a');
    (void)due(g, 'a');
    assert_string_equal(fails(g, 'a'), "fail g by a");
    (void)fails(g, 'g');
    (void)due(g, 'g');
    all_start(g);

    assert_string_equal(fails(g, 'a'), "wait a 1/1 200ms");
    assert_string_equal(fails(g, 'b'), "wait b 1/1 alone 200ms");
}

static void test_sv5_group_waiting_leaves_no_member_due(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b)");
    given_policy(g, 'g')->intensity = 1;
    given_running(g);
    (void)fails(g, 'a');
    assert_string_equal(fails(g, 'b'), "fail g by b");

    assert_string_equal(due(g, 'a'), "");
    assert_string_equal(state_of(g, 'a'), "down");
}

static void test_sv1_root_cause_is_kept_up_to_the_coordinator(void **state) {
    struct given *g = *state;
    given_tree(g, "x g(y h(a b))");
    given_policy(g, 'h')->intensity = 0;
    given_policy(g, 'g')->intensity = 0;
    given_policy(g, '-')->intensity = 0;
    given_running(g);

    assert_string_equal(fails(g, 'b'), "fail h by b, stop a (group)");
    (void)stopped(g, 'a');
    assert_string_equal(fails(g, 'h'), "fail g by b, stop y (group)");
    (void)stopped(g, 'y');
    assert_string_equal(fails(g, 'g'),
                        "give up g by b, close b (group), close a (group), close h (group), "
                        "close y (group), close g (given up)");
    assert_int_equal(g->actions.items[0].cause.detail, given_node(g, 'b') + 100);
    assert_int_equal(g->actions.items[0].cause.incarnation, 1);
    assert_string_equal(state_of(g, 'x'), "running");
}

static void test_sv1_root_cause_may_have_merely_ended(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b)");
    given_policy(g, 'g')->intensity = 0;
    given_restart(g, 'a')->policy = RESTART_PERMANENT;
    given_running(g);

    assert_string_equal(finishes(g, 'a'), "fail g by a which ended, stop b (group)");
    (void)stopped(g, 'b');
    assert_string_equal(fails(g, 'g'), "wait g 1/3 100ms");
}

static void test_sv2_gives_up_once(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c");
    given_policy(g, '-')->intensity = 0;
    given_running(g);

    assert_string_equal(fails(g, 'a'), "give up a by a, close a (given up)");
    assert_string_equal(fails(g, 'b'), "close b (given up)");
}

static void test_sv5_temporary_group_closes_with_its_members(void **state) {
    struct given *g = *state;
    given_tree(g, "x g(a b)");
    given_policy(g, 'g')->intensity = 0;
    given_restart(g, 'g')->policy = RESTART_TEMPORARY;
    given_running(g);
    (void)fails(g, 'a');
    (void)stopped(g, 'b');

    assert_string_equal(fails(g, 'g'), "close b (group), close a (group), close g (temporary)");
}

static void test_group_without_open_members_is_stopped_and_closes(void **state) {
    struct given *g = *state;
    given_tree(g, "x g(a h(b))");
    given_restart(g, 'g')->policy = RESTART_PERMANENT;
    given_running(g);
    (void)finishes(g, 'a');

    assert_string_equal(finishes(g, 'b'), "close b (finished), stop h (empty)");
    assert_string_equal(stopped(g, 'h'), "close h (empty), stop g (empty)");
    assert_string_equal(finishes(g, 'g'), "close g (empty)");
}

static void test_closed_member_does_not_start_again_with_its_group(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b)");
    given_policy(g, 'g')->intensity = 0;
    given_running(g);
    (void)finishes(g, 'a');
    (void)fails(g, 'b');
    (void)fails(g, 'g');

    assert_string_equal(due(g, 'g'), "start g, start b");
}

static void test_failing_group_in_a_batch_is_absorbed(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c)");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_policy(g, 'g')->intensity = 0;
    given_running(g);
    assert_string_equal(fails(g, 'b'), "fail g by b, stop c (group)");
    assert_string_equal(fails(g, 'a'), "wait a 1/3 100ms");
    (void)stopped(g, 'c');

    assert_string_equal(fails(g, 'g'), "absorb g");
    assert_string_equal(due(g, 'a'), "start a, start g, start b, start c");
}

static void test_dr3_stopping_starts_at_once_who_waits(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c)");
    given_policy(g, 'g')->strategy = STRATEGY_ONE_FOR_ALL;
    given_running(g);
    (void)fails(g, 'a');
    (void)fails(g, 'b');

    assert_string_equal(hears(g, TREE_EVENT_STOPPING), "start a");
    assert_string_equal(stopped(g, 'c'), "start b, start c");
}

static void test_dr3_failures_while_stopping_restart_without_backoff(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_running(g);
    (void)hears(g, TREE_EVENT_STOPPING);

    assert_string_equal(fails(g, 'a'), "wait a 1/3 0ms, start a");
    assert_string_equal(fails(g, 'a'), "wait a 2/3 0ms, start a");
    assert_string_equal(fails(g, 'a'), "wait a 3/3 0ms, start a");
    assert_string_equal(fails(g, 'a'), "give up a by a, close a (given up)");
}

static void test_dr2_permanent_that_ends_while_stopping_is_over(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_restart(g, 'a')->policy = RESTART_PERMANENT;
    given_running(g);
    (void)hears(g, TREE_EVENT_STOPPING);

    assert_string_equal(finishes(g, 'a'), "close a (finished)");
}

static void test_dr3_nothing_starts_after_the_deadline(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c) d");
    given_policy(g, 'g')->intensity = 0;
    given_running(g);
    (void)fails(g, 'd');
    (void)fails(g, 'b');

    assert_string_equal(hears(g, TREE_EVENT_ABORTING), "close d (aborted), close b (aborted)");
    assert_string_equal(fails(g, 'a'), "close a (aborted)");
    assert_string_equal(due(g, 'd'), "");
    assert_string_equal(fails(g, 'c'), "close c (aborted)");
    assert_string_equal(fails(g, 'g'), "close g (aborted)");
    assert_true(tree_is_over(g->tree));
}

static void test_removed_actor_is_stopped_and_closes(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_restart(g, 'a')->policy = RESTART_PERMANENT;
    given_running(g);

    assert_string_equal(removed(g, 'a'), "stop a (removed)");
    assert_string_equal(removed(g, 'a'), "");
    assert_string_equal(fails(g, 'a'), "close a (removed)");
    assert_string_equal(removed(g, 'a'), "");
}

static void test_removed_actor_closes_at_once_when_it_waits(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_running(g);
    (void)fails(g, 'a');

    assert_string_equal(removed(g, 'a'), "close a (removed)");
    assert_string_equal(due(g, 'a'), "");
}

static void test_removed_actor_no_longer_holds_up_its_batch(void **state) {
    struct given *g = *state;
    given_tree(g, "a b c");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_running(g);
    (void)fails(g, 'a');
    (void)stopped(g, 'b');
    (void)stopped(g, 'c');

    assert_string_equal(removed(g, 'a'), "close a (removed), start b, start c");
}

static void test_removed_group_goes_with_its_members(void **state) {
    struct given *g = *state;
    given_tree(g, "x g(a h(b))");
    given_running(g);

    assert_string_equal(removed(g, 'g'),
                        "stop b (removed), stop h (removed), stop a (removed), stop g (removed)");
    (void)stopped(g, 'b');
    (void)fails(g, 'h');
    (void)stopped(g, 'a');
    assert_string_equal(stopped(g, 'g'),
                        "close b (group), close h (group), close a (group), close g (removed)");
}

static void test_group_that_waits_closes_when_its_members_are_removed(void **state) {
    struct given *g = *state;
    given_tree(g, "x g(a b)");
    given_policy(g, 'g')->intensity = 0;
    given_running(g);
    (void)fails(g, 'a');
    (void)stopped(g, 'b');
    (void)fails(g, 'g');

    assert_string_equal(removed(g, 'a'), "close a (removed)");
    assert_string_equal(removed(g, 'b'), "close b (removed), close g (empty)");
}

static void test_group_that_ends_before_its_members_waits_for_them(void **state) {
    struct given *g = *state;
    given_tree(g, "g(a b)");
    given_running(g);

    assert_string_equal(fails(g, 'g'), "stop b (group), stop a (group)");
    assert_string_equal(fails(g, 'g'), "");
    assert_string_equal(stopped(g, 'a'), "");
    assert_string_equal(fails(g, 'b'), "absorb b, wait g 1/3 100ms");
    assert_string_equal(due(g, 'g'), "start g, start a, start b");
}

static void test_step_has_room_for_something_about_every_node(void **state) {
    struct given *g = *state;
    given_tree(g, "g(h(b))");
    given_running(g);
    (void)hears(g, TREE_EVENT_STOPPING);
    assert_string_equal(fails(g, 'g'), "stop b (group), stop h (group)");
    assert_string_equal(fails(g, 'h'), "");

    const char *said = fails(g, 'b');

    assert_string_equal(said, "absorb b, absorb h, wait g 1/3 0ms, start g, start h, start b");
}

static void test_second_begin_is_harmless(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_running(g);
    (void)fails(g, 'a');
    (void)stopped(g, 'b');

    assert_string_equal(hears(g, TREE_EVENT_BEGIN), "");
    assert_string_equal(state_of(g, 'b'), "down");
}

static void test_due_is_harmless_unless_it_is_time(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_running(g);
    const struct tree_event event = {.kind = TREE_EVENT_DUE, .node = 0};
    (void)fails(g, 'a');

    g->now_ns += 100 * NS_PER_MS - 1;
    assert_string_equal(given_step(g, event), "");
    g->now_ns += 1;
    assert_string_equal(given_step(g, event), "start a");
    assert_string_equal(given_step(g, event), "");
}

static void test_second_end_is_harmless(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_running(g);
    const struct tree_event end = {
        .kind = TREE_EVENT_ENDED, .node = 0, .incarnation = 1, .how = TREE_FAILED};
    assert_string_equal(given_step(g, end), "wait a 1/3 100ms");

    assert_string_equal(given_step(g, end), "");
    (void)due(g, 'a');
    assert_string_equal(given_step(g, end), "");
    assert_string_equal(state_of(g, 'a'), "starting");
}

static void test_events_that_do_not_fit_are_harmless(void **state) {
    struct given *g = *state;
    given_tree(g, "a b");
    given_running(g);
    (void)finishes(g, 'b');

    assert_string_equal(started(g, 'a'), "");
    assert_string_equal(started(g, 'b'), "");
    assert_string_equal(fails(g, 'b'), "");
    assert_string_equal(hears(g, TREE_EVENT_BEGIN), "");
    assert_string_equal(
        given_step(g, (struct tree_event){.kind = TREE_EVENT_ENDED, .node = 2, .incarnation = 1}),
        "");
    assert_string_equal(
        given_step(g, (struct tree_event){.kind = TREE_EVENT_DUE, .node = PLAN_NONE}), "");
}

static void test_tree_says_so_when_there_is_no_memory(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c)");
    given_restart(g, 'b')->own = true;

    TEST_EACH_FAILED_ALLOCATION(n, (void)tree_create(&g->plan, &g->tree, &g->err), g->tree);
    assert_string_equal(g->err.text, "supervision tree of 4 actors");

    mem_fail_at(1);
    assert_int_equal(tree_actions_init(&g->actions, g->tree, &g->err), -1);
    mem_fail_at(0);
    assert_string_equal(g->err.text, "actions of a supervision tree of 4 actors");
}

static void test_steps_need_no_memory(void **state) {
    struct given *g = *state;
    given_tree(g, "a g(b c)");
    given_policy(g, '-')->strategy = STRATEGY_ONE_FOR_ALL;
    given_running(g);

    mem_fail_at(1);
    tree_step(g->tree,
              &(struct tree_event){
                  .kind = TREE_EVENT_ENDED, .node = 0, .incarnation = 1, .how = TREE_FAILED},
              g->now_ns, &g->actions);
    bool unused = !mem_text("");
    mem_fail_at(0);

    assert_true(unused);
    assert_int_equal(g->actions.count, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_ai4_members_of_a_failed_group_keep_their_slots),
        TEST(test_sv5_restarted_group_counts_from_zero),
        TEST(test_sv5_group_waiting_leaves_no_member_due),
        TEST(test_sv1_root_cause_is_kept_up_to_the_coordinator),
        TEST(test_sv1_root_cause_may_have_merely_ended),
        TEST(test_sv2_gives_up_once),
        TEST(test_sv5_temporary_group_closes_with_its_members),
        TEST(test_group_without_open_members_is_stopped_and_closes),
        TEST(test_closed_member_does_not_start_again_with_its_group),
        TEST(test_failing_group_in_a_batch_is_absorbed),
        TEST(test_dr3_stopping_starts_at_once_who_waits),
        TEST(test_dr3_failures_while_stopping_restart_without_backoff),
        TEST(test_dr2_permanent_that_ends_while_stopping_is_over),
        TEST(test_dr3_nothing_starts_after_the_deadline),
        TEST(test_removed_actor_is_stopped_and_closes),
        TEST(test_removed_actor_closes_at_once_when_it_waits),
        TEST(test_removed_actor_no_longer_holds_up_its_batch),
        TEST(test_removed_group_goes_with_its_members),
        TEST(test_group_that_waits_closes_when_its_members_are_removed),
        TEST(test_group_that_ends_before_its_members_waits_for_them),
        TEST(test_step_has_room_for_something_about_every_node),
        TEST(test_second_begin_is_harmless),
        TEST(test_due_is_harmless_unless_it_is_time),
        TEST(test_second_end_is_harmless),
        TEST(test_events_that_do_not_fit_are_harmless),
        TEST(test_tree_says_so_when_there_is_no_memory),
        TEST(test_steps_need_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
