/* What is known of a proc as a whole: totals, and what is kept of messages and lives that ended. A copy of
 * plain values; owned by who asked for it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "record/snapshot_store.h"

/* X(name, description): numbers. */
#define PROC_NUMBERS(X)                                                                            \
    X(live_instances, "actors that there are, the proc itself among them")                         \
    X(live_messages, "messages in memory, those that are kept among them")                         \
    X(queued, "messages accepted and not yet taken, in all mailboxes together")                    \
    X(queued_high_water, "the most that were queued at once")                                      \
    X(handled, "messages that handlers have handled")                                              \
    X(sent, "messages that were delivered into mailboxes")                                         \
    X(dropped, "messages that full mailboxes dropped, as their policies say")                      \
    X(dead_letters, "messages that could not be delivered and that nobody took back")              \
    X(late_replies, "replies that came when their call was over")                                  \
    X(discarded_turns, "turns that failed, of which nothing was sent")                             \
    X(pauses, "how often an actor had to wait for a full mailbox")                                 \
    X(cycles, "how often actors would have waited for each other for ever")                        \
    X(quarantined, "messages that lives died on and that are tried no more")                       \
    X(retried, "messages that a life died on and that the next one was given")                     \
    X(lost_with_state, "messages whose effect on the state of an actor that failed is lost")       \
    X(snapshots_evicted, "lives that ended of which only a tombstone was kept, or nothing")        \
    X(quarantine_fallen, "messages in quarantine that had to make way for others")

/* What stands beside them in JSON. X(name, description) */
#define PROC_PARTS(X)                                                                              \
    X(last_nonzero, "when something was queued last; absent when never anything was")              \
    X(dead_letters_kept, "the dead letters that are kept, the oldest first")                       \
    X(quarantine_kept, "the messages in quarantine that are kept, the oldest first")               \
    X(terminated, "the lives that ended, of which something is kept, the oldest first")

struct proc_view_dead {
    uint64_t number, from_uid, to_uid;
    int64_t wall_ns;
    char from[BRIEF_NAME], to[BRIEF_NAME]; /* addresses; "": not known (any more), or nobody */
    char type[96];
    const char *reason; /* static */
};

struct proc_view {
    char *name;
    int64_t wall_ns;              /* when it was looked at */
    int64_t last_nonzero_wall_ns; /* 0: never (PD-7) */
#define PROC_NUMBER_MEMBER(name, description) uint64_t name;
    PROC_NUMBERS(PROC_NUMBER_MEMBER)
#undef PROC_NUMBER_MEMBER
    struct proc_view_dead *dead;
    uint32_t dead_count;
    struct str quarantine; /* an array of JSON */
    struct snapshot_brief *terminated;
    uint32_t terminated_count;
};

void proc_view_destroy(struct proc_view *view); /* takes NULL */
