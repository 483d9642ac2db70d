/* The scheduler: workers with private queues, inboxes for what comes from elsewhere, parking.
 *
 * Work stays where its data is. A task has a home worker; sending to a task of the same home touches
 * no atomic; sending to another home costs one compare-and-swap per batch plus, when the task was
 * not yet noted, one on that worker's inbox. Idle workers do not steal: a busy worker gives a queued
 * task away when an idle one asked for work and the task is dear and has waited (prototype: stealing
 * cheap chatty tasks costs a factor of three; giving only dear ones costs nothing).
 *
 * In seeded mode one thread steps all workers, chosen by a seed, under a logical clock: the same
 * code, repeatable. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/err.h"
#include "sched/fault.h"
#include "sched/task.h"

struct sched;
struct timers;

#define SCHED_WORKERS_MAX 1024

/* What a worker does that has nothing to do, before it sleeps until it is woken. */
enum sched_idle {
    SCHED_NAP,   /* short sleeps for 2 ms: the next wake-up is fast, for a little CPU time */
    SCHED_SLEEP, /* nothing: the least CPU time */
    SCHED_SPIN,  /* looks all the time for 100 ms: the fastest wake-up, for a whole core */
};

struct sched_options {
    unsigned workers; /* >= 1 */
    enum sched_idle idle;
    bool seeded;
    uint64_t seed;
    struct clock *clock;
    /* The owner's data for each worker, dedicated ones included: made before the worker runs its
     * first task, ended after its last. NULL return: no memory. */
    void *(*local_create)(void *context, struct sched_worker *worker);
    void (*local_destroy)(void *context, void *local);
    /* A worker woke up and nobody ticks: call sched_tick in a millisecond, and then as it says; also when
     * it has said something else. NULL: no ticks. Called by the worker; must not block. */
    void (*ticks_wanted)(void *context);
    void *context;
};

struct sched_worker {
    /* set at start, then constant */
    struct sched *sched;
    unsigned index; /* dedicated workers: from options.workers on */
    bool dedicated; /* belongs to one own-thread task; or a stray, see sched_seize */
    int wake_fd;    /* dedicated: readable when woken inside sched_wait; else -1 */

    /* its thread's: they change when another thread goes on here (sched_seize) */
    void *local;                /* of the owner; see sched_options */
    struct fault_thread *fault; /* for calls of plugins by this worker's thread */
    void *leave;                /* where the thread ends, see sched_leave */

    /* only the thread that runs this worker */
    struct sched_task *head, *tail; /* queue, first in first out */
    struct sched_task *next;        /* run-next slot: the task readied last, still warm */
    struct sched_task *hot;         /* came out of the inbox last, alone; polled next, see park.c */
    uint32_t next_streak;
    uint32_t run_on_most;       /* constant; 0: sched_run_on is not for this one */
    struct sched_task *running; /* a stray's: the one it was seized with */
    struct sched_task *later;   /* see sched_ready_later; NULL: none */
    uint32_t later_streak;
    uint32_t queue_length;
    uint64_t now_ns;      /* clock, read now and then */
    uint64_t coarse_ns;   /* the same, but not when it is read for a short wait */
    uint32_t read_at;     /* `done` when the clock was read */
    uint32_t short_idles; /* see park.c */
    uint64_t woke_ns; /* since when it has not been idle, and how long that was the time before */
    uint64_t awake_ns;
    bool retire;          /* dedicated: leave the loop */
    uint64_t give_after;  /* not before this time, after a give that moved nothing */
    uint64_t measured_ns; /* of activations since it was last judged by them, and their units */
    uint64_t measured_units;

    /* any thread */
    _Alignas(64) _Atomic(struct sched_task *) inbox; /* stack of noted tasks */
    /* apart: who puts something into the inbox looks at `sleeping`, and finds it unchanged mostly */
    _Alignas(64) _Atomic uint32_t sleeping; /* see sched_impl.h */
    _Atomic bool idle;      /* has nothing to do and takes gifts; dedicated: is over */
    _Atomic bool parked;    /* dedicated: has nothing to do */
    _Atomic bool interrupt; /* dedicated: is to come out of blocking calls */
    _Atomic bool measure;   /* it is slow: it reads the clock each time, while others are idle */
    /* units of work, wraps; written by this worker only. Of another line than what it reads all the time: a
     * watcher looks at it each millisecond */
    _Alignas(64) _Atomic uint32_t done;

