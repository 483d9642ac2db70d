/* The graph of wires: inputs counted, components, cycles; and that large plans are built. */
#include "lib/plan_world.h"

static void build(struct world *w, const char *text) {
    world_file(w, "lib/t.so", WORLD_PLUGIN);
    world_build(w, text);
}

static void test_dr1_inputs_count_each_sender_once_and_itself_not(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  b: { type: t.Source, replicas: 3 }\n"
             "  s: { type: t.Sink }\n  c: { type: t.Copy }\n"
             "wires:\n  - a.line -> s.line\n  - a.line -> s.debug\n  - b.line -> s.line\n"
             "  - a.line -> c.item\n  - c.copy -> c.item\n");

    world_assert_plan(w);
    assert_int_equal(world_actor(w, "s")->wired_inputs, 4);
    assert_int_equal(world_actor(w, "a")->wired_inputs, 0);
    assert_int_equal(world_actor(w, "c")->wired_inputs, 1);
}

static void test_dr1_replica_counts_its_brothers_when_a_pool_is_wired_to_itself(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  c: { type: t.Copy, replicas: 3 }\n"
             "wires:\n  - { from: a.line, to: c.item, route: round_robin }\n"
             "  - { from: c.copy, to: c.item, route: broadcast }\n");

    world_assert_plan(w);
    assert_int_equal(world_actor(w, "c.0")->wired_inputs, 3);
    assert_int_equal(world_actor(w, "c.2")->wired_inputs, 3);
}

static void test_component_holds_all_that_wires_join(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  b: { type: t.Source }\n"
             "  s: { type: t.Sink, replicas: 2 }\n  u: { type: t.Sink }\n"
             "  lone: { type: t.Source, replicas: 2 }\n"
             "wires:\n  - { from: b.line, to: s.line, route: round_robin }\n"
             "  - a.line -> u.line\n");

    world_assert_plan(w);
    assert_int_equal(world_actor(w, "a")->component, 0);
    assert_int_equal(world_actor(w, "b")->component, 1);
    assert_int_equal(world_actor(w, "s.0")->component, 1);
    assert_int_equal(world_actor(w, "s.1")->component, 1);
    assert_int_equal(world_actor(w, "u")->component, 0);
    assert_int_equal(world_actor(w, "lone.0")->component, 2);
    assert_int_equal(world_actor(w, "lone.1")->component, 3);
}

static void test_components_that_meet_late_are_one(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  b: { type: t.Source }\n  s: { type: t.Sink }\n"
             "  u: { type: t.Sink }\n"
             "wires:\n  - a.line -> s.line\n  - b.line -> u.line\n  - a.line -> u.line\n");

    world_assert_plan(w);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(w->plan->actors[i].component, 0);
    }
}

static void test_dr1_cycle_is_shared_by_those_on_a_circle_only(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  c: { type: t.Copy }\n  d: { type: t.Copy }\n"
             "  e: { type: t.Copy }\n  s: { type: t.Sink }\n"
             "wires:\n  - a.line -> c.item\n  - c.copy -> d.item\n  - d.copy -> e.item\n"
             "  - e.copy -> d.item\n  - e.copy -> s.line\n");

    world_assert_plan(w);
    assert_int_equal(world_actor(w, "a")->cycle, 0);
    assert_int_equal(world_actor(w, "c")->cycle, 1);
    assert_int_equal(world_actor(w, "d")->cycle, 2);
    assert_int_equal(world_actor(w, "e")->cycle, 2);
    assert_int_equal(world_actor(w, "s")->cycle, 3);
    assert_false(world_actor(w, "c")->in_cycle);
    assert_true(world_actor(w, "d")->in_cycle);
    assert_true(world_actor(w, "e")->in_cycle);
    assert_false(world_actor(w, "s")->in_cycle);
}

static void test_dr1_wire_to_itself_is_a_cycle(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  c: { type: t.Copy }\n"
             "wires:\n  - a.line -> c.item\n  - c.copy -> c.item\n");

    world_assert_plan(w);
    assert_false(world_actor(w, "a")->in_cycle);
    assert_true(world_actor(w, "c")->in_cycle);
}

static void test_dr1_replicas_share_a_cycle_when_their_pool_is_on_one(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source, replicas: 2 }\n  c: { type: t.Copy, replicas: 2 }\n"
             "  d: { type: t.Copy }\n"
             "wires:\n  - { from: a.line, to: c.item, route: round_robin }\n"
             "  - c.copy -> d.item\n  - { from: d.copy, to: c.item, route: round_robin }\n");

    world_assert_plan(w);
    assert_int_not_equal(world_actor(w, "a.0")->cycle, world_actor(w, "a.1")->cycle);
    assert_int_equal(world_actor(w, "c.0")->cycle, world_actor(w, "c.1")->cycle);
    assert_int_equal(world_actor(w, "c.0")->cycle, world_actor(w, "d")->cycle);
}

/* A graph of copies, each also fed by a source, and what reaches what in it by plain search. */
enum { NODES = 7 };
struct random_graph {
    bool edge[NODES][NODES];
    bool reaches[NODES][NODES]; /* by one edge or more */
};

