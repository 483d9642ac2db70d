/* Calls: each ends in exactly one of reply, error, timeout, callee gone (MB-6). */
#include <stdio.h>

#include "actor/inst.h"
#include "actor/proc_impl.h"
#include "lib/app/kit.h"

/* `a` asks `b` and notes the outcome. */
#define ASKER(a_config, b_config)                                                                  \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { reply: 'note $ %', " a_config " } }\n"                     \
    "  b: { type: kit.Player, config: { " b_config " }, when_inputs_end: stay }\n"                 \
    "wires: [a.ask -> b.asked]\n"

static void test_mb6_call_ends_in_a_reply(void **state) {
    struct kit *kit = kit_start(*state, ASKER("init: 'ask 7 60000'", "asked: 'reply $'"));

    kit_wait(kit, "a: 7 ok");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "7 ok\n");
}

static void test_mb6_call_ends_in_an_error(void **state) {
    struct kit *kit = kit_start(*state, ASKER("init: 'ask 7 60000'", "asked: 'refuse not today'"));

    kit_wait(kit, "a: 0 not today");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "0 not today\n");
}

static void test_mb6_call_ends_at_its_deadline(void **state) {
    struct kit *kit = kit_start(*state, ASKER("init: 'ask 7 20'", "asked: later"));

    kit_wait(kit, "a: 0 no reply before the deadline");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "0 no reply before the deadline\n");
}

static void test_mb6_deadline_is_counted_from_the_call(void **state) {
    struct kit *kit = kit_start(*state, ASKER("number: 'ask 7 20'", "asked: later"));

    kit_pass(kit, 1000);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_pass(kit, 19);
    kit_assert_trace(*state, "a", "");
    kit_pass(kit, 1);
    kit_assert_trace(*state, "a", "0 no reply before the deadline\n");

    kit_stop(kit);
}

static void test_mb6_long_deadline_is_never_early(void **state) {
    struct kit *kit = kit_start(*state, ASKER("number: 'stall 30; ask 7 1000'", "asked: later"));
    kit_settle(kit);
    struct clock *clock = kit_clock(kit);

    bool is_early = true;
    for (unsigned i = 1; i <= 5 && is_early; i++) { /* ticks may be late on a busy machine */
        uint64_t before_ns = clock->now(clock);
        kit_number(kit, "a", "number", 1);
        kit_wait_lines(kit, "a: 0 no reply before the deadline", i);
        is_early = clock->now(clock) - before_ns < 1030 * NS_PER_MS;
    }
    assert_false(is_early);

    kit_stop(kit);
}

static void test_mb6_each_call_has_its_own_deadline(void **state) {
    struct kit *kit = kit_start(*state, ASKER("init: 'ask 1 30; ask 2 10; ask 3 20; ask 4 10000'",
                                              "asked: 'note $; at 4; later'"));

    kit_settle(kit);
    kit_pass(kit, 10);
    kit_assert_trace(*state, "a", "0 no reply before the deadline\n");
    kit_pass(kit, 10);
    assert_int_equal(kit_count(*state, "a: 0 no reply before the deadline"), 2);
    kit_do(kit, "b", "answer 44");
    kit_wait(kit, "a: 44 ok");
    kit_pass(kit, 10);
    assert_int_equal(kit_count(*state, "a: 0 no reply before the deadline"), 3);

    kit_stop(kit);
}

static void test_mb6_call_to_one_that_has_ended_is_gone(void **state) {
    struct kit *kit = kit_start(*state, ASKER("number: 'ask 7 60000'", "number: stop"));

    kit_number(kit, "b", "number", 1);
    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 0 actor is gone");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "0 actor is gone\n");
}

static void test_mb6_call_taken_by_one_that_stops_is_gone(void **state) {
    struct kit *kit = kit_start(*state, ASKER("number: 'ask 7 60000'", "asked: 'later; stop'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 0 the callee stopped");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "0 the callee stopped\n");
}

static void test_mb6_call_waiting_at_one_that_stops_is_gone(void **state) {
    struct kit *kit = kit_start(*state, ASKER("number: 'ask 7 60000'", "second: 'note busy'"));

    kit_settle(kit);
    kit_do(kit, "b", "stop");
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 0 actor is gone");
    kit_stop(kit);
}

static void test_mb6_call_that_its_callee_died_on_ends_in_an_error(void **state) {
    struct kit *kit = kit_start(*state, ASKER("number: 'ask 7 60000'", "asked: 'fail no'"));
    struct supervisor_result result;

    kit_number(kit, "a", "number", 1);
    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/b[0]' failed: asked: no");
    kit_assert_trace(*state, "a", "0 the callee died on the request, which is in quarantine\n");
}

