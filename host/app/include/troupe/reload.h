/* Replacing the code of actors that run, as a transaction.
 *
 *     struct troupe_reload_report report = {.size = sizeof report};
 *     if (troupe_proc_reload(proc, NULL, &report, &error) < 0) {
 *         puts(error.text); (nothing has changed)
 *     }
 *
 * A plugin file that has changed since it was loaded is read, checked against what is wired, and loaded beside the
 * version that runs. Then each actor of its types goes over between two turns, with its state; id, mailbox, wires,
 * timers, watches, descriptors, children and pending calls stay as they are (RL-3). For a time of probation a turn
 * that fails on the new code is undone, its message is handled by the code before, and all go back (RL-4).
 * Otherwise the version before is unloaded.
 *
 * Before that, new code can be run beside the old: with `shadow`, copies of the next live messages are handled by it on
 * copies of the actors' states, behind the code that runs, and what it asks of the host is not done but compared. When
 * it does something else, or fails, crashes or does not come to an end, the reload is refused, and says what differs.
 *
 * The manifests are read again as well: other settings are given to actors that take them while they live, with
 * their new code, by their hook `reconfigure`, or through their saved state; actors are added, wired anew, given other
 * policies, and removed, in this order, after code and settings. All of it is done or nothing: what fails before actors
 * are told to leave takes everything back. Who leaves handles what it was sent, and is aborted after `stop.timeout`.
 * What takes a restart is refused with all that is in the way. Files of new types stay loaded, whatever comes of it,
 * and so do files whose actors have all left. Those that no actor of the manifests may be of any more are not read again:
 * they may be changed, or deleted; when a later manifest needs one, it is what lies there then. */
#pragma once

#include <troupe/embed.h>

/* X(constant, value, text): how actors go over. */
#define TROUPE_RELOAD_MODES(X)                                                                     \
    X(AS_SAID, 0, "as the manifest says")                                                          \
    X(ROLLING, 1, "rolling") /* each at its own moment */                                          \
    X(CANARY, 2, "canary")   /* some first, the others when these have stood probation */          \
    X(ATOMIC, 3, "atomic")   /* all at once, when that takes no more than 5 ms; else rolling */
#define TROUPE_RELOAD_MODE_CONSTANT(name, value, text) TROUPE_RELOAD_##name = (value),
enum troupe_reload_mode {
    TROUPE_RELOAD_MODES(TROUPE_RELOAD_MODE_CONSTANT) TROUPE_RELOAD_MODE_END_
};
#undef TROUPE_RELOAD_MODE_CONSTANT

/* X(constant, value, text): what came of it. */
#define TROUPE_RELOAD_OUTCOMES(X)                                                                  \
    X(DONE, 0, "done")                                                                             \
    X(NOTHING, 1, "nothing to do") /* no file has changed */                                       \
    X(REFUSED, 2, "refused")       /* nothing that runs was touched */                             \
    X(TAKEN_BACK, 3, "taken back") /* the old code goes on */
#define TROUPE_RELOAD_OUTCOME_CONSTANT(name, value, text) TROUPE_RELOAD_##name = (value),
enum troupe_reload_outcome {
    TROUPE_RELOAD_OUTCOMES(TROUPE_RELOAD_OUTCOME_CONSTANT) TROUPE_RELOAD_OUTCOME_END_
};
#undef TROUPE_RELOAD_OUTCOME_CONSTANT

#define TROUPE_PROBATION_SAID 1u  /* `probation_...` count, also when they are 0 */
#define TROUPE_SHADOW_SAID 2u     /* `shadow...` and the next one count, also when they are 0 */
#define TROUPE_SHADOW_PROMOTES 4u /* actors go over whatever is found; it is told all the same */
#define TROUPE_PROBE_SKIPPED 8u   /* new code is loaded without a trial in a process of its own */
#define TROUPE_GRACE_SAID 16u     /* `grace` counts, also when it is 0 */

/* What is not said, with 0 or NULL, is as the manifest's `reload` says. */
struct troupe_reload {
    uint32_t size;           /* of this struct */
    uint32_t flags;          /* TROUPE_..._SAID, TROUPE_SHADOW_PROMOTES, TROUPE_PROBE_SKIPPED */
    uint32_t mode;           /* enum troupe_reload_mode */
    uint32_t canary;         /* with TROUPE_RELOAD_CANARY: how many actors of each type go first */
    uint64_t swap_timeout;   /* how long an actor may take to the end of a turn */
    uint64_t probation_time; /* how long turns that fail are undone, and take all back */
    uint64_t probation_messages; /* how many turns of each actor; 0: the first one only */
    const char *plugin;          /* only this file, by path or name; NULL: all of them */
    /* With TROUPE_SHADOW_SAID: how many live messages, of all actors, new code has to handle as the old does; 0:
     * none. Until so many have come `shadow_time` goes by at most; 0: 30 s. */
    uint64_t shadow;
    uint64_t shadow_time;
    uint64_t probe_time; /* how long each new file may be tried, on copies of states */
    /* How long code that nobody runs any more lies untouched before it is unloaded; 0: at once, before the reload
     * returns. */
    uint64_t grace;
};

