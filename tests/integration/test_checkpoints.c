/* Checkpoints: when they are taken, and what a life that follows has lost without them. */
#include <stdio.h>
#include <string.h>

#include "actor/proc.h"
#include "app/embed_impl.h"
#include "lib/app/kit.h"
#include "lib/app/kit_case.h"
#include "lib/app/kit_stuck.h"
#include "record/snapshot_store.h"

#define MANY "supervision: { intensity: 100, backoff: { initial: 1ms } }\n"
#define BAD "99"

static struct kit *given(void **state, const char *actors) {
    char manifest[1024];
    (void)snprintf(manifest, sizeof manifest, MANY "actors:\n%s", actors);
    return kit_start(*state, manifest);
}

static void numbers(struct kit *kit, const char *actor, unsigned from, unsigned to) {
    for (unsigned i = from; i <= to; i++) {
        kit_number(kit, actor, "number", i);
    }
}

static void test_checkpoint_is_taken_after_so_many_messages(void **state) {
    struct kit *kit = given(state, "  a: { type: kit.Player, checkpoint: { messages: 3 },\n"
                                   "       config: { number: 'at " BAD "; fail bad' } }\n");

    numbers(kit, "a", 1, 5);
    kit_number(kit, "a", "number", 99);
    kit_wait(kit, "a: loaded 6");
    struct proc_totals totals = kit_totals(kit);
    kit_stop(kit);

    assert_int_equal(totals.lost_with_state, 2);
    assert_int_equal(totals.quarantined, 1);
}

static void test_checkpoint_after_each_message_loses_nothing(void **state) {
    struct kit *kit = given(state, "  a: { type: kit.Player, checkpoint: { messages: 1 },\n"
                                   "       config: { number: 'at " BAD "; fail bad' } }\n");

    numbers(kit, "a", 1, 5);
    kit_number(kit, "a", "number", 99);
    kit_wait(kit, "a: loaded 15");
    struct proc_totals totals = kit_totals(kit);
    kit_stop(kit);

    assert_int_equal(totals.lost_with_state, 0);
}

/* A source handles nothing else. */
static void test_checkpoint_counts_ticks(void **state) {
    struct kit *kit =
        given(state, "  a: { type: kit.Player, checkpoint: { messages: 1 }, config: {\n"
                     "       init: 'tick 1 0', tick: 'note tick', number: 'fail bad' } }\n");

    kit_wait(kit, "a: tick");
    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: loaded 0");
    kit_stop(kit);
}

static void test_checkpoint_counts_replies(void **state) {
    struct kit *kit = given(
        state,
        "  a: { type: kit.Player, checkpoint: { messages: 1 }, config: { init: 'ask 1 9000',\n"
        "       reply: 'note reply $', number: 'fail bad' } }\n"
        "  b: { type: kit.Player, config: { asked: 'reply 6' } }\n"
        "wires: [ a.ask -> b.asked ]\n");

    kit_wait(kit, "a: reply 6");
    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: loaded 0");
    kit_stop(kit);
}

/* What looks at an actor sees its messages, not how often its state was saved. */
static void test_checkpoint_counts_as_no_message(void **state) {
    struct kit *kit = given(state, "  a: { type: kit.Player, checkpoint: { messages: 1 } }\n");

    numbers(kit, "a", 1, 5);
    kit_settle(kit);
    uint64_t processed = inst_processed(kit_actor(kit, "a"));
    kit_stop(kit);

    assert_int_equal(processed, 5);
}

/* With its group, because of a sibling: nothing of it was wrong. */
static void test_checkpoint_is_taken_when_a_life_ends_well(void **state) {
    struct kit *kit = given(
        state,
        "  g:\n"
        "    supervise: { strategy: one_for_all, intensity: 100, backoff: { initial: 1ms } }\n"
        "    actors:\n"
        "      a: { type: kit.Player, checkpoint: { messages: 100 } }\n"
        "      b: { type: kit.Player, config: { number: 'fail bad' } }\n");

    numbers(kit, "g/a", 1, 5);
    kit_settle(kit);
    kit_number(kit, "g/b", "number", 1);
    kit_wait(kit, "g/a[1]: loaded 15");
    struct proc_totals totals = kit_totals(kit);
    kit_stop(kit);

    assert_int_equal(totals.lost_with_state, 0);
}

/* One after each message, and still the recorder says what came before. */
static void test_fr1_checkpoints_push_nothing_out(void **state) {
    struct kit *kit = given(state, "  a: { type: kit.Player, checkpoint: { messages: 1 },\n"
                                   "       config: { number: 'at " BAD "; fail bad' } }\n");
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    struct str json;
    str_init(&json);

    kit_do(kit, "a", "log hello");
    numbers(kit, "a", 100, 300);
    kit_number(kit, "a", "number", 99);
    kit_wait(kit, "a: loaded 40200");
    kit_settle(kit);
    assert_int_equal(snapshot_store_find(proc_snapshots(kit_proc(kit)),
                                         inst_uid(kit_actor(kit, "a")), 1, &brief, &snapshot),
                     1);
    snapshot_json(snapshot, &json);
    snapshot_unref(snapshot);
    kit_stop(kit);

    assert_non_null(strstr(str_text(&json), "\"hello\""));
    const char *save = strstr(str_text(&json), "\"handler\": \"save\"");
    assert_non_null(save);
    assert_null(strstr(save + 1, "\"handler\": \"save\""));
    assert_non_null(strstr(str_text(&json), "\"failure_lost_with_state\": 0,"));
    str_fini(&json);
}

