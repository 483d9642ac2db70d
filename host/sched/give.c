/* Giving work away: by its home, by age and price; never stolen. */
#include "sched/sched_impl.h"

/* Cheaper tasks stay: handing one over costs more than it saves. Measured; see host/README.md. */
#define GIVE_COST_NS 300u
#define GIVE_AGE_US 100u

void give_to(struct sched_task *task, struct sched_worker *worker) {
    /* T-3: holding NOTE is what allows us to link the task into an inbox */
    uint64_t before = atomic_fetch_or_explicit(&task->word, TASK_NOTE, memory_order_acq_rel);
    task->queued = false;
    /* release: the new home sees all that this one did to the task */
    atomic_store_explicit(&task->home, worker, memory_order_release);
    if (!(before & TASK_NOTE)) {
        worker_push_inbox(worker, task);
    }
}

static struct sched_worker *find_idle(struct sched *sched) {
    for (unsigned i = 0; i < sched->options.workers; i++) {
        if (atomic_load_explicit(&sched->workers[i].idle, memory_order_relaxed)) {
            return &sched->workers[i];
        }
    }
    return NULL;
}

/* The queue's oldest task, when it is dear and old enough, moves to an idle worker. Not the only one
 * there is: it runs here at once. */
void give_maybe(struct sched_worker *worker) {
    struct sched_task *task = worker->head;
    bool lone = worker->queue_length + (worker->next != NULL) < 2;
    if (!task || lone || worker->dedicated || worker->now_ns < worker->give_after) {
        return;
    }
    uint32_t age = (uint32_t)(worker->now_ns / NS_PER_US) - task->queued_at;
    struct sched_worker *idle =
        age > GIVE_AGE_US && task->cost_ns > GIVE_COST_NS ? find_idle(worker->sched) : NULL;
    if (!idle) {
        worker->give_after = worker->now_ns + GIVE_AGE_US * NS_PER_US;
        return;
    }
    worker->head = task->queue_next;
    if (!worker->head) {
        worker->tail = NULL;
    }
    worker->queue_length--;
    give_to(task, idle);
}
