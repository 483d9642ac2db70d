/* A worker: its queue, its inbox, its loop. */
#include "sched/sched_impl.h"

#include <assert.h>
#include <stddef.h>

#include "base/hot.h"

/* Units of work between two looks at the clock: one read costs as much as a whole message. */
#define CLOCK_UNITS 32u
/* An activation of dear units: long enough for the hand-over, short enough not to be waited for. */
#define ACTIVATION_NS 200000u
/* After so much time of activations measured a worker looks whether it is still slow. */
#define JUDGE_NS NS_PER_MS

static _Thread_local struct sched_worker *current;

struct sched_worker *sched_current(void) {
    return current;
}

void worker_enter(struct sched_worker *worker) {
    current = worker;
}

void task_init(struct sched_task *task, const struct task_ops *ops, struct sched_worker *home) {
    *task = (struct sched_task){.ops = ops};
    atomic_store_explicit(&task->home, home, memory_order_relaxed);
}

static void queue_add(struct sched_worker *worker, struct sched_task *task) {
    task->queue_next = NULL;
    if (worker->tail) {
        worker->tail->queue_next = task;
    } else {
        worker->head = task;
    }
    worker->tail = task;
    worker->queue_length++;
    task->queued_at = (uint32_t)(worker->now_ns / NS_PER_US);
}

void sched_ready_here(struct sched_worker *worker, struct sched_task *task) {
    assert(worker == current);
    assert(worker == atomic_load_explicit(&task->home, memory_order_relaxed));
    if (task->queued) {
        return;
    }
    task->queued = true;
    struct sched_task *before = worker->next;
    worker->next = task;
    if (before) {
        queue_add(worker, before);
    }
}

void sched_ready(struct sched_task *task) {
    sched_ready_here(current, task);
}

void sched_ready_last(struct sched_task *task) {
    if (!task->queued) {
        task->queued = true;
        queue_add(current, task);
    }
}

void sched_ready_later(struct sched_task *task) {
    struct sched_worker *worker = current;
    if (task->queued) {
        return;
    }
    if (worker->later || !worker->head) {
        sched_ready(task);
        return;
    }
    task->queued = true;
    worker->later = task;
    worker->later_streak = 0;
}

HOT void worker_push_inbox(struct sched_worker *worker, struct sched_task *task) {
    /* Guessed empty: to look first would fetch the line once to read and once more to write. */
    struct sched_task *head = NULL;
    do {
        task->inbox_next = head;
        /* seq_cst: orders the push before the look at `sleeping` in worker_wake; pairs with park() */
    } while (!atomic_compare_exchange_weak_explicit(&worker->inbox, &head, task,
                                                    memory_order_seq_cst, memory_order_relaxed));
    if (!head) {
        worker_wake(worker); /* who found it empty wakes; the others rely on that one */
    }
}

HOT void sched_notify(struct sched_task *task) {
    worker_push_inbox(atomic_load_explicit(&task->home, memory_order_acquire), task);
}

static struct sched_task *reversed(struct sched_task *stack) {
    struct sched_task *list = NULL;
    while (stack) {
        struct sched_task *next = stack->inbox_next;
        stack->inbox_next = list;
        list = stack;
        stack = next;
    }
    return list;
}

bool worker_arrive(struct sched_worker *worker, struct sched_task *task) {
    if (!task->ops->arrived(task, worker)) {
        return false;
    }
    if (!task->queued) {
        task->queued = true;
        queue_add(worker, task);
    }
    return true;
}

/* Moves what others noted into the queue, in the order they did. */
HOT void worker_collect(struct sched_worker *worker) {
    if (!atomic_load_explicit(&worker->inbox, memory_order_relaxed)) {
        return;
    }
    /* acquire: pairs with the push; what the sender wrote before is seen */
    struct sched_task *task =
        reversed(atomic_exchange_explicit(&worker->inbox, NULL, memory_order_acq_rel));
    bool alone = !task->inbox_next;
    worker->hot = NULL;
    while (task) {
        struct sched_task *next = task->inbox_next;
        struct sched_worker *home = atomic_load_explicit(&task->home, memory_order_acquire);
        if (home != worker) {
            worker_push_inbox(home, task); /* given away meanwhile: NOTE stays set (T-3) */
        } else if (worker_arrive(worker, task) && alone) {
            worker->hot = task;
        }
        task = next;
    }
}

