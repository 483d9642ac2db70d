/* Actors that are added while the proc runs: made out of sight, then shown by the supervisor. */
#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

int proc_check_name(struct proc *proc, const char *name, struct err *err) {
    pthread_mutex_lock(&proc->lock);
    const struct inst *first = map_find(&proc->names, name);
    bool taken = first && inst_has_name(first);
    uint64_t pid = taken ? first->pid : 0;
    pthread_mutex_unlock(&proc->lock);
    return taken ? err_set(err, ERR_EXISTS, "the name '%s' is taken by '%s/%s[%llu]'", name,
                           proc->name, name, (unsigned long long)pid)
                 : 0;
}

/* AI-2. Takes the place of the name, so that nobody else gets it; nobody finds it before it is open. */
static int take_name(struct proc *proc, const char *name, struct proc_made *made, struct err *err) {
    pthread_mutex_lock(&proc->lock);
    struct inst *first = map_find(&proc->names, name);
    bool taken = first && inst_has_name(first);
    made->has_name = !taken && map_set(&proc->names, name, made->in) == 0;
    pthread_mutex_unlock(&proc->lock);
    made->before = first;
    if (taken) {
        return proc_check_name(proc, name, err);
    }
    return made->has_name ? 0 : err_set(err, ERR_NOMEM, "actor '%s'", name);
}

static void give_name_back(struct proc *proc, const char *name, const struct proc_made *made) {
    pthread_mutex_lock(&proc->lock);
    if (made->before) {
        (void)map_set(&proc->names, name, made->before); /* it is there: needs no memory */
    } else {
        (void)map_remove(&proc->names, name);
    }
    pthread_mutex_unlock(&proc->lock);
}

static void unmake(struct proc *proc, const struct proc_made *made) {
    struct inst *in = made->in;
    if (made->has_name) {
        give_name_back(proc, in->more->name, made);
    }
    in->spawned = true; /* the cell is used again */
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

int proc_check_wires(struct proc *proc, const struct plan *addition, struct inst *const *stands_for,
                     struct err *err) {
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

/* --- making --- */

/* A member of a group that runs gets a number of its own: those of its children count on (AI-1, SV-8). */
static uint64_t pid_of(const struct plan *plan, uint32_t at, const struct proc_made *made,
                       struct inst *const *actors) {
    uint32_t parent = plan->actors[at].parent;
    bool joins = parent != PLAN_NONE && !made[parent].in;
    return joins ? atomic_fetch_add_explicit(&inst_root(actors[parent])->more->next_pid, 1,
                                             memory_order_relaxed)
                 : plan->actors[at].pid;
}

static int make_one(struct proc *proc, const struct plan *plan, uint32_t at, unsigned home,
                    struct inst **actors, struct proc_made *made, struct err *err) {
    const struct plan_actor *actor = &plan->actors[at];
    home = (home + actor->component) % sched_worker_count(proc->sched);
    struct inst *in = actor_make(proc, plan, actor, sched_worker_at(proc->sched, home), err);
    if (!in) {
        return -1;
    }
    made[at].in = in;
    in->pid = pid_of(plan, at, made, actors);
    actors[at] = in;
    return take_name(proc, actor->name, &made[at], err);
}

static int make_all(struct proc *proc, const struct plan *plan, struct inst **actors,
                    struct proc_made *made, bool *is_own, struct err *err) {
    unsigned home = proc->next_home++;
    for (uint32_t i = 0; i < plan->actor_count; i++) {
        is_own[i] = !actors[i];
        if (is_own[i] && make_one(proc, plan, i, home, actors, made, err) < 0) {
            return -1;
        }
    }
    if (actors_wire(plan, actors, is_own, err) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < plan->actor_count; i++) { /* a thread is the last that can be had */
        if (is_own[i] && actor_give_thread(proc, actors[i], &plan->actors[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void unmake_all(struct proc *proc, const struct plan *plan, struct inst **actors,
                       struct proc_made *made) {
    for (size_t i = plan->actor_count; i-- > 0;) {
        if (made[i].in) {
            unmake(proc, &made[i]);
            actors[i] = NULL;
            made[i] = (struct proc_made){.in = NULL};
        }
    }
}

int proc_make_actors(struct proc *proc, const struct plan *plan, struct inst **actors,
                     struct proc_made *ret_made, struct err *err) {
    uint32_t count = 0;
    for (size_t i = 0; i < plan->actor_count; i++) {
        ret_made[i] = (struct proc_made){.in = NULL};
        count += !actors[i];
    }
    bool *is_own = mem_array(plan->actor_count + 1, sizeof *is_own);
    if (!is_own || actors_reserve(proc, count) < 0) {
        mem_free(is_own);
        return err_set(err, ERR_NOMEM, "%u actors", (unsigned)count);
    }
    pthread_mutex_lock(&proc->making);
    int status = make_all(proc, plan, actors, ret_made, is_own, err);
    if (status < 0) {
        unmake_all(proc, plan, actors, ret_made);
    }
    pthread_mutex_unlock(&proc->making);
    mem_free(is_own);
    return status;
}

void proc_unmake_actors(struct proc *proc, const struct plan *plan, struct inst **actors,
                        struct proc_made *made) {
    pthread_mutex_lock(&proc->making);
    unmake_all(proc, plan, actors, made);
    pthread_mutex_unlock(&proc->making);
}

void proc_show_actor(struct proc *proc, uint32_t number, struct inst *in,
                     const struct plan_actor *plan, struct inst *parent) {
    actors_add(proc, number, in, plan);
    actors_adopt(in, parent ? parent : proc->self);
    mbox_open(&in->mbox);
}

struct inst *proc_find_actor(struct proc *proc, const char *name) {
    struct inst *in = proc_find_named(proc, name);
    return in && inst_plan_index(in) != UINT32_MAX ? in : NULL;
}
