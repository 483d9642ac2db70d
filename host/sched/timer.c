/* Timers as a pairing heap with its links inside the timers; see timer.h. */
#include "sched/timer.h"

#include <assert.h>
#include <stddef.h>

void timers_init(struct timers *ts, struct clock *clock) {
    *ts = (struct timers){.clock = clock};
    pthread_mutex_init(&ts->lock, NULL);
    pthread_cond_init(&ts->fired, NULL);
}

void timers_fini(struct timers *ts) {
    pthread_cond_destroy(&ts->fired);
    pthread_mutex_destroy(&ts->lock);
}

void timers_watch(struct timers *ts, void (*earlier)(void *context), void *context) {
    ts->earlier = earlier;
    ts->earlier_context = context;
}

/* --- the heap --- */

static bool is_before(const struct timer *a, const struct timer *b) {
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

/* Joins two heaps; either may be NULL. The loser becomes the winner's first child. */
static struct timer *heap_join(struct timer *a, struct timer *b) {
    if (!a || !b) {
        return a ? a : b;
    }
    struct timer *winner = is_before(b, a) ? b : a;
    struct timer *loser = winner == a ? b : a;
    loser->previous = winner;
    loser->next = winner->child;
    if (loser->next) {
        loser->next->previous = loser;
    }
    winner->child = loser;
    return winner;
}

/* Joins brothers into one heap: neighbours in pairs, then the pairs from the last to the first. This
 * order is what makes the cost logarithmic in the long run. */
static struct timer *heap_join_all(struct timer *first) {
    struct timer *pairs = NULL;
    while (first) {
        struct timer *a = first;
        struct timer *b = a->next;
        first = b ? b->next : NULL;
        struct timer *pair = heap_join(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct timer *all = NULL;
    while (pairs) {
        struct timer *rest = pairs->next;
        all = heap_join(all, pairs);
        pairs = rest;
    }
    if (all) {
        all->previous = NULL;
        all->next = NULL;
    }
    return all;
}

static void heap_remove(struct timer **root, struct timer *timer) {
    struct timer *children = heap_join_all(timer->child);
    if (timer == *root) {
        *root = children;
    } else {
        struct timer **link =
            timer->previous->child == timer ? &timer->previous->child : &timer->previous->next;
        *link = timer->next;
        if (timer->next) {
            timer->next->previous = timer->previous;
        }
        *root = heap_join(*root, children);
    }
    timer->child = NULL;
    timer->next = NULL;
    timer->previous = NULL;
}

/* --- the service --- */

static uint64_t next_locked(const struct timers *ts) {
    return ts->root ? ts->root->due_ns : TIMER_NEVER;
}

static bool remove_locked(struct timers *ts, struct timer *timer) {
    bool was_pending = timer->pending;
    if (was_pending) {
        heap_remove(&ts->root, timer);
        timer->pending = false;
    }
    return was_pending;
}

static bool is_runner_locked(const struct timers *ts) {
    return ts->running && pthread_equal(ts->runner, pthread_self());
}

void timers_start(struct timers *ts, struct timer *timer, uint64_t due_ns) {
    pthread_mutex_lock(&ts->lock);
    uint64_t next_before = next_locked(ts);
    remove_locked(ts, timer);
    timer->due_ns = due_ns;
    timer->order = ++ts->order;
    timer->pending = true;
    ts->root = heap_join(ts->root, timer);
    bool tell = due_ns < next_before && ts->earlier && !is_runner_locked(ts);
    pthread_mutex_unlock(&ts->lock);
    if (tell) {
        ts->earlier(ts->earlier_context);
    }
}

void timers_start_in(struct timers *ts, struct timer *timer, uint64_t delay_ns) {
    uint64_t due_ns;
    if (__builtin_add_overflow(ts->clock->now(ts->clock), delay_ns, &due_ns)) {
        due_ns = TIMER_NEVER;
    }
    timers_start(ts, timer, due_ns);
}

bool timers_stop(struct timers *ts, struct timer *timer) {
    pthread_mutex_lock(&ts->lock);
    while (ts->firing == timer && !is_runner_locked(ts)) {
        pthread_cond_wait(&ts->fired, &ts->lock);
    }
    /* only now: the fire that was waited for may have started it again */
    bool was_pending = remove_locked(ts, timer);
    pthread_mutex_unlock(&ts->lock);
    return was_pending;
}

uint64_t timers_next(struct timers *ts) {
    pthread_mutex_lock(&ts->lock);
    uint64_t due_ns = next_locked(ts);
    pthread_mutex_unlock(&ts->lock);
    return due_ns;
}

/* Fires without the lock. `timer` is not touched after its fire was called: it may be gone. */
static void fire_locked(struct timers *ts, struct timer *timer, uint64_t now_ns) {
    remove_locked(ts, timer);
    ts->firing = timer;
    pthread_mutex_unlock(&ts->lock);
    timer->fire(timer, now_ns);
    pthread_mutex_lock(&ts->lock);
    ts->firing = NULL;
    pthread_cond_broadcast(&ts->fired);
}

uint64_t timers_run(struct timers *ts, uint64_t now_ns) {
    pthread_mutex_lock(&ts->lock);
    assert(!ts->running);
    ts->running = true;
    ts->runner = pthread_self();
    uint64_t last_order = ts->order;
    while (ts->root && ts->root->due_ns <= now_ns && ts->root->order <= last_order) {
        fire_locked(ts, ts->root, now_ns);
    }
    ts->running = false;
    uint64_t due_ns = next_locked(ts);
    pthread_mutex_unlock(&ts->lock);
    return due_ns;
}
