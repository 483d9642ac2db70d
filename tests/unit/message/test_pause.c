/* Pausing: who waits for room where, what wakes it, and cycles of waiting actors. */
#include "given.h"

#include <pthread.h>
#include <string.h>

#include "lib/wait.h"
#include "message/pause.h"

#define ACTORS 6u

/* Actors at worker 0, each with a mailbox; the test's thread is that worker. */
struct cast {
    struct world *w;
    struct pause_graph graph;
    struct mbox mboxes[ACTORS];
    struct pauser pausers[ACTORS];
};

static void given_cast(struct cast *c, struct world *w, uint32_t capacity) {
    memset(c, 0, sizeof *c);
    c->w = w;
    pause_init(&c->graph, NULL);
    for (unsigned i = 0; i < ACTORS; i++) {
        given_mbox(w, &c->mboxes[i], capacity, NULL);
        c->pausers[i].self = &c->mboxes[i];
    }
    be_worker(w, 0);
}

static void fill(struct cast *c, unsigned i) {
    while (offer_one(c->w, &c->mboxes[i], 0) == OFFER_TAKEN) {
    }
}

static enum pause_result wait_for(struct cast *c, unsigned from, unsigned to) {
    return pause_wait(&c->graph, &c->pausers[from], &c->mboxes[to]);
}

static bool is_over(struct cast *c, unsigned i) {
    return pause_is_over(&c->graph, &c->pausers[i]);
}

static void take_some(struct cast *c, unsigned i, unsigned count) {
    for (; count > 0; count--) {
        take_expecting(c->w, &c->mboxes[i], 0);
    }
    pause_wake(&c->graph, &c->mboxes[i]);
}

static void end_cast(struct cast *c) {
    for (unsigned i = 0; i < ACTORS; i++) {
        (void)close_counted(c->w, &c->mboxes[i]);
        pause_wake(&c->graph, &c->mboxes[i]);
    }
    for (unsigned i = 0; i < ACTORS; i++) {
        assert_true(is_over(c, i));
    }
    pause_fini(&c->graph);
}

static void test_mb2_sender_waits_until_the_mailbox_is_half_empty(void **state) {
    struct cast c;
    given_cast(&c, *state, 8);
    fill(&c, 1);

    assert_int_equal(wait_for(&c, 0, 1), PAUSE_WAITS);
    assert_false(is_over(&c, 0));

    take_some(&c, 1, 3);
    assert_false(is_over(&c, 0));
    take_some(&c, 1, 1);
    assert_true(is_over(&c, 0));
    assert_int_equal(c.graph.pauses, 1);
    assert_int_equal(c.graph.cycles, 0);
    end_cast(&c);
}

static void test_mb2_sender_to_a_mailbox_of_one_waits_until_it_is_empty(void **state) {
    struct cast c;
    given_cast(&c, *state, 1);
    fill(&c, 1);
    assert_int_equal(wait_for(&c, 0, 1), PAUSE_WAITS);

    take_some(&c, 1, 1);

    assert_true(is_over(&c, 0));
    end_cast(&c);
}

static void test_sender_that_finds_room_after_all_offers_again(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    fill(&c, 1);
    take_expecting(c.w, &c.mboxes[1], 0);

    assert_int_equal(wait_for(&c, 0, 1), PAUSE_RETRY);

    assert_true(is_over(&c, 0));
    assert_int_equal(c.graph.pauses, 0);
    end_cast(&c);
}

static void test_ai4_sender_to_a_closed_mailbox_offers_again_and_is_refused(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    fill(&c, 1);
    (void)close_counted(c.w, &c.mboxes[1]);

    assert_int_equal(wait_for(&c, 0, 1), PAUSE_RETRY);

    assert_true(is_over(&c, 0));
    assert_int_equal(offer_one(c.w, &c.mboxes[1], 0), OFFER_CLOSED);
    end_cast(&c);
}

static void test_ai4_closing_lets_all_paused_senders_go_on(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    fill(&c, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(wait_for(&c, i, 5), PAUSE_WAITS);
    }

    (void)close_counted(c.w, &c.mboxes[5]);
    pause_wake(&c.graph, &c.mboxes[5]);

    for (unsigned i = 0; i < 5; i++) {
        assert_true(is_over(&c, i));
    }
    end_cast(&c);
}

