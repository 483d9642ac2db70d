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
/* Errors: NOT_FOUND (its slot has closed), REFUSED (the drain of a group). [any] */
int supervisor_tell(struct supervisor *sup, uint32_t actor, enum supervisor_order order,
                    struct err *err);
/* Starts the loaded and started proc's actors. */
void supervisor_start(struct supervisor *sup, struct proc *proc);
struct supervisor_root {
    const struct plan_actor *plan; /* lent until the supervisor is destroyed */
    struct inst *in;               /* made by proc_make_root, and not yet shown */
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
/* Drains and stops everything; after stop.timeout what is left is aborted. Again: nothing. [any] */
void supervisor_stop(struct supervisor *sup, const char *why);
/* Ends everything now. [any] */
void supervisor_abort(struct supervisor *sup);
/* Waits until the last actor has ended; seeded procs: call when proc_step has nothing to do. */
void supervisor_wait(struct supervisor *sup);
bool supervisor_is_over(struct supervisor *sup);
void supervisor_result(struct supervisor *sup, struct supervisor_result *ret);
