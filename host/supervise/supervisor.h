/* Starting, restarting and ending a deployment: who starts when, what follows when somebody has ended.
 *
 * Observes one proc, tells the tree (tree.h) what happened and carries out what it answers. Starts
 * actors in the plan's order, each after those it names in `after`. When an actor has stopped for good,
 * those who get nothing from anybody any more are drained and stopped (DR-1); a stop of the proc does
 * the same from the sources on (DR-3). When the manifest's policy gives up, the deployment ends as
 * failed (SV-2); so it does when an actor is given up before all have been ready once.
 *
 * May run at the same time: everything; one lock, held briefly and never while calling the proc's
 * actors. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "actor/proc.h"
#include "base/log.h"
#include "plan/plan.h"

struct supervisor;

struct supervisor_result {
    bool failed;           /* the policy gave up, or an actor failed in an orderly end */
    bool aborted;          /* not everything could end in time */
    bool all_started;      /* every actor's init has succeeded once */
    char cause[1024];      /* "actor 'p/x[0]' failed: ...": the first failure */
    uint64_t left;         /* messages that became dead letters in the abort */
    char unfinished[1024]; /* names of those that had to be aborted, separated by ", " */
    bool stuck;            /* some threads can't be joined: they did not even react to the abort, or
                            * their turn was abandoned and has not come back */
};

/* `plan` and `log` (NULL: none) are lent until the supervisor is destroyed. Errors: NOMEM. */
int supervisor_create(const struct plan *plan, struct log *log, struct supervisor **ret,
                      struct err *err);
void supervisor_destroy(struct supervisor *sup); /* takes NULL */
/* For proc_options.observer. */
struct proc_observer supervisor_observer(struct supervisor *sup);

/* What becomes of a root that has ended (SV-2). */
enum supervisor_verdict {
    SUPERVISOR_BY_POLICY, /* as the manifest says */
    SUPERVISOR_RESTART,   /* within its intensity */
    SUPERVISOR_LET_GO,    /* its slot closes, the others go on */
    SUPERVISOR_GIVE_UP,   /* the deployment ends as failed */
};
/* Asked when a root has ended that nobody told to; by the worker, from inside its activation: must not
 * block. `end` is lent. */
struct supervisor_coordinator {
    enum supervisor_verdict (*root_ended)(void *context, const struct inst_end *end);
    void *context;
};
/* Once, before the start; -1: there is one already. Without, the manifest's policy decides. */
int supervisor_set_coordinator(struct supervisor *sup,
                               const struct supervisor_coordinator *coordinator);
/* Before the start: it is not over when all actors have ended, but when it was also told to stop. */
void supervisor_set_stays(struct supervisor *sup);
/* An actor has failed that the plan does not know, and whose parent, a client, does not look after it: the
 * coordinator decides; without one, or when it does not, the deployment ends as failed (CI-4). [any] */
void supervisor_orphan_failed(struct supervisor *sup, const struct inst_end *end);
/* The operator's word to one actor of the plan, or to a group and all its members; never followed by a
 * restart (DR-2). STOP: as a stop of all would, but for the drain, within its stop_timeout. DRAIN: an actor
 * alone; one that waits for a restart drains in its next life, or ends at once when nothing is queued. */
enum supervisor_order { SUPERVISOR_STOP, SUPERVISOR_DRAIN, SUPERVISOR_ABORT };
/* `uid`: who it must be, as numbers are given again; 0: whoever it is. Errors: NOT_FOUND (its slot has closed), REFUSED
 * (the drain of a group). [any] */
int supervisor_tell(struct supervisor *sup, uint32_t actor, uint64_t uid,
                    enum supervisor_order order, struct err *err);
/* Starts the loaded and started proc's actors. */
void supervisor_start(struct supervisor *sup, struct proc *proc);
struct supervisor_root {
    const struct plan_actor *plan; /* lent until the supervisor is destroyed */
    struct inst *in;               /* made by proc_make_actors, and not yet shown */
    const uint32_t *targets;       /* actors that it is wired to, by number */
    size_t target_count;
};
/* One more root of a proc that runs, like those of the plan, and behind them; shows and starts it. Errors:
 * STOPPED, REFUSED (a target has ended, or is to), NOMEM: then nothing has happened. [any] */
int supervisor_add_root(struct supervisor *sup, const struct supervisor_root *root,
                        struct err *err);
