/* Body of struct proc, for the actor folder. */
#pragma once

#include "actor/inst_impl.h"
#include "actor/query.h"
#include "base/map.h"
#include "io/loop.h"
#include "record/files.h"
#include "record/quarantine.h"
#include "record/snapshot_store.h"

/* Mailboxes of the host's own types take ends of children only: uncharged, the capacity is nominal. */
#define HOST_CAPACITY 1024u
/* Instances at a time: a uid has 28 bits for the cell's number, from 1. */
#define CELLS_MOST ((1u << 28) - (1u << 14))

/* What others need to know of what the plan says of an actor: copied, as plans go. */
struct actor_policy {
    _Atomic uint64_t memory, stuck_after_ns, checkpoint_ns, checkpoint_messages;
    _Atomic uint32_t quarantine_after;
    _Atomic uint8_t on_stuck, on_fault; /* enum on_stuck, enum on_fault */
};

/* The actors of the plan, by number, then roots that were added. A full table is followed by a larger one,
 * and stays for those who read it. */
struct proc_actor {
    _Atomic(struct inst *) in;     /* NULL: the number is free; see drop.c */
    const struct plan_actor *plan; /* lent; only who loads, adds a root, or reloads */
    struct actor_policy policy;
};
struct proc_actors {
    struct proc_actors *before; /* owned */
    uint32_t room;
    struct proc_actor items[];
};

struct proc {
    /* set at creation, then constant */
    char *name;
    struct proc_options options;
    struct clock *clock;
    struct type_table *types;
    bool owns_types;
    struct troupe_host host;
    struct troupe_host writes, plays; /* of turns that a shadow follows, and of its own: shadow.h */
    struct sched *sched;
    struct timers timers;
    struct timer tick_timer;
    struct io *io; /* NULL in seeded mode */
    struct pools *pools;
    struct pause_graph pauses;
    struct dead_letters dead;
    struct snapshot_store snapshots;
    struct quarantine quarantine;

    /* set by proc_load, then constant */
    const struct plan *plan;
    struct inst *self; /* the parent of the roots, of the host type troupe.Proc */

    /* written by who loads, or adds a root: one at a time; read by anyone */
    _Atomic(struct proc_actors *) actors;
    _Atomic uint32_t actor_count;

    pthread_mutex_t lock;
    struct inst_type **inst_types; /* under lock; all generations there are */
    uint32_t type_count;           /* under lock */
    struct map type_lines;         /* under lock: id -> type_line */
    struct map port_names;         /* under lock: name -> number */
    char **port_name_texts;        /* under lock: by number */
    uint16_t port_name_count;      /* under lock */
    struct map names;              /* under lock: "group/name" -> inst of the plan, or client */
    uint64_t clients_made;         /* under lock: without a name */

    /* cells; the table is written under lock and read by anyone */
    _Atomic(struct cell_slab *) *slabs;
    _Atomic uint32_t cell_count; /* handed out ever; written under lock */
    _Atomic bool has_choosy;     /* mailboxes, or had: before anybody can send to the first */
    struct inst *free_runs;      /* under lock; lists of cells, see cell.c */
    struct looks looks;
    struct held_table *held; /* a reference */
    struct queries queries;

    pthread_cond_t order_done; /* of `lock`: see client_do */
    pthread_mutex_t making;    /* instances are made from outside of workers: outside.free_cells */
    unsigned next_home;        /* under making: for whom */
    struct dropped *dropped;   /* under making; owned; see drop.c */
    _Atomic uint64_t past_failures; /* of those; see proc_totals */
    struct runner outside; /* for threads that are no worker, under lock; its counters are atomic */
    _Atomic(struct runner *) runners; /* every worker's, retired ones too */
    struct runner *retired;           /* under lock */
    struct stuck_keeper stuck;
    bool started;
};

uint16_t proc_port_name(struct proc *proc, const char *name); /* makes the number; 0: no memory */
uint16_t proc_find_port_name(struct proc *proc, struct troupe_str name); /* 0: unknown */
const char *proc_port_name_text(struct proc *proc, uint16_t number);
extern const struct inst_type type_group, type_proc, type_client, type_plain_client;

/* The actor of the plan called "name", "group/name", or by its whole id; its slot may have closed. Or a
 * client, which may be gone by then, but for who looks: see looks.h. */
struct inst *proc_find_named(struct proc *proc, const char *text);
static inline struct proc_actor *proc_actor_of(const struct proc *proc, const struct inst *in) {
    uint32_t index = inst_plan_index(in);
    /* acquire: pairs with the release in actors_add; who sees the number sees the table that has it */
    if (index >= atomic_load_explicit(&proc->actor_count, memory_order_acquire)) {
        return NULL;
    }
    return &atomic_load_explicit(&proc->actors, memory_order_acquire)->items[index];
}
/* What is said of an actor by the plan that it is of; NULL: it is of none. [who loads, adds a root, or reloads] */
static inline const struct plan_actor *proc_plan_of(const struct proc *proc,
                                                    const struct inst *in) {
    const struct proc_actor *actor = proc_actor_of(proc, in);
    return actor ? actor->plan : NULL;
}
/* Its policies; NULL: it is of no plan. [any] */
static inline const struct actor_policy *proc_policy_of(const struct proc *proc,
                                                        const struct inst *in) {
    const struct proc_actor *actor = proc_actor_of(proc, in);
    return actor ? &actor->policy : NULL;
}
/* Whether the open slot, or one that is being made, has its name for itself (AI-2). [under lock] */
static inline bool inst_has_name(const struct inst *in) {
    return inst_is_open(in) || inst_incarnation(in) == 0;
}

/* load.c */
/* The actor of the plan, or the added root, with this uid; NULL: none. */
struct inst *proc_planned(struct proc *proc, uint64_t uid);
/* An actor of a plan with its config and its bounds, shut. NULL and err: no memory, or unknown type. */
struct inst *actor_make(struct proc *proc, const struct plan *plan, const struct plan_actor *actor,
                        struct sched_worker *home, struct err *err);
/* A thread of its own, if it wants one. */
int actor_give_thread(struct proc *proc, struct inst *in, const struct plan_actor *actor,
                      struct err *err);
/* The wires from actors of a plan, which have none yet; `actors` are all of it. `is_own`: from those; NULL: all. */
int actors_wire(const struct plan *plan, struct inst *const *actors, const bool *is_own,
                struct err *err);
/* Room for more of them; -1: no memory. */
int actors_reserve(struct proc *proc, uint32_t more);
/* Into the tree, below the proc or a group; its number counts among the pids. */
void actors_adopt(struct inst *in, struct inst *above);
/* Gives it that number, a free one or the next; there is room. */
void actors_add(struct proc *proc, uint32_t number, struct inst *in, const struct plan_actor *plan);
void proc_unload(struct proc *proc);
/* drop.c */
/* Of a proc whose workers have stopped. */
void dropped_free(struct proc *proc);
/* runner.c */
void *runner_create(void *context, struct sched_worker *worker);
void runner_retire(void *context, void *local);
void runner_init(struct runner *r, struct proc *proc, struct sched_worker *worker,
                 struct pool *pool);
void runners_free(struct proc *proc);
/* What all have queued; without a lock. */
int64_t runners_queued(struct proc *proc);
