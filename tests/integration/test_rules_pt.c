/* Ports, wires and pools at run time (PT). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"

/* `a` sends to a pool of three, which note what they get. */
#define POOL(a_config, how)                                                                        \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { returned: 'note $ %', " a_config " } }\n"                  \
    "  b: { type: kit.Player, replicas: 3, config: { number: 'note $', second: stop } }\n"         \
    "wires: [{ from: a.out, to: b.number, " how " }]\n"

static unsigned lines_of(void *state, const char *actor) {
    char *trace = kit_trace_of(state, actor);
    unsigned count = 0;
    for (const char *at = trace; *at; at++) {
        count += *at == '\n';
    }
    free(trace);
    return count;
}

static void test_pt1_port_has_one_handle(void **state) {
    struct kit *kit =
        kit_start(*state, "actors: { a: { type: kit.Player, config: { init: ports } } }\n");

    kit_wait(kit, "a: ports: same, same, other");
    kit_stop(kit);
}

static void test_pt2_any_port_takes_every_type_and_reads_fields_by_name(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 5; item 6 six; stop' } }\n"
                          "  x: { type: kit.Probe }\n"
                          "wires: [a.out -> x.item, a.item -> x.item]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "x",
                     "item {\"number\":{\"number\":5}}\n"
                     "item {\"item\":{\"number\":6,\"name\":\"six\"}}\n");
}

static void test_pt3_output_wired_to_nothing_is_no_error(void **state) {
    struct kit *kit = kit_start(
        *state, "actors: { a: { type: kit.Player, config: { init: 'out 1; note on' } } }\n");

    kit_wait(kit, "a: on");
    kit_settle(kit);
    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
}

static void test_pt3_fan_out_and_fan_in(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'out 1 2; stop' } }\n"
        "  b: { type: kit.Player, config: { number: 'note $; out 1$' } }\n"
        "  c: { type: kit.Player, config: { number: 'note $; out 2$' } }\n"
        "  d: { type: kit.Player, config: { number: 'note $' } }\n"
        "wires: [a.out -> b.number, a.out -> c.number, b.out -> d.number, c.out -> d.number]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "b", "1\n2\n");
    kit_assert_trace(*state, "c", "1\n2\n");
    assert_int_equal(kit_count(*state, "d: 11") + kit_count(*state, "d: 12"), 2);
    assert_int_equal(kit_count(*state, "d: 21") + kit_count(*state, "d: 22"), 2);
}

static void test_pt3_round_robin_takes_turns(void **state) {
    struct kit *kit = kit_start(*state, POOL("init: 'out 1 9; stop'", "route: round_robin"));

    kit_end(kit, NULL);

    kit_assert_trace(*state, "b.0", "1\n4\n7\n");
    kit_assert_trace(*state, "b.1", "2\n5\n8\n");
    kit_assert_trace(*state, "b.2", "3\n6\n9\n");
}

static void test_pt3_round_robin_passes_over_a_closed_replica(void **state) {
    struct kit *kit = kit_start(*state, POOL("number: 'out 1 6'", "route: round_robin"));

    kit_number(kit, "b.1", "second", 1);
    kit_wait_closed(kit, "b.1");
    kit_number(kit, "a", "number", 1);
    kit_stop(kit);

    kit_assert_trace(*state, "b.1", "");
    assert_int_equal(lines_of(*state, "b.0") + lines_of(*state, "b.2"), 6);
    kit_assert_trace(*state, "a", "");
}

static void test_pt3_round_robin_prefers_one_with_room(void **state) {
    /* b.0 stands at the gate and is full; the others take what would be its turn */
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { number: 'out $' } }\n"
                "  b: { type: kit.Player, replicas: 2, thread: own, mailbox: { capacity: 1 },\n"
                "       config: { init: 'note ready', number: 'note $' } }\n"
                "wires: [{ from: a.out, to: b.number, route: round_robin }]\n");
    kit_gate_make(*state, "g");

    kit_wait(kit, "b.0: ready");
    kit_wait(kit, "b.1: ready");
    kit_do(kit, "b.0", "note in; gate g");
    kit_wait(kit, "b.0: in");
    kit_number(kit, "b.0", "number", 100); /* the one place that it has */
    char line[16];
    for (unsigned i = 1; i <= 6; i++) {
        kit_number(kit, "a", "number", i);
        (void)snprintf(line, sizeof line, "b.1: %u", i);
        kit_wait(kit, line);
    }
    kit_gate_open(*state, "g");
    kit_stop(kit);

    kit_assert_trace(*state, "b.0", "ready\nin\n100\n");
}

