/* Ports by row and by name, what goes through `any` and `as` (PT); see fixtures/plugins/rows. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/app/kit.h"

/* See tests/fixtures/plugins/rows/rows.h. */
#define ROWS(type)                                                                                 \
    "actors:\n"                                                                                    \
    "  a: { type: " type " }\n"                                                                    \
    "  b: { type: kit.Player, config: { number: 'note got $', asked: 'reply $' } }\n"              \
    "wires: [a.out -> b.number, a.one -> b.asked, a.two -> b.asked]\n"

/* --- PT-1 --- */

static void test_pt1_reference_to_a_port_is_the_same_each_time(void **state) {
    struct kit *kit = kit_start(*state, ROWS("rows.First"));

    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "other", 2);
    kit_wait(kit, "b: got 1");
    kit_number(kit, "a", "number", 3);
    kit_wait(kit, "b: got 3");
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "a: same, same by name, one each"), 5);
}

static void test_pt1_port_is_found_for_a_child_by_the_same_name(void **state) {
    struct kit *kit =
        kit_start(*state, "actors: { a: { type: kit.Player, config: { kid: 'number=note got $',\n"
                          "  ended: 'note kid %' } } }\n");

    kit_do(kit, "a", "spawn kid; tell 1; remember; tell 2; tell 3");
    kit_wait(kit, "kid[1]: got 3");
    kit_stop(kit);

    kit_assert_trace(*state, "kid[1]", "got 1\ngot 2\ngot 3\n");
}

/* --- PT-2 --- */

static void test_pt2_any_port_reads_fields_by_name(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player }\n"
                                        "  b: { type: rows.Reader }\n"
                                        "wires: [a.out -> b.item, a.item -> b.item]\n");

    kit_do(kit, "a", "out 7; item 8 eight");
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "b", "number 7: ok, name : not found\nnumber 8: ok, name eight: ok\n");
}

static void test_pt2_as_output_gives_the_receiver_its_type(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player }\n"
                          "  b: { type: kit.Probe }\n"
                          "  c: { type: kit.Probe }\n"
                          "  d: { type: kit.Player, config: { number: 'note got $' } }\n"
                          "wires: [a.out -> b.item, b.copy -> c.item, c.copy -> d.number]\n");

    kit_do(kit, "a", "out 7 2");
    kit_wait(kit, "d: got 8");
    kit_stop(kit);

    kit_assert_trace(*state, "d", "got 7\ngot 8\n");
}

static void test_pt2_as_output_forwards_without_copying(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player }\n"
                                        "  b: { type: kit.Probe, config: { address: true } }\n"
                                        "  c: { type: kit.Old }\n"
                                        "wires: [a.item -> b.item, b.copy -> c.item]\n");
    void *sent = NULL;
    void *got = NULL;

    kit_do(kit, "a", "item 7 seven");
    kit_settle(kit);
    kit_stop(kit);

    char *from = kit_trace_of(*state, "b");
    char *to = kit_trace_of(*state, "c");
    assert_int_equal(sscanf(from, "item %p\n", &sent), 1);
    assert_int_equal(sscanf(to, "7 seven at %p\n", &got), 1);
    assert_non_null(sent);
    assert_ptr_equal(sent, got);
    free(from);
    free(to);
}

static void test_pt2_as_output_refuses_what_its_port_does_not_carry(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player }\n"
                          "  b: { type: kit.Probe }\n"
                          "  c: { type: kit.Player, config: { number: 'note got $' } }\n"
                          "wires: [a.out -> b.item, a.item -> b.second, b.copy -> c.number]\n");

    kit_do(kit, "a", "item 1 one");
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "c", "");
    assert_int_equal(kit_count(*state, "b: forward: invalid argument"), 1);
}

/* --- PT-3 --- */

/* Each wire of a fan-out routes for itself. */
static void test_pt3_one_output_goes_to_an_actor_and_two_pools(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player }\n"
                          "  b: { type: kit.Player, replicas: 2, config: { number: 'note $' } }\n"
                          "  c: { type: kit.Player, replicas: 2, config: { number: 'note $' } }\n"
                          "  d: { type: kit.Player, config: { number: 'note $' } }\n"
                          "wires:\n"
                          "  - { from: a.out, to: b.number, route: round_robin }\n"
                          "  - { from: a.out, to: c.number, route: broadcast }\n"
                          "  - a.out -> d.number\n");

    kit_do(kit, "a", "out 1 2");
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "b.0", "1\n");
    kit_assert_trace(*state, "b.1", "2\n");
    kit_assert_trace(*state, "c.0", "1\n2\n");
    kit_assert_trace(*state, "c.1", "1\n2\n");
    kit_assert_trace(*state, "d", "1\n2\n");
}

/* --- PT-4 --- */

static void check_rows(void **state, const char *manifest) {
    struct kit *kit = kit_start(*state, manifest);

    kit_number(kit, "a", "number", 5);
    kit_settle(kit);
    kit_pass(kit, 100);
    kit_stop(kit);

    kit_assert_trace(*state, "a",
                     "number 5\n"
                     "same, same by name, one each\n"
                     "other 5\n"
                     "same, same by name, one each\n"
                     "one 0: 5\n"
                     "two 0: 6\n"
                     "soon at 10 missed 0\n"
                     "soon at 30 missed 0\n"
                     "late at 35 missed 0\n");
    kit_assert_trace(*state, "b", "got 5\n");
}

static void test_pt4_rows_are_known_by_name(void **state) {
    check_rows(state, ROWS("rows.First"));
}

static void test_pt4_rows_in_another_order_do_the_same(void **state) {
    check_rows(state, ROWS("rows.Second"));
}

static const struct kit_test pt_rows[] = {
    KIT_TEST(KIT_BOTH, test_pt1_reference_to_a_port_is_the_same_each_time),
    KIT_TEST(KIT_BOTH, test_pt1_port_is_found_for_a_child_by_the_same_name),
    KIT_TEST(KIT_BOTH, test_pt2_any_port_reads_fields_by_name),
    KIT_TEST(KIT_BOTH, test_pt2_as_output_gives_the_receiver_its_type),
    KIT_TEST(KIT_BOTH, test_pt2_as_output_forwards_without_copying),
    KIT_TEST(KIT_BOTH, test_pt2_as_output_refuses_what_its_port_does_not_carry),
    KIT_TEST(KIT_SEEDED, test_pt3_one_output_goes_to_an_actor_and_two_pools),
    KIT_TEST(KIT_SEEDED, test_pt4_rows_are_known_by_name),
    KIT_TEST(KIT_SEEDED, test_pt4_rows_in_another_order_do_the_same),
};

int main(void) {
    return KIT_RUN(pt_rows);
}
