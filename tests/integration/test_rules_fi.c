/* What is known of a life that has ended, as seen in a running proc (FI, S, FR, SV-3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "actor/proc.h"
#include "base/alloc.h"
#include "lib/app/kit.h"
#include "lib/wait.h"
#include "record/quarantine.h"
#include "record/snapshot_store.h"

#define QUICK                                                                                      \
    "supervision: { intensity: 200, period: 10s, backoff: { initial: 1ms, factor: 1, jitter: 0 } " \
    "}\n"
/* `a` fails at 9 and goes on; `b` fails for good at any number, or stops at `second`. */
#define TWO                                                                                        \
    QUICK                                                                                          \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { init: 'note init', number: 'note $; at 9; fail nine' "     \
    "} }\n"                                                                                        \
    "  b: { type: kit.Player, restart: temporary,\n"                                               \
    "       config: { init: 'note init', number: 'log hm; fail for good', second: 'stop' } "       \
    "}\n"

static int find(struct kit *kit, uint64_t uid, uint32_t incarnation, struct snapshot **ret) {
    struct snapshot_brief brief;
    return snapshot_store_find(proc_snapshots(kit_proc(kit)), uid, incarnation, &brief, ret);
}

/* A reference of the caller's. */
static struct snapshot *snapshot_of(struct kit *kit, const char *path, uint32_t incarnation) {
    struct snapshot *snapshot = NULL;
    assert_int_equal(find(kit, inst_uid(kit_actor(kit, path)), incarnation, &snapshot), 1);
    assert_non_null(snapshot);
    return snapshot;
}

static char *json_of(const struct snapshot *snapshot) {
    struct str json;
    str_init(&json);
    snapshot_json(snapshot, &json);
    return str_take(&json);
}

static bool has_failed(void *context) {
    return inst_status(context) == INST_FAILED;
}

/* By any thread, at the first moment that the status says it. */
static void test_fi1_who_sees_the_status_finds_the_facts(void **state) {
    struct kit *kit = kit_start(*state, TWO);
    struct inst *b = kit_actor(kit, "b");
    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_settle(kit); /* all have begun: one that closes is not missed */

    kit_number(kit, "b", "number", 1);
    if (kit_is_threaded(*state)) {
        test_wait_until(has_failed, b);
    } else {
        kit_settle(kit);
    }
    struct snapshot *snapshot = snapshot_of(kit, "b", 1);

    assert_true(snapshot->facts.failed);
    assert_string_equal(snapshot->facts.failure.sentence, "number: for good");
    assert_int_equal(snapshot->facts.messages_processed, 1);
    assert_string_equal(snapshot->facts.last_handler, "cleanup");
    assert_string_equal(snapshot->facts.failure.in_hand.type, "kit.number/1");
    snapshot_unref(snapshot);
    kit_stop(kit);
}

static void test_sv3_facts_are_stored_before_the_parent_hears_of_the_end(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { number: 'spawn kid; tell 1', kid: "
                      "'number=note dies,fail no',\n"
                      "       ended: 'note heard %; fail passed on' } }\n");
    struct snapshot_brief briefs[4];
    struct snapshot *snapshots[4] = {0};

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: heard number: no");
    uint32_t count = snapshot_store_list(proc_snapshots(kit_proc(kit)), briefs, snapshots, 4);

    assert_true(count >= 1);
    assert_string_equal(briefs[0].id, "p/kid[1]");
    assert_true(briefs[0].failed);
    for (uint32_t i = 0; i < count && i < 4; i++) {
        snapshot_unref(snapshots[i]);
    }
    kit_stop(kit);
}

static void test_fi2_each_end_has_one_event(void **state) {
    struct kit *kit = kit_start(*state, TWO);

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 9);
    kit_wait_lines(kit, "a: init", 2);
    kit_number(kit, "a", "number", 9);
    kit_wait_lines(kit, "a: init", 3);
    kit_stop(kit);

    char *log = kit_log(*state);
    unsigned events = 0;
    for (const char *at = log; (at = strstr(at, "p/a[0]: ended: ")); at++) {
        events++;
    }
    free(log);
    assert_int_equal(events, 3);
}

static void test_fi3_failure_is_told_of_the_lives_that_failed_only(void **state) {
    struct kit *kit = kit_start(*state, TWO);

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 9);
    kit_wait_lines(kit, "a: init", 2);
    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_settle(kit); /* all have begun: one that closes is not missed */
    kit_number(kit, "b", "second", 1);
    kit_wait_closed(kit, "b");
    struct snapshot *failed = snapshot_of(kit, "a", 1);
    struct snapshot *stopped = snapshot_of(kit, "b", 1);

    char *json = json_of(failed);
    assert_non_null(strstr(json, "\"status\": \"failed\""));
    assert_non_null(strstr(json, "\"failure_error_message\""));
    assert_non_null(strstr(json, "\"failure_occurred_at\""));
    mem_free(json);
    json = json_of(stopped);
    assert_non_null(strstr(json, "\"status\": \"stopped\""));
    assert_null(strstr(json, "failure_"));
    assert_null(strstr(json, "error_"));
    mem_free(json);
    snapshot_unref(failed);
    snapshot_unref(stopped);
    kit_stop(kit);
}