static void test_pt3_hash_sends_a_key_to_one_replica(void **state) {
    struct kit *kit = kit_start(
        *state, POOL("init: 'out 1 20; out 1 20; out 1 20; stop'", "route: hash, key: number"));

    kit_end(kit, NULL);

    char line[16];
    for (unsigned number = 1; number <= 20; number++) {
        unsigned replicas = 0;
        for (unsigned replica = 0; replica < 3; replica++) {
            (void)snprintf(line, sizeof line, "b.%u: %u", replica, number);
            unsigned count = kit_count(*state, line);
            assert_true(count == 0 || count == 3);
            replicas += count == 3;
        }
        assert_int_equal(replicas, 1);
    }
    assert_true(lines_of(*state, "b.0") && lines_of(*state, "b.1") && lines_of(*state, "b.2"));
}

static void test_pt3_hash_moves_only_the_keys_of_a_closed_replica(void **state) {
    struct kit *kit = kit_start(*state, POOL("number: 'out 1 30'", "route: hash, key: number"));
    char line[16];

    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_number(kit, "b.1", "second", 1);
    kit_wait_closed(kit, "b.1");
    kit_number(kit, "a", "number", 1);
    kit_stop(kit);

    for (unsigned number = 1; number <= 30; number++) {
        (void)snprintf(line, sizeof line, "b.0: %u", number);
        unsigned in_0 = kit_count(*state, line);
        (void)snprintf(line, sizeof line, "b.1: %u", number);
        unsigned in_1 = kit_count(*state, line);
        (void)snprintf(line, sizeof line, "b.2: %u", number);
        unsigned in_2 = kit_count(*state, line);
        assert_int_equal(in_0 + in_1 + in_2, 2);
        assert_true(in_1 <= 1);
        assert_true(in_1 == 1 || in_0 == 2 || in_2 == 2); /* those of the others stayed */
    }
}

static void test_pt3_broadcast_reaches_every_live_replica(void **state) {
    struct kit *kit = kit_start(*state, POOL("number: 'out $'", "route: broadcast"));

    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_number(kit, "b.2", "second", 1);
    kit_wait_closed(kit, "b.2");
    kit_number(kit, "a", "number", 2);
    kit_stop(kit);

    kit_assert_trace(*state, "b.0", "1\n2\n");
    kit_assert_trace(*state, "b.1", "1\n2\n");
    kit_assert_trace(*state, "b.2", "1\n");
    kit_assert_trace(*state, "a", "");
}

static void close_pool(struct kit *kit) {
    kit_number(kit, "b.0", "second", 1);
    kit_number(kit, "b.1", "second", 1);
    kit_number(kit, "b.2", "second", 1);
    kit_wait_closed(kit, "b.0");
    kit_wait_closed(kit, "b.1");
    kit_wait_closed(kit, "b.2");
}

/* Both numbers come while the first replica is in a back-off. */
#define ONE_RESTS(route)                                                                           \
    "supervision: { backoff: { initial: 1h, max: 1h } }\n"                                         \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { number: 'out $' } }\n"                                     \
    "  b: { type: kit.Player, replicas: 2, config: { number: 'note $', second: 'fail no' } }\n"    \
    "wires: [{ from: a.out, to: b.number, route: " route " }]\n"

static void test_pt3_round_robin_passes_over_a_replica_in_backoff(void **state) {
    struct kit *kit = kit_start(*state, ONE_RESTS("round_robin"));

    kit_settle(kit);
    kit_number(kit, "b.0", "second", 1);
    kit_settle(kit);
    kit_number(kit, "a", "number", 4);
    kit_number(kit, "a", "number", 5);
    kit_wait(kit, "b.1: 5");
    kit_stop(kit);

    kit_assert_trace(*state, "b.1", "4\n5\n");
}

static void test_pt3_broadcast_passes_over_a_replica_in_backoff(void **state) {
    struct kit *kit = kit_start(*state, ONE_RESTS("broadcast"));

    kit_settle(kit);
    kit_number(kit, "b.0", "second", 1);
    kit_settle(kit);
    kit_number(kit, "a", "number", 4);
    kit_wait(kit, "b.1: 4");
    kit_stop(kit);

    kit_assert_trace(*state, "b.0", "");
}

static void test_pt3_where_no_replica_lives_messages_wait_for_one(void **state) {
    struct kit *kit = kit_start(*state, ONE_RESTS("broadcast"));

    kit_settle(kit);
    kit_number(kit, "b.0", "second", 1);
    kit_number(kit, "b.1", "second", 1);
    kit_settle(kit);
    kit_number(kit, "a", "number", 4);
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "b.0", "4\n");
    kit_assert_trace(*state, "b.1", "4\n");
}