    uint32_t done_seen; /* the watcher's, see park.c */
    pthread_t thread;
    bool has_thread;
    struct sched_worker *link; /* sched's list of dedicated workers, or strays; under its lock */

    /* strays */
    struct sched_worker *origin; /* whose thread it has; NULL: no stray. Set when it gets it */
    bool revoked;                /* its task was taken from it; under sched's lock */
    _Atomic bool over;           /* its thread ends */
};

/* Errors: NOMEM, IO (threads). */
int sched_create(const struct sched_options *options, struct sched **ret, struct err *err);
int sched_start(struct sched *sched, struct err *err); /* seeded: nothing to start */
/* Stops and joins all workers; what is still queued is not run. Returns how many threads whose task was
 * revoked did not come back: while there are any, the scheduler must not be destroyed, nor anything that
 * they may still use. Not from a worker. */
unsigned sched_stop(struct sched *sched);
void sched_destroy(struct sched *sched); /* takes NULL */

/* The worker this thread is running, or NULL. [any] */
struct sched_worker *sched_current(void);
struct sched_worker *sched_worker_at(struct sched *sched, unsigned index);
unsigned sched_worker_count(const struct sched *sched); /* without dedicated ones */
bool sched_is_seeded(const struct sched *sched);

void task_init(struct sched_task *task, const struct task_ops *ops, struct sched_worker *home);
/* Queues the task. Only on its home worker; harmless when it is queued already. */
void sched_ready(struct sched_task *task);
/* The same, by who has the home worker at hand. */
void sched_ready_here(struct sched_worker *worker, struct sched_task *task);
/* As sched_ready, but behind all that are ready by now. */
void sched_ready_last(struct sched_task *task);
/* As sched_ready, but others of the queue go first, if there are some: at the most SCHED_LATER_MOST. For what
 * is cheaper done for many at once. */
#define SCHED_LATER_MOST 64u
void sched_ready_later(struct sched_task *task);
/* Tells the task's home. The caller has just set NOTE in the word, which was clear (T-3). [any] */
void sched_notify(struct sched_task *task);

/* A worker with its own thread, for one task whose home it becomes. The task must not have run.
 * Ends with sched_retire from within its own task. Errors: NOMEM, IO, STOPPED. [any] */
int sched_dedicate(struct sched *sched, const char *name, struct sched_task *task,
                   struct sched_worker **ret, struct err *err);
void sched_retire(struct sched_worker *worker);

/* Gets the task's thread out of a blocking call, when it has a worker of its own: until that worker's
 * sched_interrupted. [any] */
void sched_interrupt(struct sched *sched, const struct sched_task *task);
static inline void sched_interrupted(struct sched_worker *worker);

struct sched_pollfd {
    int fd;
    short events, ready;
};
/* A dedicated worker's blocking wait inside an activation: until an fd is ready, something arrives in
 * the inbox, or time passes. Returns the number of ready fds, or -1 (errno): ECANCELED when the
 * scheduler stops, EINVAL for more than 16 fds. */
int sched_wait(struct sched_worker *worker, struct sched_pollfd *fds, unsigned count,
               uint64_t timeout_ns);

/* Units of work an activation may do before it makes way: messages handled plus sent. Fewer where the task
 * is known to be dear, so that it takes a fifth of a millisecond or so. Seeded mode: chosen by the seed. */
#define SCHED_BUDGET 1000u
unsigned sched_budget(struct sched_worker *worker, const struct sched_task *task);
/* The activation of `task` is over and would return TASK_IDLE: the task in the run-next slot to go on with, or the first
 * of the queue, as if the worker had called `run` with that one; NULL: return. A cheap message is spared the way out of
 * `run` and back. For who runs all tasks, while the thread is the worker's. [within run] */