static void test_mb6_reply_may_come_later(void **state) {
    struct kit *kit =
        kit_start(*state, ASKER("number: 'ask 7 60000'", "asked: 'later', number: 'answer $'"));

    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_number(kit, "b", "number", 5);
    kit_wait(kit, "a: 5 ok");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "5 ok\n");
}

static void test_mb6_late_reply_is_counted_and_dropped(void **state) {
    struct kit *kit =
        kit_start(*state, ASKER("number: 'ask 7 5'",
                                "asked: 'later; note kept', number: 'answer $; note done'"));
    unsigned asked = 0;

    do { /* on a busy machine it may be too late to send the request */
        kit_number(kit, "a", "number", 1);
        kit_wait_lines(kit, "a: 0 no reply before the deadline", ++asked);
        kit_settle(kit);
    } while (kit_count(*state, "b: kept") == 0);
    kit_number(kit, "b", "number", 5);
    kit_wait(kit, "b: done");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).late_replies, 1);
    kit_stop(kit);
    assert_int_equal(kit_count(*state, "a: 0 no reply before the deadline"), asked);
    assert_int_equal(kit_count(*state, "a: 5 ok"), 0);
}

static void test_mb6_reply_for_one_that_has_ended_is_counted_and_dropped(void **state) {
    struct kit *kit = kit_start(
        *state, ASKER("number: 'ask 7 60000', second: stop", "asked: 'later', number: 'answer $'"));

    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_number(kit, "a", "second", 1);
    kit_settle(kit);
    kit_number(kit, "b", "number", 5);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).late_replies, 1);
    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "");
}

static void test_mb6_second_answer_is_refused(void **state) {
    struct kit *kit =
        kit_start(*state, ASKER("number: 'ask 7 60000'", "asked: 'reply 1; misanswer 2'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 1 ok");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "1 ok\n");
    kit_assert_trace(*state, "b", "answered again: invalid argument\n");
}

static void test_mb6_second_late_answer_is_refused(void **state) {
    struct kit *kit = kit_start(
        *state, ASKER("number: 'ask 7 60000'", "asked: later, number: 'answer 1; misanswer 2'"));

    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_number(kit, "b", "number", 1);
    kit_wait(kit, "a: 1 ok");
    kit_stop(kit);

    kit_assert_trace(*state, "b", "answered again: invalid argument\n");
}

static void test_mb6_call_to_a_child(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors: { a: { type: kit.Player, config: { reply: 'note $ %', kid: 'asked=reply 9',\n"
        "  ended: 'note ended' } } }\n");

    kit_do(kit, "a", "spawn; ask_kid 7 60000");
    kit_wait(kit, "a: 9 ok");
    kit_stop(kit);
}

static void test_mb6_call_to_a_port_that_does_not_answer_is_an_error(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player, config: { reply: 'note $ "
                                        "%' } }, b: { type: kit.Old } }\n");
    struct troupe_ref to = {inst_uid(kit_actor(kit, "b")), kit_port(kit, "item")};

    kit_do_to(kit, "a", "ask_to 7 60000", to);
    kit_wait(kit, "a: 0 no such port");
    kit_stop(kit);
}

static void test_mb6_draining_actor_waits_for_its_calls(void **state) {
    struct kit *kit =
        kit_start(*state, ASKER("number: 'ask 7 60000; note asked', cleanup: 'note end'",
                                "asked: 'later; tick 20 0', tick: 'answer 3'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: asked");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "asked\n3 ok\nend\n");
}

static void test_mb6_request_held_back_past_its_deadline_was_never_sent(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { reply: 'note $ %', number: 'out 1 5; ask 7 20' } }\n"
        "  b: { type: kit.Player, config: { init: 'note ready', number: 'note $',\n"
        "         asked: 'note asked; reply 1' }, mailbox: { capacity: 2 }, thread: own }\n"
        "  c: { type: kit.Player, config: { tick: 'note later' } }\n"
        "wires: [a.out -> b.number, a.ask -> b.asked]\n");
    kit_gate_make(*state, "g");

    kit_wait(kit, "b: ready");
    kit_do(kit, "b", "note in; gate g");
    kit_wait(kit, "b: in");
    kit_number(kit, "a", "number", 1);
    kit_wait_paused(kit);
    kit_do(kit, "c", "tick 50 0");
    kit_wait(kit, "c: later");
    kit_gate_open(*state, "g");
    kit_wait(kit, "a: 0 no reply before the deadline");
    kit_stop(kit);

    kit_assert_trace(*state, "b", "ready\nin\n1\n2\n3\n4\n5\n");
}

