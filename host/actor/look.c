/* Looking at one actor. */
#include "actor/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/facts.h"
#include "actor/look_impl.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"

struct look_children {
    char names[SNAPSHOT_CHILDREN_MAX][160];
    const char *texts[SNAPSHOT_CHILDREN_MAX];
};

/* --- those that go on --- */

struct inst *look_next_child(const struct inst_more *more, const struct list *at) {
    struct list *next = list_seen(at);
    return next == &more->children ? NULL : LIST_OF(next, struct inst, sibling);
}

/* A spawned child is on the list until its parent has heard of its end, members of a group for ever. A client
 * has its name a moment before it is open. */
bool look_is_there(const struct inst *in) {
    return inst_plan_index(in) != UINT32_MAX || !mbox_is_closed(&in->mbox);
}

/* -1: no memory. */
static int gather_children(const struct inst *in, struct look *look, struct snapshot_facts *facts) {
    const struct inst_more *more = inst_seen(in);
    const struct inst_type *type = inst_type(in);
    bool is_planned = type == &type_group || type == &type_proc; /* not counted */
    const struct inst *child = more ? look_next_child(more, &more->children) : NULL;
    if (more) {
        facts->child_total = atomic_load_explicit(&more->open_children, memory_order_relaxed);
    }
    if (!child) {
        return 0;
    }
    struct look_children *children =
        mem_resize(NULL, sizeof *children); /* large, and little used */
    look->children = children;
    if (!children) {
        return -1;
    }
    while (child && (is_planned || facts->child_count < SNAPSHOT_CHILDREN_MAX)) {
        if (facts->child_count < SNAPSHOT_CHILDREN_MAX && look_is_there(child)) {
            char *name = children->names[facts->child_count];
            inst_name(child, name, sizeof children->names[0]);
            children->texts[facts->child_count++] = name;
        }
        facts->child_total += is_planned;
        child = look_next_child(more, &child->sibling);
    }
    facts->children = children->texts;
    return 0;
}

/* One without its value is there when there was no memory for that: an end is noted without, a look says so. */
static int check_attributes(const struct snapshot_facts *facts) {
    for (size_t i = 0; i < facts->attribute_count; i++) {
        if (!facts->attributes[i].json) {
            return -1;
        }
    }
    return 0;
}

/* -1: no memory. To be forgotten in any case. */
static int see_living(const struct inst *in, uint64_t uid, enum inst_status status,
                      struct look *look) {
    struct snapshot_facts facts;
    facts_gather(in, &look->room, &facts);
    facts.uid = uid;
    facts.status = inst_status_text(status);
    if (status == INST_PROCESSING) {
        facts.processing_wall_ns = facts_wall(in->proc, inst_since_ns(in));
    }
    look->children = NULL;
    int gathered = check_attributes(&facts) < 0 ? -1 : gather_children(in, look, &facts);
    /* acquire: pairs with the release in record_flight */
    struct flight *flight = __atomic_load_n(&in->flight, __ATOMIC_ACQUIRE);
    return snapshot_lend(&look->living, &facts, flight) < 0 ? -1 : gathered;
}

static void forget_living(struct look *look) {
    facts_let_go(&look->room, &look->living.snapshot.facts);
    snapshot_end_lending(&look->living);
    mem_free(look->children);
}

/* --- those that have ended --- */

