/* Restarts: what a slot keeps, who starts again with whom, and when the deployment gives up (SV, AI-4). */
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"

#define POLICY(text) "supervision: { " text " }\n"
#define QUICK POLICY("intensity: 5, period: 10s, backoff: { initial: 100ms, jitter: 0 }")
/* Says what it got and how many since it began; fails at 9. */
#define FRAIL                                                                                      \
    "init: 'note init', number: 'note got $ #; at 9; fail nine', cleanup: 'note end', "            \
    "second: 'stop'"

static void test_ai4_restart_keeps_uid_and_mailbox_and_begins_afresh(void **state) {
    struct kit *kit =
        kit_start(*state, QUICK "actors:\n  a: { type: kit.Player, config: { " FRAIL " } }\n");
    uint64_t uid = inst_uid(kit_actor(kit, "a"));

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "number", 9);
    kit_number(kit, "a", "number", 2);
    kit_number(kit, "a", "number", 3);
    kit_wait(kit, "a: got 3 2");

    assert_int_equal(inst_uid(kit_actor(kit, "a")), uid);
    assert_int_equal(inst_incarnation(kit_actor(kit, "a")), 2);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\ngot 1 1\ngot 9 2\nend\ninit\ngot 2 1\ngot 3 2\nend\n");
    kit_assert_logged(*state, "actor 'p/a[0]' failed: number: nine; restart 1 of 5 in 10s, in "
                              "100ms\n");
}

static void test_ai4_wires_stay_over_a_restart_on_both_ends(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { number: 'out $; at 9; fail nine' } }\n"
                      "  b: { type: kit.Player, config: { number: 'out $; at 8; fail eight' } }\n"
                      "  c: { type: kit.Player, config: { number: 'note $; at 7; fail seven' } }\n"
                      "wires: [a.out -> b.number, b.out -> c.number]\n");

    for (uint64_t number = 5; number <= 9; number++) {
        kit_number(kit, "a", "number", number);
    }
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "c: 1");
    kit_stop(kit);

    kit_assert_trace(*state, "c", "5\n6\n7\n1\n");
}

static void test_ai4_senders_wait_while_the_receiver_is_in_backoff(void **state) {
    struct kit *kit =
        kit_start(*state, QUICK
                  "actors:\n"
                  "  a: { type: kit.Player, config: { number: 'out 9; out 10 20; note sent' } }\n"
                  "  b: { type: kit.Player, config: { number: 'note $; at 9; fail nine' },\n"
                  "       mailbox: { capacity: 4 } }\n"
                  "wires: [a.out -> b.number]\n");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "b: 29");

    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
    char *trace = kit_trace_of(*state, "b");
    assert_string_equal(trace, "9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n22\n23\n24\n25\n"
                               "26\n27\n28\n29\n");
    free(trace);
}

static void test_ai4_own_calls_and_timers_of_the_last_life_mean_nothing_to_the_next(void **state) {
    struct kit *kit = kit_start(
        *state,
        QUICK "actors:\n"
              "  a: { type: kit.Player, config: { number: 'ask 5 60000; tick 50 0', reply: 'note "
              "reply $',\n"
              "       second: 'fail now', tick: 'note tick' } }\n"
              "  b: { type: kit.Player, config: { asked: 'later; note asked', number: 'answer 6' } "
              "}\n"
              "wires: [a.ask -> b.asked]\n");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "b: asked");
    kit_number(kit, "a", "second", 1);
    kit_pass(kit, 200);
    kit_number(kit, "b", "number", 1);
    kit_pass(kit, 1000);

    assert_int_equal(kit_totals(kit).late_replies, 1);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "");
}

static void test_sv5_backoff_delays_each_restart(void **state) {
    struct kit *kit = kit_start(
        *state, POLICY("intensity: 9, backoff: { initial: 100ms, factor: 2, jitter: 0 "
                       "}") "actors:\n  a: { type: kit.Player, config: { " FRAIL " } }\n");

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 9);
    kit_number(kit, "a", "number", 9);
    kit_pass(kit, 99);
    assert_int_equal(kit_count(*state, "a: init"), 1);
    assert_string_equal(inst_status_text(inst_status(kit_actor(kit, "a"))), "failed");
    kit_pass(kit, 1);
    assert_int_equal(kit_count(*state, "a: init"), 2);
    kit_pass(kit, 199);
    assert_int_equal(kit_count(*state, "a: init"), 2);
    kit_pass(kit, 1);
    assert_int_equal(kit_count(*state, "a: init"), 3);

    kit_stop(kit);
}

