/* What the scheduler runs: a task with a home worker. The scheduler has never heard of actors.
 *
 * T-1  a task runs on its home worker only, one activation at a time.
 * T-2  only the home worker changes `home`, and only while the task is not running.
 * T-3  NOTE in `word` is set exactly while the task is linked into an inbox; who sets it links it,
 *      who unlinks it clears it. So the link is never used twice at once. The home also sets it while
 *      it does nothing but look at the word: then nobody needs to link the task.
 * The rest of `word` belongs to the task's owner (the mailbox): one atomic carries both. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sched_worker;
struct sched_task;

#define TASK_NOTE 1ull

/* What an activation left behind. */
enum task_result {
    TASK_IDLE,  /* nothing to do until the next ready or notify */
    TASK_AGAIN, /* budget spent: back into the queue */
    TASK_MOVE,  /* as AGAIN, but on the worker that `pull_to` says */
    TASK_GONE,  /* the task must not be touched any more */
};

struct task_ops {
    /* One activation: some turns within the worker's budget. [home worker] */
    enum task_result (*run)(struct sched_task *task, struct sched_worker *worker);
    /* The task came out of the inbox: take what the word holds and clear NOTE, in one atomic; true
     * when the task has something to do. [home worker] */
    bool (*arrived)(struct sched_task *task, struct sched_worker *worker);
};

struct sched_task {
    _Atomic uint64_t word;
    const struct task_ops *ops;
    _Atomic(struct sched_worker *) home; /* T-2 */
    struct sched_task *inbox_next;       /* inbox of the home; T-3 */

    /* only the home worker */
    struct sched_task *queue_next;
    uint32_t cost_ns;   /* per unit of work, smoothed; 0: never measured */
    uint32_t queued_at; /* worker time when it was queued, in microseconds, wraps */
    bool queued;        /* in the home's queue or run-next slot, or running */
    uint16_t pull;      /* activations in a row whose sends all went to one other worker */
    uint16_t pull_to;   /* that worker's index */
    uint16_t most;      /* the owner's */
};
