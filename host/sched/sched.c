/* Making, starting, stopping the scheduler and its workers. */
#include "sched/sched.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sched/sched_impl.h"

struct fault_thread *worker_fault_create(struct err *err) {
    struct fault_thread *fault = mem_alloc(sizeof *fault);
    if (!fault) {
        err_set(err, ERR_NOMEM, "stack for signals");
        return NULL;
    }
    if (fault_thread_init(fault, err) < 0) {
        mem_free(fault);
        return NULL;
    }
    return fault;
}

void worker_fault_destroy(struct fault_thread *fault) {
    if (fault) {
        fault_thread_fini(fault);
        mem_free(fault);
    }
}

int worker_init(struct sched_worker *worker, struct sched *sched, unsigned index, struct err *err) {
    worker->sched = sched;
    worker->index = index;
    if (sched->options.seeded) {
        worker->fault = &sched->fault;
    } else if (!worker->fault) {
        worker->fault = worker_fault_create(err);
    }
    if (!worker->fault || (!worker->fault->map && fault_thread_init(worker->fault, err) < 0)) {
        return err_wrap(err, "worker %u", index);
    }
    worker->local = sched->options.local_create(sched->options.context, worker);
    if (!worker->local) {
        return err_set(err, ERR_NOMEM, "worker %u", index);
    }
    return 0;
}

void worker_end_local(struct sched_worker *worker) {
    if (worker->local) {
        worker->sched->options.local_destroy(worker->sched->options.context, worker->local);
        worker->local = NULL;
    }
}

void worker_fini(struct sched_worker *worker) {
    worker_end_local(worker);
    if (worker->sched && !worker->sched->options.seeded) {
        worker_fault_destroy(worker->fault);
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
    struct sched *sched = mem_aligned(_Alignof(struct sched), sizeof *sched);
    if (!sched) {
        return err_set(err, ERR_NOMEM, "scheduler");
    }
    sched->options = *options;
    seize_prepare(sched);
    fault_open();
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
        sched->workers[i].wake_fd = -1;
        /* the seed decides each step */
        sched->workers[i].run_on_most = options->seeded ? 0 : NEXT_STREAK_MAX;
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
    struct fault_thread *fault = worker->fault; /* the thread's, wherever it moves */
    jmp_buf leave;
    fault_thread_enter(fault);
    if (setjmp(leave) == 0) {
        worker->leave = (void *)&leave;
        worker_loop(worker);
    }
    fault_thread_leave(fault);
    struct sched_worker *stray = sched_current();
    if (stray) {
        worker_enter(NULL);
        seize_over(stray);
    }
    return NULL;
}

/* Workers take no signals: those go to the threads that watch for them. */
int worker_start(struct sched_worker *worker, const char *name, struct err *err) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGTRAP);
    if (worker->dedicated) {
        interrupt_prepare(&all);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&worker->thread, NULL, thread_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        return err_errno(err, ERR_IO, failed, "cannot start a thread");
    }
    worker->has_thread = true;
    char kept[16]; /* a longer name would be refused */
    (void)snprintf(kept, sizeof kept, "%.15s", name);
    (void)pthread_setname_np(worker->thread, kept);
    return 0;
}

int sched_start(struct sched *sched, struct err *err) {
    sched->started = true;
    if (sched->options.seeded) {
        return 0;
    }
    for (unsigned i = 0; i < sched->options.workers; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "troupe-w%u", i);
        if (worker_start(&sched->workers[i], name, err) < 0) {
            sched_stop(sched);
            return err_wrap(err, "worker %u", i);
        }
    }
    return 0;
}

void worker_join(struct sched_worker *worker) {
    if (worker->has_thread) {
        worker_wake(worker);
        pthread_join(worker->thread, NULL);
        worker->has_thread = false;
    }
}

unsigned sched_stop(struct sched *sched) {
    /* seq_cst: pairs with the look at `stop` in park.c */
    atomic_store_explicit(&sched->stop, true, memory_order_seq_cst);
    pthread_mutex_lock(&sched->lock); /* from here on no thread takes another's place */
    pthread_mutex_unlock(&sched->lock);
    for (unsigned i = 0; i < sched->options.workers; i++) {
        worker_join(&sched->workers[i]);
    }
    dedicated_stop(sched);
    unsigned left = seize_stop(sched);
    for (unsigned i = 0; i < sched->options.workers; i++) {
        worker_settle(&sched->workers[i]);
    }
    return left;
}

void sched_destroy(struct sched *sched) {
    if (!sched) {
        return;
    }
    for (unsigned i = 0; sched->workers && i < sched->options.workers; i++) {
        worker_fini(&sched->workers[i]);
    }
    dedicated_free(sched);
    seize_free(sched);
    fault_thread_fini(&sched->fault);
    fault_close();
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
