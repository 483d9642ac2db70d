/* Roots that are added while the proc runs: made out of sight, then shown by the supervisor. */
#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

/* AI-2. Takes the place of the name, so that nobody else gets it; nobody finds it before it is open. */
static int take_name(struct proc *proc, const char *name, struct proc_root *root, struct err *err) {
    pthread_mutex_lock(&proc->lock);
    struct inst *first = map_find(&proc->names, name);
    bool taken = first && inst_has_name(first);
    uint64_t pid = taken ? first->pid : 0;
    int status = taken ? -1 : map_set(&proc->names, name, root->in);
    pthread_mutex_unlock(&proc->lock);
    if (taken) {
        return err_set(err, ERR_EXISTS, "the name '%s' is taken by '%s/%s[%llu]'", name, proc->name,
                       name, (unsigned long long)pid);
    }
    root->before = first;
    return status < 0 ? err_set(err, ERR_NOMEM, "actor '%s'", name) : 0;
}

static void give_name_back(struct proc *proc, const char *name, const struct proc_root *root) {
    pthread_mutex_lock(&proc->lock);
    if (root->before) {
        (void)map_set(&proc->names, name, root->before); /* it is there: needs no memory */
    } else {
        (void)map_remove(&proc->names, name);
    }
    pthread_mutex_unlock(&proc->lock);
}

static void unmake(struct proc *proc, struct inst *in) {
    in->more->name = NULL; /* the plan's */
    in->spawned = true;    /* the cell is used again */
    inst_unmake(&proc->outside, in);
}

/* What `any` brings an actor goes on by its outputs `as` that port, whose types were settled at the start. */
static int check_passed_on(const struct inst *to, uint16_t row, const struct plan_actor *plan,
                           const struct msg_type *sent, const char *root, struct err *err) {
    for (uint16_t i = 0; i < to->type->row_count; i++) {
        const struct inst_row *out = &to->type->rows[i];
        bool passes =
            out->kind == TROUPE_ROW_as && out->source == row && to->ports && to->ports[i].count > 0;
        const struct msg_type *settled = plan->row_types[row];
        if (passes && settled && settled != sent) {
            return err_set(
                err, ERR_INVALID,
                "'%s' cannot be wired to '%s.%s', which passes on by '%s' what comes in: "
                "its receivers were wired for '%.*s', not for '%.*s'",
                root, plan->path, to->type->rows[row].name, out->name,
                TROUPE_STR_ARG(settled->abi.id),
                TROUPE_STR_ARG(sent ? sent->abi.id : troupe_str("various")));
        }
    }
    return 0;
}

static int check_wires(struct proc *proc, const struct plan *addition,
                       struct inst *const *stands_for, struct err *err) {
    for (size_t w = 0; w < addition->wire_count; w++) {
        const struct plan_wire *wire = &addition->wires[w];
        const struct inst *to = stands_for[wire->to[0]]; /* NULL: the root itself */
        if (to && to->type->rows[wire->to_row].kind == TROUPE_ROW_any &&
            check_passed_on(to, (uint16_t)wire->to_row, proc_plan_of(proc, to), wire->type,
                            addition->actors[0].path, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int wire_it(struct inst *in, const struct plan *addition, struct inst *const *stands_for,
                   struct err *err) {
    struct proc_actor *actors = mem_array(addition->actor_count, sizeof *actors);
    if (!actors) {
        return err_set(err, ERR_NOMEM, "actor '%s'", addition->actors[0].path);
    }
    for (size_t i = 0; i < addition->actor_count; i++) {
        actors[i].in = i == 0 ? in : stands_for[i];
    }
    int status = actors_wire(addition, actors, 1, err);
    mem_free(actors);
    return status;
}

int proc_make_root(struct proc *proc, const struct plan *addition, struct inst *const *stands_for,
                   struct proc_root *ret, struct err *err) {
    const struct plan_actor *actor = &addition->actors[0];
    struct proc_root root = {.in = NULL};
    if (check_wires(proc, addition, stands_for, err) < 0) {
        return -1;
    }
    if (actors_reserve(proc, 1) < 0) {
        return err_set(err, ERR_NOMEM, "actor '%s'", actor->path);
    }
    pthread_mutex_lock(&proc->making);
    unsigned home = proc->next_home++ % sched_worker_count(proc->sched);
    root.in = actor_make(proc, addition, actor, sched_worker_at(proc->sched, home), err);
    bool has_name = root.in && wire_it(root.in, addition, stands_for, err) == 0 &&
                    take_name(proc, actor->name, &root, err) == 0;
    bool made = has_name && actor_give_thread(proc, root.in, actor, err) == 0;
    if (has_name && !made) {
        give_name_back(proc, actor->name, &root);
    }
    if (root.in && !made) {
        unmake(proc, root.in);
    }
    pthread_mutex_unlock(&proc->making);
    if (!made) {
        return -1;
    }
    *ret = root;
    return 0;
}

void proc_unmake_root(struct proc *proc, const struct proc_root *root) {
    give_name_back(proc, root->in->more->name, root);
    pthread_mutex_lock(&proc->making);
    unmake(proc, root->in);
    pthread_mutex_unlock(&proc->making);
}

void proc_show_root(struct proc *proc, struct inst *in, const struct plan_actor *plan) {
    atomic_store_explicit(&in->parent, proc->self, memory_order_relaxed);
    actors_add(proc, in, plan);
    list_show_last(&proc->self->more->children, &in->sibling);
    mbox_open(&in->mbox);
}

struct inst *proc_find_actor(struct proc *proc, const char *name) {
    struct inst *in = proc_find_named(proc, name);
    return in && proc_plan_of(proc, in) ? in : NULL;
}
