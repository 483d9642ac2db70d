/* Draining: every actor ends when its inputs have, in wire order (DR). */
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"
#include "lib/wait.h"

static void test_dr1_finite_pipeline_drains_in_wire_order(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  c: { type: kit.Player, config: { number: 'note $', cleanup: 'note end' } }\n"
                "  b: { type: kit.Player, config: { number: 'out $', cleanup: 'out 8' } }\n"
                "  a: { type: kit.Player, config: { init: 'out 1 3; stop', cleanup: 'out 7' } }\n"
                "wires: [a.out -> b.number, b.out -> c.number]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "c", "1\n2\n3\n7\n8\nend\n");
    kit_assert_logged(*state, "p/b[0]: ended: inputs ended\n");
    kit_assert_logged(*state, "p/c[0]: ended: inputs ended\n");
}

static void test_dr1_actor_that_is_to_stay_stays(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'out 1; stop' } }\n"
                "  b: { type: kit.Player, config: { number: 'note $', cleanup: 'note end' },\n"
                "       when_inputs_end: stay }\n"
                "wires: [a.out -> b.number]\n");

    kit_wait(kit, "b: 1");
    kit_settle(kit);
    kit_number(kit, "b", "number", 2);
    kit_wait(kit, "b: 2");
    kit_stop(kit);

    kit_assert_trace(*state, "b", "1\n2\nend\n");
}

static void test_dr1_cycle_ends_as_a_whole(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'out 40; stop' } }\n"
                "  b: { type: kit.Player, config: { number: 'down' } }\n"
                "  c: { type: kit.Player, config: { number: 'note $; down' } }\n"
                "  d: { type: kit.Player, config: { number: 'note $', cleanup: 'note end' } }\n"
                "wires: [a.out -> b.number, b.out -> c.number, c.out -> b.number,\n"
                "        c.out -> d.number]\n");

    kit_end(kit, NULL);

    assert_int_equal(kit_count(*state, "c: 39"), 1);
    assert_int_equal(kit_count(*state, "c: 1"), 1);
    char *trace = kit_trace_of(*state, "d");
    assert_memory_equal(trace, "38\n36\n", 6);
    assert_string_equal(trace + strlen(trace) - 4, "end\n");
    free(trace);
}

static void test_dr1_pending_call_is_waited_for(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'out 1; stop' } }\n"
        "  b: { type: kit.Player, config: { number: 'ask 5 60000', reply: 'note reply $',\n"
        "       cleanup: 'note end' } }\n"
        "  c: { type: kit.Player, config: { asked: 'later; tick 50 0', tick: 'answer 6' } }\n"
        "wires: [a.out -> b.number, b.ask -> c.asked]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "b", "reply 6\nend\n");
}

static void test_dr2_host_stop_is_a_clean_end_and_no_second_life_follows(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'note init', cleanup: 'note end' } }\n"
                "  b: { type: kit.Player, config: { init: 'note init', cleanup: 'note end' } }\n"
                "wires: [a.out -> b.number]\n");
    struct supervisor_result result;

    kit_wait(kit, "a: init");
    kit_wait(kit, "b: init");
    kit_stop_for(kit, &result);

    assert_false(result.failed);
    assert_false(result.aborted);
    assert_string_equal(result.unfinished, "");
    kit_assert_trace(*state, "a", "init\nend\n");
    kit_assert_trace(*state, "b", "init\nend\n");
}

static void test_dr3_stop_in_mid_stream_loses_nothing_that_was_sent(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'tick 0 1', tick: 'out 1; note one' } }\n"
                "  b: { type: kit.Player, config: { number: 'out 1' }, mailbox: { capacity: 2 } }\n"
                "  c: { type: kit.Player, config: { number: 'note one' },\n"
                "       mailbox: { capacity: 2 } }\n"
                "wires: [a.out -> b.number, b.out -> c.number]\n");

    kit_wait_lines(kit, "a: one", 20);
    kit_stop(kit);

    assert_true(kit_count(*state, "a: one") >= 20);
    assert_int_equal(kit_count(*state, "c: one"), kit_count(*state, "a: one"));
}

static void test_dr3_timers_and_watches_of_sources_are_cancelled(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'tick 5 3600000; watch',\n"
                          "       tick: 'note tick', ready: 'note ready',\n"
                          "       cleanup: 'poke; tick 0 1; note end' } }\n");

    kit_wait(kit, "a: tick");
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "a: tick"), 1);
    assert_int_equal(kit_count(*state, "a: end"), 1);
    assert_int_equal(kit_count(*state, "a: ready"), 0);
}

static bool is_stopping(void *context) {
    return inst_status(context) == INST_STOPPING;
}

