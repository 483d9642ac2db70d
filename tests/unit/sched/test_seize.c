/* Seizing: what is queued at a worker goes on without the thread that is stuck in one of its tasks. */
#include "given.h"

#include <string.h>

#include "lib/wait.h"

#define WORKERS 3

/* A task that, while `blocks`, waits for `go` in each activation: as plugin code does that is stuck. */
struct job {
    struct sched_task task; /* first */
    struct test_counter entered, go, ran, arrived;
    _Atomic bool blocks;
    struct job *readies[2]; /* queued behind it, from inside its activation */
    enum task_result result;
    const void *local; /* of the last activation */
    struct sched_worker *on, *after;
    /* set by whoever seized it, before `go` */
    struct sched_worker *stray;
    bool leaves;
};

struct world {
    _Atomic int created, destroyed;
    int fail_at;
    struct sched *sched;
};

static void *world_local(void *context, struct sched_worker *worker) {
    struct world *world = context;
    (void)worker;
    if (world->created + 1 == world->fail_at) {
        return NULL;
    }
    world->created++;
    return malloc(1);
}

static void world_local_end(void *context, void *local) {
    struct world *world = context;
    world->destroyed++;
    free(local);
}

static enum task_result job_run(struct sched_task *task, struct sched_worker *worker) {
    struct job *job = (struct job *)(void *)task;
    job->local = worker->local;
    job->on = worker;
    for (unsigned i = 0; i < 2; i++) {
        if (job->readies[i]) {
            sched_ready(&job->readies[i]->task);
        }
    }
    enum task_result result = TASK_IDLE;
    if (atomic_load(&job->blocks)) {
        unsigned long times = test_counter_get(&job->entered) + 1;
        test_counter_add(&job->entered);
        test_counter_wait(&job->go, times);
        if (job->stray) {
            sched_moved(job->stray);
            if (job->leaves) {
                sched_leave(job->stray);
            }
        }
        job->after = sched_current();
        result = job->result;
    }
    test_counter_add(&job->ran);
    return result;
}

static bool job_arrived(struct sched_task *task, struct sched_worker *worker) {
    struct job *job = (struct job *)(void *)task;
    (void)clear_note(task, worker);
    assert_ptr_equal(atomic_load(&task->home), worker);
    test_counter_add(&job->arrived);
    return job->result != TASK_GONE;
}

static const struct task_ops job_ops = {.run = job_run, .arrived = job_arrived};

static void job_init(struct job *job, struct sched_worker *home, bool blocks) {
    memset(job, 0, sizeof *job);
    task_init(&job->task, &job_ops, home);
    test_counter_init(&job->entered);
    test_counter_init(&job->go);
    test_counter_init(&job->ran);
    test_counter_init(&job->arrived);
    atomic_store(&job->blocks, blocks);
    job->result = TASK_IDLE;
}

static void job_fini(struct job *job) {
    test_counter_fini(&job->entered);
    test_counter_fini(&job->go);
    test_counter_fini(&job->ran);
    test_counter_fini(&job->arrived);
}

static void given_world(struct world *world, unsigned workers) {
    struct sched_options options = {.workers = workers,
                                    .clock = clock_system(),
                                    .local_create = world_local,
                                    .local_destroy = world_local_end,
                                    .context = world};
    struct err err;
    memset(world, 0, sizeof *world);
    assert_int_equal(sched_create(&options, &world->sched, &err), 0);
    assert_int_equal(sched_start(world->sched, &err), 0);
}

static void end_world(struct world *world) {
    assert_int_equal(sched_stop(world->sched), 0);
    sched_destroy(world->sched);
    assert_int_equal(world->created, world->destroyed);
}

/* The job is inside of its activation. */
static void given_stuck(struct world *world, struct job *job, unsigned worker) {
    job_init(job, sched_worker_at(world->sched, worker), true);
    notify(&job->task);
    test_counter_wait(&job->entered, 1);
}

static void seize(struct world *world, struct job *job) {
    struct err err;
    assert_int_equal(sched_seize(world->sched, job->local, &job->task, &job->stray, &err), 0);
}

/* It comes back, and is not stuck when it runs again. */
static void release(struct job *job) {
    atomic_store(&job->blocks, false);
    test_counter_add(&job->go);
}

static bool is_reaped(void *context) {
    struct world *world = context;
    (void)sched_tick(world->sched, NS_PER_S);
    return world->created == world->destroyed + (int)sched_worker_count(world->sched);
}

