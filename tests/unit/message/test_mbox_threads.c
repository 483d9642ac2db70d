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
    unsigned budget = sched_budget(worker) % 16 + 1;
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
    mbox_init(&f->mbox, &fire_ops, sched_worker_at(w->sched, 0), capacity, 0);
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
    fire_init(&f, w, 7, 40000);

    run_fire(&f);

    expect_whole(&f);
}

static void test_mb2_threads_and_home_together_never_pass_the_capacity(void **state) {
    struct world *w = *state;
    static struct fire f;
    fire_init(&f, w, 256, 100000);
    f.home_batch = 100;

    run_fire(&f);

    expect_whole(&f);
    assert_true(f.sent > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mb2_eight_threads_never_pass_a_small_capacity,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_mb2_threads_and_home_together_never_pass_the_capacity,
                                        world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
