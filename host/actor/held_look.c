/* Looking at an actor in hand, waiting for its next move, telling it, and walking what stands below. */
#include <string.h>

#include "actor/facts.h"
#include "actor/held_impl.h"
#include "actor/look_impl.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/cond.h"
#include "record/cut.h"

/* --- one look --- */

static bool has_ended(enum inst_status status) {
    return status == INST_STOPPED || status == INST_FAILED;
}

static struct snapshot *take_kept(struct held *held, bool *ret_is_closed) {
    pthread_mutex_lock(&held->table->lock);
    struct snapshot *end = held->end ? snapshot_ref(held->end) : NULL;
    *ret_is_closed = held->is_closed;
    pthread_mutex_unlock(&held->table->lock);
    return end;
}

/* The record has it, unless it was made only when the life had ended but for its status. */
static void tell_why(struct held *held, struct proc *proc, struct held_status *ret) {
    bool is_closed;
    struct snapshot_brief brief = {.reason = "no longer known"};
    struct snapshot *end = take_kept(held, &is_closed);
    if (!end || end->facts.incarnation != ret->incarnation) {
        snapshot_unref(end);
        end = NULL;
        (void)snapshot_store_find(&proc->snapshots, held->uid, ret->incarnation, &brief, &end);
    }
    cut_copy(ret->detail, sizeof ret->detail, end ? end->facts.reason : brief.reason);
    snapshot_unref(end);
}

static void look_at_open(struct held *held, const struct inst *in, struct held_status *ret) {
    memset(ret, 0, sizeof *ret);
    ret->status = inst_life(in, &ret->incarnation);
    if (ret->status == INST_PROCESSING) {
        ret->since_wall_ns = facts_wall(in->proc, inst_since_ns(in));
        cut_copy(ret->detail, sizeof ret->detail, inst_handler(in));
    } else if (has_ended(ret->status)) {
        tell_why(held, in->proc, ret);
    }
}

/* False: it has not closed. */
static bool look_at_closed(struct held *held, struct held_status *ret) {
    struct snapshot *end = NULL;
    pthread_mutex_lock(&held->table->lock);
    bool is_closed = held->is_closed;
    if (is_closed) {
        *ret = (struct held_status){
            .status = held->status, .incarnation = held->incarnation, .is_closed = true};
        end = held->end ? snapshot_ref(held->end) : NULL;
    }
    pthread_mutex_unlock(&held->table->lock);
    if (end && !end->facts.status) {
        cut_copy(ret->detail, sizeof ret->detail, end->facts.reason);
    }
    snapshot_unref(end);
    return is_closed;
}

/* False: the instance is gone, so it has closed. */
static bool look_at_it(struct held *held, struct proc *proc, struct held_status *ret) {
    struct looker looker;
    looks_begin(proc, &looker);
    const struct inst *in = looks_find_any(proc, held->uid);
    if (in) {
        look_at_open(held, in, ret);
    }
    looks_end(proc, &looker);
    return in;
}

/* Who goes closes what is open before: if there is nothing to look at any more, it has closed. */
void held_look(struct held *held, struct held_status *ret) {
    struct proc *proc = look_at_closed(held, ret) ? NULL : held_enter(held->table);
    bool found = proc && look_at_it(held, proc, ret);
    if (proc) {
        held_leave(held->table);
    }
    if (!found) {
        (void)look_at_closed(held, ret);
    }
}

/* --- waiting --- */

/* H-2 */
static enum inst_status move_of(enum inst_status status) {
    return status == INST_PROCESSING ? INST_IDLE : status;
}

static bool is_news(const struct held_status *seen, const struct held_status *now) {
    return now->is_closed || now->incarnation != seen->incarnation ||
           move_of(now->status) != move_of(seen->status);
}

static uint64_t count_moves(struct held *held) {
    pthread_mutex_lock(&held->table->lock);
    uint64_t moves = held->moves;
    pthread_mutex_unlock(&held->table->lock);
    return moves;
}

/* The look came after the count: what it did not see will be counted. */
bool held_wait(struct held *held, struct held_status *status, uint64_t until_ns) {
    const struct held_status seen = *status;
    bool in_time = true;
    for (;;) {
        uint64_t moves = count_moves(held);
        held_look(held, status);
        if (is_news(&seen, status) || !in_time) {
            return is_news(&seen, status);
        }
        pthread_mutex_lock(&held->table->lock);
        while (held->moves == moves && in_time) {
            in_time = cond_wait_until(&held->changed, &held->table->lock, until_ns);
        }
        pthread_mutex_unlock(&held->table->lock);
    }
}

/* --- all that is known --- */

static int look_at_now(struct held *held, struct proc *proc, struct snapshot **ret,
                       struct err *err) {
    struct looker looker;
    looks_begin(proc, &looker);
    const struct inst *in = looks_find_any(proc, held->uid);
    int status = in ? look_at_slot(in, held->uid, ret, err) : 0;
    looks_end(proc, &looker);
    return status;
}

/* What the store has given up may be kept here. */
static struct snapshot *choose(struct snapshot *now, struct snapshot *kept) {
    bool is_same =
        now && kept && now->facts.is_brief && now->facts.incarnation == kept->facts.incarnation;
    bool takes_kept = kept && (!now || is_same);
    snapshot_unref(takes_kept ? now : kept);
    return takes_kept ? kept : now;
}

