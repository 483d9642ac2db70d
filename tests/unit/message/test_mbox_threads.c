/* Mailboxes under fire: many threads send while the home takes, sends itself, closes and reopens. */
#include "given.h"

#include <pthread.h>

#define SENDERS 8u

/* A receiver that the test's thread steps as worker 0; senders are threads that are no workers. */
struct fire {
    struct mbox mbox; /* first: the task is this */
    struct world *world;
    uint32_t per_sender;

    /* any thread */
    _Atomic int64_t inside; /* at most what is in the mailbox: counted late, uncounted early */
    _Atomic bool over, out_of_order, twice;
    _Atomic uint32_t running;

    /* only the home */
    uint64_t next[SENDERS + 1]; /* of each sender: the number to come */
    uint64_t taken, sent;
    uint32_t home_batch;
};

struct sender {
    struct fire *fire;
    uint32_t index;
    pthread_t thread;
};

static uint64_t tagged(uint32_t sender, uint64_t number) {
    return (uint64_t)sender << 40 | number;
}

static void count_in(struct fire *f, uint32_t count) {
    int64_t inside = atomic_fetch_add(&f->inside, count) + count;
    if (inside > (int64_t)mbox_capacity(&f->mbox)) {
        atomic_store(&f->over, true);
    }
}

static struct msg *numbered_chain(struct pool *pool, uint32_t sender, uint64_t first,
                                  uint32_t count, struct msg **ret_last) {
    return given_chain(pool, tagged(sender, first), count, ret_last);
}

static void *send_all(void *argument) {
    struct sender *s = argument;
    struct fire *f = s->fire;
    uint64_t number = 0;
    while (number < f->per_sender) {
        uint32_t count = 1 + (uint32_t)(number * 7 + s->index) % 5;
        if (count > f->per_sender - number) {
            count = (uint32_t)(f->per_sender - number);
        }
        struct msg *last;
        struct msg *chain = numbered_chain(f->world->shared, s->index, number, count, &last);
        while (mbox_offer(&f->mbox, chain, last, count, mbox_capacity(&f->mbox)) != OFFER_TAKEN) {
            sched_yield();
        }
        count_in(f, count);
        number += count;
    }
    atomic_fetch_sub(&f->running, 1);
    return NULL;
}

static void take_one(struct fire *f, struct msg *m) {
    uint64_t sender = number_of(m) >> 40;
    uint64_t number = number_of(m) & ((1ull << 40) - 1);
    if (number > f->next[sender]) {
        atomic_store(&f->out_of_order, true);
    } else if (number < f->next[sender]) {
        atomic_store(&f->twice, true);
    }
    f->next[sender] = number + 1;
    f->taken++;
    msg_free(f->world->pool, m);
}

/* The home sends to itself as well, as one more sender. */
static void send_from_home(struct fire *f) {
    uint32_t count = f->home_batch;
    struct msg *last;
    struct msg *chain = numbered_chain(f->world->pool, SENDERS, f->sent, count, &last);
    if (mbox_offer(&f->mbox, chain, last, count, mbox_capacity(&f->mbox)) == OFFER_TAKEN) {
        count_in(f, count);
        f->sent += count;
    } else {
        msg_free_chain(f->world->pool, chain);
    }
}

static enum task_result fire_run(struct sched_task *task, struct sched_worker *worker) {
    struct fire *f = (struct fire *)(void *)task;
    unsigned budget = sched_budget(worker, task) % 16 + 1;
    if (mbox_depth(&f->mbox) > mbox_capacity(&f->mbox)) {
        atomic_store(&f->over, true);
    }
    if (f->home_batch && atomic_load(&f->running)) {
        send_from_home(f);
    }
    for (unsigned i = 0; i < budget && mbox_has_message(&f->mbox); i++) {
        atomic_fetch_sub(&f->inside, 1);
        take_one(f, mbox_take(&f->mbox));
    }
    return mbox_has_message(&f->mbox) ? TASK_AGAIN : TASK_IDLE;
}

