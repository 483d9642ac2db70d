/* Mailboxes, pausing, rings and moves between workers, over many seeds: whatever the order, no message
 * is lost, doubled or overtaken, no bound is passed, and everyone comes to an end. */
#include "lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lib/seed.h"
#include "message/mbox.h"
#include "message/pause.h"
#include "message/pool.h"
#include "sched/sched_impl.h"

#define ACTORS_MAX 7u
#define LIVES_MAX 3u
#define RING_PORT 1u

struct play;

/* What one sender sent one receiver, and what became of it. */
struct stream {
    uint64_t sent, accepted, next;
};

struct actor {
    struct mbox mbox; /* first */
    struct mbox_bounds bounds;
    struct pauser pauser;
    struct mbox_ring ring;
    struct play *play;
    uint32_t index;
    uint32_t life;    /* counts reopenings */
    uint64_t to_send; /* still */
    bool paused, gone;
    struct {
        struct actor *to;
        struct msg *first, *last;
        uint32_t count;
    } rest;                          /* held back by a full mailbox */
    struct stream to[ACTORS_MAX];    /* through the list; `next` is the receiver's */
    struct stream rings[ACTORS_MAX]; /* through the ring */
};

struct play {
    struct clock_manual clock;
    struct sched *sched;
    struct pools *pools;
    struct pool *pool;
    struct pause_graph graph;
    struct test_random random;
    struct actor actors[ACTORS_MAX];
    uint32_t count;
    uint64_t accepted, taken, returned, evicted, refused, uncharged;
    bool closing; /* actors close and come again */
    bool over_limit, overtaken, wrong_life;
};

static uint64_t below(struct play *p, uint64_t bound) {
    return test_random_below(&p->random, bound);
}

/* sender, life of the receiver, ring or list, number of the stream */
static uint64_t tag(const struct actor *from, const struct actor *to, bool ring, uint64_t number) {
    return (uint64_t)from->index << 56 | (uint64_t)to->life << 48 | (uint64_t)ring << 40 | number;
}

static struct msg *new_message(struct play *p, enum msg_kind kind, uint64_t body) {
    struct msg *m = msg_alloc(p->pool, kind, 0, 8 + below(p, 100));
    assert_non_null(m);
    *(uint64_t *)msg_body(m) = body;
    return m;
}

static void free_refused(struct play *p, struct msg *chain) {
    while (chain) {
        struct msg *next = chain->next;
        msg_free(p->pool, chain);
        p->refused++;
        chain = next;
    }
}

static void give_up_rest(struct actor *a) {
    free_refused(a->play, a->rest.first);
    a->rest.first = NULL;
    a->rest.count = 0;
}

static enum offer offer_front(struct actor *a, uint32_t count, uint32_t limit) {
    struct msg *last = a->rest.first;
    for (uint32_t i = 1; i < count; i++) {
        last = last->next;
    }
    struct msg *after = last->next;
    last->next = NULL;
    enum offer result = mbox_offer(&a->rest.to->mbox, a->rest.first, last, count, limit);
    if (result == OFFER_TAKEN) {
        a->rest.first = after;
        a->rest.count -= count;
        a->play->accepted += count;
    } else {
        last->next = after;
    }
    return result;
}

/* Offers the rest as an outbox does: whole, what fits, one; then waits. True when it is gone. */
static bool deliver(struct actor *a) {
    struct play *p = a->play;
    while (a->rest.count > 0) {
        struct mbox *target = &a->rest.to->mbox;
        uint32_t capacity = mbox_capacity(target);
        uint32_t room = mbox_room(target, capacity);
        uint32_t count = room == 0 || room > a->rest.count ? a->rest.count : room;
        enum offer result = offer_front(a, below(p, 4) == 0 ? 1 : count, capacity);
        if (result == OFFER_CLOSED) {
            give_up_rest(a);
        } else if (result == OFFER_FULL) {
            switch (pause_wait(&p->graph, &a->pauser, target)) {
            case PAUSE_WAITS:
                a->paused = true;
                return false;
            case PAUSE_CYCLE:
                if (offer_front(a, 1, capacity * MBOX_HARD_FACTOR) != OFFER_TAKEN) {
                    give_up_rest(a);
                }
                break;
            case PAUSE_RETRY:
                break;
            }
        }
    }
    return true;
}

static void prepare_batch(struct actor *a) {
    struct play *p = a->play;
    struct actor *to = &p->actors[below(p, p->count)];
    uint32_t count = 1 + (uint32_t)below(p, 5);
    a->rest.to = to;
    a->rest.count = count;
    struct msg **at = &a->rest.first;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = a->to[to->index].sent++;
        *at = new_message(p, MSG_DATA, tag(a, to, false, number));
        a->rest.last = *at;
        at = &(*at)->next;
    }
    a->to_send -= a->to_send < count ? a->to_send : count;
}