void worker_settle(struct sched_worker *worker) {
    worker_enter(worker);
    worker_collect(worker);
    worker_enter(NULL);
}

/* Takes the first out of a queue that is not empty. */
static inline struct sched_task *queue_first(struct sched_worker *worker) {
    struct sched_task *task = worker->head;
    worker->head = task->queue_next;
    if (!worker->head) {
        worker->tail = NULL;
    }
    worker->queue_length--;
    return task;
}

static struct sched_task *queue_take(struct sched_worker *worker) {
    struct sched_task *task = worker->next;
    if (task && (worker->next_streak < NEXT_STREAK_MAX || !(worker->head || worker->later))) {
        worker->next = NULL;
        /* from 0 where nobody waits, else sched_run_on would take none any more */
        worker->next_streak = worker->next_streak < NEXT_STREAK_MAX ? worker->next_streak + 1 : 0;
        return task;
    }
    worker->next_streak = 0;
    if (worker->later && (!worker->head || ++worker->later_streak > SCHED_LATER_MOST)) {
        task = worker->later;
        worker->later = NULL;
        return task;
    }
    return worker->head ? queue_first(worker) : NULL;
}

/* All that stands between two steps of the loop is looked at here, too. */
struct sched_task *sched_run_on(struct sched_worker *worker, struct sched_task *task) {
    struct sched_task *next = worker->next;
    if (worker->next_streak >= worker->run_on_most ||
        atomic_load_explicit(&worker->inbox, memory_order_relaxed) ||
        atomic_load_explicit(&worker->measure, memory_order_relaxed) ||
        atomic_load_explicit(&worker->sched->stop, memory_order_relaxed)) {
        return NULL;
    }
    if (worker->queue_length > 0) {
        summon_watcher(worker);
    }
    if (next) {
        worker->next = NULL;
        worker->next_streak++;
    } else if (worker->head && !worker->later) {
        next = queue_first(worker);
        worker->next_streak = 0;
    } else {
        return NULL;
    }
    task->queued = false;
    worker->running = next;
    return next;
}

bool worker_has_work(struct sched_worker *worker) {
    return worker->next || worker->head || worker->later ||
           atomic_load_explicit(&worker->inbox, memory_order_relaxed);
}

HOT __attribute__((noinline)) void worker_read_clock(struct sched_worker *worker) {
    struct clock *clock = worker->sched->options.clock;
    worker->now_ns = clock->now(clock);
    worker->coarse_ns = worker->now_ns;
    worker->read_at = sched_done(worker);
}

uint64_t sched_read_clock(struct sched_worker *worker) {
    worker_read_clock(worker);
    return worker->now_ns;
}

uint64_t sched_now(struct sched_worker *worker) {
    if (sched_done(worker) - worker->read_at >= CLOCK_UNITS || worker->now_ns == 0) {
        worker_read_clock(worker);
    }
    return worker->now_ns;
}

/* Smooths a cost robustly: one page fault or stolen time slice must not mark a cheap task as dear. */
static uint32_t smoothed(uint32_t before, uint64_t sample) {
    uint64_t cost = before;
    if (before == 0) {
        cost = sample;
    } else if (sample > before) {
        uint64_t step = before / 2 + 16;
        cost = sample - before < step ? sample : before + step;
    } else {
        cost = before - (before - sample) / 4;
    }
    return cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost;
}

/* Once found slow it stays so, also while nobody is idle: who falls idle for a short time only never gets
 * to ask. */
static inline bool is_to_measure(const struct sched_worker *worker) {
    return atomic_load_explicit(&worker->measure, memory_order_relaxed) &&
           atomic_load_explicit(&worker->sched->idle_count, memory_order_relaxed) > 0;
}

static void judge(struct sched_worker *worker, uint64_t took_ns, uint32_t units) {
    worker->measured_ns += took_ns;
    worker->measured_units += units;
    if (worker->measured_ns >= JUDGE_NS) {
        if (worker->measured_units > worker->measured_ns / DEAR_NS) {
            atomic_store_explicit(&worker->measure, false, memory_order_relaxed);
        }
        worker->measured_ns = 0;
        worker->measured_units = 0;
    }
}

