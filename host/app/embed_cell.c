/* Cells of an embedding program: actors in hand, by the records of the proc (actor/held.h). */
#include <stddef.h>
#include <string.h>

#include <troupe/cell.h>

#include "actor/held.h"
#include "actor/view_type.h"
#include "app/client_impl.h"
#include "base/alloc.h"
#include "inspect/actor_view.h"

struct troupe_cell {
    _Atomic uint64_t refs;
    struct troupe_proc *owner; /* a weak handle */
    struct held *held;         /* a reference */
};

struct troupe_weak_cell {
    struct troupe_proc *owner; /* a weak handle */
    struct held_table *table;  /* a reference */
    uint64_t uid;
};

/* --- handles --- */

/* Takes the reference; NULL: no memory. */
static struct troupe_cell *make(struct troupe_proc *owner, struct held *held) {
    struct troupe_cell *cell = mem_alloc(sizeof *cell);
    if (!cell) {
        held_unref(held);
        return NULL;
    }
    atomic_store_explicit(&cell->refs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&owner->weak, 1, memory_order_relaxed);
    cell->owner = owner;
    cell->held = held;
    return cell;
}

static int32_t hand_out(struct troupe_proc *owner, struct held *held, struct troupe_cell **ret,
                        struct troupe_error *error) {
    struct troupe_cell *cell = make(owner, held);
    if (!cell) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    *ret = cell;
    return TROUPE_OK;
}

struct troupe_cell *troupe_cell_ref(struct troupe_cell *cell) {
    atomic_fetch_add_explicit(&cell->refs, 1, memory_order_relaxed);
    return cell;
}

void troupe_cell_unref(struct troupe_cell *cell) {
    /* acq_rel: the last one sees what the others did */
    if (cell && atomic_fetch_sub_explicit(&cell->refs, 1, memory_order_acq_rel) == 1) {
        held_unref(cell->held);
        embed_release(cell->owner);
        mem_free(cell);
    }
}

struct troupe_weak_cell *troupe_cell_weak(struct troupe_cell *cell) {
    struct troupe_weak_cell *weak = mem_alloc(sizeof *weak);
    if (weak) {
        atomic_fetch_add_explicit(&cell->owner->weak, 1, memory_order_relaxed);
        weak->owner = cell->owner;
        weak->table = held_table_ref(cell->held->table);
        weak->uid = cell->held->uid;
    }
    return weak;
}

struct troupe_cell *troupe_weak_cell_upgrade(struct troupe_weak_cell *weak) {
    struct held *held;
    return held_find(weak->table, weak->uid, &held, NULL) == 0 ? make(weak->owner, held) : NULL;
}

void troupe_weak_cell_free(struct troupe_weak_cell *weak) {
    if (weak) {
        held_table_unref(weak->table);
        embed_release(weak->owner);
        mem_free(weak);
    }
}

/* --- finding --- */

static int32_t does_not_run(const struct troupe_proc *proc, struct troupe_error *error) {
    return embed_fail(error, TROUPE_STOPPING, "proc '%s' does not run", proc->id);
}

/* By address, or where that is NULL by uid. */
static int32_t find(struct troupe_proc *proc, const char *address, uint64_t uid,
                    struct troupe_cell **ret, struct troupe_error *error) {
    struct held *held;
    struct err err;
    struct proc *pinned = embed_pin(proc);
    if (!pinned) {
        return does_not_run(proc, error);
    }
    int status = address ? held_find_address(proc_held(pinned), address, &held, &err)
                         : held_find(proc_held(pinned), uid, &held, &err);
    embed_unpin(proc);
    if (status == 0) {
        return hand_out(proc, held, ret, error);
    }
    if (err.code != ERR_NOT_FOUND) {
        return embed_fail_as(error, &err);
    }
    return address
               ? embed_fail(error, TROUPE_NOT_FOUND, "there is no open actor '%s' in proc '%s'",
                            address, proc->id)
               : embed_fail(error, TROUPE_NOT_FOUND, "no open actor in proc '%s' has the uid %llu",
                            proc->id, (unsigned long long)uid);
}

