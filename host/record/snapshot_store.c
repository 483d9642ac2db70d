/* The store of snapshots. Clean stops go in the order they came in, so they stand in a ring, as do tombstones.
 * Failures lie in one array; lists, chains and the heap are indexes into it plus 1, so that 0 is none. */
#include "record/snapshot_store.h"

#include <string.h>

#include "base/alloc.h"
#include "record/cut.h"
#include "record/snapshot_store_impl.h"

#define TOMBSTONES_MIN 64u
#define TOMBSTONES_MAX 4096u
#define SLOT_FAILURES 4u /* a slot with more has spare ones: rule 2 */

int snapshot_store_init(struct snapshot_store *store, uint32_t keep, uint64_t max_age_ns) {
    keep = clamp(keep, 0, SNAPSHOT_KEEP_MAX);
    *store = (struct snapshot_store){.keep = keep,
                                     .max_age_ns = max_age_ns,
                                     .tombstone_room =
                                         clamp(4ull * keep, TOMBSTONES_MIN, TOMBSTONES_MAX),
                                     .bucket_count = 16};
    while (store->bucket_count < keep) {
        store->bucket_count *= 2;
    }
    pthread_mutex_init(&store->lock, NULL);
    store->clean = mem_array(keep + 1, sizeof *store->clean);
    store->entries = mem_array(keep + 1, sizeof *store->entries);
    store->buckets = mem_array(store->bucket_count, sizeof *store->buckets);
    store->spares = mem_array(keep + 1, sizeof *store->spares);
    store->tombstones = mem_array(store->tombstone_room, sizeof *store->tombstones);
    store->texts = mem_array(2 * (keep + 1) + store->tombstone_room, sizeof *store->texts);
    if (!store->clean || !store->entries || !store->buckets || !store->spares ||
        !store->tombstones || !store->texts) {
        snapshot_store_fini(store);
        return -1;
    }
    for (uint32_t i = 0; i < keep; i++) {
        store->entries[i].after = i + 2;
    }
    store->free = 1;
    return 0;
}

/* ------------------------------------------------------- families */

struct snapshot_family *snapshot_family_create(const char *text) {
    size_t size = strlen(text);
    struct snapshot_family *family = mem_alloc(sizeof *family + size + 1);
    if (family) {
        family->refs = 1;
        family->size = (uint32_t)size;
        memcpy(family->text, text, size);
    }
    return family;
}

/* What is to be freed once the lock is free, or NULL. */
static struct snapshot_family *drop_locked(struct snapshot_family *family) {
    return family && --family->refs == 0 ? family : NULL;
}

void snapshot_family_unref(struct snapshot_store *store, struct snapshot_family *family) {
    if (!family) {
        return;
    }
    snapshot_store_settle(store); /* ends that wait have no reference of their own */
    pthread_mutex_lock(&store->lock);
    family = drop_locked(family);
    pthread_mutex_unlock(&store->lock);
    mem_free(family);
}

static void end_fini(struct snapshot_end *end) {
    snapshot_unref(snapshot_of(end));
    mem_free(drop_locked(end->family));
}

void snapshot_store_fini(struct snapshot_store *store) {
    for (uint32_t i = 0; i < store->clean_count; i++) {
        end_fini(clean_at(store, i));
    }
    for (struct snapshot_entry *entry = at(store, store->oldest); entry;
         entry = at(store, entry->after)) {
        end_fini(&entry->end);
    }
    for (uint32_t i = 0; store->tombstones && i < store->tombstone_room; i++) {
        end_fini(&store->tombstones[i]);
    }
    mem_free(store->clean);
    mem_free(store->entries);
    mem_free(store->buckets);
    mem_free(store->spares);
    mem_free(store->tombstones);
    mem_free(store->texts);
    pthread_mutex_destroy(&store->lock);
    *store = (struct snapshot_store){.keep = 0};
}

/* ------------------------------------------------------- the heap of spare failures */

static bool is_older(const struct snapshot_store *store, uint32_t a, uint32_t b) {
    return at(store, store->spares[a])->end.number < at(store, store->spares[b])->end.number;
}

