/* The order of starting: `after`, groups before their members, cycles. */
#include "lib/plan_world.h"

static void build(struct world *w, const char *text) {
    world_file(w, "lib/t.so", WORLD_PLUGIN);
    world_build(w, text);
}

static void assert_order(const struct world *w, const char *const *paths) {
    for (size_t i = 0; i < w->plan->actor_count; i++) {
        assert_string_equal(w->plan->actors[w->plan->init_order[i]].path, paths[i]);
    }
}

static void test_without_after_actors_start_in_order_of_appearance(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n"
             "  g: { actors: { b: { type: t.Source, replicas: 2 } } }\n"
             "  c: { type: t.Source }\n");

    static const char *const order[] = {"a", "g", "g/b.0", "g/b.1", "c"};
    world_assert_plan(w);
    assert_order(w, order);
    assert_int_equal(world_actor(w, "a")->after_count, 0);
}

static void test_actor_starts_after_those_it_names(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source, after: [c, g/b] }\n"
             "  g: { actors: { b: { type: t.Source, replicas: 2 } } }\n"
             "  c: { type: t.Source, after: [d] }\n  d: { type: t.Source }\n");

    static const char *const order[] = {"d", "c", "g", "g/b.0", "g/b.1", "a"};
    world_assert_plan(w);
    assert_order(w, order);
    const struct plan_actor *a = world_actor(w, "a");
    assert_int_equal(a->after_count, 3);
    assert_int_equal(a->after[0], plan_find_actor(w->plan, "c"));
    assert_int_equal(a->after[1], plan_find_actor(w->plan, "g/b.0"));
    assert_int_equal(a->after[2], plan_find_actor(w->plan, "g/b.1"));
}

static void test_after_a_group_is_after_all_below_it(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source, after: [g] }\n"
             "  g: { actors: { b: { type: t.Source },\n"
             "                 h: { actors: { c: { type: t.Source, after: [d] } } } } }\n"
             "  d: { type: t.Source }\n");

    static const char *const order[] = {"g", "g/b", "g/h", "d", "g/h/c", "a"};
    world_assert_plan(w);
    assert_order(w, order);
    assert_int_equal(world_actor(w, "a")->after_count, 4);
}

static void test_unknown_actor_in_after_is_told_with_the_nearest(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  tail: { type: t.Source }\n  b: { type: t.Source, after: [tial] }\n");

    world_assert_errors(w, "5:32: there is no actor 'tial'; did you mean 'tail'?\n");
}

static void test_cycle_is_told_with_all_its_members(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source, after: [b] }\n"
             "  b: { type: t.Source, after: [zzzzzz, c] }\n"
             "  c: { type: t.Source, after: [a] }\n");

    world_assert_errors(w, "5:32: there is no actor 'zzzzzz'\n"
                           "6:32: these wait for each other to start: 'a' after 'b' after 'c' "
                           "after 'a'\n");
}

static void test_actor_after_itself_is_told(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source, after: [a] }\n");

    world_assert_errors(w, "4:32: these wait for each other to start: 'a' after 'a'\n");
}

static void test_member_after_its_own_group_is_told(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  g: { actors: { b: { type: t.Source, after: [g] } } }\n");

    world_assert_errors(w, "4:47: these wait for each other to start: 'g/b' after 'g' after "
                           "'g/b'\n");
}

static void test_replica_in_after_is_told_with_its_pool(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  p: { type: t.Source, replicas: 2 }\n"
             "  b: { type: t.Source, after: [p.1] }\n");

    world_assert_errors(w, "5:32: 'p.1' is one replica of a pool; name the pool, 'p'\n");
}

static void test_group_after_a_member_of_one_that_waits_for_it_is_told_once(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source, after: [g] }\n"
             "  g: { after: [a], actors: { b: { type: t.Source }, c: { type: t.Source } } }\n");

    world_assert_errors(w, "5:16: these wait for each other to start: 'a' after 'g' after 'a'\n");
}

static void test_two_cycles_are_both_told(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source, after: [b] }\n  b: { type: t.Source, after: [a] }\n"
             "  c: { type: t.Source, after: [d] }\n  d: { type: t.Source, after: [c] }\n");

    world_assert_errors(w, "5:32: these wait for each other to start: 'a' after 'b' after 'a'\n"
                           "7:32: these wait for each other to start: 'c' after 'd' after 'c'\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_without_after_actors_start_in_order_of_appearance),
        TEST(test_actor_starts_after_those_it_names),
        TEST(test_after_a_group_is_after_all_below_it),
        TEST(test_unknown_actor_in_after_is_told_with_the_nearest),
        TEST(test_cycle_is_told_with_all_its_members),
        TEST(test_actor_after_itself_is_told),
        TEST(test_member_after_its_own_group_is_told),
        TEST(test_replica_in_after_is_told_with_its_pool),
        TEST(test_group_after_a_member_of_one_that_waits_for_it_is_told_once),
        TEST(test_two_cycles_are_both_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
