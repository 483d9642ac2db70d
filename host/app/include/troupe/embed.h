/* Hosting Troupe inside a program: one proc, or several, with actors out of plugin files.
 *
 *     struct troupe_options options = {.size = sizeof options, .id = "demo"};
 *     struct troupe_error error;
 *     struct troupe_proc *proc;
 *     struct troupe_end *end;
 *     if (troupe_proc_create(&options, &proc, &error) < 0 ||
 *         troupe_proc_load_file(proc, "demo.yaml", &error) < 0 ||
 *         troupe_proc_start(proc, &error) < 0 ||
 *         troupe_proc_wait(proc, TROUPE_FOR_EVER, &end, &error) < 0) {
 *         puts(error.text);
 *     }
 *
 * Found by `pkg-config troupe` and by find_package(Troupe). A proc is made, told what it is made of
 * (manifests, actors by hand), started, and ends: by itself when all its actors have ended, by a
 * stop, or as failed. Then it lies there to be looked at until the last handle is gone.
 *
 * Handles   are opaque. A troupe_proc is a *strong* handle: dropping the last one stops the proc,
 *           on a thread of the host. A troupe_weak_proc keeps nothing alive and is upgraded before
 *           use (PR-2).
 * Structs   that the program fills in begin with their size and only ever grow at their end: fill
 *           with zeros, set `size = sizeof`, then what is wanted. Zero means "not said". Those that
 *           the library fills are the same: it fills what the program's `size` has room for.
 * Errors    A function that can fail returns 0 or a negative TROUPE_... status and then fills
 *           `error` (NULL: not asked for). What it hands out by `ret` is set on success only.
 * Texts     are copied, unless it says "lent". Text that comes out is UTF-8 and NUL-terminated.
 * Times     are nanoseconds; timeouts count from the call. TROUPE_FOR_EVER waits without end, 0
 *           only looks.
 * Threads   Every function may be called from any thread, at any time, several at once [any]; those
 *           tagged [outside] not from inside a turn or a callback of the library, where they would
 *           wait for themselves: there they return TROUPE_WRONG_THREAD and have done nothing.
 * Process   Faults are contained by signal handlers of the process, made by the first proc and
 *           removed with the last; a fault elsewhere goes on to the program's own handlers (FC-2).
 * All of this holds for C++ as well. */
#pragma once

#include <troupe/abi.h>
#include <troupe/host.h>
#include <troupe/message.h>

/* Marks what libtroupe exports; nothing else of it is visible. */
#ifdef __cplusplus
#define TROUPE_API extern "C" __attribute__((visibility("default")))
#else
#define TROUPE_API extern __attribute__((visibility("default")))
#endif

#define TROUPE_FOR_EVER UINT64_MAX

struct troupe_proc;      /* a proc; a strong handle */
struct troupe_weak_proc; /* one that keeps nothing alive */
struct troupe_end;       /* how a proc has ended */
struct troupe_forwarder; /* see forwarder.h */

/* What went wrong, for a program and for people. Never grows. */
struct troupe_error {
    int32_t status;  /* as returned */
    char text[4092]; /* what, where, and what to do; findings in manifests are a paragraph each */
};

/* A line that an actor or the host logs. `actor` is its id, empty for the host itself. Both texts
 * are lent during the call. Called by whatever thread logs, workers among them, several at once:
 * must not block, and must not call functions tagged [outside]. */
typedef void troupe_log_callback(void *context, uint32_t level, struct troupe_str actor,
                                 struct troupe_str text);

/* X(constant, value, text) */
#define TROUPE_SEVERITIES(X)                                                                       \
    X(ERROR, 0, "error")     /* nothing is started */                                              \
    X(WARNING, 1, "warning") /* likely a mistake */                                                \
    X(NOTE, 2, "note")
#define TROUPE_SEVERITY_CONSTANT(name, value, text) TROUPE_FINDING_##name = (value),
enum troupe_severity { TROUPE_SEVERITIES(TROUPE_SEVERITY_CONSTANT) TROUPE_SEVERITY_COUNT_ };
#undef TROUPE_SEVERITY_CONSTANT

