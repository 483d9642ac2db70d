/* Giving work away: by its home, by age and price; never stolen. */
#include "sched/sched_impl.h"

#define GIVE_AGE_US 100u
/* Looked at in one go: tasks, and workers that are idle. */
#define GIVE_LOOKS 64u

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

/* Those who are idle and have got nothing lately: who was given something says that it is idle until it
 * has woken up. Each giver begins behind itself, so that several don't all give to the first. */
static unsigned find_idle(const struct sched_worker *giver, struct sched_worker **ret) {
    struct sched *sched = giver->sched;
    unsigned workers = sched->options.workers;
    unsigned count = 0;
    if (atomic_load_explicit(&sched->idle_count, memory_order_relaxed) == 0) {
        return 0;
    }
    for (unsigned i = 1; i < workers && count < GIVE_LOOKS; i++) {
        struct sched_worker *other = &sched->workers[(giver->index + i) % workers];
        if (atomic_load_explicit(&other->idle, memory_order_relaxed) &&
            !atomic_load_explicit(&other->inbox, memory_order_relaxed)) {
            ret[count++] = other;
        }
    }
    return count;
}

static bool is_old(const struct sched_worker *worker, const struct sched_task *task) {
    return (uint32_t)(worker->now_ns / NS_PER_US) - task->queued_at > GIVE_AGE_US;
}

/* How many of the oldest tasks are dear. */
static unsigned count_dear(const struct sched_worker *worker) {
    unsigned dear = 0;
    unsigned looks = 0;
    const struct sched_task *task = worker->head;
    for (; task && looks < GIVE_LOOKS && is_old(worker, task); task = task->queue_next) {
        dear += task->cost_ns > DEAR_NS;
        looks++;
    }
    return dear;
}

/* Takes the first dear task out of the queue. */
static struct sched_task *take_dear(struct sched_worker *worker) {
    struct sched_task *before = NULL;
    struct sched_task *task = worker->head;
    while (task->cost_ns <= DEAR_NS) {
        before = task;
        task = task->queue_next;
    }
    *(before ? &before->queue_next : &worker->head) = task->queue_next;
    if (worker->tail == task) {
        worker->tail = before;
    }
    worker->queue_length--;
    return task;
}

/* Half of the dear tasks that have waited too long, to all who are idle in turn: those give on half of
 * what they got, so even a long queue is soon spread over many. Not the only task there is: it runs
 * here at once. */
void give_maybe(struct sched_worker *worker) {
    struct sched_worker *idle[GIVE_LOOKS];
    if (worker->queue_length + (worker->next != NULL) < 2 || worker->dedicated ||
        worker->now_ns < worker->give_after) {
        return;
    }
    unsigned gifts = (count_dear(worker) + 1) / 2;
    unsigned count = gifts > 0 ? find_idle(worker, idle) : 0;
    if (count == 0) {
        worker->give_after = worker->now_ns + GIVE_AGE_US * NS_PER_US;
        return;
    }
    worker->hot = NULL; /* it might be one of them */
    for (unsigned i = 0; i < gifts; i++) {
        give_to(take_dear(worker), idle[i % count]);
    }
}
