/* What the host does for a plugin: the turn, and the table of functions that comes with it.
 *
 * A turn is a transaction on the outside (TX-1): sends, replies, calls, spawns, stops, timers, watches
 * and attributes take effect when the handler returns success, in program order. A handler that
 * returns a negative status has done none of them. Logs are kept.
 *
 * A handler that takes longer than its actor's stuck_after is looked at: a call of its that waits in the
 * kernel may then return EINTR. One that was abandoned (SV-7) is refused by every function here, with
 * WRONG_THREAD, NULL or nothing, and should return.
 *
 * Plugins rarely call through the table by hand: the wrappers below and the typed functions that
 * actor.h makes for each row are the comfortable way.
 */
#pragma once

#include <troupe/abi.h>
#include <troupe/message.h>

struct troupe_host;

/* The turn in hand. Lent until the handler returns; only its first member is for plugins. */
struct troupe_turn {
    const struct troupe_host *host;
};

/* What the turn knows of the message in hand. Lent until the handler returns. */
struct troupe_context {
    uint32_t size; /* of this struct */
    uint32_t ttl;  /* hops left on links between procs; 0: the message has not crossed one */
    struct troupe_ref self;
    struct troupe_ref sender;   /* uid 0: the host, or nobody */
    struct troupe_once request; /* uid 0: no answer is expected */
    uint64_t trace;             /* trace id; passed on by every send of the turn */
    struct troupe_str name;     /* of this actor, "proc/name[pid]" */
};

/* A timer's tick. `missed` ticks were due since the last one and are counted in, not sent (TM-2). */
struct troupe_tick {
    uint64_t missed;
    uint64_t now; /* monotonic clock, nanoseconds */
};

#define TROUPE_READABLE 1u
#define TROUPE_WRITABLE 2u
#define TROUPE_HANGUP 4u /* reported, never asked for */

/* A watched file descriptor is ready. The watch is off until the handler has returned, then on
 * again unless it was ended. */
struct troupe_ready {
    int32_t fd;
    uint32_t events; /* TROUPE_READABLE | ... */
};

/* How a call ended: exactly one per call (MB-6). `status` is 0 with a reply in `body`; else body is
 * NULL and `text` says why. */
struct troupe_outcome {
    uint32_t size; /* of this struct */
    int32_t status;
    uint64_t call;
    struct troupe_str text;
    const void *body;
};

/* A child has ended (SV-1): `failed` says how, `root` and `root_text` where the failure began. */
struct troupe_ended {
    uint32_t size; /* of this struct */
    int32_t status;
    struct troupe_ref child;
    bool failed;
    struct troupe_str name; /* of the child */
    struct troupe_str text; /* the reason */
    struct troupe_str root; /* the actor that really failed, by name */
};

/* A message of this actor's that could not be delivered (MB-4). */
struct troupe_returned {
    uint32_t size;  /* of this struct */
    int32_t reason; /* TROUPE_FULL, TROUPE_GONE, ... */
    struct troupe_ref to;
    struct troupe_any message;
    struct troupe_str text;
};

/* How to start a child. Zero-fill it, set `size`, then what is wanted; all texts are copied. */
struct troupe_setting {
    struct troupe_str key;
    struct troupe_str value; /* written as in a manifest */
};
struct troupe_join { /* wires an output of the child to a handler port */
    struct troupe_str output;
    struct troupe_ref to;
};
struct troupe_spawn {
    uint32_t size;          /* of this struct */
    uint32_t capacity;      /* of its mailbox; 0: the deployment's default */
    struct troupe_str name; /* empty: an anonymous child */
    const struct troupe_setting *settings;
    uint64_t setting_count;
    const struct troupe_join *joins;
    uint64_t join_count;
};

/* For troupe_wait. */
struct troupe_pollfd {
    int32_t fd;
    uint32_t events;
    uint32_t ready; /* out */
};

struct troupe_saver;  /* opaque: takes the bytes of a saved state */
struct troupe_loader; /* opaque: gives them back */

/* `port` below is always the index of a row in the actor's own table (actor.h makes the constants).
 * Functions that return int32_t return 0 or a negative status; TROUPE_WRONG_THREAD from all [turn]
 * functions called outside a turn, TROUPE_NO_MEMORY from all that allocate. */
