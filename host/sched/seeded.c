/* The seeded mode: one thread steps all workers in an order that a seed decides. */
#include "sched/sched_impl.h"

#include <assert.h>
#include <stddef.h>

/* splitmix64: small, good enough to choose by, the same on every machine. */
__attribute__((noinline)) static uint64_t next_random(struct sched *sched) {
    uint64_t z = (sched->random += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

uint64_t sched_random(struct sched *sched, uint64_t bound) {
    assert(sched->options.seeded && bound > 0);
    return next_random(sched) % bound;
}

unsigned seeded_budget(struct sched_worker *worker) {
    /* mostly tiny: the interleavings that hurt are those in which everyone is interrupted */
    uint64_t kind = next_random(worker->sched) % 4;
    return kind == 0 ? SCHED_BUDGET : 1 + (unsigned)(next_random(worker->sched) % 8);
}

static unsigned runnable(struct sched *sched, struct sched_worker **ret, unsigned room) {
    unsigned count = 0;
    for (unsigned i = 0; i < sched->options.workers; i++) {
        if (worker_has_work(&sched->workers[i]) && count < room) {
            ret[count++] = &sched->workers[i];
        }
    }
    for (struct sched_worker *w = sched->dedicated; w; w = w->link) {
        if (!w->retire && worker_has_work(w) && count < room) {
            ret[count++] = w;
        }
    }
    return count;
}

/* Now and then a queued task moves to another worker, as a gift would move it. */
static void shuffle(struct sched *sched, struct sched_worker *worker) {
    struct sched_task *task = worker->head;
    if (worker->dedicated || !task || sched->options.workers < 2 || next_random(sched) % 16 != 0) {
        return;
    }
    struct sched_worker *other = &sched->workers[next_random(sched) % sched->options.workers];
    if (other == worker) {
        return;
    }
    worker->head = task->queue_next;
    if (!worker->head) {
        worker->tail = NULL;
    }
    worker->queue_length--;
    worker_enter(worker);
    give_to(task, other);
}

uint64_t sched_step_all(struct sched *sched, uint64_t max_steps) {
    assert(sched->options.seeded);
    uint64_t steps = 0;
    fault_thread_enter(&sched->fault);
    while (steps < max_steps) {
        struct sched_worker *ready[256];
        unsigned count = runnable(sched, ready, 256);
        if (count == 0) {
            break;
        }
        struct sched_worker *worker = ready[next_random(sched) % count];
        shuffle(sched, worker);
        worker_enter(worker);
        worker_read_clock(worker); /* the logical one is free to read */
        (void)worker_step(worker);
        steps++;
    }
    worker_enter(NULL);
    fault_thread_leave(&sched->fault);
    return steps;
}
