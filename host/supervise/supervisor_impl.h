/* Inside of the supervisor, for the files of this folder. */
#pragma once

#include <pthread.h>

#include "sched/timer.h"
#include "supervise/supervisor.h"

struct sup_list { /* actor numbers; owned */
    uint32_t *items;
    uint32_t count, room;
};

struct sup_actor {
    uint32_t waits_for;     /* actors named in `after` that are not ready yet */
    struct sup_list starts; /* who waits for it */
    struct sup_list feeds;  /* cycles that it is wired into, each once, not its own */
    uint32_t cycle;
    bool started, ready, closed;
};

/* A strongly connected component of the wires; mostly a single actor. */
struct sup_cycle {
    struct sup_list members;
    uint32_t open_inputs; /* actors outside of it that are wired into it and have not closed */
    bool is_cycle;
    bool stay;    /* when_inputs_end: stay */
    bool watched; /* it ends when all its members and their children are quiet */
    bool alive;   /* timers and watches of its own keep it from being quiet */
    bool ended;   /* drain was signalled */
    uint32_t look_in,
        look_every; /* ticks until the next look at a busy cycle, and after that one */
};

struct supervisor {
    const struct plan *plan;
    struct log *log;
    struct proc *proc; /* set by supervisor_start */
    uint32_t count;

    pthread_mutex_t lock;
    pthread_cond_t over_changed;
    /* under lock */
    struct sup_actor *actors;
    struct sup_cycle *cycles;
    uint32_t cycle_count;
    uint32_t ready_count;
    uint32_t watching; /* cycles watched and not ended */
    bool stopping, aborting, over;
    struct supervisor_result result;
    struct timer stop_timer;
    struct timer abort_timer;
    uint64_t dead_before;
};

/* graph.c */
int sup_graph_build(struct supervisor *sup);
void sup_graph_free(struct supervisor *sup);

/* ending.c: all with the lock held */
void sup_closed_locked(struct supervisor *sup, uint32_t actor);
void sup_look_locked(struct supervisor *sup, bool idle);
void sup_sources_locked(struct supervisor *sup);
void sup_watch_cycles_locked(struct supervisor *sup);
