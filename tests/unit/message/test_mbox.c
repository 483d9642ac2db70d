/* Mailboxes: order, capacity from the home and from elsewhere, closing, notes, counts. */
#include "given.h"

#define SETUP                                                                                      \
    struct world *w = *state;                                                                      \
    struct mbox mb;                                                                                \
    given_mbox(w, &mb, 8, NULL);

static void test_mb1_messages_from_the_home_are_taken_in_order(void **state) {
    SETUP
    be_worker(w, 0);

    assert_int_equal(offer_batch(w, &mb, 1, 3), OFFER_TAKEN);
    assert_int_equal(offer_one(w, &mb, 4), OFFER_TAKEN);

    for (uint64_t i = 1; i <= 4; i++) {
        take_expecting(w, &mb, i);
    }
    assert_null(mbox_take(&mb));
}

static void test_mb1_batches_from_elsewhere_are_taken_in_order(void **state) {
    SETUP

    assert_int_equal(offer_batch(w, &mb, 1, 3), OFFER_TAKEN);
    assert_int_equal(offer_one(w, &mb, 4), OFFER_TAKEN);
    assert_int_equal(offer_batch(w, &mb, 5, 2), OFFER_TAKEN);

    be_worker(w, 0);
    for (uint64_t i = 1; i <= 6; i++) {
        take_expecting(w, &mb, i);
    }
    assert_null(mbox_take(&mb));
}

static void test_mb1_order_holds_when_the_sender_moves_home_and_away(void **state) {
    SETUP
    mbox_init(&mb, &idle_ops, sched_worker_at(w->sched, 0), 100);

    for (uint64_t i = 0; i < 60; i += 3) {
        be_worker(w, i % 4 == 0 ? 0 : 1);
        assert_int_equal(offer_batch(w, &mb, i, 3), OFFER_TAKEN);
        if (i % 5 == 0) {
            be_worker(w, 0);
            worker_collect(sched_current());
        }
    }

    be_worker(w, 0);
    for (uint64_t i = 0; i < 60; i++) {
        take_expecting(w, &mb, i);
    }
}

static void expect_exact(struct world *w, struct mbox *mb) {
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(mbox_room(mb, 8), 8 - i);
        assert_int_equal(offer_one(w, mb, i), OFFER_TAKEN);
        assert_int_equal(mbox_depth(mb), i + 1);
    }
    assert_int_equal(mbox_room(mb, 8), 0);
    assert_int_equal(offer_one(w, mb, 8), OFFER_FULL);
    assert_int_equal(mbox_depth(mb), 8);
    assert_int_equal(offer_kind(w, mb, MSG_REQUEST, 8), OFFER_FULL);
}

static void test_mb2_capacity_is_exact_from_the_home(void **state) {
    SETUP
    be_worker(w, 0);

    expect_exact(w, &mb);

    assert_int_equal(close_counted(w, &mb), 8);
}

static void test_mb2_capacity_is_exact_from_elsewhere(void **state) {
    SETUP
    be_worker(w, 1);

    expect_exact(w, &mb);

    be_worker(w, 0);
    assert_int_equal(close_counted(w, &mb), 8);
}

static void test_mb2_capacity_is_exact_for_both_together(void **state) {
    SETUP
    be_worker(w, 0);
    assert_int_equal(offer_batch(w, &mb, 0, 3), OFFER_TAKEN);
    be_worker(w, -1);
    assert_int_equal(offer_batch(w, &mb, 3, 4), OFFER_TAKEN);
    be_worker(w, 0);
    assert_int_equal(offer_one(w, &mb, 7), OFFER_TAKEN);

    assert_int_equal(offer_one(w, &mb, 8), OFFER_FULL);
    be_worker(w, -1);
    assert_int_equal(offer_one(w, &mb, 8), OFFER_FULL);

    be_worker(w, 0);
    for (uint64_t i = 0; i < 8; i++) {
        take_expecting(w, &mb, i);
    }
    be_worker(w, -1);
    assert_int_equal(offer_batch(w, &mb, 0, 8), OFFER_TAKEN);
    be_worker(w, 0);
    assert_int_equal(close_counted(w, &mb), 8);
}

