/* Making and sharing snapshots. */
#include "record/snapshot.h"

#include <string.h>

#include "base/alloc.h"
#include "record/cut.h"

/* Copies into one block: first without one, to measure it, then with it. Both times the same steps. */
struct copier {
    char *block; /* NULL: measures */
    size_t used;
};

static void *copy_room(struct copier *c, size_t size) {
    c->used = (c->used + 7) & ~(size_t)7;
    void *room = c->block ? c->block + c->used : NULL;
    c->used += size;
    return room;
}

static const char *copy_bytes(struct copier *c, const char *data, size_t size) {
    char *room = c->block ? c->block + c->used : NULL;
    c->used += size + 1;
    if (room && size > 0) {
        memcpy(room, data, size);
    }
    if (room) {
        room[size] = '\0';
    }
    return room;
}

static const char *copy_cut(struct copier *c, const char *text, size_t room) {
    return text ? copy_bytes(c, text, cut_size(text, strlen(text), room)) : NULL;
}

static void copy_text(struct copier *c, const char **text) {
    *text = copy_cut(c, *text, SNAPSHOT_TEXT_MAX);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static void copy_texts(struct copier *c, const char *const **texts, size_t *count, size_t most) {
    *count = least(*count, most);
    const char **copies = copy_room(c, *count * sizeof *copies);
    for (size_t i = 0; i < *count; i++) {
        const char *copy = copy_cut(c, (*texts)[i], SNAPSHOT_TEXT_MAX);
        if (copies) {
            copies[i] = copy;
        }
    }
    *texts = copies;
}

static void copy_attributes(struct copier *c, struct snapshot_facts *facts) {
    facts->attribute_count = least(facts->attribute_count, SNAPSHOT_ATTRIBUTES_MAX);
    struct snapshot_attribute *copies = copy_room(c, facts->attribute_count * sizeof *copies);
    for (size_t i = 0; i < facts->attribute_count; i++) {
        struct snapshot_attribute copy = facts->attributes[i];
        bool fits = copy.json && strlen(copy.json) <= SNAPSHOT_ATTRIBUTE_MAX;
        copy.name = copy_cut(c, copy.name, SNAPSHOT_TEXT_MAX);
        copy.json = fits ? copy_bytes(c, copy.json, strlen(copy.json)) : NULL;
        if (copies) {
            copies[i] = copy;
        }
    }
    facts->attributes = copies;
}

static void copy_restarts(struct copier *c, struct snapshot_facts *facts) {
    size_t count = least(facts->restart_count, SNAPSHOT_RESTARTS_MAX);
    const struct snapshot_restart *from = facts->restarts;
    struct snapshot_restart *copies = copy_room(c, count * sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        struct snapshot_restart copy = from[facts->restart_count - count + i];
        copy_text(c, &copy.why);
        if (copies) {
            copies[i] = copy;
        }
    }
    facts->restarts = copies;
    facts->restart_count = count;
}

static void copy_records(struct copier *c, struct snapshot_facts *facts) {
    struct snapshot_record *copies = copy_room(c, facts->record_count * sizeof *copies);
    for (size_t i = 0; i < facts->record_count; i++) {
        struct snapshot_record copy = facts->records[i];
        copy.text = copy_bytes(c, copy.text, copy.size);
        if (copies) {
            copies[i] = copy;
        }
    }
    facts->records = copies;
}

static void copy_failure(struct copier *c, struct snapshot_failure *failure) {
    copy_text(c, &failure->code);
    copy_text(c, &failure->message);
    copy_text(c, &failure->sentence);
    copy_text(c, &failure->root_id);
    copy_text(c, &failure->root_name);
    copy_texts(c, &failure->frames, &failure->frame_count, SNAPSHOT_FRAMES_MAX);
    struct snapshot_message *in_hand = &failure->in_hand;
    copy_text(c, &in_hand->type);
    copy_text(c, &in_hand->port);
    copy_text(c, &in_hand->sender);
    in_hand->json_size = in_hand->json ? strlen(in_hand->json) : 0;
    in_hand->json = copy_cut(c, in_hand->json, SNAPSHOT_MESSAGE_MAX);
}

static void copy_facts(struct copier *c, struct snapshot_facts *facts) {
    copy_text(c, &facts->status);
    copy_text(c, &facts->proc);
    copy_text(c, &facts->id);
    copy_text(c, &facts->name);
    copy_text(c, &facts->actor_type);
    copy_text(c, &facts->plugin);
    copy_text(c, &facts->parent);
    copy_text(c, &facts->reason);
    copy_text(c, &facts->last_handler);
    copy_texts(c, &facts->children, &facts->child_count, SNAPSHOT_CHILDREN_MAX);
    copy_attributes(c, facts);
    copy_restarts(c, facts);
    copy_records(c, facts);
    if (facts->failed) { /* FI-3 */
        copy_failure(c, &facts->failure);
    } else {
        facts->failure = (struct snapshot_failure){0};
    }
}

/* FI-4. An address may have been another's before; uids are never used again. */
static bool is_propagated(const struct snapshot_facts *facts) {
    const struct snapshot_failure *failure = &facts->failure;
    if (!facts->failed || !failure->root_id) {
        return false;
    }
    if (failure->root_uid) {
        return failure->root_uid != facts->uid;
    }
    return !facts->id || strcmp(failure->root_id, facts->id) != 0;
}

/* ------------------------------------------------------- the ring's entries, before they are copied */

/* The ring may be written meanwhile, so it is read once; and may hold more by now than there is room for. */
static void take_entry(void *context, const struct flight_entry *entry) {
    struct snapshot_lent *lent = context;
    size_t *count = &lent->snapshot.facts.record_count;
    if (*count == lent->room || (size_t)(lent->end - lent->text) <= entry->size) {
        return;
    }
    memcpy(lent->text, entry->text, entry->size + 1u);
    lent->records[(*count)++] = (struct snapshot_record){.at_ns = entry->at_ns,
                                                         .last_ns = entry->last_ns,
                                                         .kind = entry->kind,
                                                         .level = entry->level,
                                                         .count = entry->count,
                                                         .discarded = entry->discarded,
                                                         .cut = entry->cut,
                                                         .text = lent->text,
                                                         .size = entry->size};
    lent->text += entry->size + 1u;
}

/* Cells are larger than the texts in them with their ends. */
static int take_entries(struct snapshot_lent *lent, struct flight *flight) {
    lent->room = flight_cells(flight);
    if (lent->room == 0) {
        return 0;
    }
    size_t text_room = lent->room * sizeof(struct flight_cell);
    lent->records = mem_resize(NULL, lent->room * sizeof *lent->records + text_room);
    if (!lent->records) {
        return -1;
    }
    lent->text = (char *)(lent->records + lent->room);
    lent->end = lent->text + text_room;
    flight_read(flight, take_entry, lent);
    return 0;
}

int snapshot_lend(struct snapshot_lent *lent, const struct snapshot_facts *facts,
                  struct flight *flight) {
    lent->snapshot.facts = *facts;
    lent->snapshot.is_propagated = is_propagated(facts);
    lent->records = NULL;
    if (!flight) {
        return 0;
    }
    lent->snapshot.facts.record_count = 0;
    int status = take_entries(lent, flight);
    lent->snapshot.facts.records = lent->records;
    return status;
}

void snapshot_end_lending(struct snapshot_lent *lent) {
    mem_free(lent->records);
}

/* ------------------------------------------------------- */

static struct snapshot *copy_whole(const struct snapshot_facts *facts) {
    struct snapshot_facts measured = *facts;
    struct copier copier = {.used = sizeof(struct snapshot)};
    copy_facts(&copier, &measured);
    struct snapshot *snapshot = mem_alloc(copier.used);
    if (!snapshot) {
        return NULL;
    }
    snapshot->size = copier.used;
    snapshot->facts = *facts;
    copier = (struct copier){(char *)snapshot, sizeof *snapshot};
    copy_facts(&copier, &snapshot->facts);
    snapshot->is_propagated = is_propagated(&snapshot->facts);
    atomic_store_explicit(&snapshot->refs, 1, memory_order_relaxed);
    return snapshot;
}

struct snapshot *snapshot_create(const struct snapshot_facts *facts, struct flight *flight) {
    struct snapshot_lent lent;
    if (snapshot_lend(&lent, facts, flight) < 0) {
        return NULL;
    }
    struct snapshot *snapshot = copy_whole(&lent.snapshot.facts);
    snapshot_end_lending(&lent);
    return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot) {
    /* relaxed: who refs holds one already */
    atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot) {
    /* acq_rel: who frees comes after the reads of all others */
    if (snapshot && atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) == 1) {
        mem_free(snapshot);
    }
}

const char *failure_kind_text(enum failure_kind kind) {
    static const char *const texts[] = {
#define FAILURE_TEXT(name, text) text,
        FAILURE_KINDS(FAILURE_TEXT)
#undef FAILURE_TEXT
    };
    return (unsigned)kind < FAILURE_KIND_COUNT ? texts[kind] : "unknown";
}