static void swap_spares(struct snapshot_store *store, uint32_t a, uint32_t b) {
    uint32_t kept = store->spares[a];
    store->spares[a] = store->spares[b];
    store->spares[b] = kept;
}

static void push_spare(struct snapshot_store *store, uint32_t index) {
    uint32_t child = store->spare_count++;
    store->spares[child] = index;
    while (child > 0 && is_older(store, child, (child - 1) / 2)) {
        swap_spares(store, child, (child - 1) / 2);
        child = (child - 1) / 2;
    }
}

static uint32_t pop_spare(struct snapshot_store *store) {
    uint32_t top = store->spares[0];
    store->spares[0] = store->spares[--store->spare_count];
    for (uint32_t parent = 0, child = 1; child < store->spare_count; child = 2 * parent + 1) {
        if (child + 1 < store->spare_count && is_older(store, child + 1, child)) {
            child++;
        }
        if (!is_older(store, child, parent)) {
            break;
        }
        swap_spares(store, child, parent);
        parent = child;
    }
    return top;
}

/* ------------------------------------------------------- adding */

static void link_entry(struct snapshot_store *store, struct snapshot_entry *entry) {
    uint32_t index = index_of(store, entry);
    entry->after = 0;
    entry->before = store->newest;
    *(entry->before ? &at(store, entry->before)->after : &store->oldest) = index;
    store->newest = index;
    uint32_t *chain = bucket(store, entry->end.uid);
    entry->younger = 0;
    entry->older = *chain;
    if (*chain) {
        at(store, *chain)->younger = index;
    }
    *chain = index;
    store->failed_count++;
}

static void unlink_entry(struct snapshot_store *store, struct snapshot_entry *entry) {
    *(entry->before ? &at(store, entry->before)->after : &store->oldest) = entry->after;
    *(entry->after ? &at(store, entry->after)->before : &store->newest) = entry->before;
    uint32_t *chain = bucket(store, entry->end.uid);
    *(entry->younger ? &at(store, entry->younger)->older : chain) = entry->older;
    if (entry->older) {
        at(store, entry->older)->younger = entry->younger;
    }
    entry->after = store->free;
    store->free = index_of(store, entry);
    store->failed_count--;
}

/* A failure came in: the one that is no longer of its slot's last three is spare, unless it is the
 * slot's first. Chains begin with the youngest, so that this looks at a few only. */
static void find_spare(struct snapshot_store *store, const struct snapshot_entry *added) {
    unsigned seen = 0;
    uint32_t fourth = 0;
    for (uint32_t i = index_of(store, added); i; i = at(store, i)->older) {
        if (at(store, i)->end.uid != added->end.uid) {
            continue;
        }
        if (++seen == SLOT_FAILURES) {
            fourth = i;
        } else if (seen > SLOT_FAILURES) {
            push_spare(store, fourth);
            return;
        }
    }
}

/* S-6: which failure goes. A spare one is in the heap until it goes, and goes before any other failure, so
 * that rules 3 and 4 never meet one. */
static struct snapshot_entry *choose(struct snapshot_store *store, uint64_t now_ns) {
    if (store->spare_count > 0) {
        return at(store, pop_spare(store));
    }
    struct snapshot_entry *oldest = at(store, store->oldest);
    bool is_old =
        now_ns > oldest->end.ended_ns && now_ns - oldest->end.ended_ns > store->max_age_ns;
    return is_old ? oldest : at(store, store->newest);
}

/* What is left over, to be freed once the lock is free. */
struct leftovers {
    struct snapshot *snapshot;
    struct snapshot_family *family;
};

static inline void bury(struct snapshot_store *store, const struct snapshot_end *end,
                        const struct snapshot_texts *texts, struct leftovers *left) {
    struct snapshot_end *tombstone = &store->tombstones[store->tombstone_next];
    left->family = drop_locked(tombstone->family);
    *tombstone = *end;
    if (!end->family) {
        left->snapshot = end->u.other.snapshot;
        tombstone->u.other.snapshot = NULL;
        *tombstone_texts(store, tombstone) = *texts;
    }
    store->tombstone_total++;
    store->tombstone_next++;
    store->tombstone_next =
        store->tombstone_next < store->tombstone_room ? store->tombstone_next : 0;
}

