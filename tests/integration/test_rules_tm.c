/* Timers, watches and threads of their own (TM). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"
#include "lib/wait.h"
#include "sched/timer.h"

#define ALONE(config) "actors: { a: { type: kit.Player, config: { " config " } } }\n"
#define WITH(config)                                                                               \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { " config " } }\n"                                          \
    "  b: { type: kit.Player, config: { tick: 'note tick' } }\n"

static struct clock_manual *manual(struct kit *kit) {
    return (struct clock_manual *)kit_clock(kit);
}

/* Moves the clock past several due times at once, as a machine does that was busy elsewhere. */
static void jump(struct kit *kit, uint64_t ms) {
    clock_manual_set(manual(kit), manual(kit)->now_ns + ms * NS_PER_MS);
    kit_settle(kit);
}

/* --- TM-1 --- */

static void test_tm1_no_tick_after_the_stop(void **state) {
    struct kit *kit = kit_start(*state, WITH("init: 'tick 10 10', tick: 'note tick; stop'"));

    kit_wait(kit, "a: tick");
    uint64_t next_ns = timers_next(proc_timers(kit_proc(kit)));
    kit_pass(kit, 1000);
    kit_stop(kit);

    assert_true(next_ns == TIMER_NEVER);
    kit_assert_trace(*state, "a", "tick\n");
}

static void test_tm1_no_tick_after_the_failure(void **state) {
    struct kit *kit =
        kit_start(*state, ALONE("kid: 'tick=note tick,fail no', ended: 'note kid %'"));

    kit_do(kit, "a", "spawn kid; order tick 10 10");
    kit_wait(kit, "kid[1]: tick");
    kit_settle(kit);
    uint64_t next_ns = timers_next(proc_timers(kit_proc(kit)));
    kit_pass(kit, 1000);
    kit_stop(kit);

    assert_true(next_ns == TIMER_NEVER);
    kit_assert_trace(*state, "kid[1]", "tick\n");
    kit_assert_trace(*state, "a", "kid tick: no\n");
}

static void test_tm1_successor_gets_no_tick_of_its_predecessor(void **state) {
    struct kit *kit = kit_start(*state, ALONE("kid: 'tick=note tick', ended: 'note kid %'"));

    kit_do(kit, "a", "spawn kid; order tick 10 10");
    kit_wait_lines(kit, "kid[1]: tick", 2);
    kit_do(kit, "a", "stop_kid");
    kit_settle(kit);
    unsigned before = kit_count(*state, "kid[1]: tick");
    kit_do(kit, "a", "spawn kid");
    kit_settle(kit);
    kit_pass(kit, 1000);
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "kid[1]: tick"), before);
    kit_assert_trace(*state, "kid[2]", "");
}

static void test_tm1_waiting_tick_is_dropped_by_a_stop(void **state) {
    struct kit *kit = kit_start(*state, WITH("tick: 'note tick'"));

    kit_do(kit, "a", "tick 0 10; stop");
    kit_settle(kit);
    kit_pass(kit, 100);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "");
}

static void test_tm1_watch_ends_with_the_incarnation(void **state) {
    struct kit *kit = kit_start(*state, ALONE("kid: 'ready=note ready %|cleanup=note end,poke',"
                                              "ended: 'note kid %'"));

    kit_do(kit, "a", "spawn kid; order watch,poke");
    kit_wait(kit, "kid[1]: ready byte");
    kit_do(kit, "a", "stop_kid");
    kit_wait(kit, "a: kid stopped");
    kit_settle(kit);
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "kid[1]: ready byte"), 1);
    assert_int_equal(kit_count(*state, "kid[1]: end"), 1);
}

/* --- TM-2 --- */

static void test_tm2_ticks_come_when_they_are_due(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'tick 10 20', tick: 'note missed $'"));

    kit_pass(kit, 9);
    kit_assert_trace(*state, "a", "");
    kit_pass(kit, 1);
    kit_assert_trace(*state, "a", "missed 0\n");
    kit_pass(kit, 19);
    kit_assert_trace(*state, "a", "missed 0\n");
    kit_pass(kit, 1);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "missed 0\nmissed 0\n");
}

static void test_tm2_one_tick_carries_those_that_were_missed(void **state) {
    struct kit *kit = kit_start(*state, ALONE("tick: 'note missed $'"));

    kit_do(kit, "a", "tick 10 10");
    kit_settle(kit);
    jump(kit, 55); /* due at 10, 20, 30, 40, 50 */
    kit_assert_trace(*state, "a", "missed 4\n");
    kit_pass(kit, 5);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "missed 4\nmissed 0\n");
}

/* Timers fire, but the actor does not get to run. */
static void fire(struct kit *kit, uint64_t ms) {
    clock_manual_set(manual(kit), manual(kit)->now_ns + ms * NS_PER_MS);
    (void)timers_run(proc_timers(kit_proc(kit)), manual(kit)->now_ns);
}

