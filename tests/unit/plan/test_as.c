/* PT-2: types of `any` and `as` ports, found along the wires, and fields named in configs. */
#include "lib/plan_world.h"

static const char *type_at(const struct world *w, const char *actor, const char *port) {
    const struct msg_type *type = world_actor(w, actor)->row_types[world_row(w, actor, port)];
    return type ? type->abi.id.data : NULL;
}

static void build(struct world *w, const char *text) {
    world_file(w, "lib/t.so", WORLD_PLUGIN);
    world_build(w, text);
}

static void test_pt2_as_output_has_the_type_wired_to_the_port_it_follows(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  c: { type: t.Copy }\n  d: { type: t.Copy }\n"
             "  s: { type: t.Sink }\n"
             "wires:\n  - d.copy -> s.line\n  - c.copy -> d.item\n  - a.line -> c.item\n");

    world_assert_plan(w);
    assert_string_equal(type_at(w, "c", "item"), "t.line/1");
    assert_string_equal(type_at(w, "d", "item"), "t.line/1");
    assert_string_equal(type_at(w, "d", "copy"), "t.line/1");
    assert_string_equal(w->plan->wires[0].type->abi.id.data, "t.line/1");
}

static void test_pt2_two_actors_of_a_type_can_carry_different_types(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  m: { type: t.Meter }\n  c: { type: t.Copy }\n"
             "  d: { type: t.Copy }\nwires:\n  - a.line -> c.item\n  - m.load -> d.item\n");

    world_assert_plan(w);
    assert_string_equal(type_at(w, "c", "copy"), "t.line/1");
    assert_string_equal(type_at(w, "d", "copy"), "t.load/1");
}

static void test_pt2_any_port_may_take_several_types_when_nothing_wired_follows_it(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  m: { type: t.Meter }\n  c: { type: t.Copy }\n"
             "wires:\n  - a.line -> c.item\n  - m.load -> c.item\n");

    world_assert_plan(w);
    assert_null(type_at(w, "c", "item"));
}

static void test_pt2_as_output_in_a_circle_has_the_type_that_enters_it(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  c: { type: t.Copy }\n  d: { type: t.Copy }\n"
             "wires:\n  - c.copy -> d.item\n  - d.copy -> c.item\n  - a.line -> c.item\n");

    world_assert_plan(w);
    assert_string_equal(type_at(w, "d", "copy"), "t.line/1");
}

static void test_pt2_as_output_of_a_typed_port_follows_the_revision_wired(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source2 }\n  p: { type: t.Pass }\n  q: { type: t.Pass }\n"
             "  s: { type: t.Sink }\nwires:\n  - a.line -> p.line\n  - p.copy -> s.line\n"
             "  - q.copy -> s.line\n");

    world_assert_plan(w);
    assert_string_equal(type_at(w, "p", "copy"), "t.line/2");
    assert_string_equal(type_at(w, "q", "copy"), "t.line/1");
}

static void test_pt2_conflict_is_told_once_where_the_types_meet(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  m: { type: t.Meter }\n  c: { type: t.Copy }\n"
             "  d: { type: t.Copy }\n  s: { type: t.Sink }\n"
             "wires:\n  - a.line -> c.item\n  - m.load -> c.item\n  - c.copy -> d.item\n"
             "  - d.copy -> s.line\n");

    world_assert_errors(w, "11:5: 'm.load' sends 't.load/1', but 'a.line' sends 't.line/1' to the "
                           "same port at m.yaml:10:5, and 'c.copy' has the type of what is wired "
                           "there\n");
}

static void test_pt2_unresolved_is_told_once_where_nothing_is_wired(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  c: { type: t.Copy }\n  d: { type: t.Copy }\n  s: { type: t.Sink }\n"
             "wires:\n  - d.copy -> s.line\n  - c.copy -> d.item\n");

    world_assert_errors(
        w, "9:5: 'c.copy' has the type of what is wired to 'c.item', and nothing is\n");
}

static void test_pt2_circle_that_nothing_enters_is_told_once(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  c: { type: t.Copy }\n  d: { type: t.Copy }\n"
             "wires:\n  - c.copy -> d.item\n  - d.copy -> c.item\n");

    world_assert_errors(w, "7:5: 'c.copy' has the type of what is wired to 'c.item', and that "
                           "comes from itself in a circle\n");
}

