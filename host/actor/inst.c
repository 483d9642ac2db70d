/* Making and unmaking instances; what anyone may ask of one. */
#include "actor/inst.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/text.h"

static const struct task_ops inst_ops = {.run = inst_run, .arrived = inst_arrived};

static const struct {
    const char *text;
    unsigned to;
} statuses[] = {
#define INST_STATUS_ROW(name, text, to) [INST_##name] = {text, to},
    INST_STATUSES(INST_STATUS_ROW)
#undef INST_STATUS_ROW
};

const char *inst_status_text(enum inst_status status) {
    return statuses[status].text;
}

enum inst_status inst_status(const struct inst *in) {
    /* acquire: pairs with the release in inst_move(); who sees FAILED also sees the reason */
    return doing_status(atomic_load_explicit(&in->doing, memory_order_acquire));
}

void inst_move(struct inst *in, enum inst_status to) {
    enum inst_status from = inst_status(in);
    assert(statuses[from].to & (1u << to));
    (void)from;
    uint32_t doing = inst_doing(in) & ~DOING_STATUS;
    atomic_store_explicit(&in->doing, doing | doing_for(to), memory_order_release);
}

#define INCARNATION_BEGINS (1u << 31)

void inst_begin(struct inst *in) {
    uint32_t incarnation = inst_incarnation(in) + 1;
    atomic_store_explicit(&in->incarnation, incarnation | INCARNATION_BEGINS, memory_order_relaxed);
    /* release: who sees `created` again sees which life it is of; so the next one, pairs with inst_life */
    uint32_t doing = inst_doing(in) & ~DOING_STATUS;
    atomic_store_explicit(&in->doing, doing | INST_CREATED, memory_order_release);
    atomic_store_explicit(&in->incarnation, incarnation, memory_order_release);
}

void inst_begin_unseen(struct inst *in) {
    /* relaxed: mbox_open makes it known, with all that stands in it. Not quiet: it is to start. */
    atomic_store_explicit(&in->incarnation, 1, memory_order_relaxed);
    atomic_store_explicit(&in->doing, INST_IDLE | DOING_RUNS, memory_order_relaxed);
}

enum inst_status inst_life(const struct inst *in, uint32_t *ret_incarnation) {
    uint32_t before;
    uint32_t after = atomic_load_explicit(&in->incarnation, memory_order_acquire);
    enum inst_status status;
    do {
        before = after;
        status = inst_status(in);
        after = atomic_load_explicit(&in->incarnation, memory_order_acquire);
    } while (before != after);
    *ret_incarnation = after & ~INCARNATION_BEGINS;
    return after & INCARNATION_BEGINS ? INST_CREATED : status;
}

static uint64_t memory_cap(const struct inst *in) {
    const struct actor_policy *policy = proc_policy_of(in->proc, in);
    return policy ? atomic_load_explicit(&policy->memory, memory_order_relaxed) : 0;
}

struct inst_more *inst_more(struct inst *in) {
    if (!in->more) {
        struct inst_more *more = mem_alloc(sizeof *more);
        if (!more) {
            return NULL;
        }
        list_init(&more->children);
        more->pauser.self = &in->mbox;
        atomic_store_explicit(&more->next_pid, 1, memory_order_relaxed);
        __atomic_store_n(&in->more, more, __ATOMIC_RELEASE); /* pairs with inst_seen */
    }
    return in->more;
}

struct inst_memory *inst_memory(struct inst *in) {
    struct inst_more *more = inst_more(in);
    if (more && !more->memory) {
        more->memory = mem_alloc(sizeof *more->memory);
        if (more->memory) {
            heap_init(&more->memory->heap, memory_cap(in));
            heap_init(&more->memory->kept_heap, memory_cap(in));
            list_init(&more->memory->kept);
        }
    }
    return more ? more->memory : NULL;
}

struct inst_calls *inst_calls(struct inst *in) {
    struct inst_more *more = inst_more(in);
    if (more && !more->calls) {
        more->calls = mem_alloc(sizeof *more->calls);
        if (more->calls) {
            more->calls->self = in;
            more->calls->earliest_ns = UINT64_MAX;
        }
    }
    return more ? more->calls : NULL;
}

