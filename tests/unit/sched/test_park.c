/* Sleeping and waking: naps, deep sleep, ticks while somebody is awake. */
#include "given.h"

#include <pthread.h>

#include "lib/wait.h"

struct counted {
    struct sched_task task; /* first */
    struct test_counter *ran;
};

static enum task_result counted_run(struct sched_task *task, struct sched_worker *worker) {
    struct counted *c = (struct counted *)(void *)task;
    (void)worker;
    test_counter_add(c->ran);
    return TASK_IDLE;
}

static const struct task_ops counted_ops = {.run = counted_run, .arrived = clear_note};

/* Asleep at many looks in a row, a millisecond apart: beyond the naps. */
static bool sleeps_deeply(void *context) {
    struct sched *sched = context;
    static unsigned looks;
    for (unsigned i = 0; i < sched_worker_count(sched); i++) {
        if (atomic_load(&sched_worker_at(sched, i)->sleeping) != 1) {
            looks = 0;
            return false;
        }
    }
    looks = looks < 20 ? looks + 1 : 0;
    return looks == 0;
}

static struct sched *given_policy(struct locals *locals, unsigned workers, enum sched_idle idle) {
    struct sched_options options = given_options(locals, workers, clock_system());
    struct sched *sched;
    struct err err;
    options.idle = idle;
    assert_int_equal(sched_create(&options, &sched, &err), 0);
    assert_int_equal(sched_start(sched, &err), 0);
    return sched;
}

/* Whatever the policy, who has nothing to do for long sleeps until woken. */
static void note_wakes_from_deep_sleep(enum sched_idle idle) {
    struct locals locals = {0};
    struct sched *sched = given_policy(&locals, 2, idle);
    struct test_counter ran;
    test_counter_init(&ran);
    struct counted tasks[2];

    for (unsigned i = 0; i < 2; i++) {
        tasks[i].ran = &ran;
        task_init(&tasks[i].task, &counted_ops, sched_worker_at(sched, i));
        test_wait_until(sleeps_deeply, sched);
        notify(&tasks[i].task);
        test_counter_wait(&ran, i + 1);
    }

    end_sched(sched);
    test_counter_fini(&ran);
}

static void test_note_wakes_a_worker_from_deep_sleep(void **state) {
    (void)state;
    note_wakes_from_deep_sleep(SCHED_NAP);
}
static void test_note_wakes_a_worker_from_deep_sleep_that_slept_at_once(void **state) {
    (void)state;
    note_wakes_from_deep_sleep(SCHED_SLEEP);
}
static void test_note_wakes_a_worker_from_deep_sleep_that_spun_before(void **state) {
    (void)state;
    note_wakes_from_deep_sleep(SCHED_SPIN);
}

static void note_wakes_many_times(enum sched_idle idle) {
    struct locals locals = {0};
    struct sched *sched = given_policy(&locals, 1, idle);
    struct test_counter ran;
    test_counter_init(&ran);
    struct counted task = {.ran = &ran};
    task_init(&task.task, &counted_ops, sched_worker_at(sched, 0));

    for (unsigned i = 1; i <= 5000; i++) {
        notify(&task.task);
        test_counter_wait(&ran, i);
    }

    end_sched(sched);
    test_counter_fini(&ran);
}

static void test_note_wakes_a_worker_each_of_many_times(void **state) {
    (void)state;
    note_wakes_many_times(SCHED_NAP);
}
static void test_note_wakes_a_worker_that_sleeps_at_once_each_of_many_times(void **state) {
    (void)state;
    note_wakes_many_times(SCHED_SLEEP);
}
static void test_note_reaches_a_worker_that_spins_each_of_many_times(void **state) {
    (void)state;
    note_wakes_many_times(SCHED_SPIN);
}

/* Two that hand a number to each other, in the word as a mailbox does, each at home on another worker. */
struct rally {
    struct sched_task task; /* first */
    struct rally *other;
    uint64_t arrived, handled;
    struct test_counter *over;
};
#define RALLY_HITS 20000u