struct sched_task *sched_run_on(struct sched_worker *worker, struct sched_task *task);
/* Reports work done, from within run; worker->done sums it up. */
static inline uint32_t sched_done(const struct sched_worker *worker) {
    return atomic_load_explicit(&worker->done, memory_order_relaxed);
}
static inline void sched_count(struct sched_worker *worker, uint32_t units) {
    count_add_32(&worker->done, units);
}
static inline void sched_interrupted(struct sched_worker *worker) {
    if (worker->dedicated) {
        atomic_store_explicit(&worker->interrupt, false, memory_order_relaxed);
    }
}
/* How many tasks wait in its queue. [its thread] */
static inline uint32_t sched_waiting(const struct sched_worker *worker) {
    return worker->queue_length;
}
/* The worker's idea of now: exact when it read the clock lately, never more than 32 units old. */
uint64_t sched_now(struct sched_worker *worker);
/* Reads the clock. [its thread] */
uint64_t sched_read_clock(struct sched_worker *worker);

/* The time at about which something begins now: no clock is read, at most a tick of a millisecond
 * old while ticks are given, and SCHED_LINGER_NS at the most. */
uint64_t sched_coarse_now(const struct sched_worker *worker);

/* The time as last given by sched_tick; 0: never. */
uint64_t sched_ticked(const struct sched_worker *worker);

enum sched_ticks {
    SCHED_TICKS_END,    /* all have been idle for a while: none until they are wanted again */
    SCHED_TICKS_LINGER, /* all are idle: the next one after SCHED_LINGER_NS */
    SCHED_TICKS_GO,     /* the next one after a millisecond */
};
#define SCHED_LINGER_NS (16 * NS_PER_MS)
/* The time is `now_ns`; returns when to call again. [one thread] */
enum sched_ticks sched_tick(struct sched *sched, uint64_t now_ns);

/* --- stuck threads; see seize.c ---
 *
 * Whoever looks after them is one thread, the one that ticks. Threads are known by their worker's local.
 * To seize one it must be inside a task and in code that is not the host's, and must wait on its way
 * back until it was told that it moved: how is the owner's matter. */

enum sched_place { SCHED_NOWHERE, SCHED_POOL, SCHED_OWN, SCHED_STRAY };
enum sched_place sched_find(struct sched *sched, const void *local);
/* Calls `reach` with the thread, which does not end meanwhile; false: it has ended, or all stop. */
bool sched_reach(struct sched *sched, const void *local, void (*reach)(pthread_t thread));
/* Tells the kernel that sched_barrier will be called; at once while the process has one thread, some 10 ms later. Made
 * anyway by the first sched; again, it costs nothing. False: this kernel can't. [any] */
bool sched_announce_barrier(void);
/* Whatever the process's running threads wrote before this is visible to the caller, and the other way
 * round; false: this kernel can't, and nothing may be seized. */
bool sched_barrier(struct sched *sched);

/* The thread gets a worker of its own, *ret, and becomes the home of `task`, which it is inside of; a new
 * thread goes on with its old worker and all that is queued there. When the activation is over the task
 * goes back. Errors: NOMEM, IO, REFUSED (too many), STOPPED, INVALID (a stray already). */
int sched_seize(struct sched *sched, const void *local, struct sched_task *task,
                struct sched_worker **ret, struct err *err);
/* Takes the task from a stray, whose activation thereby never ends: the old home runs it. When the
 * thread comes back, it must touch nothing of the task, and leave. */
void sched_revoke(struct sched_worker *stray, struct sched_task *task);
/* In the thread, when it comes back: it is `stray` from now on. */
void sched_moved(struct sched_worker *stray);
/* Ends the thread of a stray, from deep inside its task. */
_Noreturn void sched_leave(struct sched_worker *stray);

/* Seeded mode: steps until nothing is runnable; returns the number of activations. [one thread] */
uint64_t sched_step_all(struct sched *sched, uint64_t max_steps);
/* A number below `bound` from the seed's sequence. Seeded mode only. */
uint64_t sched_random(struct sched *sched, uint64_t bound);