static void test_woken_sender_is_made_ready(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    fill(&c, 1);
    assert_int_equal(wait_for(&c, 0, 1), PAUSE_WAITS);
    while (worker_step(sched_current())) {
    }
    assert_false(c.mboxes[0].task.queued);

    take_some(&c, 1, 2);

    assert_true(c.mboxes[0].task.queued);
    end_cast(&c);
}

/* The target might have gone idle before it could see that somebody waits. */
static void test_target_is_asked_to_look_when_somebody_begins_to_wait(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    fill(&c, 1);
    while (worker_step(sched_current())) {
    }
    be_worker(c.w, 1);

    assert_int_equal(wait_for(&c, 0, 1), PAUSE_WAITS);

    assert_true(mbox_is_noted(&c.mboxes[1]));
    be_worker(c.w, 0);
    end_cast(&c);
}

static void test_cycle_of_one_is_found(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    fill(&c, 0);

    assert_int_equal(wait_for(&c, 0, 0), PAUSE_CYCLE);

    assert_true(is_over(&c, 0));
    assert_int_equal(c.graph.cycles, 1);
    end_cast(&c);
}

static void test_mb2_cycles_of_two_and_more_are_found_by_the_one_that_closes_them(void **state) {
    for (unsigned length = 2; length <= ACTORS; length++) {
        struct cast c;
        given_cast(&c, *state, 2);
        for (unsigned i = 0; i < length; i++) {
            fill(&c, i);
        }
        for (unsigned i = 0; i + 1 < length; i++) {
            assert_int_equal(wait_for(&c, i, i + 1), PAUSE_WAITS);
        }

        assert_int_equal(wait_for(&c, length - 1, 0), PAUSE_CYCLE);

        assert_int_equal(c.graph.pauses, length - 1);
        assert_int_equal(c.graph.cycles, 1);
        end_cast(&c);
    }
}

static void test_chain_that_ends_at_a_running_actor_is_no_cycle(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    for (unsigned i = 0; i < ACTORS; i++) {
        fill(&c, i);
    }

    for (unsigned i = 0; i + 1 < ACTORS; i++) {
        assert_int_equal(wait_for(&c, i, i + 1), PAUSE_WAITS);
    }

    assert_int_equal(c.graph.cycles, 0);
    end_cast(&c);
}

static void test_waiting_beside_a_cycle_that_was_let_through_is_no_cycle(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    for (unsigned i = 0; i < 3; i++) {
        fill(&c, i);
    }
    assert_int_equal(wait_for(&c, 0, 1), PAUSE_WAITS);
    assert_int_equal(wait_for(&c, 1, 0), PAUSE_CYCLE); /* 1 goes on */

    assert_int_equal(wait_for(&c, 2, 0), PAUSE_WAITS);

    end_cast(&c);
}

static void test_chain_that_was_woken_closes_no_cycle(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    for (unsigned i = 0; i < 3; i++) {
        fill(&c, i);
    }
    assert_int_equal(wait_for(&c, 0, 1), PAUSE_WAITS);
    assert_int_equal(wait_for(&c, 1, 2), PAUSE_WAITS);
    take_some(&c, 2, 2);
    fill(&c, 2);

    assert_int_equal(wait_for(&c, 2, 0), PAUSE_WAITS);

    end_cast(&c);
}

static void test_cancelled_wait_is_over_and_the_others_wait_on(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    fill(&c, 5);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(wait_for(&c, i, 5), PAUSE_WAITS);
    }

    pause_cancel(&c.graph, &c.pausers[1]);
    pause_cancel(&c.graph, &c.pausers[1]);

    assert_false(is_over(&c, 0));
    assert_true(is_over(&c, 1));
    assert_false(is_over(&c, 2));
    assert_int_equal(wait_for(&c, 5, 1), PAUSE_RETRY); /* 1 has room, and is in no chain */
    take_some(&c, 5, 2);
    assert_true(is_over(&c, 0));
    assert_true(is_over(&c, 2));
    end_cast(&c);
}

static void test_mb2_sender_waits_for_bytes_as_well(void **state) {
    struct cast c;
    given_cast(&c, *state, 100);
    uint64_t block = 0;
    struct msg *probe = given_msg(c.w->pool, MSG_DATA, 0);
    block = msg_block_size(probe);
    msg_free(c.w->pool, probe);
    struct mbox_bounds bounds = {.bytes_max = 2 * block};
    given_mbox(c.w, &c.mboxes[1], 8, &bounds);
    fill(&c, 1);

    assert_int_equal(wait_for(&c, 0, 1), PAUSE_WAITS);
    take_some(&c, 1, 1);

    assert_true(is_over(&c, 0)); /* one of at most eight, but half of the bytes */
    assert_int_equal(wait_for(&c, 0, 1), PAUSE_RETRY);
    end_cast(&c);
}

