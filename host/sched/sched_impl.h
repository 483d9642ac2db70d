/* Inside of the scheduler, shared by the files of this folder only. */
#pragma once

#include <signal.h>

#include "sched/sched.h"

struct sched {
    struct sched_options options;
    struct sched_worker *workers; /* options.workers of them */
    bool started;
    bool can_seize;
    _Atomic bool stop;
    _Atomic uint32_t ticking; /* see tick.c */

    /* apart: those who fall idle write here, while what stands above is read all the time */
    _Alignas(64) _Atomic uint32_t idle_count; /* workers that take gifts */
    _Atomic bool watched;     /* an idle worker wakes now and then to look at busy ones */
    _Atomic uint64_t tick_ns; /* the time as last given by sched_tick */

    pthread_mutex_t lock;
    struct sched_worker *dedicated; /* under lock; worker.link */
    struct sched_worker *spare;     /* under lock: retired and joined, for use again; worker.link */
    unsigned next_index;            /* under lock */
    struct sched_worker *strays;    /* under lock; worker.link */
    struct sched_worker *spare_strays; /* under lock; worker.link */
    unsigned stray_count;              /* under lock */

    uint64_t random;           /* seeded mode */
    struct fault_thread fault; /* seeded mode: of the one thread */
};

/* A unit of work that takes longer is dear: to hand it over costs less than it saves. Measured. */
#define DEAR_NS 300u

/* The run-next slot is taken at most this often in a row, so that a chatting pair cannot starve the
 * queue. */
#define NEXT_STREAK_MAX 64u

/* worker.c */
void worker_enter(struct sched_worker *worker); /* makes it the thread's current one; NULL: none */
/* One activation or one look into the inbox; false when there was nothing to do. */
bool worker_step(struct sched_worker *worker);
void worker_read_clock(struct sched_worker *worker);
bool worker_has_work(struct sched_worker *worker);
void worker_collect(struct sched_worker *worker);
/* The task came out of the inbox, or was polled: into the queue, if it has something to do. */
bool worker_arrive(struct sched_worker *worker, struct sched_task *task);
/* After its thread was joined: lets go of tasks that ended while they stood in the inbox. */
void worker_settle(struct sched_worker *worker);
/* noinline: its caller calls setjmp, beside which the compiler keeps little in registers */
__attribute__((noinline)) void worker_loop(struct sched_worker *worker);
void worker_wake(struct sched_worker *worker);
void worker_push_inbox(struct sched_worker *worker, struct sched_task *task);
/* Values of worker.sleeping. */
enum {
    SLEEPING_NOT,
    SLEEPING_DEEPLY, /* in futex, until woken; a watcher for a millisecond */
    SLEEPING_POLL,   /* inside sched_wait */
    SLEEPING_SEALED, /* nobody looks into the inbox any more, who puts something in passes it on */
    SLEEPING_NAP,    /* in futex, for a moment */
};

/* sched.c */
int worker_init(struct sched_worker *worker, struct sched *sched, unsigned index, struct err *err);
void worker_end_local(struct sched_worker *worker);
void worker_fini(struct sched_worker *worker);
int worker_start(struct sched_worker *worker, const char *name, struct err *err);
void worker_join(struct sched_worker *worker);
struct fault_thread *worker_fault_create(struct err *err); /* NULL: failed */
void worker_fault_destroy(struct fault_thread *fault);     /* takes NULL */
/* dedicated.c */
void dedicated_stop(struct sched *sched); /* joins all; `stop` is set */
void dedicated_free(struct sched *sched);
/* park.c */
void park(struct sched_worker *worker);
void summon_watcher(struct sched_worker *worker);
/* interrupt.c */
void interrupt_prepare(sigset_t *blocked);
void interrupt_again(struct sched *sched);
void interrupt_thread(struct sched_worker *worker);
/* seize.c */
void seize_prepare(struct sched *sched);
void seize_pass_on(struct sched_worker *stray); /* all of its inbox */
/* The activation of a stray's task is over. */
__attribute__((cold, noinline)) void
seize_give_back(struct sched_worker *stray, struct sched_task *task, enum task_result result);
void seize_over(struct sched_worker *stray); /* the last that its thread does */
void seize_tick(struct sched *sched);
bool seize_is_busy_locked(struct sched *sched);
unsigned seize_stop(struct sched *sched);
void seize_free(struct sched *sched);
/* seeded.c */
unsigned seeded_budget(struct sched_worker *worker);
/* tick.c */
/* The worker is not idle any more. */
void tick_want(struct sched_worker *worker);
/* give.c */
void give_maybe(struct sched_worker *worker);
void give_to(struct sched_task *task, struct sched_worker *worker);
