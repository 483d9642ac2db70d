/* Building a plan: actors, pids, pools, wires and policies as the manifest says. */
#include "plan/plan.h"

#include "lib/plan_world.h"

static void start(struct world *w) {
    world_file(w, "lib/t.so", WORLD_PLUGIN);
}

static void test_actors_are_numbered_in_order_of_appearance(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n"
                   "  a: { type: t.Source }\n"
                   "  g:\n"
                   "    actors:\n"
                   "      b: { type: t.Source, replicas: 2 }\n"
                   "      h: { actors: { c: { type: t.Source } } }\n"
                   "  d: { type: t.Source }\n");

    static const char *const paths[] = {"a", "g", "g/b.0", "g/b.1", "g/h", "g/h/c", "d"};
    world_assert_plan(w);
    assert_int_equal(w->plan->actor_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(w->plan->actors[i].path, paths[i]);
        assert_string_equal(w->plan->actors[i].name, paths[i]);
        assert_int_equal(plan_find_actor(w->plan, paths[i]), i);
    }
    assert_int_equal(plan_find_actor(w->plan, "g/b"), PLAN_NONE);
}

static void test_ai1_members_take_pids_from_one_counter_a_root_tree(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n"
                   "  a: { type: t.Source }\n"
                   "  g:\n"
                   "    actors:\n"
                   "      b: { type: t.Source, replicas: 2 }\n"
                   "      h: { actors: { c: { type: t.Source } } }\n"
                   "      d: { type: t.Source }\n"
                   "  i: { actors: { e: { type: t.Source } } }\n"
                   "  p: { type: t.Source, replicas: 2 }\n");

    world_assert_plan(w);
    assert_int_equal(world_actor(w, "a")->pid, 0);
    assert_int_equal(world_actor(w, "g")->pid, 0);
    assert_int_equal(world_actor(w, "g/b.0")->pid, 1);
    assert_int_equal(world_actor(w, "g/b.1")->pid, 2);
    assert_int_equal(world_actor(w, "g/h")->pid, 3);
    assert_int_equal(world_actor(w, "g/h/c")->pid, 4);
    assert_int_equal(world_actor(w, "g/d")->pid, 5);
    assert_int_equal(world_actor(w, "i/e")->pid, 1);
    assert_int_equal(world_actor(w, "p.0")->pid, 0);
    assert_int_equal(world_actor(w, "p.1")->pid, 0);
}

static void test_parent_is_the_group(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors: { g: { actors: { h: { actors: { c: { type: t.Source } } } } } }\n");

    world_assert_plan(w);
    assert_int_equal(world_actor(w, "g")->parent, PLAN_NONE);
    assert_true(world_actor(w, "g")->is_group);
    assert_int_equal(world_actor(w, "g")->type, PLAN_NONE);
    assert_null(world_actor(w, "g")->row_types);
    assert_int_equal(world_actor(w, "g/h")->parent, plan_find_actor(w->plan, "g"));
    assert_int_equal(world_actor(w, "g/h/c")->parent, plan_find_actor(w->plan, "g/h"));
}

static void test_replicas_share_config_and_know_their_index(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n  o: { type: t.Oracle, replicas: 2, config: { depth: 7 } }\n"
                   "  one: { type: t.Oracle }\n");

    world_assert_plan(w);
    assert_ptr_equal(world_actor(w, "o.0")->config, world_actor(w, "o.1")->config);
    assert_int_equal(*(const int64_t *)world_actor(w, "o.0")->config->body, 7);
    assert_int_equal(world_actor(w, "o.1")->index_in_pool, 1);
    assert_int_equal(*(const int64_t *)world_actor(w, "one")->config->body, 3);
    assert_int_equal(world_actor(w, "one")->index_in_pool, PLAN_NONE);
}

static void test_pool_of_one_is_a_pool(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n  a: { type: t.Source }\n  s: { type: t.Sink, replicas: 1 }\n"
                   "wires:\n  - { from: a.line, to: s.line, route: round_robin }\n");

    world_assert_plan(w);
    assert_int_equal(world_actor(w, "s.0")->index_in_pool, 0);
    assert_int_equal(w->plan->wires[0].route, ROUTE_ROUND_ROBIN);
}