static void random_graph_init(struct random_graph *g, uint32_t *seed) {
    for (int i = 0; i < NODES * NODES; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        g->edge[i / NODES][i % NODES] = *seed >> 24 < 40;
        g->reaches[i / NODES][i % NODES] = g->edge[i / NODES][i % NODES];
    }
    for (int via = 0; via < NODES; via++) {
        for (int i = 0; i < NODES * NODES; i++) {
            g->reaches[i / NODES][i % NODES] |=
                g->reaches[i / NODES][via] && g->reaches[via][i % NODES];
        }
    }
}

static void random_graph_write(const struct random_graph *g, struct str *text) {
    str_add(text, "actors:\n  a: { type: t.Source }\n");
    for (int i = 0; i < NODES; i++) {
        str_addf(text, "  c%d: { type: t.Copy }\n", i);
    }
    str_add(text, "wires:\n");
    for (int i = 0; i < NODES; i++) {
        str_addf(text, "  - a.line -> c%d.item\n", i);
    }
    for (int i = 0; i < NODES * NODES; i++) {
        if (g->edge[i / NODES][i % NODES]) {
            str_addf(text, "  - c%d.copy -> c%d.item\n", i / NODES, i % NODES);
        }
    }
}

static void check_random_graph(const struct random_graph *g, const struct world *w) {
    const struct plan_actor *copies = w->plan->actors + 1;
    for (int i = 0; i < NODES; i++) {
        uint32_t inputs = 1;
        for (int j = 0; j < NODES; j++) {
            bool one_cycle = i == j || (g->reaches[i][j] && g->reaches[j][i]);
            assert_int_equal(copies[i].cycle == copies[j].cycle, one_cycle);
            inputs += i != j && g->edge[j][i];
        }
        assert_int_equal(copies[i].in_cycle, g->reaches[i][i]);
        assert_int_equal(copies[i].wired_inputs, inputs);
        assert_int_equal(copies[i].component, 0);
    }
}

static void test_random_graphs_have_the_cycles_that_a_plain_search_finds(void **state) {
    (void)state;
    uint32_t seed = 20;

    for (int round = 0; round < 100; round++) {
        struct random_graph g;
        struct str text;
        void *world = NULL;
        assert_int_equal(world_setup(&world), 0);
        random_graph_init(&g, &seed);
        str_init(&text);
        random_graph_write(&g, &text);

        build(world, str_text(&text));

        world_assert_plan(world);
        check_random_graph(&g, world);
        str_fini(&text);
        assert_int_equal(world_teardown(&world), 0);
    }
}

/* `count` copies in a row, fed by a source, each starting after the one before. */
static void write_chain(struct str *text, int count) {
    str_add(text, "actors:\n  a: { type: t.Source }\n");
    for (int i = 0; i < count; i++) {
        str_addf(text, "  c%d: { type: t.Copy, config: { by: text }", i);
        if (i) {
            str_addf(text, ", after: [c%d]", i - 1);
        }
        str_add(text, " }\n");
    }
    str_add(text, "wires:\n  - a.line -> c0.item\n");
    for (int i = 1; i < count; i++) {
        str_addf(text, "  - c%d.copy -> c%d.item\n", i - 1, i);
    }
}

static void test_ten_thousand_actors_in_a_row_are_built(void **state) {
    struct world *w = *state;
    struct str text;
    str_init(&text);
    world_file(w, "lib/t.so", WORLD_PLUGIN);
    write_chain(&text, 10000);
    world_manifest(w, str_text(&text));
    struct manifest *manifest = w->manifest;
    struct catalog *catalog = w->catalog;
    w->manifest = NULL;
    w->catalog = NULL;

    w->status = plan_build(manifest, catalog, w->types, &w->plan, &w->diags, &w->err);

    world_assert_plan(w);
    assert_int_equal(w->plan->actor_count, 10001);
    assert_int_equal(w->plan->wire_count, 10000);
    str_fini(&text);
}

static void test_ten_thousand_wrong_wires_are_each_told(void **state) {
    struct world *w = *state;
    struct str text;
    str_init(&text);
    world_file(w, "lib/t.so", WORLD_PLUGIN);
    str_add(&text, "actors:\n");
    for (int i = 0; i < 10000; i++) {
        str_addf(&text, "  c%d: { type: t.Sink }\n", i);
    }
    str_add(&text, "wires:\n");
    for (int i = 0; i < 10000; i++) {
        str_addf(&text, "  - x%d.line -> c%d.line\n", i, i);
    }
    world_manifest(w, str_text(&text));
    struct manifest *manifest = w->manifest;
    struct catalog *catalog = w->catalog;
    w->manifest = NULL;
    w->catalog = NULL;

    w->status = plan_build(manifest, catalog, w->types, &w->plan, &w->diags, &w->err);

    assert_int_equal(w->status, -1);
    assert_int_equal(w->diags.errors, 10000);
    str_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_dr1_inputs_count_each_sender_once_and_itself_not),
        TEST(test_dr1_replica_counts_its_brothers_when_a_pool_is_wired_to_itself),
        TEST(test_component_holds_all_that_wires_join),
        TEST(test_components_that_meet_late_are_one),
        TEST(test_dr1_cycle_is_shared_by_those_on_a_circle_only),
        TEST(test_dr1_wire_to_itself_is_a_cycle),
        TEST(test_dr1_replicas_share_a_cycle_when_their_pool_is_on_one),
        cmocka_unit_test(test_random_graphs_have_the_cycles_that_a_plain_search_finds),
        TEST(test_ten_thousand_actors_in_a_row_are_built),
        TEST(test_ten_thousand_wrong_wires_are_each_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