static void test_mb2_batch_is_taken_whole_or_not_at_all(void **state) {
    SETUP
    for (int worker = 0; worker < 2; worker++) {
        be_worker(w, worker);
        assert_int_equal(offer_batch(w, &mb, 0, 9), OFFER_FULL);
        assert_int_equal(offer_batch(w, &mb, 0, 5), OFFER_TAKEN);
        struct msg *last;
        struct msg *chain = given_chain(w->pool, 5, 4, &last);

        assert_int_equal(mbox_offer(&mb, chain, last, 4, 8), OFFER_FULL);

        /* they are still the caller's, linked as they were */
        assert_null(last->next);
        assert_int_equal(free_chain_counted(w->pool, chain), 4);
        assert_int_equal(mbox_depth(&mb), 5);
        be_worker(w, 0);
        for (uint64_t i = 0; i < 5; i++) {
            take_expecting(w, &mb, i);
        }
    }
}

static void test_mb2_a_cycle_is_let_through_up_to_the_limit_it_gives(void **state) {
    SETUP
    uint32_t hard = mbox_capacity(&mb) * MBOX_HARD_FACTOR;
    for (int worker = 0; worker < 2; worker++) {
        be_worker(w, worker);
        for (uint32_t i = 0; i < hard / 2; i++) {
            struct msg *m = given_msg(w->pool, MSG_DATA, i);
            assert_int_equal(mbox_offer(&mb, m, m, 1, hard), OFFER_TAKEN);
        }
    }

    struct msg *m = given_msg(w->pool, MSG_DATA, 0);
    assert_int_equal(mbox_offer(&mb, m, m, 1, hard), OFFER_FULL);
    assert_int_equal(mbox_room(&mb, mbox_capacity(&mb)), 0);

    msg_free(w->pool, m);
    be_worker(w, 0);
    assert_int_equal(close_counted(w, &mb), hard);
}

/* A home that took some keeps their places for itself for a while; never too many, never for ever. */
static void test_mb2_places_kept_for_the_home_are_few_and_come_back(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_mbox(w, &mb, 64, NULL);
    be_worker(w, 0);
    assert_int_equal(offer_batch(w, &mb, 0, 64), OFFER_TAKEN);
    for (uint64_t i = 0; i < 3; i++) {
        take_expecting(w, &mb, i);
    }
    assert_int_equal(mbox_room(&mb, 64), 3);
    assert_int_equal(mbox_depth(&mb), 61);

    be_worker(w, 1);
    assert_in_range(mbox_room(&mb, 64), 0, 3);
    assert_int_equal(mbox_depth(&mb), 61);
    be_worker(w, 0);
    mbox_give_places(&mb);

    be_worker(w, 1);
    assert_int_equal(mbox_room(&mb, 64), 3);
    assert_int_equal(offer_batch(w, &mb, 64, 4), OFFER_FULL);
    assert_int_equal(offer_batch(w, &mb, 64, 3), OFFER_TAKEN);
    be_worker(w, 0);
    assert_int_equal(close_counted(w, &mb), 64);
}

static void test_mb2_capacity_is_whole_again_when_a_mailbox_was_emptied(void **state) {
    struct world *w = *state;
    struct mbox mb;
    given_mbox(w, &mb, 256, NULL);
    be_worker(w, 1);
    assert_int_equal(offer_batch(w, &mb, 0, 256), OFFER_TAKEN);
    be_worker(w, 0);
    for (uint64_t i = 0; i < 256; i++) {
        take_expecting(w, &mb, i);
    }
    assert_null(mbox_take(&mb));

    be_worker(w, 1);
    assert_int_equal(offer_batch(w, &mb, 0, 256), OFFER_TAKEN);

    be_worker(w, 0);
    assert_int_equal(close_counted(w, &mb), 256);
}