/* One thing that the start has found in the manifests. */
struct troupe_finding {
    uint32_t size;             /* of this struct */
    uint32_t severity;         /* TROUPE_FINDING_... */
    uint32_t line, column;     /* from 1; 0: it is about no line of a file */
    struct troupe_str file;    /* as it was given; empty: about none */
    struct troupe_str text;    /* one sentence: what is wrong, and what to write instead */
    struct troupe_str excerpt; /* the line, of a long one the part around it; data NULL: none */
    struct troupe_str margin;  /* blanks: where a caret behind them points to it */
    struct troupe_str hint;    /* the word that was probably meant there; data NULL: unknown */
};
/* Called by troupe_proc_start, on its thread, for each finding: by file, line and column. All of it
 * is lent during the call. Must not call functions tagged [outside]. */
typedef void troupe_finding_callback(void *context, const struct troupe_finding *finding);

#define TROUPE_STAYS 1u   /* does not end when all its actors have ended: a stop is needed */
#define TROUPE_SIGNALS 2u /* SIGTERM and SIGINT of the process stop it, a second one aborts it, */
/*                           and SIGPIPE is ignored from then on */
#define TROUPE_ACTORS 4u /* it must have an actor: manifests without any are an error */

#define TROUPE_FORMAT_TEXT 1u /* "12:04:05.123 info  p/tail[0]: opened 'x'" */
#define TROUPE_FORMAT_JSON 2u /* an object a line: time, level, actor, text */
#define TROUPE_COLOUR_NEVER 1u
#define TROUPE_COLOUR_ALWAYS 2u /* of the format text */

/* What a proc is to be like; what is said here overrides its manifests. */
struct troupe_options {
    uint32_t size;    /* of this struct */
    uint32_t flags;   /* TROUPE_STAYS | TROUPE_SIGNALS | TROUPE_ACTORS */
    const char *id;   /* its name, unique among procs that are joined; NULL: the manifest's */
    uint32_t workers; /* threads that run actors; 0: the manifest's, else one per core */
    /* of actors that do not say, in messages; 0: the manifest's default */
    uint32_t mailbox_capacity;
    uint64_t stop_timeout;      /* before a stop becomes an abort; 0: the manifest's, else 30 s */
    uint32_t snapshots_keep;    /* of ended actors; 0: the manifest's, else 100 */
    uint32_t dead_letters_keep; /* 0: the manifest's, else 1000 */
    const char *snapshots_directory; /* for post-mortem files; NULL: the manifest's, else none */
    troupe_log_callback *log;        /* NULL: stderr */
    void *log_context;
    uint32_t log_level;                 /* 1 + TROUPE_LOG_...; 0: the manifest's, else INFO */
    uint32_t reserved;                  /* 0 */
    struct troupe_forwarder *forwarder; /* procs that this one talks with; NULL: none. Kept */
    /* gets what the start finds; NULL: errors are in its `error` only, all else is logged */
    troupe_finding_callback *finding;
    void *finding_context;
    uint32_t log_format; /* of the log on stderr: TROUPE_FORMAT_...; 0: the manifest's, else text */
    uint32_t log_colour; /* likewise: TROUPE_COLOUR_...; 0: when it is a terminal */
    uint64_t
        shadow; /* live messages that new code has to handle as the old in a reload, see reload.h; 0: the
                          * manifest's, else none */
};

/* Makes a proc without actors; nothing runs yet. *ret is the caller's, to be given to
 * troupe_proc_unref or troupe_proc_destroy. `options` may be NULL.
 * Errors: INVALID (size, flags), NO_MEMORY. [any] */
TROUPE_API int32_t troupe_proc_create(const struct troupe_options *options,
                                      struct troupe_proc **ret, struct troupe_error *error);

/* --- what it is made of: said before the start; but actors may come later --- */

/* Adds a manifest: a file, or its text under a name that findings show. They are read at the start;
 * a later one overrides the earlier ones key by key. Relative paths in a text are relative to the
 * folder in `name`.
 * Errors: STOPPING (it has been started), NO_MEMORY. [any] */
