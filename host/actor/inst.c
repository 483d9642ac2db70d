/* Making and unmaking instances; what anyone may ask of one. */
#include "actor/inst.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

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
    return (enum inst_status)atomic_load_explicit(&in->status, memory_order_acquire);
}

void inst_move(struct inst *in, enum inst_status to) {
    enum inst_status from = inst_status(in);
    assert(statuses[from].to & (1u << to));
    (void)from;
    atomic_store_explicit(&in->status, (uint8_t)to, memory_order_release);
}

void inst_begin(struct inst *in) {
    uint32_t incarnation = atomic_load_explicit(&in->incarnation, memory_order_relaxed);
    atomic_store_explicit(&in->incarnation, incarnation + 1, memory_order_relaxed);
    /* release: who sees `created` again sees which life it is of */
    atomic_store_explicit(&in->status, INST_CREATED, memory_order_release);
}

static uint64_t memory_cap(const struct inst *in) {
    const struct plan *plan = in->proc->plan;
    uint32_t index = inst_plan_index(in);
    bool planned = plan && index < plan->actor_count;
    return planned ? plan->actors[index].spec->memory : 0;
}

struct inst_more *inst_more(struct inst *in) {
    if (!in->more) {
        struct inst_more *more = mem_alloc(sizeof *more);
        if (!more) {
            return NULL;
        }
        heap_init(&more->heap, memory_cap(in));
        heap_init(&more->kept_heap, memory_cap(in));
        list_init(&more->kept);
        pthread_mutex_init(&more->attributes_lock, NULL);
        more->self = in;
        more->call_earliest_ns = UINT64_MAX;
        in->more = more;
    }
    return in->more;
}

/* A cell's parts that other threads may look at are set by atomic stores only: a sender that found
 * the previous owner may still be looking. */
static void reset(struct inst *in, struct proc *proc, const struct inst_type *type) {
    in->proc = proc;
    in->type = type;
    atomic_store_explicit(&in->parent, NULL, memory_order_relaxed);
    in->root = NULL;
    in->pid = 0;
    in->ports = NULL;
    in->config = NULL;
    in->name = NULL;
    in->phase = PHASE_DOWN;
    in->inputs_ended = false;
    in->paused = in->draining = in->children_draining = in->failed = false;
    in->aborted = in->quiet = in->cleanup_ok = in->spawned = in->alive_by_timers = false;
    in->watched = in->told = in->checkpoints = false;
    in->flight = NULL;
    in->child_row = INST_NO_ROW;
    in->reason = NULL;
    in->open_children = 0;
    in->state = NULL;
    in->more = NULL;
    list_init(&in->children);
    list_init(&in->sibling);
    in->pauser = (struct pauser){.self = &in->mbox};
    atomic_store_explicit(&in->plan_index, UINT32_MAX, memory_order_relaxed);
    atomic_store_explicit(&in->signals, 0, memory_order_relaxed);
    atomic_store_explicit(&in->shown, NULL, memory_order_relaxed);
    atomic_store_explicit(&in->holders, 2, memory_order_relaxed);
    atomic_store_explicit(&in->incarnation, 0, memory_order_relaxed);
    atomic_store_explicit(&in->handler, 0, memory_order_relaxed);
    atomic_store_explicit(&in->running, false, memory_order_relaxed);
    atomic_store_explicit(&in->last_handler, 0, memory_order_relaxed);
    atomic_store_explicit(&in->created_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&in->busy_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&in->since_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&in->processed, 0, memory_order_relaxed);
    atomic_store_explicit(&in->next_pid, 1, memory_order_relaxed);
    atomic_store_explicit(&in->status, INST_CREATED, memory_order_release);
}

struct inst *inst_make_shut(struct runner *r, struct proc *proc, const struct inst_type *type,
                            uint32_t capacity, uint64_t bytes, struct sched_worker *home) {
    struct inst *in = cell_take(r, proc);
    if (!in) {
        return NULL;
    }
    if (in->mbox.task.ops) {
        mbox_renew(&in->mbox, home, capacity);
    } else {
        mbox_init(&in->mbox, &inst_ops, home, capacity, bytes);
        (void)mbox_close(&in->mbox);
    }
    reset(in, proc, type);
    atomic_fetch_add_explicit(&proc->live_instances, 1, memory_order_relaxed);
    return in;
}

struct inst *inst_make(struct runner *r, struct proc *proc, const struct inst_type *type,
                       uint32_t capacity, uint64_t bytes, struct sched_worker *home) {
    struct inst *in = inst_make_shut(r, proc, type, capacity, bytes, home);
    if (in) {
        mbox_open(&in->mbox);
    }
    return in;
}

void inst_attributes_end(struct inst *in) {
    struct inst_more *more = in->more;
    pthread_mutex_lock(&more->attributes_lock);
    while (more->attributes) {
        struct attribute *attribute = more->attributes;
        more->attributes = attribute->next;
        mem_free(attribute);
    }
    pthread_mutex_unlock(&more->attributes_lock);
}

static void more_free(struct runner *r, struct inst *in) {
    struct inst_more *more = in->more;
    if (!more) {
        return;
    }
    (void)r;
    failure_destroy(more->failure);
    past_fini(&more->past);
    mem_free(atomic_load_explicit(&more->fail_with, memory_order_relaxed));
    for (uint16_t i = 0; more->rings && i < in->mbox.ring_count; i++) {
        mbox_ring_fini(&more->rings[i]);
    }
    mem_free(more->rings);
    inst_attributes_end(in);
    pthread_mutex_destroy(&more->attributes_lock);
    heap_fini(&more->heap);
    heap_fini(&more->kept_heap);
    outbox_fini(&more->rest);
    mem_free(more->calls);
    mem_free(more->requests);
    mem_free((void *)(uintptr_t)more->saved);
    mem_free(more);
    in->more = NULL;
}