static void test_mb10_uncharged_messages_fit_always_and_take_no_room(void **state) {
    SETUP
    for (int worker = 0; worker < 2; worker++) {
        be_worker(w, worker);
        for (unsigned kind = MSG_REPLY; kind < MSG_KIND_COUNT; kind++) {
            assert_int_equal(offer_kind(w, &mb, (enum msg_kind)kind, kind), OFFER_TAKEN);
        }
        struct msg *m = given_msg(w->pool, MSG_TICK, 0);
        assert_int_equal(mbox_offer(&mb, m, m, 1, 0), OFFER_TAKEN);
    }

    assert_int_equal(mbox_room(&mb, 8), 8);
    assert_int_equal(offer_batch(w, &mb, 0, 8), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_RETURNED, 0), OFFER_TAKEN);
    assert_int_equal(mbox_depth(&mb), 2 * (MSG_KIND_COUNT - MSG_REPLY + 1) + 9);

    be_worker(w, 0);
    uint32_t depth = mbox_depth(&mb);
    assert_int_equal(close_counted(w, &mb), depth);
}

static void test_pd5_depth_counts_what_is_accepted_and_not_taken(void **state) {
    SETUP
    assert_int_equal(mbox_depth(&mb), 0);

    assert_int_equal(offer_batch(w, &mb, 0, 5), OFFER_TAKEN);
    assert_int_equal(mbox_depth(&mb), 5);
    assert_int_equal(offer_batch(w, &mb, 0, 4), OFFER_FULL); /* rolled back */
    assert_int_equal(mbox_depth(&mb), 5);
    be_worker(w, 0);
    assert_int_equal(offer_one(w, &mb, 5), OFFER_TAKEN);
    assert_int_equal(mbox_depth(&mb), 6);
    for (uint64_t i = 0; i < 6; i++) {
        take_expecting(w, &mb, i);
        assert_int_equal(mbox_depth(&mb), 5 - i);
    }
    assert_null(mbox_take(&mb));
    assert_int_equal(mbox_depth(&mb), 0);
}

static void test_pd8_high_water_shows_a_burst_that_drained(void **state) {
    SETUP
    be_worker(w, 0);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(offer_one(w, &mb, i), OFFER_TAKEN);
    }
    for (uint64_t i = 0; i < 3; i++) {
        take_expecting(w, &mb, i);
    }
    assert_int_equal(atomic_load(&mb.high_water), 3);

    be_worker(w, 1);
    assert_int_equal(offer_batch(w, &mb, 0, 7), OFFER_TAKEN);
    be_worker(w, 0);
    for (uint64_t i = 0; i < 7; i++) {
        take_expecting(w, &mb, i);
    }

    assert_int_equal(mbox_depth(&mb), 0);
    assert_int_equal(atomic_load(&mb.high_water), 7);
}

static void test_pd6_high_water_counts_what_takes_no_room(void **state) {
    SETUP
    be_worker(w, 0);
    assert_int_equal(offer_one(w, &mb, 0), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_REPLY, 1), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_ENDED, 2), OFFER_TAKEN);
    assert_int_equal(mbox_high_water(&mb), 3);

    be_worker(w, 1);
    assert_int_equal(offer_kind(w, &mb, MSG_TICK, 3), OFFER_TAKEN);
    assert_int_equal(mbox_high_water(&mb), 4); /* also before the home has looked */

    be_worker(w, 0);
    worker_collect(sched_current());
    for (uint64_t i = 0; i < 4; i++) {
        take_expecting(w, &mb, i);
    }
    assert_int_equal(mbox_high_water(&mb), 4);
}

static void test_last_message_is_found_while_nothing_came_behind_it(void **state) {
    SETUP
    be_worker(w, 0);
    assert_null(mbox_last(&mb, MSG_ENDED));
    assert_int_equal(offer_kind(w, &mb, MSG_ENDED, 0), OFFER_TAKEN);
    assert_non_null(mbox_last(&mb, MSG_ENDED));
    assert_null(mbox_last(&mb, MSG_REPLY));
    be_worker(w, 1);
    assert_null(mbox_last(&mb, MSG_ENDED)); /* only its own worker may tell */
    assert_int_equal(offer_one(w, &mb, 1), OFFER_TAKEN);
    be_worker(w, 0);
    assert_null(mbox_last(&mb, MSG_ENDED)); /* MB-3: that came behind it */

    worker_collect(sched_current());
    assert_null(mbox_last(&mb, MSG_ENDED));
    take_expecting(w, &mb, 0);
    take_expecting(w, &mb, 1);
}

