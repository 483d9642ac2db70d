/* Wires: references to actors and ports, routes, keys, calls, and what is said when they are off. */
#include "lib/plan_world.h"

/* Builds these actors with this one wire. */
static void build_wire(struct world *w, const char *wire) {
    struct str text;
    str_init(&text);
    str_addf(&text,
             "actors:\n"
             "  a: { type: t.Source }\n"
             "  s: { type: t.Sink }\n"
             "  p: { type: t.Sink, replicas: 2 }\n"
             "  g: { actors: { inner: { type: t.Sink } } }\n"
             "  q: { type: t.Asker }\n"
             "  o: { type: t.Oracle, replicas: 2 }\n"
             "  parrot: { type: t.Parrot }\n"
             "  m: { type: t.Meter }\n"
             "  pc: { type: t.Copy, replicas: 2 }\n"
             "wires:\n"
             "  - %s\n",
             wire);
    world_file(w, "lib/t.so", WORLD_PLUGIN);
    world_build(w, str_text(&text));
    str_fini(&text);
}

/* One wire with these errors. */
#define WIRE_TEST(name, wire, expected)                                                            \
    static void name(void **state) {                                                               \
        struct world *w = *state;                                                                  \
                                                                                                   \
        build_wire(w, wire);                                                                       \
                                                                                                   \
        world_assert_errors(w, expected);                                                          \
    }

WIRE_TEST(test_unknown_actor_is_told_with_the_nearest, "parot.x -> s.line",
          "14:5: there is no actor 'parot'; did you mean 'parrot'?\n")
WIRE_TEST(test_unknown_actor_far_from_all_is_told, "a.line -> zzzzzz.line",
          "14:15: there is no actor 'zzzzzz'\n")
WIRE_TEST(test_member_named_without_its_group_is_told_with_its_path, "a.line -> inner.line",
          "14:15: there is no actor 'inner'; did you mean 'g/inner'?\n")
WIRE_TEST(test_group_cannot_be_wired, "a.line -> g.line",
          "14:15: 'g' is a group and has no ports; wire its members, as 'g/inner'\n")
WIRE_TEST(test_unknown_output_is_told_with_the_nearest, "a.lines -> s.line",
          "14:5: 'a' (t.Source) has no output port 'lines'; did you mean 'line'?\n")
WIRE_TEST(test_unknown_output_far_from_all_is_told_with_the_list, "a.zzz -> s.line",
          "14:5: 'a' (t.Source) has no output port 'zzz'; it has 'line'\n")
WIRE_TEST(test_output_of_an_actor_without_any_is_told, "parrot.zzz -> s.line",
          "14:5: 'parrot' (t.Parrot) has no output port 'zzz'\n")
WIRE_TEST(test_timer_is_no_port, "a.tick -> s.line",
          "14:5: 'a' (t.Source) has no output port 'tick'; it has 'line'\n")
WIRE_TEST(test_unknown_input_is_told_with_the_nearest, "a.line -> s.lin",
          "14:15: 's' (t.Sink) has no input port 'lin'; did you mean 'line'?\n")
WIRE_TEST(test_wire_from_an_input_is_told, "s.line -> s.debug",
          "14:5: 's.line' is an input; a wire starts at an output\n")
WIRE_TEST(test_wire_to_an_output_is_told_with_the_inputs, "a.line -> pc.copy",
          "14:15: 'pc.copy' is an output; a wire ends at an input, here 'item'\n")
WIRE_TEST(test_both_ends_are_told, "b.line -> s.lin",
          "14:5: there is no actor 'b'\n"
          "14:15: 's' (t.Sink) has no input port 'lin'; did you mean 'line'?\n")
WIRE_TEST(test_message_of_another_kind_is_told, "m.load -> s.line",
          "14:5: 'm.load' sends 't.load/1', which 's.line' cannot take: 't.load/1' and "
          "'t.line/1' are different messages\n")
WIRE_TEST(test_pt3_pool_without_a_route_is_told, "a.line -> p.line",
          "14:5: 'p' is a pool; say how to route to it: { from: a.line, to: p.line, route: "
          "round_robin }, hash or broadcast\n")
WIRE_TEST(test_pt3_route_to_one_actor_is_told, "{ from: a.line, to: s.line, route: broadcast }",
          "14:40: 's' is not a pool, so there is nothing to route; drop 'route', or give it "
          "'replicas'\n")
WIRE_TEST(test_hash_key_that_is_no_field_is_told_with_the_nearest,
          "{ from: a.line, to: p.line, route: hash, key: txt }",
          "14:51: 't.line/1' has no field 'txt', and 'a.line' sends it; did you mean 'text'?\n")
WIRE_TEST(test_hash_key_far_from_all_fields_is_told_with_the_fields,
          "{ from: a.line, to: p.line, route: hash, key: zzzzz }",
          "14:51: 't.line/1' has no field 'zzzzz', and 'a.line' sends it; its fields are "
          "'str text; u64 number'\n")
WIRE_TEST(test_hash_key_of_a_kind_that_is_no_key_is_told,
          "{ from: m.load, to: pc.item, route: hash, key: load }",
          "14:52: field 'load' of 't.load/1' is of kind f64 and cannot be a key: that takes text, "
          "bytes, a whole number, a bool, a time or a reference\n")
WIRE_TEST(test_ask_wired_to_a_plain_input_is_told, "q.question -> s.line",
          "14:5: 'q.question' asks for answers and 's.line' gives none: wire it to a call port\n")
