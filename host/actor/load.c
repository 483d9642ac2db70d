/* From a plan to instances, wires and types ready to run. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

_Static_assert((int)WIRE_BLOCK == (int)OVERFLOW_BLOCK && (int)WIRE_FAIL == (int)OVERFLOW_FAIL &&
                   (int)WIRE_DROP_NEWEST == (int)OVERFLOW_DROP_NEWEST &&
                   (int)WIRE_DROP_OLDEST == (int)OVERFLOW_DROP_OLDEST,
               "the manifest's words and the wires' are the same numbers");
_Static_assert((int)WIRE_DIRECT == (int)ROUTE_DIRECT && (int)WIRE_HASH == (int)ROUTE_HASH &&
                   (int)WIRE_ROUND_ROBIN == (int)ROUTE_ROUND_ROBIN &&
                   (int)WIRE_BROADCAST == (int)ROUTE_BROADCAST,
               "the manifest's words and the wires' are the same numbers");

static bool blocks_everywhere(const struct plan_actor *actor, const struct note_actor *note) {
    for (size_t i = 0; actor->row_overflow && i < note->row_count; i++) {
        if (actor->row_overflow[i] != OVERFLOW_BLOCK) {
            return false;
        }
    }
    return true;
}

/* By the rows' numbers: the code may be of another generation than the plan's (Y-1). -1: no memory. */
static int take_overflow(struct inst *in, const struct plan *plan, const struct plan_actor *actor) {
    const struct note_actor *note = actor->is_group ? NULL : plan->types[actor->type].note;
    if (!note || blocks_everywhere(actor, note)) {
        return 0;
    }
    enum overflow *all = mem_array(in->type->row_count, sizeof *all);
    for (size_t i = 0; all && i < note->row_count; i++) {
        uint16_t row = inst_type_row(in->type, troupe_str(note->rows[i].name));
        if (row != INST_NO_ROW) {
            all[row] = actor->row_overflow[i];
        }
    }
    if (!all) {
        return -1;
    }
    in->more->row_overflow = all;
    in->more->overflow_count = in->type->row_count;
    atomic_store_explicit(&in->proc->has_choosy, true, memory_order_relaxed);
    mbox_be_choosy(&in->mbox);
    return 0;
}

static bool has_ring(const struct inst *in, uint16_t row) {
    uint32_t kind = in->type->rows[row].kind;
    return in->more->row_overflow[row] == OVERFLOW_DROP_OLDEST &&
           (kind == TROUPE_ROW_in || kind == TROUPE_ROW_any || kind == TROUPE_ROW_call);
}

static int make_bounds(struct inst *in, uint64_t bytes) {
    struct mbox_bounds *bounds = &in->more->bounds;
    uint16_t count = 0;
    for (uint16_t i = 0; in->more->row_overflow && i < in->type->row_count; i++) {
        count = (uint16_t)(count + has_ring(in, i));
    }
    if (count == 0 && bytes == 0) {
        return 0;
    }
    bounds->bytes_max = bytes;
    bounds->rings = mem_array(count ? count : 1, sizeof *bounds->rings);
    if (!bounds->rings) {
        return -1;
    }
    for (uint16_t i = 0; bounds->ring_count < count; i++) {
        if (has_ring(in, i)) {
            mbox_ring_init(&bounds->rings[bounds->ring_count++], i, mbox_capacity(&in->mbox));
        }
    }
    mbox_bound(&in->mbox, bounds);
    return 0;
}

int actor_give_thread(struct proc *proc, struct inst *in, const struct plan_actor *actor,
                      struct err *err) {
    if (!actor->own_thread) {
        return 0;
    }
    char name[16]; /* what the kernel keeps of a thread's name */
    (void)snprintf(name, sizeof name, "%.15s", actor->name);
    struct sched_worker *worker;
    return sched_dedicate(proc->sched, name, &in->mbox.task, &worker, err) < 0
               ? err_wrap(err, "actor '%s'", actor->path)
               : 0;
}

/* Laid out as its code has it, which may be of another generation than the plan's. */
static int take_config(struct inst *in, const struct plan_actor *actor, struct err *err) {
    const struct note_config *note = in->type->config;
    struct config **ret = &in->more->config;
    if (!note || !actor->config) {
        return 0;
    }
    if (!config_is_same_schema(note, actor->config->note)) {
        return plan_actor_config(actor, note, ret, err);
    }
    *ret = config_ref(actor->config);
    return 0;
}

