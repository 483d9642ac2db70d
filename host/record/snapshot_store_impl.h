/* How the store keeps an end, for those that add and those that look. Under the lock. */
#pragma once

#include "record/snapshot_store.h"

/* A brief, but for its texts, of which few are ever read: those of a nameless child can be told from its
 * family, others lie apart. Less than a line of memory: there may be millions a second. */
struct snapshot_end {
    uint64_t number; /* in the order they came in */
    uint64_t uid;
    uint64_t ended_ns;
    struct snapshot_family *family; /* a reference; NULL: has snapshot_texts */
    union {
        struct {
            uint64_t pid;
            const char *reason;
        } child; /* with a family */
        struct {
            int64_t wall_ns;
            struct snapshot *snapshot; /* a reference; NULL: the brief is all */
        } other;
    } u;
    uint32_t incarnation;
    bool failed;
};
_Static_assert(sizeof(struct snapshot_end) <= 64, "less than a line of memory");

struct snapshot_texts {
    char id[BRIEF_NAME];
    char reason[BRIEF_REASON];
};

struct snapshot_entry {
    struct snapshot_end end;
    uint32_t before, after;  /* in the list; `after` also in the list of free ones */
    uint32_t younger, older; /* in the chain of its bucket */
};

/* What waits in the feeds goes into the store. Not under the lock: it frees what it evicts. */
void snapshot_store_settle(struct snapshot_store *store);

static inline struct snapshot_entry *at(const struct snapshot_store *store, uint32_t index) {
    return index ? &store->entries[index - 1] : NULL;
}

static inline uint32_t index_of(const struct snapshot_store *store,
                                const struct snapshot_entry *entry) {
    return (uint32_t)(entry - store->entries) + 1;
}

static inline uint32_t clamp(uint64_t value, uint32_t low, uint32_t high) {
    return value < low ? low : value > high ? high : (uint32_t)value;
}

/* Of clean ones the `back`th from the oldest. */
static inline struct snapshot_end *clean_at(const struct snapshot_store *store, uint32_t back) {
    uint32_t index = store->clean_oldest + back;
    return &store->clean[index <= store->keep ? index : index - store->keep - 1];
}

/* Where each kind of end has its texts. */
static inline struct snapshot_texts *clean_texts(const struct snapshot_store *store,
                                                 const struct snapshot_end *end) {
    return &store->texts[end - store->clean];
}

static inline struct snapshot_texts *entry_texts(const struct snapshot_store *store,
                                                 const struct snapshot_entry *entry) {
    return &store->texts[store->keep + 1 + (entry - store->entries)];
}

static inline struct snapshot_texts *tombstone_texts(const struct snapshot_store *store,
                                                     const struct snapshot_end *end) {
    return &store->texts[2 * (store->keep + 1) + (end - store->tombstones)];
}

static inline struct snapshot *snapshot_of(const struct snapshot_end *end) {
    return end->family ? NULL : end->u.other.snapshot;
}

static inline uint32_t *bucket(const struct snapshot_store *store, uint64_t uid) {
    uint64_t hash = uid * 0x9e3779b97f4a7c15ull;
    return &store->buckets[(hash >> 32) & (store->bucket_count - 1)];
}
