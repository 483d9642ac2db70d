/* Timers, watched descriptors, waiting (TM). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"
#include "lib/wait.h"

#define ALONE(config) "actors: { a: { type: kit.Player, config: { " config " } } }\n"

static void test_tm1_timer_ticks_until_it_is_stopped(void **state) {
    struct kit *kit =
        kit_start(*state, ALONE("init: 'tick 5 10', tick: 'note tick', number: untick"));

    kit_settle(kit);
    kit_pass(kit, 5);
    kit_assert_trace(*state, "a", "tick\n");
    kit_pass(kit, 9);
    kit_assert_trace(*state, "a", "tick\n");
    kit_pass(kit, 1);
    kit_assert_trace(*state, "a", "tick\ntick\n");
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_pass(kit, 100);
    kit_assert_trace(*state, "a", "tick\ntick\n");

    kit_stop(kit);
}

static void test_tm1_timer_without_period_ticks_once(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'tick 5 0', tick: 'note tick'"));

    kit_settle(kit);
    kit_pass(kit, 1000);

    kit_stop(kit);
    kit_assert_trace(*state, "a", "tick\n");
}

static void test_tm1_started_again_it_forgets_the_start_before(void **state) {
    struct kit *kit =
        kit_start(*state, ALONE("init: 'tick 5 5', tick: 'note tick', number: 'tick 100 0'"));

    kit_settle(kit);
    kit_pass(kit, 5);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_pass(kit, 99);
    kit_assert_trace(*state, "a", "tick\n");
    kit_pass(kit, 1);
    kit_assert_trace(*state, "a", "tick\ntick\n");

    kit_stop(kit);
}

static void test_tm1_stopped_timer_has_no_tick_left_over(void **state) {
    /* the tick waits in the mailbox behind the message that stops the timer */
    struct kit *kit =
        kit_start(*state, ALONE("number: 'tick 0 0', second: 'untick', tick: 'note tick'"));

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_assert_trace(*state, "a", "tick\n");
    kit_do(kit, "a", "tick 0 0; untick");
    kit_settle(kit);
    kit_pass(kit, 10);

    kit_stop(kit);
    kit_assert_trace(*state, "a", "tick\n");
}

static void test_tm1_timers_end_with_the_incarnation(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'tick 1 1', tick: 'note tick; stop',\n"
                "       cleanup: 'tick 1 1' } }\n"
                "  b: { type: kit.Player, config: { tick: 'note tick' } }\n");

    kit_wait(kit, "a: tick");
    kit_wait_closed(kit, "a");
    kit_do(kit, "b", "tick 50 0");
    kit_wait(kit, "b: tick");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "tick\n");
}

static void test_tm2_one_tick_waits_and_says_how_many_were_missed(void **state) {
    struct kit *kit = kit_create(*state, ALONE("init: 'tick 10 10', tick: 'note missed $'"));
    struct clock_manual *clock = (struct clock_manual *)kit_clock(kit);

    kit_go(kit);
    kit_settle(kit);
    /* nobody runs the timers for a while */
    clock_manual_set(clock, clock->now_ns + 55 * NS_PER_MS);
    kit_settle(kit);
    kit_assert_trace(*state, "a", "missed 4\n");
    kit_pass(kit, 5);

    kit_stop(kit);
    kit_assert_trace(*state, "a", "missed 4\nmissed 0\n");
}

struct beat {
    struct kit *kit;
    void *state;
    uint32_t most;
};

/* That of `b` tells that there were ticks for `a`, too: one thread drives both. */
static bool has_beaten(void *context) {
    struct beat *beat = context;
    unsigned beats = kit_count(beat->state, "b: tick");
    uint32_t depth = inst_depth(kit_actor(beat->kit, "a"));
    beat->most = depth > beat->most ? depth : beat->most;
    return beats >= 20;
}

static void test_tm2_ticks_of_a_busy_actor_do_not_pile_up(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'tick 1 1' } }\n"
                          "  b: { type: kit.Player, config: { tick: 'note tick' } }\n");
    struct beat beat = {kit, *state, 0};
    kit_gate_make(*state, "g");

    kit_do(kit, "a", "note in; gate g");
    kit_wait(kit, "a: in");
    kit_do(kit, "b", "tick 1 1");
    test_wait_until(has_beaten, &beat);
    kit_gate_open(*state, "g");
    kit_stop(kit);

    assert_int_equal(beat.most, 1);
}