static void rally_send(struct rally *to) {
    uint64_t word = atomic_load(&to->task.word);
    while (!atomic_compare_exchange_weak(&to->task.word, &word, (word + 2) | TASK_NOTE)) {
    }
    if (!(word & TASK_NOTE)) {
        sched_notify(&to->task);
    }
}

static bool rally_arrived(struct sched_task *task, struct sched_worker *worker) {
    struct rally *r = (struct rally *)(void *)task;
    (void)worker;
    r->arrived = atomic_fetch_and(&task->word, ~TASK_NOTE) / 2;
    return true;
}

static enum task_result rally_run(struct sched_task *task, struct sched_worker *worker) {
    struct rally *r = (struct rally *)(void *)task;
    (void)worker;
    for (; r->handled < r->arrived; r->handled++) {
        if (r->handled + 1 < RALLY_HITS) {
            rally_send(r->other);
        } else {
            test_counter_add(r->over);
        }
    }
    return TASK_IDLE;
}

/* Short idle times one after another: each polls for the other's next word, and none is lost. */
static void test_t3_words_reach_a_worker_that_polls(void **state) {
    static const struct task_ops ops = {.run = rally_run, .arrived = rally_arrived};
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 2);
    struct test_counter over;
    test_counter_init(&over);
    struct rally pair[2] = {{.other = &pair[1], .over = &over}, {.other = &pair[0], .over = &over}};
    for (unsigned i = 0; i < 2; i++) {
        task_init(&pair[i].task, &ops, sched_worker_at(sched, i));
    }

    rally_send(&pair[0]);

    test_counter_wait(&over, 1);
    end_sched(sched);
    assert_true(pair[0].handled >= RALLY_HITS - 1 && pair[1].handled >= RALLY_HITS - 1);
    test_counter_fini(&over);
}

static bool all_idle(void *context) {
    struct sched *sched = context;
    return atomic_load(&sched->idle_count) == sched_worker_count(sched);
}

/* Else one that is idle for a moment now and then would not help the others any more. */
static void test_worker_found_slow_stays_so_when_it_was_idle(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct test_counter ran;
    test_counter_init(&ran);
    struct counted task = {.ran = &ran};
    task_init(&task.task, &counted_ops, sched_worker_at(sched, 0));
    atomic_store(&sched_worker_at(sched, 0)->measure, true);

    for (unsigned i = 1; i <= 10; i++) {
        test_wait_until(all_idle, sched);
        notify(&task.task);
        test_counter_wait(&ran, i);
    }

    test_wait_until(all_idle, sched);
    assert_true(atomic_load(&sched_worker_at(sched, 0)->measure));
    end_sched(sched);
    test_counter_fini(&ran);
}

static void test_stop_wakes_sleepers(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 4);
    test_wait_until(all_idle, sched);

    sched_stop(sched);
    sched_stop(sched); /* once more changes nothing */

    sched_destroy(sched);
    assert_int_equal(locals.created, 4);
    assert_int_equal(locals.destroyed, 4);
}

static void count_wish(void *context) {
    test_counter_add(context);
}

/* The context is the counter of wishes here, and the local. */
static void *any_local(void *context, struct sched_worker *worker) {
    (void)worker;
    return context;
}

static void no_local(void *context, void *local) {
    (void)context;
    (void)local;
}

static bool ticks_end(void *context) {
    struct sched *sched = context;
    return sched_tick(sched, 12345) == SCHED_TICKS_END;
}

