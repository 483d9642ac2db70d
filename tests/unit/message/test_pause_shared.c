/* Graphs of pauses that share a lock: who waits in one for a mailbox of the other (MB-2, MB-7). */
#include "given.h"

#include <pthread.h>
#include <string.h>

#include "message/pause.h"

#define ACTORS 4u

/* Two procs' graphs; the actors 0 and 1 are the first one's, 2 and 3 the other's. */
struct cast {
    struct world *w;
    pthread_mutex_t lock;
    struct pause_graph graphs[2];
    struct mbox mboxes[ACTORS];
    struct pauser pausers[ACTORS];
};

static void given_cast(struct cast *c, struct world *w) {
    memset(c, 0, sizeof *c);
    c->w = w;
    pthread_mutex_init(&c->lock, NULL);
    pause_init(&c->graphs[0], &c->lock);
    pause_init(&c->graphs[1], &c->lock);
    for (unsigned i = 0; i < ACTORS; i++) {
        given_mbox(w, &c->mboxes[i], 2, NULL);
        c->pausers[i].self = &c->mboxes[i];
    }
    be_worker(w, 0);
    for (unsigned i = 0; i < ACTORS; i++) {
        while (offer_one(c->w, &c->mboxes[i], 0) == OFFER_TAKEN) {
        }
    }
}

static enum pause_result wait_for(struct cast *c, unsigned from, unsigned to) {
    return pause_wait(&c->graphs[from / 2], &c->pausers[from], &c->mboxes[to]);
}

static bool is_over(struct cast *c, unsigned i) {
    return pause_is_over(&c->graphs[i / 2], &c->pausers[i]);
}

static void end_cast(struct cast *c) {
    for (unsigned i = 0; i < ACTORS; i++) {
        (void)close_counted(c->w, &c->mboxes[i]);
        pause_wake(&c->graphs[i / 2], &c->mboxes[i]);
    }
    for (unsigned i = 0; i < ACTORS; i++) {
        assert_true(is_over(c, i));
    }
    pause_fini(&c->graphs[0]);
    pause_fini(&c->graphs[1]);
    pthread_mutex_destroy(&c->lock);
}

static void test_mb2_sender_is_woken_by_the_graph_of_the_receiver(void **state) {
    struct cast c;
    given_cast(&c, *state);

    assert_int_equal(wait_for(&c, 0, 2), PAUSE_WAITS);
    assert_false(is_over(&c, 0));
    take_expecting(c.w, &c.mboxes[2], 0);
    pause_wake(&c.graphs[1], &c.mboxes[2]);

    assert_true(is_over(&c, 0));
    assert_int_equal(c.graphs[0].pauses, 1);
    assert_int_equal(c.graphs[1].pauses, 0);
    end_cast(&c);
}

static void test_mb2_cycle_over_two_graphs_is_found_by_the_one_that_closes_it(void **state) {
    struct cast c;
    given_cast(&c, *state);

    assert_int_equal(wait_for(&c, 0, 2), PAUSE_WAITS);
    assert_int_equal(wait_for(&c, 2, 1), PAUSE_WAITS);
    assert_int_equal(wait_for(&c, 1, 3), PAUSE_WAITS);

    assert_int_equal(wait_for(&c, 3, 0), PAUSE_CYCLE);
    assert_int_equal(c.graphs[0].cycles, 0);
    assert_int_equal(c.graphs[1].cycles, 1);
    end_cast(&c);
}

static void test_released_senders_offer_again_though_there_is_no_room(void **state) {
    struct cast c;
    given_cast(&c, *state);
    assert_int_equal(wait_for(&c, 0, 2), PAUSE_WAITS);
    assert_int_equal(wait_for(&c, 3, 2), PAUSE_WAITS);

    pause_release(&c.graphs[1], &c.mboxes[2]);

    assert_true(is_over(&c, 0));
    assert_true(is_over(&c, 3));
    assert_int_equal(wait_for(&c, 0, 2), PAUSE_WAITS); /* and may wait again */
    end_cast(&c);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_mb2_sender_is_woken_by_the_graph_of_the_receiver),
        IN_WORLD(test_mb2_cycle_over_two_graphs_is_found_by_the_one_that_closes_it),
        IN_WORLD(test_released_senders_offer_again_though_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
