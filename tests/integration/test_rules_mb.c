/* Mailboxes: order, bounds, what comes back (MB-1 to MB-5, MB-10). */
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"
#include "message/message.h"

/* `a` sends to `b`, whose mailbox is `mailbox`; undeliverables are noted. */
#define TWO(a_config, b_config, mailbox)                                                           \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { returned: 'note $ %', " a_config " } }\n"                  \
    "  b: { type: kit.Player, config: { number: 'note $', second: 'note second $', " b_config      \
    " },\n       mailbox: { " mailbox " } }\n"                                                     \
    "wires: [a.out -> b.number, a.other -> b.second]\n"

/* The same, `b` with two places and a thread of its own, to stand at a gate without keeping anybody. */
#define GATED(a_config)                                                                            \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { returned: 'note $ %', " a_config " } }\n"                  \
    "  b: { type: kit.Player, config: { init: 'note ready', number: 'note $' },\n"                 \
    "       mailbox: { capacity: 2 }, thread: own }\n"                                             \
    "wires: [a.out -> b.number]\n"

static void assert_ascending(void *state, const char *actor, uint64_t from, uint64_t below,
                             unsigned expected) {
    char *trace = kit_trace_of(state, actor);
    char *save = NULL;
    uint64_t last = 0;
    unsigned count = 0;
    for (char *line = strtok_r(trace, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        uint64_t number = strtoull(line, NULL, 10);
        if (number >= from && number < below) {
            assert_true(number > last);
            last = number;
            count++;
        }
    }
    free(trace);
    assert_int_equal(count, expected);
}

static void test_mb1_messages_of_a_sender_arrive_in_order(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'out 1 200', number: 'out $ 3' } }\n"
        "  b: { type: kit.Player, config: { init: 'out 1001 200; commit; out 1300 50' } }\n"
        "  c: { type: kit.Player, config: { number: 'note $' }, mailbox: { capacity: 7 } }\n"
        "wires: [a.out -> c.number, b.out -> c.number]\n");

    kit_stop(kit);

    assert_ascending(*state, "c", 1, 1000, 200);
    assert_ascending(*state, "c", 1001, 2000, 250);
}

static void test_mb1_order_holds_between_two_ports_of_a_receiver(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'out 1; other 2; out 3; other 4; out 5' } }\n"
        "  b: { type: kit.Player, config: { number: 'note $', second: 'note $' },\n"
        "       mailbox: { capacity: 2 } }\n"
        "wires: [a.out -> b.number, a.other -> b.second]\n");

    kit_stop(kit);

    kit_assert_trace(*state, "b", "1\n2\n3\n4\n5\n");
}

static void test_mb1_a_drop_oldest_port_keeps_an_order_of_its_own(void **state) {
    struct kit *kit =
        kit_start(*state, TWO("init: 'other 1 3; out 11 3; other 4 3; out 14 3'", "kid: ''",
                              "capacity: 100, ports: { second: drop_oldest }"));

    kit_stop(kit);

    assert_ascending(*state, "b", 11, 100, 6);
    char *trace = kit_trace_of(*state, "b");
    char *at = trace;
    for (char digit = '1'; digit <= '6'; digit++) {
        char line[] = "second ?\n";
        line[7] = digit;
        at = strstr(at, line);
        assert_non_null(at);
    }
    free(trace);
}

static void test_mb2_block_loses_nothing(void **state) {
    struct kit *kit = kit_start(*state, TWO("init: 'out 1 50'", "kid: ''", "capacity: 3"));

    kit_wait(kit, "b: 50");
    struct proc_totals totals = kit_totals(kit);
    kit_stop(kit);

    assert_true(totals.pauses > 0);
    assert_int_equal(totals.dropped, 0);
    assert_ascending(*state, "b", 1, 100, 50);
}

static void test_mb2_paused_actor_runs_no_turn(void **state) {
    struct kit *kit = kit_start(*state, GATED("number: 'note turn; out 1 6'"));
    struct supervisor_result result;
    kit_gate_make(*state, "g");

    /* b takes no message while it stands at the gate */
    kit_wait(kit, "b: ready");
    kit_do(kit, "b", "note in; gate g");
    kit_wait(kit, "b: in");
    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "number", 2);
    kit_wait(kit, "a: turn");
    kit_wait_paused(kit);
    assert_int_equal(inst_depth(kit_actor(kit, "a")), 1);
    assert_int_equal(kit_count(*state, "a: turn"), 1);
    kit_gate_open(*state, "g");
    kit_wait_lines(kit, "a: turn", 2);
    kit_stop_for(kit, &result);

    assert_false(result.failed);
    assert_int_equal(kit_count(*state, "b: 6"), 2);
}

