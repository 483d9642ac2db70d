/* The proc: an addressable boundary that owns its actors' lives and routes their messages.
 *
 * It knows nothing of manifests' policies: a supervisor (supervise/) observes starts and ends and
 * says what follows. No mutable globals: several procs live in one process (PR-4). */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "actor/inst.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "message/dead.h"
#include "message/pause.h"
#include "message/type.h"
#include "plan/plan.h"
#include "plugin/library.h"
#include "sched/sched.h"

struct dropped;
struct files;
struct held_table;
struct io;
struct proc;
struct quarantine;
struct snapshot_store;
struct timers;

/* Told of the plan's actors, by the workers, from inside an activation of the instance; must not
 * block. */
struct proc_observer {
    void (*ready)(void *context, struct inst *in); /* its init has succeeded */
    /* A life has ended, and all it sent has been delivered. Its slot stays open, and keeps what comes
     * in, until it is told to start again or to close. */
    void (*ended)(void *context, struct inst *in, const struct inst_end *end);
    void (*closed)(void *context, struct inst *in); /* its slot has closed, as it was told to */
    /* Each millisecond while anything runs, and once more, with `idle`, when nothing does any more;
     * seeded: only that. The place to look whether instances are quiet, without a price for each
     * activation. By the thread that drives the timers. */
    void (*ticked)(void *context, bool idle);
    void *context;
};

/* Where the proc sends what is not local (PR-1). `dest` and msg_far are the reference that a message was sent
 * to, as the sender had it. Both functions answer at once, and are called by any thread. */
enum forwarded {
    FORWARD_TAKEN, /* the message is the forwarder's: it arrives, or comes back */
    FORWARD_FULL, /* it is still the caller's: its receiver has no room just now, and blocks (MB-2) */
};
struct proc_forwarder {
    /* With `hard`, room up to the hard limit will do, and the message is taken in every case. */
    enum forwarded (*forward)(void *context, struct proc *proc, struct msg *m, bool hard);
    /* It was FULL: links `pauser`, as pause_wait does, to what it waits for. NULL: it never is. */
    enum pause_result (*wait)(void *context, struct proc *proc, struct troupe_ref to,
                              struct pauser *pauser);
    pthread_mutex_t *pauses; /* lent; that of the pauses in all procs it links. NULL: none */
    void *context;
};

struct proc_options {
    const char *name;
    unsigned workers;
    enum sched_idle idle;
    bool seeded; /* one thread, logical clock, choices by seed: proc_step drives it */
    uint64_t seed;
    struct clock *clock; /* NULL: the system's */
    struct log *log;     /* NULL: none */
    uint32_t dead_letters_keep;
    uint32_t snapshots_keep;
    uint64_t snapshots_max_age_ns;
    uint32_t quarantine_keep;
    uint64_t quarantine_bytes;
    struct files *files;      /* of post-mortems; lent; NULL: none are written */
    uint32_t capacity;        /* default mailbox capacity of spawned children */
    struct type_table *types; /* lent; NULL: one of its own */
    struct proc_observer observer;
    struct proc_forwarder forwarder;
};

/* Errors: INVALID (name, workers), NOMEM, IO (threads). */
int proc_create(const struct proc_options *options, struct proc **ret, struct err *err);
/* Takes a proc whose actors have all ended, or one that never ran. NULL is taken. */
void proc_destroy(struct proc *proc);

/* The table handed to plugins as `host`. */
const struct troupe_host *proc_host(struct proc *proc);
const char *proc_name(const struct proc *proc);

/* Makes an actor type of a library known, or one more generation of it; the first is what instances are
 * made of. `plan_type` gives the interned message types. The library must outlive the type. Child rows are
 * linked when all that may be spawned are added. [any] */
int proc_add_type(struct proc *proc, const struct plan_type *plan_type,
                  const struct library_type *type, const struct inst_type **ret, struct err *err);
int proc_link_type(struct proc *proc, const struct inst_type *type, struct err *err);
/* All of them; before the start. */
int proc_link_types(struct proc *proc, struct err *err);
/* What new instances of this type are; NULL: there is none. [any] */
const struct inst_type *proc_find_type(struct proc *proc, const char *id);

