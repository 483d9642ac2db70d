/* What an instance has only when it needs it: struct inst_more and its parts. */
#pragma once

#include <troupe/plugin.h>

#include "actor/checkpoint.h"
#include "actor/client.h"
#include "actor/failure.h"
#include "actor/looks.h"
#include "actor/published.h"
#include "actor/stuck.h"
#include "actor/type.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/str.h"
#include "manifest/manifest.h"
#include "message/mbox.h"
#include "message/pause.h"
#include "route/wire.h"
#include "sched/timer.h"

struct inst;
struct inst_watch;
struct outbox;
struct rewiring;

/* Body of an ENDED message: children that have ended, one after another; and what is left of one. They are linked
 * as in the queue of a worker, which they have left for good. */
struct ends {
    struct inst *first, *last; /* NULL: none */
    uint32_t count;
};

struct call {
    uint64_t number; /* 0: free */
    uint64_t deadline_ns;
    uint16_t row;
    uint32_t next_free;
};

struct kept {
    struct troupe_any any; /* first: what the plugin holds */
    struct msg *origin;
    struct list link; /* inst_more.kept */
    uint16_t row;     /* it came in on */
};

struct inst_timer {
    struct timer timer;
    struct inst *inst;
    uint64_t uid;
    uint64_t period_ns;
    uint64_t due_ns; /* of the tick to come; the firing thread's while pending */
    uint16_t row;
    uint32_t series; /* counts starts: an old tick is known by it; the home worker's */
    _Atomic uint32_t armed_series;
    bool active;          /* ticks are to come; the home worker's */
    _Atomic bool waiting; /* a tick is in the mailbox (TM-2) */
    _Atomic uint64_t missed;
    struct inst_timer *next;
};

/* Descriptors that end with the life, other than watched ones. */
struct owned_fds {
    int32_t *items; /* owned, grows */
    uint32_t count, room;
};

/* State memory, and what else a life has and its code may touch. Made on first use; what is in it ends
 * with the life. */
struct inst_memory {
    struct heap heap;
    struct heap kept_heap; /* of `kept`: apart, so that a plugin can't free one by mistake */
    struct list kept;      /* kept.link */
    struct owned_fds fds;
};

/* What was asked and is not answered yet, both ways. Made on first use. */
struct inst_calls {
    struct inst *self; /* for `timer` */
    struct timer timer;
    struct call *calls; /* owned, as `requests` */
    uint32_t room, free, pending;
    uint64_t earliest_ns;
    uint64_t series;
    struct troupe_once *requests; /* taken and not answered yet */
    uint32_t request_count, request_room;
};

/* What an actor was before it went over to another generation (W-3). */
struct swap_held {
    const struct inst_type *type;
    bool in_place;
    void *state; /* in place: a copy of its bytes, owned; else itself; NULL: `saved` */
    struct inst_memory *memory; /* not in place; NULL: it had none */
    struct str saved;           /* in probation, not in place: as the code before loads it */
    struct config *config;      /* a reference */
    uint64_t processed;         /* when it was noted down */
    uint64_t turns;             /* that have gone well since it went over */
};

/* What goes from one life of the slot to the next. Made on first use. */
struct inst_lives {
    struct failure
        *failure; /* of the present life, or the last one; owned; NULL: none, no memory */
    struct tally tally;
    struct checkpointing checkpoint;
    const void *saved; /* a state to load instead of init; owned */
    uint64_t saved_size;
    uint32_t saved_version;
    uint32_t deaths; /* lives that died on the message that came again, or the last one (FC-4) */
};

/* What an actor has that not all have: those of the plan, and spawned ones with a name or a config, have it
 * from the start, others when they first need it. Its parts, too, are made on first use. */
struct inst_more {
    /* set before others know the instance, then constant */
    const char *name; /* owned; NULL: anonymous */
    struct config *config;
    const enum overflow *row_overflow;     /* of rows by their numbers, owned; NULL: all block */
    uint16_t overflow_count;               /* so many; those behind block */
    const struct client_seat *seat;        /* of a client, lent by its owner; else NULL */
    _Atomic(struct client_order *) orders; /* to a client; written under the proc's lock */

    /* only the home worker */
    struct list children;           /* inst.sibling; lookers walk it forward */
    _Atomic uint32_t open_children; /* read by anyone */
    struct ends ends;               /* heard of, and not handled yet */
    uint32_t timer_series; /* of starts, over all lives: a tick of an earlier one is known by it */
    struct inst *root;     /* whose counter gives pids; NULL: not looked for yet */
    struct inst_timer *timers;
    struct inst_watch *watches;
    uint64_t watch_number;
    struct inst_memory *memory; /* NULL: none yet; so the others */
    struct inst_calls *calls;
    struct inst_lives *lives;
    _Atomic(struct swap_held *)
        held; /* as long as inst.holds; written by the home worker, whether there is one is read by anyone */
    struct shadow *shadow;     /* owned; NULL: none */
    _Atomic uint8_t shadowing; /* read by anyone; see shadow.c */
    struct outbox *rest;       /* held back by a full mailbox */
    struct pauser pauser;

    /* any thread */
    _Atomic(struct published *)
        attributes;              /* written by the home worker, read by lookers; so `past` */
    _Atomic(struct past *) past; /* NULL: no life of the slot has failed */
    _Atomic(struct inst_end *) fail_with; /* with SIGNAL_FAIL; owned by who takes it out */
    _Atomic(struct snapshot_family *)
        family; /* a reference; of those below that show its name; NULL: none has ended yet */
    _Atomic uint64_t next_pid; /* roots: the counter of their tree (AI-1) */

    _Atomic(struct rewiring *) rewiring;   /* it gets other wires; see wiring.h */
    _Atomic(struct config *) next_config;  /* of the lives to come; whoever takes it out owns it */
    _Atomic(struct config *) other_config; /* across a reload; whoever takes it out owns it */
    struct mbox_bounds bounds;             /* of the mailbox, if it has any */
};

/* The ports of an instance: a block that lookers may read when it has been replaced. */
struct port_block {
    struct looks_block block; /* first */
    uint16_t count;
    struct wire_block *
        wires; /* all of a plan's actor, owned: they stay where they are; NULL: each port has its own */
    struct port ports[];
};
static inline struct port_block *port_block_of(struct port *ports) {
    return LIST_OF(ports, struct port_block, ports);
}
