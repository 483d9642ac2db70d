/* Looking into the store of snapshots: for one end, or all. */
#include <string.h>

#include "base/text.h"
#include "record/cut.h"
#include "record/snapshot_store_impl.h"

static void tell_id(const struct snapshot_end *end, const struct snapshot_texts *texts,
                    char ret[BRIEF_NAME]) {
    if (!end->family) {
        memcpy(ret, texts->id, BRIEF_NAME);
        return;
    }
    struct text text = text_begin(ret, BRIEF_NAME);
    text_add_n(&text, end->family->text, end->family->size);
    text_add_char(&text, '[');
    text_add_number(&text, end->u.child.pid);
    text_add_char(&text, ']');
    (void)text_end(&text, ret);
}

static void tell(const struct snapshot_end *end, const struct snapshot_texts *texts,
                 struct snapshot_brief *ret) {
    *ret = (struct snapshot_brief){.uid = end->uid,
                                   .incarnation = end->incarnation,
                                   .failed = end->failed,
                                   .ended_ns = end->ended_ns,
                                   .wall_ns = end->family ? 0 : end->u.other.wall_ns};
    tell_id(end, texts, ret->id);
    cut_copy(ret->reason, sizeof ret->reason, end->family ? end->u.child.reason : texts->reason);
}

static const struct snapshot_end *find_clean(const struct snapshot_store *store, uint64_t uid,
                                             uint32_t incarnation) {
    for (uint32_t i = 0; i < store->clean_count; i++) {
        const struct snapshot_end *end = clean_at(store, i);
        if (end->uid == uid && end->incarnation == incarnation) {
            return end;
        }
    }
    return NULL;
}

static const struct snapshot_entry *find_failed(const struct snapshot_store *store, uint64_t uid,
                                                uint32_t incarnation) {
    for (struct snapshot_entry *entry = at(store, *bucket(store, uid)); entry;
         entry = at(store, entry->older)) {
        if (entry->end.uid == uid && entry->end.incarnation == incarnation) {
            return entry;
        }
    }
    return NULL;
}

static uint32_t tombstone_count(const struct snapshot_store *store) {
    return clamp(store->tombstone_total, 0, store->tombstone_room);
}

/* The latest first. */
static const struct snapshot_end *tombstone_at(const struct snapshot_store *store, uint32_t back) {
    return &store->tombstones[(store->tombstone_total - 1 - back) % store->tombstone_room];
}

static const struct snapshot_end *find_tombstone(const struct snapshot_store *store, uint64_t uid,
                                                 uint32_t incarnation) {
    for (uint32_t i = 0; i < tombstone_count(store); i++) {
        const struct snapshot_end *end = tombstone_at(store, i);
        if (end->uid == uid && end->incarnation == incarnation) {
            return end;
        }
    }
    return NULL;
}

/* Where an end stands; NULL: nowhere. */
struct found {
    const struct snapshot_end *end;
    const struct snapshot_texts *texts;
    bool is_gone; /* a tombstone */
};

static int give_locked(struct found found, struct snapshot_brief *ret,
                       struct snapshot **ret_snapshot) {
    if (!found.end) {
        return 0;
    }
    struct snapshot *snapshot = snapshot_of(found.end);
    tell(found.end, found.texts, ret);
    *ret_snapshot = snapshot ? snapshot_ref(snapshot) : NULL;
    return found.is_gone ? 2 : 1;
}

static struct found find_life(const struct snapshot_store *store, uint64_t uid,
                              uint32_t incarnation) {
    const struct snapshot_entry *entry = find_failed(store, uid, incarnation);
    if (entry) {
        return (struct found){&entry->end, entry_texts(store, entry), false};
    }
    const struct snapshot_end *end = find_clean(store, uid, incarnation);
    if (end) {
        return (struct found){end, clean_texts(store, end), false};
    }
    end = find_tombstone(store, uid, incarnation);
    return (struct found){end, end ? tombstone_texts(store, end) : NULL, true};
}

int snapshot_store_find(struct snapshot_store *store, uint64_t uid, uint32_t incarnation,
                        struct snapshot_brief *ret, struct snapshot **ret_snapshot) {
    snapshot_store_settle(store);
    pthread_mutex_lock(&store->lock);
    int found = give_locked(find_life(store, uid, incarnation), ret, ret_snapshot);
    pthread_mutex_unlock(&store->lock);
    return found;
}

typedef bool is_wanted(const struct snapshot_end *end, const struct snapshot_texts *texts,
                       const void *wanted);

static bool has_uid(const struct snapshot_end *end, const struct snapshot_texts *texts,
                    const void *wanted) {
    (void)texts;
    return end->uid == *(const uint64_t *)wanted;
}

/* `wanted`: cut as they are. */
static bool has_id(const struct snapshot_end *end, const struct snapshot_texts *texts,
                   const void *wanted) {
    char id[BRIEF_NAME];
    tell_id(end, texts, id);
    return strcmp(id, wanted) == 0;
}