int held_view(struct held *held, struct snapshot **ret, struct err *err) {
    bool is_closed;
    struct snapshot *now = NULL;
    struct snapshot *kept = take_kept(held, &is_closed);
    struct proc *proc = is_closed ? NULL : held_enter(held->table);
    int status = proc ? look_at_now(held, proc, &now, err) : 0;
    if (proc) {
        held_leave(held->table);
    }
    if (status < 0) {
        snapshot_unref(kept);
        return -1;
    }
    if (!now) { /* it has closed meanwhile, and maybe only then something was kept */
        snapshot_unref(kept);
        kept = take_kept(held, &is_closed);
    }
    *ret = choose(now, kept);
    return *ret ? 0
                : err_set(err, ERR_NOT_FOUND, "'%s' has ended; there was no memory to keep how",
                          held->id);
}

/* --- telling it --- */

int held_signal(struct held *held, unsigned signals, struct err *err) {
    struct looker looker;
    struct proc *proc = held_enter(held->table);
    if (!proc) {
        return err_set(err, ERR_NOT_FOUND, "'%s' has ended", held->id);
    }
    looks_begin(proc, &looker);
    struct inst *in = looks_find(proc, held->uid);
    if (in) {
        inst_signal(in, signals);
    }
    looks_end(proc, &looker);
    held_leave(held->table);
    return in ? 0 : err_set(err, ERR_NOT_FOUND, "'%s' has ended", held->id);
}

/* --- those below --- */

int held_find_below(struct held *held, struct troupe_str path, struct held **ret, struct err *err) {
    struct held_table *table = held->table;
    struct looker looker;
    struct proc *proc = held_enter(table);
    struct inst *in = NULL;
    uint64_t uid = 0;
    int status = -1;
    if (proc) {
        looks_begin(proc, &looker);
        in = looks_find_any(proc, held->uid);
        in = in ? look_below(in, path) : NULL;
        uid = in ? looks_uid(in) : 0;
        status = uid ? held_take(table, in, uid, ret, err) : -1;
        looks_end(proc, &looker);
        held_leave(table);
    }
    return uid ? status
               : err_set(err, ERR_NOT_FOUND, "there is no open child '%.*s' below '%s'",
                         TROUPE_STR_ARG(path), held->id);
}

static struct inst *first_child(const struct inst *in) {
    const struct inst_more *more = inst_seen(in);
    return more ? look_next_child(more, &more->children) : NULL;
}

/* One that has ended meanwhile still leads on to its siblings and its parent, as both stay until we have
 * looked away (L-3). */
static struct inst *walk_on(const struct inst *top, struct inst *at, uint32_t depth_most,
                            uint32_t *depth) {
    struct inst *next = *depth < depth_most ? first_child(at) : NULL;
    if (next) {
        ++*depth;
        return next;
    }
    while (at != top && !next) {
        struct inst *parent = inst_parent(at);
        next = look_next_child(inst_seen(parent), &at->sibling);
        if (!next) {
            at = parent;
            --*depth;
        }
    }
    return next;
}

static struct held_below *add_room(struct held_tree *tree) {
    if (tree->count == tree->room) {
        uint32_t room = tree->room ? 2 * tree->room : 16;
        struct held_below *items = mem_resize(tree->items, room * sizeof *items);
        if (!items) {
            return NULL;
        }
        tree->items = items;
        tree->room = room;
    }
    return &tree->items[tree->count];
}

/* One that has just closed is left out. */
static int add_below(struct held_table *table, struct inst *in, uint32_t depth,
                     struct held_tree *tree, struct err *err) {
    struct held_below *item = add_room(tree);
    uint64_t uid = look_is_there(in) ? looks_uid(in) : 0;
    struct err own = {0};
    if (!item) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (!uid || held_take(table, in, uid, &item->held, &own) < 0) {
        return own.code == ERR_NOMEM ? err_set(err, ERR_NOMEM, "out of memory") : 0;
    }
    item->depth = depth;
    tree->count++;
    return 0;
}

static int walk(struct held_table *table, struct inst *top, uint32_t depth_most, uint32_t most,
                struct held_tree *tree, struct err *err) {
    uint32_t depth = 0;
    struct inst *at = walk_on(top, top, depth_most, &depth);
    for (; at && tree->count < most; at = walk_on(top, at, depth_most, &depth)) {
        if (add_below(table, at, depth, tree, err) < 0) {
            return -1;
        }
    }
    tree->is_cut = at;
    return 0;
}

int held_walk(struct held_table *table, struct held *top, uint32_t depth, uint32_t most,
              struct held_tree *ret, struct err *err) {
    struct held_tree tree = {0};
    struct looker looker;
    struct proc *proc = held_enter(table);
    if (!proc) {
        return err_set(err, ERR_NOT_FOUND, "the proc is gone");
    }
    looks_begin(proc, &looker);
    struct inst *in = top ? looks_find(proc, top->uid) : proc->self;
    int status = in ? walk(table, in, depth, most, &tree, err)
                    : err_set(err, ERR_NOT_FOUND, "'%s' has ended", top->id);
    looks_end(proc, &looker);
    held_leave(table);
    if (status < 0) {
        held_tree_fini(&tree);
        return -1;
    }
    *ret = tree;
    return 0;
}

void held_tree_fini(struct held_tree *tree) {
    for (uint32_t i = 0; i < tree->count; i++) {
        held_unref(tree->items[i].held);
    }
    mem_free(tree->items);
}
