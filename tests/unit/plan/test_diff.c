#include "plan/diff.h"

#include "unit/plan/diff_world.h"

#define TAP_AND_SINK                                                                               \
    "actors:\n"                                                                                    \
    "  tap: { type: d.Tap }\n"                                                                     \
    "  sink: { type: d.Sink }\n"                                                                   \
    "wires: [tap.line -> sink.line]\n"

static void test_equal_plans_have_no_difference(void **state) {
    struct pair *p = *state;

    pair_diff(p, TAP_AND_SINK, TAP_AND_SINK);

    pair_assert(p, "");
    assert_true(diff_is_live(p->diff));
}

static void test_the_same_values_written_otherwise_are_no_difference(void **state) {
    struct pair *p = *state;

    pair_diff(p, "actors:\n  tap: { type: d.Tap, config: { span: 60s, depth: 3 }, memory: 1MiB }\n",
              "defaults: { stuck_after: 2000ms }\n"
              "actors:\n  tap: { type: d.Tap, config: { span: 1m }, memory: 1024KiB }\n");

    pair_assert(p, "");
}

static void test_added_actors_come_in_starting_order_with_their_wires(void **state) {
    struct pair *p = *state;

    pair_diff(p, TAP_AND_SINK,
              "actors:\n"
              "  tap: { type: d.Tap }\n"
              "  sink: { type: d.Sink }\n"
              "  late: { type: d.Pipe, after: [group] }\n"
              "  group:\n"
              "    actors: { one: { type: d.Sink, replicas: 2 } }\n"
              "wires:\n"
              "  - tap.line -> sink.line\n"
              "  - tap.line -> late.line\n"
              "  - { from: late.on, to: group/one.line, route: round_robin }\n");

    pair_assert(p, "add 7:3 add the group 'group'\n"
                   "add 8:15 add 'group/one.0' to '.1', each of type d.Sink\n"
                   "add 6:3 add 'late', of type d.Pipe\n"
                   "  on -> group/one.line: - => round_robin, to 2 replicas\n"
                   "rewire 11:5 wire the output 'line' of 'tap' anew\n"
                   "  line -> late.line: - => direct\n");
}

static void test_removed_actors_go_senders_first_and_groups_last(void **state) {
    struct pair *p = *state;

    pair_diff(p,
              "actors:\n"
              "  stays: { type: d.Sink }\n"
              "  group:\n"
              "    actors:\n"
              "      last: { type: d.Sink }\n"
              "      middle: { type: d.Pipe }\n"
              "  first: { type: d.Tap }\n"
              "wires: [first.line -> group/middle.line, group/middle.on -> group/last.line]\n",
              "actors:\n  stays: { type: d.Sink }\n");

    pair_assert(p, "remove 9:3 drain and remove 'first', of type d.Tap\n"
                   "remove 8:7 drain and remove 'group/middle', of type d.Pipe\n"
                   "remove 7:7 drain and remove 'group/last', of type d.Sink\n"
                   "remove 5:3 remove the group 'group'\n");
}

static void test_a_ring_that_goes_is_removed_member_by_member(void **state) {
    struct pair *p = *state;

    pair_diff(p,
              "actors:\n"
              "  a: { type: d.Pipe }\n"
              "  b: { type: d.Pipe }\n"
              "  c: { type: d.Sink }\n"
              "wires: [a.on -> b.line, b.on -> a.line, b.on -> c.line]\n",
              "actors:\n  c: { type: d.Sink }\n");

    assert_int_equal(diff_count(p->diff, DIFF_REMOVE), 2);
    assert_int_equal(p->diff->op_count, 2);
}