static void test_mb2_stop_acts_on_a_paused_actor_and_loses_nothing(void **state) {
    struct kit *kit = kit_start(*state, GATED("cleanup: 'out 7'"));
    kit_gate_make(*state, "g");

    kit_wait(kit, "b: ready");
    kit_do(kit, "b", "note in; gate g");
    kit_wait(kit, "b: in");
    kit_do(kit, "a", "out 1 6; stop");
    kit_wait_paused(kit);
    kit_gate_open(*state, "g");
    kit_stop(kit);

    kit_assert_trace(*state, "b", "ready\nin\n1\n2\n3\n4\n5\n6\n7\n");
}

static void test_mb2_abort_acts_on_a_paused_actor(void **state) {
    struct kit *kit = kit_start(*state, GATED("cleanup: 'out 7'"));
    struct supervisor_result result;
    kit_gate_make(*state, "g");

    kit_wait(kit, "b: ready");
    kit_do(kit, "b", "note in; gate g");
    kit_wait(kit, "b: in");
    kit_do(kit, "a", "out 1 6");
    kit_wait_paused(kit);
    supervisor_abort(deploy_supervisor(kit_deploy(kit)));
    kit_gate_open(*state, "g");
    kit_end(kit, &result);

    assert_true(result.aborted);
    assert_int_equal(result.left, 6);
    kit_assert_trace(*state, "b", "ready\nin\n");
}

static void count_drops(void *context, const struct proc_wire *wire) {
    *(uint64_t *)context += wire->dropped;
}

static uint64_t drops_on_wires(struct kit *kit) {
    uint64_t dropped = 0;
    proc_each_wire(kit_proc(kit), count_drops, &dropped);
    return dropped;
}

static void test_mb2_drop_newest_drops_what_comes_and_counts(void **state) {
    struct kit *kit = kit_start(
        *state, TWO("number: 'out 1 5'", "kid: ''", "capacity: 2, overflow: drop_newest"));

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).dropped, 3);
    assert_int_equal(drops_on_wires(kit), 3);
    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
    kit_assert_trace(*state, "b", "1\n2\n");
}

static void test_mb2_drop_oldest_drops_what_waited_and_counts(void **state) {
    struct kit *kit = kit_start(
        *state, TWO("number: 'out 1 5'", "kid: ''", "capacity: 2, overflow: drop_oldest"));

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).dropped, 3);
    assert_int_equal(drops_on_wires(kit), 3);
    kit_stop(kit);
    kit_assert_trace(*state, "b", "4\n5\n");
}

static void test_mb2_fail_comes_back_as_full(void **state) {
    struct kit *kit =
        kit_start(*state, TWO("number: 'out 1 5'", "kid: ''", "capacity: 2, overflow: fail"));

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "b", "1\n2\n");
    kit_assert_trace(*state, "a", "3 mailbox is full\n4 mailbox is full\n5 mailbox is full\n");
}

static void test_mb2_a_port_may_have_a_policy_of_its_own(void **state) {
    struct kit *kit = kit_start(
        *state, TWO("number: 'other 1 5; out 11 5'", "kid: ''",
                    "capacity: 3, overflow: drop_newest, ports: { second: drop_oldest }"));

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).dropped, 4);
    kit_stop(kit);
    assert_int_equal(kit_count(*state, "b: second 2"), 0);
    assert_int_equal(kit_count(*state, "b: second 3"), 1);
    assert_int_equal(kit_count(*state, "b: second 5"), 1);
    assert_ascending(*state, "b", 11, 14, 3);
}

static void test_mb2_policy_holds_for_messages_to_a_reference(void **state) {
    struct kit *kit =
        kit_start(*state, TWO("kid: ''", "kid: ''", "capacity: 2, overflow: drop_newest"));
    struct troupe_ref to = {inst_uid(kit_actor(kit, "b")), kit_port(kit, "number")};

    kit_settle(kit);
    kit_do_to(kit, "a", "tell 1 5", to);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).dropped, 3);
    kit_stop(kit);
    kit_assert_trace(*state, "b", "1\n2\n");
}

/* A name that makes a block of 512 bytes, or just less without pools. */
#define LONG_100                                                                                   \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"   \
    "xxxxxxxxxx"