struct inst_lives *inst_lives(struct inst *in) {
    struct inst_more *more = inst_more(in);
    if (more && !more->lives) {
        more->lives = mem_alloc(sizeof *more->lives);
    }
    return more ? more->lives : NULL;
}

struct inst *inst_root(const struct inst *in) {
    const struct inst *parent = inst_parent(in);
    while (parent && parent != in->proc->self) {
        in = parent;
        parent = inst_parent(in);
    }
    return (struct inst *)(uintptr_t)in;
}

/* A cell's parts that other threads may look at are set by atomic stores only: a sender that found
 * the previous owner may still be looking. */
static void reset(struct inst *in, struct proc *proc, const struct inst_type *type) {
    atomic_store_explicit(&in->processed, 0, memory_order_relaxed);
    atomic_store_explicit(&in->signals, 0, memory_order_relaxed);
    atomic_store_explicit(&in->since_ns, 0, memory_order_relaxed);
    __atomic_store_n(&in->type, type, __ATOMIC_RELEASE);
    in->ports = NULL;
    in->state = NULL;
    __atomic_store_n(&in->more, NULL, __ATOMIC_RELAXED);
    in->flight = NULL;
    in->unease = 0;
    in->phase = PHASE_DOWN;
    in->reason = REASON_NONE;
    in->inputs_ended = in->children_draining = in->failed = false;
    in->aborted = in->quiet = in->cleanup_ok = in->watched = in->alive_by_timers = false;
    in->spawned = in->told = in->checkpoints = in->is_calling = in->timed = in->is_late = false;
    in->child_row = INST_NO_ROW;
    in->proc = proc;
    atomic_store_explicit(&in->parent, NULL, memory_order_relaxed);
    in->pid = 0;
    atomic_store_explicit(&in->plan_index, INST_UNPLANNED, memory_order_relaxed);
    atomic_store_explicit(&in->incarnation, 0, memory_order_relaxed);
    list_init(&in->sibling);
    atomic_store_explicit(&in->created_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&in->busy_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&in->doing, INST_CREATED, memory_order_release);
    /* release: pairs with looks.c; who finds it held finds it shut, as long as it is */
    atomic_store_explicit(&in->holders, 2, memory_order_release);
}

static void count_instances(struct runner *r, int64_t change) {
    int64_t instances = atomic_load_explicit(&r->instances, memory_order_relaxed);
    atomic_store_explicit(&r->instances, instances + change, memory_order_relaxed);
}

struct inst *inst_make_shut(struct runner *r, struct proc *proc, const struct inst_type *type,
                            uint32_t capacity, struct sched_worker *home) {
    struct inst *in = cell_take(r, proc);
    if (!in) {
        return NULL;
    }
    if (in->mbox.task.ops) {
        mbox_renew(&in->mbox, home, capacity);
    } else {
        mbox_init_shut(&in->mbox, &inst_ops, home, capacity);
    }
    reset(in, proc, type);
    count_instances(r, 1);
    return in;
}

struct inst *inst_make(struct runner *r, struct proc *proc, const struct inst_type *type,
                       uint32_t capacity, struct sched_worker *home) {
    struct inst *in = inst_make_shut(r, proc, type, capacity, home);
    if (in) {
        mbox_open(&in->mbox);
    }
    return in;
}

void inst_settle_port(struct inst *in, uint16_t row) {
    const struct inst_row *of = &in->type->rows[row];
    port_settle(&in->ports[row], of->kind == TROUPE_ROW_out ? of->type : NULL);
}

static void lives_free(struct inst_lives *lives) {
    if (lives) {
        failure_destroy(lives->failure);
        mem_free((void *)(uintptr_t)lives->saved);
    }
    mem_free(lives);
}

static void calls_free(struct inst_calls *calls) {
    if (calls) {
        mem_free(calls->calls);
        mem_free(calls->requests);
    }
    mem_free(calls);
}

