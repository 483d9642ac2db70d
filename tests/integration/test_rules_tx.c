/* Turns are transactions (TX). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actor/inst.h"
#include "actor/proc_impl.h"
#include "lib/app/kit.h"

/* `b` notes what reaches it; `a` does what the test says. */
#define PAIR(a_config)                                                                             \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { " a_config " } }\n"                                        \
    "  b: { type: kit.Player, config: { number: 'note got $', asked: 'note asked; reply $' } }\n"  \
    "wires: [a.out -> b.number, a.ask -> b.asked]\n"

static void test_tx1_failed_turn_has_no_outside_effect(void **state) {
    struct kit *kit =
        kit_start(*state, PAIR("kid: 'init=note born', tick: 'note ticked', reply: 'note %'"));
    struct supervisor_result result;
    struct troupe_value value;
    char text[16];

    kit_do(kit, "a", "out 1; ask 2 10; spawn kid; tick 0 0; publish x 1; self 3; stop; fail no");
    kit_end(kit, &result);

    (void)value;
    (void)text;
    assert_true(result.failed);
    assert_string_equal(result.cause, "actor 'p/a[0]' failed: do: no");
    kit_assert_trace(*state, NULL, "");
}

static void test_tx1_a_negative_status_discards_as_a_failure_does(void **state) {
    struct kit *kit = kit_start(*state, PAIR(""));
    struct supervisor_result result;

    kit_do(kit, "a", "out 1; status -8");
    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: do: refused");
    kit_assert_trace(*state, NULL, "");
}

static void test_tx1_failed_init_has_no_outside_effect(void **state) {
    struct kit *kit =
        kit_start(*state, PAIR("init: 'out 1; fail bad start', cleanup: 'note cleaned up'"));
    struct supervisor_result result;

    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: init: bad start");
    kit_assert_trace(*state, NULL, "");
}

static void test_tx1_failed_cleanup_has_no_outside_effect(void **state) {
    struct kit *kit = kit_start(*state, PAIR("cleanup: 'out 1; fail bad end'"));
    struct supervisor_result result;

    kit_stop_for(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: cleanup: bad end");
    kit_assert_trace(*state, NULL, "");
}

static void test_tx1_failed_tick_has_no_outside_effect(void **state) {
    struct kit *kit = kit_start(*state, PAIR("init: 'tick 1 0', tick: 'out 1; fail late'"));
    struct supervisor_result result;

    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: tick: late");
    kit_assert_trace(*state, NULL, "");
}

static void test_tx1_failed_outcome_has_no_outside_effect(void **state) {
    struct kit *kit = kit_start(*state, PAIR("init: 'ask 7 60000', reply: 'out 1; fail wrong'"));
    struct supervisor_result result;

    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: ask: wrong");
    kit_assert_trace(*state, NULL, "b: asked\n");
}

static void test_tx1_effects_come_in_program_order(void **state) {
    struct kit *kit = kit_start(
        *state, PAIR("kid: 'init=note born|number=note got $', ended: 'note kid %', second: ''"));

    kit_do(kit, "a", "spawn kid; tell 1; tell 2; drain_kid; out 3");
    kit_wait(kit, "a: kid drained");
    kit_stop(kit);

    kit_assert_trace(*state, "kid[1]", "born\ngot 1\ngot 2\n");
    kit_assert_trace(*state, "b", "got 3\n");
}

static void test_tx1_messages_after_a_spawn_find_the_child(void **state) {
    struct kit *kit = kit_start(*state, PAIR("kid: 'number=note got $', ended: 'note kid %'"));

    kit_do(kit, "a", "spawn one; tell 1; spawn two; tell 2; spawn three; tell 3");
    kit_wait(kit, "one[1]: got 1");
    kit_wait(kit, "two[2]: got 2");
    kit_wait(kit, "three[3]: got 3");
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "a: kid drained"), 3);
}

static void test_tx1_attribute_shows_after_the_commit(void **state) {
    struct kit *kit = kit_start(*state, PAIR(""));
    struct troupe_value value = {.u = 0};
    char text[16];

    kit_settle(kit);
    bool before = inst_attribute(kit_actor(kit, "a"), "x", &value, text, sizeof text);
    kit_do(kit, "a", "publish x 1; publish x 2; note published");
    kit_wait(kit, "a: published");
    kit_settle(kit);

    assert_false(before);
    assert_true(inst_attribute(kit_actor(kit, "a"), "x", &value, text, sizeof text));
    assert_int_equal(value.u, 2);
    kit_stop(kit);
}

