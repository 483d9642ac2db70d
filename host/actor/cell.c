/* Cells: the memory of instances, never given back while the proc lives, so that a uid can be looked
 * up without a lock. A uid is the cell's number, from 1, and how often it was used.
 *
 * Slabs of cells double in size, so that a small proc is small and a large one has few, up to SLAB_MOST,
 * so that no more memory is asked for at once than a page table likes. They are handed out by the run:
 * what workers give back goes to those who need some, also when children are made here and end there. */
#include <stddef.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/hot.h"

#define SLAB_FIRST_BITS 6u /* cells of the first slab: one run */
#define SLAB_MOST_BITS 14u
#define SLAB_DOUBLINGS (SLAB_MOST_BITS - SLAB_FIRST_BITS)
#define RUN (1u << SLAB_FIRST_BITS)
#define SLAB_TABLE (SLAB_DOUBLINGS + (CELLS_MOST >> SLAB_MOST_BITS) + 1)

struct cell_slab {
    void *memory; /* of which this is the aligned part; owned */
    _Alignas(64) struct inst cells[];
};

struct place {
    uint32_t slab, at;
};

/* With a run in front, which is not there, slab s begins at 2^s runs as long as they double. */
static struct place place_of(uint32_t index) {
    uint32_t shifted = index + RUN;
    if (shifted >> (SLAB_MOST_BITS + 1) == 0) {
        /* written so that each half is one instruction */
        uint32_t bits = 31 ^ (uint32_t)__builtin_clz(shifted);
        return (struct place){bits - SLAB_FIRST_BITS, shifted & ~(1u << bits)};
    }
    return (struct place){SLAB_DOUBLINGS - 1 + (shifted >> SLAB_MOST_BITS),
                          shifted & ((1u << SLAB_MOST_BITS) - 1)};
}

static uint32_t slab_size(uint32_t number) {
    return 1u << (SLAB_FIRST_BITS + (number < SLAB_DOUBLINGS ? number : SLAB_DOUBLINGS));
}

int cells_init(struct proc *proc) {
    proc->slabs = mem_array(SLAB_TABLE, sizeof *proc->slabs); /* touched as far as needed only */
    return proc->slabs ? 0 : -1;
}

void cells_fini(struct proc *proc) {
    for (uint32_t i = 0; proc->slabs && i < SLAB_TABLE; i++) {
        struct cell_slab *slab = atomic_load_explicit(&proc->slabs[i], memory_order_relaxed);
        if (!slab) {
            break;
        }
        mem_free(slab->memory);
    }
    mem_free(proc->slabs);
}

uint32_t cell_count(struct proc *proc) {
    return atomic_load_explicit(&proc->cell_count, memory_order_acquire);
}

struct inst *cell_at(struct proc *proc, uint32_t index) {
    struct place place = place_of(index);
    /* relaxed: who got the count sees the slabs */
    return &atomic_load_explicit(&proc->slabs[place.slab], memory_order_relaxed)->cells[place.at];
}

static struct inst *push(struct inst *list, struct inst *in) {
    in->sibling.next = list ? &list->sibling : NULL;
    return in;
}

static struct inst *after(const struct inst *in) {
    return in->sibling.next ? LIST_OF(in->sibling.next, struct inst, sibling) : NULL;
}

/* A large one is for so many actors that more are likely to come: it gets large pages, which must lie in it
 * whole. */
#define LARGE_PAGE ((size_t)1 << 21)

/* Not zeroed by us: pages that the kernel has just zeroed are not touched before they are used. */
static struct cell_slab *make_slab(uint32_t number) {
    bool is_large = number > SLAB_DOUBLINGS;
    size_t align = is_large ? LARGE_PAGE : _Alignof(struct cell_slab);
    size_t size = sizeof(struct cell_slab) + slab_size(number) * sizeof(struct inst);
    char *memory = mem_alloc(size + align);
    if (!memory) {
        return NULL;
    }
    size_t over = (uintptr_t)memory & (align - 1);
    struct cell_slab *slab = (struct cell_slab *)(void *)(memory + (over ? align - over : 0));
    if (is_large) {
        mem_use_large_pages(slab, size);
    }
    slab->memory = memory;
    return slab;
}