static void test_ticks_are_wanted_when_a_worker_wakes_and_end_when_all_are_idle(void **state) {
    (void)state;
    struct test_counter wishes;
    test_counter_init(&wishes);
    struct sched_options options = {.workers = 2,
                                    .clock = clock_system(),
                                    .local_create = any_local,
                                    .local_destroy = no_local,
                                    .ticks_wanted = count_wish,
                                    .context = &wishes};
    struct sched *sched;
    struct err err;
    assert_int_equal(sched_create(&options, &sched, &err), 0);
    assert_int_equal(sched_start(sched, &err), 0);
    struct test_counter ran;
    test_counter_init(&ran);
    struct counted task = {.ran = &ran};
    task_init(&task.task, &counted_ops, sched_worker_at(sched, 0));

    for (unsigned i = 1; i <= 50; i++) {
        test_wait_until(all_idle, sched);
        notify(&task.task);
        test_counter_wait(&ran, i);
        test_counter_wait(&wishes, i);
        test_wait_until(ticks_end, sched);
    }

    end_sched(sched);
    test_counter_fini(&ran);
    test_counter_fini(&wishes);
}

/* Workers without threads, all of which say that they are idle. */
static struct sched *given_idle(struct test_counter *wishes, unsigned workers) {
    struct sched_options options = {.workers = workers,
                                    .clock = clock_system(),
                                    .local_create = any_local,
                                    .local_destroy = no_local,
                                    .ticks_wanted = count_wish,
                                    .context = wishes};
    struct sched *sched;
    struct err err;
    test_counter_init(wishes);
    assert_int_equal(sched_create(&options, &sched, &err), 0);
    for (unsigned i = 0; i < workers; i++) {
        atomic_store(&sched_worker_at(sched, i)->idle, true);
    }
    return sched;
}

static void end_idle(struct sched *sched, struct test_counter *wishes) {
    end_sched(sched);
    test_counter_fini(wishes);
}

static void test_ticks_linger_once_when_nobody_wakes(void **state) {
    (void)state;
    struct test_counter wishes;
    struct sched *sched = given_idle(&wishes, 2);

    tick_want(sched_worker_at(sched, 0));

    assert_int_equal(test_counter_get(&wishes), 1);
    assert_int_equal(sched_tick(sched, 1), SCHED_TICKS_LINGER);
    assert_int_equal(sched_tick(sched, 2), SCHED_TICKS_END);
    end_idle(sched, &wishes);
}

static void test_short_wakes_ask_for_nothing_while_ticks_linger(void **state) {
    (void)state;
    struct test_counter wishes;
    struct sched *sched = given_idle(&wishes, 2);
    tick_want(sched_worker_at(sched, 0));
    assert_int_equal(sched_tick(sched, 1), SCHED_TICKS_LINGER);

    for (unsigned i = 0; i < 10; i++) {
        tick_want(sched_worker_at(sched, 0));
        tick_want(sched_worker_at(sched, 1));
        assert_int_equal(sched_tick(sched, 2 + i), SCHED_TICKS_LINGER);
    }

    assert_int_equal(test_counter_get(&wishes), 1);
    assert_int_equal(sched_tick(sched, 20), SCHED_TICKS_END);
    end_idle(sched, &wishes);
}

/* However all of them woke, ticks find them: else nobody would see that they are stuck. */
static void test_fc3_ticks_go_on_when_one_that_lingers_finds_all_busy(void **state) {
    (void)state;
    struct test_counter wishes;
    struct sched *sched = given_idle(&wishes, 2);
    tick_want(sched_worker_at(sched, 0));
    assert_int_equal(sched_tick(sched, 1), SCHED_TICKS_LINGER);

    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&sched_worker_at(sched, i)->idle, false);
        tick_want(sched_worker_at(sched, i));
    }

    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(sched_tick(sched, 2 + i), SCHED_TICKS_GO);
    }
    end_idle(sched, &wishes);
}

static void test_fc3_ticks_are_asked_for_anew_after_their_end(void **state) {
    (void)state;
    struct test_counter wishes;
    struct sched *sched = given_idle(&wishes, 1);
    tick_want(sched_worker_at(sched, 0));
    while (sched_tick(sched, 1) != SCHED_TICKS_END) {
    }

    tick_want(sched_worker_at(sched, 0));

    assert_int_equal(test_counter_get(&wishes), 2);
    end_idle(sched, &wishes);
}

