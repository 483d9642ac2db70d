/* Who waits for room where: paused senders, and the cycles among them (MB-2).
 *
 * A sender's actor that meets a full mailbox pauses: it runs no turn until there is room. It waits
 * for one mailbox at a time, so the graph has at most one edge out of each actor, and a cycle is found
 * by walking. Somebody who waits for others' ends is a second way to wait: see pause_end. All under one
 * lock: pausing is the slow path, once per half a mailbox.
 *
 * Graphs that share a lock are one: an actor may wait for a mailbox in another of them, by the functions of its
 * own; only the counting is apart.
 *
 * No wake-up is lost: a waiter is linked under the lock and the mailbox's home is poked afterwards, so
 * that its next activation, which looks whether there are any, comes later. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "message/mbox.h"

struct pause_graph {
    pthread_mutex_t own;
    pthread_mutex_t *lock;   /* `own`, or one that several graphs share */
    uint64_t pauses, cycles; /* under lock: counted for people */
};

/* One actor's place in the graph; part of the actor, or of what it has when it first has to wait. */
struct pauser {
    struct mbox *self;
    /* under the lock */
    struct mbox *target; /* NULL: not waiting */
    struct pauser *next; /* mbox.waiters of the target */
};

enum pause_result {
    PAUSE_WAITS, /* linked; the actor runs no turn until pause_is_over */
    PAUSE_RETRY, /* there is room now, or the mailbox closed: offer again */
    PAUSE_CYCLE, /* waiting would never end: offer with the hard limit */
};

/* `shared`: a lock, lent, that graphs have in common; NULL: none. */
void pause_init(struct pause_graph *graph, pthread_mutex_t *shared);
void pause_fini(struct pause_graph *graph);

/* The actor of `pauser` found `target` full. [home worker of pauser->self] */
enum pause_result pause_wait(struct pause_graph *graph, struct pauser *pauser, struct mbox *target);
/* Whether the wait has ended. [home worker of pauser->self] */
bool pause_is_over(struct pause_graph *graph, struct pauser *pauser);
/* Ends the wait by force: the actor is stopped. [home worker of pauser->self] */
void pause_cancel(struct pause_graph *graph, struct pauser *pauser);
/* The owner of `mb` takes nothing until others have ended: its children, or those it is to start again
 * with. Whoever waits for room in it looks again whether that is for ever: so it is for those whom it
 * waits for, and for everybody whom one of those waits for in turn. [home worker of mb] */
void pause_end(struct pause_graph *graph, struct mbox *mb);
/* The owner of `mb` was told to end, and somebody waits for that. [home worker of mb] */
void pause_leave(struct pause_graph *graph, struct mbox *mb);
/* The owner of `mb` begins anew, or waits for nobody any more. [home worker of mb] */
void pause_begin(struct mbox *mb);
/* Wakes all that wait for `mb`, to offer again. The mailbox stays as long. [any] */
void pause_release(struct pause_graph *graph, struct mbox *mb);
/* Wakes all that wait for `mb` when it is at most half full or closed. Cheap when nobody does.
 * [home worker of mb] */
void pause_wake(struct pause_graph *graph, struct mbox *mb);