/* What a reload did. The caller sets `size`; more is not written. */
struct troupe_reload_report {
    uint32_t size;
    uint32_t outcome;                        /* enum troupe_reload_outcome */
    uint64_t number;                         /* from 1 */
    int64_t began;                           /* time of day, since 1970 UTC */
    uint64_t took;                           /* from its beginning to its end, probation included */
    uint32_t files, types;                   /* that changed, and are in use */
    uint32_t from_generation, to_generation; /* of the first file; 0: none was loaded */
    uint64_t over;                           /* actors that have gone over */
    uint64_t back;                           /* of those, have gone back */
    uint64_t undone;                         /* turns that were undone */
    uint64_t stranded;                 /* actors that run the new code, as they could not go back */
    uint64_t sent_since;               /* messages that an undone state does not know of any more */
    uint64_t longest_pause;            /* of one actor, from leaving the old code to the new */
    bool can_go_back;                  /* the new code writes states that the old one reads */
    bool at_once;                      /* atomic, and it was */
    char step[16];                     /* the last that began: "read", "load", "go over" ... */
    char file[256];                    /* the first that had changed */
    char from_build[72], to_build[72]; /* its build-ids, hexadecimal; "": none */
    char version[64];                  /* what the new file says of itself */
    char actor[160];                   /* that failed, or did not come; "" */
    char reason[512];                  /* why it did not go on; "" */
    uint64_t compared;                 /* messages that new code has handled behind the old */
    uint64_t differences;              /* of these, it did something else with */
    uint64_t left_out; /* actors and types that could not be compared, or not any more */
    char left_out_first[160], left_out_why[160]; /* "": none */
    uint32_t settings;                           /* actors that were to get other settings */
    uint32_t added, removed, rewired; /* actors that have joined, left, or got other wires */
    uint32_t restarted;               /* actors that have begun a new life to get other settings */
    char changes[512]; /* what the manifests were to change, as `troupe plan` says it, cut to fit */
};

/* Reloads what has changed, and waits until it is done, taken back or refused. One at a time; a second one waits for
 * the first. `how` and `report` may be NULL.
 * Errors: NOT_FOUND (no such plugin file is loaded), REFUSED (what lies there cannot replace what runs; an actor
 * failed on it), INVALID (size, mode; no plugin file), ERROR (an actor came to no end of a turn in time; files),
 * STOPPING (it does not run), WRONG_THREAD, NO_MEMORY. [outside] */
TROUPE_API int32_t troupe_proc_reload(struct troupe_proc *proc, const struct troupe_reload *how,
                                      struct troupe_reload_report *report,
                                      struct troupe_error *error);

typedef void troupe_reload_each(void *context, const struct troupe_reload_report *report);
/* Calls `each` for the last reloads, at most 32, the oldest first; `report` is lent.
 * Errors: STOPPING, NO_MEMORY. [any] */
TROUPE_API int32_t troupe_proc_reloads(struct troupe_proc *proc, troupe_reload_each *each,
                                       void *context, struct troupe_error *error);

typedef void troupe_difference_each(void *context, const char *json);
/* Calls `each` for the first differences that the reload of this number has found, at most 16; `json` is an object on
 * one line, lent:
 *
 *     {"actor": "p/sum[0]", "turn": 3, "handler": "number", "message": {"number": {"number": 5}},
 *      "what": "message on 'out': 'number' differs",
 *      "old": {"send": "out", "message": {"number": {"number": 5}}},
 *      "new": {"send": "out", "message": {"number": {"number": 1005}}}}
 *
 * `turn` counts the actor's turns. `old` and `new` are null where one did nothing; what is long is cut, and text.
 * Errors: NOT_FOUND (none of the last 32 reloads has it), STOPPING. [any] */
TROUPE_API int32_t troupe_proc_reload_differences(struct troupe_proc *proc, uint64_t number,
                                                  troupe_difference_each *each, void *context,
                                                  struct troupe_error *error);

/* X(constant, value, text): where a generation is, one version of a plugin file that was loaded. */
#define TROUPE_GENERATION_STATES(X)                                                                \
    X(CURRENT, 0, "current")                                                                       \
    X(RETIRING, 1, "retiring") /* nobody runs it; whether anything points into it is looked for */ \
    X(QUIET, 2, "quiet")       /* nothing does; untouched for the time of grace */                 \
    X(UNLOADED, 3, "unloaded")                                                                     \
    X(STAYS, 4, "stays") /* pinned: it stays in memory, as `reason` says */
#define TROUPE_GENERATION_CONSTANT(name, value, text) TROUPE_GENERATION_##name = (value),
enum troupe_generation_state {
    TROUPE_GENERATION_STATES(TROUPE_GENERATION_CONSTANT) TROUPE_GENERATION_STATE_END_
};
#undef TROUPE_GENERATION_CONSTANT

struct troupe_generation {
    uint32_t size;   /* of this struct, as the library knows it */
    uint32_t state;  /* enum troupe_generation_state; later versions may have more */
    uint32_t number; /* of the process, from 1 */
    char file[256];
    char build_id[72]; /* hexadecimal; "": none */
    char version[64];  /* what the file says of itself */
    char reason[256];  /* why it stays, or is looked at again; "" */
};

typedef void troupe_generation_each(void *context, const struct troupe_generation *generation);
/* Calls `each` for the generations of the proc's plugin files: the current ones, the last 32 that were unloaded,
 * those on their way, and all that stay; `generation` is lent. It waits for no reload.
 * Errors: STOPPING, NO_MEMORY. [any] */
TROUPE_API int32_t troupe_proc_generations(struct troupe_proc *proc, troupe_generation_each *each,
                                           void *context, struct troupe_error *error);

/* Reloads by itself whenever a plugin file changes, as the manifest says, until the proc stops. What comes of it is
 * logged. Errors: REFUSED (it does so already), ERROR (a folder can't be watched), STOPPING, NO_MEMORY. [any] */
TROUPE_API int32_t troupe_proc_watch(struct troupe_proc *proc, struct troupe_error *error);