void inst_memory_end(struct pool *pool, struct inst_memory *memory) {
    if (!memory) {
        return;
    }
    while (!list_is_empty(&memory->kept)) {
        struct kept *kept = LIST_OF(memory->kept.next, struct kept, link);
        list_remove(&kept->link);
        msg_release(pool, kept->origin);
    }
    heap_fini(&memory->heap);
    heap_fini(&memory->kept_heap);
    owned_fds_end(&memory->fds);
}

static void bounds_free(struct inst *in) {
    struct mbox_bounds *bounds = &in->more->bounds;
    in->mbox.bounds = NULL;
    for (uint16_t i = 0; i < bounds->ring_count; i++) {
        mbox_ring_fini(&bounds->rings[i]);
    }
    mem_free(bounds->rings);
}

/* All but what lookers read. */
static void more_end(struct runner *r, struct inst *in) {
    struct inst_more *more = in->more;
    lives_free(more->lives);
    calls_free(more->calls);
    inst_memory_end(r->pool, more->memory);
    mem_free(more->memory);
    if (more->rest) {
        outbox_fini(more->rest);
    }
    mem_free(more->rest);
    mem_free(atomic_load_explicit(&more->fail_with, memory_order_relaxed));
    config_unref(more->config);
    config_unref(atomic_load_explicit(&more->next_config, memory_order_relaxed));
    swap_put_config(in, NULL);
}

void inst_forget(struct inst *in) {
    struct inst_more *more = in->more;
    if (more) {
        bounds_free(in);
        struct published *at = atomic_load_explicit(&more->attributes, memory_order_relaxed);
        while (at) {
            struct published *next = atomic_load_explicit(&at->next, memory_order_relaxed);
            mem_free(at);
            at = next;
        }
        mem_free(atomic_load_explicit(&more->past, memory_order_relaxed));
        mem_free((void *)(uintptr_t)more->name);
        mem_free((void *)(uintptr_t)more->row_overflow);
        snapshot_family_unref(&in->proc->snapshots,
                              atomic_load_explicit(&more->family, memory_order_relaxed));
        mem_free(more);
        __atomic_store_n(&in->more, NULL, __ATOMIC_RELAXED);
    }
    if (in->flight) {
        flight_destroy(in->flight);
        in->flight = NULL;
    }
}

struct port *ports_make(uint16_t row_count) {
    struct port_block *block =
        mem_aligned(_Alignof(struct port_block), sizeof *block + row_count * sizeof(struct port));
    if (block) {
        block->count = row_count;
    }
    return block ? block->ports : NULL;
}

int inst_widen_ports(struct inst *in, uint16_t row_count) {
    struct port_block *before = in->ports ? port_block_of(in->ports) : NULL;
    if (!before || before->count >= row_count) {
        return 0;
    }
    struct port *made = ports_make(row_count);
    if (!made) {
        return -1;
    }
    port_block_of(made)->wires = before->wires; /* what waits for room knows them */
    memcpy(made, before->ports, before->count * sizeof *made);
    /* seq_cst: L-1 */
    __atomic_store_n(&in->ports, made, __ATOMIC_SEQ_CST);
    looks_give_up(in->proc, &before->block);
    return 0;
}

/* In a uid: the next use of the cell. */
#define NEXT_UID (1ull << 28)

void inst_unmake_bare(struct runner *r, struct inst *in) {
    atomic_store_explicit(&in->holders, 0, memory_order_relaxed);
    /* release: as in inst_unmake; for L-1 see cell_leave */
    atomic_store_explicit(&in->uid, inst_uid(in) + NEXT_UID, memory_order_release);
    count_instances(r, -1);
    cell_leave(r, in);
}

void inst_hide(struct inst *in) {
    atomic_store_explicit(&in->holders, 0, memory_order_relaxed); /* one that never started */
    /* The next owner has another uid (AI-3); release: pairs with cell_find, seq_cst: L-1. */
    atomic_fetch_add_explicit(&in->uid, NEXT_UID, memory_order_seq_cst);
}

/* Not inlined, as most are bare. */
__attribute__((noinline)) void inst_unmake(struct runner *r, struct inst *in) {
    inst_hide(in);
    inst_unmake_hidden(r, in);
}

