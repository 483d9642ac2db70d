/* Making, starting, stopping the scheduler; dedicated workers; the seeded mode. */
#include "sched/sched.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sched/sched_impl.h"

static int worker_init(struct sched_worker *worker, struct sched *sched, unsigned index,
                       struct err *err) {
    worker->sched = sched;
    worker->index = index;
    worker->wake_fd = -1;
    worker->local = sched->options.local_create(sched->options.context, worker);
    if (!worker->local) {
        return err_set(err, ERR_NOMEM, "worker %u", index);
    }
    return 0;
}

static void worker_fini(struct sched_worker *worker) {
    if (worker->local) {
        worker->sched->options.local_destroy(worker->sched->options.context, worker->local);
    }
    if (worker->wake_fd >= 0) {
        (void)close(worker->wake_fd);
    }
}

int sched_create(const struct sched_options *options, struct sched **ret, struct err *err) {
    if (options->workers < 1 || options->workers > SCHED_WORKERS_MAX) {
        return err_set(err, ERR_INVALID, "need 1 to %d workers, got %u", SCHED_WORKERS_MAX,
                       options->workers);
    }
    struct sched *sched = mem_alloc(sizeof *sched);
    if (!sched) {
        return err_set(err, ERR_NOMEM, "scheduler");
    }
    sched->options = *options;
    sched->random = options->seed;
    sched->next_index = options->workers;
    pthread_mutex_init(&sched->lock, NULL);
    sched->workers =
        mem_aligned(_Alignof(struct sched_worker), options->workers * sizeof *sched->workers);
    if (!sched->workers) {
        err_set(err, ERR_NOMEM, "scheduler with %u workers", options->workers);
        goto fail;
    }
    for (unsigned i = 0; i < options->workers; i++) {
        if (worker_init(&sched->workers[i], sched, i, err) < 0) {
            goto fail;
        }
    }
    *ret = sched;
    return 0;

fail:
    sched_destroy(sched);
    return -1;
}

static void *thread_main(void *argument) {
    struct sched_worker *worker = argument;
    worker_loop(worker);
    return NULL;
}

/* Workers take no signals: those go to the threads that watch for them. */
static int worker_start(struct sched_worker *worker, const char *name, struct err *err) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGTRAP);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&worker->thread, NULL, thread_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        return err_errno(err, ERR_IO, failed, "cannot start thread '%s'", name);
    }
    worker->has_thread = true;
    (void)pthread_setname_np(worker->thread, name);
    return 0;
}

int sched_start(struct sched *sched, struct err *err) {
    sched->started = true;
    if (sched->options.seeded) {
        return 0;
    }
    for (unsigned i = 0; i < sched->options.workers; i++) {
        char name[32]; /* the kernel keeps 15 characters */
        (void)snprintf(name, sizeof name, "troupe-w%u", i);
        if (worker_start(&sched->workers[i], name, err) < 0) {
            sched_stop(sched);
            return -1;
        }
    }
    return 0;
}

static void worker_join(struct sched_worker *worker) {
    if (worker->has_thread) {
        worker_wake(worker);
        pthread_join(worker->thread, NULL);
        worker->has_thread = false;
    }
}

void sched_stop(struct sched *sched) {
    /* seq_cst: pairs with the look at `stop` in park.c */
    atomic_store_explicit(&sched->stop, true, memory_order_seq_cst);
    for (unsigned i = 0; i < sched->options.workers; i++) {
        worker_join(&sched->workers[i]);
    }
    pthread_mutex_lock(&sched->lock);
    struct sched_worker *dedicated = sched->dedicated;
    pthread_mutex_unlock(&sched->lock);
    for (; dedicated; dedicated = dedicated->link) {
        worker_join(dedicated);
    }
}

void sched_destroy(struct sched *sched) {
    if (!sched) {
        return;
    }
    for (unsigned i = 0; sched->workers && i < sched->options.workers; i++) {
        worker_fini(&sched->workers[i]);
    }
    while (sched->dedicated) {
        struct sched_worker *worker = sched->dedicated;
        sched->dedicated = worker->link;
        worker_fini(worker);
        mem_free(worker);
    }
    pthread_mutex_destroy(&sched->lock);
    mem_free(sched->workers);
    mem_free(sched);
}

struct sched_worker *sched_worker_at(struct sched *sched, unsigned index) {
    return &sched->workers[index % sched->options.workers];
}

unsigned sched_worker_count(const struct sched *sched) {
    return sched->options.workers;
}

bool sched_is_seeded(const struct sched *sched) {
    return sched->options.seeded;
}

/* Workers that retired are joined and freed here, so that actors with threads may come and go. */
static void reap_retired(struct sched *sched) {
    pthread_mutex_lock(&sched->lock);
    struct sched_worker *retired = NULL;
    for (struct sched_worker **at = &sched->dedicated; *at;) {
        struct sched_worker *worker = *at;
        /* acquire: pairs with sched_retire; nothing of the worker is in use any more */
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
        worker_fini(worker);
        mem_free(worker);
    }
}

int sched_dedicate(struct sched *sched, const char *name, struct sched_task *task,
                   struct sched_worker **ret, struct err *err) {
    if (!sched->options.seeded) {
        reap_retired(sched);
    }
    struct sched_worker *worker = mem_aligned(_Alignof(struct sched_worker), sizeof *worker);
    if (!worker) {
        return err_set(err, ERR_NOMEM, "thread '%s'", name);
    }
    pthread_mutex_lock(&sched->lock);
    unsigned index = sched->next_index++;
    pthread_mutex_unlock(&sched->lock);
    worker->dedicated = true;
    if (worker_init(worker, sched, index, err) < 0) {
        mem_free(worker);
        return -1;
    }
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->wake_fd < 0) {
        err_errno(err, ERR_IO, errno, "thread '%s'", name);
        goto fail;
    }
    struct sched_worker *before = atomic_load_explicit(&task->home, memory_order_relaxed);
    /* release: pairs with senders that read `home` */
    atomic_store_explicit(&task->home, worker, memory_order_release);
    if (!sched->options.seeded && worker_start(worker, name, err) < 0) {
        atomic_store_explicit(&task->home, before, memory_order_release);
        goto fail;
    }
    pthread_mutex_lock(&sched->lock);
    worker->link = sched->dedicated;
    sched->dedicated = worker;
    pthread_mutex_unlock(&sched->lock);
    *ret = worker;
    return 0;

fail:
    worker_fini(worker);
    mem_free(worker);
    return -1;
}

void sched_retire(struct sched_worker *worker) {
    worker->retire = true;
    atomic_store_explicit(&worker->idle, true, memory_order_release);
}
