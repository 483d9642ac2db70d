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
    uint32_t parent;               /* its group; PLAN_NONE: a root */
    const uint32_t *after;         /* whom it starts after; the plan's, or owned (has_own_after) */
    size_t after_count;
    bool has_own_after;
    bool by_hand;           /* a root that was added alone: */
    struct sup_list aims;   /* whom it is wired to */
    struct sup_list starts; /* who names it in `after` */
    struct sup_list feeds;  /* cycles that it is wired into, each once, not its own */
    uint32_t cycle;
    bool is_vacant; /* it is nobody's, and has closed: its number is free */
    bool joins;     /* it is being added just now */
    bool leaving;   /* it ends as soon as nobody who leaves, too, is wired to it any more */
    bool on_trial; /* it was added, and has not been ready yet: its failure takes the change back */
    bool begun;    /* the present life has been told to start */
    bool held;     /* it can't begin before others have ended */
    bool ready;    /* its init has succeeded once */
    bool closed;   /* its slot has */

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
    bool has_inputs; /* somebody is, or was, wired into it who is not leaving before it */
    bool leaving;    /* its members are */
    bool stay;       /* when_inputs_end: stay */
    bool watched;    /* it ends when all its members and their children are quiet */
    bool alive;      /* timers and watches of its own keep it from being quiet */
    bool ended;      /* drain was signalled */
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
    pthread_cond_t heard; /* on CLOCK_MONOTONIC: of `heard_of` */
    /* under lock */
    struct tree *tree;
    const struct manifest *manifest; /* whose policies hold; lent */
    struct tree_actions actions;     /* of the step in progress */
    struct sup_actor **actors; /* owned, as all behind the first `planned`, which are one block */
    struct sup_actor *planned; /* those of the plan; owned */
    struct sup_cycle *cycles;
    uint32_t cycle_count;
    uint32_t ready_count, closed_count;
    uint32_t never_ready_count; /* closed before they were */
    uint32_t held_count;
    uint32_t watching; /* cycles watched and not ended */
    bool stopping, aborting, over;
    bool between;      /* the cycles are those of two plans */
    uint64_t heard_of; /* counts what supervisor_wait_heard waits for */
    struct inst_end
        trial; /* the first that failed on trial since the last change; failed: there is one */
    struct supervisor_result result;
    struct timer stop_timer;
    struct timer abort_timer;
    uint64_t dead_before;
};

/* graph.c */
int sup_graph_build(struct supervisor *sup);
int sup_list_add(struct sup_list *list, uint32_t item); /* -1: no memory */
/* regraph.c */
/* The graph of other wires: those of the change, and of roots that were added alone. -1: no memory, nothing has
 * changed. */
int sup_regraph(struct supervisor *sup, const struct supervisor_change *change);
/* One more, behind the others, which is wired to these; it gets a cycle of its own. -1: no memory. */
int sup_graph_add(struct supervisor *sup, struct sup_actor *actor, const uint32_t *targets,
                  size_t target_count);
void sup_graph_free(struct supervisor *sup);
void sup_actor_free_parts(struct sup_actor *actor);

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
/* Without a life, and nothing is queued. */
bool sup_is_idle_locked(const struct supervisor *sup, uint32_t actor);
void sup_drain_locked(struct supervisor *sup, uint32_t actor, struct sup_after *after);
void sup_abort_locked(struct supervisor *sup, uint32_t actor, struct sup_after *after);
void sup_stopping_locked(struct supervisor *sup, struct sup_after *after);
void sup_aborting_locked(struct supervisor *sup, struct sup_after *after);

/* supervisor.c */
/* Nobody is to be added any more. */
bool sup_is_ending_locked(const struct supervisor *sup);

/* change.c */
void sup_heard_init(struct supervisor *sup);
/* Something that one may wait for has happened. */
void sup_heard_locked(struct supervisor *sup);

/* vacate.c */
/* It has closed, or was never shown. Then sup_forget_vacant_locked, once for all. */
void sup_vacate_locked(struct supervisor *sup, struct sup_actor *actor);
void sup_forget_vacant_locked(struct supervisor *sup);

/* ending.c: all with the lock held */
void sup_closed_locked(struct supervisor *sup, uint32_t actor);
void sup_look_locked(struct supervisor *sup, bool idle);
void sup_sources_locked(struct supervisor *sup);
void sup_watch_cycles_locked(struct supervisor *sup);
/* What follows from another graph: those that get nothing any more end, those that leave first. */
void sup_regraphed_locked(struct supervisor *sup, struct sup_after *after);
/* It gets one more input: as long as that is open, it does not end by itself. */
void sup_feed_locked(struct supervisor *sup, struct sup_cycle *cycle);
