/* Cells: actors in hand. A cell is the shareable state of one instance, whatever its type: who it is,
 * what it does, how it ended; and cells lead along the supervision tree.
 *
 *     struct troupe_cell *cell;
 *     struct troupe_cell_seen seen = {.size = sizeof seen};
 *     if (troupe_proc_cell(proc, "counter", &cell, &error) == TROUPE_OK) {
 *         troupe_cell_status(cell, &seen, &error);
 *         while (!seen.closed) {
 *             troupe_cell_watch(cell, TROUPE_FOR_EVER, &seen, &error);
 *         }
 *         printf("%s: %s\n", troupe_cell_status_text(seen.status), seen.detail);
 *         troupe_cell_unref(cell);
 *     }
 *
 * What a cell is of   A slot, known by its uid: a restart begins a new incarnation in it, and the cell
 *            shows that one. When the slot has closed for good, which an actor that was spawned by
 *            another does with its only life, the cell keeps its last status and its snapshot, also
 *            when the proc is gone.
 * What it keeps       The record, and nothing else: not the actor running, not its library loaded
 *            (S-5), not the proc; and no end waits for it. Nor does the actor notice that somebody
 *            looks (S-2), or wait for that (S-7).
 * Finding    An actor whose slot has closed is not found any more, by no name, uid or weak cell
 *            (AI-4): only a cell that was held before shows it.
 * Threads    Every function may be called from any thread, at any time, several at once with the same
 *            cell [any]; the one that waits not from inside a turn or a callback [outside]. */
#pragma once

#include <troupe/inverted.h>

struct troupe_cell;      /* a strong handle of the record */
struct troupe_weak_cell; /* one that keeps nothing; upgraded before use */
struct troupe_look;      /* what one look has found */
struct troupe_view;      /* see introspect.h of the SDK */

/* --- from where one gets them --- */

/* Of an open actor, by "name", "group/name" or "proc/name[pid]"; of a child by its whole address,
 * which looks at all actors there are. *ret is the caller's, to be given to troupe_cell_unref.
 * Errors: NOT_FOUND (no open actor has this address), STOPPING (the proc does not run), NO_MEMORY.
 * [any] */
TROUPE_API int32_t troupe_proc_cell(struct troupe_proc *proc, const char *actor,
                                    struct troupe_cell **ret, struct troupe_error *error);
/* The same by uid: of the sender of a message, of a child that was spawned by hand, ...; the port in
 * it does not matter.
 * Errors: as troupe_proc_cell; NOT_LOCAL (an actor of another proc). [any] */
TROUPE_API int32_t troupe_proc_cell_of(struct troupe_proc *proc, struct troupe_ref ref,
                                       struct troupe_cell **ret, struct troupe_error *error);
/* Of a client, also of an inverted instance by its troupe_inverted_client.
 * Errors: GONE (it has ended, or its proc), NO_MEMORY. [any] */
TROUPE_API int32_t troupe_client_cell(struct troupe_client *client, struct troupe_cell **ret,
                                      struct troupe_error *error);
/* Of one below an actor: "name", "[pid]", or several of these joined by '/'.
 * Errors: NOT_FOUND, NO_MEMORY. [any] */
TROUPE_API int32_t troupe_cell_child(struct troupe_cell *cell, const char *path,
                                     struct troupe_cell **ret, struct troupe_error *error);
/* Of the actor above it; of a root OK, and *ret is NULL.
 * Errors: NOT_FOUND (the parent's slot has closed, and so this one's had before), NO_MEMORY. [any] */
TROUPE_API int32_t troupe_cell_parent(struct troupe_cell *cell, struct troupe_cell **ret,
                                      struct troupe_error *error);

/* One more strong handle; returns `cell`. [any] */
TROUPE_API struct troupe_cell *troupe_cell_ref(struct troupe_cell *cell);
/* Gives one back; takes NULL. [any] */
TROUPE_API void troupe_cell_unref(struct troupe_cell *cell);

/* A weak handle, to be given to troupe_weak_cell_free; NULL: no memory. [any] */
TROUPE_API struct troupe_weak_cell *troupe_cell_weak(struct troupe_cell *cell);
/* A strong handle of the same actor, the caller's; NULL: its slot has closed for good, also where
 * others still hold a cell of it; or no memory. [any] */