static void test_fc3_whole_queue_goes_on_without_the_stuck_thread(void **state) {
    struct world world;
    struct job stuck, next, queued, noted;
    (void)state;
    given_world(&world, 1);
    struct sched_worker *worker = sched_worker_at(world.sched, 0);
    job_init(&next, worker, false);
    job_init(&queued, worker, false);
    job_init(&noted, worker, false);
    job_init(&stuck, worker, true);
    stuck.readies[0] = &queued; /* readied first, so pushed out of the run-next slot */
    stuck.readies[1] = &next;
    notify(&stuck.task);
    test_counter_wait(&stuck.entered, 1);
    notify(&noted.task);
    assert_int_equal(sched_find(world.sched, stuck.local), SCHED_POOL);

    seize(&world, &stuck);

    test_counter_wait(&next.ran, 1);
    test_counter_wait(&queued.ran, 1);
    test_counter_wait(&noted.ran, 1);
    assert_ptr_equal(next.on, worker);
    assert_ptr_not_equal(next.local, stuck.local);
    assert_int_equal(sched_find(world.sched, stuck.local), SCHED_STRAY);
    assert_int_equal(test_counter_get(&stuck.ran), 0);
    release(&stuck);
    test_counter_wait(&stuck.ran, 1);
    end_world(&world);
    job_fini(&stuck), job_fini(&next), job_fini(&queued), job_fini(&noted);
}

static void test_fc3_all_workers_stuck_at_once(void **state) {
    struct world world;
    struct job stuck[WORKERS], others[WORKERS];
    (void)state;
    given_world(&world, WORKERS);
    for (unsigned i = 0; i < WORKERS; i++) {
        given_stuck(&world, &stuck[i], i);
        job_init(&others[i], sched_worker_at(world.sched, i), false);
        notify(&others[i].task);
    }

    for (unsigned i = 0; i < WORKERS; i++) {
        seize(&world, &stuck[i]);
    }

    for (unsigned i = 0; i < WORKERS; i++) {
        test_counter_wait(&others[i].ran, 1);
        release(&stuck[i]);
        test_counter_wait(&stuck[i].ran, 1);
    }
    test_wait_until(is_reaped, &world);
    end_world(&world);
    for (unsigned i = 0; i < WORKERS; i++) {
        job_fini(&stuck[i]), job_fini(&others[i]);
    }
}

static void test_task_goes_home_when_its_activation_is_over(void **state) {
    struct world world;
    struct job stuck;
    (void)state;
    given_world(&world, 1);
    given_stuck(&world, &stuck, 0);
    struct sched_worker *worker = stuck.on;
    const void *before = stuck.local;
    seize(&world, &stuck);
    assert_ptr_equal(atomic_load(&stuck.task.home), stuck.stray);

    release(&stuck);

    test_counter_wait(&stuck.ran, 2); /* once more at home: something may have come meanwhile */
    assert_ptr_equal(stuck.after, stuck.stray);
    assert_ptr_equal(stuck.on, worker);
    assert_ptr_not_equal(stuck.local, before);
    assert_ptr_equal(atomic_load(&stuck.task.home), worker);
    notify(&stuck.task);
    test_counter_wait(&stuck.ran, 3);
    test_wait_until(is_reaped, &world);
    end_world(&world);
    job_fini(&stuck);
}

/* Noted before, while, and after ticks looked; it runs at home once it has come back. */
static void test_what_is_noted_for_a_stuck_task_waits_for_it(void **state) {
    struct world world;
    struct job stuck;
    (void)state;
    given_world(&world, 2);
    given_stuck(&world, &stuck, 1);
    notify(&stuck.task); /* lies in the inbox of the worker that is seized */
    seize(&world, &stuck);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(sched_tick(world.sched, NS_PER_S + i * NS_PER_MS));
        notify(&stuck.task); /* in that of the stray */
    }
    assert_int_equal(test_counter_get(&stuck.arrived), 1); /* before it was stuck */

    release(&stuck);

    test_counter_wait(&stuck.arrived, 2);
    test_counter_wait(&stuck.ran, 2);
    assert_ptr_equal(stuck.on, sched_worker_at(world.sched, 1));
    test_wait_until(is_reaped, &world);
    end_world(&world);
    job_fini(&stuck);
}