TROUPE_API int32_t troupe_proc_load_file(struct troupe_proc *proc, const char *path,
                                         struct troupe_error *error);
TROUPE_API int32_t troupe_proc_load_text(struct troupe_proc *proc, const char *name,
                                         const char *text, uint64_t size,
                                         struct troupe_error *error);

/* Adds a plugin file, or a folder of them, to where actor types are looked for: before what
 * manifests say, $TROUPE_PLUGIN_PATH and the installed ones.
 * Errors: NOT_FOUND (no such file or folder), STOPPING, NO_MEMORY. [any] */
TROUPE_API int32_t troupe_proc_add_plugins(struct troupe_proc *proc, const char *path,
                                           struct troupe_error *error);

/* Makes an actor type known that no actor of the manifests has: for children by hand, see
 * inverted.h.
 * Errors: STOPPING, NO_MEMORY; whether there is such a type shows at the start. [any] */
TROUPE_API int32_t troupe_proc_add_type(struct troupe_proc *proc, const char *type,
                                        struct troupe_error *error);

/* A wire from an output of a root. Never grows. */
struct troupe_root_wire {
    const char *output; /* "line" */
    const char *to;     /* "counter.line", "group/name.port" */
    const char *route;  /* to a pool: as in a manifest; else NULL */
    const char *key;    /* for the route hash: the field; else NULL */
};
/* A root actor by hand, as a manifest would have it under `actors`. */
struct troupe_root {
    uint32_t size;     /* of this struct */
    uint32_t capacity; /* of its mailbox; 0: the default */
    const char *name;
    const char *type;                      /* "text.Match" */
    const struct troupe_setting *settings; /* its config, values written as in a manifest */
    uint64_t setting_count;
    const struct troupe_root_wire *wires; /* what it sends goes there */
    uint64_t wire_count;
};

/* Adds an actor. Before the start [any]: whether there is such a type, such settings, and so on,
 * shows at the start. While the proc runs [outside]: it is checked here, its plugin file is loaded,
 * if that was not needed so far (the files are those that the start found), and it begins. It is
 * like any root of the manifests: it has their `defaults`, stands under their `supervision` and the
 * coordinator, ends in the order of the wires, is counted in the end, and is found by its name.
 *   It may be wired to actors that are there. One that had no wired inputs has some from then on,
 * and ends when they have ended, unless it says `when_inputs_end: stay` (DR-1).
 *   When it has ended, its name is free again (AI-2); about 12 KiB of it stay until the proc ends.
 * Errors: INVALID (size; no name or type; when it runs: findings, as at the start), STOPPING,
 * NO_MEMORY; when it runs also REFUSED (the name is taken, and the text says by whom; whom it is
 * wired to is ending; a plugin), NOT_FOUND, WRONG_THREAD, ERROR (threads, files). Then there is no
 * such actor. */
TROUPE_API int32_t troupe_proc_spawn(struct troupe_proc *proc, const struct troupe_root *root,
                                     struct troupe_error *error);
/* Wires an output to a handler port: "reader.line", "counter.line". Before the start only: where an
 * actor sends to is settled when it begins.
 * Errors: INVALID, REFUSED (it runs), STOPPING, NO_MEMORY. [any] */
TROUPE_API int32_t troupe_proc_wire(struct troupe_proc *proc, const char *from, const char *to,
                                    struct troupe_error *error);

/* What follows when a root has ended that nobody had told to (SV-2). */
enum troupe_verdict {
    TROUPE_BY_POLICY = 0, /* as the manifest's `supervision` and `restart` say */
    TROUPE_RESTART = 1,   /* within its intensity */
    TROUPE_LET_GO = 2,    /* its slot closes, the others go on */
    TROUPE_GIVE_UP = 3    /* the proc ends as failed */
};
struct troupe_root_end {
    uint32_t size; /* of this struct */
    bool failed;
    int32_t status;
    uint32_t incarnation;   /* which life of it, from 1 */
    struct troupe_str name; /* "proc/name[0]" */
    struct troupe_str text; /* the reason */
    struct troupe_str root; /* the actor that really failed, by name (SV-1) */
};
/* Returns a TROUPE_... verdict; one it does not know counts as BY_POLICY. `end` is lent. Called by
 * a worker between two turns: must not block, and must not call functions tagged [outside]. */
