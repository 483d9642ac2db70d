/* Messages that kill: retried as often as allowed, then kept in quarantine (FC-4). */
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "lib/app/kit_stuck.h"
#include "record/quarantine.h"
#include "record/snapshot_store.h"

#define QUICK                                                                                      \
    "supervision: { intensity: 20, period: 10s, backoff: { initial: 10ms, factor: 1, jitter: 0 } " \
    "}\n"
/* One actor, which says what it gets. */
#define ONE(number, more)                                                                          \
    QUICK "actors:\n"                                                                              \
          "  a: { type: kit.Player, config: { init: 'note init', number: '" number "' }, " more    \
          " }\n"
/* `a` sends to `b`. */
#define TWO(a_config, b_config, b_more)                                                            \
    QUICK "actors:\n"                                                                              \
          "  a: { type: kit.Player, config: { " a_config " } }\n"                                  \
          "  b: { type: kit.Player, config: { " b_config " }, " b_more " }\n"                      \
          "wires: [a.out -> b.number, a.other -> b.second, a.ask -> b.asked]\n"

static struct quarantine_counts counts(struct kit *kit) {
    return quarantine_counts(proc_quarantine(kit_proc(kit)));
}

static char *quarantined(struct kit *kit) {
    struct str json;
    struct proc *proc = kit_proc(kit);
    struct pool *pool = pools_shared(proc->pools);
    str_init(&json);
    quarantine_list_json(proc_quarantine(proc), pool, proc_types(proc), &json);
    return str_take(&json);
}

static void test_fc4_message_is_never_retried_by_default(void **state) {
    struct kit *kit = kit_start(*state, ONE("note $; at 9; fail nine", ""));

    kit_number(kit, "a", "number", 9);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 1");

    assert_int_equal(kit_totals(kit).retried, 0);
    assert_int_equal(kit_totals(kit).quarantined, 1);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\n9\ninit\n1\n");
}

static void test_fc4_message_is_retried_first_of_all_and_then_quarantined(void **state) {
    struct kit *kit = kit_start(*state, ONE("note $; at 9; fail nine", "quarantine_after: 3"));

    kit_number(kit, "a", "number", 9);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 1");

    assert_int_equal(kit_totals(kit).retried, 2);
    assert_int_equal(kit_totals(kit).quarantined, 1);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\n9\ninit\n9\ninit\n9\ninit\n1\n");
}

static void test_fc4_message_that_was_handled_at_last_is_not_quarantined(void **state) {
    struct kit *kit = kit_start(*state, ONE("note $; once here", "quarantine_after: 2"));

    kit_number(kit, "a", "number", 5);
    kit_wait_lines(kit, "a: 5", 2);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).retried, 1);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\n5\ninit\n5\n");
}

/* The second message lies where the first one lay. */
static void test_fc4_deaths_on_one_message_do_not_count_for_another(void **state) {
    struct kit *kit = kit_start(
        *state, TWO("number: 'out $', second: 'other $'",
                    "number: 'once first; note first', second: 'once second; note second'",
                    "quarantine_after: 2"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "b: first");
    kit_settle(kit);
    kit_number(kit, "a", "second", 2);
    kit_wait(kit, "b: second");

    assert_int_equal(kit_totals(kit).quarantined, 0);
    assert_int_equal(kit_totals(kit).retried, 2);
    kit_stop(kit);
}

static void test_fc4_message_after_an_early_commit_is_never_retried(void **state) {
    struct kit *kit =
        kit_start(*state, TWO("returned: 'note back %', number: 'out $'",
                              "number: 'note $; commit; once late'", "quarantine_after: 3"));

    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "number", 2);
    kit_wait(kit, "b: 2");

    assert_int_equal(kit_totals(kit).retried, 0);
    assert_int_equal(kit_totals(kit).quarantined, 1);
    kit_stop(kit);
    kit_assert_trace(*state, "b", "1\ncommitted: ok\n2\ncommitted: ok\n");
}