static void test_task_that_ends_on_a_stray_arrives_at_home_when_noted(void **state) {
    struct world world;
    struct job stuck;
    (void)state;
    given_world(&world, 1);
    given_stuck(&world, &stuck, 0);
    seize(&world, &stuck);
    notify(&stuck.task);
    stuck.result = TASK_GONE;

    release(&stuck);

    test_counter_wait(&stuck.arrived, 2); /* the inbox was what still held it */
    assert_int_equal(test_counter_get(&stuck.ran), 1);
    test_wait_until(is_reaped, &world);
    end_world(&world);
    job_fini(&stuck);
}

static void test_fc3_number_of_stuck_threads_is_bounded(void **state) {
    struct world world;
    enum { MOST = 17 };
    static struct job stuck[MOST + 1];
    struct sched_worker *stray = NULL;
    struct err err;
    (void)state;
    given_world(&world, 1);
    for (unsigned i = 0; i < MOST; i++) {
        given_stuck(&world, &stuck[i], 0);
        seize(&world, &stuck[i]);
    }
    given_stuck(&world, &stuck[MOST], 0);

    int status = sched_seize(world.sched, stuck[MOST].local, &stuck[MOST].task, &stray, &err);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_REFUSED);
    assert_string_equal(err.text, "17 threads are stuck already");
    assert_ptr_equal(atomic_load(&stuck[MOST].task.home), sched_worker_at(world.sched, 0));
    for (unsigned i = 0; i <= MOST; i++) {
        release(&stuck[i]);
    }
    for (unsigned i = 0; i <= MOST; i++) {
        test_counter_wait(&stuck[i].ran, i < MOST ? 2 : 1);
    }
    test_wait_until(is_reaped, &world);
    end_world(&world);
    for (unsigned i = 0; i <= MOST; i++) {
        job_fini(&stuck[i]);
    }
}

static void test_seizing_without_memory_changes_nothing(void **state) {
    struct world world;
    struct job stuck, other;
    struct sched_worker *stray = NULL;
    struct err err;
    (void)state;
    given_world(&world, 1);
    given_stuck(&world, &stuck, 0);
    job_init(&other, stuck.on, false);
    notify(&other.task);
    world.fail_at = 2;

    assert_int_equal(sched_seize(world.sched, stuck.local, &stuck.task, &stray, &err), -1);

    assert_int_equal(err.code, ERR_NOMEM);
    assert_int_equal(sched_find(world.sched, stuck.local), SCHED_POOL);
    world.fail_at = 0;
    seize(&world, &stuck);
    test_counter_wait(&other.ran, 1);
    release(&stuck);
    test_counter_wait(&stuck.ran, 1);
    end_world(&world);
    job_fini(&stuck), job_fini(&other);
}

static void test_stray_is_not_seized_again(void **state) {
    struct world world;
    struct job stuck;
    struct sched_worker *stray = NULL;
    struct err err;
    (void)state;
    given_world(&world, 1);
    given_stuck(&world, &stuck, 0);
    seize(&world, &stuck);

    assert_int_equal(sched_seize(world.sched, stuck.local, &stuck.task, &stray, &err), -1);

    assert_int_equal(err.code, ERR_INVALID);
    release(&stuck);
    test_counter_wait(&stuck.ran, 1);
    end_world(&world);
    job_fini(&stuck);
}

static void test_sv7_revoked_task_runs_at_home_while_its_thread_is_stuck(void **state) {
    struct world world;
    struct job stuck;
    (void)state;
    given_world(&world, 1);
    given_stuck(&world, &stuck, 0);
    const void *before = stuck.local;
    seize(&world, &stuck);
    notify(&stuck.task);
    struct sched_worker *stray = stuck.stray;
    stuck.leaves = true;
    atomic_store(&stuck.blocks, false);

    sched_revoke(stray, &stuck.task);

    test_counter_wait(&stuck.ran, 1);
    assert_ptr_not_equal(stuck.local, before);
    notify(&stuck.task);
    test_counter_wait(&stuck.ran, 2);
    release(&stuck);
    test_wait_until(is_reaped, &world);
    assert_int_equal(test_counter_get(&stuck.ran), 2); /* the late return was no end of a run */
    end_world(&world);
    job_fini(&stuck);
}

