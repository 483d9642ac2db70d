/* The snapshots of a proc: by uid and incarnation, bounded, given up in a stated order (S-6).
 *
 * When there is one too many, one goes:
 *   1. the oldest clean stop;
 *   2. else, of slots with more than 4 failures, the oldest that is neither its slot's first nor one of
 *      its last three;
 *   3. else the oldest failure, if that is older than `max_age_ns`;
 *   4. else the newest failure, so that the earliest stay.
 * What goes leaves a tombstone; of those the latest are kept.
 *
 * Ends of nameless children, of which there may be millions a second, come by feeds: a few wait in one, written by one
 * thread without the lock, until it is full or somebody looks. What was noted before a call is found by it; in the
 * order of ends those of two feeds may stand SNAPSHOT_FEED apart.
 *
 * Everything is short: nothing is allocated or freed under the lock, and the work does not grow with
 * what is kept (S-7), but for what says so. [any] */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "record/snapshot.h"

#define SNAPSHOT_KEEP_MAX 100000u
#define BRIEF_NAME 160u
#define BRIEF_REASON 64u

/* One ended incarnation in short. */
struct snapshot_brief {
    uint64_t uid;
    uint32_t incarnation;
    bool failed;
    uint64_t ended_ns; /* monotonic */
    int64_t wall_ns;
    char id[BRIEF_NAME]; /* "proc/name[pid]"; texts are cut to fit */
    char reason[BRIEF_REASON];
};

/* What the addresses of an actor's nameless children begin with, "proc/name": one copy for all of them,
 * so that nothing is written when such a child ends before somebody looks. Counted: its maker, and each
 * end that is kept. */
struct snapshot_family {
    uint32_t refs; /* under the store's lock */
    uint32_t size;
    char text[];
};

/* A nameless child that stopped cleanly. */
struct snapshot_child {
    struct snapshot_family *family;
    uint64_t uid, pid;
    uint32_t incarnation;
    uint64_t ended_ns;
    const char *reason; /* static */
};

/* What one thread has noted of ends and the store has not got yet. */
#define SNAPSHOT_FEED 32u
struct snapshot_feed {
    /* its thread only */
    struct snapshot_child children[SNAPSHOT_FEED]; /* what is below `count` others read */

    /* written by its thread; back to 0 under the lock only */
    _Atomic uint32_t count;

    /* under the lock */
    uint32_t taken; /* those before are in the store */
    struct snapshot_feed *next;
};

struct snapshot_store {
    pthread_mutex_t lock;

    /* set by init */
    uint32_t keep, tombstone_room;
    uint64_t max_age_ns;

    /* under lock */
    struct snapshot_end *clean; /* a ring, keep + 1 */
    uint32_t clean_oldest, clean_count;
    struct snapshot_entry *entries; /* of failures, keep + 1 */
    uint32_t *buckets;              /* by uid: indexes of entries + 1 */
    uint32_t bucket_count;
    uint32_t *spares, spare_count; /* rule 2: a heap, the oldest on top */
    uint32_t failed_count, free;
    uint32_t oldest, newest; /* failures in the order they came in */
    uint64_t numbers;
    struct snapshot_end *tombstones; /* a ring */
    uint32_t tombstone_next;         /* where the next one goes */
    uint64_t tombstone_total;        /* ever; those beyond the room have fallen out */
    struct snapshot_texts *texts; /* of clean ones, of failures, of tombstones without a family */
    struct snapshot_feed *feeds;
};

struct snapshot_counts {
    uint32_t clean, failed, tombstones; /* kept */
    uint64_t evicted;                   /* ever */
    uint64_t forgotten;                 /* of those, without a tombstone by now */
};

/* `keep` above SNAPSHOT_KEEP_MAX counts as that; 0 keeps tombstones only. -1: no memory. */
int snapshot_store_init(struct snapshot_store *store, uint32_t keep, uint64_t max_age_ns);
void snapshot_store_fini(struct snapshot_store *store);

/* Takes the caller's reference. `now_ns`: rule 3. */
void snapshot_store_add(struct snapshot_store *store, struct snapshot *snapshot, uint64_t now_ns);
/* The same for an end of which there is no more to tell: a clean stop of which there are thousands a
 * second, or one for whose snapshot there was no memory. Allocates nothing. */
void snapshot_store_note(struct snapshot_store *store, const struct snapshot_brief *brief,
                         uint64_t now_ns);
/* The same again, and cheaper still: its brief is written when somebody looks. The family stays its maker's; it may be
 * given back at any time. [the feed's thread] */
void snapshot_store_note_child(struct snapshot_store *store, struct snapshot_feed *feed,
                               const struct snapshot_child *child);
/* A zeroed one joins; before it goes it leaves. */
void snapshot_store_join(struct snapshot_store *store, struct snapshot_feed *feed);
void snapshot_store_leave(struct snapshot_store *store, struct snapshot_feed *feed);
/* One reference is the caller's; NULL: no memory. */
struct snapshot_family *snapshot_family_create(const char *text);
void snapshot_family_unref(struct snapshot_store *store,
                           struct snapshot_family *family); /* takes NULL */
/* What a brief needs of an end. */
void snapshot_brief_fill(struct snapshot_brief *brief, const struct snapshot_facts *facts);
/* What is left of an end of which there is only that: a reference of the caller's; NULL: no memory. */
struct snapshot *snapshot_of_brief(const char *proc, const struct snapshot_brief *brief);

/* Looks at all clean stops that are kept, and at all tombstones. What is known of one end: 1: kept, and *ret_snapshot is the caller's reference, NULL when there is
 * only the brief; 2: a tombstone only; 0: nothing. */
int snapshot_store_find(struct snapshot_store *store, uint64_t uid, uint32_t incarnation,
                        struct snapshot_brief *ret, struct snapshot **ret_snapshot);
/* The same for the latest end of this slot. Looks at all that are kept. */
int snapshot_store_find_last(struct snapshot_store *store, uint64_t uid, struct snapshot_brief *ret,
                             struct snapshot **ret_snapshot);
/* The same for the latest end of who had this address. */
int snapshot_store_find_id(struct snapshot_store *store, const char *id, struct snapshot_brief *ret,
                           struct snapshot **ret_snapshot);
/* Whether a kept snapshot has this address (AI-3). Looks at all that are kept. */
bool snapshot_store_has_id(struct snapshot_store *store, const char *id);

/* Copies what is kept, oldest first, up to `room`; returns how many there are. With references when
 * `ret_snapshots` is not NULL (elements may be NULL, see above). Takes as long as that copying. */
uint32_t snapshot_store_list(struct snapshot_store *store, struct snapshot_brief *ret,
                             struct snapshot **ret_snapshots, uint32_t room);
uint32_t snapshot_store_tombstones(struct snapshot_store *store, struct snapshot_brief *ret,
                                   uint32_t room);
struct snapshot_counts snapshot_store_counts(struct snapshot_store *store);