static void test_mb2_bytes_are_bounded_too(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { returned: 'note $ %',\n"
                "       number: 'item 1 " LONG_100 LONG_100 LONG_100 LONG_100
                "; item 2 " LONG_100 LONG_100 LONG_100 LONG_100
                "; item 3 " LONG_100 LONG_100 LONG_100 LONG_100 "' } }\n"
                "  b: { type: kit.Old, mailbox: { capacity: 100, bytes: 900B, overflow: fail } }\n"
                "wires: [a.item -> b.item]\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "3 mailbox is full\n");
}

static void test_mb2_one_large_message_fits_into_any_bound_of_bytes(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { returned: 'note $ %',\n"
                          "       number: 'item 1 " LONG_100 LONG_100 LONG_100 LONG_100
                          "; item 2 " LONG_100 LONG_100 LONG_100 LONG_100 "; note sent' } }\n"
                          "  b: { type: kit.Old, mailbox: { capacity: 100, bytes: 100B } }\n"
                          "wires: [a.item -> b.item]\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_stop(kit);

    char *trace = kit_trace_of(*state, "b");
    assert_non_null(strstr(trace, "1 xxx"));
    assert_non_null(strstr(trace, "2 xxx"));
    free(trace);
}

static void test_mb2_cycle_of_paused_actors_is_let_through(void **state) {
    /* each number goes round until it is 0; more of them than there is room without the hard limit */
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  s: { type: kit.Player, config: { init: 'out 30 20; stop' } }\n"
        "  a: { type: kit.Player, config: { number: 'down; at 0; note done' },\n"
        "       mailbox: { capacity: 3 } }\n"
        "  b: { type: kit.Player, config: { number: 'down; at 0; note done' },\n"
        "       mailbox: { capacity: 3 } }\n"
        "  c: { type: kit.Player, config: { number: 'down; at 0; note done' },\n"
        "       mailbox: { capacity: 3 } }\n"
        "wires: [s.out -> a.number, a.out -> b.number, b.out -> c.number, c.out -> a.number]\n");

    kit_end(kit, NULL);

    assert_int_equal(kit_count(*state, "a: done") + kit_count(*state, "b: done") +
                         kit_count(*state, "c: done"),
                     20);
}

static void test_mb2_cycle_beyond_the_hard_limit_overflows(void **state) {
    /* its own mailbox is the shortest cycle: 2 places, 16 let through */
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { number: 'note $', second: 'out 1 100',\n"
                "       returned: 'note $ %' }, mailbox: { capacity: 2 }, when_inputs_end: stay }\n"
                "wires: [a.out -> a.number]\n");

    kit_number(kit, "a", "second", 1);
    kit_wait(kit, "a: 18 cycle overflow");
    assert_int_equal(kit_dead_for(kit, TROUPE_CYCLE_OVERFLOW), 82); /* MB-10: two came back */
    assert_int_equal(kit_totals(kit).cycles > 0, 1);
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "a: 16"), 1);
    assert_int_equal(kit_count(*state, "a: 17"), 0);
}

static void test_mb2_cycle_is_let_through_a_bound_of_bytes(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { number: 'note $', second: 'out 1 12',\n"
                "       returned: 'note $ %' }, mailbox: { capacity: 100, bytes: 120B },\n"
                "       when_inputs_end: stay }\n"
                "wires: [a.out -> a.number]\n");

    kit_number(kit, "a", "second", 1);
    kit_wait(kit, "a: 12");
    kit_stop(kit);

    assert_ascending(*state, "a", 1, 13, 12);
}

static void test_mb3_stop_overtakes_messages(void **state) {
    struct kit *kit =
        kit_start(*state, "actors: { a: { type: kit.Player, config: { kid: 'number=note got $',\n"
                          "  ended: 'note % ', returned: 'note $ %' } } }\n");

    kit_settle(kit);
    kit_do(kit, "a", "spawn kid; tell 1 3; stop_kid");
    kit_wait(kit, "a: stopped ");
    kit_stop(kit);

    kit_assert_trace(*state, "kid[1]", "");
    kit_assert_trace(*state, "a", "1 actor is gone\n2 actor is gone\n3 actor is gone\nstopped \n");
}