static void keep_loss(void *context, const struct proc_loss *loss) {
    *(struct proc_loss *)context = *loss;
}

/* --- what the end says of it --- */

static void test_fc4_costs_of_failures_are_counted_for_each_actor(void **state) {
    const struct kit_case *of = *state;
    struct proc_loss loss = {0};
    const struct supervisor_result result = {0};
    struct troupe_end end = {0};
    struct log log;
    struct kit *kit = given(state, "  a: { type: kit.Player, checkpoint: { messages: 4 },\n"
                                   "       quarantine_after: 3,\n"
                                   "       config: { number: 'at " BAD "; fail bad' } }\n"
                                   "  b: { type: kit.Player }\n");

    numbers(kit, "a", 1, 5);
    numbers(kit, "b", 1, 5);
    kit_number(kit, "a", "number", 99);
    kit_wait_lines(kit, "a: loaded 10", 3);
    kit_settle(kit);
    proc_each_loss(kit_proc(kit), keep_loss, &loss);
    log_init(&log, of->log_fd, LOG_INFO, LOG_TEXT, kit_clock(kit));
    assert_int_equal(end_gather_losses(&end.losses, kit_proc(kit)), 0);
    end_log(&end, &result, &log);
    end_free_losses(&end.losses);
    assert_ptr_equal(loss.actor, kit_actor(kit, "a"));
    kit_stop(kit);

    assert_int_equal(loss.failures, 3);
    assert_int_equal(loss.quarantined, 1);
    assert_int_equal(loss.retried, 2);
    assert_int_equal(loss.lost_with_state, 1);
    kit_assert_logged(*state,
                      "messages that failures cost: 1 quarantined, 2 retried, 1 lost with state");
    kit_assert_logged(*state, "  p/a[0]: 3 failures, 1 quarantined, 2 retried, 1 lost with state");
}

/* --- messages that come again --- */

/* The block of a message that was handled at last is the next message's. */
static void test_fc4_lives_are_counted_for_each_message_alone(void **state) {
    struct kit *kit = given(state, "  a: { type: demo.Crash, quarantine_after: 2,\n"
                                   "       config: { kind: error, after: 3 } }\n"
                                   "  b: { type: kit.Player, config: { number: 'out $' } }\n"
                                   "wires: [ b.out -> a.message ]\n");

    for (unsigned i = 1; i <= 30; i++) {
        kit_number(kit, "b", "number", i);
        kit_settle(kit);
        kit_pass(kit, 10000);
    }
    struct proc_totals totals = kit_totals(kit);
    kit_stop(kit);

    assert_int_equal(totals.retried, 14); /* two a life, the first of them again */
    assert_int_equal(totals.quarantined, 0);
}

static bool has_quarantined(void *context) {
    return kit_totals(context).quarantined > 0;
}

/* What is given to the next life is not what the lost thread still holds. */
static void test_fc4_abandoned_lives_count_too(void **state) {
    struct kit *kit =
        given(state, "  a: { type: kit.Player, stuck_after: 200ms, on_stuck: restart,\n"
                     "       quarantine_after: 2, config: { number: 'gate g' } }\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    test_wait_until(has_quarantined, kit);
    struct proc_totals totals = kit_totals(kit);
    kit_open_until_times(*state, "g", "the abandoned turn of 'number' has come back", 2);
    kit_stop(kit);

    assert_int_equal(totals.retried, 1);
    assert_int_equal(totals.quarantined, 1);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_checkpoint_is_taken_after_so_many_messages),
    KIT_TEST(KIT_BOTH, test_checkpoint_after_each_message_loses_nothing),
    KIT_TEST(KIT_BOTH, test_checkpoint_counts_ticks),
    KIT_TEST(KIT_BOTH, test_checkpoint_counts_replies),
    KIT_TEST(KIT_BOTH, test_checkpoint_counts_as_no_message),
    KIT_TEST(KIT_BOTH, test_checkpoint_is_taken_when_a_life_ends_well),
    KIT_TEST(KIT_BOTH, test_fr1_checkpoints_push_nothing_out),
    KIT_TEST(KIT_SEEDED, test_fc4_lives_are_counted_for_each_message_alone),
    KIT_TEST(KIT_THREADS, test_fc4_abandoned_lives_count_too),
    KIT_TEST(KIT_SEEDED, test_fc4_costs_of_failures_are_counted_for_each_actor),
};

int main(void) {
    return KIT_RUN(tests);
}