static void test_settings_change_the_way_that_the_type_knows(void **state) {
    struct pair *p = *state;

    pair_diff(p,
              "actors:\n"
              "  tap: { type: d.Tap }\n"
              "  pipe: { type: d.Pipe, config: { names: [a] } }\n"
              "  sink: { type: d.Sink }\n",
              "actors:\n"
              "  tap: { type: d.Tap, config: { depth: 4 } }\n"
              "  pipe: { type: d.Pipe, config: { names: [a, \"b c\"], span: 20s } }\n"
              "  sink: { type: d.Sink, config: { depth: 5 } }\n");

    pair_assert(
        p, "reconfigure 4:40 reconfigure 'tap' through its saved state: config.depth\n"
           "  config.depth: 3 => 4\n"
           "reconfigure 5:60 reconfigure 'pipe' by its 'reconfigure': config.span, config.names\n"
           "  config.span: 10s => 20s\n"
           "  config.names: [\"a\"] => [\"a\", \"b c\"]\n"
           "restart 6:42 restart 'sink', which takes settings only when it starts: config.depth\n"
           "  !config.depth: 3 => 5\n");
    assert_true(diff_is_live(p->diff));
}

static void test_policies_change_live_and_mailboxes_by_a_restart(void **state) {
    struct pair *p = *state;

    pair_diff(p,
              "actors:\n"
              "  tap: { type: d.Tap, memory: 1MiB }\n"
              "  sink: { type: d.Sink }\n",
              "defaults: { restart: permanent, mailbox: { capacity: 8 } }\n"
              "actors:\n"
              "  tap: { type: d.Tap, restart: { intensity: 5 }, mailbox: { capacity: 1024 } }\n"
              "  sink: { type: d.Sink, restart: transient }\n");

    pair_assert(p, "!proc 2:7 restart the proc: defaults.mailbox.capacity\n"
                   "  !defaults.mailbox.capacity: 1024 => 8\n"
                   "!restart 3:54 restart 'sink': mailbox.capacity\n"
                   "  !mailbox.capacity: 1024 => 8\n"
                   "policy 3:22 run 'tap' in another way: memory, restart.policy, "
                   "restart.intensity is counted\n"
                   "  memory: 1MiB => no cap\n"
                   "  restart.policy: transient => permanent\n"
                   "  restart.intensity is counted: with its supervisor's => alone\n");
}

static void test_another_type_or_thread_takes_a_restart(void **state) {
    struct pair *p = *state;

    pair_diff(p, TAP_AND_SINK,
              "actors:\n"
              "  tap: { type: d.Tap, thread: own }\n"
              "  sink: { type: d.Pipe, config: { depth: 1 }, memory: 1MiB }\n"
              "wires: [tap.line -> sink.line]\n");

    pair_assert(p, "!restart 4:3 restart 'tap': thread\n"
                   "  !thread: pool => own\n"
                   "!restart 5:17 restart 'sink': type\n"
                   "  !type: d.Sink => d.Pipe\n"
                   "  memory: no cap => 1MiB\n"
                   "  config.depth: 3 => 1\n");
}

static void test_wires_change_output_by_output(void **state) {
    struct pair *p = *state;

    pair_diff(p,
              "actors:\n"
              "  tap: { type: d.Tap }\n"
              "  a: { type: d.Sink, replicas: 2 }\n"
              "  b: { type: d.Sink }\n"
              "wires:\n"
              "  - { from: tap.line, to: a.line, route: round_robin }\n"
              "  - tap.line -> b.line\n"
              "  - tap.copy -> b.line\n",
              "actors:\n"
              "  tap: { type: d.Tap }\n"
              "  a: { type: d.Sink, replicas: 2 }\n"
              "  b: { type: d.Sink }\n"
              "wires:\n"
              "  - tap.line -> b.debug\n"
              "  - { from: tap.line, to: a.line, route: hash, key: text }\n");

    pair_assert(p, "rewire 8:5 wire the output 'line' of 'tap' anew\n"
                   "  line -> b.debug: - => direct\n"
                   "  line -> a.line: round_robin, to 2 replicas => hash by text, to 2 replicas\n"
                   "  line -> b.line: direct => -\n"
                   "rewire 4:3 wire the output 'copy' of 'tap' anew\n"
                   "  copy -> b.line: direct => -\n");
    assert_int_equal(p->diff->ops[0].row, 0);
    assert_string_equal(p->diff->ops[0].port, "line");
}

