/* Odd moments: what comes while an actor is being made, is paused, or ends already. */
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "actor/proc_impl.h"
#include "lib/app/kit.h"
#include "lib/threads.h"
#include "lib/wait.h"

static bool has_left(void *context) {
    return inst_status(kit_actor(context, "a")) >= INST_STOPPING;
}

/* `a` fills the mailbox of `b`, which waits at the gate with a thread of its own, and so is paused. */
#define FULL(a_config)                                                                             \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { " a_config ", cleanup: 'note end' } }\n"                   \
    "  b: { type: kit.Player, thread: own, mailbox: { capacity: 2 },\n"                            \
    "       config: { number: 'note $' } }\n"                                                      \
    "wires: [a.out -> b.number]\n"

static struct kit *given_paused(void **state, const char *manifest, const char *script) {
    kit_gate_make(*state, "g");
    struct kit *kit = kit_start(*state, manifest);
    kit_do(kit, "b", "note in; gate g; note out");
    kit_wait(kit, "b: in");
    kit_do(kit, "a", script);
    kit_wait_paused(kit);
    return kit;
}

static void test_st4_stop_during_init_lets_it_finish_and_cleans_up(void **state) {
    struct kit *kit = kit_create(
        *state, "actors: { a: { type: kit.Player, config: { init: 'note in; gate g; note out',\n"
                "  number: 'note $', cleanup: 'note end' } } }\n");
    kit_gate_make(*state, "g");

    kit_go(kit);
    kit_wait(kit, "a: in");
    deploy_stop(kit_deploy(kit));
    kit_gate_open(*state, "g");
    kit_end(kit, NULL);

    kit_assert_trace(*state, "a", "in\nout\nend\n");
}

static void test_st4_abort_during_init_leaves_no_cleanup(void **state) {
    struct kit *kit = kit_create(
        *state, "actors: { a: { type: kit.Player, config: { init: 'note in; gate g; note out',\n"
                "  cleanup: 'note end' } } }\n");
    struct supervisor_result result;
    kit_gate_make(*state, "g");

    kit_go(kit);
    kit_wait(kit, "a: in");
    supervisor_abort(deploy_supervisor(kit_deploy(kit)));
    kit_gate_open(*state, "g");
    kit_end(kit, &result);

    assert_true(result.aborted);
    kit_assert_trace(*state, "a", "in\nout\n");
}

static void test_st4_messages_and_ticks_during_init_wait_for_its_end(void **state) {
    struct kit *kit = kit_create(
        *state,
        "actors: { a: { type: kit.Player, config: { init: 'tick 0 0; self 1; gate g; note out',\n"
        "  tick: 'note tick', number: 'note $' } } }\n");
    kit_gate_make(*state, "g");

    kit_go(kit);
    kit_number(kit, "a", "number", 2);
    kit_gate_open(*state, "g");
    kit_wait(kit, "a: tick");
    kit_wait(kit, "a: 1");
    kit_stop(kit);

    char *trace = kit_trace_of(*state, "a");
    assert_memory_equal(trace, "out\n", 4);
    free(trace);
}

static void test_ai4_stop_during_the_init_of_a_child_waits_for_the_child(void **state) {
    struct kit *kit = kit_create(
        *state,
        "actors: { a: { type: kit.Player, config: { init: 'spawn kid', cleanup: 'note end',\n"
        "  kid: 'init=note in,gate g,note out|cleanup=note kid end' } } }\n");
    kit_gate_make(*state, "g");

    kit_go(kit);
    kit_wait(kit, "kid[1]: in");
    deploy_stop(kit_deploy(kit));
    kit_gate_open(*state, "g");
    kit_end(kit, NULL);

    kit_assert_trace(*state, NULL, "kid[1]: in\nkid[1]: out\nkid[1]: kid end\na: end\n");
}

