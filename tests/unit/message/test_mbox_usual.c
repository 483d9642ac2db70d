/* The short ways into and out of a mailbox: taken only where the long ones would do the same. */
#include "given.h"

/* Of `capacity`; its home, which is the caller, has had as many messages as it may keep places. */
static void given_warm(struct world *w, struct mbox *mb, uint32_t capacity) {
    given_mbox(w, mb, capacity, NULL);
    be_worker(w, 0);
    for (uint64_t i = 0; i < capacity / 16; i++) {
        assert_int_equal(offer_one(w, mb, i), OFFER_TAKEN);
    }
    for (uint64_t i = 0; i < capacity / 16; i++) {
        take_expecting(w, mb, i);
    }
}

static bool offer_here(struct world *w, struct mbox *mb, uint64_t first, uint32_t count) {
    struct msg *last;
    struct msg *chain = given_chain(w->pool, first, count, &last);
    bool taken = mbox_offer_here(mb, sched_current(), chain, last, count);
    if (!taken) {
        msg_free_chain(w->pool, chain);
    }
    return taken;
}

static void take_usual_expecting(struct world *w, struct mbox *mb, uint64_t number) {
    struct msg *m = mbox_take_usual(mb);
    assert_non_null(m);
    assert_int_equal(number_of(m), number);
    msg_free(w->pool, m);
}

static void test_mb1_both_ways_keep_one_order(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_warm(w, &mb, 64);

    assert_true(offer_here(w, &mb, 1, 2));
    assert_int_equal(offer_one(w, &mb, 3), OFFER_TAKEN);
    assert_true(offer_here(w, &mb, 4, 1));

    assert_int_equal(mbox_depth(&mb), 4);
    take_usual_expecting(w, &mb, 1);
    take_expecting(w, &mb, 2);
    take_usual_expecting(w, &mb, 3);
    take_usual_expecting(w, &mb, 4);
    assert_true(mbox_is_spent(&mb));
    assert_int_equal(mbox_depth(&mb), 0);
    assert_int_equal(mbox_high_water(&mb), 4);
}

static void test_mb1_what_came_from_elsewhere_is_not_overtaken(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_warm(w, &mb, 64);
    be_worker(w, 1);
    assert_int_equal(offer_one(w, &mb, 1), OFFER_TAKEN);
    be_worker(w, 0);

    assert_false(offer_here(w, &mb, 2, 1));

    assert_false(mbox_is_spent(&mb));
    assert_int_equal(offer_one(w, &mb, 2), OFFER_TAKEN);
    take_expecting(w, &mb, 1);
    take_usual_expecting(w, &mb, 2);
    assert_false(mbox_is_spent(&mb)); /* places are to be given back */
    assert_null(mbox_take(&mb));
    assert_true(mbox_is_spent(&mb));
}

static void test_mb2_only_into_places_that_the_home_has(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_warm(w, &mb, 64);

    assert_false(offer_here(w, &mb, 0, 5));
    assert_true(offer_here(w, &mb, 0, 4));
    assert_false(offer_here(w, &mb, 4, 1));

    assert_int_equal(close_counted(w, &mb), 4);
}

static void test_mb2_no_more_places_are_kept_than_by_the_long_way(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_warm(w, &mb, 64);
    assert_int_equal(offer_batch(w, &mb, 0, 6), OFFER_TAKEN);

    for (uint64_t i = 0; i < 4; i++) {
        assert_true(mbox_is_roomy(&mb));
        take_usual_expecting(w, &mb, i);
    }

    assert_false(mbox_is_roomy(&mb));
    take_expecting(w, &mb, 4);
    be_worker(w, 1);
    assert_int_equal(mbox_room(&mb, 64), 63); /* all were given back with the fifth */
    be_worker(w, 0);
    assert_int_equal(close_counted(w, &mb), 1);
}

static void test_not_for_another_worker_nor_behind_the_close(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_warm(w, &mb, 64);
    be_worker(w, 1);
    assert_false(offer_here(w, &mb, 1, 1));
    be_worker(w, 0);

    assert_int_equal(close_counted(w, &mb), 0);

    assert_false(offer_here(w, &mb, 1, 1));
}

static void test_one_with_bounds_is_never_roomy(void **state) {
    struct world *w = *state;
    struct mbox mb;
    struct mbox_bounds bounds = {.bytes_max = 1 << 20};
    given_mbox(w, &mb, 64, NULL);
    assert_true(mbox_is_roomy(&mb));

    mbox_bound(&mb, &bounds);

    assert_false(mbox_is_roomy(&mb));
}

static void given_open_here(struct world *w, struct mbox *mb, uint32_t capacity) {
    be_worker(w, 0);
    mbox_init_shut(mb, &idle_ops, sched_worker_at(w->sched, 0), capacity);
    mbox_open_here(mb);
}

static void test_mb2_one_opened_here_has_a_place_for_its_home_that_is_no_depth(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_open_here(w, &mb, 16);

    assert_int_equal(mbox_depth(&mb), 0);
    assert_int_equal(mbox_room(&mb, 16), 16);
    assert_true(offer_here(w, &mb, 1, 1));
    assert_false(offer_here(w, &mb, 2, 1));

    assert_int_equal(mbox_depth(&mb), 1);
    assert_int_equal(close_counted(w, &mb), 1);
}

static void test_mb2_that_place_comes_back_when_others_send(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_open_here(w, &mb, 16);
    be_worker(w, 1);
    assert_int_equal(offer_batch(w, &mb, 0, 15), OFFER_TAKEN);
    assert_int_equal(offer_one(w, &mb, 15), OFFER_FULL);

    be_worker(w, 0);
    worker_collect(sched_current());
    be_worker(w, 1);

    assert_int_equal(offer_one(w, &mb, 15), OFFER_TAKEN);
    be_worker(w, 0);
    assert_int_equal(close_counted(w, &mb), 16);
}

static void test_mb2_a_small_one_opened_here_keeps_no_place(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_open_here(w, &mb, 15);
    be_worker(w, 1);

    assert_int_equal(offer_batch(w, &mb, 0, 15), OFFER_TAKEN);

    be_worker(w, 0);
    assert_int_equal(close_counted(w, &mb), 15);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_mb1_both_ways_keep_one_order),
        IN_WORLD(test_mb1_what_came_from_elsewhere_is_not_overtaken),
        IN_WORLD(test_mb2_only_into_places_that_the_home_has),
        IN_WORLD(test_mb2_no_more_places_are_kept_than_by_the_long_way),
        IN_WORLD(test_not_for_another_worker_nor_behind_the_close),
        IN_WORLD(test_one_with_bounds_is_never_roomy),
        IN_WORLD(test_mb2_one_opened_here_has_a_place_for_its_home_that_is_no_depth),
        IN_WORLD(test_mb2_that_place_comes_back_when_others_send),
        IN_WORLD(test_mb2_a_small_one_opened_here_keeps_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
