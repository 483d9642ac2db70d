/* What all shadows of a reload have in common: how many turns are still to be compared, and what differed. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "actor/shadow.h"
#include "base/alloc.h"
#include "base/cond.h"

struct shadow_run {
    _Atomic unsigned refs; /* who made it; each shadow; the lines of the types; the history */
    _Atomic int64_t left;  /* turns that nobody has taken yet */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    struct shadow_counts counts;
    uint64_t bytes;
    char *kept[SHADOW_KEEPS]; /* JSON; owned */
    size_t kept_count;
};

struct shadow_run *shadow_run_create(uint64_t turns) {
    struct shadow_run *run = mem_alloc(sizeof *run);
    if (run) {
        cond_init(&run->changed);
        pthread_mutex_init(&run->lock, NULL);
        run->counts.wanted = turns;
        atomic_store_explicit(&run->refs, 1, memory_order_relaxed);
        atomic_store_explicit(&run->left, turns > INT64_MAX ? INT64_MAX : (int64_t)turns,
                              memory_order_relaxed);
    }
    return run;
}

struct shadow_run *shadow_run_ref(struct shadow_run *run) {
    atomic_fetch_add_explicit(&run->refs, 1, memory_order_relaxed);
    return run;
}

void shadow_run_unref(struct shadow_run *run) {
    /* acq_rel: the last one sees what the others wrote */
    if (!run || atomic_fetch_sub_explicit(&run->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < run->kept_count; i++) {
        mem_free(run->kept[i]);
    }
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
    mem_free(run);
}

void shadow_run_counts(struct shadow_run *run, struct shadow_counts *ret) {
    pthread_mutex_lock(&run->lock);
    *ret = run->counts;
    pthread_mutex_unlock(&run->lock);
}

void shadow_run_each(struct shadow_run *run, shadow_each *each, void *context) {
    pthread_mutex_lock(&run->lock);
    size_t count = run->kept_count;
    pthread_mutex_unlock(&run->lock);
    for (size_t i = 0; i < count; i++) { /* which never change */
        each(context, run->kept[i]);
    }
}

void shadow_run_leave_out(struct shadow_run *run, const char *who, const char *why) {
    struct shadow_counts *counts = &run->counts;
    pthread_mutex_lock(&run->lock);
    if (counts->left_out++ == 0) {
        (void)snprintf(counts->left_out_actor, sizeof counts->left_out_actor, "%s", who);
        (void)snprintf(counts->left_out_why, sizeof counts->left_out_why, "%s", why);
    }
    pthread_mutex_unlock(&run->lock);
}

static bool is_done_locked(const struct shadow_run *run, bool stops) {
    const struct shadow_counts *counts = &run->counts;
    return counts->compared >= counts->wanted || (stops && counts->differences >= SHADOW_KEEPS);
}

void shadow_run_wait(struct shadow_run *run, bool stops, uint64_t until_ns) {
    pthread_mutex_lock(&run->lock);
    while (!is_done_locked(run, stops) && cond_wait_until(&run->changed, &run->lock, until_ns)) {
    }
    pthread_mutex_unlock(&run->lock);
}

bool shadow_run_is_done(struct shadow_run *run, bool stops) {
    pthread_mutex_lock(&run->lock);
    bool is_done = is_done_locked(run, stops);
    pthread_mutex_unlock(&run->lock);
    return is_done;
}

void shadow_run_close(struct shadow_run *run) {
    atomic_store_explicit(&run->left, INT64_MIN / 2, memory_order_relaxed);
}

bool shadow_run_wants(struct shadow_run *run) {
    return atomic_load_explicit(&run->left, memory_order_relaxed) > 0;
}

bool shadow_run_take(struct shadow_run *run) {
    if (!shadow_run_wants(run)) {
        return false;
    }
    bool is_taken = atomic_fetch_sub_explicit(&run->left, 1, memory_order_relaxed) > 0;
    if (!is_taken) {
        shadow_run_give_back(run);
    }
    return is_taken;
}

void shadow_run_give_back(struct shadow_run *run) {
    atomic_fetch_add_explicit(&run->left, 1, memory_order_relaxed);
}

bool shadow_run_enter(struct shadow_run *run, uint64_t bytes) {
    pthread_mutex_lock(&run->lock);
    run->bytes += bytes;
    run->counts.alive++;
    bool is_let = run->bytes <= SHADOW_BYTES;
    run->counts.actors += is_let;
    pthread_mutex_unlock(&run->lock);
    return is_let;
}

void shadow_run_leave(struct shadow_run *run, uint64_t bytes) {
    pthread_mutex_lock(&run->lock);
    run->bytes -= bytes;
    run->counts.alive--;
    pthread_mutex_unlock(&run->lock);
}

static void keep_locked(struct shadow_run *run, const struct shadow_difference *difference) {
    struct shadow_counts *counts = &run->counts;
    if (counts->differences++ == 0) {
        (void)snprintf(counts->actor, sizeof counts->actor, "%s", difference->actor);
        (void)snprintf(counts->what, sizeof counts->what, "%s", difference->what);
    }
    if (!difference->json || run->kept_count == SHADOW_KEEPS) {
        mem_free(difference->json);
        return;
    }
    run->kept[run->kept_count++] = difference->json;
}

void shadow_run_compared(struct shadow_run *run, const struct shadow_difference *difference) {
    pthread_mutex_lock(&run->lock);
    run->counts.compared++;
    if (difference) {
        keep_locked(run, difference);
    }
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}
