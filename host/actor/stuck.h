/* Stuck turns (FC-3, SV-7): found, reported with their stack, moved out of the way, ended.
 *
 * The thread that drives the timers looks at each runner once a tick, however many of the workers are
 * stuck. A call of a plugin that takes longer than its actor's stuck_after is reported; its thread moves
 * off its worker (sched_seize), where another one goes on, and when it comes back the turn ends like any
 * other. With on_stuck: restart, or when the actor is to be aborted, the call is broken off where that is
 * safe (fault_break); and where it isn't, revoked: the instance ends without it, as failed, and what the
 * call may still touch is set aside until it comes back, or for ever. Threads are never cancelled. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct estate;
struct inst;
struct proc;
struct runner;
struct stuck;
struct stuck_abandoned;
struct stuck_report;

/* Of a runner; the ticking thread's. Times are of stuck_keeper.awake_ns. */
struct stuck_watch {
    uint64_t calls; /* as last seen, and since when */
    uint64_t since_ns;
    uint64_t abort_ns; /* since when its instance is to be aborted; 0: it isn't */
    struct stuck *stuck;
};

/* Of a proc. */
struct stuck_keeper {
    pthread_mutex_t gate; /* held while a gate is closed, see gate.h */

    /* the ticking thread's */
    uint64_t ticked_ns;
    uint64_t awake_ns; /* time that has passed, but for what the whole process was stopped */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct stuck_report *first, **last; /* under lock: to be written */
    struct stuck_abandoned *abandoned;  /* under lock: instances that are to end */
    unsigned waiting;                   /* under lock: reports not begun */
    bool ending, has_thread;            /* under lock */
    pthread_t thread; /* writes reports: finding names of functions takes a while */
};

void stuck_init(struct stuck_keeper *keeper);
void stuck_fini(struct stuck_keeper *keeper);
/* Writes what is left to be written. The other threads have stopped. */
void stuck_stop(struct proc *proc);
/* Each millisecond while anything runs. [one thread] */
void stuck_tick(struct proc *proc, uint64_t now_ns);
/* "stuck: ran for 2003 ms, in on_line at ...": why an actor failed. `frame` may be "". */
void stuck_text(uint64_t ran_ns, const char *frame, char *ret, size_t size);

/* The instance's turn was revoked: ends it. [home worker] */
__attribute__((cold, noinline)) void stuck_abandon(struct runner *r, struct inst *in);
/* A revoked call has come back after all: frees what was set aside, and ends the thread. */
__attribute__((cold, noinline)) _Noreturn void stuck_come_back(struct runner *r);