static void test_pt3_pool_that_has_closed_returns_messages(void **state) {
    static const char *const routes[] = {"route: round_robin", "route: hash, key: number",
                                         "route: broadcast"};
    for (unsigned i = 0; i < 3; i++) {
        char manifest[1024];
        (void)snprintf(
            manifest, sizeof manifest,
            "actors:\n"
            "  a: { type: kit.Player, config: { returned: 'note $ %%', number: 'out $' } }\n"
            "  b: { type: kit.Player, replicas: 3, config: { second: stop } }\n"
            "wires: [{ from: a.out, to: b.number, %s }]\n",
            routes[i]);
        struct kit *kit = kit_start(*state, manifest);

        close_pool(kit);
        kit_number(kit, "a", "number", i);
        kit_settle(kit);
        kit_stop(kit);
    }

    kit_assert_trace(*state, "a", "0 actor is gone\n1 actor is gone\n2 actor is gone\n");
}

static void test_pt3_replicas_of_the_sender_are_wired_as_well(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, replicas: 2, config: { init: 'out 1 4; stop' } }\n"
                "  b: { type: kit.Player, replicas: 2, config: { number: 'note $' } }\n"
                "  c: { type: kit.Player, config: { number: 'note $' } }\n"
                "wires: [{ from: a.out, to: b.number, route: broadcast }, a.out -> c.number]\n");

    kit_end(kit, NULL);

    assert_int_equal(lines_of(*state, "b.0"), 8);
    assert_int_equal(lines_of(*state, "b.1"), 8);
    assert_int_equal(lines_of(*state, "c"), 8);
}

static void test_pt4_reference_names_the_port_not_its_place(void **state) {
    /* `number` is another row in each of the types */
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player }\n"
                                        "  b: { type: kit.Player, config: { number: 'note $' } }\n"
                                        "  n: { type: kit.New }\n"
                                        "  x: { type: kit.Probe }\n"
                                        "wires: [n.copy -> x.item]\n");
    uint64_t number = kit_port(kit, "number");

    kit_do_to(kit, "a", "tell 3", (struct troupe_ref){inst_uid(kit_actor(kit, "b")), number});
    kit_wait(kit, "b: 3");
    kit_do_to(kit, "a", "tell 4", (struct troupe_ref){inst_uid(kit_actor(kit, "n")), number});
    kit_wait(kit,
             "x: item {\"item\":{\"number\":4,\"name\":\"stack\",\"extra\":8,\"more\":\"gone\"}}");
    kit_stop(kit);
}

static const struct kit_test pt[] = {
    KIT_TEST(KIT_BOTH, test_pt1_port_has_one_handle),
    KIT_TEST(KIT_BOTH, test_pt2_any_port_takes_every_type_and_reads_fields_by_name),
    KIT_TEST(KIT_BOTH, test_pt3_output_wired_to_nothing_is_no_error),
    KIT_TEST(KIT_BOTH, test_pt3_fan_out_and_fan_in),
    KIT_TEST(KIT_BOTH, test_pt3_round_robin_takes_turns),
    KIT_TEST(KIT_BOTH, test_pt3_round_robin_passes_over_a_closed_replica),
    KIT_TEST(KIT_THREADS, test_pt3_round_robin_prefers_one_with_room),
    KIT_TEST(KIT_BOTH, test_pt3_hash_sends_a_key_to_one_replica),
    KIT_TEST(KIT_BOTH, test_pt3_hash_moves_only_the_keys_of_a_closed_replica),
    KIT_TEST(KIT_BOTH, test_pt3_broadcast_reaches_every_live_replica),
    KIT_TEST(KIT_BOTH, test_pt3_round_robin_passes_over_a_replica_in_backoff),
    KIT_TEST(KIT_BOTH, test_pt3_broadcast_passes_over_a_replica_in_backoff),
    KIT_TEST(KIT_SEEDED, test_pt3_where_no_replica_lives_messages_wait_for_one),
    KIT_TEST(KIT_BOTH, test_pt3_pool_that_has_closed_returns_messages),
    KIT_TEST(KIT_BOTH, test_pt3_replicas_of_the_sender_are_wired_as_well),
    KIT_TEST(KIT_BOTH, test_pt4_reference_names_the_port_not_its_place),
};

int main(void) {
    return KIT_RUN(pt);
}