static int give_kept(struct proc *proc, struct snapshot_brief *brief, struct snapshot *snapshot,
                     struct snapshot **ret, struct err *err) {
    if (!snapshot) {
        brief->wall_ns = brief->wall_ns ? brief->wall_ns : facts_wall(proc, brief->ended_ns);
        snapshot = snapshot_of_brief(proc->name, brief);
        if (!snapshot) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    *ret = snapshot;
    return 0;
}

static bool has_ended(enum inst_status status) {
    return status == INST_STOPPED || status == INST_FAILED;
}

/* SV-3: who sees the status finds the snapshot, unless it is gone by now, and its tombstone too. */
static int look_at_end(const struct inst *in, uint64_t uid, uint32_t incarnation, bool failed,
                       struct snapshot **ret, struct err *err) {
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    if (!snapshot_store_find(&in->proc->snapshots, uid, incarnation, &brief, &snapshot)) {
        brief = (struct snapshot_brief){.uid = uid,
                                        .incarnation = incarnation,
                                        .failed = failed,
                                        .reason = "no longer known: its snapshot is not kept"};
        inst_name(in, brief.id, sizeof brief.id);
    }
    return give_kept(in->proc, &brief, snapshot, ret, err);
}

#define LOOKS_MOST 8u /* at one that begins and ends meanwhile */

/* CI-3 */
static bool is_introspectable(const struct inst *in) {
    return inst_type(in) != &type_plain_client;
}

/* Fills in either: `ended`, or what is of one that goes on. */
static int see_slot(const struct inst *in, uint64_t uid, struct look *look, struct err *err) {
    char name[160];
    if (!is_introspectable(in)) {
        inst_name(in, name, sizeof name);
        return err_set(err, ERR_REFUSED, "'%s' is a plain client: not introspectable", name);
    }
    for (unsigned i = 0;; i++) {
        uint32_t incarnation;
        enum inst_status status = inst_life(in, &incarnation);
        if (has_ended(status)) {
            return look_at_end(in, uid, incarnation, status == INST_FAILED, &look->ended, err);
        }
        int seen = see_living(in, uid, status, look);
        bool is_whole = inst_incarnation(in) == incarnation && !has_ended(inst_status(in));
        if (seen == 0 && (is_whole || i == LOOKS_MOST)) {
            look->ended = NULL;
            return 0;
        }
        forget_living(look);
        if (seen < 0) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
}

static void forget(struct look *look) {
    if (!look->ended) {
        forget_living(look);
    }
    snapshot_unref(look->ended);
}

/* A reference to it, or a copy; what was seen is forgotten. */
static int keep(struct look *look, struct snapshot **ret, struct err *err) {
    struct snapshot *kept = look->ended ? snapshot_ref(look->ended)
                                        : snapshot_create(&look->living.snapshot.facts, NULL);
    forget(look);
    if (!kept) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *ret = kept;
    return 0;
}

int look_at_slot(const struct inst *in, uint64_t uid, struct snapshot **ret, struct err *err) {
    struct look look;
    return see_slot(in, uid, &look, err) < 0 ? -1 : keep(&look, ret, err);
}

static int look_at_ended(struct proc *proc, uint64_t uid, struct snapshot **ret, struct err *err) {
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    int found = snapshot_store_find_last(&proc->snapshots, uid, &brief, &snapshot);
    if (!found) {
        return err_set(err, ERR_NOT_FOUND,
                       "no actor has the uid %llu, and no snapshot of one is kept",
                       (unsigned long long)uid);
    }
    return give_kept(proc, &brief, snapshot, ret, err);
}

int look_at(struct proc *proc, uint64_t uid, struct snapshot **ret, struct err *err) {
    struct looker looker;
    looks_begin(proc, &looker);
    struct inst *in = looks_find(proc, uid);
    int status = in ? look_at_slot(in, uid, ret, err) : look_at_ended(proc, uid, ret, err);
    looks_end(proc, &looker);
    return status;
}

/* --- those below --- */

static bool has_name(const struct inst *in, struct troupe_str name) {
    const struct inst_more *more = inst_seen(in);
    const char *own = more ? more->name : NULL;
    const char *slash = own ? strrchr(own, '/') : NULL; /* of a member, behind its group's */
    return own && troupe_str_eq(troupe_str(slash ? slash + 1 : own), name);
}

static bool is_called(const struct inst *in, struct troupe_str word) {
    if (word.size < 2 || word.data[0] != '[' || word.data[word.size - 1] != ']') {
        return has_name(in, word);
    }
    uint64_t pid = 0;
    for (uint64_t i = 1; i + 1 < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9' || pid > UINT64_MAX / 10 - 9) {
            return false;
        }
        pid = pid * 10 + (uint64_t)(word.data[i] - '0');
    }
    return word.size > 2 && in->pid == pid;
}

static struct inst *find_child(const struct inst *in, struct troupe_str word) {
    const struct inst_more *more = inst_seen(in);
    struct inst *child = more ? look_next_child(more, &more->children) : NULL;
    while (child && (mbox_is_closed(&child->mbox) || !is_called(child, word))) { /* S-5 */
        child = look_next_child(more, &child->sibling);
    }
    return child;
}

static struct troupe_str next_word(struct troupe_str *path) {
    const char *slash = memchr(path->data, '/', path->size);
    uint64_t size = slash ? (uint64_t)(slash - path->data) : path->size;
    struct troupe_str word = {path->data, size};
    size += slash != NULL;
    *path = troupe_str_n(path->data + size, path->size - size);
    return word;
}

struct inst *look_below(struct inst *in, struct troupe_str path) {
    while (in && path.size > 0) {
        in = find_child(in, next_word(&path));
    }
    return in;
}

static int see_child(struct proc *proc, uint64_t uid, struct troupe_str child, struct look *look,
                     struct err *err) {
    struct troupe_str path = child;
    bool from_proc = path.data[0] == '/';
    struct inst *in = from_proc ? proc->self : looks_find(proc, uid);
    if (from_proc) {
        path = troupe_str_n(path.data + 1, path.size - 1);
    }
    in = in ? look_below(in, path) : NULL;
    uint64_t found = in ? looks_uid(in) : 0;
    return found ? see_slot(in, found, look, err)
                 : err_set(err, ERR_NOT_FOUND, "there is no child '%.*s'", TROUPE_STR_ARG(child));
}

int look_begin(struct proc *proc, uint64_t uid, struct troupe_str child, struct look *look,
               struct err *err) {
    look->proc = proc;
    looks_begin(proc, &look->looker);
    struct inst *in = child.size == 0 ? looks_find(proc, uid) : NULL;
    int status = child.size > 0 ? see_child(proc, uid, child, look, err)
                 : in           ? see_slot(in, uid, look, err)
                                : look_at_ended(proc, uid, &look->ended, err);
    if (status < 0) {
        looks_end(proc, &look->looker);
        return -1;
    }
    look->seen = look->ended ? look->ended : &look->living.snapshot;
    return 0;
}

void look_end(struct look *look) {
    forget(look);
    looks_end(look->proc, &look->looker);
}

/* --- by address --- */

struct inst *look_find_address(struct proc *proc, const char *address, uint64_t *ret_uid) {
    struct inst *found = proc_find_named(proc, address);
    *ret_uid = found && look_is_there(found) ? looks_uid(found) : 0;
    found = *ret_uid ? found : NULL;
    for (uint32_t i = 0, cells = cell_count(proc); i < cells && !found; i++) {
        struct inst *in = looks_find_in(proc, i, ret_uid);
        char name[160];
        if (in) {
            inst_name(in, name, sizeof name);
            found = strcmp(name, address) == 0 ? in : NULL;
        }
    }
    return found;
}

int look_up(struct proc *proc, const char *address, struct snapshot **ret, struct err *err) {
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    struct looker looker;
    looks_begin(proc, &looker);
    uint64_t uid;
    struct inst *in = look_find_address(proc, address, &uid);
    int status = in ? look_at_slot(in, uid, ret, err) : -1;
    looks_end(proc, &looker);
    if (in) {
        return status;
    }
    return snapshot_store_find_id(&proc->snapshots, address, &brief, &snapshot)
               ? give_kept(proc, &brief, snapshot, ret, err)
               : err_set(err, ERR_NOT_FOUND,
                         "no actor is called '%s', and no snapshot of one is kept", address);
}

uint32_t look_list(struct proc *proc, uint64_t *ret, uint32_t room) {
    struct looker looker;
    uint32_t count = 0;
    looks_begin(proc, &looker);
    for (uint32_t i = 0, cells = cell_count(proc); i < cells; i++) {
        uint64_t uid;
        const struct inst *in = looks_find_in(proc, i, &uid);
        if (in && in != proc->self && is_introspectable(in) && !mbox_is_closed(&in->mbox)) {
            if (count < room) {
                ret[count] = uid;
            }
            count++;
        }
    }
    looks_end(proc, &looker);
    return count;
}
