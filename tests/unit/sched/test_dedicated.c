/* Dedicated workers: a thread for one task, its blocking wait, its end and use again. */
#include "given.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/wait.h"

/* A task that does `step` in each activation. */
struct own {
    struct sched_task task; /* first */
    enum task_result (*step)(struct own *own, struct sched_worker *worker);
    struct test_counter ran;
    struct sched_worker *worker;
    _Atomic bool leave; /* the next activation, or arrival, is the last */
    bool leave_on_arrival;
    int fd;
    uint64_t timeout_ns;
    int ready, number; /* what sched_wait said */
    short events;
    char thread[16];
    bool is_current;
};

static enum task_result own_run(struct sched_task *task, struct sched_worker *worker) {
    struct own *own = (struct own *)(void *)task;
    if (atomic_load(&own->leave)) {
        sched_retire(worker);
        return TASK_GONE;
    }
    enum task_result result = own->step ? own->step(own, worker) : TASK_IDLE;
    test_counter_add(&own->ran);
    return result;
}

static bool own_arrived(struct sched_task *task, struct sched_worker *worker) {
    struct own *own = (struct own *)(void *)task;
    (void)clear_note(task, worker);
    if (own->leave_on_arrival && atomic_load(&own->leave)) {
        sched_retire(worker);
        return false;
    }
    return true;
}

static const struct task_ops own_ops = {.run = own_run, .arrived = own_arrived};

static void own_init(struct own *own,
                     enum task_result (*step)(struct own *own, struct sched_worker *worker)) {
    memset(own, 0, sizeof *own);
    own->step = step;
    task_init(&own->task, &own_ops, NULL);
    test_counter_init(&own->ran);
}

static void own_dedicate(struct sched *sched, struct own *own) {
    struct err err;
    assert_int_equal(sched_dedicate(sched, "troupe-own-thread", &own->task, &own->worker, &err), 0);
}

static enum task_result look(struct own *own, struct sched_worker *worker) {
    (void)pthread_getname_np(pthread_self(), own->thread, sizeof own->thread);
    own->is_current = sched_current() == worker && worker == own->worker;
    return TASK_IDLE;
}

static void test_task_runs_on_a_thread_of_its_own(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 2);
    struct own own;
    own_init(&own, look);

    own_dedicate(sched, &own);
    assert_ptr_equal(atomic_load(&own.task.home), own.worker);
    assert_true(own.worker->dedicated);
    assert_int_equal(own.worker->index, 2);
    notify(&own.task);
    test_counter_wait(&own.ran, 1);

    assert_string_equal(own.thread, "troupe-own-thre"); /* the kernel keeps 15 characters */
    assert_true(own.is_current);
    end_sched(sched);
    assert_int_equal(locals.created, 3);
    assert_int_equal(locals.destroyed, 3);
    test_counter_fini(&own.ran);
}

static enum task_result wait_once(struct own *own, struct sched_worker *worker) {
    struct sched_pollfd fd = {.fd = own->fd, .events = POLLIN};
    errno = 0;
    own->ready = sched_wait(worker, &fd, own->fd >= 0 ? 1 : 0, own->timeout_ns);
    own->number = errno;
    own->events = fd.ready;
    return TASK_IDLE;
}

static bool is_waiting(void *context) {
    struct own *own = context;
    return atomic_load(&own->worker->sleeping) == 2;
}

struct waiting {
    struct locals locals;
    struct sched *sched;
    struct own own;
    int pipe[2];
};

/* A task inside sched_wait. */
static void given_waiting(struct waiting *w, uint64_t timeout_ns) {
    memset(w, 0, sizeof *w);
    assert_int_equal(pipe(w->pipe), 0);
    w->sched = given_threads(&w->locals, 1);
    own_init(&w->own, wait_once);
    w->own.fd = w->pipe[0];
    w->own.timeout_ns = timeout_ns;
    own_dedicate(w->sched, &w->own);
    notify(&w->own.task);
    if (timeout_ns == UINT64_MAX) {
        test_wait_until(is_waiting, &w->own);
    }
}

static void end_waiting(struct waiting *w) {
    end_sched(w->sched);
    test_counter_fini(&w->own.ran);
    close(w->pipe[0]);
    close(w->pipe[1]);
}

static void test_wait_ends_when_a_descriptor_is_ready(void **state) {
    (void)state;
    struct waiting w;
    given_waiting(&w, UINT64_MAX);

    assert_int_equal(write(w.pipe[1], "x", 1), 1);
    test_counter_wait(&w.own.ran, 1);

    assert_int_equal(w.own.ready, 1);
    assert_int_equal(w.own.events, POLLIN);
    end_waiting(&w);
}