static void test_tm2_no_second_tick_waits(void **state) {
    struct kit *kit = kit_start(*state, ALONE("tick: 'note missed $'"));

    kit_do(kit, "a", "tick 10 10");
    kit_settle(kit);
    fire(kit, 10);
    fire(kit, 10);
    fire(kit, 10);
    kit_settle(kit);
    kit_assert_trace(*state, "a", "missed 2\n");
    kit_pass(kit, 10);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "missed 2\nmissed 0\n");
}

/* The beat of `b` tells how many ticks `a` has missed while it was busy: one thread drives both. */
static void test_tm2_busy_actor_finds_one_tick_for_all_it_missed(void **state) {
    struct kit *kit = kit_start(*state, WITH("number: 'tick 1 1; commit; gate g',"
                                             "tick: 'note missed $; untick; note end'"));
    int missed = 0;
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: committed: ok");
    kit_do(kit, "b", "tick 1 1");
    kit_wait_lines(kit, "b: tick", 20);
    kit_gate_open(*state, "g");
    kit_wait(kit, "a: end");
    kit_stop(kit);

    char *trace = kit_trace_of(*state, "a");
    assert_int_equal(sscanf(trace, "committed: ok\nmissed %d\nend\n", &missed), 1);
    assert_in_range(missed, 18, INT32_MAX);
    free(trace);
}

static void test_tm2_restart_drops_the_tick_that_waits(void **state) {
    struct kit *kit = kit_start(*state, ALONE("tick: 'note missed $'"));

    kit_do(kit, "a", "tick 0 0; tick 50 0");
    kit_settle(kit);
    kit_pass(kit, 49);
    kit_assert_trace(*state, "a", "");
    kit_pass(kit, 1);
    kit_pass(kit, 1000);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "missed 0\n");
}

static void test_tm2_restart_forgets_what_was_missed(void **state) {
    struct kit *kit = kit_start(*state, ALONE("tick: 'note missed $'"));

    kit_do(kit, "a", "tick 10 10");
    kit_settle(kit);
    kit_do(kit, "a", "tick 10 0; note restarted");
    fire(kit, 10);
    fire(kit, 30);
    kit_settle(kit);
    kit_assert_trace(*state, "a", "restarted\n");
    kit_pass(kit, 1000);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "restarted\nmissed 0\n");
}

static void test_tm2_stopped_timer_does_not_tick(void **state) {
    struct kit *kit = kit_start(*state, ALONE("tick: 'note missed $'"));

    kit_do(kit, "a", "tick 0 10; untick");
    kit_settle(kit);
    kit_pass(kit, 1000);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "");
}

static void test_tm2_time_of_day_moves_no_tick(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'tick 10 0', tick: 'note missed $'"));

    manual(kit)->wall_base_ns += 7200 * (int64_t)NS_PER_S;
    kit_pass(kit, 9);
    kit_assert_trace(*state, "a", "");
    manual(kit)->wall_base_ns -= 14400 * (int64_t)NS_PER_S;
    kit_pass(kit, 1);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "missed 0\n");
}

/* --- TM-3 --- */

/* The descriptor that `actor` noted the watching of. */
static int watched(void **state, const char *actor) {
    int fd = -1;
    char *trace = kit_trace_of(*state, actor);
    assert_int_equal(sscanf(trace, "watches %d", &fd), 1);
    free(trace);
    return fd;
}

static bool is_closed(void *context) {
    return fcntl(*(int *)context, F_GETFD) < 0 && errno == EBADF;
}

static void test_tm3_descriptor_is_closed_at_the_end(void **state) {
    struct kit *kit = kit_start(*state, ALONE(""));

    kit_do(kit, "a", "watch; note done");
    kit_wait(kit, "a: done");
    kit_settle(kit);
    int fd = watched(state, "a");
    bool before = is_closed(&fd);
    kit_stop(kit);

    assert_false(before);
    assert_true(is_closed(&fd));
}

static void test_tm3_descriptor_is_closed_at_unwatch(void **state) {
    struct kit *kit = kit_start(*state, ALONE(""));

    kit_do(kit, "a", "watch; note done");
    kit_wait(kit, "a: done");
    kit_settle(kit);
    int fd = watched(state, "a");
    bool before = is_closed(&fd);
    kit_do(kit, "a", "unwatch");
    test_wait_until(is_closed, &fd);
    kit_stop(kit);

    assert_false(before);
}

static void test_tm3_descriptor_of_a_failed_actor_is_closed(void **state) {
    struct kit *kit = kit_start(*state, ALONE("kid: 'number=fail no', ended: 'note kid %'"));

    kit_do(kit, "a", "spawn kid; order watch,note done");
    kit_wait(kit, "kid[1]: done");
    kit_settle(kit);
    int fd = watched(state, "kid[1]");
    bool before = is_closed(&fd);
    kit_do(kit, "a", "tell 1");
    kit_wait(kit, "a: kid number: no");
    test_wait_until(is_closed, &fd);
    kit_stop(kit);

    assert_false(before);
}

static void test_tm3_descriptor_of_a_discarded_turn_is_closed(void **state) {
    /* the undeliverable is not handled: that turn is discarded, but the actor lives on */
    struct kit *kit = kit_start(*state, ALONE("returned: 'watch; status -2'"));

    kit_do_to(kit, "a", "tell 1", (struct troupe_ref){99, 1});
    kit_settle(kit);
    int fd = watched(state, "a");
    test_wait_until(is_closed, &fd);
    kit_do(kit, "a", "note alive");
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "a: alive"), 1);
}

