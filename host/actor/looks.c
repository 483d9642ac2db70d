/* Who looks at instances, and what was given up meanwhile. */
#include "actor/looks.h"

#include <stddef.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

void looks_init(struct looks *looks) {
    pthread_mutex_init(&looks->lock, NULL);
    list_init(&looks->lookers);
}

/* --- freeing --- */

static void free_left(struct proc *proc, struct looks_left left) {
    while (left.blocks) {
        struct looks_block *next = left.blocks->next;
        mem_free(left.blocks);
        left.blocks = next;
    }
    while (left.cells) {
        struct inst *next = left.cells->state;
        left.cells->state = NULL;
        inst_forget(left.cells);
        cell_give_to_all(proc, left.cells);
        left.cells = next;
    }
}

/* Mostly there is nothing, and a load costs less. What comes behind it is taken by the next. */
static struct looks_left take_all(struct looks *looks) {
    struct looks_left left = {NULL, NULL};
    if (atomic_load_explicit(&looks->blocks, memory_order_relaxed)) {
        /* acquire: pairs with the pushes */
        left.blocks = atomic_exchange_explicit(&looks->blocks, NULL, memory_order_acquire);
    }
    if (atomic_load_explicit(&looks->cells, memory_order_relaxed)) {
        left.cells = atomic_exchange_explicit(&looks->cells, NULL, memory_order_acquire);
    }
    return left;
}

static struct looks_left join(struct looks_left a, struct looks_left b) {
    struct looks_block **block = &a.blocks;
    while (*block) {
        block = &(*block)->next;
    }
    *block = b.blocks;
    struct inst *last = a.cells;
    while (last && last->state) {
        last = last->state;
    }
    *(last ? &last->state : (void **)&a.cells) = b.cells;
    return a;
}

void looks_fini(struct proc *proc) {
    struct looks *looks = &proc->looks;
    free_left(proc, take_all(looks));
    free_left(proc, looks->older);
    free_left(proc, looks->newer);
    pthread_mutex_destroy(&looks->lock);
}

/* --- looking --- */

void looks_begin(struct proc *proc, struct looker *looker) {
    struct looks *looks = &proc->looks;
    /* seq_cst: L-1, as all that is read afterwards to find something */
    atomic_fetch_add_explicit(&looks->present, 1, memory_order_seq_cst);
    pthread_mutex_lock(&looks->lock);
    looker->ticket = looks->tickets++;
    list_add_last(&looks->lookers, &looker->link);
    pthread_mutex_unlock(&looks->lock);
}

/* What nobody can have in hand any more. What was given up before now may be in the hands of those who
 * look now, not of those who come. */
static struct looks_left settle_locked(struct looks *looks) {
    struct looks_left freed = {NULL, NULL};
    uint64_t oldest = list_is_empty(&looks->lookers)
                          ? looks->tickets
                          : LIST_OF(looks->lookers.next, struct looker, link)->ticket;
    looks->newer = join(take_all(looks), looks->newer);
    if (oldest >= looks->older_ticket) {
        freed = looks->older;
        looks->older = looks->newer;
        looks->older_ticket = looks->tickets;
        looks->newer = (struct looks_left){NULL, NULL};
    }
    if (oldest >= looks->older_ticket) { /* nobody is left */
        freed = join(freed, looks->older);
        looks->older = (struct looks_left){NULL, NULL};
    }
    return freed;
}

void looks_end(struct proc *proc, struct looker *looker) {
    struct looks *looks = &proc->looks;
    pthread_mutex_lock(&looks->lock);
    list_remove(&looker->link);
    /* release: who finds nobody present comes after all that was read */
    atomic_fetch_sub_explicit(&looks->present, 1, memory_order_seq_cst);
    struct looks_left freed = settle_locked(looks);
    pthread_mutex_unlock(&looks->lock);
    free_left(proc, freed);
}

static bool is_there(struct inst *in) {
    /* acquire: pairs with the release in inst.c, and in mbox_open: who finds it open finds the rest */
    return atomic_load_explicit(&in->holders, memory_order_acquire) > 0 &&
           (inst_plan_index(in) != UINT32_MAX || !mbox_is_closed(&in->mbox));
}

struct inst *looks_find_any(struct proc *proc, uint64_t uid) {
    struct inst *in = cell_find(proc, uid);
    /* seq_cst: L-1 */
    return in && atomic_load_explicit(&in->uid, memory_order_seq_cst) == uid ? in : NULL;
}

struct inst *looks_find(struct proc *proc, uint64_t uid) {
    struct inst *in = cell_find(proc, uid);
    return in && is_there(in) ? looks_find_any(proc, uid) : NULL;
}

struct inst *looks_find_in(struct proc *proc, uint32_t cell, uint64_t *ret_uid) {
    struct inst *in = cell_at(proc, cell);
    *ret_uid = atomic_load_explicit(&in->uid, memory_order_seq_cst);
    return looks_find(proc, *ret_uid);
}

uint64_t looks_uid(const struct inst *in) {
    /* acquire: who sees the next uid sees that nobody holds it any more */
    uint64_t uid = atomic_load_explicit(&in->uid, memory_order_acquire);
    return atomic_load_explicit(&in->holders, memory_order_acquire) > 0 ? uid : 0;
}

/* --- giving up --- */

static bool is_looked_at(struct looks *looks) {
    /* seq_cst: L-1; pairs with looks_end as well */
    return atomic_load_explicit(&looks->present, memory_order_seq_cst) > 0;
}

void looks_give_up(struct proc *proc, struct looks_block *block) {
    struct looks *looks = &proc->looks;
    if (!block || !is_looked_at(looks)) {
        mem_free(block);
        return;
    }
    block->next = atomic_load_explicit(&looks->blocks, memory_order_relaxed);
    /* release: pairs with take_all */
    while (!atomic_compare_exchange_weak_explicit(&looks->blocks, &block->next, block,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

bool looks_are_taken(struct proc *proc) {
    /* acq_rel: with the same by looks_begin, who comes second sees what the other did before (L-1) */
    return atomic_fetch_add_explicit(&proc->looks.present, 0, memory_order_acq_rel) > 0;
}

void looks_keep(struct proc *proc, struct inst *in) {
    struct looks *looks = &proc->looks;
    struct inst *head = atomic_load_explicit(&looks->cells, memory_order_relaxed);
    do {
        in->state = head;
        /* release: pairs with take_all */
    } while (!atomic_compare_exchange_weak_explicit(&looks->cells, &head, in, memory_order_release,
                                                    memory_order_relaxed));
}

bool looks_keep_cell(struct proc *proc, struct inst *in) {
    if (!is_looked_at(&proc->looks)) {
        return false;
    }
    looks_keep(proc, in);
    return true;
}
