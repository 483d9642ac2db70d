/* Mailboxes with a bound in bytes, and with rings for ports that drop their oldest. */
#include "given.h"

/* A data message whose block counts `bytes` (a multiple of 64 for blocks of a pool and a heap). */
static struct msg *given_sized(struct world *w, uint64_t bytes) {
    struct msg *m = msg_alloc(w->shared, MSG_DATA, 0, bytes - sizeof(struct msg));
    assert_non_null(m);
    assert_int_equal(msg_block_size(m), bytes);
    return m;
}

static enum offer offer_sized(struct world *w, struct mbox *mb, uint64_t bytes, uint32_t limit) {
    struct msg *m = given_sized(w, bytes);
    enum offer result = mbox_offer(mb, m, m, 1, limit);
    if (result != OFFER_TAKEN) {
        msg_free(w->pool, m);
    }
    return result;
}

static void take_any(struct world *w, struct mbox *mb) {
    struct msg *m = mbox_take(mb);
    assert_non_null(m);
    msg_free(w->pool, m);
}

static void test_mb2_bytes_are_bounded_from_everywhere(void **state) {
    struct world *w = *state;
    struct mbox mb;
    struct mbox_bounds bounds = {.bytes_max = 1024};
    given_mbox(w, &mb, 100, &bounds);
    for (int worker = 0; worker < 2; worker++) {
        be_worker(w, worker);
        assert_int_equal(offer_sized(w, &mb, 512, 100), OFFER_TAKEN);
        assert_int_equal(offer_sized(w, &mb, 512, 100), OFFER_TAKEN);

        assert_int_equal(mbox_room(&mb, 100), 0);
        assert_int_equal(offer_sized(w, &mb, 64, 100), OFFER_FULL);

        assert_int_equal(mbox_depth(&mb), 2);
        be_worker(w, 0);
        take_any(w, &mb);
        assert_true(mbox_room(&mb, 100) > 0);
        take_any(w, &mb);
        assert_int_equal(atomic_load(&bounds.bytes), 0);
    }
}

static void test_mb2_batch_over_the_bytes_is_refused_whole(void **state) {
    struct world *w = *state;
    struct mbox mb;
    struct mbox_bounds bounds = {.bytes_max = 1024};
    given_mbox(w, &mb, 100, &bounds);
    struct msg *first = given_sized(w, 1024);
    struct msg *last = given_sized(w, 64);
    first->next = last;

    assert_int_equal(mbox_offer(&mb, first, last, 2, 100), OFFER_FULL);

    assert_int_equal(atomic_load(&bounds.bytes), 0);
    assert_int_equal(free_chain_counted(w->pool, first), 2);
}

/* Else it would wait for ever. */
static void test_mb2_one_message_larger_than_the_bound_is_let_in_alone(void **state) {
    struct world *w = *state;
    struct mbox mb;
    struct mbox_bounds bounds = {.bytes_max = 1024};
    given_mbox(w, &mb, 100, &bounds);
    be_worker(w, 0);

    assert_int_equal(offer_sized(w, &mb, 8192, 100), OFFER_TAKEN);

    assert_int_equal(offer_sized(w, &mb, 64, 100), OFFER_FULL);
    assert_int_equal(close_counted(w, &mb), 1);
    assert_int_equal(atomic_load(&bounds.bytes), 0);
}

static void test_mb2_hard_limit_widens_the_bytes_as_well(void **state) {
    struct world *w = *state;
    struct mbox mb;
    struct mbox_bounds bounds = {.bytes_max = 256};
    given_mbox(w, &mb, 4, &bounds);
    be_worker(w, 0);

    for (uint32_t i = 0; i < MBOX_HARD_FACTOR; i++) {
        assert_true(mbox_room(&mb, 4 * MBOX_HARD_FACTOR) > 0);
        assert_int_equal(offer_sized(w, &mb, 256, 4 * MBOX_HARD_FACTOR), OFFER_TAKEN);
    }

    assert_int_equal(mbox_room(&mb, 4 * MBOX_HARD_FACTOR), 0);
    assert_int_equal(offer_sized(w, &mb, 64, 4 * MBOX_HARD_FACTOR), OFFER_FULL);
    assert_int_equal(close_counted(w, &mb), MBOX_HARD_FACTOR);
}

