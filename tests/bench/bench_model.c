/* A MODEL, not a measurement: how work spreads over many workers by the rules of host/sched/give.c and
 * park.c, and what tables and memory ten million actors take. It knows rules and prices, no caches, no
 * hypervisor, no messages between actors; what it says of 64 workers nobody has seen on 64 cores.
 *
 * usage: bench_model [WORKERS [BYTES_OF_AN_IDLE_ACTOR]]
 * Time goes by events: each worker has a queue; an activation takes a task's backlog, at most the
 * budget, times its price; after it, when the watcher has asked (each millisecond), the oldest queued
 * task goes to the first idle worker, when it is old and dear enough; that one needs a wake-up. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "route/wire.h"
#include "sched/sched.h"

#define WORKERS_MAX 1024
#define TASKS_MAX 16384

/* The rules of give.c and park.c. */
#define GIVE_AGE_US 100.0
#define GIVE_COST_US 0.3
#define WATCH_US 1000.0
/* Prices as measured on two cores: a wake-up, and a line that another core has written. */
#define WAKE_US 20.0
#define LINE_US 0.2

struct model_task {
    double queued_at;
    int next;
};

struct model_worker {
    int head, tail, length;
    double free_at; /* idle: when it will have woken up, if anybody woke it */
    double give_after, busy_us;
    bool idle, woken;
};

struct model {
    int workers;
    double unit_us; /* of each message, always more of them waiting than `backlog` */
    int backlog;
    struct model_worker worker[WORKERS_MAX];
    struct model_task task[TASKS_MAX];
    long gives, piled, looks;
};

static struct model model;

static void add(struct model *m, int worker, int task, double now) {
    struct model_worker *w = &m->worker[worker];
    m->task[task] = (struct model_task){.queued_at = now, .next = -1};
    if (w->length++ > 0) {
        m->task[w->tail].next = task;
    } else {
        w->head = task;
    }
    w->tail = task;
}

static int take(struct model *m, int worker) {
    struct model_worker *w = &m->worker[worker];
    int task = w->head;
    w->head = m->task[task].next;
    w->length--;
    return task;
}

static int find_idle(struct model *m) {
    for (int i = 0; i < m->workers; i++) {
        m->looks++;
        if (m->worker[i].idle) {
            return i;
        }
    }
    return -1;
}

static void give_maybe(struct model *m, int worker, double now) {
    struct model_worker *w = &m->worker[worker];
    if (w->length < 2 || now < w->give_after) {
        return;
    }
    bool due = now - m->task[w->head].queued_at > GIVE_AGE_US && m->unit_us > GIVE_COST_US;
    int idle = due ? find_idle(m) : -1;
    if (idle < 0) {
        w->give_after = now + GIVE_AGE_US;
        return;
    }
    struct model_worker *to = &m->worker[idle];
    m->gives++;
    m->piled += to->woken; /* somebody gave to it a moment ago: it has work, and still says idle */
    add(m, idle, take(m, worker), now);
    if (!to->woken) {
        to->woken = true;
        to->free_at = now + WAKE_US;
    }
}

/* One activation of the worker; it is free again at the time that is left in free_at. */
static void step(struct model *m, int worker) {
    struct model_worker *w = &m->worker[worker];
    double now = w->free_at;
    w->idle = w->woken = false;
    if (w->length == 0) {
        w->idle = true;
        w->free_at = 1e18;
        return;
    }
    int task = take(m, worker);
    int units = m->backlog < (int)SCHED_BUDGET ? m->backlog : (int)SCHED_BUDGET;
    double spent = units * m->unit_us;
    w->free_at = now + spent;
    w->busy_us += spent;
    add(m, worker, task, w->free_at);
    if (w->free_at > WATCH_US) {
        give_maybe(m, worker, w->free_at);
    }
}

static int earliest(const struct model *m) {
    int found = 0;
    for (int i = 1; i < m->workers; i++) {
        found = m->worker[i].free_at < m->worker[found].free_at ? i : found;
    }
    return found;
}

static int count_working(const struct model *m) {
    int working = 0;
    for (int i = 0; i < m->workers; i++) {
        working += m->worker[i].length > 0 && !m->worker[i].woken;
    }
    return working;
}