/* Cells that were never used. A slab holds whole runs. */
static struct inst *carve_locked(struct proc *proc) {
    uint32_t first = atomic_load_explicit(&proc->cell_count, memory_order_relaxed);
    struct place place = place_of(first);
    if (first >= CELLS_MOST) {
        return NULL;
    }
    struct cell_slab *slab = atomic_load_explicit(&proc->slabs[place.slab], memory_order_relaxed);
    if (!slab) {
        slab = make_slab(place.slab);
        if (!slab) {
            return NULL;
        }
        /* release: who reads the table finds zeroed cells, or such with a uid */
        atomic_store_explicit(&proc->slabs[place.slab], slab, memory_order_release);
    }
    struct inst *list = NULL;
    for (uint32_t i = RUN; i-- > 0;) {
        struct inst *in = &slab->cells[place.at + i];
        atomic_store_explicit(&in->uid, (uint64_t)first + i + 1, memory_order_relaxed);
        list = push(list, in);
    }
    /* release: pairs with cell_count */
    atomic_store_explicit(&proc->cell_count, first + RUN, memory_order_release);
    return list;
}

static bool refill(struct runner *r, struct proc *proc) {
    pthread_mutex_lock(&proc->lock);
    struct inst *run = proc->free_runs;
    if (run) {
        proc->free_runs = (struct inst *)(void *)run->sibling.prev;
    } else {
        run = carve_locked(proc);
    }
    pthread_mutex_unlock(&proc->lock);
    r->free_cells = run;
    r->free_cell_count = 0;
    for (; run; run = after(run)) {
        r->free_cell_count++;
    }
    return r->free_cells != NULL;
}

struct inst *cell_take(struct runner *r, struct proc *proc) {
    if (!r->free_cells && !refill(r, proc)) {
        return NULL;
    }
    struct inst *in = r->free_cells;
    r->free_cells = after(in);
    r->free_cell_count--;
    return in;
}

static void push_run_locked(struct proc *proc, struct inst *run) {
    run->sibling.prev = (struct list *)(void *)proc->free_runs;
    proc->free_runs = run;
}

void cells_give_run_locked(struct runner *r, struct inst *run) {
    if (run) {
        push_run_locked(r->proc, run);
    }
}

/* Keeps those that were used last. */
static void give_some(struct runner *r) {
    struct inst *last = r->free_cells;
    for (uint32_t i = 1; i < RUN; i++) {
        last = after(last);
    }
    struct inst *run = after(last);
    last->sibling.next = NULL;
    r->free_cell_count = RUN;
    pthread_mutex_lock(&r->proc->lock);
    cells_give_run_locked(r, run);
    pthread_mutex_unlock(&r->proc->lock);
}

void cell_give_back(struct runner *r, struct inst *in) {
    r->free_cells = push(r->free_cells, in);
    if (++r->free_cell_count >= 2 * RUN) {
        give_some(r);
    }
}

/* So many leave together. */
#define LEAVING 32u

__attribute__((noinline)) void cells_leave_now(struct runner *r) {
    bool looked_at = r->leaving && looks_are_taken(r->proc);
    while (r->leaving) {
        struct inst *in = r->leaving;
        r->leaving = in->state;
        in->state = NULL;
        if (looked_at) {
            looks_keep(r->proc, in);
        } else {
            cell_give_back(r, in);
        }
    }
    r->leaving_count = 0;
}

void cell_leave(struct runner *r, struct inst *in) {
    in->state = r->leaving;
    r->leaving = in;
    if (++r->leaving_count == LEAVING) {
        cells_leave_now(r);
    }
}

void cell_give_to_all(struct proc *proc, struct inst *in) {
    in->sibling.next = NULL;
    pthread_mutex_lock(&proc->lock);
    push_run_locked(proc, in);
    pthread_mutex_unlock(&proc->lock);
}

HOT struct inst *cell_find(struct proc *proc, uint64_t uid) {
    uint64_t index = cell_number(uid);
    if (index >= CELLS_MOST) { /* 0 - 1, too */
        return NULL;
    }
    struct place place = place_of((uint32_t)index);
    struct cell_slab *slab = atomic_load_explicit(&proc->slabs[place.slab], memory_order_acquire);
    if (!slab) {
        return NULL;
    }
    struct inst *in = &slab->cells[place.at];
    return atomic_load_explicit(&in->uid, memory_order_acquire) == uid ? in : NULL;
}