static void test_replicas_that_change_alike_are_one_operation(void **state) {
    struct pair *p = *state;

    pair_diff(p,
              "actors:\n"
              "  tap: { type: d.Tap }\n"
              "  pool: { type: d.Pipe, replicas: 2 }\n"
              "wires: [{ from: tap.line, to: pool.line, route: round_robin }]\n",
              "actors:\n"
              "  tap: { type: d.Tap }\n"
              "  pool: { type: d.Pipe, replicas: 4, config: { depth: 0 } }\n"
              "wires: [{ from: tap.line, to: pool.line, route: round_robin }]\n");

    pair_assert(p,
                "reconfigure 5:55 reconfigure 'pool.0' to '.1' by its 'reconfigure': config.depth\n"
                "  config.depth: 3 => 0\n"
                "add 5:3 add 'pool.2' to '.3', each of type d.Pipe\n"
                "rewire 6:9 wire the output 'line' of 'tap' anew\n"
                "  line -> pool.line: round_robin, to 2 replicas => round_robin, to 4 replicas\n");
}

static void test_what_becomes_a_pool_or_a_group_is_another_actor(void **state) {
    struct pair *p = *state;

    pair_diff(
        p, "actors:\n  a: { type: d.Sink }\n  b: { type: d.Sink }\n",
        "actors:\n  a: { type: d.Sink, replicas: 1 }\n  b: { actors: { c: { type: d.Sink } } }\n");

    pair_assert(p, "add 4:3 add 'a.0', of type d.Sink\n"
                   "!add 5:3 add the group 'b', once the other of that name is gone\n"
                   "add 5:18 add 'b/c', of type d.Sink\n"
                   "remove 4:3 drain and remove 'a', of type d.Sink\n"
                   "remove 5:3 drain and remove 'b', of type d.Sink\n");
}

static void test_another_order_is_a_difference(void **state) {
    struct pair *p = *state;

    pair_diff(p,
              "actors:\n  g: { actors: { a: { type: d.Sink }, b: { type: d.Sink }, c: { type: "
              "d.Sink } } }\n",
              "actors:\n  g: { actors: { b: { type: d.Sink }, a: { type: d.Sink } } }\n");

    pair_assert(p, "!policy 4:3 run 'g' in another way, which takes a restart of the proc: order\n"
                   "  order: a, b, c => b, a\n"
                   "remove 4:60 drain and remove 'g/c', of type d.Sink\n");
}

static void test_values_of_the_proc_are_live_or_take_its_restart(void **state) {
    struct pair *p = *state;

    pair_diff(p, "workers: 2\nstop: { timeout: 3s }\nactors:\n  a: { type: d.Sink }\n",
              "workers: 3\nstop: { timeout: 4s }\nactors:\n  a: { type: d.Sink }\n");

    pair_assert(p, "!proc 3:10 restart the proc: workers\n"
                   "  !workers: 2 => 3\n"
                   "policy 4:18 run the proc in another way: stop.timeout\n"
                   "  stop.timeout: 3s => 4s\n");
}

static void test_other_bytes_of_a_plugin_are_a_reload(void **state) {
    struct pair *p = *state;
    pair_build(p->from, DIFF_PLUGIN, 'a', TAP_AND_SINK);
    pair_build(p->to, DIFF_PLUGIN, 'b', TAP_AND_SINK);

    assert_int_equal(diff_create(p->from->plan, p->to->plan, &p->diff, NULL), 0);

    assert_int_equal(p->diff->op_count, 1);
    const struct diff_op *op = &p->diff->ops[0];
    assert_int_equal(op->kind, DIFF_RELOAD);
    assert_string_equal(op->text, "reload 'd.so': 2 actor types of 2 actors");
    assert_string_equal(op->path, "d.so");
    assert_int_equal(op->change_count, 2);
    assert_string_equal(op->changes[1].what, "d.Sink");
    assert_int_equal(op->changes[1].mark.line, 5);
    assert_true(op->is_live);
}