static void test_tx1_attribute_of_a_failed_turn_is_never_shown(void **state) {
    struct kit *kit =
        kit_start(*state, PAIR("init: 'publish x 1', cleanup: 'publish x 2; fail no'"));
    struct supervisor_result result;
    struct troupe_value value = {.u = 0};
    char text[16];

    kit_settle(kit);
    bool found = inst_attribute(kit_actor(kit, "a"), "x", &value, text, sizeof text);
    kit_stop_for(kit, &result);

    assert_true(found);
    assert_int_equal(value.u, 1);
    assert_true(result.failed);
}

static void test_tx1_call_of_a_discarded_turn_was_never_made(void **state) {
    /* the undeliverable is not handled, so that turn is discarded, but the actor lives on */
    struct kit *kit = kit_start(
        *state, PAIR("returned: 'ask 5 10; status -2', reply: 'note outcome %', number: 'note $'"));

    kit_do_to(kit, "a", "tell 1", (struct troupe_ref){99, 1});
    kit_settle(kit);
    kit_do(kit, "a", "tick 50 0; note later");
    kit_wait(kit, "a: later");
    if (!kit_is_threaded(*state)) {
        kit_pass(kit, 1000);
    }
    assert_int_equal(kit_dead_for(kit, TROUPE_GONE), 1);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "later\n");
    kit_assert_trace(*state, "b", "");
}

static void test_tx1_answer_of_a_discarded_turn_was_never_given(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'ask 1 60000', reply: 'note outcome %' } }\n"
        "  b: { type: kit.Player, config: { asked: 'reply 2; fail broken' } }\n"
        "wires: [a.ask -> b.asked]\n");
    struct supervisor_result result;

    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/b[0]' failed: asked: broken");
    kit_assert_trace(*state, "a",
                     "outcome the callee died on the request, which is in quarantine\n");
}

static void test_tx1_late_answer_of_a_discarded_turn_was_never_given(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'ask 1 60000', reply: 'note outcome %' } }\n"
        "  b: { type: kit.Player, config: { asked: 'later; self 1',\n"
        "                                   number: 'answer 2; fail broken' } }\n"
        "wires: [a.ask -> b.asked]\n");
    struct supervisor_result result;

    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/b[0]' failed: number: broken");
    kit_assert_trace(*state, "a", "outcome the callee failed\n");
}

static void test_tx1_logs_of_a_discarded_turn_are_kept_and_marked(void **state) {
    struct kit *kit = kit_start(*state, PAIR(""));
    struct supervisor_result result;

    kit_do(kit, "a", "log one; log two; fail no");
    kit_end(kit, &result);

    kit_assert_logged(*state, "info  p/a[0]: one\n");
    kit_assert_logged(*state, "info  p/a[0]: two\n");
    kit_assert_logged(*state, "info  p/a[0]: discarded the turn of 'do' that logged the 2 lines "
                              "before\n");
}

static void test_tx1_state_is_not_rolled_back(void **state) {
    struct kit *kit =
        kit_start(*state, PAIR("returned: 'self 1; status -2', number: 'note count #', kid: ''"));

    kit_do_to(kit, "a", "tell 1; self 1", (struct troupe_ref){99, 1});
    kit_wait(kit, "a: count 1");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "count 1\n");
}

static void test_tx2_what_was_committed_early_stays(void **state) {
    struct kit *kit = kit_start(*state, PAIR(""));
    struct supervisor_result result;

    kit_do(kit, "a", "out 1; commit; out 2; fail no");
    kit_end(kit, &result);

    assert_true(result.failed);
    kit_assert_trace(*state, "a", "committed: ok\n");
    kit_assert_trace(*state, "b", "got 1\n");
}

static void test_tx2_commit_says_when_something_must_wait_for_room(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player }\n"
                          "  b: { type: kit.Player, config: { number: 'note got $' },\n"
                          "       mailbox: { capacity: 2 } }\n"
                          "wires: [a.out -> b.number]\n");

    kit_do(kit, "a", "out 1 5; commit; out 6");
    kit_wait(kit, "b: got 6");
    kit_stop(kit);

    kit_assert_trace(*state, "b", "got 1\ngot 2\ngot 3\ngot 4\ngot 5\ngot 6\n");
}

static void test_tx2_answer_committed_early_is_the_only_one(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'ask 1 60000', reply: 'note outcome %' } }\n"
        "  b: { type: kit.Player, config: { asked: 'reply 2; commit; fail broken' } }\n"
        "wires: [a.ask -> b.asked]\n");
    struct supervisor_result result;
    struct proc_totals totals;

    kit_wait(kit, "a: outcome ok");
    kit_wait(kit, "b: committed: ok");
    kit_settle(kit);
    totals = kit_totals(kit);
    kit_end(kit, &result);

    assert_true(result.failed);
    assert_int_equal(totals.late_replies, 0);
    kit_assert_trace(*state, "a", "outcome ok\n");
}