static void test_wire_between_two_actors_is_direct(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n  a: { type: t.Source }\n  s: { type: t.Sink }\n"
                   "wires:\n  - a.line -> s.debug\n");

    world_assert_plan(w);
    assert_int_equal(w->plan->wire_count, 1);
    const struct plan_wire *wire = &w->plan->wires[0];
    assert_int_equal(wire->from, plan_find_actor(w->plan, "a"));
    assert_int_equal(wire->from_row, world_row(w, "a", "line"));
    assert_int_equal(wire->to_count, 1);
    assert_int_equal(wire->to[0], plan_find_actor(w->plan, "s"));
    assert_int_equal(wire->to_row, world_row(w, "s", "debug"));
    assert_int_equal(wire->route, ROUTE_DIRECT);
    assert_string_equal(wire->type->abi.id.data, "t.line/1");
    assert_null(wire->key);
    assert_null(wire->key_name);
    assert_int_equal(wire->mark.line, 7);
}

static void test_pt3_each_replica_of_the_sender_has_a_wire_to_all_of_the_receiver(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n  a: { type: t.Source, replicas: 2 }\n"
                   "  s: { type: t.Sink, replicas: 3 }\n"
                   "wires:\n  - { from: a.line, to: s.line, route: hash, key: text }\n");

    world_assert_plan(w);
    assert_int_equal(w->plan->wire_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct plan_wire *wire = &w->plan->wires[i];
        assert_int_equal(wire->from, i);
        assert_int_equal(wire->to_count, 3);
        assert_int_equal(wire->to[0], 2);
        assert_int_equal(wire->to[2], 4);
        assert_int_equal(wire->route, ROUTE_HASH);
        assert_string_equal(wire->key_name, "text");
        assert_ptr_equal(wire->key, type_find_field(&wire->type->abi, troupe_str("text")));
    }
}

static void test_fan_out_makes_one_wire_a_target(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n  a: { type: t.Source }\n  s: { type: t.Sink }\n"
                   "wires:\n  - a.line -> s.line\n  - a.line -> s.debug\n");

    world_assert_plan(w);
    assert_int_equal(w->plan->wire_count, 2);
    assert_int_equal(w->plan->wires[0].to_row, world_row(w, "s", "line"));
    assert_int_equal(w->plan->wires[1].to_row, world_row(w, "s", "debug"));
}

static void test_mb8_revisions_that_append_fields_are_compatible(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n  a: { type: t.Source2 }\n  s: { type: t.Sink }\n"
                   "wires:\n  - a.line -> s.line\n");

    world_assert_plan(w);
    assert_string_equal(w->plan->wires[0].type->abi.id.data, "t.line/2");
    assert_string_equal(world_actor(w, "s")->row_types[world_row(w, "s", "line")]->abi.id.data,
                        "t.line/1");
}

static void test_call_is_wired_to_a_pool_with_a_route(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n  a: { type: t.Asker }\n  o: { type: t.Oracle, replicas: 2 }\n"
                   "wires:\n"
                   "  - { from: a.question, to: o.question, route: hash, key: text }\n");

    world_assert_plan(w);
    assert_string_equal(w->plan->wires[0].type->abi.id.data, "t.question/1");
    const struct plan_type *type = &w->plan->types[world_actor(w, "a")->type];
    uint32_t row = world_row(w, "a", "question");
    assert_string_equal(type->row_replies[row]->abi.id.data, "t.answer/1");
}

static void test_overflow_is_the_ports_own_else_the_mailboxs(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n"
                   "  s:\n"
                   "    type: t.Sink\n"
                   "    mailbox: { overflow: fail, ports: { debug: drop_oldest } }\n");

    world_assert_plan(w);
    const struct plan_actor *s = world_actor(w, "s");
    assert_int_equal(s->row_overflow[world_row(w, "s", "line")], OVERFLOW_FAIL);
    assert_int_equal(s->row_overflow[world_row(w, "s", "debug")], OVERFLOW_DROP_OLDEST);
}

static void test_thread_is_the_manifests_word_else_the_types_wish(void **state) {
    struct world *w = *state;
    start(w);

    world_build(w, "actors:\n"
                   "  wish: { type: t.Asker }\n"
                   "  pool: { type: t.Asker, thread: pool }\n"
                   "  own: { type: t.Source, thread: own }\n"
                   "  plain: { type: t.Source }\n");

    world_assert_plan(w);
    assert_true(world_actor(w, "wish")->own_thread);
    assert_false(world_actor(w, "pool")->own_thread);
    assert_true(world_actor(w, "own")->own_thread);
    assert_false(world_actor(w, "plain")->own_thread);
}