static void send_to_ring(struct actor *a) {
    struct play *p = a->play;
    struct actor *to = &p->actors[below(p, p->count)];
    uint64_t number = a->rings[to->index].sent++;
    struct msg *m = new_message(p, MSG_DATA, tag(a, to, true, number));
    struct msg *evicted = NULL;
    if (mbox_ring_offer(&to->mbox, &to->ring, m, &evicted) == OFFER_CLOSED) {
        free_refused(p, m);
        return;
    }
    p->accepted++;
    if (evicted) {
        p->evicted++;
        msg_free(p->pool, evicted);
    }
}

static void send_uncharged(struct actor *a) {
    struct play *p = a->play;
    struct actor *to = &p->actors[below(p, p->count)];
    struct msg *m = new_message(p, MSG_REPLY, tag(a, to, false, 0));
    if (mbox_offer(&to->mbox, m, m, 1, 0) == OFFER_TAKEN) {
        p->accepted++;
        p->uncharged++;
    } else {
        free_refused(p, m);
    }
}

/* True: goes on; false: waits for room. */
static bool send_some(struct actor *a) {
    if (a->to_send == 0) {
        return true;
    }
    switch (below(a->play, 4)) {
    case 0:
        send_to_ring(a);
        return true;
    case 1:
        send_uncharged(a);
        return true;
    default:
        prepare_batch(a);
        return deliver(a);
    }
}

static void check_message(struct actor *a, struct msg *m) {
    struct play *p = a->play;
    uint64_t body = *(uint64_t *)msg_body(m);
    struct actor *from = &p->actors[body >> 56];
    bool ring = body >> 40 & 1;
    uint64_t number = body & ((1ull << 40) - 1);
    p->wrong_life |= (body >> 48 & 0xff) > a->life;
    if (m->kind == MSG_DATA) {
        struct stream *stream = ring ? &from->rings[a->index] : &from->to[a->index];
        p->overtaken |= number < stream->next;
        stream->next = number + 1;
    }
}

static void take_some(struct actor *a, unsigned budget) {
    struct play *p = a->play;
    for (unsigned i = 0; i < budget; i++) {
        struct msg *m = mbox_take(&a->mbox);
        if (!m) {
            return;
        }
        p->taken++;
        check_message(a, m);
        msg_free(p->pool, m);
    }
}

static bool check_bounds(struct actor *a) {
    uint32_t depth = mbox_depth(&a->mbox);
    uint32_t uncharged = atomic_load(&a->mbox.uncharged) + atomic_load(&a->bounds.in_rings);
    uint32_t charged = depth - uncharged;
    return charged <= mbox_capacity(&a->mbox) * MBOX_HARD_FACTOR &&
           (a->play->graph.cycles > 0 || charged <= mbox_capacity(&a->mbox));
}

/* The slot closes with all in it, and opens again for another life, maybe elsewhere. */
static enum task_result close_now(struct actor *a) {
    struct play *p = a->play;
    if (a->paused) {
        pause_cancel(&p->graph, &a->pauser);
        a->paused = false;
    }
    give_up_rest(a);
    for (struct msg *m = mbox_close(&a->mbox); m;) {
        struct msg *next = m->next;
        check_message(a, m);
        msg_free(p->pool, m);
        p->returned++;
        m = next;
    }
    pause_wake(&p->graph, &a->mbox);
    a->gone = true;
    return TASK_GONE;
}

static void reopen(struct actor *a) {
    struct play *p = a->play;
    a->gone = false;
    a->life++;
    struct sched_worker *home = sched_worker_at(p->sched, (unsigned)below(p, 16));
    mbox_reopen(&a->mbox, home, 1 + (uint32_t)below(p, 90));
    mbox_poke(&a->mbox);
}

static enum task_result act(struct sched_task *task, struct sched_worker *worker) {
    struct actor *a = (struct actor *)(void *)task;
    struct play *p = a->play;
    unsigned budget = sched_budget(worker, task);
    p->over_limit |= !check_bounds(a);
    if (a->paused) {
        if (!pause_is_over(&p->graph, &a->pauser)) {
            return TASK_IDLE;
        }
        a->paused = false;
        if (!deliver(a)) {
            return TASK_IDLE;
        }
    }
    if (p->closing && a->life < LIVES_MAX && below(p, 40) == 0) {
        bool noted = mbox_is_noted(&a->mbox);
        enum task_result gone = close_now(a);
        if (!noted) {
            reopen(a);
        }
        return gone;
    }
    if (send_some(a)) {
        take_some(a, budget % 10);
    }
    pause_wake(&p->graph, &a->mbox);
    if (below(p, 16) == 0 && !a->paused) {
        task->pull_to = (uint16_t)below(p, 16);
        return TASK_MOVE;
    }
    return !a->paused && (a->to_send > 0 || mbox_has_message(&a->mbox)) ? TASK_AGAIN : TASK_IDLE;
}