static void test_mb6_no_turn_waits_for_a_reply(void **state) {
    struct kit *kit =
        kit_start(*state, ASKER("number: 'ask 7 60000; note on', second: 'note meanwhile'",
                                "asked: later, number: 'answer 1'"));

    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "second", 1);
    kit_wait(kit, "a: meanwhile");
    kit_number(kit, "b", "number", 1);
    kit_wait(kit, "a: 1 ok");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "on\nmeanwhile\n1 ok\n");
}

static void test_mb6_many_calls_each_end_once(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { number: 'ask $ 60000', reply: 'note % $' } }\n"
        "  b: { type: kit.Player, config: { asked: 'reply $' }, mailbox: { capacity: 3 } }\n"
        "  s: { type: kit.Player, config: { init: 'out 1 300; stop' } }\n"
        "wires: [s.out -> a.number, a.ask -> b.asked]\n");

    kit_end(kit, NULL);

    char line[32];
    for (unsigned i = 1; i <= 300; i++) {
        (void)snprintf(line, sizeof line, "a: ok %u", i);
        assert_int_equal(kit_count(*state, line), 1);
    }
}

static void note_letter(void *context, const struct dead_letter *letter) {
    *(struct dead_letter *)context = *letter;
}

static void test_mb4_dead_request_names_caller_and_callee(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player },\n"
                                        "          b: { type: kit.Player } }\n");
    struct proc *proc = kit_proc(kit);
    uint64_t caller = inst_uid(kit_actor(kit, "a"));
    uint64_t callee = inst_uid(kit_actor(kit, "b"));
    struct dead_letter letter = {0};

    kit_do(kit, "a", "stop");
    kit_settle(kit);
    struct msg *request = msg_alloc(pools_shared(proc->pools), MSG_REQUEST, MSG_EXTENDED, 8);
    request->sender = caller;
    request->dest = callee;
    bounce(&proc->outside, proc, request, TROUPE_GONE); /* as when b ends with it in its mailbox */
    dead_each(proc_dead_letters(proc), note_letter, &letter);

    assert_int_equal(letter.from, caller);
    assert_int_equal(letter.to, callee);
    assert_int_equal(letter.reason, TROUPE_GONE);
    kit_stop(kit);
}

static const struct kit_test calls[] = {
    KIT_TEST(KIT_BOTH, test_mb6_call_ends_in_a_reply),
    KIT_TEST(KIT_BOTH, test_mb6_call_ends_in_an_error),
    KIT_TEST(KIT_BOTH, test_mb6_call_ends_at_its_deadline),
    KIT_TEST(KIT_SEEDED, test_mb6_deadline_is_counted_from_the_call),
    KIT_TEST(KIT_THREADS, test_mb6_long_deadline_is_never_early),
    KIT_TEST(KIT_SEEDED, test_mb6_each_call_has_its_own_deadline),
    KIT_TEST(KIT_BOTH, test_mb6_call_to_one_that_has_ended_is_gone),
    KIT_TEST(KIT_BOTH, test_mb6_call_taken_by_one_that_stops_is_gone),
    KIT_TEST(KIT_BOTH, test_mb6_call_waiting_at_one_that_stops_is_gone),
    KIT_TEST(KIT_BOTH, test_mb6_call_that_its_callee_died_on_ends_in_an_error),
    KIT_TEST(KIT_BOTH, test_mb6_reply_may_come_later),
    KIT_TEST(KIT_BOTH, test_mb6_late_reply_is_counted_and_dropped),
    KIT_TEST(KIT_BOTH, test_mb6_reply_for_one_that_has_ended_is_counted_and_dropped),
    KIT_TEST(KIT_BOTH, test_mb6_second_answer_is_refused),
    KIT_TEST(KIT_BOTH, test_mb6_second_late_answer_is_refused),
    KIT_TEST(KIT_BOTH, test_mb6_call_to_a_child),
    KIT_TEST(KIT_BOTH, test_mb6_call_to_a_port_that_does_not_answer_is_an_error),
    KIT_TEST(KIT_BOTH, test_mb6_draining_actor_waits_for_its_calls),
    KIT_TEST(KIT_THREADS, test_mb6_request_held_back_past_its_deadline_was_never_sent),
    KIT_TEST(KIT_BOTH, test_mb6_no_turn_waits_for_a_reply),
    KIT_TEST(KIT_BOTH, test_mb6_many_calls_each_end_once),
    KIT_TEST(KIT_SEEDED, test_mb4_dead_request_names_caller_and_callee),
};

int main(void) {
    return KIT_RUN(calls);
}
