/* Looks at a proc as a whole, for people and tests. */
#include <stddef.h>

#include "actor/proc_impl.h"

static void each_wire_of(struct inst *in, void (*each)(void *context, const struct proc_wire *wire),
                         void *context) {
    /* seq_cst: L-1 */
    struct port *ports = __atomic_load_n(&in->ports, __ATOMIC_SEQ_CST);
    uint16_t count = ports ? port_block_of(ports)->count : 0;
    for (uint16_t row = 0; row < count; row++) {
        for (uint32_t w = 0; w < ports[row].count; w++) {
            struct wire *wire = &ports[row].wires[w];
            const struct inst *to = looks_find_any(in->proc, wire->targets[0].uid);
            if (!to) {
                continue; /* a reload has removed it; who sent by this wire had ended before */
            }
            struct proc_wire look = {
                .from = in,
                .port = inst_type(in)->rows[row].name,
                .to = to,
                .to_port = inst_type(to)->rows[wire->targets[0].row].name,
                .to_count = wire->count,
                .sent = port_sent(&ports[row], w),
                .dropped = atomic_load_explicit(&wire->dropped, memory_order_relaxed)};
            each(context, &look);
        }
    }
}

void proc_each_wire(struct proc *proc, void (*each)(void *context, const struct proc_wire *wire),
                    void *context) {
    struct looker looker;
    looks_begin(proc, &looker);
    for (uint32_t a = 0, count = proc_actor_count(proc); a < count; a++) {
        struct inst *in = proc_actor(proc, a);
        if (in) {
            each_wire_of(in, each, context);
        }
    }
    looks_end(proc, &looker);
}

static uint64_t count_of(const _Atomic uint64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void proc_each_loss(struct proc *proc, void (*each)(void *context, const struct proc_loss *loss),
                    void *context) {
    for (uint32_t a = 0, count = proc_actor_count(proc); a < count; a++) {
        const struct inst *in = proc_actor(proc, a);
        const struct inst_lives *lives = in ? inst_has_lives(in) : NULL;
        if (lives && count_of(&lives->tally.failures) > 0) {
            struct proc_loss loss = {.actor = in,
                                     .failures = count_of(&lives->tally.failures),
                                     .quarantined = count_of(&lives->tally.quarantined),
                                     .retried = count_of(&lives->tally.retried),
                                     .lost_with_state = count_of(&lives->tally.lost_with_state)};
            each(context, &loss);
        }
    }
}

/* The plan's actor that it is, or descends from. [any]: cells stay instances, and one that becomes
 * another's meanwhile leads to some actor of the plan or to none. */
static uint32_t plan_ancestor(const struct inst *in) {
    while (in && inst_plan_index(in) == UINT32_MAX) {
        in = inst_parent(in);
    }
    return in ? inst_plan_index(in) : UINT32_MAX;
}

static bool is_open_child(const struct inst *in) {
    enum inst_status status = inst_status(in);
    return atomic_load_explicit(&in->holders, memory_order_relaxed) > 0 &&
           inst_plan_index(in) == UINT32_MAX && status != INST_STOPPED && status != INST_FAILED;
}

/* A child that is being made meanwhile is its parent's turn, one that has just ended its parent's
 * message: somebody who is asked for is not quiet then, or had a turn between two looks. */
bool proc_children_are_quiet(struct proc *proc, bool (*asks)(void *context, uint32_t plan_index),
                             void *context, uint64_t *ret_sum) {
    uint64_t sum = 0;
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        const struct inst *in = cell_at(proc, i);
        uint32_t ancestor = is_open_child(in) ? plan_ancestor(in) : UINT32_MAX;
        if (ancestor == UINT32_MAX || !asks(context, ancestor)) {
            continue;
        }
        if (!inst_is_quiet(in)) {
            return false;
        }
        uint64_t look[2] = {inst_uid(in), inst_processed(in)};
        sum += hash_bytes(look, sizeof look);
    }
    *ret_sum = sum;
    return true;
}

void proc_each_pause(struct proc *proc,
                     void (*each)(void *context, const struct inst *paused,
                                  const struct inst *waits_for),
                     void *context) {
    pthread_mutex_lock(proc->pauses.lock);
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        const struct inst *in = cell_at(proc, i);
        const struct pauser *pauser = in->mbox.pausing;
        if (pauser) { /* its actor is paused, so neither end of it can be gone */
            each(context, in, (struct inst *)(void *)pauser->target);
        }
    }
    pthread_mutex_unlock(proc->pauses.lock);
}
