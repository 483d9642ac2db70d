/* Checkpoints: the last good state of an actor, for its next life.
 *
 * Taken between two turns, when so many messages were handled since the last one or so much time has
 * passed, and when a life ends well. A state that cannot be saved leaves the one before in place, and is
 * tried again as much later; one that cannot be loaded is given up, and the life after begins afresh. */
#pragma once

#include <stdint.h>

#include "sched/timer.h"

struct inst;
struct msg;
struct runner;

struct checkpointing {
    uint64_t since; /* messages handled since the last one, or since the life began */
    uint64_t tried; /* of those, before the last attempt that failed */
    struct timer timer;
    struct inst *self; /* for the timer; set before its first start */
};

/* A message was handled, or a tick, a reply, whatever there is a handler for. [home worker] */
void checkpoint_count(struct runner *r, struct inst *in);
/* `notice` is what asked for it, or NULL. */
void checkpoint_take(struct runner *r, struct inst *in, struct msg *notice);
/* A life ends well: what it has not saved yet, for a next one that may follow. Before its cleanup. */
void checkpoint_take_last(struct runner *r, struct inst *in);
void checkpoint_end(struct inst *in);
