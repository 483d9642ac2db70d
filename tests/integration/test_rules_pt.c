/* Ports and wires (PT), as they are at run time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
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

/* --- PT-3: fan-out and fan-in --- */

static void test_pt3_output_reaches_every_wire(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player }\n"
                "  b: { type: kit.Player, config: { number: 'note got $' } }\n"
                "  c: { type: kit.Player, config: { number: 'note got $', second: 'note 2 $' } }\n"
                "wires: [a.out -> b.number, a.out -> c.number, a.out -> c.second]\n");

    kit_do(kit, "a", "out 1");
    kit_wait(kit, "c: 2 1");
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "b", "got 1\n");
    kit_assert_trace(*state, "c", "got 1\n2 1\n");
}

static void test_pt3_port_takes_what_several_send(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player }\n"
                          "  b: { type: kit.Player }\n"
                          "  c: { type: kit.Player, config: { number: 'note got $' } }\n"
                          "wires: [a.out -> c.number, a.other -> c.number, b.out -> c.number]\n");

    kit_do(kit, "a", "out 1; other 2");
    kit_do(kit, "b", "out 3");
    kit_wait(kit, "c: got 2");
    kit_wait(kit, "c: got 3");
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "c: got 1"), 1);
    assert_int_equal(kit_count(*state, "c: got 2"), 1);
    assert_int_equal(kit_count(*state, "c: got 3"), 1);
}

/* --- PT-3: pools --- */

#define POOL(replicas, config, route)                                                              \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player }\n"                                                                  \
    "  b: { type: kit.Player, replicas: " replicas ", mailbox: { capacity: 64 },\n"                \
    "       config: { " config " } }\n"                                                            \
    "wires: [{ from: a.out, to: b.number, " route " }]\n"

static unsigned got(void **state, unsigned replica, unsigned number) {
    char line[64];
    (void)snprintf(line, sizeof line, "b.%u: got %u", replica, number);
    return kit_count(*state, line);
}

static void test_pt3_round_robin_takes_turns(void **state) {
    struct kit *kit = kit_start(*state, POOL("3", "number: 'note got $'", "route: round_robin"));

    kit_do(kit, "a", "out 1 6");
    kit_settle(kit);
    kit_stop(kit);

    for (unsigned number = 1; number <= 6; number++) {
        assert_int_equal(got(state, (number - 1) % 3, number), 1);
    }
}

static void test_pt3_round_robin_prefers_a_replica_with_room(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player }\n"
                          "  b: { type: kit.Player, replicas: 2, mailbox: { capacity: 1 },\n"
                          "       thread: own, config: { number: 'note got $; at 1; gate g' } }\n"
                          "wires: [{ from: a.out, to: b.number, route: round_robin }]\n");
    kit_gate_make(*state, "g");

    kit_do(kit, "a", "out 1");
    kit_wait(kit, "b.0: got 1");
    kit_do(kit, "a", "out 2");
    kit_wait(kit, "b.1: got 2");
    kit_do(kit, "a", "out 3"); /* waits behind 1: now the first is full */
    kit_do(kit, "a", "out 4");
    kit_wait(kit, "b.1: got 4");
    kit_do(kit, "a", "out 5");
    kit_wait(kit, "b.1: got 5");
    kit_do(kit, "a", "out 6");
    kit_wait(kit, "b.1: got 6");
    kit_gate_open(*state, "g");
    kit_wait(kit, "b.0: got 3");
    kit_stop(kit);

    kit_assert_trace(*state, "b.0", "got 1\ngot 3\n");
    kit_assert_trace(*state, "b.1", "got 2\ngot 4\ngot 5\ngot 6\n");
}

static void test_pt3_round_robin_passes_over_a_closed_replica(void **state) {
    struct kit *kit = kit_start(*state, POOL("3", "number: 'note got $'", "route: round_robin"));

    kit_do(kit, "b.1", "stop");
    kit_settle(kit);
    kit_do(kit, "a", "out 1 6");
    kit_settle(kit);
    kit_stop(kit);

    for (unsigned number = 1; number <= 6; number++) {
        assert_int_equal(got(state, 0, number) + got(state, 2, number), 1);
    }
    kit_assert_trace(*state, "b.1", "");
}

#define KEYS 40

