/* Getting an own-thread task out of a blocking call (TM-4). */
#include "given.h"

#include <errno.h>
#include <unistd.h>

#include "lib/wait.h"

struct blocked {
    struct sched_task task; /* first */
    struct sched *sched;
    struct sched_worker *worker;
    int pipe[2];
    _Atomic bool began, ended;
    _Atomic int number; /* errno of the read */
};

/* Blocks in a read that nobody serves, until a signal. */
static enum task_result block(struct sched_task *task, struct sched_worker *worker) {
    struct blocked *b = (struct blocked *)(void *)task;
    char c;
    atomic_store(&b->began, true);
    ssize_t size = read(b->pipe[0], &c, 1);
    atomic_store(&b->number, size < 0 ? errno : 0);
    sched_interrupted(worker);
    atomic_store(&b->ended, true);
    return TASK_IDLE;
}

static const struct task_ops block_ops = {.run = block, .arrived = clear_note};

static bool has_begun(void *context) {
    struct blocked *b = context;
    return atomic_load(&b->began);
}

static bool has_ended(void *context) {
    struct blocked *b = context;
    (void)sched_tick(b->sched, 1); /* as the I/O thread does each millisecond */
    return atomic_load(&b->ended);
}

static void given_blocked(struct blocked *b, struct sched *sched) {
    b->sched = sched;
    atomic_store(&b->began, false);
    atomic_store(&b->ended, false);
    assert_int_equal(pipe(b->pipe), 0);
    task_init(&b->task, &block_ops, NULL);
    struct err err;
    assert_int_equal(sched_dedicate(sched, "own", &b->task, &b->worker, &err), 0);
    notify(&b->task);
    test_wait_until(has_begun, b);
}

static void end_blocked(struct blocked *b) {
    close(b->pipe[0]);
    close(b->pipe[1]);
}

static void test_tm4_blocking_call_is_interrupted_whenever_it_begins(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    static struct blocked all[30];

    for (unsigned i = 0; i < 30; i++) {
        given_blocked(&all[i], sched); /* it has begun, but may be just before the call */
        sched_interrupt(sched, &all[i].task);
        test_wait_until(has_ended, &all[i]);
        assert_int_equal(atomic_load(&all[i].number), EINTR);
    }

    end_sched(sched);
    for (unsigned i = 0; i < 30; i++) {
        end_blocked(&all[i]);
    }
}

static void test_tm4_only_the_task_that_was_asked_is_interrupted(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    static struct blocked a;
    static struct blocked b;
    given_blocked(&a, sched);
    given_blocked(&b, sched);

    sched_interrupt(sched, &a.task);
    test_wait_until(has_ended, &a);

    assert_false(atomic_load(&b.ended));
    assert_int_equal(write(b.pipe[1], "x", 1), 1);
    test_wait_until(has_ended, &b);
    assert_int_equal(atomic_load(&b.number), 0);
    end_sched(sched);
    end_blocked(&a);
    end_blocked(&b);
}

static void test_tm4_stop_gets_tasks_out_of_blocking_calls(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    static struct blocked a;
    static struct blocked b;
    given_blocked(&a, sched);
    given_blocked(&b, sched);

    end_sched(sched);

    assert_int_equal(atomic_load(&a.number), EINTR);
    assert_int_equal(atomic_load(&b.number), EINTR);
    end_blocked(&a);
    end_blocked(&b);
}

static enum task_result nothing_run(struct sched_task *task, struct sched_worker *worker) {
    (void)task;
    (void)worker;
    return TASK_IDLE;
}

static void test_task_of_a_shared_worker_is_not_interrupted(void **state) {
    static const struct task_ops ops = {.run = nothing_run, .arrived = clear_note};
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct sched_task task;
    task_init(&task, &ops, sched_worker_at(sched, 0));

    sched_interrupt(sched, &task);

    assert_false(atomic_load(&sched_worker_at(sched, 0)->interrupt));
    end_sched(sched);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tm4_blocking_call_is_interrupted_whenever_it_begins),
        cmocka_unit_test(test_tm4_only_the_task_that_was_asked_is_interrupted),
        cmocka_unit_test(test_tm4_stop_gets_tasks_out_of_blocking_calls),
        cmocka_unit_test(test_task_of_a_shared_worker_is_not_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
