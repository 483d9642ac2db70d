/* The store of snapshots. Entries lie in one array; lists, chains and the heap are indexes into it plus
 * 1, so that 0 is none. */
#include "record/snapshot_store.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "record/cut.h"

#define TOMBSTONES_MIN 64u
#define TOMBSTONES_MAX 4096u
#define SLOT_FAILURES 4u /* a slot with more has spare ones: rule 2 */

/* A brief, but for its texts, of which few are ever read: those of a nameless child can be told from its
 * family, others lie apart. */
struct snapshot_end {
    uint64_t uid;
    uint64_t ended_ns;
    int64_t wall_ns;
    struct snapshot_family *family; /* a reference; NULL: has snapshot_texts */
    uint64_t pid;                   /* with a family, as the reason */
    const char *reason;
    uint32_t incarnation;
    bool failed;
};

struct snapshot_texts {
    char id[BRIEF_NAME];
    char reason[BRIEF_REASON];
};

struct snapshot_entry {
    uint64_t number;           /* in the order they came in */
    struct snapshot *snapshot; /* a reference; NULL: the brief is all */
    uint32_t before, after;    /* in its list; `after` also in the list of free ones */
    uint32_t younger, older;   /* in the chain of its bucket */
    struct snapshot_end end;
};

static struct snapshot_entry *at(const struct snapshot_store *store, uint32_t index) {
    return index ? &store->entries[index - 1] : NULL;
}

static uint32_t index_of(const struct snapshot_store *store, const struct snapshot_entry *entry) {
    return (uint32_t)(entry - store->entries) + 1;
}

static uint32_t clamp(uint64_t value, uint32_t low, uint32_t high) {
    return value < low ? low : value > high ? high : (uint32_t)value;
}

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
    store->entries = mem_array(keep + 1, sizeof *store->entries);
    store->buckets = mem_array(store->bucket_count, 2 * sizeof *store->buckets);
    store->spares = mem_array(keep + 1, sizeof *store->spares);
    store->tombstones = mem_array(store->tombstone_room, sizeof *store->tombstones);
    store->texts = mem_array(keep + 1 + store->tombstone_room, sizeof *store->texts);
    if (!store->entries || !store->buckets || !store->spares || !store->tombstones ||
        !store->texts) {
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
    pthread_mutex_lock(&store->lock);
    family = drop_locked(family);
    pthread_mutex_unlock(&store->lock);
    mem_free(family);
}