static void test_types_that_are_spawned_are_in_the_plan(void **state) {
    struct world *w = *state;
    world_file(w, "a.so",
               "plugin \"a\", \"1\", 1 0\n\n"
               "actor parent \"a.Parent\"\nchild worker \"b.Worker\"\nchild own \"a.Parent\"\n");
    world_file(w, "b.so",
               "plugin \"b\", \"1\", 1 0\n\nactor worker \"b.Worker\"\nchild leaf \"b.Leaf\"\n\n"
               "actor leaf \"b.Leaf\"\ntimer tick\n");

    world_build(w, "actors: { p: { type: a.Parent } }\n");

    world_assert_plan(w);
    const struct plan *plan = w->plan;
    assert_int_equal(plan->type_count, 3);
    assert_int_equal(plan->plugin_count, 2);
    assert_string_equal(plan->types[plan->types[0].row_children[0]].note->id, "b.Worker");
    assert_int_equal(plan->types[0].row_children[1], 0);
    uint32_t worker = plan->types[0].row_children[0];
    assert_string_equal(plan->types[plan->types[worker].row_children[0]].note->id, "b.Leaf");
    assert_string_equal(plan->plugins[plan->types[worker].plugin].file->path, "b.so");
}

static void test_path_in_a_config_is_relative_to_the_manifest(void **state) {
    struct world *w = *state;
    world_file(w, "f.so",
               "plugin \"f\", \"1\", 1 0\n\n"
               "config tail\nkey path path required, \"the file\", \"\"\n\n"
               "actor tail \"f.Tail\"\ntimer tick\nconfig tail\n");
    struct manifest_text file = {
        "etc/m.yaml", "troupe: 1\nproc: p\nactors: { t: { type: f.Tail, config: { path: x } } }\n",
        0};
    file.size = strlen(file.data);
    struct manifest_options options = {.texts = &file, .text_count = 1};
    struct manifest *manifest;
    assert_int_equal(manifest_load(&file.path, 1, &options, &manifest, &w->diags, &w->err), 0);

    w->status = plan_build(manifest, w->catalog, w->types, &w->plan, &w->diags, &w->err);
    w->catalog = NULL;

    world_assert_plan(w);
    assert_string_equal(config_text(world_actor(w, "t")->config, 0).data, "etc/x");
}

static void test_more_actors_than_a_proc_can_have_are_told(void **state) {
    struct world *w = *state;
    struct str text;
    start(w);
    str_init(&text);
    str_add(&text, "actors:\n");
    for (int i = 0; i < 2442; i++) {
        str_addf(&text, "  p%d: { type: t.Source, replicas: 4096 }\n", i);
    }

    world_build(w, str_text(&text));

    world_assert_errors(w,
                        "2445:3: 'p2441' makes it more than 10000000 actors, which is the most a "
                        "proc can have\n");
    str_fini(&text);
}

/* A manifest with errors of its own may lack what it was meant to have. */
static void test_what_a_wrong_manifest_lacks_is_not_told(void **state) {
    struct world *w = *state;
    struct manifest_text file = {"m.yaml",
                                 "troupe: 1\nproc: p\nactors:\n"
                                 "  c: { type: t.Copy, config: { by: x } }\n"
                                 "  s: { type: t.Sink }\n"
                                 "  u: { typ: t.Sink }\n"
                                 "wires:\n  - a.line => c.item\n  - c.copy -> s.line\n"
                                 "  - u.line -> s.lin\n",
                                 0};
    file.size = strlen(file.data);
    struct manifest_options options = {.texts = &file, .text_count = 1};
    struct manifest *manifest = NULL;
    start(w);
    assert_int_equal(manifest_load(&file.path, 1, &options, &manifest, &w->diags, &w->err), -1);
    assert_true(manifest->complete);
    size_t errors = w->diags.errors;

    w->status = plan_build(manifest, w->catalog, w->types, &w->plan, &w->diags, &w->err);
    w->catalog = NULL;

    assert_int_equal(w->status, -1);
    assert_int_equal(w->diags.errors, errors + 1);
    assert_string_equal(w->diags.items[w->diags.count - 1].text,
                        "'s' (t.Sink) has no input port 'lin'; did you mean 'line'?");
}