/* Makes the plan's actors and their wires, in the plan's order; nothing runs yet. `plan` and its
 * config are lent for the proc's life. All types must have been added. */
int proc_load(struct proc *proc, const struct plan *plan, struct err *err);
/* Lent until it is dropped; NULL: it was, and nobody has its number now. */
struct inst *proc_actor(struct proc *proc, uint32_t plan_index);
uint32_t proc_actor_count(const struct proc *proc);

/* Actors for a proc that runs, by one thread at a time, out of sight: those of a plan whose place in `actors` is NULL,
 * wired to each other and to those that are there. All types must have been added. They get the places, which are
 * emptied again when it fails. Nobody finds them before they are shown, which cannot fail, in the plan's order. The
 * plan is lent until another says the same of them, or they are dropped. Errors: EXISTS (a name is taken), NOT_FOUND, INVALID, IO, NOMEM. */
struct proc_made {
    struct inst *in;     /* NULL: it was there */
    struct inst *before; /* who had its name, and has ended; NULL: nobody */
    bool has_name;
};
int proc_make_actors(struct proc *proc, const struct plan *plan, struct inst **actors,
                     struct proc_made *ret_made, struct err *err);
void proc_unmake_actors(struct proc *proc, const struct plan *plan, struct inst **actors,
                        struct proc_made *made); /* that were not shown */
/* Under a number that is free, or the next one. `parent` is its group; NULL: it is a root. */
void proc_show_actor(struct proc *proc, uint32_t number, struct inst *in,
                     const struct plan_actor *plan, struct inst *parent);
/* What a plan says of it holds from now on: of the same actor, and lent until another one does. */
void proc_show_policies(struct proc *proc, uint32_t number, const struct plan_actor *plan);
/* Whether the slot with this number, which has closed, is done with, so that it can be dropped. */
bool proc_may_drop(struct proc *proc, uint32_t number);
/* Members before their groups: their numbers are free, nobody finds them any more, and what they are is given back when
 * nobody can have it in hand: proc_free_dropped, until that says so. Takes `dropped`, which has room for all that there
 * are: so it cannot fail once the numbers are free. */
void proc_drop(struct proc *proc, struct dropped *dropped, const uint32_t *numbers, size_t count);
/* For proc_drop; else it is to be freed (mem_free). NULL: no memory. */
struct dropped *proc_make_dropped(const struct proc *proc);
/* False: there is more of it. */
bool proc_free_dropped(struct proc *proc);
/* For a root with wires of its own, number 0 of a plan in which others stand in for actors of the proc: whether what
 * one of them passes on would still fit its receivers. Errors: INVALID. */
int proc_check_wires(struct proc *proc, const struct plan *addition, struct inst *const *stands_for,
                     struct err *err);
/* AI-2: whether an open slot is called so. Errors: EXISTS. [any] */
int proc_check_name(struct proc *proc, const char *name, struct err *err);
/* The actor of the plan, or the added root, called "name" or "group/name"; its slot may have closed. NULL:
 * none. [any] */
struct inst *proc_find_actor(struct proc *proc, const char *name);

/* Starts the threads. Instances start by SIGNAL_START. */
int proc_start(struct proc *proc, struct err *err);
/* Joins the threads; instances that have not ended stay as they are. Returns how many threads were left
 * behind, because an abandoned turn of theirs has not come back (SV-7): while there are any, nothing of
 * the proc or its libraries may be destroyed. Asked again, it looks whether they have. */
unsigned proc_halt(struct proc *proc);

/* Seeded mode: runs until nothing is runnable, moving the clock from timer to timer at most to
 * `until_ns`. Returns the number of activations. */
uint64_t proc_step(struct proc *proc, uint64_t until_ns);

/* The open instance named "name", "group/name" or "proc/name[pid]"; uid 0: none (AI-3). [any] */
uint64_t proc_resolve(struct proc *proc, const char *text);
/* The number of a port's name, as in troupe_ref.port; 0: no actor has such a port. [any] */
uint16_t proc_find_port(struct proc *proc, const char *name);
/* Sends a copy of a message to a port of this proc, as nobody: for tests and tools. Undeliverable ones
 * become dead letters. Errors: NOMEM, REFUSED. [any] */