static void test_uncharged_messages_do_not_count_as_bytes(void **state) {
    struct world *w = *state;
    struct mbox mb;
    struct mbox_bounds bounds = {.bytes_max = 64};
    given_mbox(w, &mb, 4, &bounds);
    be_worker(w, 0);
    assert_int_equal(offer_kind(w, &mb, MSG_REPLY, 1), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_REPLY, 2), OFFER_TAKEN);

    assert_int_equal(atomic_load(&bounds.bytes), 0);
    assert_int_equal(offer_sized(w, &mb, 64, 4), OFFER_TAKEN);

    struct msg *m = mbox_take(&mb);
    mbox_untake(&mb, m);
    assert_int_equal(atomic_load(&bounds.bytes), 64);
    assert_int_equal(close_counted(w, &mb), 3);
    assert_int_equal(atomic_load(&bounds.bytes), 0);
}

static void test_closed_says_closed_also_when_its_bytes_are_full(void **state) {
    struct world *w = *state;
    struct mbox mb;
    struct mbox_bounds bounds = {.bytes_max = 64};
    given_mbox(w, &mb, 4, &bounds);
    be_worker(w, 0);
    assert_null(mbox_close(&mb));
    atomic_store(&bounds.bytes, 64); /* as while another sender is being refused */

    assert_int_equal(offer_sized(w, &mb, 64, 4), OFFER_CLOSED);
}

/* Ports 7 and 9 drop their oldest. */
struct ringed {
    struct mbox mb;
    struct mbox_bounds bounds;
    struct mbox_ring rings[2];
};

static void given_ringed(struct world *w, struct ringed *r, uint32_t capacity) {
    r->bounds = (struct mbox_bounds){.rings = r->rings, .ring_count = 2};
    given_mbox(w, &r->mb, 8, &r->bounds);
    mbox_ring_init(&r->rings[0], 7, capacity);
    mbox_ring_init(&r->rings[1], 9, capacity);
}

static void end_ringed(struct ringed *r) {
    mbox_ring_fini(&r->rings[0]);
    mbox_ring_fini(&r->rings[1]);
}

/* Returns the number of the message that fell out, or UINT64_MAX. */
static uint64_t offer_ring(struct world *w, struct ringed *r, uint16_t port, uint64_t number) {
    struct msg *m = given_msg(w->pool, MSG_DATA, number);
    struct msg *evicted = NULL;
    enum offer result = mbox_ring_offer(&r->mb, mbox_ring_find(&r->mb, port), m, &evicted);
    assert_int_equal(result, OFFER_TAKEN);
    if (!evicted) {
        return UINT64_MAX;
    }
    uint64_t fell = number_of(evicted);
    msg_free(w->pool, evicted);
    return fell;
}

static void test_ring_is_found_by_its_port(void **state) {
    struct world *w = *state;
    struct ringed r;
    given_ringed(w, &r, 2);

    assert_ptr_equal(mbox_ring_find(&r.mb, 7), &r.rings[0]);
    assert_ptr_equal(mbox_ring_find(&r.mb, 9), &r.rings[1]);
    assert_null(mbox_ring_find(&r.mb, 8));

    end_ringed(&r);
}

static void test_mb2_full_ring_drops_its_oldest(void **state) {
    struct world *w = *state;
    for (int worker = 0; worker < 2; worker++) {
        struct ringed r;
        given_ringed(w, &r, 3);
        be_worker(w, worker);
        unsigned evicted = 0;

        for (uint64_t i = 0; i < 10; i++) {
            uint64_t fell = offer_ring(w, &r, 7, i);
            assert_int_equal(fell, i < 3 ? UINT64_MAX : i - 3);
            evicted += fell != UINT64_MAX;
        }

        assert_int_equal(evicted, 7);
        assert_int_equal(mbox_depth(&r.mb), 3);
        be_worker(w, 0);
        for (uint64_t i = 7; i < 10; i++) {
            take_expecting(w, &r.mb, i);
        }
        assert_null(mbox_take(&r.mb));
        assert_int_equal(mbox_depth(&r.mb), 0);
        while (worker_step(sched_current())) {
        }
        end_ringed(&r);
    }
}

static void test_pd6_high_water_counts_what_waits_in_rings(void **state) {
    struct world *w = *state;
    struct ringed r;
    given_ringed(w, &r, 3);
    be_worker(w, 1);

    for (uint64_t i = 0; i < 5; i++) {
        (void)offer_ring(w, &r, 7, i);
    }
    assert_int_equal(mbox_high_water(&r.mb), 3);

    be_worker(w, 0);
    for (uint64_t i = 2; i < 5; i++) {
        take_expecting(w, &r.mb, i);
    }
    assert_int_equal(mbox_depth(&r.mb), 0);
    assert_int_equal(mbox_high_water(&r.mb), 3);
    while (worker_step(sched_current())) {
    }
    end_ringed(&r);
}