/* MB-1: a drop_oldest port keeps its messages elsewhere than the one that was given back. */
static void test_fc4_retried_message_of_a_ring_comes_before_the_others(void **state) {
    struct kit *kit =
        kit_start(*state, TWO("number: 'out 8 4'", "number: 'note $; at 9; once nine'",
                              "quarantine_after: 2, mailbox: { overflow: drop_oldest }"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "b: 11");

    kit_stop(kit);
    kit_assert_trace(*state, "b", "8\n9\n9\n10\n11\n");
}

static void test_fc4_request_in_quarantine_ends_its_call_as_an_error(void **state) {
    struct kit *kit =
        kit_start(*state, TWO("number: 'ask $ 60000', reply: 'note $ %'",
                              "asked: 'note asked $; fail no'", "quarantine_after: 2"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 0 the callee died on the request, which is in quarantine");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).retried, 1);
    assert_int_equal(kit_totals(kit).late_replies, 0);
    kit_stop(kit);
    kit_assert_trace(*state, "b", "asked 1\nasked 1\n");
}

/* MB-6: the answer of the life that died was never given; the next one gives it. */
static void test_fc4_retried_request_is_answered_once(void **state) {
    struct kit *kit = kit_start(*state, TWO("number: 'ask $ 60000', reply: 'note $ %'",
                                            "asked: 'reply 7; once dies'", "quarantine_after: 2"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 7 ok");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).late_replies, 0);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "7 ok\n");
}

static void test_fc4_message_to_be_retried_comes_back_when_there_is_no_next_life(void **state) {
    struct kit *kit = kit_start(*state, TWO("number: 'out $', returned: 'note back $ %'",
                                            "init: 'note init', number: 'fail no'",
                                            "quarantine_after: 3, restart: temporary"));

    kit_wait(kit, "b: init");
    kit_settle(kit);
    kit_number(kit, "a", "number", 4);
    kit_wait(kit, "a: back 4 actor is gone");

    assert_int_equal(counts(kit).total, 0);
    kit_stop(kit);
}

static void test_fc4_quarantined_message_is_whole_and_readable(void **state) {
    struct kit *kit =
        kit_start(*state, TWO("number: 'out $'", "number: 'note $; fail cannot do it'", ""));

    kit_number(kit, "a", "number", 1234567);
    kit_wait(kit, "b: 1234567");
    kit_settle(kit);
    char *json = quarantined(kit);

    assert_non_null(strstr(json, "\"type\": \"kit.number/1\""));
    assert_non_null(strstr(json, "1234567"));
    assert_non_null(strstr(json, "\"actor\": \"p/b[0]\""));
    assert_non_null(strstr(json, "\"sender\": \"p/a[0]\""));
    assert_non_null(strstr(json, "\"port\": \"number\""));
    assert_non_null(strstr(json, "\"deaths\": 1"));
    mem_free(json);
    kit_stop(kit);
}

static struct snapshot *find_snapshot(struct kit *kit, const char *path, uint32_t incarnation) {
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    uint64_t uid = inst_uid(kit_actor(kit, path));
    assert_int_equal(
        snapshot_store_find(proc_snapshots(kit_proc(kit)), uid, incarnation, &brief, &snapshot), 1);
    assert_non_null(snapshot);
    return snapshot;
}

static void test_fc4_quarantine_is_bounded_and_the_snapshot_keeps_what_fell_out(void **state) {
    struct kit *kit = kit_start(
        *state, "quarantine: { keep: 2 }\n" ONE("note $; fail $", "mailbox: { capacity: 8 }"));

    for (uint64_t number = 1001; number <= 1003; number++) {
        kit_number(kit, "a", "number", number);
    }
    kit_wait(kit, "a: 1003");
    kit_wait_lines(kit, "a: init", 4);
    kit_settle(kit);

    assert_int_equal(counts(kit).total, 3);
    assert_int_equal(counts(kit).kept, 2);
    assert_int_equal(counts(kit).fallen, 1);
    char *json = quarantined(kit);
    assert_null(strstr(json, "1001"));
    assert_non_null(strstr(json, "1002"));
    mem_free(json);
    struct snapshot *snapshot = find_snapshot(kit, "a", 1);
    assert_non_null(strstr(snapshot->facts.failure.in_hand.json, "1001"));
    assert_int_equal(snapshot->facts.failure.in_hand.quarantine, 1);
    snapshot_unref(snapshot);
    kit_stop(kit);
}

/* A child has one life: it is never retried, and is kept all the same. */
static void test_fc4_child_leaves_what_it_died_on_in_quarantine(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, quarantine_after: 3,\n"
                      "       config: { number: 'spawn kid; tell 77', kid: 'number=fail no',\n"
                      "                 ended: 'note %' } }\n");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: number: no");

    assert_int_equal(counts(kit).total, 1);
    assert_int_equal(kit_totals(kit).retried, 0);
    kit_stop(kit);
}

/* Only what came in on a handler port is retried or kept: of a tick nothing is left to keep. */
static void test_fc4_tick_is_not_quarantined(void **state) {
    struct kit *kit =
        kit_start(*state, QUICK "actors:\n"
                                "  a: { type: kit.Player, config: { init: 'note init; tick 1 0',\n"
                                "       tick: 'once tick' } }\n");

    kit_wait_lines(kit, "a: init", 2);
    kit_settle(kit);

    assert_int_equal(counts(kit).total, 0);
    kit_stop(kit);
}

/* The second life gets a copy, which is another block of memory each time. */
static void test_fc4_message_that_it_is_stuck_in_each_time_is_quarantined(void **state) {
    struct kit *kit = kit_start(*state, "defaults: { stuck_after: 400ms, on_stuck: restart }\n" ONE(
                                            "note $; at 9; gate g", "quarantine_after: 2"));
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 9);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: 1");

    assert_int_equal(kit_totals(kit).quarantined, 1);
    assert_int_equal(kit_count(*state, "a: 9"), 2);
    kit_open_until_times(*state, "g", "the abandoned turn of 'number' has come back", 2);
    kit_stop(kit);
}

/* MB-4: nobody took it. */
static void test_mb4_undeliverable_that_its_handler_failed_of_is_a_dead_letter(void **state) {
    struct kit *kit = kit_start(
        *state, TWO("number: 'out $', returned: 'note back; fail back'", "init: 'stop'", ""));

    kit_wait_closed(kit, "b");
    kit_number(kit, "a", "number", 5);
    kit_wait(kit, "a: back");
    kit_settle(kit);

    assert_int_equal(kit_dead_for(kit, TROUPE_GONE), 1);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_fc4_message_is_never_retried_by_default),
    KIT_TEST(KIT_BOTH, test_fc4_message_is_retried_first_of_all_and_then_quarantined),
    KIT_TEST(KIT_BOTH, test_fc4_message_that_was_handled_at_last_is_not_quarantined),
    KIT_TEST(KIT_BOTH, test_fc4_deaths_on_one_message_do_not_count_for_another),
    KIT_TEST(KIT_BOTH, test_fc4_message_after_an_early_commit_is_never_retried),
    KIT_TEST(KIT_BOTH, test_fc4_retried_message_of_a_ring_comes_before_the_others),
    KIT_TEST(KIT_BOTH, test_fc4_request_in_quarantine_ends_its_call_as_an_error),
    KIT_TEST(KIT_BOTH, test_fc4_retried_request_is_answered_once),
    KIT_TEST(KIT_BOTH, test_fc4_message_to_be_retried_comes_back_when_there_is_no_next_life),
    KIT_TEST(KIT_SEEDED, test_fc4_quarantined_message_is_whole_and_readable),
    KIT_TEST(KIT_BOTH, test_fc4_quarantine_is_bounded_and_the_snapshot_keeps_what_fell_out),
    KIT_TEST(KIT_BOTH, test_fc4_child_leaves_what_it_died_on_in_quarantine),
    KIT_TEST(KIT_BOTH, test_fc4_tick_is_not_quarantined),
    KIT_TEST(KIT_THREADS, test_fc4_message_that_it_is_stuck_in_each_time_is_quarantined),
    KIT_TEST(KIT_BOTH, test_mb4_undeliverable_that_its_handler_failed_of_is_a_dead_letter),
};

int main(void) {
    return KIT_RUN(tests);
}
