/* Reload: the plugin files of a running deployment are replaced by what lies at their paths now, as a
 * transaction (RL-1).
 *
 *  read -> check -> probe -> load -> (shadow) -> over -> add -> rewire -> probation -> remove -> settled: the
 *                                                  |      |       |           |        generation before retires
 *                                                  +------+-------+-> back <--+
 *                                                  all is as it was, the new code goes
 *
 * R-1  Until `over` nothing that runs was touched.
 * R-2  One reload at a time.
 * R-3  All files that changed go over together, type by type and actor by actor, and go back together.
 *      rolling   each actor at its own moment;
 *      canary    so many first; the others when these have stood the time of probation;
 *      atomic    all stop between two turns and go over before any goes on, when that is judged to take no more
 *                than RELOAD_ATOMIC_NS by what the first one took; else rolling.
 * R-4  With a manifest that was read again, all that it changes is done, or nothing (change.c): what joins is up before
 *      anybody is wired to it, and what leaves is told to when nothing can fail any more. Policies change with that.
 * R-5  What there is to tell of a reload is kept, also of one that was refused (RL-7), unless there was nothing to do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "actor/proc.h"
#include "actor/shadow.h"
#include "actor/swap.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "plan/plan.h"
#include "probe/probe.h"
#include "reload/retire.h"

struct reload;
struct supervisor;

/* X(constant, text): how it ended. */
#define RELOAD_OUTCOMES(X)                                                                         \
    X(DONE, "done")                                                                                \
    X(NOTHING, "nothing to do")                                                                    \
    X(REFUSED, "refused")                                                                          \
    X(TAKEN_BACK, "taken back")
#define RELOAD_OUTCOME_CONSTANT(name, text) RELOAD_##name,
enum reload_outcome { RELOAD_OUTCOMES(RELOAD_OUTCOME_CONSTANT) RELOAD_OUTCOME_COUNT };
#undef RELOAD_OUTCOME_CONSTANT

/* Where it came to. X(constant, text) */
#define RELOAD_STEPS(X)                                                                            \
    X(READ, "read")                                                                                \
    X(CHECK, "check")                                                                              \
    X(PROBE, "probe")                                                                              \
    X(LOAD, "load")                                                                                \
    X(SHADOW, "shadow")                                                                            \
    X(CANARY, "canary")                                                                            \
    X(OVER, "go over")                                                                             \
    X(ADD, "add")                                                                                  \
    X(REWIRE, "rewire")                                                                            \
    X(PROBATION, "probation")                                                                      \
    X(REMOVE, "remove")                                                                            \
    X(BACK, "go back")
#define RELOAD_STEP_CONSTANT(name, text) RELOAD_STEP_##name,
enum reload_step { RELOAD_STEPS(RELOAD_STEP_CONSTANT) RELOAD_STEP_COUNT };
#undef RELOAD_STEP_CONSTANT

#define RELOAD_KEEPS 32u /* reports */
#define RELOAD_ATOMIC_NS (5 * NS_PER_MS)

/* What a reload did; all times by the monotonic clock, but for `wall_ns`. */
struct reload_report {
    uint64_t number; /* from 1 */
    enum reload_outcome outcome;
    enum reload_step step; /* the last one that began */
    int64_t wall_ns;       /* when it began */
    uint64_t step_ns[RELOAD_STEP_COUNT];
    uint64_t probed; /* copies of states that the new code was tried on */
    char file[256];  /* the first that had changed; "": none */
    uint32_t files, types;
    uint32_t settings; /* actors of the plan that were to get other settings */
    uint32_t added, removed, rewired,
        restarted; /* actors of it that have joined, left, got other wires, or begun anew */
    char changes
        [512]; /* what another manifest was to change, as `troupe plan` says it, cut to fit; "" */
    uint32_t from_generation, to_generation; /* of that file; 0: none was loaded */
    char from_build[65], to_build[65];       /* build-ids; "" */
    char version[64];                        /* what the new file says of itself */
    bool can_go_back;                        /* the new code writes states that the old one reads */
    struct shadow_counts shadow;             /* `wanted` 0: nothing was compared */
    struct swap_counts counts;
    uint64_t stranded; /* could not go back: they run the new code still */
    bool at_once;      /* all had stopped between two turns before the first went over */
    char actor[160];   /* that failed, or did not come; "" */
    char reason[512];  /* why it did not go on; "" */
};

