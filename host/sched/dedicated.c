/* Dedicated workers: threads that belong to one task each, and come and go. */
#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/alloc.h"
#include "sched/sched_impl.h"

static void put_spare(struct sched *sched, struct sched_worker *worker) {
    pthread_mutex_lock(&sched->lock);
    worker->link = sched->spare;
    sched->spare = worker;
    pthread_mutex_unlock(&sched->lock);
}

static struct sched_worker *take_first(struct sched *sched, struct sched_worker **list) {
    pthread_mutex_lock(&sched->lock);
    struct sched_worker *worker = *list;
    if (worker) {
        *list = worker->link;
    }
    pthread_mutex_unlock(&sched->lock);
    return worker;
}

/* Its task may sit in a blocking call, or just begin one: interrupted until it comes out. */
static void join_stubborn(struct sched_worker *worker) {
    if (!worker->has_thread) {
        return;
    }
    worker_wake(worker);
    for (;;) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until); /* the clock of the call below */
        until.tv_nsec += 5 * (long)NS_PER_MS;
        if (until.tv_nsec >= (long)NS_PER_S) {
            until.tv_nsec -= (long)NS_PER_S;
            until.tv_sec++;
        }
        if (pthread_timedjoin_np(worker->thread, NULL, &until) != ETIMEDOUT) {
            break;
        }
        interrupt_thread(worker);
    }
    worker->has_thread = false;
}

void dedicated_stop(struct sched *sched) {
    for (struct sched_worker *worker; (worker = take_first(sched, &sched->dedicated));) {
        join_stubborn(worker);
        worker_settle(worker);
        put_spare(sched, worker);
    }
}

static void free_list(struct sched_worker *worker) {
    while (worker) {
        struct sched_worker *next = worker->link;
        worker_fini(worker);
        mem_free(worker);
        worker = next;
    }
}

void dedicated_free(struct sched *sched) {
    free_list(sched->dedicated);
    free_list(sched->spare);
}

/* Workers that retired are joined here and kept for use again. Never freed while others run: who
 * noted the last task may still be looking whether its worker sleeps. */
static void reap_retired(struct sched *sched) {
    pthread_mutex_lock(&sched->lock);
    struct sched_worker *retired = NULL;
    for (struct sched_worker **at = &sched->dedicated; *at;) {
        struct sched_worker *worker = *at;
        /* acquire: pairs with sched_retire */
        if (atomic_load_explicit(&worker->idle, memory_order_acquire)) {
            *at = worker->link;
            worker->link = retired;
            retired = worker;
        } else {
            at = &worker->link;
        }
    }
    pthread_mutex_unlock(&sched->lock);
    while (retired) {
        struct sched_worker *worker = retired;
        retired = worker->link;
        worker_join(worker);
        worker_end_local(worker);
        put_spare(sched, worker);
    }
}

static struct sched_worker *make(struct sched *sched, struct err *err) {
    struct sched_worker *worker = mem_aligned(_Alignof(struct sched_worker), sizeof *worker);
    if (!worker) {
        err_set(err, ERR_NOMEM, "a worker of its own");
        return NULL;
    }
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->wake_fd < 0) {
        err_errno(err, ERR_IO, errno, "cannot make an event fd");
        mem_free(worker);
        return NULL;
    }
    worker->dedicated = true;
    pthread_mutex_lock(&sched->lock);
    worker->index = sched->next_index++;
    pthread_mutex_unlock(&sched->lock);
    return worker;
}

static struct sched_worker *take(struct sched *sched, struct err *err) {
    struct sched_worker *worker = take_first(sched, &sched->spare);
    if (!worker) {
        return make(sched, err);
    }
    worker->retire = false;
    worker->short_idles = 0;
    atomic_store_explicit(&worker->idle, false, memory_order_relaxed);
    atomic_store_explicit(&worker->parked, false, memory_order_relaxed);
    atomic_store_explicit(&worker->interrupt, false, memory_order_relaxed);
    return worker;
}

/* Under the lock: sched_stop joins what is in the list, and nothing comes in behind it. */
static int start_locked(struct sched *sched, struct sched_worker *worker, const char *name,
                        struct err *err) {
    if (atomic_load_explicit(&sched->stop, memory_order_relaxed)) {
        return err_set(err, ERR_STOPPED, "the scheduler is stopping");
    }
    if (!sched->options.seeded && worker_start(worker, name, err) < 0) {
        return -1;
    }
    worker->link = sched->dedicated;
    sched->dedicated = worker;
    return 0;
}

static int start(struct sched *sched, struct sched_worker *worker, const char *name,
                 struct err *err) {
    if (worker_init(worker, sched, worker->index, err) < 0) {
        return -1;
    }
    pthread_mutex_lock(&sched->lock);
    int status = start_locked(sched, worker, name, err);
    pthread_mutex_unlock(&sched->lock);
    if (status < 0) {
        worker_end_local(worker);
    }
    return status;
}

int sched_dedicate(struct sched *sched, const char *name, struct sched_task *task,
                   struct sched_worker **ret, struct err *err) {
    if (!sched->options.seeded) {
        reap_retired(sched);
    }
    struct sched_worker *worker = take(sched, err);
    if (worker && start(sched, worker, name, err) < 0) {
        put_spare(sched, worker);
        worker = NULL;
    }
    if (!worker) {
        return err_wrap(err, "thread '%s'", name);
    }
    /* release: pairs with senders that read `home` */
    atomic_store_explicit(&task->home, worker, memory_order_release);
    *ret = worker;
    return 0;
}

void sched_retire(struct sched_worker *worker) {
    worker->retire = true;
    atomic_store_explicit(&worker->idle, true, memory_order_release);
}