static void test_ring_of_one_keeps_the_newest(void **state) {
    struct world *w = *state;
    struct ringed r;
    given_ringed(w, &r, 1);
    be_worker(w, 0);

    assert_int_equal(offer_ring(w, &r, 7, 1), UINT64_MAX);
    assert_int_equal(offer_ring(w, &r, 7, 2), 1);
    assert_int_equal(offer_ring(w, &r, 7, 3), 2);

    take_expecting(w, &r.mb, 3);
    end_ringed(&r);
}

static void test_ring_takes_no_room_from_the_mailbox(void **state) {
    struct world *w = *state;
    struct ringed r;
    given_ringed(w, &r, 3);
    be_worker(w, 0);
    assert_int_equal(offer_ring(w, &r, 7, 0), UINT64_MAX);

    assert_int_equal(mbox_room(&r.mb, 8), 8);
    assert_int_equal(offer_batch(w, &r.mb, 0, 8), OFFER_TAKEN);
    assert_int_equal(offer_ring(w, &r, 7, 1), UINT64_MAX);
    assert_int_equal(mbox_depth(&r.mb), 10);

    assert_int_equal(close_counted(w, &r.mb), 10);
    end_ringed(&r);
}

/* A busy ring starves neither the list nor another ring. */
static void test_rings_and_list_take_turns(void **state) {
    struct world *w = *state;
    struct ringed r;
    given_ringed(w, &r, 8);
    be_worker(w, 0);
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(offer_ring(w, &r, 7, 100 + i), UINT64_MAX);
        assert_int_equal(offer_ring(w, &r, 9, 200 + i), UINT64_MAX);
        assert_int_equal(offer_one(w, &r.mb, 300 + i), OFFER_TAKEN);
    }

    unsigned from[4] = {0};
    for (unsigned i = 0; i < 8; i++) {
        struct msg *m = mbox_take(&r.mb);
        from[number_of(m) / 100]++;
        msg_free(w->pool, m);
    }

    assert_int_equal(from[1], 2);
    assert_int_equal(from[2], 2);
    assert_int_equal(from[3], 4);
    assert_int_equal(close_counted(w, &r.mb), 16);
    end_ringed(&r);
}

static void test_ring_offer_asks_for_an_activation(void **state) {
    struct world *w = *state;
    struct ringed r;
    given_ringed(w, &r, 2);
    be_worker(w, 1);

    (void)offer_ring(w, &r, 7, 1);

    assert_true(mbox_is_noted(&r.mb));
    be_worker(w, 0);
    worker_collect(sched_current());
    assert_true(r.mb.task.queued);
    assert_true(mbox_has_message(&r.mb));
    take_expecting(w, &r.mb, 1);
    assert_false(mbox_has_message(&r.mb));
    end_ringed(&r);
}

static void test_ring_offer_refused_after_close(void **state) {
    struct world *w = *state;
    struct ringed r;
    given_ringed(w, &r, 2);
    be_worker(w, 0);
    (void)offer_ring(w, &r, 7, 1);
    (void)offer_ring(w, &r, 9, 2);
    assert_int_equal(offer_one(w, &r.mb, 3), OFFER_TAKEN);
    assert_int_equal(close_counted(w, &r.mb), 3);
    struct msg *m = given_msg(w->pool, MSG_DATA, 4);
    struct msg *evicted = m;

    assert_int_equal(mbox_ring_offer(&r.mb, &r.rings[0], m, &evicted), OFFER_CLOSED);

    assert_ptr_equal(evicted, m); /* not touched */
    assert_int_equal(mbox_depth(&r.mb), 0);
    msg_free(w->pool, m);
    end_ringed(&r);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_mb2_bytes_are_bounded_from_everywhere),
        IN_WORLD(test_mb2_batch_over_the_bytes_is_refused_whole),
        IN_WORLD(test_mb2_one_message_larger_than_the_bound_is_let_in_alone),
        IN_WORLD(test_mb2_hard_limit_widens_the_bytes_as_well),
        IN_WORLD(test_uncharged_messages_do_not_count_as_bytes),
        IN_WORLD(test_closed_says_closed_also_when_its_bytes_are_full),
        IN_WORLD(test_ring_is_found_by_its_port),
        IN_WORLD(test_mb2_full_ring_drops_its_oldest),
        IN_WORLD(test_pd6_high_water_counts_what_waits_in_rings),
        IN_WORLD(test_ring_of_one_keeps_the_newest),
        IN_WORLD(test_ring_takes_no_room_from_the_mailbox),
        IN_WORLD(test_rings_and_list_take_turns),
        IN_WORLD(test_ring_offer_asks_for_an_activation),
        IN_WORLD(test_ring_offer_refused_after_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