/* A closed one that was noted comes again when its last note has arrived. */
static bool act_arrived(struct sched_task *task, struct sched_worker *worker) {
    struct actor *a = (struct actor *)(void *)task;
    (void)worker;
    mbox_arrived(&a->mbox);
    if (a->gone) {
        reopen(a);
        return false; /* its home may be another one now */
    }
    return true;
}

static const struct task_ops act_ops = {.run = act, .arrived = act_arrived};

static void *local_create(void *context, struct sched_worker *worker) {
    (void)worker;
    return context;
}

static void local_destroy(void *context, void *local) {
    (void)context;
    (void)local;
}

static void play_init(struct play *p, uint64_t seed, bool closing) {
    memset(p, 0, sizeof *p);
    p->random.state = seed;
    p->closing = closing;
    clock_manual_init(&p->clock, 1, 0);
    struct sched_options options = {.workers = 1 + (unsigned)below(p, 4),
                                    .seeded = true,
                                    .seed = seed,
                                    .clock = &p->clock.clock,
                                    .local_create = local_create,
                                    .local_destroy = local_destroy,
                                    .context = p};
    struct err err;
    assert_int_equal(sched_create(&options, &p->sched, &err), 0);
    p->pools = pools_create();
    p->pool = pools_take(p->pools);
    pause_init(&p->graph, NULL);
    p->count = 1 + (uint32_t)below(p, ACTORS_MAX);
    for (uint32_t i = 0; i < p->count; i++) {
        struct actor *a = &p->actors[i];
        a->play = p;
        a->index = i;
        a->to_send = 100 + below(p, 400);
        a->pauser.self = &a->mbox;
        uint64_t bytes = below(p, 3) == 0 ? 200 + below(p, 3000) : 0;
        uint32_t capacity = 1 + (uint32_t)below(p, below(p, 2) ? 10 : 200);
        a->bounds = (struct mbox_bounds){.bytes_max = bytes, .rings = &a->ring, .ring_count = 1};
        mbox_init(&a->mbox, &act_ops, sched_worker_at(p->sched, (unsigned)below(p, 16)), capacity);
        mbox_bound(&a->mbox, &a->bounds);
        mbox_ring_init(&a->ring, RING_PORT, 1 + (uint32_t)below(p, 6));
        mbox_poke(&a->mbox);
    }
}

static void expect_end(struct play *p) {
    for (uint32_t i = 0; i < p->count; i++) {
        struct actor *a = &p->actors[i];
        assert_false(a->paused); /* no wake-up was lost */
        assert_int_equal(a->to_send, 0);
        assert_int_equal(mbox_depth(&a->mbox), 0);
        assert_int_equal(atomic_load(&a->bounds.bytes), 0);
        assert_null(atomic_load(&a->mbox.waiters));
    }
    assert_false(p->over_limit);
    assert_false(p->overtaken);
    assert_false(p->wrong_life);
    assert_int_equal(p->accepted, p->taken + p->returned + p->evicted);
    assert_int_equal(pools_live(p->pools), 0);
}

static void play_fini(struct play *p) {
    for (uint32_t i = 0; i < p->count; i++) {
        mbox_ring_fini(&p->actors[i].ring);
    }
    pause_fini(&p->graph);
    sched_destroy(p->sched);
    pools_destroy(p->pools);
}

static void run_seeds(bool closing) {
    static struct play p;
    uint64_t pauses = 0;
    uint64_t cycles = 0;
    struct test_seeds seeds = test_seeds(2000);
    bool all = seeds.last - seeds.next > 100;
    for (uint64_t seed; test_seeds_next(&seeds, &seed);) {
        play_init(&p, seed, closing);

        uint64_t steps = sched_step_all(p.sched, 1000000);

        assert_true(steps < 1000000);
        expect_end(&p);
        pauses += p.graph.pauses;
        cycles += p.graph.cycles;
        play_fini(&p);
    }
    assert_true(!all || (pauses > 1000 && cycles > 100)); /* the seeds reach what they are for */
}

static void test_mb1_mb2_hold_for_every_seed(void **state) {
    (void)state;

    run_seeds(false);
}

static void test_ai4_closing_and_coming_again_loses_nobody_for_any_seed(void **state) {
    (void)state;

    run_seeds(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_mb1_mb2_hold_for_every_seed, test_seed_teardown),
        cmocka_unit_test_teardown(test_ai4_closing_and_coming_again_loses_nobody_for_any_seed,
                                  test_seed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