static void test_worker_that_was_awake_for_long_asks_for_ticks_at_once(void **state) {
    (void)state;
    struct test_counter wishes;
    struct sched *sched = given_idle(&wishes, 1);
    struct sched_worker *worker = sched_worker_at(sched, 0);
    tick_want(worker);
    assert_int_equal(sched_tick(sched, 1), SCHED_TICKS_LINGER);

    worker->awake_ns = NS_PER_MS;
    tick_want(worker);
    tick_want(worker);

    assert_int_equal(test_counter_get(&wishes), 2);
    end_idle(sched, &wishes);
}

static void test_coarse_time_is_the_later_of_tick_and_clock(void **state) {
    (void)state;
    struct locals locals = {0};
    struct clock_manual clock;
    clock_manual_init(&clock, 500, 0);
    struct sched *sched = given_seeded(&locals, 1, 1, &clock.clock);
    struct sched_worker *worker = sched_worker_at(sched, 0);
    worker_read_clock(worker);

    assert_int_equal(sched_coarse_now(worker), 500);
    (void)sched_tick(sched, 900);
    assert_int_equal(sched_coarse_now(worker), 900);
    clock_manual_set(&clock, 1000);
    worker_read_clock(worker);
    assert_int_equal(sched_coarse_now(worker), 1000);

    end_sched(sched);
}

struct dated {
    struct counted counted; /* first */
    uint64_t coarse_ns;
};

static enum task_result dated_run(struct sched_task *task, struct sched_worker *worker) {
    struct dated *d = (struct dated *)(void *)task;
    d->coarse_ns = sched_coarse_now(worker);
    return counted_run(task, worker);
}

static void test_coarse_time_is_known_in_the_first_activation(void **state) {
    (void)state;
    static const struct task_ops dated_ops = {.run = dated_run, .arrived = clear_note};
    struct locals locals = {0};
    struct sched_options options = given_options(&locals, 1, clock_system());
    struct sched *sched;
    struct err err;
    assert_int_equal(sched_create(&options, &sched, &err), 0);
    struct test_counter ran;
    test_counter_init(&ran);
    struct dated task = {.counted.ran = &ran};
    task_init(&task.counted.task, &dated_ops, sched_worker_at(sched, 0));
    notify(&task.counted.task);
    uint64_t before_ns = options.clock->now(options.clock);

    assert_int_equal(sched_start(sched, &err), 0); /* it has work before it ever parks */
    test_counter_wait(&ran, 1);

    assert_true(task.coarse_ns >= before_ns);
    end_sched(sched);
    test_counter_fini(&ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note_wakes_a_worker_from_deep_sleep),
        cmocka_unit_test(test_note_wakes_a_worker_from_deep_sleep_that_slept_at_once),
        cmocka_unit_test(test_note_wakes_a_worker_from_deep_sleep_that_spun_before),
        cmocka_unit_test(test_note_wakes_a_worker_each_of_many_times),
        cmocka_unit_test(test_note_wakes_a_worker_that_sleeps_at_once_each_of_many_times),
        cmocka_unit_test(test_note_reaches_a_worker_that_spins_each_of_many_times),
        cmocka_unit_test(test_t3_words_reach_a_worker_that_polls),
        cmocka_unit_test(test_worker_found_slow_stays_so_when_it_was_idle),
        cmocka_unit_test(test_stop_wakes_sleepers),
        cmocka_unit_test(test_ticks_are_wanted_when_a_worker_wakes_and_end_when_all_are_idle),
        cmocka_unit_test(test_ticks_linger_once_when_nobody_wakes),
        cmocka_unit_test(test_short_wakes_ask_for_nothing_while_ticks_linger),
        cmocka_unit_test(test_fc3_ticks_go_on_when_one_that_lingers_finds_all_busy),
        cmocka_unit_test(test_fc3_ticks_are_asked_for_anew_after_their_end),
        cmocka_unit_test(test_worker_that_was_awake_for_long_asks_for_ticks_at_once),
        cmocka_unit_test(test_coarse_time_is_the_later_of_tick_and_clock),
        cmocka_unit_test(test_coarse_time_is_known_in_the_first_activation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