/* -1: no memory. */
static int equip(struct inst *in, const struct plan_actor *actor) {
    const struct checkpoint_policy *policy = &actor->spec->checkpoint;
    in->more->name = mem_text(actor->name);
    in->pid = actor->pid;
    in->checkpoints = (policy->messages || policy->time_ns) && !actor->is_group &&
                      in->type->save != INST_NO_ROW && in->type->load != INST_NO_ROW;
    return in->more->name ? 0 : -1;
}

struct inst *actor_make(struct proc *proc, const struct plan *plan, const struct plan_actor *actor,
                        struct sched_worker *home, struct err *err) {
    const struct inst_type *type =
        actor->is_group ? &type_group : proc_find_type(proc, plan->types[actor->type].note->id);
    if (!type) {
        err_set(err, ERR_NOT_FOUND, "actor '%s': its type was not loaded", actor->path);
        return NULL;
    }
    const struct mailbox_policy *policy = &actor->spec->mailbox;
    uint32_t capacity = actor->is_group ? HOST_CAPACITY : policy->capacity;
    struct inst *in = inst_make_shut(&proc->outside, proc, type, capacity, home);
    if (!in || !inst_more(in)) {
        err_set(err, ERR_NOMEM, "actor '%s'", actor->path);
    } else if (take_config(in, actor, err) == 0) {
        if (equip(in, actor) == 0 && take_overflow(in, plan, actor) == 0 &&
            make_bounds(in, policy->bytes) == 0) {
            return in;
        }
        err_set(err, ERR_NOMEM, "actor '%s'", actor->path);
    }
    if (in) {
        inst_unmake(&proc->outside, in);
    }
    return NULL;
}

/* Into the tree: roots under the proc, members under their group. */
void actors_adopt(struct inst *in, struct inst *above) {
    atomic_store_explicit(&in->parent, above, memory_order_relaxed);
    list_show_last(&above->more->children, &in->sibling);
    _Atomic uint64_t *next_pid = &inst_root(in)->more->next_pid;
    if (in->pid >= atomic_load_explicit(next_pid, memory_order_relaxed)) {
        atomic_store_explicit(next_pid, in->pid + 1, memory_order_relaxed);
    }
}

int actors_reserve(struct proc *proc, uint32_t more) {
    struct proc_actors *before = atomic_load_explicit(&proc->actors, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&proc->actor_count, memory_order_relaxed);
    uint32_t room = before ? before->room : 0;
    if (count + more <= room && before) {
        return 0;
    }
    room = count + more > 2 * room ? count + more : 2 * room;
    struct proc_actors *actors = mem_alloc(sizeof *actors + room * sizeof *actors->items);
    if (!actors) {
        return -1;
    }
    actors->before = before;
    actors->room = room;
    if (before) {
        memcpy(actors->items, before->items, count * sizeof *actors->items);
    }
    /* release: who finds it finds what is in it */
    atomic_store_explicit(&proc->actors, actors, memory_order_release);
    return 0;
}

void proc_show_policies(struct proc *proc, uint32_t number, const struct plan_actor *plan) {
    struct proc_actors *actors = atomic_load_explicit(&proc->actors, memory_order_relaxed);
    const struct manifest_actor *spec = plan->spec;
    struct actor_policy *p = &actors->items[number].policy;
    actors->items[number].plan = plan;
    atomic_store_explicit(&p->memory, spec->memory, memory_order_relaxed);
    atomic_store_explicit(&p->stuck_after_ns, spec->stuck_after_ns, memory_order_relaxed);
    atomic_store_explicit(&p->checkpoint_ns, spec->checkpoint.time_ns, memory_order_relaxed);
    atomic_store_explicit(&p->checkpoint_messages, spec->checkpoint.messages, memory_order_relaxed);
    atomic_store_explicit(&p->quarantine_after, spec->quarantine_after, memory_order_relaxed);
    atomic_store_explicit(&p->on_stuck, (uint8_t)spec->on_stuck, memory_order_relaxed);
    atomic_store_explicit(&p->on_fault, (uint8_t)spec->on_fault, memory_order_relaxed);
}

void actors_add(struct proc *proc, uint32_t number, struct inst *in,
                const struct plan_actor *plan) {
    struct proc_actors *actors = atomic_load_explicit(&proc->actors, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&proc->actor_count, memory_order_relaxed);
    assert(number <= count);
    proc_show_policies(proc, number, plan);
    /* release: pairs with proc_actor */
    atomic_store_explicit(&actors->items[number].in, in, memory_order_release);
    atomic_store_explicit(&in->plan_index, number, memory_order_relaxed);
    if (number == count) {
        atomic_store_explicit(&proc->actor_count, count + 1,
                              memory_order_release); /* see proc_actor_of */
    }
}