static void test_mb1_what_is_added_for_later_comes_behind_what_arrived(void **state) {
    SETUP
    be_worker(w, 1);
    assert_int_equal(offer_one(w, &mb, 0), OFFER_TAKEN);
    be_worker(w, 0);
    mbox_add_later(&mb, given_msg(w->pool, MSG_ENDED, 1));
    assert_int_equal(mbox_depth(&mb), 2);
    assert_int_equal(mbox_high_water(&mb), 2);
    assert_true(mb.task.queued);

    take_expecting(w, &mb, 0);
    take_expecting(w, &mb, 1);
    assert_int_equal(mbox_depth(&mb), 0);
}

static void test_offer_refused_after_close(void **state) {
    SETUP
    be_worker(w, 0);
    assert_null(mbox_close(&mb));
    assert_true(mbox_is_closed(&mb));

    for (int worker = -1; worker < 2; worker++) {
        be_worker(w, worker);
        assert_int_equal(offer_one(w, &mb, 1), OFFER_CLOSED);
        assert_int_equal(offer_batch(w, &mb, 1, 100), OFFER_CLOSED);
        assert_int_equal(offer_kind(w, &mb, MSG_REPLY, 1), OFFER_CLOSED);
    }
    be_worker(w, 0);
    assert_null(mbox_take(&mb));
    assert_int_equal(mbox_depth(&mb), 0);
}

static void test_close_returns_all_in_order_once(void **state) {
    SETUP
    be_worker(w, 0);
    assert_int_equal(offer_batch(w, &mb, 0, 2), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_REPLY, 2), OFFER_TAKEN);
    be_worker(w, 1);
    assert_int_equal(offer_batch(w, &mb, 3, 3), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_TICK, 6), OFFER_TAKEN);
    be_worker(w, 0);

    struct msg *queued = mbox_close(&mb);

    uint64_t number = 0;
    for (struct msg *m = queued; m; m = m->next) {
        assert_int_equal(number_of(m), number++);
    }
    assert_int_equal(free_chain_counted(w->pool, queued), 7);
    assert_null(mbox_close(&mb));
    assert_null(mbox_take(&mb));
    assert_false(mbox_has_message(&mb));
    assert_int_equal(mbox_depth(&mb), 0);
}

static void test_reopened_mailbox_starts_empty_with_its_new_capacity(void **state) {
    SETUP
    be_worker(w, 1);
    assert_int_equal(offer_batch(w, &mb, 0, 7), OFFER_TAKEN);
    be_worker(w, 0);
    take_expecting(w, &mb, 0);
    assert_int_equal(close_counted(w, &mb), 6);
    worker_collect(sched_current());

    mbox_reopen(&mb, sched_worker_at(w->sched, 1), 3);

    assert_false(mbox_is_closed(&mb));
    assert_int_equal(mbox_capacity(&mb), 3);
    assert_int_equal(atomic_load(&mb.high_water), 0);
    for (int worker = 1; worker >= 0; worker--) {
        be_worker(w, worker);
        assert_int_equal(offer_batch(w, &mb, 0, 4), OFFER_FULL);
        assert_int_equal(offer_batch(w, &mb, 0, 3), OFFER_TAKEN);
        be_worker(w, 1);
        for (uint64_t i = 0; i < 3; i++) {
            take_expecting(w, &mb, i);
        }
    }
}

/* Shut, and another's from now on. */
static void given_shut(struct world *w, struct mbox *mb) {
    assert_int_equal(close_counted(w, mb), 0);
    mbox_renew(mb, sched_worker_at(w->sched, 0), 3);
}

