/* Workers that run, and threads that send their tasks notes. */
#include "given.h"

#include <pthread.h>

#include "lib/wait.h"

#define NOTIFIERS 8u
#define TASKS 5u
#define ASKS 20000u

/* Handles what it is asked; anyone asks. */
struct served {
    struct sched_task task;      /* first */
    _Atomic uint64_t asked;      /* by anyone, before the note */
    _Atomic uint64_t handled;    /* by the task */
    _Atomic bool running, wrong; /* T-1 */
};

static enum task_result serve(struct sched_task *task, struct sched_worker *worker) {
    struct served *s = (struct served *)(void *)task;
    bool alone = !atomic_exchange(&s->running, true);
    bool at_home = sched_current() == worker && atomic_load(&task->home) == worker;
    if (!alone || !at_home) {
        atomic_store(&s->wrong, true);
    }
    atomic_store(&s->handled, atomic_load(&s->asked));
    sched_count(worker, 1);
    atomic_store(&s->running, false);
    return TASK_IDLE;
}

static const struct task_ops serve_ops = {.run = serve, .arrived = clear_note};

static void *ask_all(void *argument) {
    struct served *served = argument;
    for (uint32_t i = 0; i < ASKS; i++) {
        struct served *s = &served[i % TASKS];
        atomic_fetch_add(&s->asked, 1);
        notify(&s->task);
        if (i % 64 == 0) {
            sched_yield(); /* lets the workers fall asleep now and then */
        }
    }
    return NULL;
}

static bool all_handled(void *context) {
    struct served *served = context;
    for (uint32_t i = 0; i < TASKS; i++) {
        if (atomic_load(&served[i].handled) != atomic_load(&served[i].asked)) {
            return false;
        }
    }
    return true;
}

static void ask_from_many_threads(const struct task_ops *ops) {
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 2);
    static struct served served[TASKS];
    for (uint32_t i = 0; i < TASKS; i++) {
        served[i] = (struct served){0};
        task_init(&served[i].task, ops, sched_worker_at(sched, i));
    }
    pthread_t threads[NOTIFIERS];

    for (uint32_t i = 0; i < NOTIFIERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all, served), 0);
    }
    for (uint32_t i = 0; i < NOTIFIERS; i++) {
        pthread_join(threads[i], NULL);
    }

    test_wait_until(all_handled, served);
    uint64_t asked = 0;
    for (uint32_t i = 0; i < TASKS; i++) {
        assert_false(atomic_load(&served[i].wrong));
        asked += atomic_load(&served[i].asked);
    }
    assert_int_equal(asked, (uint64_t)NOTIFIERS * ASKS);
    end_sched(sched);
}

static void test_t1_notes_of_many_threads_are_never_lost(void **state) {
    (void)state;
    ask_from_many_threads(&serve_ops);
}

/* A task that goes to the other worker each time it runs, under notes from outside. */
static enum task_result serve_and_move(struct sched_task *task, struct sched_worker *worker) {
    (void)serve(task, worker);
    struct served *s = (struct served *)(void *)task;
    task->pull_to = (uint16_t)(1 - worker->index);
    return atomic_load(&s->handled) < (uint64_t)NOTIFIERS * ASKS / TASKS ? TASK_MOVE : TASK_IDLE;
}

static void test_t1_moving_tasks_lose_no_note_and_run_once_at_a_time(void **state) {
    static const struct task_ops ops = {.run = serve_and_move, .arrived = clear_note};
    (void)state;
    ask_from_many_threads(&ops);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t1_notes_of_many_threads_are_never_lost),
        cmocka_unit_test(test_t1_moving_tasks_lose_no_note_and_run_once_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