static void test_dr3_group_stays_stopping_until_its_last_member_ended(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  g:\n"
                "    actors:\n"
                "      x: { type: kit.Player, config: { cleanup: 'note end' } }\n"
                "      y: { type: kit.Player, config: { cleanup: 'note in; gate g' } }\n");
    kit_gate_make(*state, "g");

    kit_settle(kit);
    deploy_stop(kit_deploy(kit));
    test_wait_until(is_stopping, kit_actor(kit, "g"));
    kit_wait_closed(kit, "g/x");
    kit_wait(kit, "g/y[2]: in");
    enum inst_status status = inst_status(kit_actor(kit, "g"));
    kit_gate_open(*state, "g");
    kit_end(kit, NULL);

    assert_int_equal(status, INST_STOPPING);
}

static void test_dr3_what_did_not_end_in_time_is_aborted_and_named(void **state) {
    struct kit *kit = kit_start(
        *state,
        "stop: { timeout: 2s }\n"
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'ask 5 3000000', cleanup: 'note end' } }\n"
        "  b: { type: kit.Player, config: { asked: 'later; note asked' } }\n"
        "  c: { type: kit.Player, config: { cleanup: 'note end' } }\n"
        "wires: [a.ask -> b.asked]\n");
    struct supervisor_result result;

    kit_wait(kit, "b: asked");
    kit_stop_for(kit, &result);

    assert_true(result.aborted);
    assert_false(result.failed);
    assert_non_null(strstr(result.unfinished, "p/a[0]"));
    assert_null(strstr(result.unfinished, "p/c[0]"));
    kit_assert_trace(*state, "a", "");
    kit_assert_trace(*state, "c", "end\n");
    kit_assert_logged(*state, "stop.timeout has passed: what is left is aborted\n");
}

static void test_dr3_what_an_abort_leaves_is_counted_as_dead_letters(void **state) {
    struct kit *kit = kit_start(
        *state, "actors: { a: { type: kit.Player, config: { number: 'note $; gate g' } } }\n");
    struct supervisor_result result;
    kit_gate_make(*state, "g");

    for (uint64_t i = 1; i <= 3; i++) {
        kit_number(kit, "a", "number", i);
    }
    kit_wait(kit, "a: 1");
    supervisor_abort(deploy_supervisor(kit_deploy(kit)));
    kit_gate_open(*state, "g");
    kit_end(kit, &result);

    assert_true(result.aborted);
    assert_int_equal(result.left, 2);
    assert_string_equal(result.unfinished, "p/a[0]");
    kit_assert_trace(*state, "a", "1\n");
}

static void test_dr4_what_cleanup_sends_arrives_before_the_receiver_ends(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { cleanup: 'out 1 100' } }\n"
                "  b: { type: kit.Player, config: { number: 'note $', cleanup: 'out #' },\n"
                "       mailbox: { capacity: 3 } }\n"
                "  c: { type: kit.Player, config: { number: 'note $', cleanup: 'note end' } }\n"
                "wires: [a.out -> b.number, b.out -> c.number]\n");

    kit_settle(kit);
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "b: 100"), 1);
    kit_assert_trace(*state, "c", "100\nend\n");
}

static void test_dr4_init_is_a_turn_that_may_send_and_stop(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'out 1; stop', cleanup: 'out 2' } }\n"
                "  b: { type: kit.Player, config: { number: 'note $' } }\n"
                "wires: [a.out -> b.number]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "b", "1\n2\n");
}

static const struct kit_test dr[] = {
    KIT_TEST(KIT_BOTH, test_dr1_finite_pipeline_drains_in_wire_order),
    KIT_TEST(KIT_BOTH, test_dr1_actor_that_is_to_stay_stays),
    KIT_TEST(KIT_BOTH, test_dr1_cycle_ends_as_a_whole),
    KIT_TEST(KIT_BOTH, test_dr1_pending_call_is_waited_for),
    KIT_TEST(KIT_BOTH, test_dr2_host_stop_is_a_clean_end_and_no_second_life_follows),
    KIT_TEST(KIT_BOTH, test_dr3_stop_in_mid_stream_loses_nothing_that_was_sent),
    KIT_TEST(KIT_THREADS, test_dr3_timers_and_watches_of_sources_are_cancelled),
    KIT_TEST(KIT_THREADS, test_dr3_group_stays_stopping_until_its_last_member_ended),
    KIT_TEST(KIT_BOTH, test_dr3_what_did_not_end_in_time_is_aborted_and_named),
    KIT_TEST(KIT_THREADS, test_dr3_what_an_abort_leaves_is_counted_as_dead_letters),
    KIT_TEST(KIT_BOTH, test_dr4_what_cleanup_sends_arrives_before_the_receiver_ends),
    KIT_TEST(KIT_BOTH, test_dr4_init_is_a_turn_that_may_send_and_stop),
};

int main(void) {
    return KIT_RUN(dr);
}
