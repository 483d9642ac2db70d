/* Seizing: a thread that is stuck in its task moves off its worker, and another one goes on there.
 *
 * The worker stays where it is: it is the home of tasks, with their queue, run-next slot and inbox. What
 * belongs to the thread (local, fault thread) goes with it to a worker of its own, a *stray*. The stuck
 * task goes along, so that T-1 holds: what others note at the old home is passed on by T-3. When its
 * activation is over, the stray gives the task back and its thread ends.
 *
 * A stray's inbox is emptied by its thread, which may be stuck, so while it is, each tick looks into it;
 * and once the stray is sealed, by whoever puts something in. */
#include <linux/membarrier.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sched/sched_impl.h"

/* Beyond one for each worker. */
#define STRAYS_SPARE 16u
/* How long a stop waits for threads whose task was taken from them. */
#define STOP_PATIENCE_NS (200 * NS_PER_MS)

bool sched_announce_barrier(void) {
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void seize_prepare(struct sched *sched) {
    sched->can_seize = !sched->options.seeded && sched_announce_barrier();
}

bool sched_barrier(struct sched *sched) {
    return sched->can_seize && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* --- finding --- */

static struct sched_worker *find_in(struct sched_worker *list, const void *local) {
    while (list && list->local != local) {
        list = list->link;
    }
    return list;
}

static struct sched_worker *find_locked(struct sched *sched, const void *local) {
    for (unsigned i = 0; i < sched->options.workers; i++) {
        if (sched->workers[i].local == local) {
            return &sched->workers[i];
        }
    }
    struct sched_worker *worker = find_in(sched->dedicated, local);
    return worker ? worker : find_in(sched->strays, local);
}

static bool is_stopping(struct sched *sched) {
    return atomic_load_explicit(&sched->stop, memory_order_relaxed);
}

enum sched_place sched_find(struct sched *sched, const void *local) {
    pthread_mutex_lock(&sched->lock);
    const struct sched_worker *worker = find_locked(sched, local);
    enum sched_place place = !worker             ? SCHED_NOWHERE
                             : worker->origin    ? SCHED_STRAY
                             : worker->dedicated ? SCHED_OWN
                                                 : SCHED_POOL;
    pthread_mutex_unlock(&sched->lock);
    return place;
}

bool sched_reach(struct sched *sched, const void *local, void (*reach)(pthread_t thread)) {
    pthread_mutex_lock(&sched->lock);
    /* not joined while it is found, and while nobody stops them all */
    const struct sched_worker *worker = is_stopping(sched) ? NULL : find_locked(sched, local);
    bool found = worker && worker->has_thread;
    if (found) {
        reach(worker->thread);
    }
    pthread_mutex_unlock(&sched->lock);
    return found;
}

/* --- inboxes of strays --- */

/* Of what stands in the inbox, passes on what is not at home here; `all`: nothing is any more. */
static void pass_on(struct sched_worker *stray, bool all) {
    struct sched_task *task = atomic_exchange_explicit(&stray->inbox, NULL, memory_order_acq_rel);
    while (task) {
        struct sched_task *next = task->inbox_next;
        struct sched_worker *home = atomic_load_explicit(&task->home, memory_order_acquire);
        if (home == stray && all) {
            /* its last activation was here; only who holds it by its NOTE is left (T-3) */
            home = stray->origin;
            atomic_store_explicit(&task->home, home, memory_order_release);
        }
        worker_push_inbox(home, task);
        task = next;
    }
}

void seize_pass_on(struct sched_worker *stray) {
    pass_on(stray, true);
}

/* From now on who puts something into the inbox passes it on. */
static void seal(struct sched_worker *stray) {
    /* seq_cst: before the look into the inbox; pairs with the push and the look of worker_wake */
    atomic_store_explicit(&stray->sleeping, SLEEPING_SEALED, memory_order_seq_cst);
    pass_on(stray, true);
}

/* --- seizing --- */

static struct sched_worker *make_stray(struct sched *sched) {
    struct sched_worker *stray = mem_aligned(_Alignof(struct sched_worker), sizeof *stray);
    if (stray) {
        stray->sched = sched;
        stray->wake_fd = -1;
        stray->dedicated = true;
        pthread_mutex_lock(&sched->lock);
        stray->index = sched->next_index++;
        pthread_mutex_unlock(&sched->lock);
    }
    return stray;
}

static struct sched_worker *take_stray(struct sched *sched, struct err *err) {
    pthread_mutex_lock(&sched->lock);
    unsigned most = sched->options.workers + STRAYS_SPARE;
    bool room = sched->stray_count < most;
    struct sched_worker *stray = room ? sched->spare_strays : NULL;
    sched->stray_count += room;
    if (stray) {
        sched->spare_strays = stray->link;
    }
    pthread_mutex_unlock(&sched->lock);
    if (!room) {
        err_set(err, ERR_REFUSED, "%u threads are stuck already", most);
        return NULL;
    }
    stray = stray ? stray : make_stray(sched);
    if (!stray) {
        pthread_mutex_lock(&sched->lock);
        sched->stray_count--;
        pthread_mutex_unlock(&sched->lock);
        err_set(err, ERR_NOMEM, "a worker for the stuck thread");
        return NULL;
    }
    stray->revoked = false;
    atomic_store_explicit(&stray->over, false, memory_order_relaxed);
    atomic_store_explicit(&stray->sleeping, 0, memory_order_relaxed);
    return stray;
}

static void put_stray(struct sched *sched, struct sched_worker *stray) {
    pthread_mutex_lock(&sched->lock);
    stray->has_thread = false;
    stray->local = NULL;
    stray->fault = NULL;
    stray->link = sched->spare_strays;
    sched->spare_strays = stray;
    sched->stray_count--;
    pthread_mutex_unlock(&sched->lock);
}

static void hand_over(struct sched_worker *from, struct sched_worker *to) {
    to->local = from->local;
    to->fault = from->fault;
    to->thread = from->thread;
    to->has_thread = from->has_thread;
    to->leave = from->leave;
    to->now_ns = from->now_ns;
    to->coarse_ns = from->coarse_ns;
    atomic_store_explicit(&to->done, sched_done(from), memory_order_relaxed);
    to->read_at = from->read_at;
}

/* Under the lock: a stop joins the threads that it finds, and no others come. */
static int swap_locked(struct sched *sched, struct sched_worker *worker, struct sched_worker *stray,
                       const struct sched_worker *relief, struct err *err) {
    char name[16] = "troupe";
    if (is_stopping(sched)) {
        return err_set(err, ERR_STOPPED, "the scheduler is stopping");
    }
    (void)pthread_getname_np(worker->thread, name, sizeof name);
    hand_over(worker, stray);
    stray->origin = worker;
    worker->hot = NULL;
    worker->local = relief->local;
    worker->fault = relief->fault;
    if (worker_start(worker, name, err) < 0) {
        hand_over(stray, worker);
        return -1;
    }
    stray->link = sched->strays;
    sched->strays = stray;
    return 0;
}

/* What the thread that goes on with `worker` brings along, in ret->local and ret->fault. */
static int make_relief(struct sched_worker *worker, struct sched_worker *ret, struct err *err) {
    struct sched *sched = worker->sched;
    struct fault_thread *before = worker->fault;
    ret->fault = worker_fault_create(err);
    if (!ret->fault) {
        return -1;
    }
    worker->fault = ret->fault; /* the owner may fill it in */
    ret->local = sched->options.local_create(sched->options.context, worker);
    worker->fault = before;
    if (!ret->local) {
        worker_fault_destroy(ret->fault);
        return err_set(err, ERR_NOMEM, "what the other thread needs");
    }
    return 0;
}

static int seize(struct sched *sched, struct sched_worker *worker, struct sched_task *task,
                 struct sched_worker *stray, struct err *err) {
    struct sched_worker relief = {.sched = sched};
    if (make_relief(worker, &relief, err) < 0) {
        return -1;
    }
    stray->running = task;
    /* before the other thread runs: what it collects of this task it passes on */
    atomic_store_explicit(&task->home, stray, memory_order_release);
    pthread_mutex_lock(&sched->lock);
    int status = swap_locked(sched, worker, stray, &relief, err);
    pthread_mutex_unlock(&sched->lock);
    if (status < 0) {
        atomic_store_explicit(&task->home, worker, memory_order_release);
        sched->options.local_destroy(sched->options.context, relief.local);
        worker_fault_destroy(relief.fault);
    }
    return status;
}

int sched_seize(struct sched *sched, const void *local, struct sched_task *task,
                struct sched_worker **ret, struct err *err) {
    pthread_mutex_lock(&sched->lock);
    struct sched_worker *worker = find_locked(sched, local);
    pthread_mutex_unlock(&sched->lock);
    if (!worker || worker->origin) {
        return err_set(err, ERR_INVALID, "the thread has no worker to leave");
    }
    struct sched_worker *stray = take_stray(sched, err);
    if (!stray) {
        return -1;
    }
    if (seize(sched, worker, task, stray, err) < 0) {
        stray->origin = worker;
        seal(stray);
        put_stray(sched, stray);
        return -1;
    }
    *ret = stray;
    return 0;
}

void sched_moved(struct sched_worker *stray) {
    worker_enter(stray);
}

void sched_revoke(struct sched_worker *stray, struct sched_task *task) {
    pthread_mutex_lock(&stray->sched->lock);
    stray->revoked = true;
    pthread_mutex_unlock(&stray->sched->lock);
    give_to(task, stray->origin);
    seal(stray);
}

/* --- the end of a stray --- */

void seize_give_back(struct sched_worker *stray, struct sched_task *task, enum task_result result) {
    if (result != TASK_GONE) {
        give_to(task, stray->origin);
    }
    seal(stray);
}

void sched_leave(struct sched_worker *stray) {
    longjmp(*(jmp_buf *)stray->leave, 1);
}

void seize_over(struct sched_worker *stray) {
    /* seq_cst: before the look at `ticking` in tick_want; pairs with the end of sched_tick */
    atomic_store_explicit(&stray->over, true, memory_order_seq_cst);
    tick_want(stray); /* it is joined there */
}

static void reap(struct sched *sched, struct sched_worker *stray) {
    sched->options.local_destroy(sched->options.context, stray->local);
    worker_fault_destroy(stray->fault);
    put_stray(sched, stray);
}

/* The first that is over, taken out of the list; passes on what lies in the inboxes of the others. */
static struct sched_worker *take_over_locked(struct sched *sched) {
    struct sched_worker *found = NULL;
    if (is_stopping(sched)) {
        return NULL; /* seize_stop does the rest */
    }
    for (struct sched_worker **at = &sched->strays; *at && !found;) {
        struct sched_worker *stray = *at;
        if (atomic_load_explicit(&stray->over, memory_order_acquire)) {
            *at = stray->link;
            found = stray;
        } else {
            if (!stray->revoked && atomic_load_explicit(&stray->inbox, memory_order_relaxed)) {
                pass_on(stray, false);
            }
            at = &stray->link;
        }
    }
    return found;
}

void seize_tick(struct sched *sched) {
    struct sched_worker *stray;
    do {
        pthread_mutex_lock(&sched->lock);
        stray = take_over_locked(sched);
        pthread_mutex_unlock(&sched->lock);
        if (stray) {
            pthread_join(stray->thread, NULL);
            reap(sched, stray);
        }
    } while (stray);
}

bool seize_is_busy_locked(struct sched *sched) {
    for (const struct sched_worker *stray = sched->strays; stray; stray = stray->link) {
        /* one that was given up may never come back, and needs no ticks until it does */
        if (!stray->revoked || atomic_load_explicit(&stray->over, memory_order_seq_cst)) {
            return true;
        }
    }
    return false;
}

static bool join_patiently(struct sched_worker *stray, const struct timespec *until) {
    bool is_waited_for =
        !stray->revoked || atomic_load_explicit(&stray->over, memory_order_acquire);
    return (is_waited_for ? pthread_join(stray->thread, NULL)
                          : pthread_timedjoin_np(stray->thread, NULL, until)) == 0;
}

unsigned seize_stop(struct sched *sched) {
    struct timespec until;
    unsigned left = 0;
    (void)clock_gettime(CLOCK_REALTIME, &until); /* the clock of pthread_timedjoin_np */
    uint64_t nsec = (uint64_t)until.tv_nsec + STOP_PATIENCE_NS;
    until.tv_sec += (time_t)(nsec / NS_PER_S);
    until.tv_nsec = (long)(nsec % NS_PER_S);
    struct sched_worker *next;
    pthread_mutex_lock(&sched->lock);
    struct sched_worker *stray = sched->strays;
    sched->strays = NULL;
    pthread_mutex_unlock(&sched->lock);
    for (; stray; stray = next) {
        next = stray->link;
        if (join_patiently(stray, &until)) {
            reap(sched, stray);
            continue;
        }
        pthread_mutex_lock(&sched->lock);
        stray->link = sched->strays;
        sched->strays = stray;
        pthread_mutex_unlock(&sched->lock);
        left++;
    }
    return left;
}

void seize_free(struct sched *sched) {
    while (sched->spare_strays) {
        struct sched_worker *stray = sched->spare_strays;
        sched->spare_strays = stray->link;
        mem_free(stray);
    }
}
