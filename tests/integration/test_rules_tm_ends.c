/* What is left of timers, watches and waits when something ends (TM). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

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

/* --- TM-1 --- */

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

static void test_tm4_wait_says_how_many_descriptors_are_ready(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: rows.Waiter } }\n");

    kit_number(kit, "a", "poll", 0);
    kit_wait(kit, "a: 1 ready: no yes");
    kit_stop(kit);
}

static void test_tm4_blocking_read_is_interrupted_by_a_stop(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: rows.Waiter } }\n");

    kit_number(kit, "a", "read", 0);
    kit_wait(kit, "a: reads");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "reads\ninterrupted\n");
}

static const struct kit_test tm_ends[] = {
    KIT_TEST(KIT_SEEDED, test_tm1_no_tick_after_the_failure),
    KIT_TEST(KIT_SEEDED, test_tm1_successor_gets_no_tick_of_its_predecessor),
    KIT_TEST(KIT_SEEDED, test_tm1_waiting_tick_is_dropped_by_a_stop),
    KIT_TEST(KIT_THREADS, test_tm1_watch_ends_with_the_incarnation),
    KIT_TEST(KIT_THREADS, test_tm2_busy_actor_finds_one_tick_for_all_it_missed),
    KIT_TEST(KIT_SEEDED, test_tm2_no_second_tick_waits),
    KIT_TEST(KIT_SEEDED, test_tm2_restart_forgets_what_was_missed),
    KIT_TEST(KIT_SEEDED, test_tm2_time_of_day_moves_no_tick),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_of_a_discarded_turn_is_closed),
    KIT_TEST(KIT_THREADS, test_tm3_descriptor_of_a_failed_init_is_closed),
    KIT_TEST(KIT_THREADS, test_tm4_wait_says_how_many_descriptors_are_ready),
    KIT_TEST(KIT_THREADS, test_tm4_blocking_read_is_interrupted_by_a_stop),
};

int main(void) {
    return KIT_RUN(tm_ends);
}
