/* Inside of the supervisor, for the files of this folder. */
#pragma once

#include <pthread.h>

#include "sched/timer.h"
#include "supervise/supervisor.h"
#include "supervise/tree.h"

struct sup_list { /* actor numbers; owned */
    uint32_t *items;
    uint32_t count, room;
};

/* An actor or group of the plan; under the supervisor's lock. */
struct sup_actor {
    struct supervisor *sup;
    uint32_t at;
    const struct plan_actor *plan; /* lent */
    struct sup_list starts;        /* who names it in `after` */
    struct sup_list feeds;         /* cycles that it is wired into, each once, not its own */
    uint32_t cycle;
    bool begun;  /* the present life has been told to start */
    bool held;   /* it can't begin before others have ended */
    bool ready;  /* its init has succeeded once */
    bool closed; /* its slot has */

    /* a group */
    uint32_t alive;   /* lives of members, directly below */
    unsigned ends_as; /* the signal that ends it when no member lives any more; 0: none */

    uint32_t heard;          /* the life whose end was heard of last */
    struct inst_end *end;    /* of the last life, when it could be kept; owned */
    uint32_t stop_of;        /* the life that stop_timer is for */
    struct timer wait_timer; /* back-off */
    struct timer stop_timer;
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

struct sup_line {
    struct list link; /* sup_after.lines */
    enum log_level level;
    char name[160]; /* of the actor it is about; "" none */
    char text[1536];
};

/* What a step leaves to do when the lock is free. */
struct sup_after {
    struct list lines; /* sup_line.link; owned */
    const char *stop;  /* why the deployment is to end; NULL: it is not */
};

struct supervisor {
    const struct plan *plan;
    bool stays; /* see supervisor_set_stays */
    struct log *log;
    struct proc *proc;                         /* set by supervisor_start */
    struct supervisor_coordinator coordinator; /* set before */
    uint32_t count;

    pthread_mutex_t lock;
    pthread_cond_t over_changed;
    /* under lock */
    struct tree *tree;
    struct tree_actions actions; /* of the step in progress */
    struct sup_actor **actors;   /* owned, as all behind the first `planned`, which are one block */
    struct sup_actor *planned;   /* those of the plan; owned */
    struct sup_cycle *cycles;
    uint32_t cycle_count;
    uint32_t ready_count, closed_count;
    uint32_t never_ready_count; /* closed before they were */
    uint32_t held_count;
    uint32_t watching; /* cycles watched and not ended */
    bool stopping, aborting, over;
    struct supervisor_result result;
    struct timer stop_timer;
    struct timer abort_timer;
    uint64_t dead_before;
};

/* graph.c */
int sup_graph_build(struct supervisor *sup);
/* One more, behind the others, which is wired to these; it gets a cycle of its own. -1: no memory. */
int sup_graph_add(struct supervisor *sup, struct sup_actor *actor, const uint32_t *targets,
                  size_t target_count);
void sup_graph_free(struct supervisor *sup);

/* driver.c */
void sup_timers_init(struct sup_actor *actor);
void sup_orphan_failed_locked(struct supervisor *sup, const struct inst_end *end,
                              struct sup_after *after);
void sup_after_init(struct sup_after *after);
void sup_after(struct supervisor *sup, struct sup_after *after); /* without the lock */
/* with the lock held */
void sup_step_locked(struct supervisor *sup, struct tree_event *event, struct sup_after *after);
void sup_started_locked(struct supervisor *sup, uint32_t actor, struct sup_after *after);
void sup_ended_locked(struct supervisor *sup, uint32_t actor, const struct inst_end *end,
                      enum supervisor_verdict verdict, struct sup_after *after);
/* See supervisor_tell. */
void sup_remove_locked(struct supervisor *sup, uint32_t actor, struct sup_after *after);
void sup_drain_locked(struct supervisor *sup, uint32_t actor, struct sup_after *after);
void sup_abort_locked(struct supervisor *sup, uint32_t actor, struct sup_after *after);
void sup_stopping_locked(struct supervisor *sup, struct sup_after *after);
void sup_aborting_locked(struct supervisor *sup, struct sup_after *after);

/* ending.c: all with the lock held */
void sup_closed_locked(struct supervisor *sup, uint32_t actor);
void sup_look_locked(struct supervisor *sup, bool idle);
void sup_sources_locked(struct supervisor *sup);
void sup_watch_cycles_locked(struct supervisor *sup);
/* It gets one more input: as long as that is open, it does not end by itself. */
void sup_feed_locked(struct supervisor *sup, struct sup_cycle *cycle);