/* Whether the descriptor that the script traced is open in this process. */
static int watched_fd(void *state) {
    char *trace = kit_trace_of(state, "a");
    char *at = strstr(trace, "watches ");
    assert_non_null(at);
    int fd = (int)strtol(at + strlen("watches "), NULL, 10);
    free(trace);
    return fd;
}

static bool is_closed(void *context) {
    return fcntl(*(int *)context, F_GETFD) < 0 && errno == EBADF;
}

static void test_tm1_watch_reports_readiness_again_and_again(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'watch; note ready', ready: 'note %'"));

    kit_wait(kit, "a: ready");
    kit_do(kit, "a", "poke");
    kit_wait(kit, "a: byte");
    kit_do(kit, "a", "poke; poke");
    kit_wait_lines(kit, "a: byte", 3);
    kit_stop(kit);
}

static void test_tm1_watch_reports_a_hang_up(void **state) {
    struct kit *kit =
        kit_start(*state, ALONE("init: 'watch; hang_up', ready: 'unwatch; note $ %'"));

    kit_wait(kit, "a: 5 end"); /* readable too: its end can be read */
    kit_stop(kit);
}

static void test_tm3_descriptor_is_closed_when_unwatched(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'watch; note ready', number: unwatch"));

    kit_wait(kit, "a: ready");
    int fd = watched_fd(*state);
    assert_false(is_closed(&fd));
    kit_number(kit, "a", "number", 1);
    test_wait_until(is_closed, &fd);

    kit_stop(kit);
}

static void test_tm3_descriptor_is_closed_with_the_incarnation(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'watch; note ready'"));

    kit_wait(kit, "a: ready");
    int fd = watched_fd(*state);
    kit_settle(kit);
    assert_false(is_closed(&fd));
    kit_stop(kit);

    assert_true(is_closed(&fd));
}

static void test_tm3_descriptor_is_closed_after_a_failure(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'watch; note ready', number: 'fail no'"));
    struct supervisor_result result;

    kit_wait(kit, "a: ready");
    int fd = watched_fd(*state);
    kit_number(kit, "a", "number", 1);
    kit_end(kit, &result);

    assert_true(result.failed);
    assert_true(is_closed(&fd));
}

static void test_tm3_descriptor_is_closed_when_its_turn_is_discarded(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'watch; fail no'"));
    struct supervisor_result result;

    kit_end(kit, &result);

    int fd = watched_fd(*state);
    assert_true(is_closed(&fd));
}

static void test_tm3_descriptor_that_cannot_be_watched_is_closed_and_said(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'watch_file'"));
    struct supervisor_result result;

    kit_end(kit, &result);

    char expected[192];
    char *trace = kit_trace_of(*state, "a");
    int fd = (int)strtol(trace + strlen("file "), NULL, 10);
    (void)snprintf(expected, sizeof expected,
                   "actor 'p/a[0]' failed: ready: fd %d is a regular file: it is always ready and "
                   "can't be watched; read it on a timer",
                   fd);
    free(trace);
    assert_string_equal(result.cause, expected);
    assert_true(is_closed(&fd));
}

#define OWN(config)                                                                                \
    "actors: { a: { type: kit.Player, thread: own, config: { init: 'note ready', " config " } } "  \
    "}\n"

static void test_tm4_wait_returns_when_time_has_passed(void **state) {
    struct kit *kit = kit_start(*state, OWN("number: 'wait 5'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: waited: ok");
    kit_stop(kit);
}

static void test_tm4_wait_returns_when_a_message_comes(void **state) {
    struct kit *kit =
        kit_start(*state, OWN("number: 'note in; wait 100000', second: 'note second'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: in");
    kit_number(kit, "a", "second", 1);
    kit_wait(kit, "a: second");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "ready\nin\nwaited: ok\nsecond\n");
}

static void test_tm4_wait_does_not_wait_while_a_message_waits(void **state) {
    struct kit *kit = kit_create(*state, OWN("number: 'wait 100000'"));

    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "number", 2);
    kit_go(kit);
    kit_wait(kit, "a: waited: ok");
    kit_stop(kit);
}

static void test_tm4_wait_returns_early_on_a_stop(void **state) {
    struct kit *kit = kit_start(*state, OWN("number: 'note in; wait_stop'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: in");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "ready\nin\nwaited: stopping\n");
}

