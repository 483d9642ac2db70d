/* For tests of the scheduler: workers with a counted local, tasks that count what they are asked. */
#pragma once

#include "lib/test.h"

#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sched/sched_impl.h"

/* What the workers' owner keeps; shared by all workers. */
struct locals {
    _Atomic int created, destroyed;
    int fail_at; /* the n-th is refused; 0: none */
};

static inline void *local_create(void *context, struct sched_worker *worker) {
    struct locals *locals = context;
    (void)worker;
    if (locals->created + 1 == locals->fail_at) {
        return NULL;
    }
    locals->created++;
    return locals;
}

static inline void local_destroy(void *context, void *local) {
    struct locals *locals = context;
    assert_ptr_equal(local, locals);
    locals->destroyed++;
}

static inline struct sched_options given_options(struct locals *locals, unsigned workers,
                                                 struct clock *clock) {
    return (struct sched_options){.workers = workers,
                                  .clock = clock,
                                  .local_create = local_create,
                                  .local_destroy = local_destroy,
                                  .context = locals};
}

/* A running scheduler with threads. */
static inline struct sched *given_threads(struct locals *locals, unsigned workers) {
    struct sched_options options = given_options(locals, workers, clock_system());
    struct sched *sched;
    struct err err;
    assert_int_equal(sched_create(&options, &sched, &err), 0);
    assert_int_equal(sched_start(sched, &err), 0);
    return sched;
}

static inline struct sched *given_seeded(struct locals *locals, unsigned workers, uint64_t seed,
                                         struct clock *clock) {
    struct sched_options options = given_options(locals, workers, clock);
    options.seeded = true;
    options.seed = seed;
    struct sched *sched;
    struct err err;
    assert_int_equal(sched_create(&options, &sched, &err), 0);
    assert_int_equal(sched_start(sched, &err), 0);
    return sched;
}

static inline void end_sched(struct sched *sched) {
    sched_stop(sched);
    sched_destroy(sched);
}

/* Sets NOTE and tells the home when it was clear (T-3), as a mailbox does. [any] */
static inline void notify(struct sched_task *task) {
    if (!(atomic_fetch_or(&task->word, TASK_NOTE) & TASK_NOTE)) {
        sched_notify(task);
    }
}

/* For task_ops.arrived. */
static inline bool clear_note(struct sched_task *task, struct sched_worker *worker) {
    (void)worker;
    atomic_fetch_and(&task->word, ~TASK_NOTE);
    return true;
}
