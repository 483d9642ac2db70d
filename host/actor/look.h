/* Looking at one actor, from any thread that is in no turn (S-1 to S-5, S-7).
 *
 * Answers come from what is published, and for a life that has ended from its snapshot, so that it does not
 * matter what the actor does: one that is stuck, begins, stops or has ended answers like any other. Nothing
 * of it changes by being looked at, and it never waits for whoever looks. */
#pragma once

#include <stdint.h>

#include <troupe/abi.h>

#include "actor/facts.h"
#include "actor/looks.h"
#include "base/err.h"
#include "record/snapshot.h"

struct proc;

/* What is known of the actor with this uid, a reference of the caller's; also of one that has ended, as
 * long as its snapshot, or its tombstone at least, is kept. Errors: NOT_FOUND, NOMEM, REFUSED (a plain
 * client, CI-3). [any] */
int look_at(struct proc *proc, uint64_t uid, struct snapshot **ret, struct err *err);
/* The same for one below it that has not ended: "name", "[pid]", or several of these joined by '/'; "" is
 * itself. One that begins with '/' begins at the proc, whose children are the roots. And without a copy: what
 * was seen is lent, until look_end; meanwhile what the actor gives up is kept, so that is to be soon. Only when
 * it succeeds there is something to end. [any] */
struct look {
    const struct snapshot *seen;

    /* look.c */
    struct snapshot *ended; /* a reference; NULL: it goes on, and the rest is of it */
    struct snapshot_lent living;
    struct facts_room room;
    struct look_children *children; /* owned; NULL: there are none */
    struct proc *proc;
    struct looker looker;
};
int look_begin(struct proc *proc, uint64_t uid, struct troupe_str child, struct look *look,
               struct err *err);
void look_end(struct look *look);
/* The same by address: "name", "group/name" or "proc/name[pid]"; of several lives the present, else the
 * last one. [any] */
int look_up(struct proc *proc, const char *address, struct snapshot **ret, struct err *err);

/* The uids of all that are open just now, children and clients too, without the proc itself and
 * plain clients; returns how many there are, which may be more than `room`. [any] */
uint32_t look_list(struct proc *proc, uint64_t *ret, uint32_t room);

struct proc_view;
/* The proc as a whole; owned by the caller. Errors: NOMEM. [any] */
int look_at_proc(struct proc *proc, struct proc_view **ret, struct err *err);