/* All tasks begin on the first `loaded` workers. */
static void spread(int workers, int tasks, int loaded, double unit_us, int backlog) {
    const double end_us = 1e6;
    struct model *m = &model;
    memset(m, 0, sizeof *m);
    m->workers = workers;
    m->unit_us = unit_us;
    m->backlog = backlog;
    for (int i = 0; i < tasks; i++) {
        add(m, i % loaded, i, 0);
    }
    int most = tasks < workers ? tasks : workers;
    double spread_us = -1;
    for (int at; m->worker[at = earliest(m)].free_at < end_us;) {
        double now = m->worker[at].free_at;
        step(m, at);
        if (spread_us < 0 && count_working(m) >= most * 95 / 100) {
            spread_us = now;
        }
    }
    double busy_us = 0;
    int longest = 0;
    for (int i = 0; i < workers; i++) {
        busy_us += m->worker[i].busy_us;
        longest = m->worker[i].length > longest ? m->worker[i].length : longest;
    }
    (void)printf("%6d %6d %8.1f %8d ", tasks, loaded, unit_us, backlog);
    if (spread_us < 0) {
        (void)printf("%10s", "never");
    } else {
        (void)printf("%10.1f", spread_us / 1e3);
    }
    (void)printf(" %9.0f %8ld %7ld %9d %10.2f\n", busy_us / (end_us * most) * 100, m->gives,
                 m->piled, longest, (double)m->looks * LINE_US / (end_us * workers) * 100);
}

static void print_spread(int workers) {
    static const struct {
        double unit_us;
        int backlog;
    } loads[] = {{3, 10}, {3, 125}, {3, 1000}, {30, 1000}};
    (void)printf("MODEL of %d workers, a second of it; a task always has a backlog\n\n"
                 "%6s %6s %8s %8s %10s %9s %8s %7s %9s %10s\n",
                 workers, "tasks", "on", "us each", "backlog", "spread ms", "of best%", "given",
                 "piled", "longest", "looking%");
    for (unsigned i = 0; i < sizeof loads / sizeof *loads; i++) {
        spread(workers, workers, 1, loads[i].unit_us, loads[i].backlog);
        spread(workers, 10 * workers, 1, loads[i].unit_us, loads[i].backlog);
        spread(workers, 10 * workers, workers / 2, loads[i].unit_us, loads[i].backlog);
    }
    (void)printf(
        "\nspread: until 95 of 100 workers work; of best: of the work they could do; piled: gifts\n"
        "to one that had got one and not woken yet; longest: queue at the end; looking: for idle\n"
        "workers, as lines of other cores at %g us\n",
        LINE_US);
}

static void print_tables(int workers, double actor_bytes) {
    const double actors = 1e7;
    (void)printf("\nCALCULATION for ten million actors\n\n");
    (void)printf(
        "instances that can live at a time     %8.1f million: so many cells the table takes\n",
        (double)CELLS_MOST / 1e6);
    (void)printf(
        "actors, idle                         %8.1f GB at %g bytes, %zu of them the cell\n",
        actors * actor_bytes / 1e9, actor_bytes, sizeof(struct inst));
    (void)printf("one wire each                        %8.1f GB: port, wire, target\n",
                 actors * (sizeof(struct port) + sizeof(struct wire) + sizeof(struct wire_target)) /
                     1e9);
    for (double pool = 100; pool <= 10000; pool *= 10) {
        (void)printf(
            "a pool of %5.0f wired to one as large %8.3f GB of targets: each sender has all\n",
            pool, pool * pool * sizeof(struct wire_target) / 1e9);
    }
    (void)printf(
        "a look at each worker (watcher, giver) %6.1f us, each ms by one of %d, when all lines "
        "are others'\n",
        workers * LINE_US, workers);
    (void)printf(
        "one inbox, all others noting into it %8.1f million a second: a line changes hands each "
        "time\n",
        1 / LINE_US);
    (void)printf(
        "summing counters over all actors     %8.1f s, a line each: not to be done each second\n",
        actors * LINE_US / 1e6);
}

int main(int argc, char **argv) {
    long workers = argc > 1 ? strtol(argv[1], NULL, 10) : 64;
    double bytes = argc > 2 ? strtod(argv[2], NULL) : 300;
    if (workers < 2 || workers > WORKERS_MAX || bytes <= 0) {
        (void)fprintf(stderr, "usage: bench_model [WORKERS [BYTES]]: 2 to %d workers\n",
                      WORKERS_MAX);
        return 2;
    }
    print_spread((int)workers);
    print_tables((int)workers, bytes);
    return 0;
}