static bool fire_arrived(struct sched_task *task, struct sched_worker *worker) {
    (void)worker;
    struct mbox *mb = (struct mbox *)(void *)task;
    mbox_arrived(mb);
    return !mbox_is_closed(mb);
}

static const struct task_ops fire_ops = {.run = fire_run, .arrived = fire_arrived};

static void fire_init(struct fire *f, struct world *w, uint32_t capacity, uint32_t per_sender) {
    *f = (struct fire){.world = w, .per_sender = per_sender};
    mbox_init(&f->mbox, &fire_ops, sched_worker_at(w->sched, 0), capacity);
    atomic_store(&f->running, SENDERS);
}

static void start_senders(struct fire *f, struct sender *senders, void *(*send)(void *)) {
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.fire = f, .index = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send, &senders[i]), 0);
    }
}

static void join_senders(struct sender *senders) {
    for (uint32_t i = 0; i < SENDERS; i++) {
        pthread_join(senders[i].thread, NULL);
    }
}

static void run_fire(struct fire *f) {
    struct sender senders[SENDERS];
    start_senders(f, senders, send_all);
    while (atomic_load(&f->running) || mbox_depth(&f->mbox) > 0) {
        if (sched_step_all(f->world->sched, 64) == 0) {
            sched_yield();
        }
    }
    join_senders(senders);
    while (sched_step_all(f->world->sched, 64) > 0) {
    }
}

static void expect_whole(struct fire *f) {
    assert_false(atomic_load(&f->over));
    assert_false(atomic_load(&f->out_of_order));
    assert_false(atomic_load(&f->twice));
    for (uint32_t i = 0; i < SENDERS; i++) {
        assert_int_equal(f->next[i], f->per_sender);
    }
    assert_int_equal(f->next[SENDERS], f->sent);
    assert_int_equal(f->taken, (uint64_t)SENDERS * f->per_sender + f->sent);
    assert_int_equal(mbox_depth(&f->mbox), 0);
}

static void test_mb2_eight_threads_never_pass_a_small_capacity(void **state) {
    struct world *w = *state;
    static struct fire f;
    fire_init(&f, w, 7, 10000);

    run_fire(&f);

    expect_whole(&f);
}

static void test_mb2_threads_and_home_together_never_pass_the_capacity(void **state) {
    struct world *w = *state;
    static struct fire f;
    fire_init(&f, w, 256, 30000);
    f.home_batch = 100;

    run_fire(&f);

    expect_whole(&f);
    assert_true(f.sent > 0);
}

/* Senders that go on until the mailbox is closed for good. */
struct siege {
    struct mbox mbox; /* first */
    struct mbox_bounds bounds;
    struct world *world;
    struct mbox_ring ring;
    _Atomic bool stop;
    _Atomic uint64_t accepted, evicted;
    _Atomic uint32_t closed_seen;
    uint64_t taken;
};

#define SIEGE_PORT 3u

static void offer_to_ring(struct siege *s, struct msg *m) {
    struct msg *evicted = NULL;
    if (mbox_ring_offer(&s->mbox, &s->ring, m, &evicted) == OFFER_CLOSED) {
        msg_free(s->world->shared, m);
        return;
    }
    atomic_fetch_add(&s->accepted, 1);
    if (evicted) {
        atomic_fetch_add(&s->evicted, 1);
        msg_free(s->world->shared, evicted);
    }
}

static void offer_to_list(struct siege *s, struct msg *m) {
    switch (mbox_offer(&s->mbox, m, m, 1, mbox_capacity(&s->mbox))) {
    case OFFER_TAKEN:
        atomic_fetch_add(&s->accepted, 1);
        return;
    case OFFER_CLOSED:
        atomic_fetch_add(&s->closed_seen, 1);
        break;
    case OFFER_FULL:
        break;
    }
    msg_free(s->world->shared, m);
}