/* 5 takes nothing before 1 has ended, which waits for 0, which waits for 5. */
static void test_nobody_waits_for_one_that_waits_for_its_end(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    fill(&c, 5);
    fill(&c, 0);
    pause_end(&c.graph, &c.mboxes[5]);
    assert_int_equal(wait_for(&c, 0, 5), PAUSE_WAITS);
    assert_int_equal(wait_for(&c, 1, 0), PAUSE_WAITS);

    pause_leave(&c.graph, c.pausers[1].self);

    assert_true(is_over(&c, 1));
    assert_false(is_over(&c, 0));
    assert_int_equal(wait_for(&c, 1, 0), PAUSE_CYCLE);
    end_cast(&c);
}

static void test_mailbox_that_opens_again_is_waited_for_again(void **state) {
    struct cast c;
    given_cast(&c, *state, 2);
    pause_end(&c.graph, &c.mboxes[5]);
    assert_int_equal(close_counted(c.w, &c.mboxes[5]), 0);

    mbox_reopen(&c.mboxes[5], sched_current(), 2);
    fill(&c, 5);

    assert_int_equal(wait_for(&c, 0, 5), PAUSE_WAITS);
    end_cast(&c);
}

/* What the home kept for itself is there for those that waited. */
static void test_mb2_woken_sender_finds_all_the_room_there_is(void **state) {
    struct cast c;
    given_cast(&c, *state, 64);
    fill(&c, 1);
    be_worker(c.w, 1);
    assert_int_equal(wait_for(&c, 0, 1), PAUSE_WAITS);
    be_worker(c.w, 0);

    take_some(&c, 1, 33);

    assert_true(is_over(&c, 0));
    be_worker(c.w, 1);
    assert_int_equal(mbox_room(&c.mboxes[1], 64), 33);
    be_worker(c.w, 0);
    end_cast(&c);
}

/* Two actors on two workers that send each other more than fits, each from its own activations. */
#define PINGS 30000u

struct pinger {
    struct mbox mbox; /* first */
    struct pauser pauser;
    struct pause_graph *graph;
    struct world *world;
    struct pinger *partner;
    uint32_t batch;
    uint64_t sent, next;
    bool paused, out_of_order, over;
    _Atomic uint64_t received, bounced;
};

static enum offer ping_offer(struct pinger *p, uint32_t count, uint32_t limit) {
    struct msg *last;
    struct msg *chain = given_chain(p->world->shared, p->sent, count, &last);
    enum offer result = mbox_offer(&p->partner->mbox, chain, last, count, limit);
    if (result == OFFER_TAKEN) {
        p->sent += count;
    } else {
        msg_free_chain(p->world->shared, chain);
    }
    return result;
}

/* Sends a batch, one by one when it does not fit whole; false: waits. */
static bool ping_batch(struct pinger *p, uint32_t count) {
    uint32_t capacity = mbox_capacity(&p->partner->mbox);
    if (ping_offer(p, count, capacity) == OFFER_TAKEN) {
        return true;
    }
    for (uint64_t until = p->sent + count; p->sent < until;) {
        if (ping_offer(p, 1, capacity) == OFFER_TAKEN) {
            continue;
        }
        switch (pause_wait(p->graph, &p->pauser, &p->partner->mbox)) {
        case PAUSE_WAITS:
            p->paused = true;
            return false;
        case PAUSE_CYCLE:
            if (ping_offer(p, 1, capacity * MBOX_HARD_FACTOR) != OFFER_TAKEN) {
                p->sent++; /* undeliverable, and gone */
                atomic_fetch_add(&p->bounced, 1);
            }
            break;
        case PAUSE_RETRY:
            break;
        }
    }
    return true;
}

/* True when it went on; false when it waits. */
static bool ping_some(struct pinger *p) {
    uint64_t left = PINGS - p->sent;
    return left == 0 || ping_batch(p, left < p->batch ? (uint32_t)left : p->batch);
}