static void test_mb3_end_of_a_child_comes_after_all_it_sent(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors: { a: { type: kit.Player, mailbox: { capacity: 2 }, config: { second: 'note $',\n"
        "  kid: 'number=out 1 9,stop|cleanup=out 10', ended: 'note %' } } }\n");

    kit_do(kit, "a", "spawn; tell 1");
    kit_wait(kit, "a: stopped");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\nstopped\n");
}

static void test_mb3_end_of_a_child_comes_after_what_it_sent_to_a_ring(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors: { a: { type: kit.Player, mailbox: { ports: { second: drop_oldest } },\n"
        "  config: { second: 'note $', kid: 'number=out 1 9,stop', ended: 'note %' } } }\n");

    kit_do(kit, "a", "spawn; tell 1");
    kit_wait(kit, "a: stopped");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "1\n2\n3\n4\n5\n6\n7\n8\n9\nstopped\n");
}

static void test_mb4_undeliverables_say_why(void **state) {
    struct kit *kit = kit_start(*state, TWO("kid: ''", "kid: ''", "capacity: 2"));
    uint64_t b = inst_uid(kit_actor(kit, "b"));

    kit_do_to(kit, "a", "tell 1", (struct troupe_ref){b, kit_port(kit, "asked")});
    kit_do_to(kit, "a", "tell 2", (struct troupe_ref){b, kit_port(kit, "tick")});
    kit_do_to(kit, "a", "tell 3", (struct troupe_ref){b, 0});
    kit_do_to(kit, "a", "tell 4", (struct troupe_ref){b, kit_port(kit, "do")});
    kit_do_to(kit, "a", "tell 5", (struct troupe_ref){b + 1000, kit_port(kit, "number")});
    kit_do_to(kit, "a", "tell 6", (struct troupe_ref){b, kit_port(kit, "number") | 1ull << 16});
    kit_wait(kit, "a: 1 no such port");
    kit_wait(kit, "a: 2 no such port");
    kit_wait(kit, "a: 3 no such port");
    kit_wait(kit, "a: 4 no such port");
    kit_wait(kit, "a: 5 actor is gone");
    kit_wait(kit, "a: 6 another proc, and no forwarder");

    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
}

static void test_mb4_what_nobody_handles_becomes_a_dead_letter(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player } }\n");
    uint64_t a = inst_uid(kit_actor(kit, "a"));

    kit_do_to(kit, "a", "tell 1; tell 2", (struct troupe_ref){a + 1000, 1});
    kit_do_to(kit, "a", "tell 3", (struct troupe_ref){a, kit_port(kit, "tick")});
    kit_settle(kit);

    assert_int_equal(kit_dead(kit), 3);
    assert_int_equal(kit_dead_for(kit, TROUPE_GONE), 2);
    assert_int_equal(kit_dead_for(kit, TROUPE_NO_SUCH_PORT), 1);
    kit_stop(kit);
}

static void test_mb4_message_of_nobody_becomes_a_dead_letter(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player } }\n");

    assert_true(kit_number(kit, "a", "tick", 1));
    kit_settle(kit);

    assert_int_equal(kit_dead_for(kit, TROUPE_NO_SUCH_PORT), 1);
    kit_stop(kit);
}

static void test_mb4_dead_letters_are_bounded(void **state) {
    struct kit *kit = kit_start(*state, "dead_letters: { keep: 3 }\n"
                                        "actors: { a: { type: kit.Player } }\n");

    kit_do_to(kit, "a", "tell 1 10", (struct troupe_ref){99, 1});
    kit_settle(kit);

    assert_int_equal(kit_dead(kit), 10);
    assert_int_equal(kit_dead_for(kit, TROUPE_GONE), 3);
    kit_stop(kit);
}

static void test_mb4_undeliverable_says_where_it_was_sent(void **state) {
    /* `again` sends what came back to where the host says it was sent: a wire's port, by its name */
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { number: 'other 1 3', returned: 'again $' } }\n"
        "  b: { type: kit.Player, config: { second: 'note second $', number: 'note wrong' },\n"
        "       mailbox: { capacity: 2, overflow: fail } }\n"
        "wires: [a.other -> b.second]\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "b: second 3");
    kit_stop(kit);

    kit_assert_trace(*state, "b", "second 1\nsecond 2\nsecond 3\n");
}

static void look(void *context, const struct dead_letter *letter) {
    struct kit *kit = context;
    const struct msg_type *type = type_get(proc_types(kit_proc(kit)), letter->message->type);
    assert_string_equal(type->abi.id.data, "kit.number/1");
    assert_int_equal(*(uint64_t *)msg_body(letter->message), 5);
}

static void test_mb5_message_outlives_sender_and_receiver(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 5; stop' } }\n"
                          "  b: { type: kit.Player, config: { init: 'stop' } }\n"
                          "  c: { type: kit.Player }\n"
                          "wires: [a.out -> b.number]\n");

    kit_settle(kit);
    assert_int_equal(inst_status(kit_actor(kit, "a")), INST_STOPPED);
    assert_int_equal(inst_status(kit_actor(kit, "b")), INST_STOPPED);
    assert_int_equal(kit_dead(kit), 1);
    dead_each(proc_dead_letters(kit_proc(kit)), look, kit);

    kit_stop(kit);
}