static void test_json_tells_the_whole_plan(void **state) {
    struct world *w = *state;
    world_file(w, "t.so",
               "plugin \"t\", \"1.2\", 1 0\n\nmessage line \"t.line/1\"\nfield str text\n\n"
               "actor source \"t.Source\"\nout line line\n\n"
               "actor sink \"t.Sink\"\nin line line\nas copy line\n");
    world_build(w, "actors:\n  a: { type: t.Source }\n"
                   "  g: { actors: { s: { type: t.Sink, replicas: 2, after: [a] } } }\n"
                   "wires:\n  - { from: a.line, to: g/s.line, route: hash, key: text }\n");
    struct str text;
    str_init(&text);

    world_assert_plan(w);
    plan_json(w->plan, &text);

    assert_string_equal(
        str_text(&text),
        "{\"proc\":\"p\",\"plugins\":[{\"name\":\"t\",\"version\":\"1.2\",\"path\":\"t.so\","
        "\"sha256\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}],"
        "\"types\":[{\"id\":\"t.Source\",\"plugin\":0,\"ports\":["
        "{\"name\":\"line\",\"kind\":\"out\",\"type\":\"t.line/1\"}]},"
        "{\"id\":\"t.Sink\",\"plugin\":0,\"ports\":["
        "{\"name\":\"line\",\"kind\":\"in\",\"type\":\"t.line/1\"},"
        "{\"name\":\"copy\",\"kind\":\"as\",\"as\":\"line\"}]}],"
        "\"actors\":[{\"path\":\"a\",\"pid\":0,\"type\":\"t.Source\",\"own_thread\":false,"
        "\"wired_inputs\":0,\"component\":0,\"cycle\":null,\"after\":[]},"
        "{\"path\":\"g\",\"pid\":0,\"type\":\"troupe.Group\",\"own_thread\":false,"
        "\"wired_inputs\":0,\"component\":1,\"cycle\":null,\"after\":[]},"
        "{\"path\":\"g/s.0\",\"pid\":1,\"type\":\"t.Sink\",\"parent\":\"g\",\"own_thread\":false,"
        "\"wired_inputs\":1,\"component\":0,\"cycle\":null,\"after\":[\"a\"]},"
        "{\"path\":\"g/s.1\",\"pid\":2,\"type\":\"t.Sink\",\"parent\":\"g\",\"own_thread\":false,"
        "\"wired_inputs\":1,\"component\":0,\"cycle\":null,\"after\":[\"a\"]}],"
        "\"wires\":[{\"from\":\"a.line\",\"to\":[\"g/s.0.line\",\"g/s.1.line\"],"
        "\"type\":\"t.line/1\",\"route\":\"hash\",\"key\":\"text\"}],"
        "\"init_order\":[\"a\",\"g\",\"g/s.0\",\"g/s.1\"]}");
    str_fini(&text);
}

/* One attempt from fresh parts; true when it came through. */
static bool build_with_failing(struct world *w, uint64_t n) {
    world_file(w, "lib/t.so", WORLD_PLUGIN);
    world_manifest(w, "actors:\n  a: { type: t.Source }\n  c: { type: t.Copy }\n"
                      "  s: { type: t.Sink, replicas: 2, after: [a] }\n"
                      "wires:\n  - a.line -> c.item\n"
                      "  - { from: c.copy, to: s.line, route: hash, key: text }\n");
    struct manifest *manifest = w->manifest;
    struct catalog *catalog = w->catalog;
    w->manifest = NULL;
    w->catalog = NULL;
    mem_fail_at(n);
    w->status = plan_build(manifest, catalog, w->types, &w->plan, &w->diags, &w->err);
    mem_fail_at(0);
    return w->status == 0;
}

static void test_build_survives_any_failed_allocation(void **state) {
    (void)state;
    bool done = false;

    for (uint64_t n = 1; !done; n++) {
        void *world = NULL;
        assert_int_equal(world_setup(&world), 0);
        struct world *w = world;
        done = build_with_failing(w, n);
        if (!done) {
            assert_int_equal(w->err.code, ERR_NOMEM);
        }
        assert_int_equal(world_teardown(&world), 0);
        assert_true(n < 10000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_actors_are_numbered_in_order_of_appearance),
        TEST(test_ai1_members_take_pids_from_one_counter_a_root_tree),
        TEST(test_parent_is_the_group),
        TEST(test_replicas_share_config_and_know_their_index),
        TEST(test_pool_of_one_is_a_pool),
        TEST(test_wire_between_two_actors_is_direct),
        TEST(test_pt3_each_replica_of_the_sender_has_a_wire_to_all_of_the_receiver),
        TEST(test_fan_out_makes_one_wire_a_target),
        TEST(test_mb8_revisions_that_append_fields_are_compatible),
        TEST(test_call_is_wired_to_a_pool_with_a_route),
        TEST(test_overflow_is_the_ports_own_else_the_mailboxs),
        TEST(test_thread_is_the_manifests_word_else_the_types_wish),
        TEST(test_types_that_are_spawned_are_in_the_plan),
        TEST(test_path_in_a_config_is_relative_to_the_manifest),
        TEST(test_more_actors_than_a_proc_can_have_are_told),
        TEST(test_what_a_wrong_manifest_lacks_is_not_told),
        TEST(test_json_tells_the_whole_plan),
        cmocka_unit_test(test_build_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