static enum task_result ping_run(struct sched_task *task, struct sched_worker *worker) {
    struct pinger *p = (struct pinger *)(void *)task;
    if (p->paused) {
        if (!pause_is_over(p->graph, &p->pauser)) {
            return TASK_IDLE;
        }
        p->paused = false;
    }
    bool went_on = ping_some(p);
    for (unsigned i = 0; i < 5 && !p->paused; i++) {
        struct msg *m = mbox_take(&p->mbox);
        if (!m) {
            break;
        }
        sched_count(worker, 1);
        p->out_of_order |= number_of(m) < p->next;
        p->next = number_of(m) + 1;
        atomic_fetch_add(&p->received, 1);
        msg_free(p->world->shared, m);
    }
    p->over |= mbox_depth(&p->mbox) > mbox_capacity(&p->mbox) * MBOX_HARD_FACTOR;
    pause_wake(p->graph, &p->mbox);
    return went_on && (p->sent < PINGS || mbox_has_message(&p->mbox)) ? TASK_AGAIN : TASK_IDLE;
}

static bool ping_arrived(struct sched_task *task, struct sched_worker *worker) {
    (void)worker;
    mbox_arrived((struct mbox *)(void *)task);
    return true;
}

static bool have_pinged(void *context) {
    struct pinger *p = context;
    return atomic_load(&p[0].received) + atomic_load(&p[1].bounced) == PINGS &&
           atomic_load(&p[1].received) + atomic_load(&p[0].bounced) == PINGS;
}

static void ping_each_other(struct world *w, uint32_t capacity, uint32_t batch) {
    static const struct task_ops ops = {.run = ping_run, .arrived = ping_arrived};
    struct sched_options options = {.workers = 2,
                                    .clock = clock_system(),
                                    .local_create = given_local,
                                    .local_destroy = given_no_local,
                                    .context = w};
    struct sched *sched;
    struct err err;
    assert_int_equal(sched_create(&options, &sched, &err), 0);
    static struct pinger pingers[2];
    struct pause_graph graph;
    pause_init(&graph, NULL);
    for (unsigned i = 0; i < 2; i++) {
        pingers[i] = (struct pinger){
            .graph = &graph, .world = w, .partner = &pingers[1 - i], .batch = batch};
        pingers[i].pauser.self = &pingers[i].mbox;
        mbox_init(&pingers[i].mbox, &ops, sched_worker_at(sched, i), capacity);
    }
    assert_int_equal(sched_start(sched, &err), 0);
    mbox_poke(&pingers[0].mbox);
    mbox_poke(&pingers[1].mbox);

    test_wait_until(have_pinged, pingers);

    sched_stop(sched);
    for (unsigned i = 0; i < 2; i++) {
        assert_false(pingers[i].out_of_order);
        assert_false(pingers[i].over);
        assert_int_equal(mbox_depth(&pingers[i].mbox), 0);
        assert_null(atomic_load(&pingers[i].mbox.waiters));
    }
    assert_true(graph.pauses + graph.cycles > 0);
    sched_destroy(sched);
    pause_fini(&graph);
}

static void test_mb2_full_mailboxes_on_two_threads_lose_no_wake_up(void **state) {
    ping_each_other(*state, 1, 1);
    ping_each_other(*state, 3, 2);
    ping_each_other(*state, 100, 40);
}

/* One closes while the other begins to wait for it. */
struct closing {
    struct mbox mbox; /* first */
    struct pause_graph *graph;
    struct world *world;
};

static enum task_result close_run(struct sched_task *task, struct sched_worker *worker) {
    struct closing *c = (struct closing *)(void *)task;
    (void)worker;
    msg_free_chain(c->world->shared, mbox_close(&c->mbox));
    pause_wake(c->graph, &c->mbox);
    return TASK_GONE;
}

static bool close_arrived(struct sched_task *task, struct sched_worker *worker) {
    (void)worker;
    mbox_arrived((struct mbox *)(void *)task);
    return !mbox_is_closed((struct mbox *)(void *)task);
}

struct waiter {
    struct pause_graph *graph;
    struct pauser *pauser;
    struct mbox *target;
    pthread_barrier_t *barrier;
    unsigned rounds;
};

static void *begin_to_wait(void *argument) {
    struct waiter *waiter = argument;
    for (unsigned i = 0; i < waiter->rounds; i++) {
        pthread_barrier_wait(waiter->barrier);
        (void)pause_wait(waiter->graph, waiter->pauser, waiter->target);
        pthread_barrier_wait(waiter->barrier);
    }
    return NULL;
}

#define CHAIN 2000u