void snapshot_store_fini(struct snapshot_store *store) {
    for (unsigned failed = 0; failed < 2; failed++) {
        for (struct snapshot_entry *entry = at(store, store->oldest[failed]); entry;
             entry = at(store, entry->after)) {
            snapshot_unref(entry->snapshot);
            mem_free(drop_locked(entry->end.family));
        }
    }
    for (uint32_t i = 0; store->tombstones && i < store->tombstone_room; i++) {
        mem_free(drop_locked(store->tombstones[i].family));
    }
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
    return at(store, store->spares[a])->number < at(store, store->spares[b])->number;
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

static uint32_t *bucket(const struct snapshot_store *store, uint64_t uid, bool failed) {
    uint64_t hash = uid * 0x9e3779b97f4a7c15ull;
    return &store->buckets[2 * ((hash >> 32) & (store->bucket_count - 1)) + failed];
}

static void link_entry(struct snapshot_store *store, struct snapshot_entry *entry) {
    bool failed = entry->end.failed;
    uint32_t index = index_of(store, entry);
    entry->after = 0;
    entry->before = store->newest[failed];
    *(entry->before ? &at(store, entry->before)->after : &store->oldest[failed]) = index;
    store->newest[failed] = index;
    uint32_t *chain = bucket(store, entry->end.uid, failed);
    entry->younger = 0;
    entry->older = *chain;
    if (*chain) {
        at(store, *chain)->younger = index;
    }
    *chain = index;
    store->count++;
    store->failed_count += failed;
}

static void unlink_entry(struct snapshot_store *store, struct snapshot_entry *entry) {
    bool failed = entry->end.failed;
    *(entry->before ? &at(store, entry->before)->after : &store->oldest[failed]) = entry->after;
    *(entry->after ? &at(store, entry->after)->before : &store->newest[failed]) = entry->before;
    uint32_t *chain = bucket(store, entry->end.uid, failed);
    *(entry->younger ? &at(store, entry->younger)->older : chain) = entry->older;
    if (entry->older) {
        at(store, entry->older)->younger = entry->younger;
    }
    entry->after = store->free;
    store->free = index_of(store, entry);
    store->count--;
    store->failed_count -= failed;
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

/* S-6: who goes. A spare one is in the heap until it goes, and goes before any other failure, so that
 * rules 3 and 4 never meet one. */
static struct snapshot_entry *choose(struct snapshot_store *store, uint64_t now_ns) {
    if (store->oldest[false]) {
        return at(store, store->oldest[false]);
    }
    if (store->spare_count > 0) {
        return at(store, pop_spare(store));
    }
    struct snapshot_entry *oldest = at(store, store->oldest[true]);
    bool is_old =
        now_ns > oldest->end.ended_ns && now_ns - oldest->end.ended_ns > store->max_age_ns;
    return is_old ? oldest : at(store, store->newest[true]);
}

static struct snapshot_texts *entry_texts(const struct snapshot_store *store,
                                          const struct snapshot_entry *entry) {
    return &store->texts[entry - store->entries];
}

static struct snapshot_texts *tombstone_texts(const struct snapshot_store *store,
                                              const struct snapshot_end *end) {
    return &store->texts[store->keep + 1 + (end - store->tombstones)];
}

/* What is left over, to be freed once the lock is free. */
struct leftovers {
    struct snapshot *snapshot;
    struct snapshot_family *family;
};

static void evict(struct snapshot_store *store, uint64_t now_ns, struct leftovers *left) {
    struct snapshot_entry *entry = choose(store, now_ns);
    struct snapshot_end *tombstone = &store->tombstones[store->tombstone_next];
    left->snapshot = entry->snapshot;
    left->family = drop_locked(tombstone->family);
    *tombstone = entry->end;
    if (!tombstone->family) {
        *tombstone_texts(store, tombstone) = *entry_texts(store, entry);
    }
    entry->snapshot = NULL;
    store->tombstone_total++;
    store->tombstone_next =
        store->tombstone_next + 1 < store->tombstone_room ? store->tombstone_next + 1 : 0;
    unlink_entry(store, entry);
}

/* `texts`: of one without a family. */
static void add(struct snapshot_store *store, const struct snapshot_end *end,
                const struct snapshot_brief *texts, struct snapshot *snapshot, uint64_t now_ns) {
    struct leftovers left = {NULL, NULL};
    pthread_mutex_lock(&store->lock);
    struct snapshot_entry *entry = at(store, store->free);
    store->free = entry->after;
    entry->number = store->numbers++;
    entry->snapshot = snapshot;
    entry->end = *end;
    if (end->family) {
        end->family->refs++;
    } else {
        cut_copy(entry_texts(store, entry)->id, BRIEF_NAME, texts->id);
        cut_copy(entry_texts(store, entry)->reason, BRIEF_REASON, texts->reason);
    }
    link_entry(store, entry);
    if (end->failed) {
        find_spare(store, entry);
    }
    if (store->count > store->keep) {
        evict(store, now_ns, &left);
    }
    pthread_mutex_unlock(&store->lock);
    snapshot_unref(left.snapshot);
    mem_free(left.family);
}

static void add_brief(struct snapshot_store *store, const struct snapshot_brief *brief,
                      struct snapshot *snapshot, uint64_t now_ns) {
    struct snapshot_end end = {.uid = brief->uid,
                               .incarnation = brief->incarnation,
                               .failed = brief->failed,
                               .ended_ns = brief->ended_ns,
                               .wall_ns = brief->wall_ns};
    add(store, &end, brief, snapshot, now_ns);
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

void snapshot_store_add(struct snapshot_store *store, struct snapshot *snapshot, uint64_t now_ns) {
    struct snapshot_brief brief;
    snapshot_brief_fill(&brief, &snapshot->facts);
    add_brief(store, &brief, snapshot, now_ns);
}

void snapshot_store_note(struct snapshot_store *store, const struct snapshot_brief *brief,
                         uint64_t now_ns) {
    add_brief(store, brief, NULL, now_ns);
}

void snapshot_store_note_child(struct snapshot_store *store, const struct snapshot_child *child) {
    struct snapshot_end end = {.uid = child->uid,
                               .incarnation = child->incarnation,
                               .ended_ns = child->ended_ns,
                               .family = child->family,
                               .pid = child->pid,
                               .reason = child->reason};
    add(store, &end, NULL, NULL, child->ended_ns);
}

/* ------------------------------------------------------- reading */

static void tell_id(const struct snapshot_end *end, const struct snapshot_texts *texts,
                    char ret[BRIEF_NAME]) {
    if (!end->family) {
        memcpy(ret, texts->id, BRIEF_NAME);
        return;
    }
    struct text text = text_begin(ret, BRIEF_NAME);
    text_add_n(&text, end->family->text, end->family->size);
    text_add(&text, "[");
    text_add_number(&text, end->pid);
    text_add(&text, "]");
    (void)text_end(&text, ret);
}

static void tell(const struct snapshot_end *end, const struct snapshot_texts *texts,
                 struct snapshot_brief *ret) {
    *ret = (struct snapshot_brief){.uid = end->uid,
                                   .incarnation = end->incarnation,
                                   .failed = end->failed,
                                   .ended_ns = end->ended_ns,
                                   .wall_ns = end->wall_ns};
    tell_id(end, texts, ret->id);
    cut_copy(ret->reason, sizeof ret->reason, end->family ? end->reason : texts->reason);
}

static void tell_entry(const struct snapshot_store *store, const struct snapshot_entry *entry,
                       struct snapshot_brief *ret) {
    tell(&entry->end, entry_texts(store, entry), ret);
}

static void tell_tombstone(const struct snapshot_store *store, const struct snapshot_end *end,
                           struct snapshot_brief *ret) {
    tell(end, tombstone_texts(store, end), ret);
}

static const struct snapshot_entry *find_entry(const struct snapshot_store *store, uint64_t uid,
                                               uint32_t incarnation) {
    for (unsigned failed = 0; failed < 2; failed++) {
        for (struct snapshot_entry *entry = at(store, *bucket(store, uid, failed)); entry;
             entry = at(store, entry->older)) {
            if (entry->end.uid == uid && entry->end.incarnation == incarnation) {
                return entry;
            }
        }
    }
    return NULL;
}

static uint32_t tombstone_count(const struct snapshot_store *store) {
    return clamp(store->tombstone_total, 0, store->tombstone_room);
}

/* The latest first. */
static const struct snapshot_end *tombstone(const struct snapshot_store *store, uint32_t back) {
    return &store->tombstones[(store->tombstone_total - 1 - back) % store->tombstone_room];
}

static const struct snapshot_end *find_tombstone(const struct snapshot_store *store, uint64_t uid,
                                                 uint32_t incarnation) {
    for (uint32_t i = 0; i < tombstone_count(store); i++) {
        const struct snapshot_end *end = tombstone(store, i);
        if (end->uid == uid && end->incarnation == incarnation) {
            return end;
        }
    }
    return NULL;
}

int snapshot_store_find(struct snapshot_store *store, uint64_t uid, uint32_t incarnation,
                        struct snapshot_brief *ret, struct snapshot **ret_snapshot) {
    int found = 0;
    pthread_mutex_lock(&store->lock);
    const struct snapshot_entry *entry = find_entry(store, uid, incarnation);
    const struct snapshot_end *gone = entry ? NULL : find_tombstone(store, uid, incarnation);
    if (entry) {
        found = 1;
        tell_entry(store, entry, ret);
        *ret_snapshot = entry->snapshot ? snapshot_ref(entry->snapshot) : NULL;
    } else if (gone) {
        found = 2;
        tell_tombstone(store, gone, ret);
        *ret_snapshot = NULL;
    }
    pthread_mutex_unlock(&store->lock);
    return found;
}

bool snapshot_store_has_id(struct snapshot_store *store, const char *id) {
    char wanted[BRIEF_NAME];
    char name[BRIEF_NAME];
    cut_copy(wanted, sizeof wanted, id);
    bool found = false;
    pthread_mutex_lock(&store->lock);
    for (unsigned failed = 0; failed < 2; failed++) {
        for (struct snapshot_entry *entry = at(store, store->oldest[failed]); entry && !found;
             entry = at(store, entry->after)) {
            tell_id(&entry->end, entry_texts(store, entry), name);
            found = strcmp(name, wanted) == 0;
        }
    }
    pthread_mutex_unlock(&store->lock);
    return found;
}

uint32_t snapshot_store_list(struct snapshot_store *store, struct snapshot_brief *ret,
                             struct snapshot **ret_snapshots, uint32_t room) {
    pthread_mutex_lock(&store->lock);
    const struct snapshot_entry *next[2] = {at(store, store->oldest[0]),
                                            at(store, store->oldest[1])};
    uint32_t count = store->count;
    for (uint32_t i = 0; i < count && i < room; i++) {
        bool failed = !next[0] || (next[1] && next[1]->number < next[0]->number);
        const struct snapshot_entry *entry = next[failed];
        tell_entry(store, entry, &ret[i]);
        if (ret_snapshots) {
            ret_snapshots[i] = entry->snapshot ? snapshot_ref(entry->snapshot) : NULL;
        }
        next[failed] = at(store, entry->after);
    }
    pthread_mutex_unlock(&store->lock);
    return count;
}

uint32_t snapshot_store_tombstones(struct snapshot_store *store, struct snapshot_brief *ret,
                                   uint32_t room) {
    pthread_mutex_lock(&store->lock);
    uint32_t count = tombstone_count(store);
    for (uint32_t i = 0; i < count && i < room; i++) {
        tell_tombstone(store, tombstone(store, count - 1 - i), &ret[i]);
    }
    pthread_mutex_unlock(&store->lock);
    return count;
}

struct snapshot_counts snapshot_store_counts(struct snapshot_store *store) {
    pthread_mutex_lock(&store->lock);
    uint32_t tombstones = tombstone_count(store);
    struct snapshot_counts counts = {.clean = store->count - store->failed_count,
                                     .failed = store->failed_count,
                                     .tombstones = tombstones,
                                     .evicted = store->tombstone_total,
                                     .forgotten = store->tombstone_total - tombstones};
    pthread_mutex_unlock(&store->lock);
    return counts;
}