static void test_tm4_wait_of_one_that_drains_already_returns_at_once(void **state) {
    struct kit *kit = kit_start(*state, OWN("number: 'wait 100000'"));
    kit_gate_make(*state, "g");

    kit_wait(kit, "a: ready");
    kit_do(kit, "a", "note in; gate g");
    kit_wait(kit, "a: in");
    kit_number(kit, "a", "number", 1);
    supervisor_stop(deploy_supervisor(kit_deploy(kit)), "a test");
    kit_gate_open(*state, "g");
    kit_end(kit, NULL);

    kit_assert_trace(*state, "a", "ready\nin\nwaited: stopping\n");
}

static void test_tm4_wait_commits_first(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, thread: own, config: { number: 'out 5; wait 100000' } }\n"
                "  b: { type: kit.Player, config: { number: 'note $' } }\n"
                "wires: [a.out -> b.number]\n");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "b: 5");
    kit_stop(kit);
}

static void test_tm4_blocking_call_is_interrupted_by_a_stop(void **state) {
    struct kit *kit = kit_start(*state, OWN("number: 'read nothing'"));
    kit_gate_make(*state, "nothing");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: blocks");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "ready\nblocks\ninterrupted\n");
}

static void test_tm4_wait_is_refused_without_a_thread_of_its_own(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'wait 1'"));

    kit_wait(kit, "a: waited: not supported by this host");
    kit_stop(kit);
}

static void test_tm4_child_may_have_a_thread_of_its_own(void **state) {
    struct kit *kit = kit_start(*state, ALONE("ended: 'note %'"));

    kit_do(kit, "a", "own kid; tell 1; tell 2; drain_kid");
    kit_wait(kit, "a: drained");
    kit_stop(kit);

    char *trace = kit_trace_of(*state, "kid[1]");
    assert_memory_equal(trace, "init\nnumber 1, wait: ", strlen("init\nnumber 1, wait: "));
    assert_non_null(strstr(trace, "\nnumber 2, wait: "));
    assert_non_null(strstr(trace, "\ncleanup after 2\n"));
    free(trace);
}

static void test_tm4_threads_come_and_go(void **state) {
    struct kit *kit = kit_start(*state, ALONE("ended: 'note %'"));

    for (unsigned i = 1; i <= 30; i++) {
        kit_do(kit, "a", "own; tell 1; drain_kid");
        kit_wait_lines(kit, "a: drained", i);
    }
    kit_stop(kit);
}

static const struct kit_test tm[] = {
    KIT_TEST(KIT_SEEDED, test_tm1_timer_ticks_until_it_is_stopped),
    KIT_TEST(KIT_SEEDED, test_tm1_timer_without_period_ticks_once),
    KIT_TEST(KIT_SEEDED, test_tm1_started_again_it_forgets_the_start_before),
    KIT_TEST(KIT_SEEDED, test_tm1_stopped_timer_has_no_tick_left_over),
    KIT_TEST(KIT_BOTH, test_tm1_timers_end_with_the_incarnation),
    KIT_TEST(KIT_SEEDED, test_tm2_one_tick_waits_and_says_how_many_were_missed),
    KIT_TEST(KIT_THREADS, test_tm2_ticks_of_a_busy_actor_do_not_pile_up),
    KIT_TEST(KIT_THREADS, test_tm1_watch_reports_readiness_again_and_again),
    KIT_TEST(KIT_THREADS, test_tm1_watch_reports_a_hang_up),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_is_closed_when_unwatched),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_is_closed_with_the_incarnation),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_is_closed_after_a_failure),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_is_closed_when_its_turn_is_discarded),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_that_cannot_be_watched_is_closed_and_said),
    KIT_TEST(KIT_THREADS, test_tm4_wait_returns_when_time_has_passed),
    KIT_TEST(KIT_THREADS, test_tm4_wait_returns_when_a_message_comes),
    KIT_TEST(KIT_THREADS, test_tm4_wait_does_not_wait_while_a_message_waits),
    KIT_TEST(KIT_THREADS, test_tm4_wait_returns_early_on_a_stop),
    KIT_TEST(KIT_THREADS, test_tm4_wait_of_one_that_drains_already_returns_at_once),
    KIT_TEST(KIT_THREADS, test_tm4_wait_commits_first),
    KIT_TEST(KIT_THREADS, test_tm4_blocking_call_is_interrupted_by_a_stop),
    KIT_TEST(KIT_BOTH, test_tm4_wait_is_refused_without_a_thread_of_its_own),
    KIT_TEST(KIT_BOTH, test_tm4_child_may_have_a_thread_of_its_own),
    KIT_TEST(KIT_BOTH, test_tm4_threads_come_and_go),
};

int main(void) {
    return KIT_RUN(tm);
}
