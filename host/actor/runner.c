/* Runners: what each worker brings to its turns. */
#include <stddef.h>

#include "actor/gate.h"
#include "actor/panic.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/hot.h"

/* How often a runner looks at what the other workers have queued, in units of work: each look takes a line from them
 * that they write for each message, and costs both as much as two messages. */
#define LOOK_EVERY 512u

void runner_init(struct runner *r, struct proc *proc, struct sched_worker *worker,
                 struct pool *pool) {
    r->turn.host = &proc->host;
    r->shadow = NULL;
    r->goes = false; /* it may have been revoked in the middle of that */
    if (!r->proc) {
        r->proc = proc; /* once: who looks after stuck turns may be reading it */
    }
    r->worker = worker;
    r->pool = pool;
    r->look_at = (worker ? sched_done(worker) : 0) + LOOK_EVERY;
    scratch_init(&r->scratch);
    atomic_store_explicit(&r->gate, GATE_HOST, memory_order_relaxed);
    atomic_store_explicit(&r->asked, GATE_OPEN, memory_order_relaxed);
    if (worker) {
        bool is_shared = sched_is_seeded(worker->sched);
        r->fault = worker->fault;
        r->fault->whose = panic_whose;
        r->fault->context = is_shared ? NULL : r;
    }
}

static struct runner *take_retired(struct proc *proc) {
    pthread_mutex_lock(&proc->lock);
    struct runner *r = proc->retired;
    if (r) {
        proc->retired = r->next_retired;
    }
    pthread_mutex_unlock(&proc->lock);
    return r;
}

static struct runner *make(struct proc *proc) {
    struct runner *r = mem_aligned(64, (sizeof *r + 63) / 64 * 64);
    if (!r) {
        return NULL;
    }
    struct runner *head = atomic_load_explicit(&proc->runners, memory_order_relaxed);
    do {
        r->next = head;
        /* release: who walks the list finds it whole */
    } while (!atomic_compare_exchange_weak_explicit(&proc->runners, &head, r, memory_order_release,
                                                    memory_order_relaxed));
    return r;
}

void *runner_create(void *context, struct sched_worker *worker) {
    struct proc *proc = context;
    struct pool *pool = pools_take(proc->pools);
    struct runner *r = pool ? take_retired(proc) : NULL;
    if (pool && !r) {
        r = make(proc);
    }
    if (!r) {
        if (pool) {
            pools_give_back(proc->pools, pool);
        }
        return NULL;
    }
    runner_init(r, proc, worker, pool);
    snapshot_store_join(&proc->snapshots, &r->ended);
    return r;
}

void runner_retire(void *context, void *local) {
    struct proc *proc = context;
    struct runner *r = local;
    outbox_fini(&r->outbox);
    scratch_fini(&r->scratch);
    stock_fini(&r->states);
    cells_leave_now(r);
    snapshot_store_leave(&proc->snapshots, &r->ended);
    pools_give_back(proc->pools, r->pool);
    pthread_mutex_lock(&proc->lock);
    cells_give_run_locked(r, r->free_cells);
    r->free_cells = NULL;
    r->next_retired = proc->retired;
    proc->retired = r;
    pthread_mutex_unlock(&proc->lock);
}

void runners_free(struct proc *proc) {
    struct runner *r = atomic_load_explicit(&proc->runners, memory_order_relaxed);
    while (r) {
        struct runner *next = r->next;
        mem_free(r);
        r = next;
    }
}

int64_t runners_queued(struct proc *proc) {
    int64_t queued = atomic_load_explicit(&proc->outside.queued, memory_order_relaxed);
    struct runner *r = atomic_load_explicit(&proc->runners, memory_order_acquire);
    for (; r; r = r->next) {
        queued += atomic_load_explicit(&r->queued, memory_order_relaxed);
    }
    return queued;
}

void queue_uncount(struct runner *r, uint32_t count) {
    count_change(&r->queued, -(int64_t)count);
}

/* What came from outside since may be taken long since: how much was, the look at the others tells. */
__attribute__((noinline)) static void raise_high_water(struct runner *r, int64_t outside) {
    if (outside != r->outside) {
        queue_look_at_others(r);
    }
    int64_t total = atomic_load_explicit(&r->queued, memory_order_relaxed) + r->others + r->outside;
    if (total > atomic_load_explicit(&r->high_water, memory_order_relaxed)) {
        atomic_store_explicit(&r->high_water, total, memory_order_relaxed);
    }
}

