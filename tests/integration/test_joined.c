/* Two joined procs, whose senders wait for room over there as they would at home (MB-2, MB-7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit_joined.h"
#include "lib/wait.h"

#define SENDER(name) "  " name ": { type: kit.Player, config: { returned: 'note back $ %' } }\n"
#define RECEIVER(more) "  b: { type: kit.Player, config: { number: 'note $' }, " more " }\n"
#define GATED "mailbox: { capacity: 2 }, thread: own"

/* The numbers in the lines of an actor that begin so ascend, and are so many. */
static void assert_ascending(void *state, const char *actor, const char *prefix, uint64_t from,
                             unsigned count) {
    char *trace = kit_trace_of(state, actor);
    size_t size = strlen(prefix);
    uint64_t last = from - 1;
    unsigned found = 0;
    for (const char *line = trace; *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, prefix, size) != 0) {
            continue;
        }
        uint64_t number = strtoull(line + size, NULL, 10);
        if (number >= from && number < from + 100) { /* else of another sender */
            assert_true(number > last);
            last = number;
            found++;
        }
    }
    free(trace);
    assert_int_equal(found, count);
}

static void tell(struct joined *j, unsigned at, const char *actor, const char *script) {
    kit_do_to(j->kit[at], actor, script,
              joined_find(j, at, at ? "one/a[0]" : "two/b[0]", "number"));
}

/* The receiver, which has two places, stands at the gate; `a` waits for room there. */
static void begin_gated(struct joined *j, void *state, const char *script) {
    joined_start(j, state, "actors:\n" SENDER("a"), "actors:\n" RECEIVER(GATED));
    kit_gate_make(state, "g");
    kit_do(j->kit[1], "b", "note in; gate g");
    joined_wait(j, "b: in", 1);
    tell(j, 0, "a", script);
    kit_wait_paused(j->kit[0]);
}

static void test_mb2_senders_wait_for_room_in_another_proc(void **state) {
    struct joined j;
    joined_start(&j, *state, "actors:\n" SENDER("a") SENDER("c"),
                 "actors:\n" RECEIVER("mailbox: { capacity: 2 }") SENDER("d"));

    tell(&j, 0, "a", "tell 100 90");
    tell(&j, 0, "c", "tell 200 90");
    kit_do_to(
        j.kit[1], "d", "tell 300 90",
        (struct troupe_ref){inst_uid(kit_actor(j.kit[1], "b")), kit_port(j.kit[1], "number")});
    joined_wait(&j, "b: 189", 1);
    joined_wait(&j, "b: 289", 1);
    joined_wait(&j, "b: 389", 1);
    uint64_t dead = kit_dead(j.kit[0]) + kit_dead(j.kit[1]);
    bool paused = kit_totals(j.kit[0]).pauses > 0;
    joined_stop(&j);

    assert_int_equal(dead, 0);
    assert_true(paused || kit_is_threaded(*state)); /* threads may keep up */
    assert_ascending(*state, "b", "", 100, 90);
    assert_ascending(*state, "b", "", 200, 90);
    assert_ascending(*state, "b", "", 300, 90);
}

static bool has_two(void *context) {
    return inst_depth(context) >= 2;
}

static void test_mb2_sender_that_waits_for_another_proc_runs_no_turn(void **state) {
    struct joined j;
    begin_gated(&j, *state, "tell 100 6");

    kit_do(j.kit[0], "a", "note turn");
    kit_number(j.kit[0], "a", "number", 1);
    test_wait_until(has_two, kit_actor(j.kit[0], "a"));
    assert_int_equal(kit_count(*state, "a: turn"), 0);
    kit_gate_open(*state, "g");
    joined_wait(&j, "a: turn", 1);
    joined_wait(&j, "b: 105", 1);
    joined_stop(&j);

    assert_ascending(*state, "b", "", 100, 6);
}

static void test_mb2_cycle_over_two_procs_is_let_through(void **state) {
    struct joined j;
    const char *both[] = {
        "actors:\n"
        "  a: { type: kit.Player, mailbox: { capacity: 2 },\n"
        "       config: { number: 'note $', returned: 'note back $ %' } }\n",
        "actors:\n"
        "  b: { type: kit.Player, mailbox: { capacity: 2 },\n"
        "       config: { number: 'note $; tell $', returned: 'note back $ %' } }\n"};
    joined_start(&j, *state, both[0], both[1]);
    tell(&j, 1, "b", "note knows");
    joined_wait(&j, "b: knows", 1);

    tell(&j, 0, "a", "tell 100 12");
    joined_wait(&j, "a: 111", 1);
    uint64_t cycles = kit_totals(j.kit[0]).cycles + kit_totals(j.kit[1]).cycles;
    joined_stop(&j);

    assert_true(cycles > 0 || kit_is_threaded(*state));
    assert_ascending(*state, "a", "", 100, 12);
    assert_ascending(*state, "b", "", 100, 12);
}