void inst_unmake_hidden(struct runner *r, struct inst *in) {
    if (in->more) {
        more_end(r, in);
    }
    wiring_drop_ports(in->ports);
    in->ports = NULL;
    mem_free(in->state);
    in->state = NULL;
    count_instances(r, -1);
    if (!in->spawned || !looks_keep_cell(in->proc, in)) {
        inst_forget(in);
        if (in->spawned) {
            cell_give_back(r, in);
        }
    }
}

uint64_t inst_uid(const struct inst *in) {
    return atomic_load_explicit(&in->uid, memory_order_relaxed);
}

const struct inst_type *inst_type(const struct inst *in) {
    /* acquire: pairs with swap.c, where the home worker may change it */
    return __atomic_load_n(&in->type, __ATOMIC_ACQUIRE);
}

uint64_t inst_since_ns(const struct inst *in) {
    return atomic_load_explicit(&in->since_ns, memory_order_relaxed);
}

uint32_t inst_plan_index(const struct inst *in) {
    uint32_t index = atomic_load_explicit(&in->plan_index, memory_order_relaxed) & ~INST_IS_HELD;
    return index == INST_UNPLANNED ? UINT32_MAX : index;
}

/* The name that stands in the id: an anonymous child shows its parent's. */
static struct inst_more *find_named(const struct inst *in) {
    for (; in; in = inst_parent(in)) {
        struct inst_more *more = inst_seen(in);
        if (more && more->name) {
            return more;
        }
    }
    return NULL;
}

const char *inst_shown_name(const struct inst *in) {
    const struct inst_more *named = find_named(in);
    return named ? named->name : "";
}

static struct snapshot_family *make_family(struct proc *proc, struct inst_more *named) {
    struct str text;
    str_init(&text);
    str_addf(&text, "%s/%s", proc->name, named->name);
    struct snapshot_family *made = text.failed ? NULL : snapshot_family_create(str_text(&text));
    struct snapshot_family *first = NULL;
    /* release: pairs with inst_family; acquire: that of who was first */
    if (made && !atomic_compare_exchange_strong_explicit(
                    &named->family, &first, made, memory_order_acq_rel, memory_order_acquire)) {
        snapshot_family_unref(&proc->snapshots, made);
        made = first;
    }
    str_fini(&text);
    return made;
}

struct snapshot_family *inst_family(const struct inst *in) {
    struct inst_more *named = find_named(inst_parent(in));
    /* acquire: pairs with make_family */
    struct snapshot_family *family =
        named ? atomic_load_explicit(&named->family, memory_order_acquire) : NULL;
    return family || !named ? family : make_family(in->proc, named);
}

uint64_t inst_name(const struct inst *in, char *ret, uint64_t size) {
    const struct inst_more *named = find_named(in);
    /* acquire: pairs with make_family */
    const struct snapshot_family *family =
        named ? atomic_load_explicit(&named->family, memory_order_acquire) : NULL;
    struct text text = text_begin(ret, size);
    if (family) {
        text_add_n(&text, family->text, family->size);
    } else {
        text_add(&text, in->proc->name);
        text_add_char(&text, '/');
        text_add(&text, named ? named->name : "");
    }
    text_add_char(&text, '[');
    text_add_number(&text, in->pid);
    text_add_char(&text, ']');
    return text_end(&text, ret);
}

uint32_t inst_depth(const struct inst *in) {
    return mbox_depth(&in->mbox);
}

uint32_t inst_high_water(const struct inst *in) {
    return mbox_high_water(&in->mbox);
}

uint64_t inst_processed(const struct inst *in) {
    return atomic_load_explicit(&in->processed, memory_order_relaxed);
}

const char *inst_handler(const struct inst *in) {
    uint32_t doing = inst_doing(in);
    return doing & DOING_NOW ? inst_type(in)->rows[doing_handler(doing) - 1].name : "";
}

const char *inst_last_handler(const struct inst *in) {
    uint16_t handler = doing_handler(inst_doing(in));
    return handler ? inst_type(in)->rows[handler - 1].name : NULL;
}

bool inst_is_quiet(const struct inst *in) {
    return mbox_depth(&in->mbox) == 0 &&
           !(atomic_load_explicit(&in->doing, memory_order_acquire) & DOING_RUNS) &&
           !inst_has_signals(in);
}