static void test_wait_ends_when_something_arrives(void **state) {
    (void)state;
    struct waiting w;
    given_waiting(&w, UINT64_MAX);

    notify(&w.own.task);
    test_counter_wait(&w.own.ran, 1);

    assert_int_equal(w.own.ready, 0);
    assert_int_equal(w.own.events, 0);
    end_waiting(&w);
}

static void test_wait_ends_at_its_timeout(void **state) {
    (void)state;
    struct waiting w;
    given_waiting(&w, NS_PER_MS + 1);

    test_counter_wait(&w.own.ran, 1);

    assert_int_equal(w.own.ready, 0);
    end_waiting(&w);
}

static void test_wait_ends_when_the_scheduler_stops(void **state) {
    (void)state;
    struct waiting w;
    given_waiting(&w, UINT64_MAX);

    sched_stop(w.sched);

    assert_int_equal(test_counter_get(&w.own.ran), 1);
    assert_int_equal(w.own.ready, -1);
    assert_int_equal(w.own.number, ECANCELED);
    end_waiting(&w);
}

static enum task_result wait_for_too_many(struct own *own, struct sched_worker *worker) {
    struct sched_pollfd fds[17] = {{0}};
    own->ready = sched_wait(worker, fds, 17, 0);
    own->number = errno;
    return TASK_IDLE;
}

static bool ticks_end(void *context) {
    return !sched_tick(context, 1);
}

static void test_waiting_worker_does_not_keep_the_ticks_going(void **state) {
    (void)state;
    struct waiting w;
    given_waiting(&w, UINT64_MAX);

    test_wait_until(ticks_end, w.sched);

    assert_int_equal(test_counter_get(&w.own.ran), 0);
    end_waiting(&w);
}

static void test_wait_refuses_more_than_16_descriptors(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct own own;
    own_init(&own, wait_for_too_many);
    own_dedicate(sched, &own);

    notify(&own.task);
    test_counter_wait(&own.ran, 1);

    assert_int_equal(own.ready, -1);
    assert_int_equal(own.number, EINVAL);
    end_sched(sched);
    test_counter_fini(&own.ran);
}

static bool is_over(void *context) {
    struct own *own = context;
    return atomic_load(&own->worker->idle);
}

static void leave(struct own *own) {
    atomic_store(&own->leave, true);
    notify(&own->task);
    test_wait_until(is_over, own);
}

static void test_retired_worker_is_joined_and_used_again(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct own first;
    struct own second;
    own_init(&first, NULL);
    own_init(&second, look);
    own_dedicate(sched, &first);
    leave(&first);

    own_dedicate(sched, &second);
    assert_ptr_equal(second.worker, first.worker);
    assert_int_equal(locals.created, 3);
    assert_int_equal(locals.destroyed, 1);
    notify(&second.task);
    test_counter_wait(&second.ran, 1);

    assert_true(second.is_current);
    end_sched(sched);
    assert_int_equal(locals.destroyed, 3);
    test_counter_fini(&first.ran);
    test_counter_fini(&second.ran);
}

static void test_retired_worker_does_not_keep_the_ticks_going(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct own own;
    own_init(&own, NULL);
    own_dedicate(sched, &own);

    leave(&own);

    test_wait_until(ticks_end, sched);
    end_sched(sched);
    test_counter_fini(&own.ran);
}

/* What an ended task was still noted for arrives later, with nothing to run. */
static void test_worker_may_retire_on_arrival(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct own first;
    struct own second;
    own_init(&first, NULL);
    own_init(&second, NULL);
    first.leave_on_arrival = true;
    own_dedicate(sched, &first);
    leave(&first);

    own_dedicate(sched, &second); /* joins the first */

    assert_int_equal(locals.destroyed, 1);
    end_sched(sched);
    test_counter_fini(&first.ran);
    test_counter_fini(&second.ran);
}

static void test_stop_joins_a_retired_worker(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct own own;
    own_init(&own, NULL);
    own_dedicate(sched, &own);
    leave(&own);

    end_sched(sched);

    assert_int_equal(locals.destroyed, 2);
    test_counter_fini(&own.ran);
}

static void test_nothing_is_dedicated_after_the_stop(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    struct own own;
    own_init(&own, NULL);
    struct sched_worker *worker = NULL;
    struct err err;
    sched_stop(sched);

    assert_int_equal(sched_dedicate(sched, "late", &own.task, &worker, &err), -1);

    assert_int_equal(err.code, ERR_STOPPED);
    assert_string_equal(err.text, "thread 'late': the scheduler is stopping");
    assert_null(worker);
    assert_null(atomic_load(&own.task.home));
    sched_destroy(sched);
    assert_int_equal(locals.created, locals.destroyed);
    test_counter_fini(&own.ran);
}