static void test_sv5_permanent_starts_again_after_a_clean_end_transient_does_not(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, restart: permanent, config: { " FRAIL " } }\n"
                      "  b: { type: kit.Player, restart: transient, config: { " FRAIL " } }\n");

    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_number(kit, "a", "second", 1);
    kit_number(kit, "b", "second", 1);
    kit_wait_lines(kit, "a: init", 2);
    kit_wait_closed(kit, "b");

    assert_int_equal(proc_resolve(kit_proc(kit), "b"), 0);
    assert_true(proc_resolve(kit_proc(kit), "a") != 0);
    kit_stop(kit);
    kit_assert_trace(*state, "b", "init\nend\n");
    kit_assert_trace(*state, "a", "init\nend\ninit\nend\n");
}

static void test_sv5_temporary_closes_and_the_others_go_on(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { init: 'note init', number: 'out $',\n"
                      "       returned: 'note back %' } }\n"
                      "  b: { type: kit.Player, restart: temporary, config: { " FRAIL " } }\n"
                      "wires: [a.out -> b.number]\n");

    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_settle(kit);
    kit_number(kit, "a", "number", 9);
    kit_wait_closed(kit, "b");
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: back actor is gone");

    kit_stop(kit);
    kit_assert_logged(*state, "actor 'p/b[0]' failed: number: nine; over: it is temporary\n");
}

static void test_sv5_failing_before_all_were_ready_ends_the_deployment_when_given_up(void **state) {
    struct kit *kit = kit_create(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { init: 'note init' } }\n"
                      "  b: { type: kit.Player, restart: temporary, config: { init: 'fail no' } }\n"
                      "  c: { type: kit.Player, after: [b], config: { init: 'note init' } }\n");
    struct supervisor_result result;

    kit_go(kit);
    kit_end(kit, &result);

    assert_true(result.failed);
    assert_false(result.all_started);
    assert_string_equal(result.cause, "actor 'p/b[0]' failed: init: no");
    assert_int_equal(kit_count(*state, "c: init"), 0);
}

#define ROW(strategy)                                                                              \
    POLICY("strategy: " strategy ", intensity: 3, period: 10s, backoff: { initial: 10ms }")        \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { " FRAIL " } }\n"                                           \
    "  b: { type: kit.Player, config: { " FRAIL " } }\n"                                           \
    "  c: { type: kit.Player, config: { " FRAIL " } }\n"

static void test_sv5_one_for_all_starts_all_again_and_their_messages_stay(void **state) {
    struct kit *kit = kit_start(*state, ROW("one_for_all"));

    kit_wait(kit, "c: init");
    kit_settle(kit);
    kit_number(kit, "b", "number", 9);
    kit_number(kit, "b", "number", 1);
    kit_wait_lines(kit, "a: init", 2);
    kit_wait(kit, "b: got 1 1");
    kit_wait_lines(kit, "c: init", 2);

    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\nend\ninit\nend\n");
    kit_assert_trace(*state, "c", "init\nend\ninit\nend\n");
    kit_assert_logged(*state, "p/a[0]: stopped, to start again together with 'b'\n");
}

static void test_sv5_rest_for_one_starts_those_that_appear_later(void **state) {
    struct kit *kit = kit_start(*state, ROW("rest_for_one"));

    kit_wait(kit, "c: init");
    kit_settle(kit);
    kit_number(kit, "b", "number", 9);
    kit_wait_lines(kit, "b: init", 2);
    kit_wait_lines(kit, "c: init", 2);

    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\nend\n");
    kit_assert_trace(*state, "b", "init\ngot 9 1\nend\ninit\nend\n");
    kit_assert_trace(*state, "c", "init\nend\ninit\nend\n");
}

