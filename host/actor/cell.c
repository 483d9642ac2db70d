/* Cells: the memory of instances, never given back while the proc lives, so that a uid can be looked
 * up without a lock. A uid is the cell's number and how often it was used. */
#include <stddef.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

#define INDEX_BITS 28
#define INDEX_MASK ((1ull << INDEX_BITS) - 1)
#define USE_ONE (1ull << INDEX_BITS)

static struct inst *push(struct inst *list, struct inst *in) {
    in->sibling.next = list ? &list->sibling : NULL;
    return in;
}

static struct inst *pop(struct inst **list) {
    struct inst *in = *list;
    *list = in->sibling.next ? LIST_OF(in->sibling.next, struct inst, sibling) : NULL;
    return in;
}

/* A new slab's cells go into the runner's list. */
static int add_slab(struct runner *r, struct proc *proc) {
    struct inst *slab = mem_aligned(64, CELLS_PER_SLAB * sizeof *slab);
    if (!slab) {
        return -1;
    }
    pthread_mutex_lock(&proc->lock);
    if (proc->slab_count == SLAB_TABLE) {
        pthread_mutex_unlock(&proc->lock);
        mem_free(slab);
        return -1;
    }
    uint32_t number = proc->slab_count++;
    for (uint32_t i = CELLS_PER_SLAB; i-- > 0;) {
        uint64_t index = (uint64_t)number * CELLS_PER_SLAB + i + 1;
        atomic_store_explicit(&slab[i].uid, index, memory_order_relaxed);
        r->free_cells = push(r->free_cells, &slab[i]);
    }
    /* release: who reads the table finds initialised cells */
    atomic_store_explicit(&proc->slabs[number], slab, memory_order_release);
    pthread_mutex_unlock(&proc->lock);
    return 0;
}

static bool refill(struct runner *r, struct proc *proc) {
    pthread_mutex_lock(&proc->lock);
    r->free_cells = proc->free_cells;
    proc->free_cells = NULL;
    pthread_mutex_unlock(&proc->lock);
    return r->free_cells || add_slab(r, proc) == 0;
}

struct inst *cell_take(struct runner *r, struct proc *proc) {
    if (!r->free_cells && !refill(r, proc)) {
        return NULL;
    }
    return pop(&r->free_cells);
}

void cell_give_back(struct runner *r, struct inst *in) {
    r->free_cells = push(r->free_cells, in);
}

struct inst *cell_find(struct proc *proc, uint64_t uid) {
    uint64_t index = (uid & INDEX_MASK) - 1;
    uint64_t number = index / CELLS_PER_SLAB;
    if (uid == 0 || number >= SLAB_TABLE) {
        return NULL;
    }
    struct inst *slab = atomic_load_explicit(&proc->slabs[number], memory_order_acquire);
    if (!slab) {
        return NULL;
    }
    struct inst *in = &slab[index % CELLS_PER_SLAB];
    return atomic_load_explicit(&in->uid, memory_order_acquire) == uid ? in : NULL;
}
