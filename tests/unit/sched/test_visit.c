/* Visits: they are over when all activations are that ran when they began. */
#include "given.h"

#include "base/alloc.h"
#include "lib/wait.h"
#include "sched/visit.h"

struct busy {               /* a task that stays in its activation until it is let go */
    struct sched_task task; /* first */
    _Atomic bool runs, may_end;
};

static enum task_result run(struct sched_task *task, struct sched_worker *worker) {
    struct busy *busy = (struct busy *)(void *)task;
    (void)worker;
    atomic_store(&busy->runs, true);
    while (!atomic_load(&busy->may_end)) {
        (void)sched_yield();
    }
    return TASK_IDLE;
}

static const struct task_ops ops = {.run = run, .arrived = clear_note};

static bool runs(void *context) {
    const struct busy *busy = context;
    return atomic_load(&busy->runs);
}

static bool are_over(void *context) {
    return sched_visits_are_over(context);
}

static bool is_in(const void *local) {
    (void)local;
    return false;
}

static bool is_out(const void *local) {
    (void)local;
    return true;
}

static void test_visits_wait_for_who_is_in_an_activation(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 2);
    struct busy busy = {0};
    task_init(&busy.task, &ops, sched_worker_at(sched, 1));
    notify(&busy.task);
    test_wait_until(runs, &busy);

    struct sched_visits *visits = sched_visit(sched, is_in);
    assert_false(sched_visits_are_over(visits));

    atomic_store(&busy.may_end, true);
    test_wait_until(are_over, visits);
    sched_visits_destroy(visits);
    end_sched(sched);
}

static void dedicate(struct sched *sched, struct busy *busy) {
    struct sched_worker *worker;
    struct err err;
    task_init(&busy->task, &ops, sched_worker_at(sched, 0));
    assert_int_equal(sched_dedicate(sched, "own", &busy->task, &worker, &err), 0);
    notify(&busy->task);
    test_wait_until(runs, busy);
}

static void test_visits_wait_for_own_threads_in_code_of_the_host(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct busy busy = {0};
    dedicate(sched, &busy);

    struct sched_visits *inside = sched_visit(sched, is_in);
    struct sched_visits *outside = sched_visit(sched, is_out);

    test_wait_until(are_over, outside);
    assert_false(sched_visits_are_over(inside));
    atomic_store(&busy.may_end, true);
    test_wait_until(are_over, inside);
    sched_visits_destroy(inside);
    sched_visits_destroy(outside);
    end_sched(sched);
}

static void test_seeded_visits_are_over_at_once(void **state) {
    (void)state;
    struct locals locals = {0};
    struct clock_manual clock;
    clock_manual_init(&clock, 1, 0);
    struct sched *sched = given_seeded(&locals, 2, 7, &clock.clock);

    struct sched_visits *visits = sched_visit(sched, is_in);

    assert_true(sched_visits_are_over(visits));
    sched_visits_destroy(visits);
    end_sched(sched);
}

static void test_visits_that_nobody_waits_for_end_with_the_scheduler(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 2);
    struct sched_visits *visits = sched_visit(sched, is_in);

    sched_stop(sched);

    assert_true(sched_visits_are_over(visits));
    sched_visits_destroy(visits);
    sched_destroy(sched);
}

static void test_without_memory_nobody_is_visited(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct sched_visits *visits = NULL;
    unsigned failures = 0;

    TEST_EACH_FAILED_ALLOCATION(n, failures += !(visits = sched_visit(sched, is_in)), visits)

    assert_int_equal(failures, 2); /* the visits, the list of own threads */
    test_wait_until(are_over, visits);
    sched_visits_destroy(visits);
    end_sched(sched);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_visits_wait_for_who_is_in_an_activation),
        cmocka_unit_test(test_visits_wait_for_own_threads_in_code_of_the_host),
        cmocka_unit_test(test_seeded_visits_are_over_at_once),
        cmocka_unit_test(test_visits_that_nobody_waits_for_end_with_the_scheduler),
        cmocka_unit_test(test_without_memory_nobody_is_visited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