static void test_sv7_stop_leaves_revoked_threads_behind_and_counts_them(void **state) {
    struct world world;
    struct job stuck;
    (void)state;
    given_world(&world, 2);
    given_stuck(&world, &stuck, 0);
    seize(&world, &stuck);
    stuck.leaves = true;
    atomic_store(&stuck.blocks, false);
    sched_revoke(stuck.stray, &stuck.task);
    test_counter_wait(&stuck.ran, 1);

    unsigned left = sched_stop(world.sched);

    assert_int_equal(left, 1);
    assert_false(sched_reach(world.sched, stuck.local, NULL));
    release(&stuck);
    while (sched_stop(world.sched) > 0) { /* it has its way to go */
    }
    end_world(&world);
    job_fini(&stuck);
}

static void test_sv7_task_of_its_own_thread_gets_another(void **state) {
    struct world world;
    struct job stuck;
    struct sched_worker *own;
    struct err err;
    (void)state;
    given_world(&world, 1);
    job_init(&stuck, NULL, true);
    assert_int_equal(sched_dedicate(world.sched, "own", &stuck.task, &own, &err), 0);
    notify(&stuck.task);
    test_counter_wait(&stuck.entered, 1);
    assert_int_equal(sched_find(world.sched, stuck.local), SCHED_OWN);
    seize(&world, &stuck);
    stuck.leaves = true;
    atomic_store(&stuck.blocks, false);

    sched_revoke(stuck.stray, &stuck.task);

    test_counter_wait(&stuck.ran, 1);
    assert_ptr_equal(stuck.on, own);
    release(&stuck);
    while (sched_stop(world.sched) > 0) {
    }
    end_world(&world);
    job_fini(&stuck);
}

static _Atomic unsigned reached;

static void reach(pthread_t thread) {
    (void)thread;
    reached++;
}

static void test_thread_is_reached_wherever_it_moved(void **state) {
    struct world world;
    struct job stuck;
    (void)state;
    given_world(&world, 1);
    given_stuck(&world, &stuck, 0);
    reached = 0;

    assert_true(sched_reach(world.sched, stuck.local, reach));
    seize(&world, &stuck);
    assert_true(sched_reach(world.sched, stuck.local, reach));
    assert_false(sched_reach(world.sched, &world, reach));

    assert_int_equal(reached, 2);
    assert_int_equal(sched_find(world.sched, &world), SCHED_NOWHERE);
    release(&stuck);
    test_counter_wait(&stuck.ran, 1);
    end_world(&world);
    job_fini(&stuck);
}

/* Stuck again and again, while others note it and the rest of its worker: nothing is lost. */
static void test_fc3_many_times_under_fire(void **state) {
    struct world world;
    struct job stuck, other;
    enum { TIMES = 300 };
    (void)state;
    given_world(&world, 2);
    job_init(&stuck, sched_worker_at(world.sched, 0), true);
    job_init(&other, sched_worker_at(world.sched, 0), false);
    for (unsigned i = 1; i <= TIMES; i++) {
        notify(&stuck.task);
        test_counter_wait(&stuck.entered, i); /* it always runs once more at home */
        unsigned long before = test_counter_get(&other.ran);
        notify(&other.task);
        seize(&world, &stuck);
        test_counter_wait(&other.ran, before + 1);
        notify(&stuck.task);
        (void)sched_tick(world.sched, i * NS_PER_MS);
        test_counter_add(&stuck.go);
    }
    test_counter_wait(&stuck.entered, TIMES + 1);
    stuck.stray = NULL;
    atomic_store(&stuck.blocks, false);
    test_counter_add(&stuck.go);
    test_wait_until(is_reaped, &world);
    end_world(&world);
    job_fini(&stuck), job_fini(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fc3_whole_queue_goes_on_without_the_stuck_thread),
        cmocka_unit_test(test_fc3_all_workers_stuck_at_once),
        cmocka_unit_test(test_task_goes_home_when_its_activation_is_over),
        cmocka_unit_test(test_what_is_noted_for_a_stuck_task_waits_for_it),
        cmocka_unit_test(test_task_that_ends_on_a_stray_arrives_at_home_when_noted),
        cmocka_unit_test(test_fc3_number_of_stuck_threads_is_bounded),
        cmocka_unit_test(test_seizing_without_memory_changes_nothing),
        cmocka_unit_test(test_stray_is_not_seized_again),
        cmocka_unit_test(test_sv7_revoked_task_runs_at_home_while_its_thread_is_stuck),
        cmocka_unit_test(test_sv7_stop_leaves_revoked_threads_behind_and_counts_them),
        cmocka_unit_test(test_sv7_task_of_its_own_thread_gets_another),
        cmocka_unit_test(test_thread_is_reached_wherever_it_moved),
        cmocka_unit_test(test_fc3_many_times_under_fire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