typedef int32_t troupe_coordinator(void *context, const struct troupe_root_end *end);
/* Without one the manifest's policy decides. It may be set once.
 * Errors: REFUSED (there is one already), STOPPING (it has been started). [any] */
TROUPE_API int32_t troupe_proc_set_coordinator(struct troupe_proc *proc,
                                               troupe_coordinator *coordinator, void *context,
                                               struct troupe_error *error);

/* --- its life --- */

/* Reads and checks what it is made of, loads the plugins, starts threads and actors. When that
 * fails the proc has ended, and only its handles are left. May be called once.
 * Errors: INVALID (findings; `error` has them with file, line and column), NOT_FOUND, REFUSED (a
 * plugin, or the id is taken at its forwarder), STOPPING (started or stopped already), NO_MEMORY,
 * ERROR (threads, files). [any] */
TROUPE_API int32_t troupe_proc_start(struct troupe_proc *proc, struct troupe_error *error);

/* Writes a line of the program's into the proc's log; TROUPE_LOG_... [any] */
TROUPE_API void troupe_proc_log(struct troupe_proc *proc, uint32_t level, struct troupe_str text);

/* Its name; "" before the start when only a manifest says it. Lent as long as the handle. [any] */
TROUPE_API const char *troupe_proc_id(struct troupe_proc *proc);

/* Asks it to stop: sources first, the rest drains in wire order, what is left at the stop timeout
 * is aborted (PR-3). Returns at once; again, or after the end, it does nothing. One that was never
 * started ends. [any] */
TROUPE_API void troupe_proc_stop(struct troupe_proc *proc);
/* Ends everything now: what is queued becomes dead letters. [any] */
TROUPE_API void troupe_proc_abort(struct troupe_proc *proc);

/* Waits until it has ended. *ret (NULL: not asked for) is the caller's, to be given to
 * troupe_end_free.
 * Errors: TIMEOUT, INVALID (never started), WRONG_THREAD, NO_MEMORY. [outside] */
TROUPE_API int32_t troupe_proc_wait(struct troupe_proc *proc, uint64_t timeout,
                                    struct troupe_end **ret, struct troupe_error *error);

/* Stops it, waits until it has ended, and drops the caller's handle. When that was the last one,
 * nothing is left of the proc at the return; others that still hold one find it ended. On failure
 * the handle stays the caller's: from a turn or a callback nothing has happened; at the timeout it
 * is stopping.
 * Errors: TIMEOUT, WRONG_THREAD, NO_MEMORY. [outside] */
TROUPE_API int32_t troupe_proc_destroy(struct troupe_proc *proc, uint64_t timeout,
                                       struct troupe_end **ret, struct troupe_error *error);

/* One more strong handle; returns `proc`. [any] */
TROUPE_API struct troupe_proc *troupe_proc_ref(struct troupe_proc *proc);
/* Gives one back; takes NULL. With the last one the proc stops, on a thread of the host, and this
 * returns at once: from a turn, too. troupe_weak_proc_wait tells when that is over. [any] */
TROUPE_API void troupe_proc_unref(struct troupe_proc *proc);

/* A weak handle, to be given to troupe_weak_proc_free; NULL: no memory. [any] */
TROUPE_API struct troupe_weak_proc *troupe_proc_weak(struct troupe_proc *proc);
/* One more strong handle; NULL: the proc has ended, or its last strong handle is gone. [any] */
TROUPE_API struct troupe_proc *troupe_weak_proc_upgrade(struct troupe_weak_proc *weak);
/* Waits until nothing is left of the proc: its last strong handle is gone, its threads are joined,
 * its plugins unloaded; callbacks are not called any more.
 * Errors: TIMEOUT, WRONG_THREAD. [outside] */
TROUPE_API int32_t troupe_weak_proc_wait(struct troupe_weak_proc *weak, uint64_t timeout,
                                         struct troupe_error *error);
