/* Parking: an idle worker naps, then sleeps; an idle proc costs nothing.
 *
 * Short timed sleeps right after activity keep a wake-up three times faster than one from deep sleep
 * on a virtual machine, for a few per cent of a core and for two milliseconds only. While others are
 * busy one idle worker stays a watcher: it wakes each millisecond to see whether a busy worker gets
 * on slowly, and asks it to price its tasks and give some away. */
#include "sched/sched_impl.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NAP_NS (100 * NS_PER_US)
#define NAPS 20u
#define WATCH_NS NS_PER_MS
/* A worker that does fewer units than this in a watch interval is worth pricing: 300 ns each. */
#define WATCH_UNITS (WATCH_NS / 300)

static void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t timeout_ns) {
    struct timespec limit = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                             .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
                  timeout_ns == UINT64_MAX ? NULL : &limit, NULL, 0);
}

void worker_wake(struct sched_worker *worker) {
    /* seq_cst: after the push into the inbox; pairs with the store in park() */
    uint32_t sleeping = atomic_load_explicit(&worker->sleeping, memory_order_seq_cst);
    if (sleeping == 0) {
        return;
    }
    if (sleeping == SLEEPING_SEALED) {
        seize_pass_on(worker);
        return;
    }
    sleeping = atomic_exchange_explicit(&worker->sleeping, 0, memory_order_seq_cst);
    if (sleeping == 1) {
        (void)syscall(SYS_futex, &worker->sleeping, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    } else if (sleeping == 2) {
        uint64_t one = 1;
        (void)!write(worker->wake_fd, &one, sizeof one); /* full means it is readable already */
    }
}

/* Sleeps once; returns at the latest after timeout_ns. */
static void sleep_once(struct sched_worker *worker, uint64_t timeout_ns) {
    /* seq_cst: before the look into the inbox; pairs with the push and load of a sender. One of the
     * two sees the other, so no task is left in the inbox of a sleeper. */
    atomic_store_explicit(&worker->sleeping, 1, memory_order_seq_cst);
    if (!atomic_load_explicit(&worker->inbox, memory_order_seq_cst) &&
        !atomic_load_explicit(&worker->sched->stop, memory_order_seq_cst)) {
        futex_wait(&worker->sleeping, 1, timeout_ns);
    }
    atomic_store_explicit(&worker->sleeping, 0, memory_order_seq_cst);
}

static bool disturbed(struct sched_worker *worker) {
    return worker->retire || atomic_load_explicit(&worker->inbox, memory_order_relaxed) ||
           atomic_load_explicit(&worker->sched->stop, memory_order_relaxed);
}

/* Looks at every busy worker once; returns whether there is any. Only the watcher comes here. */
static bool watch(struct sched_worker *worker) {
    struct sched *sched = worker->sched;
    bool busy = false;
    for (unsigned i = 0; i < sched->options.workers; i++) {
        struct sched_worker *other = &sched->workers[i];
        if (other == worker || atomic_load_explicit(&other->idle, memory_order_relaxed)) {
            continue;
        }
        uint64_t units = atomic_load_explicit(&other->units, memory_order_relaxed);
        bool slow = units - other->units_seen < WATCH_UNITS;
        atomic_store_explicit(&other->measure, slow, memory_order_relaxed);
        other->units_seen = units;
        busy = true;
    }
    return busy;
}

/* Becomes the watcher while anybody is busy, if nobody is yet. */
static void watch_busy(struct sched_worker *worker) {
    bool nobody = false;
    /* acquire/release: hands `units_seen` from one watcher to the next */
    if (!atomic_compare_exchange_strong_explicit(&worker->sched->watched, &nobody, true,
                                                 memory_order_acquire, memory_order_relaxed)) {
        return;
    }
    while (!disturbed(worker) && watch(worker)) {
        sleep_once(worker, WATCH_NS);
    }
    atomic_store_explicit(&worker->sched->watched, false, memory_order_release);
}

void summon_watcher(struct sched_worker *worker) {
    struct sched *sched = worker->sched;
    if (atomic_load_explicit(&sched->idle_count, memory_order_relaxed) == 0 ||
        atomic_load_explicit(&sched->watched, memory_order_relaxed)) {
        return;
    }
    for (unsigned i = 0; i < sched->options.workers; i++) {
        struct sched_worker *other = &sched->workers[i];
        if (atomic_load_explicit(&other->idle, memory_order_relaxed)) {
            worker_wake(other);
            return;
        }
    }
}

/* Idle for less than this, again and again: the partner is busy on another worker, and a short spin is
 * cheaper for both than a sleep and a wake-up. */
#define SPIN_NS (50 * NS_PER_US)
#define SPIN_FROM 4u /* short idle times in a row before it spins */
#define SPIN_MOST 16u

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void spin(struct sched_worker *worker, uint64_t since_ns) {
    struct clock *clock = worker->sched->options.clock;
    while (!disturbed(worker) && clock->now(clock) - since_ns < SPIN_NS) {
        for (unsigned i = 0; i < 32 && !disturbed(worker); i++) {
            relax();
        }
    }
}

static void learn(struct sched_worker *worker, uint64_t idle_ns) {
    if (idle_ns >= SPIN_NS) {
        worker->short_idles /= 2;
    } else if (worker->short_idles < SPIN_MOST) {
        worker->short_idles++;
    }
}

void park(struct sched_worker *worker) {
    struct sched *sched = worker->sched;
    struct clock *clock = sched->options.clock;
    uint64_t since_ns = clock->now(clock);
    if (worker->short_idles >= SPIN_FROM) {
        spin(worker, since_ns);
    }
    atomic_store_explicit(&worker->parked, true, memory_order_relaxed);
    if (!worker->dedicated) {
        atomic_store_explicit(&worker->measure, false, memory_order_relaxed);
        atomic_store_explicit(&worker->idle, true, memory_order_relaxed);
        atomic_fetch_add_explicit(&sched->idle_count, 1, memory_order_relaxed);
    }
    for (unsigned nap = 0; nap < NAPS && !disturbed(worker); nap++) {
        sleep_once(worker, NAP_NS);
    }
    while (!disturbed(worker)) {
        if (!worker->dedicated) {
            watch_busy(worker);
        }
        if (!disturbed(worker)) {
            sleep_once(worker, UINT64_MAX);
        }
    }
    if (!worker->dedicated) {
        /* seq_cst, here and below: before the look at `ticking` in tick_want */
        atomic_store_explicit(&worker->idle, false, memory_order_seq_cst);
        atomic_fetch_sub_explicit(&sched->idle_count, 1, memory_order_relaxed);
    }
    atomic_store_explicit(&worker->parked, false, memory_order_seq_cst);
    worker_read_clock(worker);
    learn(worker, worker->now_ns - since_ns);
    tick_want(sched);
}

static int timeout_ms(uint64_t timeout_ns) {
    if (timeout_ns == UINT64_MAX) {
        return -1;
    }
    uint64_t ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* poll, as an idle worker for whoever looks. */
static int poll_idle(struct sched_worker *worker, struct pollfd *set, unsigned count,
                     uint64_t timeout_ns) {
    atomic_store_explicit(&worker->parked, true, memory_order_relaxed);
    /* seq_cst: as in sleep_once */
    atomic_store_explicit(&worker->sleeping, 2, memory_order_seq_cst);
    bool work = atomic_load_explicit(&worker->inbox, memory_order_seq_cst) ||
                atomic_load_explicit(&worker->sched->stop, memory_order_seq_cst);
    int ready = poll(set, count, work ? 0 : timeout_ms(timeout_ns));
    int number = errno;
    atomic_store_explicit(&worker->sleeping, 0, memory_order_seq_cst);
    atomic_store_explicit(&worker->parked, false, memory_order_seq_cst);
    worker_read_clock(worker);
    tick_want(worker->sched);
    errno = number;
    return ready;
}

int sched_wait(struct sched_worker *worker, struct sched_pollfd *fds, unsigned count,
               uint64_t timeout_ns) {
    struct pollfd set[17] = {{.fd = worker->wake_fd, .events = POLLIN}};
    if (count > 16) {
        errno = EINVAL;
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        set[i + 1] = (struct pollfd){.fd = fds[i].fd, .events = fds[i].events};
    }
    int ready = poll_idle(worker, set, count + 1, timeout_ns);
    if (ready > 0 && set[0].revents) {
        uint64_t drained;
        (void)!read(worker->wake_fd, &drained, sizeof drained);
        ready--;
    }
    for (unsigned i = 0; i < count; i++) {
        fds[i].ready = ready > 0 ? set[i + 1].revents : 0;
    }
    if (atomic_load_explicit(&worker->sched->stop, memory_order_relaxed)) {
        errno = ECANCELED;
        return -1;
    }
    return ready < 0 && errno == EINTR ? 0 : ready;
}