struct troupe_host {
    uint32_t size; /* of this struct */
    uint16_t abi_major, abi_minor;
    struct troupe_str version;

    /* An optional part of the host by id, or NULL; valid while the plugin is loaded. [any] */
    const void *(*extension)(const struct troupe_host *host, struct troupe_str id);

    /* The message in hand, this actor, its sender. [turn] */
    const struct troupe_context *(*context)(struct troupe_turn *turn);

    /* Sends a copy of `body` out of an output row, to whatever is wired there; nothing wired is
     * success. Never waits: with a full mailbox and overflow `block` the *actor* pauses after this
     * turn (MB-2). Errors: INVALID (not an output row). [turn] */
    int32_t (*send)(struct troupe_turn *turn, uint32_t port, const void *body);

    /* Sends a copy of `body`, of the type of a `to` row, to the port `to`. What cannot be delivered
     * comes back (row `returned`). Errors: INVALID. [turn] */
    int32_t (*send_to)(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                       const void *body);

    /* Passes a message on without copying: `message` is the one in hand or one kept. `port` is an
     * `as` row. Errors: INVALID (not in hand, or not of the row's type). [turn] */
    int32_t (*forward)(struct troupe_turn *turn, uint32_t port, const struct troupe_any *message);

    /* Keeps the message in hand past the handler's end; give it back with drop. What is not dropped
     * is when the incarnation ends. NULL: out of memory, or no message in hand. [turn] */
    const struct troupe_any *(*keep)(struct troupe_turn *turn);
    void (*drop)(struct troupe_turn *turn, const struct troupe_any *kept);

    /* Calls out of an `ask` row: the outcome comes to the row's handler by `timeout_ns` from now.
     * Returns the call's number (never 0), or 0 when it could not be made: not wired, wired to more
     * than one, no memory. [turn] */
    uint64_t (*ask)(struct troupe_turn *turn, uint32_t port, const void *body, uint64_t timeout_ns);

    /* As ask, to a `call` port of the actor `to`. [turn] */
    uint64_t (*ask_to)(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                       const void *body, uint64_t timeout_ns);

    /* Answers `request` (from the context of the request's turn, then or later) with a copy of
     * `body`, of the reply type of the `call` row `port`; with `status` < 0 body is NULL and the
     * caller gets status and text. A late answer is counted and dropped. [turn] */
    int32_t (*answer)(struct troupe_turn *turn, uint32_t port, struct troupe_once request,
                      int32_t status, struct troupe_str text, const void *body);

    /* A reference to a handler port: of this actor by row, or of another actor by name. [turn] */
    struct troupe_ref (*own_port)(struct troupe_turn *turn, uint32_t port);
    struct troupe_ref (*port_of)(struct troupe_turn *turn, struct troupe_ref actor,
                                 struct troupe_str port);

    /* Starts a child of a `child` row's type; its end comes to the row's handler. Returns its
     * address at once, uid 0 when refused: unknown setting, bad value, name taken (AI-2), or this
     * actor is stopping. When the turn then fails, the reason stands in the failure. [turn] */
    struct troupe_ref (*spawn)(struct troupe_turn *turn, uint32_t port,
                               const struct troupe_spawn *how);
    /* Stops a child; with `drain` it handles what it was sent before. Errors: NOT_FOUND (not a live
     * child of this actor). [turn] */
    int32_t (*stop_child)(struct troupe_turn *turn, struct troupe_ref child, bool drain);
    /* Stops this actor cleanly when the turn has committed. [turn] */
    int32_t (*stop)(struct troupe_turn *turn);

    /* Starts or restarts the timer of a `timer` row: first tick after `first_ns`, then every
     * `period_ns` (0: once). Monotonic clock. Ended by stop_timer and with the incarnation. [turn] */
    int32_t (*start_timer)(struct troupe_turn *turn, uint32_t port, uint64_t first_ns,
                           uint64_t period_ns);
    int32_t (*stop_timer)(struct troupe_turn *turn, uint32_t port);

    /* Watches `fd` for a `watch` row; one row may watch several. The host owns fd from a successful
     * return on: it closes it at unwatch and when the incarnation ends (TM-3). [turn] */
    int32_t (*watch)(struct troupe_turn *turn, uint32_t port, int32_t fd, uint32_t events);
    int32_t (*unwatch)(struct troupe_turn *turn, uint32_t port, int32_t fd);

