/* Parking: an idle worker naps or spins for a while, then sleeps; an idle proc costs nothing.
 *
 * Short timed sleeps right after activity keep a wake-up three times faster than one from deep sleep
 * on a virtual machine, for a few per cent of a core and for two milliseconds only. Spinning is faster
 * still, for a whole core, so only for who asks for it. While others are busy one idle worker stays a
 * watcher: it looks each millisecond whether a busy worker gets on slowly, and asks it to price its
 * tasks and give some away whenever somebody is idle, be it for a moment. */
#include "sched/sched_impl.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/hot.h"
#include "base/prefetch.h"

#define NAP_NS (100 * NS_PER_US)
#define NAPS 20u
/* SCHED_SPIN: so long an idle worker stays awake, and so often it lets other threads have the core. */
#define AWAKE_NS (100 * NS_PER_MS)
#define AWAKE_STEP_NS (50 * NS_PER_US)
#define WATCH_NS NS_PER_MS
#define TASK_LINES 4u /* of an instance */
/* A worker that does fewer units than this in a watch interval is worth pricing. */
#define WATCH_UNITS (WATCH_NS / DEAR_NS)

static void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t timeout_ns) {
    struct timespec limit = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                             .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
                  timeout_ns == UINT64_MAX ? NULL : &limit, NULL, 0);
}

