/* Stores of snapshots for tests. */
#pragma once

#include "snapshot_given.h"

#include <stdio.h>

#include "record/snapshot_store.h"

#define HOUR 3600000000000ull

static inline struct snapshot_brief given_brief(uint64_t uid, uint32_t incarnation, bool failed,
                                                uint64_t ended_ns) {
    struct snapshot_brief brief = {.uid = uid,
                                   .incarnation = incarnation,
                                   .failed = failed,
                                   .ended_ns = ended_ns,
                                   .wall_ns = WALL};
    (void)snprintf(brief.id, sizeof brief.id, "main/a%u[0]", (unsigned)uid);
    (void)snprintf(brief.reason, sizeof brief.reason, failed ? "error" : "inputs ended");
    return brief;
}

static inline void note(struct snapshot_store *store, uint64_t uid, uint32_t incarnation,
                        bool failed, uint64_t ended_ns) {
    struct snapshot_brief brief = given_brief(uid, incarnation, failed, ended_ns);
    snapshot_store_note(store, &brief, ended_ns);
}

static inline void add_whole(struct snapshot_store *store, uint64_t uid, uint32_t incarnation,
                             bool failed, uint64_t ended_ns) {
    struct snapshot_facts facts = given_failed();
    facts.uid = uid;
    facts.incarnation = incarnation;
    facts.failed = failed;
    facts.ended_ns = ended_ns;
    struct snapshot *snapshot = snapshot_create(&facts, NULL);
    assert_non_null(snapshot);
    snapshot_store_add(store, snapshot, ended_ns);
}

static inline void given_store(struct snapshot_store *store, uint32_t keep) {
    assert_int_equal(snapshot_store_init(store, keep, 24 * HOUR), 0);
}

static inline struct snapshot_child given_child(struct snapshot_family *family, uint64_t pid) {
    return (struct snapshot_child){.family = family,
                                   .uid = 100 + pid,
                                   .pid = pid,
                                   .incarnation = 1,
                                   .ended_ns = pid,
                                   .reason = "stopped"};
}

/* By a thread that does nothing else. */
static inline void note_child(struct snapshot_store *store, struct snapshot_family *family,
                              uint64_t pid) {
    struct snapshot_feed feed = {.taken = 0};
    struct snapshot_child child = given_child(family, pid);
    snapshot_store_join(store, &feed);
    snapshot_store_note_child(store, &feed, &child);
    snapshot_store_leave(store, &feed);
}