static void test_tm3_descriptor_of_a_failed_init_is_closed(void **state) {
    struct kit *kit = kit_start(*state, ALONE("kid: 'init=watch,fail no', ended: 'note kid %'"));

    kit_do(kit, "a", "spawn kid");
    kit_wait(kit, "a: kid init: no");
    int fd = watched(state, "kid[1]");
    test_wait_until(is_closed, &fd);
    kit_stop(kit);
}

/* --- TM-4 --- */

#define OWN(config) "actors: { a: { type: kit.Player, thread: own, config: { " config " } } }\n"

static void test_tm4_wait_returns_on_a_stop(void **state) {
    struct kit *kit = kit_start(*state, OWN("number: 'note in; wait 3600000'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: in");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "in\nwaited: stopping\n");
}

static void test_tm4_wait_returns_on_a_message(void **state) {
    struct kit *kit = kit_start(*state, OWN("number: 'note in; wait 3600000', second: 'note $'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: in");
    kit_number(kit, "a", "second", 2);
    kit_wait(kit, "a: 2");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "in\nwaited: ok\n2\n");
}

static void test_tm4_wait_returns_when_the_time_has_passed(void **state) {
    struct kit *kit = kit_start(*state, OWN("number: 'note in; wait 1'"));

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: waited: ok");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "in\nwaited: ok\n");
}

static void test_tm4_wait_takes_effect_before_it_waits(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, thread: own,\n"
                          "       config: { number: 'out 7; wait 3600000', second: '' } }\n"
                          "  b: { type: kit.Player, config: { number: 'note got $' } }\n"
                          "wires: [a.out -> b.number]\n");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "b: got 7");
    kit_number(kit, "a", "second", 2);
    kit_wait(kit, "a: waited: ok");
    kit_stop(kit);
}

static void test_tm4_wait_says_how_many_descriptors_are_ready(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: rows.Waiter } }\n");

    kit_number(kit, "a", "poll", 0);
    kit_wait(kit, "a: 1 ready: no yes");
    kit_stop(kit);
}

static void test_tm4_blocking_open_is_interrupted_by_a_stop(void **state) {
    struct kit *kit = kit_start(*state, OWN("number: 'read g'"));
    kit_gate_make(*state, "g"); /* nobody opens it */

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: blocks");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "blocks\ninterrupted\n");
}

static void test_tm4_blocking_read_is_interrupted_by_a_stop(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: rows.Waiter } }\n");

    kit_number(kit, "a", "read", 0);
    kit_wait(kit, "a: reads");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "reads\ninterrupted\n");
}

static const struct kit_test tm[] = {
    KIT_TEST(KIT_SEEDED, test_tm1_no_tick_after_the_stop),
    KIT_TEST(KIT_SEEDED, test_tm1_no_tick_after_the_failure),
    KIT_TEST(KIT_SEEDED, test_tm1_successor_gets_no_tick_of_its_predecessor),
    KIT_TEST(KIT_SEEDED, test_tm1_waiting_tick_is_dropped_by_a_stop),
    KIT_TEST(KIT_THREADS, test_tm1_watch_ends_with_the_incarnation),
    KIT_TEST(KIT_SEEDED, test_tm2_ticks_come_when_they_are_due),
    KIT_TEST(KIT_SEEDED, test_tm2_one_tick_carries_those_that_were_missed),
    KIT_TEST(KIT_THREADS, test_tm2_busy_actor_finds_one_tick_for_all_it_missed),
    KIT_TEST(KIT_SEEDED, test_tm2_no_second_tick_waits),
    KIT_TEST(KIT_SEEDED, test_tm2_restart_drops_the_tick_that_waits),
    KIT_TEST(KIT_SEEDED, test_tm2_restart_forgets_what_was_missed),
    KIT_TEST(KIT_SEEDED, test_tm2_stopped_timer_does_not_tick),
    KIT_TEST(KIT_SEEDED, test_tm2_time_of_day_moves_no_tick),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_is_closed_at_the_end),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_is_closed_at_unwatch),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_of_a_failed_actor_is_closed),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_of_a_discarded_turn_is_closed),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_of_a_failed_init_is_closed),
    KIT_TEST(KIT_THREADS, test_tm4_wait_returns_on_a_stop),
    KIT_TEST(KIT_THREADS, test_tm4_wait_returns_on_a_message),
    KIT_TEST(KIT_THREADS, test_tm4_wait_returns_when_the_time_has_passed),
    KIT_TEST(KIT_THREADS, test_tm4_wait_takes_effect_before_it_waits),
    KIT_TEST(KIT_THREADS, test_tm4_wait_says_how_many_descriptors_are_ready),
    KIT_TEST(KIT_THREADS, test_tm4_blocking_open_is_interrupted_by_a_stop),
    KIT_TEST(KIT_THREADS, test_tm4_blocking_read_is_interrupted_by_a_stop),
};

int main(void) {
    return KIT_RUN(tm);
}