/* The latest that `is_it` says is it, of clean stops, of failures, of both, of tombstones. */
static struct found find_latest_clean(const struct snapshot_store *store, is_wanted *is_it,
                                      const void *wanted) {
    for (uint32_t i = store->clean_count; i-- > 0;) {
        const struct snapshot_end *end = clean_at(store, i);
        if (is_it(end, clean_texts(store, end), wanted)) {
            return (struct found){end, clean_texts(store, end), false};
        }
    }
    return (struct found){.end = NULL};
}

static struct found find_latest_failed(const struct snapshot_store *store, is_wanted *is_it,
                                       const void *wanted) {
    for (const struct snapshot_entry *entry = at(store, store->newest); entry;
         entry = at(store, entry->before)) {
        if (is_it(&entry->end, entry_texts(store, entry), wanted)) {
            return (struct found){&entry->end, entry_texts(store, entry), false};
        }
    }
    return (struct found){.end = NULL};
}

static struct found find_latest_kept(const struct snapshot_store *store, is_wanted *is_it,
                                     const void *wanted) {
    struct found clean = find_latest_clean(store, is_it, wanted);
    struct found failed = find_latest_failed(store, is_it, wanted);
    bool is_clean = clean.end && (!failed.end || clean.end->number > failed.end->number);
    return is_clean ? clean : failed;
}

static struct found find_latest_gone(const struct snapshot_store *store, is_wanted *is_it,
                                     const void *wanted) {
    for (uint32_t i = 0; i < tombstone_count(store); i++) {
        const struct snapshot_end *end = tombstone_at(store, i);
        if (is_it(end, tombstone_texts(store, end), wanted)) {
            return (struct found){end, tombstone_texts(store, end), true};
        }
    }
    return (struct found){.end = NULL};
}

static int find_latest(struct snapshot_store *store, is_wanted *is_it, const void *wanted,
                       struct snapshot_brief *ret, struct snapshot **ret_snapshot) {
    snapshot_store_settle(store);
    pthread_mutex_lock(&store->lock);
    struct found found = find_latest_kept(store, is_it, wanted);
    found = found.end ? found : find_latest_gone(store, is_it, wanted);
    int result = give_locked(found, ret, ret_snapshot);
    pthread_mutex_unlock(&store->lock);
    return result;
}

int snapshot_store_find_last(struct snapshot_store *store, uint64_t uid, struct snapshot_brief *ret,
                             struct snapshot **ret_snapshot) {
    return find_latest(store, has_uid, &uid, ret, ret_snapshot);
}

int snapshot_store_find_id(struct snapshot_store *store, const char *id, struct snapshot_brief *ret,
                           struct snapshot **ret_snapshot) {
    char wanted[BRIEF_NAME];
    cut_copy(wanted, sizeof wanted, id);
    return find_latest(store, has_id, wanted, ret, ret_snapshot);
}

bool snapshot_store_has_id(struct snapshot_store *store, const char *id) {
    char wanted[BRIEF_NAME];
    cut_copy(wanted, sizeof wanted, id);
    snapshot_store_settle(store);
    pthread_mutex_lock(&store->lock);
    bool found = find_latest_kept(store, has_id, wanted).end != NULL;
    pthread_mutex_unlock(&store->lock);
    return found;
}

uint32_t snapshot_store_list(struct snapshot_store *store, struct snapshot_brief *ret,
                             struct snapshot **ret_snapshots, uint32_t room) {
    snapshot_store_settle(store);
    pthread_mutex_lock(&store->lock);
    uint32_t count = store->clean_count + store->failed_count;
    const struct snapshot_entry *failed = at(store, store->oldest);
    for (uint32_t i = 0, clean = 0; i < count && i < room; i++) {
        const struct snapshot_end *end = clean < store->clean_count ? clean_at(store, clean) : NULL;
        if (end && (!failed || end->number < failed->end.number)) {
            tell(end, clean_texts(store, end), &ret[i]);
            clean++;
        } else {
            end = &failed->end;
            tell(end, entry_texts(store, failed), &ret[i]);
            failed = at(store, failed->after);
        }
        if (ret_snapshots) {
            ret_snapshots[i] = snapshot_of(end) ? snapshot_ref(snapshot_of(end)) : NULL;
        }
    }
    pthread_mutex_unlock(&store->lock);
    return count;
}

uint32_t snapshot_store_tombstones(struct snapshot_store *store, struct snapshot_brief *ret,
                                   uint32_t room) {
    snapshot_store_settle(store);
    pthread_mutex_lock(&store->lock);
    uint32_t count = tombstone_count(store);
    for (uint32_t i = 0; i < count && i < room; i++) {
        const struct snapshot_end *end = tombstone_at(store, count - 1 - i);
        tell(end, tombstone_texts(store, end), &ret[i]);
    }
    pthread_mutex_unlock(&store->lock);
    return count;
}

struct snapshot_counts snapshot_store_counts(struct snapshot_store *store) {
    snapshot_store_settle(store);
    pthread_mutex_lock(&store->lock);
    uint32_t tombstones = tombstone_count(store);
    struct snapshot_counts counts = {.clean = store->clean_count,
                                     .failed = store->failed_count,
                                     .tombstones = tombstones,
                                     .evicted = store->tombstone_total,
                                     .forgotten = store->tombstone_total - tombstones};
    pthread_mutex_unlock(&store->lock);
    return counts;
}