/* S-6: one too many is kept. */
static inline void evict(struct snapshot_store *store, uint64_t now_ns, struct leftovers *left) {
    if (store->clean_count > 0) {
        struct snapshot_end *end = clean_at(store, 0);
        bury(store, end, clean_texts(store, end), left);
        store->clean_oldest = store->clean_oldest < store->keep ? store->clean_oldest + 1 : 0;
        store->clean_count--;
    } else {
        struct snapshot_entry *entry = choose(store, now_ns);
        bury(store, &entry->end, entry_texts(store, entry), left);
        unlink_entry(store, entry);
    }
}

static inline void keep_within(struct snapshot_store *store, uint64_t now_ns,
                               struct leftovers *left) {
    if (store->clean_count + store->failed_count > store->keep) {
        evict(store, now_ns, left);
    }
}

static inline void let_go(const struct leftovers *left) {
    if (left->snapshot) {
        snapshot_unref(left->snapshot);
    }
    if (left->family) {
        mem_free(left->family);
    }
}

static void add_failed(struct snapshot_store *store, const struct snapshot_end *end,
                       const struct snapshot_texts *texts) {
    struct snapshot_entry *entry = at(store, store->free);
    store->free = entry->after;
    entry->end = *end;
    *entry_texts(store, entry) = *texts;
    link_entry(store, entry);
    find_spare(store, entry);
}

static void add_clean(struct snapshot_store *store, const struct snapshot_end *end,
                      const struct snapshot_texts *texts) {
    struct snapshot_end *slot = clean_at(store, store->clean_count++);
    *slot = *end;
    *clean_texts(store, slot) = *texts;
}

static void add(struct snapshot_store *store, const struct snapshot_brief *brief,
                struct snapshot *snapshot, uint64_t now_ns) {
    struct leftovers left = {NULL, NULL};
    struct snapshot_texts texts;
    struct snapshot_end end = {.uid = brief->uid,
                               .incarnation = brief->incarnation,
                               .failed = brief->failed,
                               .ended_ns = brief->ended_ns,
                               .u.other = {brief->wall_ns, snapshot}};
    cut_copy(texts.id, sizeof texts.id, brief->id);
    cut_copy(texts.reason, sizeof texts.reason, brief->reason);
    snapshot_store_settle(store); /* those ended before */
    pthread_mutex_lock(&store->lock);
    end.number = store->numbers++;
    if (end.failed) {
        add_failed(store, &end, &texts);
    } else {
        add_clean(store, &end, &texts);
    }
    keep_within(store, now_ns, &left);
    pthread_mutex_unlock(&store->lock);
    let_go(&left);
}

void snapshot_brief_fill(struct snapshot_brief *brief, const struct snapshot_facts *facts) {
    *brief = (struct snapshot_brief){.uid = facts->uid,
                                     .incarnation = facts->incarnation,
                                     .failed = facts->failed,
                                     .ended_ns = facts->ended_ns,
                                     .wall_ns = facts->ended_wall_ns};
    cut_copy(brief->id, sizeof brief->id, facts->id);
    cut_copy(brief->reason, sizeof brief->reason, facts->reason);
}

/* "proc/name[pid]" without what stands around the name. */
static void name_of(const char *id, char *ret, size_t size) {
    const char *slash = strchr(id, '/');
    cut_copy(ret, size, slash ? slash + 1 : id);
    char *bracket = strrchr(ret, '[');
    if (bracket) {
        *bracket = '\0';
    }
}

struct snapshot *snapshot_of_brief(const char *proc, const struct snapshot_brief *brief) {
    char name[BRIEF_NAME];
    name_of(brief->id, name, sizeof name);
    struct snapshot_facts facts = {.is_brief = true,
                                   .proc = proc,
                                   .id = brief->id,
                                   .name = name,
                                   .uid = brief->uid,
                                   .incarnation = brief->incarnation,
                                   .failed = brief->failed,
                                   .reason = brief->reason,
                                   .ended_ns = brief->ended_ns,
                                   .ended_wall_ns = brief->wall_ns,
                                   .failure = {.message = brief->reason}};
    return snapshot_create(&facts, NULL);
}

