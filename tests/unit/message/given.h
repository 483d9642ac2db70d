/* For tests of mailboxes and message memory: workers that are stepped by hand, messages with a number. */
#pragma once

#include "lib/test.h"

#include <stdlib.h>

#include "base/clock.h"
#include "message/mbox.h"
#include "message/pool.h"
#include "sched/sched_impl.h"

/* Two workers in seeded mode: nothing runs but what the test steps. */
struct world {
    struct clock_manual clock;
    struct sched *sched;
    struct pools *pools;
    struct pool *pool;   /* the test's own */
    struct pool *shared; /* for threads */
};

static inline void *given_local(void *context, struct sched_worker *worker) {
    (void)worker;
    return context;
}

static inline void given_no_local(void *context, void *local) {
    (void)context;
    (void)local;
}

static inline int world_setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    clock_manual_init(&w->clock, 1, 0);
    struct sched_options options = {.workers = 2,
                                    .seeded = true,
                                    .seed = 1,
                                    .clock = &w->clock.clock,
                                    .local_create = given_local,
                                    .local_destroy = given_no_local,
                                    .context = w};
    struct err err;
    assert_int_equal(sched_create(&options, &w->sched, &err), 0);
    w->pools = pools_create();
    assert_non_null(w->pools);
    w->pool = pools_take(w->pools);
    w->shared = pools_shared(w->pools);
    *state = w;
    return 0;
}

/* Each test leaves no message behind. */
static inline int world_teardown(void **state) {
    struct world *w = *state;
    worker_enter(NULL);
    assert_int_equal(pools_live(w->pools), 0);
    sched_destroy(w->sched);
    pools_destroy(w->pools);
    free(w);
    return 0;
}

/* This thread is worker `index` from now on; -1: no worker. */
static inline void be_worker(struct world *w, int index) {
    worker_enter(index < 0 ? NULL : sched_worker_at(w->sched, (unsigned)index));
}

static inline struct msg *given_msg(struct pool *pool, enum msg_kind kind, uint64_t number) {
    struct msg *m = msg_alloc(pool, kind, 0, sizeof number);
    assert_non_null(m);
    *(uint64_t *)msg_body(m) = number;
    return m;
}

static inline uint64_t number_of(struct msg *m) {
    return *(uint64_t *)msg_body(m);
}

/* A chain of data messages with the numbers from `first` on. */
static inline struct msg *given_chain(struct pool *pool, uint64_t first, uint32_t count,
                                      struct msg **ret_last) {
    struct msg *head = *ret_last = NULL;
    struct msg **at = &head;
    for (uint32_t i = 0; i < count; i++) {
        *at = given_msg(pool, MSG_DATA, first + i);
        *ret_last = *at;
        at = &(*at)->next;
    }
    return head;
}

/* Offers a batch up to the capacity; what is refused is freed. */
static inline enum offer offer_batch(struct world *w, struct mbox *mb, uint64_t first,
                                     uint32_t count) {
    struct msg *last;
    struct msg *chain = given_chain(w->pool, first, count, &last);
    enum offer result = mbox_offer(mb, chain, last, count, mbox_capacity(mb));
    if (result != OFFER_TAKEN) {
        msg_free_chain(w->pool, chain);
    }
    return result;
}

static inline enum offer offer_one(struct world *w, struct mbox *mb, uint64_t number) {
    return offer_batch(w, mb, number, 1);
}

static inline enum offer offer_kind(struct world *w, struct mbox *mb, enum msg_kind kind,
                                    uint64_t number) {
    struct msg *m = given_msg(w->pool, kind, number);
    enum offer result = mbox_offer(mb, m, m, 1, mbox_capacity(mb));
    if (result != OFFER_TAKEN) {
        msg_free(w->pool, m);
    }
    return result;
}

/* Takes one and checks its number. */
static inline void take_expecting(struct world *w, struct mbox *mb, uint64_t number) {
    struct msg *m = mbox_take(mb);
    assert_non_null(m);
    assert_int_equal(number_of(m), number);
    msg_free(w->pool, m);
}

static inline uint32_t free_chain_counted(struct pool *pool, struct msg *m) {
    uint32_t count = 0;
    while (m) {
        struct msg *next = m->next;
        msg_free(pool, m);
        m = next;
        count++;
    }
    return count;
}

/* Closes and frees what was left; returns how many that were. */
static inline uint32_t close_counted(struct world *w, struct mbox *mb) {
    return free_chain_counted(w->pool, mbox_close(mb));
}

/* A task of a mailbox that takes nothing by itself: the test does. */
static inline enum task_result idle_run(struct sched_task *task, struct sched_worker *worker) {
    (void)task;
    (void)worker;
    return TASK_IDLE;
}

static inline bool idle_arrived(struct sched_task *task, struct sched_worker *worker) {
    (void)worker;
    struct mbox *mb = (struct mbox *)(void *)task;
    mbox_arrived(mb);
    return !mbox_is_closed(mb);
}

static const struct task_ops idle_ops = {.run = idle_run, .arrived = idle_arrived};

/* An open mailbox at worker 0. */
static inline void given_mbox(struct world *w, struct mbox *mb, uint32_t capacity,
                              struct mbox_bounds *bounds) {
    mbox_init(mb, &idle_ops, sched_worker_at(w->sched, 0), capacity);
    if (bounds) {
        mbox_bound(mb, bounds);
    }
}
