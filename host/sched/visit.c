/* Visits to all threads that run tasks. */
#include "sched/visit.h"

#include "base/alloc.h"
#include "sched/sched_impl.h"

struct visit {              /* of a worker of the pool */
    struct sched_task task; /* first */
    struct sched_visits *of;
};

struct sched_visits {
    struct sched *sched;
    bool (*is_out)(const void *local);
    bool has_barrier; /* where a thread is can be seen */
    const void *
        *others; /* locals of own threads and strays that were not found visited yet; owned */
    unsigned other_count; /* only who asks */
    _Atomic unsigned left;
    struct visit visits[];
};

/* --- the pool --- */

static enum task_result run_visit(struct sched_task *task, struct sched_worker *worker) {
    (void)task;
    (void)worker;
    return TASK_GONE;
}

/* It is never queued. */
static bool visit_arrived(struct sched_task *task, struct sched_worker *worker) {
    struct sched_visits *visits = ((struct visit *)(void *)task)->of;
    (void)worker;
    /* release: pairs with the acquire of who asks; behind it they may be freed */
    atomic_fetch_sub_explicit(&visits->left, 1, memory_order_release);
    return false;
}

static const struct task_ops visit_ops = {.run = run_visit, .arrived = visit_arrived};

static void visit_pool(struct sched_visits *visits) {
    struct sched *sched = visits->sched;
    atomic_store_explicit(&visits->left, sched->options.workers, memory_order_relaxed);
    for (unsigned i = 0; i < sched->options.workers; i++) {
        struct visit *visit = &visits->visits[i];
        visit->of = visits;
        task_init(&visit->task, &visit_ops, &sched->workers[i]);
        atomic_store_explicit(&visit->task.word, TASK_NOTE, memory_order_relaxed);
        sched_notify(&visit->task);
    }
}

/* --- own threads and strays --- */

static struct sched_worker *first_of(struct sched *sched, unsigned list) {
    return list == 0 ? sched->dedicated : sched->strays;
}

static struct sched_worker *find_locked(struct sched *sched, const void *local) {
    for (unsigned list = 0; list < 2; list++) {
        struct sched_worker *worker = first_of(sched, list);
        for (; worker; worker = worker->link) {
            if (worker->local == local) {
                return worker;
            }
        }
    }
    return NULL;
}

static unsigned count_locked(struct sched *sched) {
    unsigned count = 0;
    for (unsigned list = 0; list < 2; list++) {
        for (const struct sched_worker *worker = first_of(sched, list); worker;
             worker = worker->link) {
            count++;
        }
    }
    return count;
}

/* -1: no memory. */
static int list_others(struct sched_visits *visits) {
    struct sched *sched = visits->sched;
    pthread_mutex_lock(&sched->lock);
    visits->others = mem_array(count_locked(sched) + 1, sizeof *visits->others);
    for (unsigned list = 0; visits->others && list < 2; list++) {
        for (const struct sched_worker *worker = first_of(sched, list); worker;
             worker = worker->link) {
            visits->others[visits->other_count++] = worker->local;
        }
    }
    pthread_mutex_unlock(&sched->lock);
    return visits->others ? 0 : -1;
}

static bool is_visited_locked(struct sched_visits *visits, const void *local) {
    const struct sched_worker *worker = find_locked(visits->sched, local);
    /* seq_cst: behind the barrier; pairs with park.c */
    return !worker ||
           (visits->has_barrier &&
            (atomic_load_explicit(&worker->parked, memory_order_seq_cst) || visits->is_out(local)));
}

static void look_at_others(struct sched_visits *visits) {
    struct sched *sched = visits->sched;
    pthread_mutex_lock(&sched->lock);
    for (unsigned i = visits->other_count; i-- > 0;) {
        if (is_visited_locked(visits, visits->others[i])) {
            visits->others[i] = visits->others[--visits->other_count];
        }
    }
    pthread_mutex_unlock(&sched->lock);
}

/* --- the whole --- */

struct sched_visits *sched_visit(struct sched *sched, bool (*is_out)(const void *local)) {
    bool is_alone = sched->options.seeded; /* all that ran is over */
    unsigned count = is_alone ? 0 : sched->options.workers;
    struct sched_visits *visits = mem_alloc(sizeof *visits + count * sizeof *visits->visits);
    if (!visits) {
        return NULL;
    }
    visits->sched = sched;
    visits->is_out = is_out;
    if (is_alone) {
        return visits;
    }
    if (list_others(visits) < 0) {
        mem_free(visits);
        return NULL;
    }
    visits->has_barrier = visits->other_count == 0 || sched_barrier(sched);
    visit_pool(visits);
    return visits;
}

bool sched_visits_are_over(struct sched_visits *visits) {
    if (visits->other_count > 0) {
        look_at_others(visits);
    }
    /* acquire: pairs with visit_arrived */
    return visits->other_count == 0 &&
           atomic_load_explicit(&visits->left, memory_order_acquire) == 0;
}

void sched_visits_destroy(struct sched_visits *visits) {
    if (visits) {
        mem_free((void *)visits->others);
        mem_free(visits);
    }
}