TROUPE_API void troupe_weak_proc_free(struct troupe_weak_proc *weak); /* takes NULL [any] */

/* --- how it ended --- */

/* X(constant, value, text): how an actor of the manifests, or one made by hand, has ended. */
#define TROUPE_HOWS(X)                                                                             \
    X(STOPPED, 0, "stopped")                                                                       \
    X(FAILED, 1, "failed")                                                                         \
    X(ABORTED, 2, "aborted") /* it could not end in time, or was told so */                        \
    X(STUCK, 3, "stuck")     /* it did not even react to that: its thread is still in it */
#define TROUPE_HOW_CONSTANT(name, value, text) TROUPE_END_##name = (value),
enum troupe_how { TROUPE_HOWS(TROUPE_HOW_CONSTANT) TROUPE_HOW_COUNT_ };
#undef TROUPE_HOW_CONSTANT

/* OK: cleanly. ERROR: failed. ABORTED: not everything could end in time. What is told here has been
 * written into the log as well. [any] */
TROUPE_API int32_t troupe_end_status(const struct troupe_end *end);
/* The first failure and its root cause, "actor 'p/x[0]' failed: ..."; "" when there is none. Lent.
 * [any] */
TROUPE_API const char *troupe_end_cause(const struct troupe_end *end);
/* How many messages were left over and became dead letters in an abort. [any] */
TROUPE_API uint64_t troupe_end_left(const struct troupe_end *end);
/* How many actors have ended so, and the name of one of them, "proc/name[0]": in the manifests'
 * order, lent; NULL: there are not so many. [any] */
TROUPE_API uint64_t troupe_end_count(const struct troupe_end *end, uint32_t how);
TROUPE_API const char *troupe_end_name(const struct troupe_end *end, uint32_t how, uint64_t index);
/* Whether threads are left behind in code of plugins, because their actors did not come back from
 * it (SV-7). Then the program should leave by _exit: an exit would take libraries away from under
 * their feet. [any] */
TROUPE_API bool troupe_end_is_stuck(const struct troupe_end *end);

/* Messages that an overflow policy dropped, of one wire (MB-2). Texts are lent by the end. */
struct troupe_drop {
    uint32_t size;          /* of this struct: set by the caller */
    uint32_t receivers;     /* more than 1: `to` is the first of a pool */
    uint64_t messages;      /* dropped */
    struct troupe_str from; /* "proc/name[0].output" */
    struct troupe_str to;   /* "proc/name[0].port" */
};
/* The wires that dropped some, in their order. Errors: NOT_FOUND (there are not so many). [any] */
TROUPE_API int32_t troupe_end_drop(const struct troupe_end *end, uint64_t index,
                                   struct troupe_drop *ret);
/* How many messages could not be delivered for this reason, TROUPE_FULL, TROUPE_GONE, ..., and
 * nobody took them back: of those that are kept (dead_letters.keep). 0: for any reason, kept or
 * not. [any] */
TROUPE_API uint64_t troupe_end_dead_letters(const struct troupe_end *end, int32_t reason);

/* What failures have cost. */
struct troupe_loss {
    uint32_t size; /* of this struct: set by the caller */
    uint32_t reserved;
    uint64_t failures;        /* lives that failed */
    uint64_t quarantined;     /* messages that killed, and are kept (FC-4) */
    uint64_t retried;         /* messages that killed, and were handled once more */
    uint64_t lost_with_state; /* messages handled since the state that the next life began with */
    struct troupe_str actor;  /* "proc/name[0]", lent by the end; empty: all together */
};
/* Those that lost some, in the manifests' order; TROUPE_ALL: all together, spawned actors too.
 * Errors: NOT_FOUND (there are not so many). [any] */
#define TROUPE_ALL UINT64_MAX
TROUPE_API int32_t troupe_end_loss(const struct troupe_end *end, uint64_t index,
                                   struct troupe_loss *ret);
TROUPE_API void troupe_end_free(struct troupe_end *end); /* takes NULL [any] */

/* --- the library --- */

/* "0.1.0"; static. [any] */
TROUPE_API const char *troupe_version(void);