/* Full mailboxes, each waiting for the one behind it: the walk along them gives the other side time. */
static void given_chain_of_waiters(struct world *w, struct pause_graph *graph, struct mbox *mboxes,
                                   struct pauser *pausers) {
    be_worker(w, 0);
    for (unsigned i = CHAIN; i-- > 0;) {
        given_mbox(w, &mboxes[i], 1, NULL);
        assert_int_equal(offer_one(w, &mboxes[i], 0), OFFER_TAKEN);
        pausers[i].self = &mboxes[i];
        if (i + 1 < CHAIN) {
            assert_int_equal(pause_wait(graph, &pausers[i], &mboxes[i + 1]), PAUSE_WAITS);
        }
    }
}

static void test_ai4_nobody_waits_for_a_mailbox_that_closed_meanwhile(void **state) {
    static const struct task_ops ops = {.run = close_run, .arrived = close_arrived};
    struct world *w = *state;
    struct pause_graph graph;
    pause_init(&graph, NULL);
    struct mbox self;
    given_mbox(w, &self, 4, NULL);
    struct mbox *mboxes = calloc(CHAIN, sizeof *mboxes);
    struct pauser *pausers = calloc(CHAIN, sizeof *pausers);
    static struct closing target;
    target = (struct closing){.graph = &graph, .world = w};
    mbox_init(&target.mbox, &ops, sched_worker_at(w->sched, 0), 1);
    given_chain_of_waiters(w, &graph, mboxes, pausers);
    (void)sched_step_all(w->sched, UINT64_MAX);
    struct pauser ahead = {.self = &target.mbox};
    struct pauser pauser = {.self = &self};
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 2);
    struct waiter waiter = {&graph, &pauser, &target.mbox, &barrier, 2000};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, begin_to_wait, &waiter), 0);
    unsigned left_waiting = 0;

    for (unsigned i = 0; i < waiter.rounds; i++) {
        be_worker(w, 0);
        mbox_reopen(&target.mbox, sched_worker_at(w->sched, 0), 1);
        assert_int_equal(pause_wait(&graph, &ahead, &mboxes[0]), PAUSE_WAITS);
        assert_int_equal(offer_one(w, &target.mbox, 0), OFFER_TAKEN);
        pthread_barrier_wait(&barrier);
        (void)sched_step_all(w->sched, UINT64_MAX);
        pthread_barrier_wait(&barrier);
        (void)sched_step_all(w->sched, UINT64_MAX);
        left_waiting += !pause_is_over(&graph, &pauser);
        pause_cancel(&graph, &pauser);
        pause_cancel(&graph, &ahead);
    }
    pthread_join(thread, NULL);

    assert_int_equal(left_waiting, 0);
    be_worker(w, 0);
    for (unsigned i = 0; i < CHAIN; i++) {
        (void)close_counted(w, &mboxes[i]);
        pause_wake(&graph, &mboxes[i]);
    }
    free(mboxes);
    free(pausers);
    pthread_barrier_destroy(&barrier);
    pause_fini(&graph);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_mb2_sender_waits_until_the_mailbox_is_half_empty),
        IN_WORLD(test_mb2_sender_to_a_mailbox_of_one_waits_until_it_is_empty),
        IN_WORLD(test_sender_that_finds_room_after_all_offers_again),
        IN_WORLD(test_ai4_sender_to_a_closed_mailbox_offers_again_and_is_refused),
        IN_WORLD(test_ai4_closing_lets_all_paused_senders_go_on),
        IN_WORLD(test_woken_sender_is_made_ready),
        IN_WORLD(test_target_is_asked_to_look_when_somebody_begins_to_wait),
        IN_WORLD(test_cycle_of_one_is_found),
        IN_WORLD(test_mb2_cycles_of_two_and_more_are_found_by_the_one_that_closes_them),
        IN_WORLD(test_chain_that_ends_at_a_running_actor_is_no_cycle),
        IN_WORLD(test_waiting_beside_a_cycle_that_was_let_through_is_no_cycle),
        IN_WORLD(test_chain_that_was_woken_closes_no_cycle),
        IN_WORLD(test_cancelled_wait_is_over_and_the_others_wait_on),
        IN_WORLD(test_mb2_sender_waits_for_bytes_as_well),
        IN_WORLD(test_nobody_waits_for_one_that_waits_for_its_end),
        IN_WORLD(test_mailbox_that_opens_again_is_waited_for_again),
        IN_WORLD(test_mb2_woken_sender_finds_all_the_room_there_is),
        IN_WORLD(test_mb2_full_mailboxes_on_two_threads_lose_no_wake_up),
        IN_WORLD(test_ai4_nobody_waits_for_a_mailbox_that_closed_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