uint32_t inst_incarnation(const struct inst *in) {
    return atomic_load_explicit(&in->incarnation, memory_order_relaxed) & ~INCARNATION_BEGINS;
}

bool inst_is_group(const struct inst *in) {
    return in->type == &type_group;
}

bool inst_was_aborted(const struct inst *in) {
    return in->aborted;
}

bool inst_is_open(const struct inst *in) {
    return !mbox_is_closed(&in->mbox);
}

bool inst_has_signals(const struct inst *in) {
    return atomic_load_explicit(&in->signals, memory_order_relaxed) != 0;
}

void inst_unsignal(struct inst *in, unsigned signals) {
    atomic_fetch_and_explicit(&in->signals, (uint16_t)~signals, memory_order_relaxed);
}

int inst_fail(struct inst *in, const struct inst_end *end) {
    struct inst_end *copy = mem_alloc(sizeof *copy);
    if (!copy) {
        return -1;
    }
    *copy = *end;
    mem_free(atomic_exchange_explicit(&in->more->fail_with, copy, memory_order_acq_rel));
    inst_signal(in, SIGNAL_FAIL);
    return 0;
}

void inst_adopt(struct inst *parent, struct inst *first, struct inst *last, uint32_t count) {
    struct inst_more *more = parent->more;
    uint32_t before = atomic_load_explicit(&more->open_children, memory_order_relaxed);
    list_show_all_last(&more->children, &first->sibling, &last->sibling);
    atomic_store_explicit(&more->open_children, before + count, memory_order_relaxed);
}

void inst_let_go(struct inst *parent, struct inst *child) {
    struct inst_more *more = parent->more;
    uint32_t count = atomic_load_explicit(&more->open_children, memory_order_relaxed);
    if (inst_is_bare(child)) {
        list_hide_quietly(&child->sibling); /* L-1: see cell_leave */
    } else {
        list_hide(&child->sibling);
    }
    atomic_store_explicit(&more->open_children, count - 1, memory_order_relaxed);
}

void inst_signal_each_child(struct inst *in, unsigned signals) {
    if (in->type == &type_group || in->type == &type_proc) {
        return; /* they are the plan's: the supervisor tells each */
    }
    LIST_EACH (link, &in->more->children) {
        inst_signal(LIST_OF(link, struct inst, sibling), signals);
    }
}

void inst_signal(struct inst *in, unsigned signals) {
    /* release: pairs with the exchange in turn.c; what the caller did before is seen */
    atomic_fetch_or_explicit(&in->signals, (uint16_t)signals, memory_order_release);
    mbox_poke(&in->mbox);
    if (signals & SIGNALS_THAT_INTERRUPT) {
        sched_interrupt(in->proc->sched, &in->mbox.task);
    }
}

void inst_signal_last(struct inst *in, unsigned signals) {
    struct sched_task *task = &in->mbox.task;
    inst_signal_later(in, signals);
    if (atomic_load_explicit(&task->home, memory_order_acquire) != sched_current()) {
        mbox_poke(&in->mbox); /* through the inbox it comes behind them, too */
    } else if (inst_is_open(in)) {
        sched_ready_last(task);
    }
}

void inst_signal_later(struct inst *in, unsigned signals) {
    /* release: as in inst_signal */
    atomic_fetch_or_explicit(&in->signals, (uint16_t)signals, memory_order_release);
}

uint16_t inst_type_handler(const struct inst_type *type, uint16_t name_id) {
    uint16_t at = type->handlers[name_id % INST_HANDLER_HASHES];
    while (at && type->rows[at - 1].name_id != name_id) {
        at = type->rows[at - 1].next_handler;
    }
    return (uint16_t)(at - 1); /* INST_NO_ROW when there is none */
}

uint16_t inst_type_row(const struct inst_type *type, struct troupe_str name) {
    for (uint16_t i = 0; i < type->row_count; i++) {
        if (troupe_str_eq(troupe_str(type->rows[i].name), name)) {
            return i;
        }
    }
    return INST_NO_ROW;
}
