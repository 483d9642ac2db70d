/* Ticks: the time to a millisecond, without a look at the clock for each turn. */
#include <stddef.h>

#include "sched/sched_impl.h"

void tick_want(struct sched *sched) {
    if (sched->options.ticks_wanted &&
        !atomic_load_explicit(&sched->ticking, memory_order_seq_cst) &&
        !atomic_exchange_explicit(&sched->ticking, true, memory_order_acq_rel)) {
        sched->options.ticks_wanted(sched->options.context);
    }
}

uint64_t sched_coarse_now(const struct sched_worker *worker) {
    uint64_t tick_ns = atomic_load_explicit(&worker->sched->tick_ns, memory_order_relaxed);
    return tick_ns > worker->now_ns ? tick_ns : worker->now_ns;
}

static bool is_busy(struct sched *sched) {
    for (unsigned i = 0; i < sched->options.workers; i++) {
        if (!atomic_load_explicit(&sched->workers[i].idle, memory_order_seq_cst)) {
            return true;
        }
    }
    bool busy = false;
    pthread_mutex_lock(&sched->lock);
    for (struct sched_worker *worker = sched->dedicated; worker; worker = worker->link) {
        busy |= !atomic_load_explicit(&worker->parked, memory_order_seq_cst);
    }
    busy |= seize_is_busy_locked(sched);
    pthread_mutex_unlock(&sched->lock);
    return busy;
}

bool sched_tick(struct sched *sched, uint64_t now_ns) {
    atomic_store_explicit(&sched->tick_ns, now_ns, memory_order_relaxed);
    interrupt_again(sched);
    seize_tick(sched);
    if (is_busy(sched)) {
        return true;
    }
    /* A worker that wakes from here on asks anew; one that woke just before is seen by the second look,
     * unless it has asked itself meanwhile. seq_cst: one of the two sees the other; pairs with the end
     * of park. */
    atomic_store_explicit(&sched->ticking, false, memory_order_seq_cst);
    return is_busy(sched) && !atomic_exchange_explicit(&sched->ticking, true, memory_order_acq_rel);
}
