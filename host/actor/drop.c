/* Giving back the slots of actors that have closed and of which no plan says anything any more.
 *
 * Who had one in hand may have found it by its uid, by its name, by its number, as a child, or may hold a wire to it.
 * proc_drop makes it unfindable in each of these ways; of its mailbox there stays what a late sender needs to be
 * refused (MB-4), or to be told by the uid that it was meant for somebody else. What it has in memory goes when all
 * activations that ran then are over (visit.h), and nobody looks at it (L-2). */
#include <stdio.h>

#include "actor/gate.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "sched/visit.h"

/* Those that were dropped together. */
struct dropped {
    struct dropped *next;
    struct sched_visits *visits; /* owned */
    size_t count;
    struct inst *items[];
};

/* G-1; see sched_visit. */
static bool is_out(const void *local) {
    const struct runner *r = local;
    return atomic_load_explicit(&r->gate, memory_order_acquire) == GATE_PLUGIN;
}

bool proc_may_drop(struct proc *proc, uint32_t number) {
    const struct inst *in = proc_actor(proc, number);
    /* acquire: pairs with life_leave; what the home did with it is seen */
    bool is_left = in && atomic_load_explicit(&in->holders, memory_order_acquire) == 1;
    return is_left && mbox_is_closed(&in->mbox) && !mbox_has_waiters(&in->mbox);
}

static void forget_name(struct proc *proc, const struct inst *in) {
    pthread_mutex_lock(&proc->lock);
    if (map_find(&proc->names, in->more->name) == in) {
        (void)map_remove(&proc->names, in->more->name);
    }
    pthread_mutex_unlock(&proc->lock);
}

static void count_failures(struct proc *proc, const struct inst *in) {
    const struct inst_lives *lives = inst_has_lives(in);
    uint64_t failures =
        lives ? atomic_load_explicit(&lives->tally.failures, memory_order_relaxed) : 0;
    atomic_fetch_add_explicit(&proc->past_failures, failures, memory_order_relaxed);
}

static void drop_one(struct proc *proc, uint32_t number) {
    struct proc_actors *actors = atomic_load_explicit(&proc->actors, memory_order_relaxed);
    struct proc_actor *actor = &actors->items[number];
    struct inst *in = atomic_load_explicit(&actor->in, memory_order_relaxed);
    forget_name(proc, in);
    count_failures(proc, in);
    list_hide(&in->sibling);
    atomic_store_explicit(&actor->in, NULL, memory_order_seq_cst);
    actor->plan = NULL;
    in->spawned = true; /* the cell is used again */
    mbox_unbound(&in->mbox);
    inst_hide(in);
}

struct dropped *proc_make_dropped(const struct proc *proc) {
    struct dropped *dropped;
    return mem_alloc(sizeof *dropped + proc_actor_count(proc) * sizeof dropped->items[0]);
}

void proc_drop(struct proc *proc, struct dropped *dropped, const uint32_t *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        dropped->items[dropped->count++] = proc_actor(proc, numbers[i]);
        drop_one(proc, numbers[i]);
    }
    pthread_mutex_lock(&proc->making);
    dropped->next = proc->dropped;
    proc->dropped = dropped;
    pthread_mutex_unlock(&proc->making);
}

/* Begins by itself: there may have been no memory to visit anybody. */
static bool is_over(struct proc *proc, struct dropped *dropped) {
    if (!dropped->visits) {
        dropped->visits = sched_visit(proc->sched, is_out);
    }
    return dropped->visits && sched_visits_are_over(dropped->visits);
}

static void free_one(struct proc *proc, struct dropped *dropped) {
    for (size_t i = 0; i < dropped->count; i++) {
        struct inst *in = dropped->items[i];
        wiring_give_up_ports(proc, in->ports);
        in->ports = NULL;
        inst_unmake_hidden(&proc->outside, in);
    }
    sched_visits_destroy(dropped->visits);
    mem_free(dropped);
}

bool proc_free_dropped(struct proc *proc) {
    pthread_mutex_lock(&proc->making);
    for (struct dropped **at = &proc->dropped; *at;) {
        struct dropped *dropped = *at;
        if (is_over(proc, dropped)) {
            *at = dropped->next;
            free_one(proc, dropped);
        } else {
            at = &dropped->next;
        }
    }
    bool all = !proc->dropped;
    pthread_mutex_unlock(&proc->making);
    return all;
}

void dropped_free(struct proc *proc) {
    while (proc->dropped) {
        struct dropped *dropped = proc->dropped;
        proc->dropped = dropped->next;
        free_one(proc, dropped);
    }
}