/* The one that fails waits for its siblings' ends, one of which waits for room in it. */
static void test_sv5_sibling_that_waits_for_room_ends_all_the_same(void **state) {
    struct kit *kit = kit_start(
        *state,
        POLICY("strategy: one_for_all, backoff: { initial: 10ms }") "actors:\n"
                                                                    "  a: { type: kit.Player, "
                                                                    "config: { init: 'note init', "
                                                                    "number: 'out 9; out 1 5' } }\n"
                                                                    "  m: { type: kit.Player, "
                                                                    "config: { number: 'out $' }, "
                                                                    "mailbox: { capacity: 1 } }\n"
                                                                    "  b: { type: kit.Player, "
                                                                    "config: { number: 'note $; at "
                                                                    "9; fail nine' },\n"
                                                                    "       mailbox: { capacity: 1 "
                                                                    "} }\n"
                                                                    "wires: [a.out -> m.number, "
                                                                    "m.out -> b.number]\n");

    kit_wait(kit, "a: init");
    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_wait_lines(kit, "a: init", 2);
    kit_wait(kit, "b: 5");

    kit_stop(kit);
    kit_assert_trace(*state, "b", "9\n1\n2\n3\n4\n5\n");
}

#define GROUPS                                                                                     \
    POLICY("intensity: 1, period: 1h, backoff: { initial: 10ms }")                                 \
    "actors:\n"                                                                                    \
    "  g:\n"                                                                                       \
    "    supervise: { intensity: 0 }\n"                                                            \
    "    actors:\n"                                                                                \
    "      x: { type: kit.Player, config: { " FRAIL " } }\n"                                       \
    "      y: { type: kit.Player, config: { " FRAIL " } }\n"                                       \
    "  z: { type: kit.Player, config: { " FRAIL " } }\n"

static void test_sv2_group_that_exceeds_its_intensity_fails_and_starts_again(void **state) {
    struct kit *kit = kit_start(*state, GROUPS);

    kit_wait(kit, "z: init");
    kit_settle(kit);
    kit_number(kit, "g/x", "number", 9);
    kit_number(kit, "g/x", "number", 2);
    kit_wait(kit, "g/x[1]: got 2 1");
    kit_wait_lines(kit, "g/y[2]: init", 2);

    kit_stop(kit);
    kit_assert_trace(*state, "z", "init\nend\n");
    kit_assert_logged(*state, "actor 'p/g[0]' failed: child 'p/g/x[1]' failed: number: nine (it "
                              "began with 'p/g/x[1]'); failed: 'g/x' ended, which is never "
                              "restarted\n");
}

static void test_sv1_sv2_deployment_fails_with_the_first_cause_when_all_give_up(void **state) {
    struct kit *kit = kit_start(*state, GROUPS);
    struct supervisor_result result;

    kit_wait(kit, "z: init");
    kit_settle(kit);
    kit_number(kit, "g/x", "number", 9);
    kit_wait_lines(kit, "g/x[1]: init", 2);
    kit_settle(kit);
    kit_number(kit, "g/x", "number", 9);
    kit_end(kit, &result);

    assert_true(result.failed);
    assert_false(result.aborted);
    assert_string_equal(result.cause,
                        "actor 'p/g[0]' failed: child 'p/g/x[1]' failed: number: nine (it began "
                        "with 'p/g/x[1]'); the deployment gives up: 'g' ended again after 1 "
                        "restart in 1h; it began with 'g/x'");
    kit_assert_trace(*state, "z", "init\nend\n");
}

static void test_sv9_restarted_parent_begins_without_children(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { init: 'note init', number: 'spawn kid; "
                      "order note here',\n"
                      "       second: 'fail two', kid: 'cleanup=note end' } }\n");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "kid[1]: here");
    kit_number(kit, "a", "second", 1);
    kit_wait_lines(kit, "a: init", 2);
    assert_int_equal(kit_count(*state, "kid[1]: end"), 1);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "kid[2]: here");

    kit_stop(kit);
}

