/* Every thread that runs turns has a stack for signals of its own, as long as it runs them. */
#include "given.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "lib/wait.h"

#define STACK_LEAST ((size_t)64 * 1024)

struct asking {
    struct sched_task task; /* first */
    stack_t stack;
    bool is_on_it;
    _Atomic bool leave;
    struct test_counter ran;
};

static enum task_result asking_run(struct sched_task *task, struct sched_worker *worker) {
    struct asking *asking = (struct asking *)(void *)task;
    char here;
    if (atomic_load(&asking->leave)) {
        sched_retire(worker);
        test_counter_add(&asking->ran);
        return TASK_GONE;
    }
    (void)sigaltstack(NULL, &asking->stack);
    asking->is_on_it = &here >= (char *)asking->stack.ss_sp &&
                       &here < (char *)asking->stack.ss_sp + asking->stack.ss_size;
    test_counter_add(&asking->ran);
    return TASK_IDLE;
}

static const struct task_ops asking_ops = {.run = asking_run, .arrived = clear_note};

static void asking_init(struct asking *asking, struct sched_worker *home) {
    memset(asking, 0, sizeof *asking);
    task_init(&asking->task, &asking_ops, home);
    test_counter_init(&asking->ran);
}

static void assert_has_stack(const struct asking *asking) {
    assert_int_equal(asking->stack.ss_flags & SS_DISABLE, 0);
    assert_true(asking->stack.ss_size >= STACK_LEAST + (size_t)sysconf(_SC_MINSIGSTKSZ));
    assert_false(asking->is_on_it);
}

static bool is_skipped(void) {
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
    }
    return !fault_is_contained();
}

static void test_fc2_pool_workers_have_stacks_for_signals(void **state) {
    (void)state;
    struct locals locals = {0};
    struct asking asking[4];
    if (is_skipped()) {
        return;
    }
    struct sched *sched = given_threads(&locals, 4);

    for (unsigned i = 0; i < 4; i++) {
        asking_init(&asking[i], sched_worker_at(sched, i));
        notify(&asking[i].task);
    }
    for (unsigned i = 0; i < 4; i++) {
        test_counter_wait(&asking[i].ran, 1);
    }
    end_sched(sched);

    for (unsigned i = 0; i < 4; i++) {
        assert_has_stack(&asking[i]);
        for (unsigned j = 0; j < i; j++) {
            assert_ptr_not_equal(asking[i].stack.ss_sp, asking[j].stack.ss_sp);
        }
    }
}

static void test_fc2_threads_of_one_task_have_stacks_for_signals(void **state) {
    (void)state;
    struct locals locals = {0};
    struct asking asking;
    struct sched_worker *worker;
    struct err err;
    if (is_skipped()) {
        return;
    }
    struct sched *sched = given_threads(&locals, 1);

    /* the second takes over what the first has left */
    for (unsigned i = 0; i < 2; i++) {
        asking_init(&asking, NULL);
        assert_int_equal(sched_dedicate(sched, "own", &asking.task, &worker, &err), 0);
        notify(&asking.task);
        test_counter_wait(&asking.ran, 1);
        assert_has_stack(&asking);
        atomic_store(&asking.leave, true);
        notify(&asking.task);
        test_counter_wait(&asking.ran, 2);
    }
    end_sched(sched);
}

static void test_fc2_seeded_runner_lends_its_thread_a_stack_for_signals(void **state) {
    (void)state;
    static char own_room[128 * 1024];
    const stack_t own = {.ss_sp = own_room, .ss_size = sizeof own_room};
    struct clock_manual clock;
    struct locals locals = {0};
    struct asking asking;
    stack_t before;
    stack_t after;
    if (is_skipped()) {
        return;
    }
    assert_int_equal(sigaltstack(&own, &before), 0);
    clock_manual_init(&clock, 0, 0);
    struct sched *sched = given_seeded(&locals, 2, 1, &clock.clock);
    asking_init(&asking, sched_worker_at(sched, 1));
    notify(&asking.task);

    (void)sched_step_all(sched, 10);

    assert_has_stack(&asking);
    assert_ptr_not_equal(asking.stack.ss_sp, own_room);
    assert_int_equal(sigaltstack(&before, &after), 0);
    assert_ptr_equal(after.ss_sp, own_room); /* the caller has its own back */
    end_sched(sched);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fc2_pool_workers_have_stacks_for_signals),
        cmocka_unit_test(test_fc2_threads_of_one_task_have_stacks_for_signals),
        cmocka_unit_test(test_fc2_seeded_runner_lends_its_thread_a_stack_for_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
