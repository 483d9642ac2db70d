/* What is known of an instance, for a snapshot of a life that ends and for a look at one that goes on. */
#pragma once

#include "record/snapshot.h"

struct inst;
struct proc;

/* What the facts point to. */
struct facts_room {
    char id[160], parent[160];
    struct snapshot_attribute attributes[SNAPSHOT_ATTRIBUTES_MAX]; /* `json` is owned */
};

/* Fills in what both have: who it is, its counters, what it published, its lives before; `ended` is now.
 * Lent by the room and the instance. [home worker, or between looks_begin and looks_end] */
void facts_gather(const struct inst *in, struct facts_room *room, struct snapshot_facts *facts);
void facts_let_go(struct facts_room *room, const struct snapshot_facts *facts);
/* Monotonic to wall time; 0 stays 0. */
int64_t facts_wall(const struct proc *proc, uint64_t mono_ns);