/* The instance that a turn has spawned and not committed yet. */
static struct inst *find_uncommitted(struct kit *kit) {
    struct inst *parent = kit_actor(kit, "a");
    struct proc *proc = kit_proc(kit);
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        struct inst *in = cell_at(proc, i);
        if (inst_plan_index(in) == UINT32_MAX && inst_parent(in) == parent &&
            atomic_load(&in->holders) > 0) {
            return in;
        }
    }
    return NULL;
}

/* Whoever still holds the mailbox of its cell's last owner must not get in: what he sent would be lost
 * with the turn. */
static void test_tx1_nobody_reaches_a_child_before_its_spawn_is_committed(void **state) {
    kit_gate_make(*state, "open");
    struct kit *kit = kit_start(*state, PAIR("kid: 'number=note got $', ended: 'note ended'"));
    struct supervisor_result result;

    kit_do(kit, "a", "spawn; stop_kid");
    kit_wait(kit, "a: ended");
    kit_do(kit, "a", "spawn; note spawned; gate open; fail no");
    kit_wait(kit, "a: spawned");
    struct inst *child = find_uncommitted(kit);
    assert_non_null(child);
    const struct msg_type *type = type_find(proc_types(kit_proc(kit)), "kit.number/1");
    const uint64_t number = 7;
    struct err err;
    struct troupe_ref to = {inst_uid(child), proc_find_port(kit_proc(kit), "number")};
    int sent = proc_send(kit_proc(kit), to, type, &number, &err);
    kit_gate_open(*state, "open");
    kit_end(kit, &result); /* asserts that no message is left over */

    assert_int_equal(sent, -1);
}

/* The trace is a file that the type writes by itself; the messages are the host's. */
static void test_tx3_what_a_type_did_to_the_world_by_itself_is_not_undone(void **state) {
    struct kit *kit = kit_start(*state, PAIR(""));
    struct supervisor_result result;

    kit_do(kit, "a", "note written; out 1; fail no");
    kit_end(kit, &result);

    assert_true(result.failed);
    kit_assert_trace(*state, NULL, "a: written\n");
}

static const struct kit_test tx[] = {
    KIT_TEST(KIT_BOTH, test_tx1_failed_turn_has_no_outside_effect),
    KIT_TEST(KIT_BOTH, test_tx1_a_negative_status_discards_as_a_failure_does),
    KIT_TEST(KIT_BOTH, test_tx1_failed_init_has_no_outside_effect),
    KIT_TEST(KIT_BOTH, test_tx1_failed_cleanup_has_no_outside_effect),
    KIT_TEST(KIT_BOTH, test_tx1_failed_tick_has_no_outside_effect),
    KIT_TEST(KIT_BOTH, test_tx1_failed_outcome_has_no_outside_effect),
    KIT_TEST(KIT_BOTH, test_tx1_effects_come_in_program_order),
    KIT_TEST(KIT_BOTH, test_tx1_messages_after_a_spawn_find_the_child),
    KIT_TEST(KIT_BOTH, test_tx1_attribute_shows_after_the_commit),
    KIT_TEST(KIT_BOTH, test_tx1_attribute_of_a_failed_turn_is_never_shown),
    KIT_TEST(KIT_BOTH, test_tx1_call_of_a_discarded_turn_was_never_made),
    KIT_TEST(KIT_BOTH, test_tx1_answer_of_a_discarded_turn_was_never_given),
    KIT_TEST(KIT_BOTH, test_tx1_late_answer_of_a_discarded_turn_was_never_given),
    KIT_TEST(KIT_BOTH, test_tx1_logs_of_a_discarded_turn_are_kept_and_marked),
    KIT_TEST(KIT_BOTH, test_tx1_state_is_not_rolled_back),
    KIT_TEST(KIT_THREADS, test_tx1_nobody_reaches_a_child_before_its_spawn_is_committed),
    KIT_TEST(KIT_BOTH, test_tx2_what_was_committed_early_stays),
    KIT_TEST(KIT_BOTH, test_tx2_commit_says_when_something_must_wait_for_room),
    KIT_TEST(KIT_BOTH, test_tx2_answer_committed_early_is_the_only_one),
    KIT_TEST(KIT_BOTH, test_tx3_what_a_type_did_to_the_world_by_itself_is_not_undone),
};

int main(void) {
    return KIT_RUN(tx);
}
