/* Looks at a proc as a whole, for people and tests. */
#include <stddef.h>

#include "actor/proc_impl.h"

void proc_each_wire(struct proc *proc, void (*each)(void *context, const struct proc_wire *wire),
                    void *context) {
    for (uint32_t a = 0; a < proc->actor_count; a++) {
        struct inst *in = proc->actors[a];
        for (uint16_t row = 0; in->ports && row < in->type->row_count; row++) {
            for (uint32_t w = 0; w < in->ports[row].count; w++) {
                struct wire *wire = &in->ports[row].wires[w];
                struct proc_wire look = {
                    .from = in,
                    .port = in->type->rows[row].name,
                    .sent = atomic_load_explicit(&wire->sent, memory_order_relaxed),
                    .dropped = atomic_load_explicit(&wire->dropped, memory_order_relaxed)};
                each(context, &look);
            }
        }
    }
}

void proc_each_pause(struct proc *proc,
                     void (*each)(void *context, const struct inst *paused,
                                  const struct inst *waits_for),
                     void *context) {
    pthread_mutex_lock(&proc->pauses.lock);
    for (uint32_t s = 0; s < SLAB_TABLE; s++) {
        struct inst *slab = atomic_load_explicit(&proc->slabs[s], memory_order_acquire);
        for (uint32_t i = 0; slab && i < CELLS_PER_SLAB; i++) {
            struct pauser *pauser = slab[i].mbox.pausing;
            if (pauser) { /* its actor is paused, so neither end of it can be gone */
                each(context, &slab[i], (struct inst *)(void *)pauser->target);
            }
        }
    }
    pthread_mutex_unlock(&proc->pauses.lock);
}