TROUPE_API struct troupe_cell *troupe_weak_cell_upgrade(struct troupe_weak_cell *weak);
TROUPE_API void troupe_weak_cell_free(struct troupe_weak_cell *weak); /* takes NULL [any] */

/* --- who it is; constant, lent as long as the cell --- */

/* "proc/name[pid]" (AI-1). [any] */
TROUPE_API const char *troupe_cell_id(const struct troupe_cell *cell);
/* "text.Match", "troupe.Group"; of clients "()". [any] */
TROUPE_API const char *troupe_cell_type(const struct troupe_cell *cell);
/* Its uid, as an address; port 0. [any] */
TROUPE_API struct troupe_ref troupe_cell_address(const struct troupe_cell *cell);
/* 0: a root. [any] */
TROUPE_API uint64_t troupe_cell_pid(const struct troupe_cell *cell);

/* --- what it does --- */

/* X(constant, value, text) (ST-1) */
#define TROUPE_CELL_STATUSES(X)                                                                    \
    X(CREATED, 0, "created")                                                                       \
    X(INITIALIZING, 1, "initializing")                                                             \
    X(CLIENT, 2, "client")                                                                         \
    X(IDLE, 3, "idle")                                                                             \
    X(PROCESSING, 4, "processing")                                                                 \
    X(STOPPING, 5, "stopping")                                                                     \
    X(STOPPED, 6, "stopped") /* this and the next one are terminal, for the incarnation */         \
    X(FAILED, 7, "failed")
#define TROUPE_CELL_STATUS_CONSTANT(name, value, text) TROUPE_CELL_##name = (value),
enum troupe_cell_statuses {
    TROUPE_CELL_STATUSES(TROUPE_CELL_STATUS_CONSTANT) TROUPE_CELL_STATUS_END_
};
#undef TROUPE_CELL_STATUS_CONSTANT

/* What a look has found. */
struct troupe_cell_seen {
    uint32_t size;        /* of this struct: set by the caller */
    uint32_t status;      /* TROUPE_CELL_... */
    uint32_t incarnation; /* which life of its slot this is the status of; 0: it has had none */
    bool closed;          /* the slot has closed for good, and nothing of this changes any more */
    int64_t since;        /* processing: nanoseconds since 1970, to a millisecond (ST-2); else 0 */
    char detail[512];     /* processing: the handler; stopped, failed: why; else "". Cut to fit */
};
/* One look. A slot that closes without a life shows as stopped. Should the proc go with a thread
 * stuck in the actor, it closes with the status it has.
 * Errors: INVALID (size). [any] */
TROUPE_API int32_t troupe_cell_status(struct troupe_cell *cell, struct troupe_cell_seen *ret,
                                      struct troupe_error *error);
/* Waits until the status is another than the one in *seen, and looks again: until the slot has
 * another incarnation or another status, or is closed. The thread sleeps, and is woken by the actor.
 *
 * Messages wake nobody: idle and processing count as the same here, so that being watched costs an
 * actor nothing for each. What is reported are the moves of its life: created, initializing, ready
 * (idle), stopping, stopped or failed, the next life, closed. Moves that follow each other faster
 * than the thread wakes up are reported as one, by the latest; the last one, closed, always is
 * reported, and at once where it has happened already.
 * Errors: INVALID (size), TIMEOUT (*seen is as it is now); WRONG_THREAD, unless the timeout is 0.
 * [outside] */
TROUPE_API int32_t troupe_cell_watch(struct troupe_cell *cell, uint64_t timeout,
                                     struct troupe_cell_seen *seen, struct troupe_error *error);
/* "idle"; static. [any] */
TROUPE_API const char *troupe_cell_status_text(uint32_t status);

/* --- all that is known --- */

/* The two views (S-4): all that is known of the actor; who it is, and what it published itself. */
#define TROUPE_ACTOR_VIEW 0u
#define TROUPE_ENTITY_VIEW 1u
/* Looks, also at one that has ended: then at its last snapshot, whole, whatever the proc keeps of it.
 * *ret is the caller's, and a copy that no longer changes.
 * Errors: INVALID (view), REFUSED (a client without TROUPE_SHOWN, CI-3), NO_MEMORY, NOT_FOUND (it has
 * ended, and there was no memory to keep how). [any] */