static void test_fi5_clean_stop_is_told_with_its_reason(void **state) {
    struct kit *kit = kit_start(*state, TWO);

    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_settle(kit); /* all have begun: one that closes is not missed */
    kit_number(kit, "b", "second", 1);
    kit_wait_closed(kit, "b");
    struct snapshot *snapshot = snapshot_of(kit, "b", 1);

    assert_false(snapshot->facts.failed);
    assert_string_equal(snapshot->facts.reason, "stopped");
    snapshot_unref(snapshot);
    kit_stop(kit);
    kit_assert_logged(*state, "p/b[0]: ended: stopped\n");
}

static void test_fi4_failure_of_a_parent_by_its_child_is_propagated(void **state) {
    struct kit *kit =
        kit_start(*state, QUICK "actors:\n"
                                "  a: { type: kit.Player, config: { init: 'note init',\n"
                                "       number: 'spawn kid; tell 1', second: 'fail own',\n"
                                "       kid: 'number=fail no', ended: 'status -2' } }\n");

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 1);
    kit_wait_lines(kit, "a: init", 2);
    kit_number(kit, "a", "second", 1);
    kit_wait_lines(kit, "a: init", 3);
    struct snapshot *first = snapshot_of(kit, "a", 1);
    struct snapshot *second = snapshot_of(kit, "a", 2);

    assert_true(first->is_propagated);
    assert_string_equal(first->facts.failure.root_id, "p/kid[1]");
    assert_false(second->is_propagated);
    snapshot_unref(first);
    snapshot_unref(second);
    kit_stop(kit);
}

static void test_s2_looking_changes_nothing(void **state) {
    struct kit *kit = kit_start(*state, TWO);
    struct inst *a = kit_actor(kit, "a");
    char text[160];
    struct troupe_value value;

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 9);
    kit_wait_lines(kit, "a: init", 2);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 1");
    kit_settle(kit);
    struct proc_totals before = kit_totals(kit);
    uint64_t processed = inst_processed(a);

    for (unsigned i = 0; i < 10; i++) {
        struct snapshot *snapshot = snapshot_of(kit, "a", 1);
        mem_free(json_of(snapshot));
        snapshot_unref(snapshot);
        inst_name(a, text, sizeof text);
        (void)inst_attribute(a, "none", &value, text, sizeof text);
        (void)proc_resolve(kit_proc(kit), "a");
        (void)snapshot_store_counts(proc_snapshots(kit_proc(kit)));
        (void)quarantine_counts(proc_quarantine(kit_proc(kit)));
    }
    kit_settle(kit);

    struct proc_totals after = kit_totals(kit);
    assert_int_equal(inst_processed(a), processed);
    assert_int_equal(after.handled, before.handled);
    assert_int_equal(after.queued_high_water, before.queued_high_water);
    assert_int_equal(after.live_messages, before.live_messages);
    kit_stop(kit);
}

static void test_s5_snapshot_keeps_neither_actor_nor_plugin(void **state) {
    struct kit *kit = kit_start(*state, TWO);

    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_settle(kit); /* all have begun: one that closes is not missed */
    kit_number(kit, "b", "number", 1);
    kit_wait_closed(kit, "b");
    kit_settle(kit);
    struct snapshot *snapshot = snapshot_of(kit, "b", 1);
    assert_int_equal(proc_resolve(kit_proc(kit), "b"), 0);
    kit_stop(kit);

    char *json = json_of(snapshot); /* the proc is gone, and its plugin is closed */
    assert_non_null(strstr(json, "kit.Player"));
    assert_non_null(strstr(json, "number: for good"));
    mem_free(json);
    snapshot_unref(snapshot);
}

static void test_s6_each_life_of_a_slot_has_its_own_snapshot(void **state) {
    struct kit *kit = kit_start(*state, TWO);

    for (unsigned life = 1; life <= 3; life++) {
        kit_wait_lines(kit, "a: init", life);
        for (unsigned i = 0; i < life - 1; i++) {
            kit_number(kit, "a", "number", 1);
        }
        kit_number(kit, "a", "number", 9);
    }
    kit_wait_lines(kit, "a: init", 4);

    for (uint32_t life = 1; life <= 3; life++) {
        struct snapshot *snapshot = snapshot_of(kit, "a", life);
        assert_int_equal(snapshot->facts.incarnation, life);
        assert_int_equal(snapshot->facts.messages_processed, life);
        assert_int_equal(snapshot->facts.restart_count, life - 1);
        snapshot_unref(snapshot);
    }
    kit_stop(kit);
}