void inst_unmake(struct runner *r, struct inst *in) {
    more_free(r, in);
    flight_destroy(in->flight);
    in->flight = NULL;
    for (uint16_t i = 0; in->ports && i < in->type->row_count; i++) {
        port_fini(&in->ports[i]);
    }
    mem_free(in->ports);
    in->ports = NULL;
    mem_free(in->state);
    in->state = NULL;
    if (in->spawned) {
        mem_free((void *)(uintptr_t)in->name);
        in->name = NULL;
    }
    config_unref(in->config);
    in->config = NULL;
    atomic_store_explicit(&in->holders, 0, memory_order_relaxed); /* one that never started */
    /* The next owner has another uid (AI-3); release: pairs with cell_find. */
    uint64_t uid = atomic_load_explicit(&in->uid, memory_order_relaxed);
    atomic_store_explicit(&in->uid, uid + (1ull << 28), memory_order_release);
    atomic_fetch_sub_explicit(&in->proc->live_instances, 1, memory_order_relaxed);
    if (in->spawned) {
        cell_give_back(r, in);
    }
}

uint64_t inst_uid(const struct inst *in) {
    return atomic_load_explicit(&in->uid, memory_order_relaxed);
}

const struct inst_type *inst_type(const struct inst *in) {
    return in->type;
}

uint64_t inst_since_ns(const struct inst *in) {
    return atomic_load_explicit(&in->since_ns, memory_order_relaxed);
}

uint32_t inst_plan_index(const struct inst *in) {
    return atomic_load_explicit(&in->plan_index, memory_order_relaxed);
}

/* The name that stands in the id: an anonymous child shows its parent's. */
const char *inst_shown_name(const struct inst *in) {
    while (in && !in->name) {
        in = inst_parent(in);
    }
    return in ? in->name : "";
}

void inst_name(const struct inst *in, char *ret, uint64_t size) {
    (void)snprintf(ret, size, "%s/%s[%llu]", in->proc->name, inst_shown_name(in),
                   (unsigned long long)in->pid);
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
    uint16_t handler = atomic_load_explicit(&in->handler, memory_order_relaxed);
    return handler ? in->type->rows[handler - 1].name : "";
}

const char *inst_last_handler(const struct inst *in) {
    uint16_t handler = atomic_load_explicit(&in->handler, memory_order_relaxed);
    uint16_t last = atomic_load_explicit(&in->last_handler, memory_order_relaxed);
    handler = handler ? handler : last;
    return handler ? in->type->rows[handler - 1].name : NULL;
}

bool inst_is_quiet(const struct inst *in) {
    return mbox_depth(&in->mbox) == 0 &&
           !atomic_load_explicit(&in->running, memory_order_acquire) && !inst_has_signals(in);
}

uint32_t inst_incarnation(const struct inst *in) {
    return atomic_load_explicit(&in->incarnation, memory_order_relaxed);
}

bool inst_is_open(const struct inst *in) {
    return !mbox_is_closed(&in->mbox);
}

bool inst_has_signals(const struct inst *in) {
    return atomic_load_explicit(&in->signals, memory_order_relaxed) != 0;
}

void inst_unsignal(struct inst *in, unsigned signals) {
    atomic_fetch_and_explicit(&in->signals, ~signals, memory_order_relaxed);
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

void inst_signal_children(struct inst *in, unsigned signals) {
    if (in->type == &type_group || in->type == &type_proc) {
        return; /* they are the plan's: the supervisor tells each */
    }
    LIST_EACH (link, &in->children) {
        inst_signal(LIST_OF(link, struct inst, sibling), signals);
    }
}

void inst_signal(struct inst *in, unsigned signals) {
    /* release: pairs with the exchange in turn.c; what the caller did before is seen */
    atomic_fetch_or_explicit(&in->signals, signals, memory_order_release);
    mbox_poke(&in->mbox);
    if (signals & SIGNALS_THAT_INTERRUPT) {
        sched_interrupt(in->proc->sched, &in->mbox.task);
    }
}

bool inst_attribute(struct inst *in, const char *name, struct troupe_value *ret, char *text,
                    uint64_t text_size) {
    /* acquire: pairs with publish; its lock is seen initialised */
    struct inst_more *more = atomic_load_explicit(&in->shown, memory_order_acquire);
    bool found = false;
    if (!more) {
        return false;
    }
    pthread_mutex_lock(&more->attributes_lock);
    for (struct attribute *at = more->attributes; at && !found; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            *ret = at->value;
            (void)snprintf(text, text_size, "%.*s", (int)at->value.s.size,
                           at->value.s.size ? at->value.s.data : "");
            ret->s = troupe_str(text);
            found = true;
        }
    }
    pthread_mutex_unlock(&more->attributes_lock);
    return found;
}

uint16_t inst_type_handler(const struct inst_type *type, uint16_t name_id) {
    for (uint16_t i = 0; i < type->row_count; i++) {
        const struct inst_row *row = &type->rows[i];
        if (row->name_id == name_id && (row->kind == TROUPE_ROW_in || row->kind == TROUPE_ROW_any ||
                                        row->kind == TROUPE_ROW_call)) {
            return i;
        }
    }
    return INST_NO_ROW;
}

uint16_t inst_type_row(const struct inst_type *type, struct troupe_str name) {
    for (uint16_t i = 0; i < type->row_count; i++) {
        if (troupe_str_eq(troupe_str(type->rows[i].name), name)) {
            return i;
        }
    }
    return INST_NO_ROW;
}