HOT void worker_wake(struct sched_worker *worker) {
    /* seq_cst: after the push into the inbox; pairs with the store in park() */
    uint32_t sleeping = atomic_load_explicit(&worker->sleeping, memory_order_seq_cst);
    if (sleeping == SLEEPING_NOT) {
        return;
    }
    if (sleeping == SLEEPING_SEALED) {
        seize_pass_on(worker);
        return;
    }
    sleeping = atomic_exchange_explicit(&worker->sleeping, SLEEPING_NOT, memory_order_seq_cst);
    if (sleeping == SLEEPING_DEEPLY || sleeping == SLEEPING_NAP) {
        (void)syscall(SYS_futex, &worker->sleeping, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    } else if (sleeping == SLEEPING_POLL) {
        uint64_t one = 1;
        (void)!write(worker->wake_fd, &one, sizeof one); /* full means it is readable already */
    }
}

/* What a task belongs to is some lines long. They come nearer while the thread finds its way back to them. */
static void fetch_first(struct sched_worker *worker) {
    const char *task = (const char *)atomic_load_explicit(&worker->inbox, memory_order_relaxed);
    for (unsigned at = 0; task && at < TASK_LINES * 64; at += 64) {
        prefetch_to_write(task + at);
    }
}

/* Sleeps once; returns at the latest after timeout_ns. */
HOT static void sleep_once(struct sched_worker *worker, uint32_t how, uint64_t timeout_ns) {
    /* seq_cst: before the look into the inbox; pairs with the push and load of a sender. One of the
     * two sees the other, so no task is left in the inbox of a sleeper. */
    atomic_store_explicit(&worker->sleeping, how, memory_order_seq_cst);
    if (!atomic_load_explicit(&worker->inbox, memory_order_seq_cst) &&
        !atomic_load_explicit(&worker->sched->stop, memory_order_seq_cst)) {
        futex_wait(&worker->sleeping, how, timeout_ns);
        fetch_first(worker);
    }
    atomic_store_explicit(&worker->sleeping, SLEEPING_NOT, memory_order_seq_cst);
}

static bool disturbed(struct sched_worker *worker) {
    return worker->retire || atomic_load_explicit(&worker->inbox, memory_order_relaxed) ||
           atomic_load_explicit(&worker->sched->stop, memory_order_relaxed);
}

/* Looks at every busy worker once; returns whether there is any. Only the watcher comes here; its first
 * look is not judged by: it says nothing of the time before. */
static bool watch(struct sched_worker *worker, bool first) {
    struct sched *sched = worker->sched;
    bool busy = false;
    for (unsigned i = 0; i < sched->options.workers; i++) {
        struct sched_worker *other = &sched->workers[i];
        if (other == worker || atomic_load_explicit(&other->idle, memory_order_relaxed)) {
            continue;
        }
        uint32_t done = sched_done(other);
        if (!first) {
            bool slow = done - other->done_seen < WATCH_UNITS;
            atomic_store_explicit(&other->measure, slow, memory_order_relaxed);
        }
        other->done_seen = done;
        busy = true;
    }
    return busy;
}

static bool become_watcher(struct sched *sched) {
    bool nobody = false;
    /* acquire/release: hands `done_seen` from one watcher to the next */
    return !atomic_load_explicit(&sched->watched, memory_order_relaxed) &&
           atomic_compare_exchange_strong_explicit(&sched->watched, &nobody, true,
                                                   memory_order_acquire, memory_order_relaxed);
}

static void end_watching(struct sched *sched) {
    atomic_store_explicit(&sched->watched, false, memory_order_release);
}

/* Becomes the watcher while anybody is busy, if nobody is yet. */
static void watch_busy(struct sched_worker *worker) {
    if (become_watcher(worker->sched)) {
        for (bool first = true; !disturbed(worker) && watch(worker, first); first = false) {
            sleep_once(worker, SLEEPING_DEEPLY, WATCH_NS);
        }
        end_watching(worker->sched);
    }
}

/* Who naps or spins looks by itself before it sleeps. */
void summon_watcher(struct sched_worker *worker) {
    struct sched *sched = worker->sched;
    if (atomic_load_explicit(&sched->idle_count, memory_order_relaxed) == 0 ||
        atomic_load_explicit(&sched->watched, memory_order_relaxed)) {
        return;
    }
    for (unsigned i = 0; i < sched->options.workers; i++) {
        struct sched_worker *other = &sched->workers[i];
        if (atomic_load_explicit(&other->sleeping, memory_order_relaxed) == SLEEPING_DEEPLY) {
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

/* Between two looks at the clock; and between two rests, which take processors of today longer than a message. */
#define LOOKS 256u
#define LOOKS_AT_ONCE 16u

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Whether something came for the polled task, if there is one: its word is not what it was. */
static inline bool is_called(struct sched_task *polled, uint64_t word) {
    return polled && atomic_load_explicit(&polled->word, memory_order_relaxed) != word;
}

/* Reads the clock for itself only: between two messages of a partner that is busy elsewhere no time passes that turns
 * are noted by, for all that goes with it would be written anew for each message (sched_coarse_now). */
static void read_clock_idle(struct sched_worker *worker) {
    uint64_t coarse_ns = worker->coarse_ns;
    worker_read_clock(worker);
    worker->coarse_ns = coarse_ns;
}

/* True: there is something to do, and now_ns is hardly older than that. */
static bool spin(struct sched_worker *worker, uint64_t until_ns, struct sched_task *polled,
                 uint64_t word) {
    do {
        for (unsigned i = 0; i < LOOKS; i++) {
            if (is_called(polled, word) || disturbed(worker)) {
                return true;
            }
            if (i % LOOKS_AT_ONCE == 0) {
                relax();
            }
        }
        read_clock_idle(worker);
    } while (worker->now_ns < until_ns);
    return false;
}

/* A short spin, during which the partner's next message needs no inbox: the task that came out of it last
 * is polled. Who asks for an activation of it without sending anything waits until the spin is over, so
 * the task is activated then in any case. */
static bool spin_shortly(struct sched_worker *worker, uint64_t until_ns) {
    struct sched_task *hot = worker->hot;
    worker->hot = NULL;
    if (!hot || atomic_load_explicit(&hot->home, memory_order_relaxed) != worker) {
        return spin(worker, until_ns, NULL, 0);
    }
    /* acquire and release: as who links it, T-3 */
    uint64_t word = atomic_fetch_or_explicit(&hot->word, TASK_NOTE, memory_order_acq_rel);
    if (word & TASK_NOTE) {
        return true; /* it is in the inbox again */
    }
    bool called = spin(worker, until_ns, hot, word | TASK_NOTE);
    bool stays = worker_arrive(worker, hot);
    worker->hot = called && stays ? hot : NULL;
    return true;
}

/* Spins for long, as a watcher when there is none, and for the other threads of the core, if there are
 * any, as one that can be preempted. */
static void stay_awake(struct sched_worker *worker, uint64_t until_ns) {
    uint64_t watch_ns = 0; /* when to look next */
    bool watching = false;
    while (worker->now_ns < until_ns && !spin(worker, worker->now_ns + AWAKE_STEP_NS, NULL, 0)) {
        (void)sched_yield();
        bool first = !watching;
        watching = watching || (!worker->dedicated && become_watcher(worker->sched));
        if (watching && worker->now_ns >= watch_ns) {
            watch_ns = worker->now_ns + WATCH_NS;
            (void)watch(worker, first);
        }
    }
    if (watching) {
        end_watching(worker->sched);
    }
}

static void nap(struct sched_worker *worker) {
    for (unsigned naps = 0; naps < NAPS && !disturbed(worker); naps++) {
        sleep_once(worker, SLEEPING_NAP, NAP_NS);
    }
}

static void sleep_deeply(struct sched_worker *worker) {
    while (!disturbed(worker)) {
        if (!worker->dedicated) {
            watch_busy(worker);
        }
        if (!disturbed(worker)) {
            sleep_once(worker, SLEEPING_DEEPLY, UINT64_MAX);
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

static void fall_idle(struct sched_worker *worker) {
    worker->awake_ns = worker->now_ns - worker->woke_ns;
    /* release: pairs with visit.c */
    atomic_store_explicit(&worker->parked, true, memory_order_release);
    if (!worker->dedicated) {
        atomic_store_explicit(&worker->idle, true, memory_order_relaxed);
        atomic_fetch_add_explicit(&worker->sched->idle_count, 1, memory_order_relaxed);
    }
}

HOT static void become_busy(struct sched_worker *worker) {
    if (!worker->dedicated) {
        /* seq_cst, here and below: before the look at `ticking` in tick_want */
        atomic_store_explicit(&worker->idle, false, memory_order_seq_cst);
        atomic_fetch_sub_explicit(&worker->sched->idle_count, 1, memory_order_relaxed);
    }
    atomic_store_explicit(&worker->parked, false, memory_order_seq_cst);
    worker_read_clock(worker);
    worker->woke_ns = worker->now_ns;
    tick_want(worker);
}

HOT void park(struct sched_worker *worker) {
    enum sched_idle policy = worker->sched->options.idle;
    read_clock_idle(worker);
    uint64_t since_ns = worker->now_ns;
    /* Nobody has seen it idle then, so nothing is to be taken back: what it would write to is read or
     * written by all the others. */
    if (policy != SCHED_SLEEP && worker->short_idles >= SPIN_FROM &&
        spin_shortly(worker, since_ns + SPIN_NS)) {
        learn(worker, worker->now_ns - since_ns);
        return;
    }
    fall_idle(worker);
    if (policy == SCHED_SPIN) {
        stay_awake(worker, since_ns + AWAKE_NS);
    } else if (policy == SCHED_NAP) {
        nap(worker);
    }
    sleep_deeply(worker);
    become_busy(worker);
    learn(worker, worker->now_ns - since_ns);
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
    worker_read_clock(worker);
    worker->awake_ns = worker->now_ns - worker->woke_ns;
    /* release: pairs with visit.c */
    atomic_store_explicit(&worker->parked, true, memory_order_release);
    /* seq_cst: as in sleep_once */
    atomic_store_explicit(&worker->sleeping, SLEEPING_POLL, memory_order_seq_cst);
    bool work = atomic_load_explicit(&worker->inbox, memory_order_seq_cst) ||
                atomic_load_explicit(&worker->sched->stop, memory_order_seq_cst);
    int ready = poll(set, count, work ? 0 : timeout_ms(timeout_ns));
    int number = errno;
    atomic_store_explicit(&worker->sleeping, SLEEPING_NOT, memory_order_seq_cst);
    become_busy(worker);
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