static void test_refused_local_is_told_and_the_task_stays(void **state) {
    (void)state;
    struct locals locals = {.fail_at = 2};
    struct sched *sched = given_threads(&locals, 1);
    struct own own;
    own_init(&own, NULL);
    struct sched_worker *worker = NULL;
    struct err err;

    assert_int_equal(sched_dedicate(sched, "poor", &own.task, &worker, &err), -1);

    assert_int_equal(err.code, ERR_NOMEM);
    assert_string_equal(err.text, "thread 'poor': worker 1");
    assert_null(atomic_load(&own.task.home));
    end_sched(sched);
    test_counter_fini(&own.ran);
}

static void test_seeded_dedicated_worker_is_stepped_with_the_others(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_seeded(&locals, 2, 3, clock_system());
    struct own own;
    own_init(&own, look);
    own_dedicate(sched, &own);

    notify(&own.task);
    assert_int_equal(sched_step_all(sched, UINT64_MAX), 1);

    assert_int_equal(test_counter_get(&own.ran), 1);
    assert_true(own.is_current);
    end_sched(sched);
    test_counter_fini(&own.ran);
}

/* Threads that come and go while others note their tasks up to the last moment. */
#define LIVES 300u

struct teaser {
    struct own *own;
    _Atomic uint32_t life;
    _Atomic bool stop;
    pthread_t thread;
};

static void *tease(void *argument) {
    struct teaser *t = argument;
    while (!atomic_load(&t->stop)) {
        uint64_t word = atomic_load(&t->own->task.word);
        /* as a mailbox: an open one may be noted (2: closed) */
        while (!(word & 2) &&
               !atomic_compare_exchange_weak(&t->own->task.word, &word, word | TASK_NOTE)) {
        }
        if (!(word & 3)) {
            sched_notify(&t->own->task);
        }
    }
    return NULL;
}

/* Closes after some runs; ends at once, or when the note that is still out arrives. */
static enum task_result close_after_ten(struct sched_task *task, struct sched_worker *worker) {
    struct own *own = (struct own *)(void *)task;
    test_counter_add(&own->ran);
    if (test_counter_get(&own->ran) % 10 != 0) {
        return TASK_IDLE;
    }
    uint64_t word = atomic_fetch_or(&task->word, 2);
    if (!(word & TASK_NOTE)) {
        sched_retire(worker);
    }
    return TASK_GONE;
}

static bool end_on_arrival(struct sched_task *task, struct sched_worker *worker) {
    if (atomic_fetch_and(&task->word, ~TASK_NOTE) & 2) {
        sched_retire(worker);
        return false;
    }
    return true;
}

static void test_threads_come_and_go_under_notes(void **state) {
    static const struct task_ops ops = {.run = close_after_ten, .arrived = end_on_arrival};
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);
    static struct own own;
    own_init(&own, NULL);
    own.task.ops = &ops;
    atomic_store(&own.task.word, 2);
    struct teaser t = {.own = &own};
    assert_int_equal(pthread_create(&t.thread, NULL, tease, &t), 0);

    for (unsigned life = 0; life < LIVES; life++) {
        own.task.queued = false;
        own_dedicate(sched, &own);
        atomic_store(&own.task.word, 0); /* open */
        test_wait_until(is_over, &own);
    }

    atomic_store(&t.stop, true);
    pthread_join(t.thread, NULL);
    end_sched(sched);
    assert_int_equal(test_counter_get(&own.ran), 10 * LIVES);
    assert_int_equal(locals.created, 1 + LIVES);
    assert_int_equal(locals.destroyed, 1 + LIVES);
    test_counter_fini(&own.ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_runs_on_a_thread_of_its_own),
        cmocka_unit_test(test_wait_ends_when_a_descriptor_is_ready),
        cmocka_unit_test(test_wait_ends_when_something_arrives),
        cmocka_unit_test(test_wait_ends_at_its_timeout),
        cmocka_unit_test(test_wait_ends_when_the_scheduler_stops),
        cmocka_unit_test(test_waiting_worker_does_not_keep_the_ticks_going),
        cmocka_unit_test(test_wait_refuses_more_than_16_descriptors),
        cmocka_unit_test(test_retired_worker_is_joined_and_used_again),
        cmocka_unit_test(test_retired_worker_does_not_keep_the_ticks_going),
        cmocka_unit_test(test_worker_may_retire_on_arrival),
        cmocka_unit_test(test_stop_joins_a_retired_worker),
        cmocka_unit_test(test_nothing_is_dedicated_after_the_stop),
        cmocka_unit_test(test_refused_local_is_told_and_the_task_stays),
        cmocka_unit_test(test_seeded_dedicated_worker_is_stepped_with_the_others),
        cmocka_unit_test(test_threads_come_and_go_under_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