static void test_mb2_what_a_shut_mailbox_keeps_is_there_when_it_opens(void **state) {
    SETUP
    for (int here = 0; here <= 1; here++) {
        be_worker(w, 0);
        given_shut(w, &mb);
        for (uint64_t i = 0; i < 3; i++) {
            assert_true(mbox_keep(&mb, given_msg(w->pool, MSG_DATA, i)));
        }
        struct msg *more = given_msg(w->pool, MSG_DATA, 3);
        assert_false(mbox_keep(&mb, more));
        msg_free(w->pool, more);
        assert_int_equal(mbox_depth(&mb), 0);

        if (here) {
            mbox_open_here(&mb);
        } else {
            mbox_open(&mb);
        }

        assert_int_equal(mbox_depth(&mb), 3);
        assert_int_equal(mbox_high_water(&mb), 3);
        assert_int_equal(offer_one(w, &mb, 3), OFFER_FULL);
        for (uint64_t i = 0; i < 3; i++) {
            take_expecting(w, &mb, i);
        }
        assert_int_equal(mbox_depth(&mb), 0);
        assert_int_equal(offer_batch(w, &mb, 0, 3), OFFER_TAKEN);
        assert_int_equal(close_counted(w, &mb), 3);
    }
}

static void test_a_mailbox_that_never_opens_gives_back_what_it_kept(void **state) {
    SETUP
    be_worker(w, 0);
    given_shut(w, &mb);
    assert_true(mbox_keep(&mb, given_msg(w->pool, MSG_DATA, 0)));
    assert_true(mbox_keep(&mb, given_msg(w->pool, MSG_DATA, 1)));

    struct msg *kept = mbox_close(&mb);

    assert_int_equal(number_of(kept), 0);
    assert_int_equal(free_chain_counted(w->pool, kept), 2);
    assert_int_equal(mbox_depth(&mb), 0);
}

static void test_untaken_message_is_the_first_again(void **state) {
    SETUP
    be_worker(w, 0);
    assert_int_equal(offer_batch(w, &mb, 0, 8), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_REPLY, 8), OFFER_TAKEN);

    struct msg *m = mbox_take(&mb);
    mbox_untake(&mb, m);

    assert_int_equal(mbox_depth(&mb), 9);
    assert_int_equal(offer_one(w, &mb, 9), OFFER_FULL);
    for (uint64_t i = 0; i < 8; i++) {
        take_expecting(w, &mb, i);
    }
    m = mbox_take(&mb);
    mbox_untake(&mb, m);
    assert_int_equal(mbox_depth(&mb), 1);
    take_expecting(w, &mb, 8);
    assert_int_equal(mbox_depth(&mb), 0);
}

static void test_kind_is_found_wherever_it_stands(void **state) {
    SETUP
    be_worker(w, 0);
    assert_int_equal(offer_batch(w, &mb, 0, 2), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_ENDED, 100), OFFER_TAKEN);
    be_worker(w, 1);
    assert_int_equal(offer_one(w, &mb, 2), OFFER_TAKEN);
    assert_int_equal(offer_kind(w, &mb, MSG_ENDED, 101), OFFER_TAKEN);
    be_worker(w, 0);

    for (uint64_t i = 100; i < 102; i++) {
        struct msg *m = mbox_take_kind(&mb, MSG_ENDED);
        assert_non_null(m);
        assert_int_equal(number_of(m), i);
        msg_free(w->pool, m);
    }

    assert_null(mbox_take_kind(&mb, MSG_ENDED));
    assert_int_equal(mbox_depth(&mb), 3);
    assert_int_equal(offer_one(w, &mb, 3), OFFER_TAKEN);
    for (uint64_t i = 0; i < 4; i++) {
        take_expecting(w, &mb, i);
    }
}

static void test_t3_first_offer_from_elsewhere_notes_the_task_later_ones_do_not(void **state) {
    SETUP
    be_worker(w, 1);
    assert_int_equal(offer_one(w, &mb, 0), OFFER_TAKEN);
    assert_true(mbox_is_noted(&mb));
    assert_ptr_equal(atomic_load(&sched_worker_at(w->sched, 0)->inbox), &mb.task);

    assert_int_equal(offer_one(w, &mb, 1), OFFER_TAKEN);
    mbox_poke(&mb);
    assert_null(mb.task.inbox_next);

    be_worker(w, 0);
    take_expecting(w, &mb, 0);
    take_expecting(w, &mb, 1);
    assert_true(mbox_is_noted(&mb)); /* it is still linked */
    worker_collect(sched_current());
    assert_false(mbox_is_noted(&mb));
    assert_true(mb.task.queued);
}