/* Texts that begin a line are not in the first one. */
static unsigned count_with(void *state, const char *actor, const char *text) {
    char *trace = kit_trace_of(state, actor);
    unsigned count = 0;
    for (const char *at = trace; (at = strstr(at, text)); at++) {
        count++;
    }
    free(trace);
    return count;
}

/* More that come back than a mailbox has room for are dead letters (MB-10). */
static bool all_have_come_to_an_end(void *context) {
    struct joined *j = context;
    joined_settle(j);
    return count_with(j->state, "a", "\n2") + count_with(j->state, "b", "back 2") +
               count_with(j->state, "b", "\n1") + count_with(j->state, "a", "back 1") +
               kit_dead(j->kit[0]) + kit_dead(j->kit[1]) ==
           120;
}

/* Both keep sending while they wait for each other: what is beyond the hard limit comes back, the rest arrives. */
static void test_mb2_cycle_over_two_procs_overflows_beyond_the_hard_limit(void **state) {
    struct joined j;
    joined_start(&j, *state,
                 "actors:\n"
                 "  a: { type: kit.Player, mailbox: { capacity: 2 }, config: { init: 'note up',\n"
                 "       number: 'note $', returned: 'note back $ %' } }\n",
                 "actors:\n"
                 "  b: { type: kit.Player, mailbox: { capacity: 2 }, config: { init: 'note up',\n"
                 "       number: 'note $', returned: 'note back $ %' } }\n");

    tell(&j, 0, "a", "tell 100 60");
    tell(&j, 1, "b", "tell 200 60");
    test_wait_until(all_have_come_to_an_end, &j);
    unsigned dead = kit_dead_for(j.kit[0], TROUPE_CYCLE_OVERFLOW) +
                    kit_dead_for(j.kit[1], TROUPE_CYCLE_OVERFLOW);
    assert_int_equal(dead, kit_dead(j.kit[0]) + kit_dead(j.kit[1]));
    joined_stop(&j);

    assert_true(dead > 0);
}

static void test_mb2_stop_of_who_waits_for_another_proc_loses_nothing(void **state) {
    struct joined j;
    begin_gated(&j, *state, "tell 100 6; stop");

    deploy_stop(kit_deploy(j.kit[0]));
    kit_gate_open(*state, "g");
    joined_stop(&j);

    assert_ascending(*state, "b", "", 100, 6);
}

static void test_mb2_abort_of_who_waits_for_another_proc_buries_the_rest(void **state) {
    struct joined j;
    struct supervisor_result result;
    begin_gated(&j, *state, "tell 100 6");

    supervisor_abort(deploy_supervisor(kit_deploy(j.kit[0])));
    joined_end_one(&j, 0, &result);
    kit_gate_open(*state, "g");
    joined_stop(&j);

    assert_true(result.aborted);
    assert_int_equal(result.left, 4);
    assert_ascending(*state, "b", "", 100, 2);
}

static void test_ai4_senders_of_another_proc_go_on_when_the_slot_closes(void **state) {
    struct joined j;
    struct supervisor_result result;
    begin_gated(&j, *state, "tell 100 6");

    supervisor_abort(deploy_supervisor(kit_deploy(j.kit[1])));
    kit_gate_open(*state, "g");
    joined_wait(&j, "a: back 105 actor is gone", 1);
    joined_end_one(&j, 1, &result);
    joined_stop(&j);

    assert_int_equal(result.left, 2); /* those that had found room (DR-3) */
    assert_ascending(*state, "a", "back ", 102, 4);
}