static void test_keys_of_another_schema_come_and_go(void **state) {
    static const char other[] =
        "plugin \"d\", \"2.0\", 1 0\n\n" DIFF_MESSAGES
        "config options\nkey int depth 4, \"how deep\", \"0..9\"\nkey int width 1, \"how wide\", "
        "\"\"\n\n"
        "actor pipe \"d.Pipe\"\nin line line\nout on line\nconfig options\nsave 1 1\nload\n\n";
    struct pair *p = *state;
    pair_build(p->from, DIFF_PLUGIN, 'a', "actors:\n  pipe: { type: d.Pipe }\n");
    pair_build(p->to, other, 'b', "actors:\n  pipe: { type: d.Pipe }\n");

    assert_int_equal(diff_create(p->from->plan, p->to->plan, &p->diff, NULL), 0);

    assert_int_equal(p->diff->op_count, 2);
    const struct diff_op *op = &p->diff->ops[1];
    assert_string_equal(op->text, "reconfigure 'pipe' through its saved state: config.depth, "
                                  "config.width, config.span, config.names");
    assert_string_equal(op->changes[0].to, "4");
    assert_null(op->changes[1].from);
    assert_string_equal(op->changes[2].from, "10s");
    assert_null(op->changes[2].to);
}

static void test_long_values_are_cut(void **state) {
    struct pair *p = *state;
    struct str text;
    str_init(&text);
    str_add(&text, "actors:\n  tap: { type: d.Tap, config: { names: [");
    for (int i = 0; i < 1000; i++) {
        str_addf(&text, "%sname%d", i ? ", " : "", i);
    }
    str_add(&text, "] } }\n");

    pair_diff(p, "actors:\n  tap: { type: d.Tap }\n", str_text(&text));

    assert_int_equal(strlen(p->diff->ops[0].changes[0].to), 303);
    str_fini(&text);
}

static void test_no_memory_is_reported_and_nothing_leaks(void **state) {
    struct pair *p = *state;
    struct err err = {.code = ERR_NONE};
    pair_build(p->from, DIFF_PLUGIN, 'a', TAP_AND_SINK);
    pair_build(p->to, DIFF_PLUGIN, 'b',
               "workers: 2\nactors:\n  tap: { type: d.Tap, config: { depth: 1 } }\n"
               "  new: { type: d.Pipe, after: [tap] }\nwires: [tap.line -> new.line]\n");

    TEST_EACH_FAILED_ALLOCATION(n, (void)diff_create(p->from->plan, p->to->plan, &p->diff, &err),
                                p->diff != NULL);

    assert_int_equal(err.code, ERR_NOMEM);
    assert_string_equal(err.text, "no memory for the difference of two plans");
    assert_int_equal(p->diff->op_count, 6);
}

#define DIFF_TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        DIFF_TEST(test_equal_plans_have_no_difference),
        DIFF_TEST(test_the_same_values_written_otherwise_are_no_difference),
        DIFF_TEST(test_added_actors_come_in_starting_order_with_their_wires),
        DIFF_TEST(test_removed_actors_go_senders_first_and_groups_last),
        DIFF_TEST(test_a_ring_that_goes_is_removed_member_by_member),
        DIFF_TEST(test_settings_change_the_way_that_the_type_knows),
        DIFF_TEST(test_policies_change_live_and_mailboxes_by_a_restart),
        DIFF_TEST(test_another_type_or_thread_takes_a_restart),
        DIFF_TEST(test_wires_change_output_by_output),
        DIFF_TEST(test_replicas_that_change_alike_are_one_operation),
        DIFF_TEST(test_what_becomes_a_pool_or_a_group_is_another_actor),
        DIFF_TEST(test_another_order_is_a_difference),
        DIFF_TEST(test_values_of_the_proc_are_live_or_take_its_restart),
        DIFF_TEST(test_other_bytes_of_a_plugin_are_a_reload),
        DIFF_TEST(test_keys_of_another_schema_come_and_go),
        DIFF_TEST(test_long_values_are_cut),
        DIFF_TEST(test_no_memory_is_reported_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