static int make_actors(struct proc *proc, struct err *err) {
    if (actors_reserve(proc, (uint32_t)proc->plan->actor_count) < 0) {
        return err_set(err, ERR_NOMEM, "%zu actors", proc->plan->actor_count);
    }
    for (uint32_t i = 0; i < proc->plan->actor_count; i++) {
        const struct plan_actor *actor = &proc->plan->actors[i];
        /* Groups that the wires show to be independent start apart; what talks starts together. */
        struct sched_worker *home = sched_worker_at(proc->sched, actor->component);
        struct inst *in = actor_make(proc, proc->plan, actor, home, err);
        if (!in) {
            return -1;
        }
        mbox_open(&in->mbox);
        actors_add(proc, i, in, actor);
        actors_adopt(in, actor->parent == PLAN_NONE ? proc->self : proc_actor(proc, actor->parent));
        if (map_set(&proc->names, actor->name, in) < 0) {
            return err_set(err, ERR_NOMEM, "actor '%s'", actor->path);
        }
        if (actor_give_thread(proc, in, actor, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int actors_wire(const struct plan *plan, struct inst *const *actors, const bool *is_own,
                struct err *err) {
    struct wiring wiring;
    int status = wiring_init(&wiring, plan, actors);
    for (uint32_t i = 0; i < plan->actor_count && status == 0; i++) {
        if (!is_own || is_own[i]) {
            status = wiring_make_ports(&wiring, i, &actors[i]->ports);
        }
    }
    wiring_fini(&wiring);
    return status < 0 ? err_set(err, ERR_NOMEM, "%zu wires", plan->wire_count) : 0;
}

/* One whose number is set stays as it is until the activation ends, or longer, so that it is safe to look at. */
struct inst *proc_planned(struct proc *proc, uint64_t uid) {
    struct inst *in = cell_find(proc, uid);
    return in && inst_plan_index(in) != UINT32_MAX && inst_uid(in) == uid ? in : NULL;
}

static int wire_all(struct proc *proc, struct err *err) {
    uint32_t count = proc_actor_count(proc);
    struct inst **actors = mem_array((size_t)count + 1, sizeof *actors);
    for (uint32_t i = 0; actors && i < count; i++) {
        actors[i] = proc_actor(proc, i);
    }
    int status = actors ? actors_wire(proc->plan, actors, NULL, err)
                        : err_set(err, ERR_NOMEM, "%zu wires", proc->plan->wire_count);
    mem_free((void *)actors);
    return status;
}

int proc_load(struct proc *proc, const struct plan *plan, struct err *err) {
    assert(!proc->plan);
    proc->plan = plan;
    if (make_actors(proc, err) < 0) {
        return -1;
    }
    return wire_all(proc, err);
}

/* What is left of an instance when the proc goes: one that ended needs only its slot freed. */
static void discard(struct proc *proc, struct inst *in) {
    if (!mbox_is_closed(&in->mbox)) {
        inst_timers_end(in);
        inst_watches_end(in);
        if (inst_has_calls(in)) {
            (void)timers_stop(&proc->timers, &in->more->calls->timer);
        }
        if (in->more && in->more->rest) {
            outbox_discard(&proc->outside, in, in->more->rest);
        }
        msg_free_chain(proc->outside.pool, mbox_close(&in->mbox));
    }
    inst_unmake(&proc->outside, in);
}

/* Spawned, but not committed: the outbox that holds it frees it. */
static bool is_held_back(const struct inst *in) {
    return in->spawned && in->phase != PHASE_CLOSED && mbox_is_closed(&in->mbox);
}

void proc_unload(struct proc *proc) {
    dropped_free(proc);
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        struct inst *in = cell_at(proc, i);
        /* one that was never used has no proc; one that was given back has no holder */
        bool is_used = in->proc && (!in->spawned || atomic_load(&in->holders) > 0);
        if (is_used && !is_held_back(in)) {
            discard(proc, in);
        }
    }
    types_free(proc);
    while (proc->actors) {
        struct proc_actors *actors = proc->actors;
        proc->actors = actors->before;
        mem_free(actors);
    }
    proc->actor_count = 0;
}

static void each_below(struct inst *in, void (*each)(void *context, struct inst *in),
                       void *context) {
    if (!in->more) {
        return;
    }
    LIST_EACH (link, &in->more->children) {
        struct inst *child = LIST_OF(link, struct inst, sibling);
        each(context, child);
        each_below(child, each, context);
    }
}

void proc_each(struct proc *proc, void (*each)(void *context, struct inst *in), void *context) {
    each_below(proc->self, each, context);
}