struct reload_how {
    /* The deployment as its manifest is now, lent as long as reload_needs it. What plan/diff.h says to be live is done; with anything else it is refused, with all that is in
     * the way. NULL: as it was. */
    const struct plan *next;
    const char *file; /* only this plugin file, by its path or its name; NULL: all */
    uint64_t over_ns; /* how long an actor may take to go over (RL-2); 0: the manifest's */
    bool has_mode;
    enum reload_mode mode; /* else the manifest's; as the next one */
    uint32_t canary;
    bool has_probation;
    uint64_t probation_ns; /* else the manifest's, as the other one */
    uint64_t probation_messages;
    bool has_shadow;
    struct reload_shadow shadow; /* else the manifest's */
    bool skips_probe;            /* the new code is loaded without having been tried elsewhere */
    uint64_t probe_ns;           /* how long each file may be tried; 0: the manifest's */
    bool has_grace;
    uint64_t grace_ns; /* how long old code lies still before it is unloaded; else the manifest's */
    /* Seeded: runs what there is to run, and lets time pass; else NULL. */
    void (*step)(void *context, uint64_t until_ns);
    void *context;
};

/* Without plugins yet; all that is given (`log`: NULL for none) is lent. Errors: NOMEM. [control] */
int reload_create(struct proc *proc, struct supervisor *supervisor, const struct plan *plan,
                  struct log *log, struct reload **ret, struct err *err);
/* Who adds actors otherwise holds it meanwhile: waits for the reload that runs, and no other begins. [control] */
void reload_hold(struct reload *reload);
void reload_go_on(struct reload *reload);
/* The deployment as it is now; while it is held. */
const struct plan *reload_plan(const struct reload *reload);
/* Loads the plugins of a plan, and makes its types known, where they are not yet: before proc_load, or for roots
 * that are added, while it is held. The plan is lent. Errors: as loaded_open, NOT_FOUND, NOMEM. [control] */
int reload_add_plan(struct reload *reload, const struct plan *plan, struct err *err);
/* Unloads them; when the proc is gone. Takes NULL. */
void reload_destroy(struct reload *reload);

/* Does it, and says in *ret what came of it; -1 when it was refused or taken back, with the reason in err.
 * Errors: NOT_FOUND (`file`), IO, INVALID, ABI, REFUSED, TIMEOUT, NOMEM. [control] */
int reload_run(struct reload *reload, const struct reload_how *how, struct reload_report *ret,
               struct err *err);
/* Whether anything refers to this plan, which was `next`, or may still. [control] */
bool reload_needs(struct reload *reload, const struct plan *plan);
/* Refuses what could not even be planned: it is logged and kept as others, in *ret. The reason is `why`, or, then -1,
 * a plugin file that can't be read, which is in err. Errors: as reload_run. [control] */
int reload_refuse(struct reload *reload, const char *why, struct reload_report *ret,
                  struct err *err);
/* The last reloads, at most RELOAD_KEEPS and `room`, oldest first; returns their number. [any] */
size_t reload_history(struct reload *reload, struct reload_report *ret, size_t room);

/* Calls `each` for the first differences that the reload of this number has found (shadow.h), as long as it is kept;
 * false: it is not. [any] */
bool reload_differences(struct reload *reload, uint64_t number, shadow_each *each, void *context);

/* The generations that new actors are of, one for each plugin file, also during a reload; returns their number, at
 * most `room`. [any] */
size_t reload_current(struct reload *reload, struct retired *ret, size_t room);
/* Those that went, or are about to, or stay for a reason: as retirer_list. [any] */
size_t reload_retired(struct reload *reload, struct retired *ret, size_t room);

const char *reload_outcome_text(enum reload_outcome outcome);
const char *reload_step_text(enum reload_step step);