static void test_type_that_does_not_fit_is_told_where_it_arrives(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  m: { type: t.Meter }\n  c: { type: t.Copy }\n  p: { type: t.Pass }\n"
             "  s: { type: t.Sink }\n"
             "wires:\n  - m.load -> c.item\n  - c.copy -> p.line\n  - p.copy -> s.line\n");

    world_assert_errors(w, "10:5: 'c.copy' sends 't.load/1', which 'p.line' cannot take: "
                           "'t.load/1' and 't.line/1' are different messages\n");
}

static void test_wire_from_an_unknown_actor_leaves_no_second_error(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  c: { type: t.Copy, config: { by: x } }\n  d: { type: t.Copy }\n"
             "  s: { type: t.Sink }\n"
             "wires:\n  - zzzz.line -> c.item\n  - c.copy -> d.item\n  - d.copy -> s.line\n"
             "  - d.copy -> c.item\n");

    world_assert_errors(w, "8:5: there is no actor 'zzzz'\n");
}

static void test_pt2_field_named_in_a_config_is_looked_up_in_what_is_wired(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  c: { type: t.Copy, config: { by: txt } }\n"
             "  d: { type: t.Copy, config: { by: text } }\n"
             "wires:\n  - a.line -> c.item\n  - c.copy -> d.item\n");

    world_assert_errors(w, "5:36: config key 'by': 't.line/1' has no field 'txt', and 'a.line' "
                           "sends it; did you mean 'text'?\n");
}

static void test_pt2_field_must_be_in_every_type_wired(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source }\n  m: { type: t.Meter }\n"
             "  c: { type: t.Copy, config: { by: text } }\n"
             "wires:\n  - a.line -> c.item\n  - m.load -> c.item\n");

    world_assert_errors(w, "6:36: config key 'by': 't.load/1' has no field 'text', and 'm.load' "
                           "sends it; its fields are 'f64 load; str host'\n");
}

static void test_pt2_field_of_a_typed_port_without_wires_is_that_of_its_type(void **state) {
    struct world *w = *state;
    world_file(w, "f.so",
               "plugin \"f\", \"1\", 1 0\n\nmessage line \"f.line/1\"\nfield str text\n\n"
               "config count\nkey field by \"txt\", \"what to count\", \"line\"\n\n"
               "actor count \"f.Count\"\nin line line\nconfig count\n");

    world_build(w, "actors:\n  c: { type: f.Count }\n");

    world_assert_errors(w, "4:3: config key 'by' is 'txt' by default: 'f.line/1' has no field "
                           "'txt'; did you mean 'text'?\n");
}

static void test_pt2_hash_key_is_looked_up_in_the_type_found(void **state) {
    struct world *w = *state;

    build(w, "actors:\n  a: { type: t.Source2 }\n  c: { type: t.Copy }\n"
             "  s: { type: t.Sink, replicas: 2 }\n"
             "wires:\n  - a.line -> c.item\n"
             "  - { from: c.copy, to: s.line, route: hash, key: source }\n");

    world_assert_plan(w);
    assert_int_equal(w->plan->wires[1].key->kind, TROUPE_KIND_str);
    assert_string_equal(w->plan->wires[1].key_name, "source");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pt2_as_output_has_the_type_wired_to_the_port_it_follows),
        TEST(test_pt2_two_actors_of_a_type_can_carry_different_types),
        TEST(test_pt2_any_port_may_take_several_types_when_nothing_wired_follows_it),
        TEST(test_pt2_as_output_in_a_circle_has_the_type_that_enters_it),
        TEST(test_pt2_as_output_of_a_typed_port_follows_the_revision_wired),
        TEST(test_pt2_conflict_is_told_once_where_the_types_meet),
        TEST(test_pt2_unresolved_is_told_once_where_nothing_is_wired),
        TEST(test_pt2_circle_that_nothing_enters_is_told_once),
        TEST(test_type_that_does_not_fit_is_told_where_it_arrives),
        TEST(test_wire_from_an_unknown_actor_leaves_no_second_error),
        TEST(test_pt2_field_named_in_a_config_is_looked_up_in_what_is_wired),
        TEST(test_pt2_field_must_be_in_every_type_wired),
        TEST(test_pt2_field_of_a_typed_port_without_wires_is_that_of_its_type),
        TEST(test_pt2_hash_key_is_looked_up_in_the_type_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