WIRE_TEST(test_call_wired_from_a_plain_output_is_told,
          "{ from: a.line, to: o.question, route: hash, key: text }",
          "14:5: 'o.question' answers calls and 'a.line' makes none: wire an ask port to it\n")
WIRE_TEST(test_call_of_another_type_is_told, "q.question -> parrot.question",
          "14:5: 'q.question' asks 't.question/1' and wants 't.answer/1', but 'parrot.question' "
          "takes 't.answer/1' and answers 't.answer/1'\n")
WIRE_TEST(test_call_cannot_be_broadcast, "{ from: q.question, to: o.question, route: broadcast }",
          "14:48: 'q.question' asks for one answer; route it round_robin or hash, not broadcast\n")
WIRE_TEST(test_call_wired_twice_is_told,
          "{ from: q.question, to: o.question, route: round_robin }\n  - q.question -> "
          "parrot.question",
          "15:5: 'q.question' asks 't.question/1' and wants 't.answer/1', but 'parrot.question' "
          "takes 't.answer/1' and answers 't.answer/1'\n"
          "15:5: 'q.question' asks for one answer and is wired to 'o.question' already, at "
          "m.yaml:14:5\n")
static void test_unreached_actor_with_inputs_is_warned_of(void **state) {
    struct world *w = *state;
    world_file(w, "lib/t.so", WORLD_PLUGIN);

    world_build(w, "actors:\n  a: { type: t.Source }\n  s: { type: t.Sink }\n"
                   "  u: { type: t.Sink }\nwires: [ a.line -> s.line ]\n");

    world_assert_plan(w);
    world_assert_findings(
        w, DIAG_WARNING,
        "6:3: nothing is wired to 'u' (t.Sink), which has the inputs 'line', 'debug'\n");
}

static void test_unknown_mailbox_port_is_told_with_the_nearest(void **state) {
    struct world *w = *state;
    world_file(w, "lib/t.so", WORLD_PLUGIN);

    world_build(w, "actors:\n  s: { type: t.Sink, mailbox: { ports: { debgu: fail } } }\n"
                   "  a: { type: t.Source, mailbox: { ports: { line: fail } } }\n");

    world_assert_errors(w, "4:42: 's' (t.Sink) has no input port 'debgu'; did you mean 'debug'?\n"
                           "5:44: 'a' (t.Source) has no input port 'line'\n");
}

static void test_config_errors_stand_where_the_key_or_value_does(void **state) {
    struct world *w = *state;
    world_file(w, "lib/t.so", WORLD_PLUGIN);

    world_build(w, "actors:\n  o: { type: t.Oracle, config: { dept: 5 } }\n"
                   "  r: { type: t.Oracle, config: { depth: 12 } }\n"
                   "  a: { type: t.Source, config: { x: 1 } }\n");

    world_assert_errors(w, "4:34: unknown config key 'dept'; did you mean 'depth'?\n"
                           "5:41: config key 'depth' must be from 0 to 9, not '12'\n"
                           "6:34: 'a' (t.Source) takes no config\n");
}

static void test_missing_config_key_stands_at_the_actor_when_there_is_no_config(void **state) {
    struct world *w = *state;
    world_file(w, "f.so",
               "plugin \"f\", \"1\", 1 0\n\n"
               "config tail\nkey path path required, \"the file\", \"\"\n\n"
               "actor tail \"f.Tail\"\ntimer tick\nconfig tail\n");

    world_build(w, "actors:\n  a: { type: f.Tail }\n");

    world_assert_errors(w, "4:3: 'a' (f.Tail): config key 'path' is missing: the file\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_unknown_actor_is_told_with_the_nearest),
        TEST(test_unknown_actor_far_from_all_is_told),
        TEST(test_member_named_without_its_group_is_told_with_its_path),
        TEST(test_group_cannot_be_wired),
        TEST(test_unknown_output_is_told_with_the_nearest),
        TEST(test_unknown_output_far_from_all_is_told_with_the_list),
        TEST(test_output_of_an_actor_without_any_is_told),
        TEST(test_timer_is_no_port),
        TEST(test_unknown_input_is_told_with_the_nearest),
        TEST(test_wire_from_an_input_is_told),
        TEST(test_wire_to_an_output_is_told_with_the_inputs),
        TEST(test_both_ends_are_told),
        TEST(test_message_of_another_kind_is_told),
        TEST(test_pt3_pool_without_a_route_is_told),
        TEST(test_pt3_route_to_one_actor_is_told),
        TEST(test_hash_key_that_is_no_field_is_told_with_the_nearest),
        TEST(test_hash_key_far_from_all_fields_is_told_with_the_fields),
        TEST(test_hash_key_of_a_kind_that_is_no_key_is_told),
        TEST(test_ask_wired_to_a_plain_input_is_told),
        TEST(test_call_wired_from_a_plain_output_is_told),
        TEST(test_call_of_another_type_is_told),
        TEST(test_call_cannot_be_broadcast),
        TEST(test_call_wired_twice_is_told),
        TEST(test_unreached_actor_with_inputs_is_warned_of),
        TEST(test_unknown_mailbox_port_is_told_with_the_nearest),
        TEST(test_config_errors_stand_where_the_key_or_value_does),
        TEST(test_missing_config_key_stands_at_the_actor_when_there_is_no_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