/* Which replica got `number`, and nobody else did; so many times. */
static unsigned owner(void **state, unsigned replicas, unsigned number, unsigned times) {
    unsigned owner = replicas;
    for (unsigned i = 0; i < replicas; i++) {
        unsigned count = got(state, i, number);
        if (count > 0) {
            assert_int_equal(owner, replicas);
            assert_int_equal(count, times);
            owner = i;
        }
    }
    assert_in_range(owner, 0, replicas - 1);
    return owner;
}

static void test_pt3_hash_sends_a_key_to_the_same_replica(void **state) {
    struct kit *kit =
        kit_start(*state, POOL("4", "number: 'note got $'", "route: hash, key: number"));
    unsigned keys[4] = {0};

    kit_do(kit, "a", "out 1 40");
    kit_settle(kit);
    kit_do(kit, "a", "out 1 40");
    kit_settle(kit);
    kit_stop(kit);

    for (unsigned number = 1; number <= KEYS; number++) {
        keys[owner(state, 4, number, 2)]++;
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_true(keys[i] > 0);
    }
}

static void test_pt3_hash_moves_only_the_keys_of_a_closed_replica(void **state) {
    struct kit *kit =
        kit_start(*state, POOL("4", "number: 'note got $'", "route: hash, key: number"));
    unsigned before[KEYS + 1];

    kit_do(kit, "a", "out 1 40");
    kit_settle(kit);
    for (unsigned number = 1; number <= KEYS; number++) {
        before[number] = owner(state, 4, number, 1);
    }
    kit_do(kit, "b.2", "stop");
    kit_settle(kit);
    kit_do(kit, "a", "out 1 40");
    kit_settle(kit);

    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
    for (unsigned number = 1; number <= KEYS; number++) {
        unsigned elsewhere = 0;
        for (unsigned i = 0; i < 4; i++) {
            elsewhere += i == 2 ? 0 : got(state, i, number);
        }
        assert_int_equal(got(state, before[number], number), before[number] == 2 ? 1 : 2);
        assert_int_equal(elsewhere, before[number] == 2 ? 1 : 2);
    }
}

static void test_pt3_broadcast_reaches_all_that_are_open(void **state) {
    struct kit *kit = kit_start(*state, POOL("3", "number: 'note got $'", "route: broadcast"));

    kit_do(kit, "a", "out 1");
    kit_settle(kit);
    kit_do(kit, "b.1", "stop");
    kit_settle(kit);
    kit_do(kit, "a", "out 2");
    kit_settle(kit);

    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
    kit_assert_trace(*state, "b.0", "got 1\ngot 2\n");
    kit_assert_trace(*state, "b.1", "got 1\n");
    kit_assert_trace(*state, "b.2", "got 1\ngot 2\n");
}

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

static const struct kit_test pt[] = {
    KIT_TEST(KIT_BOTH, test_pt1_reference_to_a_port_is_the_same_each_time),
    KIT_TEST(KIT_BOTH, test_pt1_port_is_found_for_a_child_by_the_same_name),
    KIT_TEST(KIT_BOTH, test_pt2_any_port_reads_fields_by_name),
    KIT_TEST(KIT_BOTH, test_pt2_as_output_gives_the_receiver_its_type),
    KIT_TEST(KIT_BOTH, test_pt2_as_output_forwards_without_copying),
    KIT_TEST(KIT_BOTH, test_pt2_as_output_refuses_what_its_port_does_not_carry),
    KIT_TEST(KIT_BOTH, test_pt3_output_reaches_every_wire),
    KIT_TEST(KIT_BOTH, test_pt3_port_takes_what_several_send),
    KIT_TEST(KIT_SEEDED, test_pt3_round_robin_takes_turns),
    KIT_TEST(KIT_THREADS, test_pt3_round_robin_prefers_a_replica_with_room),
    KIT_TEST(KIT_BOTH, test_pt3_round_robin_passes_over_a_closed_replica),
    KIT_TEST(KIT_BOTH, test_pt3_hash_sends_a_key_to_the_same_replica),
    KIT_TEST(KIT_BOTH, test_pt3_hash_moves_only_the_keys_of_a_closed_replica),
    KIT_TEST(KIT_BOTH, test_pt3_broadcast_reaches_all_that_are_open),
    KIT_TEST(KIT_SEEDED, test_pt3_one_output_goes_to_an_actor_and_two_pools),
    KIT_TEST(KIT_SEEDED, test_pt4_rows_are_known_by_name),
    KIT_TEST(KIT_SEEDED, test_pt4_rows_in_another_order_do_the_same),
};

int main(void) {
    return KIT_RUN(pt);
}