int32_t troupe_proc_cell(struct troupe_proc *proc, const char *actor, struct troupe_cell **ret,
                         struct troupe_error *error) {
    return find(proc, actor, 0, ret, error);
}

#define PORT_MOST UINT16_MAX /* of this proc; more names another one, too */

int32_t troupe_proc_cell_of(struct troupe_proc *proc, struct troupe_ref ref,
                            struct troupe_cell **ret, struct troupe_error *error) {
    return ref.port > PORT_MOST
               ? embed_fail(error, TROUPE_NOT_LOCAL, "the actor is one of another proc")
               : find(proc, NULL, ref.uid, ret, error);
}

int32_t troupe_client_cell(struct troupe_client *client, struct troupe_cell **ret,
                           struct troupe_error *error) {
    struct held *held;
    struct err err;
    int32_t status = client_begin(client, error);
    if (status < 0) {
        return status;
    }
    int found = held_find(proc_held(client->proc), client->uid, &held, &err);
    client_end(client);
    return found < 0 ? embed_fail_as(error, &err) : hand_out(client->owner, held, ret, error);
}

int32_t troupe_cell_child(struct troupe_cell *cell, const char *path, struct troupe_cell **ret,
                          struct troupe_error *error) {
    struct held *held;
    struct err err;
    return held_find_below(cell->held, troupe_str(path), &held, &err) < 0
               ? embed_fail_as(error, &err)
               : hand_out(cell->owner, held, ret, error);
}

int32_t troupe_cell_parent(struct troupe_cell *cell, struct troupe_cell **ret,
                           struct troupe_error *error) {
    struct held *held;
    struct err err;
    if (cell->held->parent == 0) {
        *ret = NULL;
        return TROUPE_OK;
    }
    if (held_find(cell->held->table, cell->held->parent, &held, &err) == 0) {
        return hand_out(cell->owner, held, ret, error);
    }
    return err.code == ERR_NOT_FOUND
               ? embed_fail(error, TROUPE_NOT_FOUND, "the parent of '%s' has ended", cell->held->id)
               : embed_fail_as(error, &err);
}

/* --- who it is --- */

const char *troupe_cell_id(const struct troupe_cell *cell) {
    return cell->held->id;
}

const char *troupe_cell_type(const struct troupe_cell *cell) {
    return cell->held->type;
}

struct troupe_ref troupe_cell_address(const struct troupe_cell *cell) {
    return (struct troupe_ref){cell->held->uid, 0};
}

uint64_t troupe_cell_pid(const struct troupe_cell *cell) {
    return cell->held->pid;
}

/* --- what it does --- */