static void test_tx1_child_of_a_failed_init_never_was(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors: { a: { type: kit.Player, config: { init: 'spawn kid; order note hi; fail no',\n"
        "  kid: 'init=note born', ended: 'note ended' } } }\n");
    struct supervisor_result result;

    kit_end(kit, &result);

    assert_true(result.failed);
    kit_assert_trace(*state, NULL, "");
}

static void test_sv2_failing_init_of_a_child_is_heard_after_the_own_init(void **state) {
    struct kit *kit = kit_start(
        *state, "actors: { a: { type: kit.Player, config: { init: 'spawn kid; note ready',\n"
                "  kid: 'init=fail no', ended: 'note kid %' } } }\n");

    kit_wait(kit, "a: kid init: no");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "ready\nkid init: no\n");
}

static void test_mb2_end_of_a_child_is_heard_when_the_pause_is_over(void **state) {
    struct kit *kit = given_paused(state, FULL("ended: 'note kid %', kid: 'cleanup=note kid end'"),
                                   "spawn kid; order stop; out 1 9");

    kit_wait(kit, "kid[1]: kid end");
    assert_int_equal(kit_count(*state, "a: kid stopped"), 0);
    kit_gate_open(*state, "g");
    kit_wait(kit, "a: kid stopped");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "kid stopped\nend\n");
    kit_assert_trace(*state, "b", "in\nout\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

static void test_mb2_failed_child_of_a_paused_actor_fails_it_and_loses_nothing(void **state) {
    struct kit *kit =
        given_paused(state, FULL("kid: 'init=note born'"), "spawn; order fail broken; out 1 9");
    struct supervisor_result result;

    kit_gate_open(*state, "g");
    kit_end(kit, &result);

    assert_true(result.failed);
    kit_assert_trace(*state, "a", "end\n");
    kit_assert_trace(*state, "b", "in\nout\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

static void test_mb2_stop_of_a_paused_actor_with_children_loses_nothing(void **state) {
    struct kit *kit =
        given_paused(state, FULL("kid: 'cleanup=note kid end'"), "spawn kid; out 1 9");

    deploy_stop(kit_deploy(kit));
    kit_gate_open(*state, "g");
    kit_end(kit, NULL);

    kit_assert_trace(*state, "b", "in\nout\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    kit_assert_trace(*state, "a", "end\n");
    kit_assert_trace(*state, "kid[1]", "kid end\n");
}

static void test_mb2_abort_of_a_paused_actor_ends_its_children_too(void **state) {
    struct kit *kit = given_paused(state, FULL("kid: 'init=note born|cleanup=note kid end'"),
                                   "spawn kid; out 1 9");
    struct supervisor_result result;

    supervisor_abort(deploy_supervisor(kit_deploy(kit)));
    test_wait_until(has_left, kit);
    kit_gate_open(*state, "g");
    kit_end(kit, &result);

    assert_true(result.aborted);
    assert_int_equal(kit_count(*state, "a: end"), 0);
    assert_int_equal(kit_count(*state, "kid[1]: kid end"), 0);
}

static void test_tx1_what_stands_behind_a_pause_is_done_when_it_is_over(void **state) {
    struct kit *kit =
        given_paused(state, FULL("tick: 'note tick', ended: 'note kid %'"),
                     "out 1 9; spawn kid; order note hi, stop; tick 0 0; publish x 1; note done");
    struct troupe_value value;
    char text[16];

    bool shown = inst_attribute(kit_actor(kit, "a"), "x", &value, text, sizeof text);
    assert_false(shown); /* the turn is over, but this comes behind what waits */
    assert_int_equal(kit_count(*state, "a: done"), 1);
    kit_gate_open(*state, "g");
    kit_wait(kit, "kid[1]: hi");
    kit_wait(kit, "a: kid stopped");
    kit_wait(kit, "a: tick");
    kit_settle(kit);

    assert_true(inst_attribute(kit_actor(kit, "a"), "x", &value, text, sizeof text));
    kit_stop(kit);
}

/* What an abort finds behind the pause never was: no child, no timer, no attribute. */
static void test_mb2_abort_discards_what_stands_behind_a_pause(void **state) {
    struct kit *kit = given_paused(state, FULL("kid: 'init=note born'"),
                                   "out 1 9; spawn kid; order note hi; publish x 1");
    struct supervisor_result result;

    supervisor_abort(deploy_supervisor(kit_deploy(kit)));
    test_wait_until(has_left, kit);
    kit_gate_open(*state, "g");
    kit_end(kit, &result);

    assert_true(result.aborted);
    assert_int_equal(kit_count(*state, "kid[1]: born"), 0);
}

static void test_mb6_call_behind_a_pause_is_withdrawn_by_an_abort(void **state) {
    struct kit *kit =
        given_paused(state,
                     "actors:\n"
                     "  a: { type: kit.Player, config: { reply: 'note outcome %' } }\n"
                     "  b: { type: kit.Player, thread: own, mailbox: { capacity: 2 },\n"
                     "       config: { number: 'note $', asked: 'note asked; reply 1' } }\n"
                     "wires: [a.out -> b.number, a.ask -> b.asked]\n",
                     "out 1 9; ask 1 100000");
    struct supervisor_result result;

    supervisor_abort(deploy_supervisor(kit_deploy(kit)));
    test_wait_until(has_left, kit);
    kit_gate_open(*state, "g");
    kit_end(kit, &result);

    assert_int_equal(kit_count(*state, "b: asked"), 0);
    assert_int_equal(kit_count(*state, "a: outcome ok"), 0);
}

static void test_dr1_stop_by_itself_while_calls_and_children_are_open(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'spawn kid; ask 1 60000; tick 0 1; stop',\n"
        "       kid: 'cleanup=note kid end', cleanup: 'note end', reply: 'note %' } }\n"
        "  b: { type: kit.Player, config: { asked: later } }\n"
        "wires: [a.ask -> b.asked]\n");

    kit_wait(kit, "a: end");
    kit_end(kit, NULL);

    kit_assert_trace(*state, "a", "end\n");
    kit_assert_trace(*state, "kid[1]", "kid end\n");
}

static void test_dr1_drained_child_that_is_paused_loses_nothing(void **state) {
    /* the kid sends to its parent, which is full while it waits at the gate */
    struct kit *kit = kit_create(
        *state, "actors: { a: { type: kit.Player, thread: own, mailbox: { capacity: 2 },\n"
                "  config: { kid: 'number=out 1 9', second: 'note $', ended: 'note kid %' } } }\n");
    kit_gate_make(*state, "g");

    kit_go(kit);
    kit_do(kit, "a", "spawn kid; tell 1; commit; gate g; drain_kid");
    kit_gate_open(*state, "g");
    kit_wait(kit, "a: kid drained");
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "a: 9"), 1);
}

static void test_mb2_children_have_the_capacity_of_the_defaults(void **state) {
    struct kit *kit = kit_start(*state, "defaults: { mailbox: { capacity: 3 } }\n"
                                        "actors: { a: { type: kit.Player } }\n");

    kit_do(kit, "a", "spawn kid; order note born");
    kit_wait(kit, "kid[1]: born");
    kit_settle(kit);
    struct inst *kid = LIST_OF(kit_actor(kit, "a")->more->children.next, struct inst, sibling);

    assert_int_equal(mbox_capacity(&kid->mbox), 3);
    kit_stop(kit);
}

/* As when a later actor could not be made: nothing has started, but there are threads. */
static void test_own_threads_of_a_deployment_that_never_started_end_with_it(void **state) {
    struct kit *kit =
        kit_create(*state, "actors: { a: { type: kit.Player, thread: own, replicas: 20 } }\n");
    const struct deploy_options options = {0};
    struct deploy *deploy;
    struct err err;
    unsigned before = test_count_threads();

    assert_int_equal(
        deploy_create(kit_plan(kit), proc_types(kit_proc(kit)), &options, &deploy, &err), 0);
    unsigned between = test_count_threads();
    deploy_destroy(deploy);

    assert_true(between >= before + 20);
    assert_int_equal(test_count_threads(), before);
    kit_go(kit);
    kit_stop(kit);
}

static const struct kit_test moments[] = {
    KIT_TEST(KIT_THREADS, test_st4_stop_during_init_lets_it_finish_and_cleans_up),
    KIT_TEST(KIT_THREADS, test_st4_abort_during_init_leaves_no_cleanup),
    KIT_TEST(KIT_THREADS, test_st4_messages_and_ticks_during_init_wait_for_its_end),
    KIT_TEST(KIT_THREADS, test_ai4_stop_during_the_init_of_a_child_waits_for_the_child),
    KIT_TEST(KIT_BOTH, test_tx1_child_of_a_failed_init_never_was),
    KIT_TEST(KIT_BOTH, test_sv2_failing_init_of_a_child_is_heard_after_the_own_init),
    KIT_TEST(KIT_THREADS, test_mb2_end_of_a_child_is_heard_when_the_pause_is_over),
    KIT_TEST(KIT_THREADS, test_mb2_failed_child_of_a_paused_actor_fails_it_and_loses_nothing),
    KIT_TEST(KIT_THREADS, test_mb2_stop_of_a_paused_actor_with_children_loses_nothing),
    KIT_TEST(KIT_THREADS, test_mb2_abort_of_a_paused_actor_ends_its_children_too),
    KIT_TEST(KIT_THREADS, test_tx1_what_stands_behind_a_pause_is_done_when_it_is_over),
    KIT_TEST(KIT_THREADS, test_mb2_abort_discards_what_stands_behind_a_pause),
    KIT_TEST(KIT_THREADS, test_mb6_call_behind_a_pause_is_withdrawn_by_an_abort),
    KIT_TEST(KIT_BOTH, test_dr1_stop_by_itself_while_calls_and_children_are_open),
    KIT_TEST(KIT_THREADS, test_dr1_drained_child_that_is_paused_loses_nothing),
    KIT_TEST(KIT_SEEDED, test_mb2_children_have_the_capacity_of_the_defaults),
    KIT_TEST(KIT_THREADS, test_own_threads_of_a_deployment_that_never_started_end_with_it),
};

int main(void) {
    return KIT_RUN(moments);
}