/* b is told to end for its sibling's sake, but waits for room at s, which takes nothing. */
static void test_sv7_stop_past_its_timeout_is_an_abort(void **state) {
    struct kit *kit =
        kit_start(*state, QUICK
                  "actors:\n"
                  "  g:\n"
                  "    supervise: { strategy: one_for_all, backoff: { initial: 10ms } }\n"
                  "    actors:\n"
                  "      a: { type: kit.Player, config: { " FRAIL " } }\n"
                  "      b: { type: kit.Player, stop_timeout: 400ms, config: { init: 'note init',\n"
                  "           number: 'note sends; out 1 4' } }\n"
                  "  s: { type: kit.Player, thread: own, mailbox: { capacity: 1 },\n"
                  "       config: { number: 'at 1; gate g' } }\n"
                  "wires: [g/b.out -> s.number]\n");
    kit_gate_make(*state, "g");

    kit_wait(kit, "g/b[2]: init");
    kit_number(kit, "g/b", "number", 1);
    kit_wait(kit, "g/b[2]: sends");
    kit_number(kit, "g/a", "number", 9);
    kit_wait_lines(kit, "g/b[2]: init", 2);
    assert_true(kit_dead_for(kit, TROUPE_ABORTED) > 0);
    kit_gate_open(*state, "g");
    kit_stop(kit);
    kit_assert_logged(*state, "p/g/b[2]: did not stop within its stop_timeout: aborted\n");
}

static void test_dr2_stop_in_a_backoff_ends_at_once(void **state) {
    struct kit *kit = kit_start(
        *state,
        POLICY("backoff: { initial: 1h, max: 1h }") "actors:\n"
                                                    "  a: { type: kit.Player, config: { " FRAIL
                                                    " } }\n"
                                                    "  b: { type: kit.Player, config: { " FRAIL
                                                    " } }\n");

    kit_wait(kit, "a: init");
    kit_settle(kit);
    kit_number(kit, "a", "number", 9);
    kit_wait(kit, "a: end");
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "init\ngot 9 1\nend\n");
    kit_assert_trace(*state, "b", "init\nend\n");
}

static void test_dr3_messages_of_one_in_backoff_are_drained_by_a_last_life(void **state) {
    struct kit *kit = kit_start(
        *state,
        POLICY("backoff: { initial: 1h, max: 1h }") "actors:\n"
                                                    "  a: { type: kit.Player, config: { " FRAIL
                                                    " } }\n");

    kit_wait(kit, "a: init");
    kit_settle(kit);
    kit_number(kit, "a", "number", 9);
    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "number", 9);
    kit_number(kit, "a", "number", 2);
    kit_wait(kit, "a: end");
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "a",
                     "init\ngot 9 1\nend\ninit\ngot 1 1\ngot 9 2\nend\ninit\ngot 2 "
                     "1\nend\n");
}