#define SAME_NUMBER(name, value, text)                                                             \
    _Static_assert((int)TROUPE_CELL_##name == (int)INST_##name, text);
TROUPE_CELL_STATUSES(SAME_NUMBER)
#undef SAME_NUMBER
_Static_assert(sizeof((struct troupe_cell_seen *)NULL)->detail ==
                   sizeof((struct held_status *)NULL)->detail,
               "what is told is told whole");

const char *troupe_cell_status_text(uint32_t status) {
    return status < INST_STATUS_COUNT ? inst_status_text((enum inst_status)status) : "unknown";
}

static int32_t check_size(const struct troupe_cell_seen *seen, struct troupe_error *error) {
    return seen->size >= sizeof *seen
               ? TROUPE_OK
               : embed_fail(error, TROUPE_INVALID, "seen.size is %u: set it to sizeof(seen)",
                            seen->size);
}

static void fill(struct troupe_cell_seen *ret, const struct held_status *from) {
    ret->status = from->status;
    ret->incarnation = from->incarnation;
    ret->closed = from->is_closed;
    ret->since = from->since_wall_ns;
    memcpy(ret->detail, from->detail, sizeof ret->detail);
}

int32_t troupe_cell_status(struct troupe_cell *cell, struct troupe_cell_seen *ret,
                           struct troupe_error *error) {
    struct held_status now;
    int32_t status = check_size(ret, error);
    if (status == TROUPE_OK) {
        held_look(cell->held, &now);
        fill(ret, &now);
    }
    return status;
}

int32_t troupe_cell_watch(struct troupe_cell *cell, uint64_t timeout, struct troupe_cell_seen *seen,
                          struct troupe_error *error) {
    uint64_t until_ns = timeout ? embed_deadline(timeout) : 0;
    int32_t status = check_size(seen, error);
    if (status == TROUPE_OK && timeout > 0) {
        status = embed_check_outside(error, "watching a cell");
    }
    if (status < 0) {
        return status;
    }
    struct held_status now = {.status = (enum inst_status)seen->status,
                              .incarnation = seen->incarnation};
    bool in_time = held_wait(cell->held, &now, until_ns);
    fill(seen, &now);
    return in_time ? TROUPE_OK
                   : embed_fail(error, TROUPE_TIMEOUT, "'%s' is %s all the time", cell->held->id,
                                inst_status_text(now.status));
}

/* --- all that is known --- */

struct troupe_look {
    struct snapshot *snapshot; /* a reference */
    struct view_room *room;
    const void *view; /* in the room */
    char *json;
};

void troupe_look_free(struct troupe_look *look) {
    if (look) {
        view_free(look->room);
        snapshot_unref(look->snapshot);
        mem_free(look->json);
        mem_free(look);
    }
}

static int render(struct troupe_look *look, struct type_table *types, bool is_entity,
                  struct err *err) {
    struct view_types own;
    struct str json;
    if (view_types_init(&own, types, err) < 0) {
        return -1;
    }
    look->room = view_make(&own, look->snapshot, is_entity, &look->view);
    str_init(&json);
    actor_view_json(look->snapshot, is_entity ? ENTITY_VIEW : ACTOR_VIEW, &json);
    look->json = json.failed ? NULL : str_take(&json);
    str_fini(&json);
    return look->room && look->json ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

int32_t troupe_cell_look(struct troupe_cell *cell, uint32_t view, struct troupe_look **ret,
                         struct troupe_error *error) {
    struct err err;
    if (view != TROUPE_ACTOR_VIEW && view != TROUPE_ENTITY_VIEW) {
        return embed_fail(error, TROUPE_INVALID, "there is no view %u", view);
    }
    struct troupe_look *look = mem_alloc(sizeof *look);
    if (!look) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    if (held_view(cell->held, &look->snapshot, &err) < 0 ||
        render(look, cell->owner->types, view == TROUPE_ENTITY_VIEW, &err) < 0) {
        troupe_look_free(look);
        return embed_fail_as(error, &err);
    }
    *ret = look;
    return TROUPE_OK;
}

const char *troupe_look_json(const struct troupe_look *look) {
    return look->json;
}

const struct troupe_view *troupe_look_view(const struct troupe_look *look) {
    return look->view;
}

/* --- what stands below --- */

#define TRAVERSE_MOST 65536u

static int32_t check_options(const struct troupe_traverse *from, struct troupe_traverse *options,
                             struct troupe_error *error) {
    *options = (struct troupe_traverse){0};
    if (from && from->size < sizeof *from) {
        return embed_fail(error, TROUPE_INVALID, "options.size is %u: set it to sizeof(options)",
                          from->size);
    }
    if (from) {
        *options = *from;
    }
    options->depth = options->depth ? options->depth : UINT32_MAX;
    options->most = options->most ? options->most : TRAVERSE_MOST;
    return TROUPE_OK;
}

static int32_t show(struct troupe_proc *owner, struct held_tree *tree, troupe_cell_each *each,
                    void *context, struct troupe_error *error) {
    bool goes_on = true;
    for (uint32_t i = 0; i < tree->count && goes_on; i++) {
        struct troupe_cell *cell = make(owner, held_ref(tree->items[i].held));
        if (!cell) {
            return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
        }
        goes_on = each(context, cell, tree->items[i].depth);
        troupe_cell_unref(cell);
    }
    return goes_on && tree->is_cut
               ? embed_fail(error, TROUPE_FULL, "there are more than the %u cells asked for",
                            tree->count)
               : TROUPE_OK;
}

static int32_t traverse(struct troupe_proc *owner, struct held_table *table, struct held *top,
                        const struct troupe_traverse *from, troupe_cell_each *each, void *context,
                        struct troupe_error *error) {
    struct troupe_traverse options;
    struct held_tree tree;
    struct err err;
    int32_t status = check_options(from, &options, error);
    if (status < 0) {
        return status;
    }
    if (held_walk(table, top, options.depth, options.most, &tree, &err) < 0) {
        return err.code == ERR_NOT_FOUND ? TROUPE_OK : embed_fail_as(error, &err);
    }
    status = show(owner, &tree, each, context, error);
    held_tree_fini(&tree);
    return status;
}

int32_t troupe_cell_traverse(struct troupe_cell *cell, const struct troupe_traverse *options,
                             troupe_cell_each *each, void *context, struct troupe_error *error) {
    struct held *held = cell->held;
    return traverse(cell->owner, held->table, held, options, each, context, error);
}

int32_t troupe_cell_children(struct troupe_cell *cell, troupe_cell_each *each, void *context,
                             struct troupe_error *error) {
    const struct troupe_traverse options = {.size = sizeof options, .depth = 1, .most = UINT32_MAX};
    return troupe_cell_traverse(cell, &options, each, context, error);
}

int32_t troupe_proc_traverse(struct troupe_proc *proc, const struct troupe_traverse *options,
                             troupe_cell_each *each, void *context, struct troupe_error *error) {
    struct proc *pinned = embed_pin(proc);
    if (!pinned) {
        return does_not_run(proc, error);
    }
    struct held_table *table = held_table_ref(proc_held(pinned));
    embed_unpin(proc); /* `each` may wait for the proc's end */
    int32_t status = traverse(proc, table, NULL, options, each, context, error);
    held_table_unref(table);
    return status;
}

/* --- telling it --- */

static int32_t gone(const struct troupe_cell *cell, struct troupe_error *error) {
    return embed_fail(error, TROUPE_GONE, "'%s' has ended", cell->held->id);
}

static int tell(struct troupe_cell *cell, uint32_t signal, struct err *err) {
    static const struct {
        unsigned signal;
        enum supervisor_order order;
    } orders[] = {[TROUPE_CELL_SIGNAL_STOP] = {SIGNAL_STOP, SUPERVISOR_STOP},
                  [TROUPE_CELL_SIGNAL_DRAIN] = {SIGNAL_DRAIN, SUPERVISOR_DRAIN},
                  [TROUPE_CELL_SIGNAL_ABORT] = {SIGNAL_ABORT, SUPERVISOR_ABORT}};
    struct held *held = cell->held;
    if (held->is_client) {
        return client_tell(cell->owner, held->uid, signal == TROUPE_CELL_SIGNAL_ABORT)
                   ? 0
                   : err_set(err, ERR_NOT_FOUND, "'%s' has ended", held->id);
    }
    return held->plan_index == UINT32_MAX
               ? held_signal(held, orders[signal].signal, err)
               : supervisor_tell(deploy_supervisor(cell->owner->deploy), held->plan_index,
                                 held->uid, orders[signal].order, err);
}

int32_t troupe_cell_signal(struct troupe_cell *cell, uint32_t signal, struct troupe_error *error) {
    struct err err;
    if (signal >= TROUPE_CELL_SIGNAL_END_) {
        return embed_fail(error, TROUPE_INVALID, "there is no signal %u", signal);
    }
    if (held_is_closed(cell->held) || !embed_pin(cell->owner)) {
        return gone(cell, error);
    }
    int status = tell(cell, signal, &err);
    embed_unpin(cell->owner);
    if (status == 0) {
        return TROUPE_OK;
    }
    return err.code == ERR_NOT_FOUND ? gone(cell, error) : embed_fail_as(error, &err);
}
