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

struct proc {
    /* set at creation, then constant */
    char *name;
    struct proc_options options;
    struct clock *clock;
    struct type_table *types;
    bool owns_types;
    struct troupe_host host;
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
    struct inst **actors;
    uint32_t actor_count;
    struct inst *self; /* the parent of the roots, of the host type troupe.Proc */
    struct inst_type **inst_types;
    uint32_t type_count;
    struct map type_names; /* id -> inst_type */

    pthread_mutex_t lock;
    struct map port_names;    /* under lock: name -> number */
    char **port_name_texts;   /* under lock: by number */
    uint16_t port_name_count; /* under lock */
    struct map names;         /* under lock: "group/name" -> inst of the plan, or client */
    uint64_t clients_made;    /* under lock: without a name */

    /* cells; the table is written under lock and read by anyone */
    _Atomic(struct cell_slab *) *slabs;
    _Atomic uint32_t cell_count; /* handed out ever; written under lock */
    struct inst *free_runs;      /* under lock; lists of cells, see cell.c */
    struct looks looks;
    struct queries queries;

    pthread_cond_t order_done; /* of `lock`: see client_do */
    pthread_mutex_t making;    /* instances are made from outside of workers: outside.free_cells */
    unsigned next_home;        /* under making: for whom */
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
/* load.c */
/* The actor of the plan with this uid; NULL: none. */
struct inst *proc_planned(const struct proc *proc, uint64_t uid);
void proc_unload(struct proc *proc);
/* runner.c */
void *runner_create(void *context, struct sched_worker *worker);
void runner_retire(void *context, void *local);
void runner_init(struct runner *r, struct proc *proc, struct sched_worker *worker,
                 struct pool *pool);
void runners_free(struct proc *proc);
/* What all have queued; without a lock. */
int64_t runners_queued(struct proc *proc);