static void test_dr1_one_that_fails_while_it_drains_drains_on_in_its_next_life(void **state) {
    struct kit *kit =
        kit_start(*state, QUICK "actors:\n"
                                "  a: { type: kit.Player, config: { init: 'out 8 4; stop' } }\n"
                                "  b: { type: kit.Player, config: { " FRAIL " } }\n"
                                "wires: [a.out -> b.number]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "b", "init\ngot 8 1\ngot 9 2\nend\ninit\ngot 10 1\ngot 11 2\nend\n");
}

static void test_dr3_abort_closes_one_in_backoff_and_counts_what_it_leaves(void **state) {
    struct kit *kit = kit_start(
        *state,
        POLICY("backoff: { initial: 1h, max: 1h }") "actors:\n"
                                                    "  a: { type: kit.Player, config: { " FRAIL
                                                    " } }\n");
    struct supervisor_result result;

    kit_wait(kit, "a: init");
    kit_settle(kit);
    kit_number(kit, "a", "number", 9);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: end");
    kit_settle(kit);
    kit_abort(kit, &result);

    assert_int_equal(result.left, 1);
}

static void test_sv5_actors_that_start_after_it_wait_for_its_next_life_in_a_batch(void **state) {
    struct kit *kit = kit_start(
        *state,
        POLICY("strategy: one_for_all, backoff: { initial: 10ms }") "actors:\n"
                                                                    "  a: { type: kit.Player, "
                                                                    "after: [b], config: { init: "
                                                                    "'note init' } }\n"
                                                                    "  b: { type: kit.Player, "
                                                                    "config: { init: 'note init', "
                                                                    "number: 'fail no' } }\n");

    kit_wait(kit, "a: init");
    kit_settle(kit);
    kit_number(kit, "b", "number", 1);
    kit_wait_lines(kit, "a: init", 2);
    kit_stop(kit);

    char *trace = kit_trace_of(*state, NULL);
    assert_string_equal(trace, "b: init\na: init\nb: init\na: init\n");
    free(trace);
}

static enum supervisor_verdict judge(void *context, const struct inst_end *end) {
    _Atomic unsigned *asked = context;
    (*asked)++;
    return strcmp(end->name, "p/a[0]") == 0   ? SUPERVISOR_LET_GO
           : strcmp(end->name, "p/b[0]") == 0 ? SUPERVISOR_RESTART
                                              : SUPERVISOR_GIVE_UP;
}

static void test_sv2_coordinator_is_set_once_and_judges_roots(void **state) {
    _Atomic unsigned asked = 0;
    struct supervisor_coordinator coordinator = {judge, &asked};
    struct supervisor_result result;
    struct kit *kit = kit_create(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { " FRAIL " } }\n"
                      "  b: { type: kit.Player, restart: temporary, config: { " FRAIL " } }\n"
                      "  c: { type: kit.Player, config: { " FRAIL " } }\n");
    assert_int_equal(supervisor_set_coordinator(deploy_supervisor(kit_deploy(kit)), &coordinator),
                     0);
    assert_int_equal(supervisor_set_coordinator(deploy_supervisor(kit_deploy(kit)), &coordinator),
                     -1);
    kit_go(kit);

    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_wait(kit, "c: init");
    kit_settle(kit);
    kit_number(kit, "a", "number", 9);
    kit_wait_closed(kit, "a");
    kit_number(kit, "b", "number", 9);
    kit_wait_lines(kit, "b: init", 2);
    kit_settle(kit);
    kit_number(kit, "c", "number", 9);
    kit_end(kit, &result);

    assert_true(result.failed);
    assert_int_equal(asked, 3);
    assert_string_equal(result.cause, "actor 'p/c[0]' failed: number: nine");
    kit_assert_trace(*state, "a", "init\ngot 9 1\nend\n");
    kit_assert_trace(*state, "b", "init\ngot 9 1\nend\ninit\nend\n");
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_sv2_coordinator_is_set_once_and_judges_roots),
    KIT_TEST(KIT_BOTH, test_ai4_restart_keeps_uid_and_mailbox_and_begins_afresh),
    KIT_TEST(KIT_BOTH, test_ai4_wires_stay_over_a_restart_on_both_ends),
    KIT_TEST(KIT_BOTH, test_ai4_senders_wait_while_the_receiver_is_in_backoff),
    KIT_TEST(KIT_SEEDED, test_ai4_own_calls_and_timers_of_the_last_life_mean_nothing_to_the_next),
    KIT_TEST(KIT_SEEDED, test_sv5_backoff_delays_each_restart),
    KIT_TEST(KIT_BOTH, test_sv5_permanent_starts_again_after_a_clean_end_transient_does_not),
    KIT_TEST(KIT_BOTH, test_sv5_temporary_closes_and_the_others_go_on),
    KIT_TEST(KIT_BOTH, test_sv5_failing_before_all_were_ready_ends_the_deployment_when_given_up),
    KIT_TEST(KIT_BOTH, test_sv5_one_for_all_starts_all_again_and_their_messages_stay),
    KIT_TEST(KIT_BOTH, test_sv5_rest_for_one_starts_those_that_appear_later),
    KIT_TEST(KIT_BOTH, test_sv5_sibling_that_waits_for_room_ends_all_the_same),
    KIT_TEST(KIT_BOTH, test_sv2_group_that_exceeds_its_intensity_fails_and_starts_again),
    KIT_TEST(KIT_BOTH, test_sv1_sv2_deployment_fails_with_the_first_cause_when_all_give_up),
    KIT_TEST(KIT_BOTH, test_sv9_restarted_parent_begins_without_children),
    KIT_TEST(KIT_THREADS, test_sv7_stop_past_its_timeout_is_an_abort),
    KIT_TEST(KIT_BOTH, test_dr2_stop_in_a_backoff_ends_at_once),
    KIT_TEST(KIT_SEEDED, test_dr3_messages_of_one_in_backoff_are_drained_by_a_last_life),
    KIT_TEST(KIT_BOTH, test_dr1_one_that_fails_while_it_drains_drains_on_in_its_next_life),
    KIT_TEST(KIT_SEEDED, test_dr3_abort_closes_one_in_backoff_and_counts_what_it_leaves),
    KIT_TEST(KIT_BOTH, test_sv5_actors_that_start_after_it_wait_for_its_next_life_in_a_batch),
};

int main(void) {
    return KIT_RUN(tests);
}