/* Of a slot with many failures the first and the last ones stay. */
static void test_s6_snapshots_of_a_running_proc_are_bounded(void **state) {
    struct kit *kit = kit_start(*state, "snapshots: { keep: 6 }\n" TWO);
    uint64_t uid = inst_uid(kit_actor(kit, "a"));
    struct snapshot *snapshot = NULL;

    for (unsigned life = 1; life <= 12; life++) {
        kit_wait_lines(kit, "a: init", life);
        kit_number(kit, "a", "number", 9);
    }
    kit_wait_lines(kit, "a: init", 13);
    kit_settle(kit);

    struct snapshot_counts counts = snapshot_store_counts(proc_snapshots(kit_proc(kit)));
    assert_int_equal(counts.clean + counts.failed, 6);
    assert_int_equal(counts.evicted, 6);
    assert_int_equal(find(kit, uid, 1, &snapshot), 1);
    snapshot_unref(snapshot);
    assert_int_equal(find(kit, uid, 12, &snapshot), 1);
    snapshot_unref(snapshot);
    assert_int_equal(find(kit, uid, 3, &snapshot), 2); /* a tombstone */
    kit_stop(kit);
}

static void test_fr1_lines_of_a_discarded_turn_are_in_the_ring_of_their_actor(void **state) {
    struct kit *kit = kit_start(*state, TWO);

    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_settle(kit); /* all have begun: one that closes is not missed */
    kit_number(kit, "b", "number", 1);
    kit_wait_closed(kit, "b");
    kit_settle(kit);
    struct snapshot *snapshot = snapshot_of(kit, "b", 1);

    bool found = false;
    for (size_t i = 0; i < snapshot->facts.record_count; i++) {
        const struct snapshot_record *record = &snapshot->facts.records[i];
        if (record->kind == FLIGHT_LOG && record->size == 2 && !memcmp(record->text, "hm", 2)) {
            assert_true(record->discarded);
            found = true;
        }
    }
    assert_true(found);
    snapshot_unref(snapshot);
    kit_stop(kit);
}

/* FR-2: neither of whoever sent the message, nor of the parent whose turn made the child. */
static void test_fr2_lines_are_in_nobody_elses_ring(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { init: 'note init',\n"
                      "       number: 'log of a; spawn kid; tell 1; out 1', second: 'fail a', kid: "
                      "'number=log of kid,note here' } }\n"
                      "  b: { type: kit.Player, config: { init: 'note init', number: 'log of b; "
                      "fail b' } }\n"
                      "wires: [a.out -> b.number]\n");

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 1);
    kit_wait_lines(kit, "b: init", 2);
    kit_wait(kit, "kid[1]: here");
    kit_number(kit, "a", "second", 1);
    kit_wait_lines(kit, "a: init", 2);
    struct snapshot *a = snapshot_of(kit, "a", 1);
    struct snapshot *b = snapshot_of(kit, "b", 1);

    char *json = json_of(a);
    assert_non_null(strstr(json, "of a"));
    assert_null(strstr(json, "of b"));
    assert_null(strstr(json, "of kid"));
    mem_free(json);
    json = json_of(b);
    assert_non_null(strstr(json, "of b"));
    assert_null(strstr(json, "of a"));
    mem_free(json);
    snapshot_unref(a);
    snapshot_unref(b);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_fi1_who_sees_the_status_finds_the_facts),
    KIT_TEST(KIT_BOTH, test_sv3_facts_are_stored_before_the_parent_hears_of_the_end),
    KIT_TEST(KIT_BOTH, test_fi2_each_end_has_one_event),
    KIT_TEST(KIT_BOTH, test_fi3_failure_is_told_of_the_lives_that_failed_only),
    KIT_TEST(KIT_BOTH, test_fi4_failure_of_a_parent_by_its_child_is_propagated),
    KIT_TEST(KIT_BOTH, test_fi5_clean_stop_is_told_with_its_reason),
    KIT_TEST(KIT_BOTH, test_s2_looking_changes_nothing),
    KIT_TEST(KIT_BOTH, test_s5_snapshot_keeps_neither_actor_nor_plugin),
    KIT_TEST(KIT_BOTH, test_s6_each_life_of_a_slot_has_its_own_snapshot),
    KIT_TEST(KIT_BOTH, test_s6_snapshots_of_a_running_proc_are_bounded),
    KIT_TEST(KIT_BOTH, test_fr1_lines_of_a_discarded_turn_are_in_the_ring_of_their_actor),
    KIT_TEST(KIT_BOTH, test_fr2_lines_are_in_nobody_elses_ring),
};

int main(void) {
    return KIT_RUN(tests);
}