/* What is left to do when it was not simply idle. */
__attribute__((noinline)) static void finish(struct sched_worker *worker, struct sched_task *task,
                                             enum task_result result) {
    if (result == TASK_IDLE || result == TASK_AGAIN) {
        task->queued = result == TASK_AGAIN;
        if (result == TASK_AGAIN) {
            queue_add(worker, task);
        }
        return;
    }
    worker->hot = NULL; /* it might be that one */
    if (result == TASK_MOVE) {
        give_to(task, sched_worker_at(worker->sched, task->pull_to));
    }
}

/* With a look at the clock before and behind. */
__attribute__((noinline)) static bool run_measured(struct sched_worker *worker,
                                                   struct sched_task *task) {
    worker_read_clock(worker);
    uint64_t before_ns = worker->now_ns;
    uint32_t before = sched_done(worker);
    uint32_t streak = worker->next_streak;
    worker->next_streak = NEXT_STREAK_MAX; /* no sched_run_on: one activation is priced */
    enum task_result result = task->ops->run(task, worker);
    if (current != worker) {
        seize_give_back(current, task, result);
        return false;
    }
    worker->next_streak = streak;
    uint32_t units = sched_done(worker) - before;
    units = units ? units : 1;
    worker_read_clock(worker); /* before it is queued again: its own time is no waiting */
    uint64_t took_ns = worker->now_ns - before_ns;
    if (result == TASK_IDLE || result == TASK_AGAIN) {
        task->cost_ns = smoothed(task->cost_ns, took_ns / units);
    }
    finish(worker, task, result);
    give_maybe(worker); /* now that the last activation is priced */
    judge(worker, worker->now_ns - before_ns, units);
    return true;
}

/* False: the thread is another worker's when the task returns, see seize.c. `current` says which. */
static inline bool run(struct sched_worker *worker, struct sched_task *task) {
    if (__builtin_expect(atomic_load_explicit(&worker->measure, memory_order_relaxed), 0) &&
        is_to_measure(worker)) {
        return run_measured(worker, task);
    }
    worker->running = task;
    enum task_result result = task->ops->run(task, worker);
    struct sched_worker *now = current;
    task = now->running; /* it may have run on */
    if (__builtin_expect(now != worker, 0)) {
        seize_give_back(now, task, result);
        return false;
    }
    if (__builtin_expect(result == TASK_IDLE, 1)) {
        task->queued = false;
    } else {
        finish(worker, task, result);
    }
    return true;
}

unsigned sched_budget(struct sched_worker *worker, const struct sched_task *task) {
    if (__builtin_expect(worker->sched->options.seeded, 0)) {
        return seeded_budget(worker);
    }
    if (__builtin_expect(task->cost_ns <= ACTIVATION_NS / SCHED_BUDGET, 1)) {
        return SCHED_BUDGET;
    }
    return task->cost_ns < ACTIVATION_NS ? ACTIVATION_NS / task->cost_ns : 1;
}

/* *ret_stays: false: the thread is another worker's now. False: there was nothing to do. */
static inline bool step(struct sched_worker *worker, bool *ret_stays) {
    if (atomic_load_explicit(&worker->inbox, memory_order_relaxed)) {
        worker_collect(worker);
    }
    struct sched_task *task = queue_take(worker);
    if (!task) {
        return false;
    }
    *ret_stays = run(worker, task);
    return true;
}

bool worker_step(struct sched_worker *worker) {
    bool stays;
    return step(worker, &stays);
}

HOT void worker_loop(struct sched_worker *worker) {
    struct sched *sched = worker->sched;
    worker_enter(worker);
    worker_read_clock(worker); /* its first turn begins now, not when ticks were last given */
    worker->woke_ns = worker->now_ns;
    tick_want(worker); /* it may find work before it ever parks */
    while (!worker->retire && !atomic_load_explicit(&sched->stop, memory_order_relaxed)) {
        bool stays;
        if (!step(worker, &stays)) {
            park(worker);
        } else if (!stays) {
            return; /* the worker has another thread now */
        } else if (worker->queue_length > 0) {
            summon_watcher(worker);
        }
    }
    /* retired, and joined later: not busy, nothing to interrupt */
    atomic_store_explicit(&worker->parked, true, memory_order_seq_cst);
    worker_enter(NULL);
}