void snapshot_store_add(struct snapshot_store *store, struct snapshot *snapshot, uint64_t now_ns) {
    struct snapshot_brief brief;
    snapshot_brief_fill(&brief, &snapshot->facts);
    add(store, &brief, snapshot, now_ns);
}

void snapshot_store_note(struct snapshot_store *store, const struct snapshot_brief *brief,
                         uint64_t now_ns) {
    add(store, brief, NULL, now_ns);
}

/* ------------------------------------------------------- feeds */

static inline void settle_one_locked(struct snapshot_store *store,
                                     const struct snapshot_child *child, struct leftovers *left) {
    struct snapshot_end *end = clean_at(store, store->clean_count++);
    end->number = store->numbers++;
    end->uid = child->uid;
    end->ended_ns = child->ended_ns;
    end->family = child->family;
    end->u.child.pid = child->pid;
    end->u.child.reason = child->reason;
    end->incarnation = child->incarnation;
    end->failed = false;
    child->family->refs++;
    keep_within(store, child->ended_ns, left);
}

/* What the store has no room for any more; a few at a time, as they are freed behind the lock. */
struct evicted {
    struct leftovers left[SNAPSHOT_FEED];
    uint32_t count;
};

/* Of one feed, as long as there is room for what that evicts. */
static void settle_feed_locked(struct snapshot_store *store, struct snapshot_feed *feed,
                               struct evicted *evicted) {
    /* acquire: pairs with snapshot_store_note_child */
    uint32_t count = atomic_load_explicit(&feed->count, memory_order_acquire);
    while (feed->taken < count && evicted->count < SNAPSHOT_FEED) {
        struct leftovers left = {NULL, NULL};
        settle_one_locked(store, &feed->children[feed->taken++], &left);
        if (left.snapshot || left.family) {
            evicted->left[evicted->count++] = left;
        }
    }
}

/* False: there may be more. */
static bool settle_some(struct snapshot_store *store) {
    struct evicted evicted;
    evicted.count = 0;
    pthread_mutex_lock(&store->lock);
    struct snapshot_feed *feed = store->feeds;
    for (; feed && evicted.count < SNAPSHOT_FEED; feed = feed->next) {
        settle_feed_locked(store, feed, &evicted);
    }
    pthread_mutex_unlock(&store->lock);
    for (uint32_t i = 0; i < evicted.count; i++) {
        let_go(&evicted.left[i]);
    }
    return evicted.count < SNAPSHOT_FEED;
}

void snapshot_store_settle(struct snapshot_store *store) {
    while (!settle_some(store)) {
    }
}

/* Not inlined: it is for many at once. */
__attribute__((noinline)) static void empty(struct snapshot_store *store,
                                            struct snapshot_feed *feed) {
    snapshot_store_settle(store);
    pthread_mutex_lock(&store->lock);
    feed->taken = 0;
    atomic_store_explicit(&feed->count, 0, memory_order_relaxed);
    pthread_mutex_unlock(&store->lock);
}

void snapshot_store_note_child(struct snapshot_store *store, struct snapshot_feed *feed,
                               const struct snapshot_child *child) {
    uint32_t count = atomic_load_explicit(&feed->count, memory_order_relaxed);
    feed->children[count++] = *child;
    /* release: who sees the count sees the child */
    atomic_store_explicit(&feed->count, count, memory_order_release);
    if (count == SNAPSHOT_FEED) {
        empty(store, feed);
    }
}

void snapshot_store_join(struct snapshot_store *store, struct snapshot_feed *feed) {
    pthread_mutex_lock(&store->lock);
    feed->next = store->feeds;
    store->feeds = feed;
    pthread_mutex_unlock(&store->lock);
}

void snapshot_store_leave(struct snapshot_store *store, struct snapshot_feed *feed) {
    empty(store, feed);
    pthread_mutex_lock(&store->lock);
    struct snapshot_feed **at = &store->feeds;
    while (*at != feed) {
        at = &(*at)->next;
    }
    *at = feed->next;
    pthread_mutex_unlock(&store->lock);
}
