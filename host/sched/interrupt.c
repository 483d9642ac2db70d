/* Getting an own-thread task out of a blocking call when it is to stop (TM-4).
 *
 * A signal without SA_RESTART makes the call return EINTR. It may arrive just before the call begins, so
 * it is sent again at each tick until the task has looked at what was asked of it. */
#include <signal.h>
#include <stddef.h>

#include "sched/sched_impl.h"

/* Ignored unless somebody asks for it, and of no other use to a process that reads no out-of-band data. */
#define INTERRUPT_SIGNAL SIGURG

static void nothing(int signo) {
    (void)signo;
}

static void install(void) {
    struct sigaction before;
    if (sigaction(INTERRUPT_SIGNAL, NULL, &before) == 0 &&
        (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)) {
        struct sigaction ours = {.sa_handler = nothing};
        sigemptyset(&ours.sa_mask);
        (void)sigaction(INTERRUPT_SIGNAL, &ours, NULL);
    }
}

/* The process has one disposition for it; setting it again changes nothing. */
void interrupt_prepare(sigset_t *blocked) {
    install();
    sigdelset(blocked, INTERRUPT_SIGNAL);
}

void interrupt_thread(struct sched_worker *worker) {
    if (worker->has_thread && !atomic_load_explicit(&worker->parked, memory_order_relaxed)) {
        (void)pthread_kill(worker->thread, INTERRUPT_SIGNAL);
    }
}

static bool is_pool_worker(const struct sched *sched, const struct sched_worker *worker) {
    return worker >= sched->workers && worker < sched->workers + sched->options.workers;
}

void sched_interrupt(struct sched *sched, const struct sched_task *task) {
    struct sched_worker *home = atomic_load_explicit(&task->home, memory_order_acquire);
    if (is_pool_worker(sched, home) || sched->options.seeded) {
        return;
    }
    /* under the lock, and only when it is found: a retired worker may be gone */
    pthread_mutex_lock(&sched->lock);
    for (struct sched_worker *worker = sched->dedicated; worker; worker = worker->link) {
        if (worker == home && worker != sched_current()) {
            atomic_store_explicit(&worker->interrupt, true, memory_order_relaxed);
            interrupt_thread(worker);
        }
    }
    pthread_mutex_unlock(&sched->lock);
}

void interrupt_again(struct sched *sched) {
    pthread_mutex_lock(&sched->lock);
    for (struct sched_worker *worker = sched->dedicated; worker; worker = worker->link) {
        if (atomic_load_explicit(&worker->interrupt, memory_order_relaxed)) {
            interrupt_thread(worker);
        }
    }
    pthread_mutex_unlock(&sched->lock);
}
