/* Drives a stress run: seeded in this thread, or with threads under a watch. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "actor/proc.h"
#include "lib/app/stress_impl.h"
#include "lib/test.h"
#include "sched/sched.h"
#include "sched/timer.h"

/* Longer than any machine takes for one step; a run that handles nothing for so long is stuck. */
#define PATIENCE_S 60
/* In the logical time of a seeded run. */
#define SEEDED_LIMIT_NS (100000 * NS_PER_S)
#define STEPS 50u

static void stop(struct stress_case *c) {
    deploy_stop(c->deploy);
}

/* Some steps; when nothing is runnable, the clock goes to the next timer. False: nothing is left. */
static bool step_some(struct stress_case *c) {
    struct proc *proc = deploy_proc(c->deploy);
    struct timers *timers = proc_timers(proc);
    struct clock_manual *clock = (struct clock_manual *)(void *)proc_clock(proc);
    if (sched_step_all(proc_sched(proc), STEPS) > 0) {
        return true;
    }
    uint64_t next_ns = timers_next(timers);
    if (next_ns > SEEDED_LIMIT_NS) {
        return false;
    }
    if (next_ns > proc_clock(proc)->now(proc_clock(proc))) {
        clock_manual_set(clock, next_ns);
    }
    (void)timers_run(timers, proc_clock(proc)->now(proc_clock(proc)));
    return true;
}

/* Of messages, or of lives: those who start again for ever would go on until they are stopped. */
static bool ledger_is_full(const struct ledger *ledger) {
    return atomic_load(&ledger->messages) >= ledger->message_max ||
           atomic_load(&ledger->lives) >= LEDGER_LIVES;
}

void stress_drive_seeded(struct stress_case *c) {
    bool going = true;
    c->ledger->stop_fd = -1;
    while (going && c->graph.stop_at && atomic_load(&c->ledger->handled) < c->graph.stop_at &&
           !ledger_is_full(c->ledger) && !supervisor_is_over(deploy_supervisor(c->deploy))) {
        going = step_some(c);
    }
    if (c->graph.stop_at) {
        stop(c);
    }
    if (c->graph.end == STRESS_IS_ABORTED) {
        (void)step_some(c);
        supervisor_abort(deploy_supervisor(c->deploy));
    }
    (void)deploy_step(c->deploy, SEEDED_LIMIT_NS);
    if (!supervisor_is_over(deploy_supervisor(c->deploy))) {
        stress_fail(c, "nothing is left to do, and it has not ended");
    }
    supervisor_result(deploy_supervisor(c->deploy), &c->result);
}

struct waiter {
    struct stress_case *c;
    int fd;
};

static void *wait_for_end(void *argument) {
    struct waiter *waiter = argument;
    deploy_wait(waiter->c->deploy, &waiter->c->result);
    (void)!write(waiter->fd, "e", 1);
    return NULL;
}

static uint64_t progress(struct stress_case *c) {
    struct proc_totals totals;
    proc_totals(deploy_proc(c->deploy), &totals);
    return totals.handled + totals.sent + totals.dead_letters + totals.late_replies;
}

/* The next byte from the pipe: '!' when it is time to stop, 'e' at the end. */
static char next_event(struct stress_case *c, int fd) {
    uint64_t before = progress(c);
    unsigned idle = 0;
    for (;;) {
        struct pollfd look = {.fd = fd, .events = POLLIN};
        int ready = poll(&look, 1, c->was_told || !c->graph.stop_at ? 1000 : 100);
        char event;
        if (ready > 0 && read(fd, &event, 1) == 1) {
            return event;
        }
        if (ready < 0 && errno != EINTR) {
            stress_fail(c, "cannot poll");
        }
        uint64_t now = progress(c);
        idle = now == before ? idle + 1 : 0;
        before = now;
        if (idle >= 2 && c->graph.stop_at && !c->was_told) {
            return '!'; /* it waits for the stop: in a back-off, or without a source */
        }
        if (idle >= PATIENCE_S) {
            stress_fail(c, "nothing has happened for %d s, and it has not ended", PATIENCE_S);
        }
    }
}

void stress_drive_threads(struct stress_case *c) {
    int fds[2];
    pthread_t thread;
    assert_int_equal(pipe(fds), 0);
    struct waiter waiter = {c, fds[1]};
    c->ledger->stop_fd = fds[1];
    c->ledger->stop_at = c->graph.stop_at;
    struct err err;
    if (deploy_start(c->deploy, &err) < 0) {
        stress_fail(c, "%s", err.text);
    }
    assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &waiter), 0);
    if (next_event(c, fds[0]) == '!') {
        c->was_told = true;
        stop(c);
        if (c->graph.end == STRESS_IS_ABORTED) {
            supervisor_abort(deploy_supervisor(c->deploy));
        }
        while (next_event(c, fds[0]) != 'e') {
        }
    }
    pthread_join(thread, NULL);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