static void test_offer_from_the_home_readies_the_task_without_a_note(void **state) {
    SETUP
    be_worker(w, 0);
    assert_int_equal(offer_one(w, &mb, 0), OFFER_TAKEN);

    assert_false(mbox_is_noted(&mb));
    assert_ptr_equal(sched_current()->next, &mb.task);

    take_expecting(w, &mb, 0);
}

static void test_poke_asks_for_an_activation(void **state) {
    SETUP
    be_worker(w, 0);
    mbox_poke(&mb);
    assert_ptr_equal(sched_current()->next, &mb.task);
    assert_true(worker_step(sched_current()));

    be_worker(w, 1);
    mbox_poke(&mb);
    mbox_poke(&mb);

    assert_true(mbox_is_noted(&mb));
    be_worker(w, 0);
    assert_true(worker_step(sched_current()));
    assert_false(worker_step(sched_current()));
}

static void test_t3_closed_mailbox_is_noted_no_more_but_keeps_the_note_it_has(void **state) {
    SETUP
    be_worker(w, 1);
    assert_int_equal(offer_one(w, &mb, 0), OFFER_TAKEN);
    be_worker(w, 0);

    assert_int_equal(close_counted(w, &mb), 1);

    assert_true(mbox_is_noted(&mb));
    mbox_poke(&mb);
    assert_null(sched_current()->next);
    assert_false(worker_step(sched_current())); /* it arrives, with nothing to do */
    assert_false(mbox_is_noted(&mb));
    be_worker(w, 1);
    mbox_poke(&mb);
    assert_false(mbox_is_noted(&mb));
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_mb1_messages_from_the_home_are_taken_in_order),
        IN_WORLD(test_mb1_batches_from_elsewhere_are_taken_in_order),
        IN_WORLD(test_mb1_order_holds_when_the_sender_moves_home_and_away),
        IN_WORLD(test_mb2_capacity_is_exact_from_the_home),
        IN_WORLD(test_mb2_capacity_is_exact_from_elsewhere),
        IN_WORLD(test_mb2_capacity_is_exact_for_both_together),
        IN_WORLD(test_mb2_batch_is_taken_whole_or_not_at_all),
        IN_WORLD(test_mb2_a_cycle_is_let_through_up_to_the_limit_it_gives),
        IN_WORLD(test_mb2_places_kept_for_the_home_are_few_and_come_back),
        IN_WORLD(test_mb2_capacity_is_whole_again_when_a_mailbox_was_emptied),
        IN_WORLD(test_mb10_uncharged_messages_fit_always_and_take_no_room),
        IN_WORLD(test_pd5_depth_counts_what_is_accepted_and_not_taken),
        IN_WORLD(test_pd8_high_water_shows_a_burst_that_drained),
        IN_WORLD(test_pd6_high_water_counts_what_takes_no_room),
        IN_WORLD(test_last_message_is_found_while_nothing_came_behind_it),
        IN_WORLD(test_mb1_what_is_added_for_later_comes_behind_what_arrived),
        IN_WORLD(test_offer_refused_after_close),
        IN_WORLD(test_close_returns_all_in_order_once),
        IN_WORLD(test_reopened_mailbox_starts_empty_with_its_new_capacity),
        IN_WORLD(test_mb2_what_a_shut_mailbox_keeps_is_there_when_it_opens),
        IN_WORLD(test_a_mailbox_that_never_opens_gives_back_what_it_kept),
        IN_WORLD(test_untaken_message_is_the_first_again),
        IN_WORLD(test_kind_is_found_wherever_it_stands),
        IN_WORLD(test_t3_first_offer_from_elsewhere_notes_the_task_later_ones_do_not),
        IN_WORLD(test_offer_from_the_home_readies_the_task_without_a_note),
        IN_WORLD(test_poke_asks_for_an_activation),
        IN_WORLD(test_t3_closed_mailbox_is_noted_no_more_but_keeps_the_note_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
