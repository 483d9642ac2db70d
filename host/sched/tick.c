/* Ticks: the time to a millisecond, without a look at the clock for each turn.
 *
 * They are what finds stuck turns, with all workers stuck too, so they go whenever a turn takes long. A
 * worker that wakes for a short turn each millisecond must not pay for them: to set a timer is a system
 * call, and a tick wakes a thread. So when all are idle ticks linger, at long intervals, for as long as
 * somebody wakes in each; a worker that finds them lingering pays nothing. Only one whose last time awake
 * was long asks for them at once. */
#include <stddef.h>

#include "base/hot.h"
#include "sched/sched_impl.h"

/* Values of sched.ticking. */
enum {
    TICKS_NONE,
    TICKS_LINGER,  /* the next one is far, all were idle when it was set, and nobody woke since */
    TICKS_TOUCHED, /* the same, somebody did */
    TICKS_GO,      /* the next one is near */
};
/* Awake for so long, a worker needs ticks. */
#define AWAKE_LONG_NS NS_PER_MS

HOT void tick_want(struct sched_worker *worker) {
    struct sched *sched = worker->sched;
    if (!sched->options.ticks_wanted) {
        return;
    }
    uint32_t want = worker->awake_ns < AWAKE_LONG_NS ? TICKS_TOUCHED : TICKS_GO;
    /* seq_cst: after the stores that say it is not idle; pairs with the end of sched_tick */
    uint32_t state = atomic_load_explicit(&sched->ticking, memory_order_seq_cst);
    do {
        if (state >= want) {
            return;
        }
        want = state == TICKS_NONE ? TICKS_GO : want;
    } while (!atomic_compare_exchange_weak_explicit(&sched->ticking, &state, want,
                                                    memory_order_acq_rel, memory_order_acquire));
    if (want == TICKS_GO) {
        sched->options.ticks_wanted(sched->options.context);
    }
}

uint64_t sched_ticked(const struct sched_worker *worker) {
    return atomic_load_explicit(&worker->sched->tick_ns, memory_order_relaxed);
}

uint64_t sched_coarse_now(const struct sched_worker *worker) {
    uint64_t tick_ns = sched_ticked(worker);
    return tick_ns > worker->coarse_ns ? tick_ns : worker->coarse_ns;
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

enum sched_ticks sched_tick(struct sched *sched, uint64_t now_ns) {
    atomic_store_explicit(&sched->tick_ns, now_ns, memory_order_relaxed);
    interrupt_again(sched);
    seize_tick(sched);
    if (is_busy(sched)) {
        atomic_store_explicit(&sched->ticking, TICKS_GO, memory_order_relaxed);
        return SCHED_TICKS_GO;
    }
    /* A worker that wakes from here on asks anew; one that woke just before is seen by the second look,
     * unless it has asked itself meanwhile. seq_cst: one of the two sees the other; pairs with
     * tick_want. */
    uint32_t state = TICKS_LINGER;
    if (!atomic_compare_exchange_strong_explicit(&sched->ticking, &state, TICKS_NONE,
                                                 memory_order_seq_cst, memory_order_relaxed)) {
        /* Who wakes right now, and finds what stood there before, is found by the next tick. */
        atomic_store_explicit(&sched->ticking, TICKS_LINGER, memory_order_relaxed);
        return SCHED_TICKS_LINGER;
    }
    state = TICKS_NONE;
    bool go_on = is_busy(sched) &&
                 atomic_compare_exchange_strong_explicit(
                     &sched->ticking, &state, TICKS_GO, memory_order_acq_rel, memory_order_relaxed);
    return go_on ? SCHED_TICKS_GO : SCHED_TICKS_END;
}