void queue_count(struct runner *r, uint32_t count) {
    int64_t queued = atomic_load_explicit(&r->queued, memory_order_relaxed) + count;
    atomic_store_explicit(&r->queued, queued, memory_order_relaxed);
    int64_t outside = atomic_load_explicit(&r->proc->outside.queued, memory_order_relaxed);
    if (queued + r->others + outside > atomic_load_explicit(&r->high_water, memory_order_relaxed)) {
        raise_high_water(r, outside);
    }
    /* PD-8: each burst shows, also one that no later look finds */
    uint64_t now_ns = r->now_ns;
    if (now_ns != atomic_load_explicit(&r->last_nonzero_ns, memory_order_relaxed)) {
        atomic_store_explicit(&r->last_nonzero_ns, now_ns, memory_order_relaxed);
    }
}

__attribute__((noinline)) void queue_look_at_others(struct runner *r) {
    r->look_at = sched_done(r->worker) + LOOK_EVERY;
    int64_t outside = atomic_load_explicit(&r->proc->outside.queued, memory_order_relaxed);
    int64_t own = atomic_load_explicit(&r->queued, memory_order_relaxed);
    r->others = runners_queued(r->proc) - own - outside;
    r->outside = outside;
    if (own + r->others + outside > 0) {
        /* No look at the clock: all that was noted by the time before would be out of date, see turns_enter and
         * flight_ran. */
        atomic_store_explicit(&r->last_nonzero_ns, sched_coarse_now(r->worker),
                              memory_order_relaxed);
    }
}

static void note_from_outside(struct proc *proc) {
    struct runner *outside = &proc->outside;
    int64_t total = runners_queued(proc);
    int64_t high = atomic_load_explicit(&outside->high_water, memory_order_relaxed);
    while (total > high &&
           !atomic_compare_exchange_weak_explicit(&outside->high_water, &high, total,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    atomic_store_explicit(&outside->last_nonzero_ns, proc->clock->now(proc->clock),
                          memory_order_relaxed);
}

HOT enum offer queue_from_outside(struct mbox *mb, struct msg *m, struct proc *proc,
                                  uint32_t limit) {
    _Atomic int64_t *queued = &proc->outside.queued;
    atomic_fetch_add_explicit(queued, 1, memory_order_relaxed);
    note_from_outside(proc);
    enum offer result = mbox_offer(mb, m, m, 1, limit);
    if (result != OFFER_TAKEN) {
        atomic_fetch_sub_explicit(queued, 1, memory_order_relaxed);
    }
    return result;
}

static void add_up(struct proc_totals *totals, struct runner *r) {
    totals->queued += atomic_load_explicit(&r->queued, memory_order_relaxed);
    totals->live_instances += (uint64_t)atomic_load_explicit(&r->instances, memory_order_relaxed);
    totals->handled += atomic_load_explicit(&r->handled, memory_order_relaxed);
    totals->sent += atomic_load_explicit(&r->sent, memory_order_relaxed);
    totals->dropped += atomic_load_explicit(&r->dropped, memory_order_relaxed);
    totals->late_replies += atomic_load_explicit(&r->late_replies, memory_order_relaxed);
    totals->discarded_turns += atomic_load_explicit(&r->discarded_turns, memory_order_relaxed);
    totals->retried += atomic_load_explicit(&r->retried, memory_order_relaxed);
    totals->lost_with_state += atomic_load_explicit(&r->lost_with_state, memory_order_relaxed);
    int64_t high = atomic_load_explicit(&r->high_water, memory_order_relaxed);
    uint64_t last_ns = atomic_load_explicit(&r->last_nonzero_ns, memory_order_relaxed);
    totals->queued_high_water = high > totals->queued_high_water ? high : totals->queued_high_water;
    totals->last_nonzero_ns = last_ns > totals->last_nonzero_ns ? last_ns : totals->last_nonzero_ns;
}

void proc_totals(struct proc *proc, struct proc_totals *ret) {
    struct proc_totals totals = {0};
    add_up(&totals, &proc->outside);
    struct runner *r = atomic_load_explicit(&proc->runners, memory_order_acquire);
    for (; r; r = r->next) {
        add_up(&totals, r);
    }
    /* counted one after another meanwhile */
    totals.queued = totals.queued > 0 ? totals.queued : 0;
    totals.live_instances = (int64_t)totals.live_instances > 0 ? totals.live_instances : 0;
    if (totals.queued > totals.queued_high_water) { /* PD-6; each worker knows of the others late */
        totals.queued_high_water = totals.queued;
    }
    totals.past_failures = atomic_load_explicit(&proc->past_failures, memory_order_relaxed);
    totals.dead_letters = dead_total(&proc->dead);
    totals.quarantined = quarantine_counts(&proc->quarantine).total;
    pthread_mutex_lock(proc->pauses.lock);
    totals.pauses = proc->pauses.pauses;
    totals.cycles = proc->pauses.cycles;
    pthread_mutex_unlock(proc->pauses.lock);
    totals.live_messages = pools_live(proc->pools);
    *ret = totals;
}
