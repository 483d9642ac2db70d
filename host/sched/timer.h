/* Timers: any number of them, fired in order of their due times by whoever runs them.
 *
 * I-1  starting and stopping allocate nothing and can't fail: the links lie in the timer.
 * I-2  due timers fire in order of due time, ties in the order they were started.
 * I-3  after timers_stop() has returned, fire is not running and will not run, unless the timer was
 *      started again.
 * I-4  fire is called without the lock: it may start and stop any timer, free its own, and take locks
 *      that are not held around timers_stop().
 *
 * A pairing heap: a start is one comparison, and so is stopping a timer that never became the
 * earliest, which is the fate of nearly every deadline. Given a manual clock, all is deterministic.
 *
 * May run at the same time:   start  stop  next  run
 *   start, stop, next  [any]   yes    yes   yes   yes
 *   run    [one thread]        yes    yes   yes   no     */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define TIMER_NEVER UINT64_MAX

/* Lies in the object that it times; zero-filled plus `fire` is a timer at rest. */
struct timer {
    void (*fire)(struct timer *timer, uint64_t now_ns);

    /* the timers', under their lock */
    uint64_t due_ns;
    uint64_t order; /* of the start, for ties */
    struct timer *child, *next;
    struct timer *previous; /* the parent, for its first child */
    bool pending;
};

struct timers {
    /* set at init, then constant */
    struct clock *clock; /* lent */

    /* set before the first start from another thread */
    void (*earlier)(void *context);
    void *earlier_context;

    /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t fired;
    struct timer *root;
    uint64_t order;
    struct timer *firing; /* compared only: fire may have freed it */
    bool running;
    pthread_t runner; /* while running */
};

void timers_init(struct timers *ts, struct clock *clock);
/* Timers still pending are forgotten. */
void timers_fini(struct timers *ts);
/* `earlier` is told, without the lock, that the next due time has become an earlier one; it asks
 * timers_next() for it. Not told: of a later one, nor in the thread that is inside timers_run(). */
void timers_watch(struct timers *ts, void (*earlier)(void *context), void *context);

/* Fires once at `due_ns` of the clock; a pending timer is moved. A due time in the past fires at the
 * next run. [any] */
void timers_start(struct timers *ts, struct timer *timer, uint64_t due_ns);
/* The same, `delay_ns` from now; TIMER_NEVER and all that overflows is never. [any] */
void timers_start_in(struct timers *ts, struct timer *timer, uint64_t delay_ns);
/* Waits for a firing in progress, unless called from fire itself; true: it was pending. [any] */
bool timers_stop(struct timers *ts, struct timer *timer);
/* When the earliest is due; TIMER_NEVER when none is pending. [any] */
uint64_t timers_next(struct timers *ts);
/* Fires what is due at `now_ns`, and returns timers_next(). A timer started by a fire waits for the
 * next run even if it is due, so that a run ends; then the returned time is not after now_ns. */
uint64_t timers_run(struct timers *ts, uint64_t now_ns);