/* Whether that would be refused as of now, before `in` is made for it: what has a thread costs more. */
int supervisor_may_add_root(struct supervisor *sup, const struct supervisor_root *root,
                            struct err *err);
/* A plan that was read again. By one thread at a time, which also adds no root meanwhile. */
struct supervisor_edge {
    uint32_t from, to; /* actors, by number */
};
struct supervisor_change {
    /* Actors that join: those of the plan whose number is free (supervisor_free_number), the lower ones first, in its
     * order, made by proc_make_actors. They are shown and started, and are on trial until supervisor_accept: one that
     * fails before it was ready closes, whatever its policy says. The plan is lent as long as supervisor_needs it;
     * NULL: nobody joins. */
    const struct plan *plan;
    struct inst *const *actors; /* per actor of the plan */
    const uint32_t *numbers;    /* likewise; also of `policies` */
    /* All wires there are, or may be still, of actors that are not roots added alone. */
    const struct supervisor_edge *edges;
    size_t edge_count;
    /* The edges are those of one plan; else nobody comes to an end because of what they make of two plans together. */
    bool is_settled;
    /* Those that leave, with all members of groups among them: to whom nobody sends any more who stays. They end as
     * if the proc stopped, in the order of the wires, while all others go on (DR-3). */
    const uint32_t *leaving;
    size_t leaving_count;
    /* Those that end, and begin a new life at once. */
    const uint32_t *restarting;
    size_t restarting_count;
    /* As supervisor_adopt. NULL: what holds, does. */
    const struct plan *policies;
};
/* Errors: STOPPED, NOMEM: then nothing has happened. [any] */
int supervisor_change(struct supervisor *sup, const struct supervisor_change *change,
                      struct err *err);
void supervisor_accept(struct supervisor *sup);
/* What another plan says of the same actors, and of the proc, holds from now on; lent likewise. -1: no memory, nothing
 * has changed. */
int supervisor_adopt(struct supervisor *sup, const struct plan *plan, const uint32_t *numbers);
/* Whether anything that this plan says is in use. */
bool supervisor_needs(struct supervisor *sup, const struct plan *plan);
/* The lowest number from there on that nobody has. */
uint32_t supervisor_free_number(struct supervisor *sup, uint32_t from);
/* The numbers of actors that have ended for good, and can be dropped by the proc, are free from now on, but for those
 * of roots that were added alone and those that are kept: *ret, to be freed, are these in the order for proc_drop.
 * *ret_left: of so many the home has yet to leave. -1: no memory, nothing has changed. */
int supervisor_vacate(struct supervisor *sup, const uint32_t *kept, size_t kept_count,
                      uint32_t **ret, size_t *ret_count, size_t *ret_left);

struct supervisor_progress {
    size_t up;           /* have been ready once, or have ended */
    size_t closed;       /* have ended for good */
    uint32_t not_up;     /* the first that is not; PLAN_NONE: all are */
    uint32_t not_closed; /* likewise */
    bool is_ending;      /* the proc stops, or has */
    struct inst_end
        failed; /* the first that failed on trial since the last change; failed: there is one */
    uint64_t heard_of; /* for supervisor_wait_heard */
};
/* How far these actors are. [any] */
void supervisor_look(struct supervisor *sup, const uint32_t *actors, size_t count,
                     struct supervisor_progress *ret);
/* Waits until something has changed since that look, or until then. Not in seeded mode. */
void supervisor_wait_heard(struct supervisor *sup, uint64_t heard_of, uint64_t until_ns);
enum supervisor_standing { SUPERVISOR_STANDS, SUPERVISOR_IS_ENDING, SUPERVISOR_HAS_ENDED };
enum supervisor_standing supervisor_standing(struct supervisor *sup, uint32_t actor);
/* A root that was added alone, has not ended, and is wired to this actor; NULL: there is none. */
const struct plan_actor *supervisor_aimed_at(struct supervisor *sup, uint32_t actor);
/* Drains and stops everything; after stop.timeout what is left is aborted. Again: nothing. [any] */
void supervisor_stop(struct supervisor *sup, const char *why);
/* Ends everything now. [any] */
void supervisor_abort(struct supervisor *sup);
/* Waits until the last actor has ended; seeded procs: call when proc_step has nothing to do. */
void supervisor_wait(struct supervisor *sup);
bool supervisor_is_over(struct supervisor *sup);
void supervisor_result(struct supervisor *sup, struct supervisor_result *ret);