static void test_mb10_ticks_replies_and_ends_need_no_room(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { number: 'note $; at 1; ask 1 60000; ask 2 60000;\n"
        "         tick 0 0; spawn; stop_kid; self 2', tick: 'note tick', reply: 'note reply $',\n"
        "         ended: 'note ended' }, mailbox: { capacity: 1 } }\n"
        "  b: { type: kit.Player, config: { asked: 'reply $' } }\n"
        "wires: [a.ask -> b.asked]\n");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 2");
    kit_wait(kit, "a: tick");
    kit_wait(kit, "a: reply 1");
    kit_wait(kit, "a: reply 2");
    kit_wait(kit, "a: ended");
    assert_int_equal(kit_totals(kit).pauses, 0);
    kit_stop(kit);
}

static void test_mb10_excess_undeliverables_become_dead_letters(void **state) {
    struct kit *kit =
        kit_start(*state, "actors: { a: { type: kit.Player, config: { returned: 'note $' },\n"
                          "  mailbox: { capacity: 4 } } }\n");

    kit_do_to(kit, "a", "tell 1 10", (struct troupe_ref){99, 1});
    kit_settle(kit);

    assert_int_equal(kit_dead(kit), 6);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "1\n2\n3\n4\n");
}

static const struct kit_test mb[] = {
    KIT_TEST(KIT_BOTH, test_mb1_messages_of_a_sender_arrive_in_order),
    KIT_TEST(KIT_BOTH, test_mb1_order_holds_between_two_ports_of_a_receiver),
    KIT_TEST(KIT_BOTH, test_mb1_a_drop_oldest_port_keeps_an_order_of_its_own),
    KIT_TEST(KIT_BOTH, test_mb2_block_loses_nothing),
    KIT_TEST(KIT_THREADS, test_mb2_paused_actor_runs_no_turn),
    KIT_TEST(KIT_THREADS, test_mb2_stop_acts_on_a_paused_actor_and_loses_nothing),
    KIT_TEST(KIT_THREADS, test_mb2_abort_acts_on_a_paused_actor),
    KIT_TEST(KIT_SEEDED, test_mb2_drop_newest_drops_what_comes_and_counts),
    KIT_TEST(KIT_SEEDED, test_mb2_drop_oldest_drops_what_waited_and_counts),
    KIT_TEST(KIT_SEEDED, test_mb2_fail_comes_back_as_full),
    KIT_TEST(KIT_SEEDED, test_mb2_a_port_may_have_a_policy_of_its_own),
    KIT_TEST(KIT_SEEDED, test_mb2_policy_holds_for_messages_to_a_reference),
    KIT_TEST(KIT_SEEDED, test_mb2_bytes_are_bounded_too),
    KIT_TEST(KIT_BOTH, test_mb2_one_large_message_fits_into_any_bound_of_bytes),
    KIT_TEST(KIT_BOTH, test_mb2_cycle_of_paused_actors_is_let_through),
    KIT_TEST(KIT_BOTH, test_mb2_cycle_beyond_the_hard_limit_overflows),
    KIT_TEST(KIT_BOTH, test_mb2_cycle_is_let_through_a_bound_of_bytes),
    KIT_TEST(KIT_SEEDED, test_mb3_stop_overtakes_messages),
    KIT_TEST(KIT_BOTH, test_mb3_end_of_a_child_comes_after_all_it_sent),
    KIT_TEST(KIT_BOTH, test_mb3_end_of_a_child_comes_after_what_it_sent_to_a_ring),
    KIT_TEST(KIT_BOTH, test_mb4_undeliverables_say_why),
    KIT_TEST(KIT_BOTH, test_mb4_what_nobody_handles_becomes_a_dead_letter),
    KIT_TEST(KIT_BOTH, test_mb4_message_of_nobody_becomes_a_dead_letter),
    KIT_TEST(KIT_BOTH, test_mb4_dead_letters_are_bounded),
    KIT_TEST(KIT_SEEDED, test_mb4_undeliverable_says_where_it_was_sent),
    KIT_TEST(KIT_BOTH, test_mb5_message_outlives_sender_and_receiver),
    KIT_TEST(KIT_BOTH, test_mb10_ticks_replies_and_ends_need_no_room),
    KIT_TEST(KIT_BOTH, test_mb10_excess_undeliverables_become_dead_letters),
};

int main(void) {
    return KIT_RUN(mb);
}