/* The mailbox of one that waits for its next life stays: so do those who wait for room in it. */
static void test_ai4_senders_of_another_proc_wait_over_a_backoff(void **state) {
    struct joined j;
    joined_start(&j, *state, "actors:\n" SENDER("a"),
                 "supervision: { intensity: 20, period: 10s, backoff: { initial: 100ms, factor: 1, "
                 "jitter: 0 } }\n"
                 "actors:\n"
                 "  b: { type: kit.Player, config: { number: 'note $; once nine' },\n"
                 "       mailbox: { capacity: 1 } }\n");

    tell(&j, 0, "a", "tell 9; tell 100 30");
    joined_wait(&j, "b: 9", 1);
    joined_settle(&j);
    if (!kit_is_threaded(*state)) {
        assert_int_equal(kit_count(*state, "b: 100"), 0);
        kit_pass(j.kit[1], 100);
    }
    joined_wait(&j, "b: 129", 1);
    joined_stop(&j);

    assert_ascending(*state, "b", "", 100, 30);
}

/* Each number comes to an end, once. */
static bool senders_have_done(void *context) {
    struct joined *j = context;
    joined_settle(j);
    unsigned arrived = count_with(j->state, "b", "\n1") + count_with(j->state, "b", "\n2");
    unsigned back = count_with(j->state, "a", "back 1") + count_with(j->state, "c", "back 2");
    return arrived + back == 180;
}

static void test_mb2_proc_that_waits_for_nobody_ends_while_others_wait_for_it(void **state) {
    struct joined j;
    joined_start(&j, *state, "actors:\n" SENDER("a") SENDER("c"),
                 "actors:\n"
                 "  b: { type: kit.Player, mailbox: { capacity: 1 },\n"
                 "       config: { init: 'note up', number: 'note $' } }\n");

    tell(&j, 0, "a", "tell 100 90; note told");
    tell(&j, 0, "c", "tell 200 90; note told");
    joined_wait(&j, "a: told", 1);
    joined_wait(&j, "c: told", 1);
    deploy_stop(kit_deploy(j.kit[1]));
    joined_end_one(&j, 1, NULL);
    test_wait_until(senders_have_done, &j);
    joined_stop(&j);
}

static bool has_heard_of_its_deadline(void *context) {
    return inst_depth(context) > 0;
}

static void
test_mb6_request_that_waits_for_another_proc_past_its_deadline_was_never_sent(void **state) {
    struct joined j;
    joined_start(&j, *state,
                 "actors:\n"
                 "  a: { type: kit.Player, config: { reply: 'note $ %' } }\n",
                 "actors:\n"
                 "  b: { type: kit.Player, config: { number: 'note $', asked: 'note asked; reply "
                 "1' }, " GATED " }\n");
    kit_gate_make(*state, "g");
    kit_do(j.kit[1], "b", "note in; gate g");
    joined_wait(&j, "b: in", 1);
    kit_number(j.kit[1], "b", "number", 1);
    kit_number(j.kit[1], "b", "number", 2);

    kit_do_to(j.kit[0], "a", "ask_to 7 20", joined_find(&j, 0, "two/b[0]", "asked"));
    kit_wait_paused(j.kit[0]);
    test_wait_until(has_heard_of_its_deadline, kit_actor(j.kit[0], "a"));
    kit_gate_open(*state, "g");
    joined_wait(&j, "a: 0 no reply before the deadline", 1);
    joined_stop(&j);

    kit_assert_trace(*state, "b", "in\n1\n2\n");
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_mb2_senders_wait_for_room_in_another_proc),
    KIT_TEST(KIT_THREADS, test_mb2_sender_that_waits_for_another_proc_runs_no_turn),
    KIT_TEST(KIT_BOTH, test_mb2_cycle_over_two_procs_is_let_through),
    KIT_TEST(KIT_SEEDED, test_mb2_cycle_over_two_procs_overflows_beyond_the_hard_limit),
    KIT_TEST(KIT_THREADS, test_mb2_stop_of_who_waits_for_another_proc_loses_nothing),
    KIT_TEST(KIT_THREADS, test_mb2_abort_of_who_waits_for_another_proc_buries_the_rest),
    KIT_TEST(KIT_THREADS, test_ai4_senders_of_another_proc_go_on_when_the_slot_closes),
    KIT_TEST(KIT_BOTH, test_ai4_senders_of_another_proc_wait_over_a_backoff),
    KIT_TEST(KIT_BOTH, test_mb2_proc_that_waits_for_nobody_ends_while_others_wait_for_it),
    KIT_TEST(KIT_THREADS,
             test_mb6_request_that_waits_for_another_proc_past_its_deadline_was_never_sent),
};

int main(void) {
    return KIT_RUN(tests);
}