int proc_send(struct proc *proc, struct troupe_ref to, const struct msg_type *type,
              const void *body, struct err *err);
/* Saves the state of an actor between two turns, for tests and tools: `done` gets the bytes (lent)
 * and the version, or status < 0. [any] */
typedef void proc_saved(void *context, int32_t status, uint32_t version, const void *data,
                        uint64_t size);
int proc_save(struct proc *proc, uint64_t uid, proc_saved *done, void *context, struct err *err);
/* Gives an actor that has not started a state to load instead of init. Copies. */
int proc_restore(struct proc *proc, uint32_t plan_index, uint32_t version, const void *data,
                 uint64_t size, struct err *err);

/* Totals, added up over the workers (PD). [any] */
struct proc_totals {
    int64_t queued;
    int64_t queued_high_water;
    uint64_t last_nonzero_ns; /* 0: never */
    uint64_t handled, sent;
    uint64_t dropped; /* by the policies drop_newest and drop_oldest, on wires and to references */
    uint64_t dead_letters, late_replies, discarded_turns, pauses, cycles;
    uint64_t quarantined, retried; /* messages that killed (FC-4) */
    /* Messages handled by lives that failed, since the state that the next life began with: what that
     * state has lost. Of types with state only. */
    uint64_t lost_with_state;
    uint64_t past_failures; /* lives of actors that failed and have been dropped */
    int64_t live_messages;
    uint64_t live_instances;
};
void proc_totals(struct proc *proc, struct proc_totals *ret);

/* What went over one wire of the plan. A message that drop_oldest evicts counts on the wire of the one
 * that took its place. */
struct proc_wire {
    const struct inst *from;
    const char *port;      /* the output */
    const struct inst *to; /* the first of `to_count` */
    const char *to_port;
    uint32_t to_count;
    uint64_t sent, dropped;
};
/* Calls `each` for the wires of the plan's actors. [any] */
void proc_each_wire(struct proc *proc, void (*each)(void *context, const struct proc_wire *wire),
                    void *context);
/* What the failures of one actor of the plan have cost so far, over all its lives. */
struct proc_loss {
    const struct inst *actor;
    uint64_t failures;                              /* lives that failed */
    uint64_t quarantined, retried, lost_with_state; /* as in proc_totals */
};
/* Calls `each` for the plan's actors that have failed. When halted or seeded. */
void proc_each_loss(struct proc *proc, void (*each)(void *context, const struct proc_loss *loss),
                    void *context);
/* Whether all that actors of the plan have spawned is quiet, as far as `asks` wants to know of that
 * actor. *ret_sum changes whenever one of them had a turn, was started, or ended. [any] */
bool proc_children_are_quiet(struct proc *proc, bool (*asks)(void *context, uint32_t plan_index),
                             void *context, uint64_t *ret_sum);
/* Calls `each` for each paused actor and the one whose mailbox it waits for, spawned ones too; under
 * the lock of the pauses: `each` looks and prints, no more. [any] */
void proc_each_pause(struct proc *proc,
                     void (*each)(void *context, const struct inst *paused,
                                  const struct inst *waits_for),
                     void *context);
struct dead_letters *proc_dead_letters(struct proc *proc);
struct snapshot_store *proc_snapshots(struct proc *proc);
struct quarantine *proc_quarantine(struct proc *proc);
/* Keeps a snapshot of the proc as a whole, which has failed for this reason (SV-2); `root`: the actor
 * that it began with. [any] */
void proc_note_failure(struct proc *proc, const char *reason, const char *root);
struct timers *proc_timers(struct proc *proc);
struct clock *proc_clock(struct proc *proc);
struct type_table *proc_types(struct proc *proc);
struct sched *proc_sched(struct proc *proc);
struct io *proc_io(struct proc *proc);
struct held_table *proc_held(struct proc *proc);
/* Calls `each` for the open instances of the plan and their descendants; only when halted or seeded. */
void proc_each(struct proc *proc, void (*each)(void *context, struct inst *in), void *context);