TROUPE_API int32_t troupe_cell_look(struct troupe_cell *cell, uint32_t view,
                                    struct troupe_look **ret, struct troupe_error *error);
/* As JSON: {"format": 1, "kind": "actor", ...}, the attributes of troupe-attributes(7). Lent as long
 * as the look; so below. [any] */
TROUPE_API const char *troupe_look_json(const struct troupe_look *look);
/* As the struct that actors get who ask (troupe/introspect.h); what the view does not have is empty.
 * [any] */
TROUPE_API const struct troupe_view *troupe_look_view(const struct troupe_look *look);
TROUPE_API void troupe_look_free(struct troupe_look *look); /* takes NULL [any] */

/* --- what stands below --- */

/* `cell` is lent: one more handle keeps it. `depth` is 1 for a child, 2 for a child of that. Returns
 * whether to go on. Called by the thread that asks, without any lock: it may do what it likes. */
typedef bool troupe_cell_each(void *context, struct troupe_cell *cell, uint32_t depth);
struct troupe_traverse {
    uint32_t size;  /* of this struct */
    uint32_t depth; /* how far down; 0: to the leaves */
    uint32_t most;  /* cells, at most; 0: 65536 */
    uint32_t reserved;
};
/* Calls `each` for the actors below it in the order of their pids, depth first, a parent before its
 * children. They are found in one go before the first call; nobody is stopped for it. One that ends
 * meanwhile is left out, or shows its end; one that begins meanwhile may be missed. `options` may be
 * NULL. A cell that has closed has nobody below it.
 * Errors: FULL (there are more; the first `most` have been shown), INVALID (size), NO_MEMORY. [any] */
TROUPE_API int32_t troupe_cell_traverse(struct troupe_cell *cell,
                                        const struct troupe_traverse *options,
                                        troupe_cell_each *each, void *context,
                                        struct troupe_error *error);
/* The same for its children alone. [any] */
TROUPE_API int32_t troupe_cell_children(struct troupe_cell *cell, troupe_cell_each *each,
                                        void *context, struct troupe_error *error);
/* The same for the whole proc: its roots have depth 1, in the order of the manifests. Clients stand
 * beside the tree.
 * Errors: STOPPING (the proc does not run) as well. [any] */
TROUPE_API int32_t troupe_proc_traverse(struct troupe_proc *proc,
                                        const struct troupe_traverse *options,
                                        troupe_cell_each *each, void *context,
                                        struct troupe_error *error);

/* --- telling it to end --- */

/* X(constant, value) */
#define TROUPE_CELL_SIGNALS(X)                                                                     \
    X(STOP, 0)  /* cleanly, before its next message; its children first */                         \
    X(DRAIN, 1) /* it handles what is queued, also in a next life should it fail, then stops */    \
    X(ABORT, 2) /* without cleanup; what it held back is undeliverable */
#define TROUPE_CELL_SIGNAL_CONSTANT(name, value) TROUPE_CELL_SIGNAL_##name = (value),
enum troupe_cell_signals {
    TROUPE_CELL_SIGNALS(TROUPE_CELL_SIGNAL_CONSTANT) TROUPE_CELL_SIGNAL_END_
};
#undef TROUPE_CELL_SIGNAL_CONSTANT
/* The operator's stop of this one actor. It overtakes messages (MB-3), closes the slot and is never
 * followed by a restart (DR-2): neither its own nor that of the others of its group. Returns when it
 * is told; troupe_cell_watch tells when it has ended.
 * An actor of the manifests that does not stop within its stop_timeout is aborted (SV-7). One that
 * waits for a restart closes at once, unless it is to drain what is queued. A group is ended with all
 * its members. An inverted instance is told by its signal receiver, and ends when the program lets it
 * go; aborted it ends by itself, and a plain client always, its functions then return GONE.
 * Errors: GONE (it has ended), REFUSED (the drain of a group), INVALID. [any] */
TROUPE_API int32_t troupe_cell_signal(struct troupe_cell *cell, uint32_t signal,
                                      struct troupe_error *error);