static void *besiege(void *argument) {
    struct siege *s = argument;
    for (uint64_t i = 0; !atomic_load(&s->stop); i++) {
        if (mbox_depth(&s->mbox) > 64) {
            sched_yield(); /* replies are never refused as too many */
            continue;
        }
        enum msg_kind kind = i % 3 == 0 ? MSG_REPLY : MSG_DATA;
        struct msg *m = given_msg(s->world->shared, kind, i);
        if (i % 3 == 1) {
            offer_to_ring(s, m);
        } else {
            offer_to_list(s, m);
        }
    }
    return NULL;
}

static enum task_result siege_run(struct sched_task *task, struct sched_worker *worker) {
    struct siege *s = (struct siege *)(void *)task;
    (void)worker;
    for (unsigned i = 0; i < 100; i++) {
        struct msg *m = mbox_take(&s->mbox);
        if (!m) {
            return TASK_IDLE;
        }
        s->taken++;
        msg_free(s->world->pool, m);
    }
    return TASK_AGAIN;
}

static const struct task_ops siege_ops = {.run = siege_run, .arrived = fire_arrived};

/* Ends the life of the mailbox as an instance does: closed first, then waits for its last note. */
static void close_and_leave(struct siege *s) {
    struct sched_worker *home = atomic_load(&s->mbox.task.home);
    worker_enter(home);
    s->taken += close_counted(s->world, &s->mbox);
    worker_enter(NULL);
    while (mbox_is_noted(&s->mbox) || s->mbox.task.queued) {
        (void)sched_step_all(s->world->sched, 1);
    }
}

/* Closed, nothing is counted but what senders that are being refused have added for a moment. */
static bool counts_went_astray(struct siege *s) {
    return atomic_load(&s->mbox.uncharged) > SENDERS || atomic_load(&s->bounds.bytes) > 100000 ||
           mbox_depth(&s->mbox) > SENDERS;
}

/* No message is lost or returned twice, and no count goes astray, whenever it closes (PD-5). */
static void test_pd5_closing_under_fire_loses_no_message_and_no_count(void **state) {
    struct world *w = *state;
    static struct siege s;
    s = (struct siege){.world = w};
    s.bounds = (struct mbox_bounds){.bytes_max = 2000, .rings = &s.ring, .ring_count = 1};
    mbox_init(&s.mbox, &siege_ops, sched_worker_at(w->sched, 0), 16);
    mbox_bound(&s.mbox, &s.bounds);
    mbox_ring_init(&s.ring, SIEGE_PORT, 4);
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, besiege, &s), 0);
    }

    unsigned astray = 0;
    for (unsigned life = 0; life < 500 && !astray; life++) {
        for (unsigned i = 0; i < life % 8; i++) {
            (void)sched_step_all(w->sched, 4);
        }
        close_and_leave(&s);
        uint32_t seen = atomic_load(&s.closed_seen);
        while (atomic_load(&s.closed_seen) == seen && !counts_went_astray(&s)) {
            sched_yield();
        }
        astray += counts_went_astray(&s);
        mbox_reopen(&s.mbox, sched_worker_at(w->sched, life % 2), 16);
    }
    atomic_store(&s.stop, true);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    close_and_leave(&s);

    assert_int_equal(astray, 0);
    assert_int_equal(s.taken + atomic_load(&s.evicted), atomic_load(&s.accepted));
    assert_int_equal(mbox_depth(&s.mbox), 0);
    assert_int_equal(atomic_load(&s.mbox.uncharged), 0);
    assert_int_equal(atomic_load(&s.bounds.bytes), 0);
    mbox_ring_fini(&s.ring);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mb2_eight_threads_never_pass_a_small_capacity,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_mb2_threads_and_home_together_never_pass_the_capacity,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_pd5_closing_under_fire_loses_no_message_and_no_count,
                                        world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