    /* Own-thread actors only: waits for fds, for a message, for a stop or for the time to pass,
     * whichever is first; commits the turn so far first. Returns the number of ready fds, 0 on
     * time or message, TROUPE_STOPPING on stop and TROUPE_FULL when something of the turn must wait
     * for room (return from the handler then), UNSUPPORTED for an actor without its own thread
     * (TM-4). [turn] */
    int32_t (*wait)(struct troupe_turn *turn, struct troupe_pollfd *fds, uint64_t count,
                    uint64_t timeout_ns);

    /* Makes what the turn did so far take effect now (TX-2). Errors: REFUSED. Returns
     * TROUPE_FULL when something of it must wait for room: then return soon. [turn] */
    int32_t (*commit)(struct troupe_turn *turn);

    /* Memory of the actor's state: freed whole when the incarnation ends, also by a crash. NULL when
     * there is none or the actor's cap is reached. free takes NULL. [turn] */
    void *(*alloc)(struct troupe_turn *turn, uint64_t size);
    void *(*resize)(struct troupe_turn *turn, void *memory, uint64_t size);
    void (*free)(struct troupe_turn *turn, void *memory);
    /* Memory of the turn: gone when the handler returns. [turn] */
    void *(*scratch)(struct troupe_turn *turn, uint64_t size);

    /* Fails the turn with a text for people; returns `status`, or ERROR where that is not
     * negative, so that `return troupe_fail(...)` reads well. [turn] */
    int32_t (*fail)(struct troupe_turn *turn, int32_t status, struct troupe_str text);
    /* Logs one line into the actor's flight recorder and the host's log. [turn] */
    void (*log)(struct troupe_turn *turn, uint32_t level, struct troupe_str text);
    /* Publishes an attribute of the actor for introspection, at commit. [turn] */
    int32_t (*publish)(struct troupe_turn *turn, struct troupe_str name,
                       const struct troupe_value *value);

    /* Reads a field of a message by name. Errors: NOT_FOUND. [any] */
    int32_t (*read)(const struct troupe_any *message, struct troupe_str field,
                    struct troupe_value *ret);
    /* The message as one line of JSON, {"name":{...}}, in turn memory; empty: no memory. [turn] */
    struct troupe_str (*to_json)(struct troupe_turn *turn, const struct troupe_any *message);

    /* Monotonic clock, and time of day since 1970 UTC, in nanoseconds; a test may replace both. [any] */
    uint64_t (*now)(struct troupe_turn *turn);
    int64_t (*time_of_day)(struct troupe_turn *turn);

    /* Saving and loading a state (rows `save` and `load`). save_write appends bytes; load_read gives
     * the next `size` bytes or INVALID when fewer are left; load_left says how many are. [turn] */
    int32_t (*save_write)(struct troupe_saver *saver, const void *data, uint64_t size);
    int32_t (*load_read)(struct troupe_loader *loader, void *data, uint64_t size);
    uint64_t (*load_left)(struct troupe_loader *loader);
    uint32_t (*load_version)(struct troupe_loader *loader);

    /* Gives the host a file descriptor that is not watched: it closes it when the
     * incarnation ends, behind its cleanup, also after a fault (TM-3). At once, not at commit, so call it
     * as soon as the descriptor is open. close_fd closes it before that; watch takes it over. Errors:
     * INVALID (not open; not one of own_fd's), NO_MEMORY: it is still the caller's then. [turn] */
    int32_t (*own_fd)(struct troupe_turn *turn, int32_t fd);
    int32_t (*close_fd)(struct troupe_turn *turn, int32_t fd);

    /* The state version that `save` is to write: the newest, but for a type with the option
     * writes_older, which may be asked for any from its oldest on (a reload goes back). [turn] */
    uint32_t (*save_version)(struct troupe_saver *saver);
    /* Whether the actor goes on under this code: 1 in a reload, where its timers, watches, descriptors,
     * children and calls are there already, and what `load` sends or starts is dropped; 0 when a life
     * begins with a saved state. [turn] */
    uint32_t (*load_goes_on)(struct troupe_loader *loader);
};
