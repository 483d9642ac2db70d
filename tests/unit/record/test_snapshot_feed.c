/* Ends of children that wait in the feeds of the store. */
#include "snapshot_store_given.h"

#include <pthread.h>
#include <stdatomic.h>

struct given {
    struct snapshot_store store;
    struct snapshot_feed here, there;
    struct snapshot_family *family;
};

static void given_feeds(struct given *g, uint32_t keep) {
    *g = (struct given){.here.taken = 0};
    given_store(&g->store, keep);
    snapshot_store_join(&g->store, &g->here);
    snapshot_store_join(&g->store, &g->there);
    g->family = snapshot_family_create("main/parent");
    assert_non_null(g->family);
}

static void end(struct given *g, struct snapshot_feed *feed, uint64_t pid) {
    struct snapshot_child child = given_child(g->family, pid);
    snapshot_store_note_child(&g->store, feed, &child);
}

static void leave(struct given *g) {
    snapshot_store_leave(&g->store, &g->here);
    snapshot_store_leave(&g->store, &g->there);
    snapshot_store_fini(&g->store);
}

static void test_s6_an_end_is_found_while_it_waits_in_a_feed(void **state) {
    (void)state;
    struct given g;
    struct snapshot_brief brief;
    struct snapshot *snapshot;
    given_feeds(&g, 10);
    end(&g, &g.here, 7);

    assert_int_equal(snapshot_store_find(&g.store, 107, 1, &brief, &snapshot), 1);
    assert_string_equal(brief.id, "main/parent[7]");

    end(&g, &g.here, 8);
    assert_true(snapshot_store_has_id(&g.store, "main/parent[8]"));
    assert_int_equal(snapshot_store_counts(&g.store).clean, 2);
    snapshot_family_unref(&g.store, g.family);
    leave(&g);
}

static void test_s6_an_end_that_waits_comes_before_one_noted_later(void **state) {
    (void)state;
    struct given g;
    struct snapshot_brief briefs[3];
    given_feeds(&g, 10);
    end(&g, &g.there, 7);
    note(&g.store, 1, 1, true, 8);
    end(&g, &g.here, 9);

    assert_int_equal(snapshot_store_list(&g.store, briefs, NULL, 3), 3);
    assert_int_equal(briefs[0].uid, 107);
    assert_int_equal(briefs[1].uid, 1);
    assert_int_equal(briefs[2].uid, 109);
    snapshot_family_unref(&g.store, g.family);
    leave(&g);
}

static void test_s6_a_full_feed_empties_all(void **state) {
    (void)state;
    struct given g;
    given_feeds(&g, 100);
    end(&g, &g.there, 1);

    for (uint64_t i = 0; i < SNAPSHOT_FEED; i++) {
        end(&g, &g.here, 2 + i);
    }

    assert_int_equal(atomic_load(&g.here.count), 0);
    assert_int_equal(g.store.clean_count, SNAPSHOT_FEED + 1);
    snapshot_family_unref(&g.store, g.family);
    leave(&g);
}

static void test_s5_an_end_outlives_its_parent_while_it_waits(void **state) {
    (void)state;
    struct given g;
    struct snapshot_brief brief;
    struct snapshot *snapshot;
    given_feeds(&g, 10);
    end(&g, &g.here, 7);

    snapshot_family_unref(&g.store, g.family);

    assert_int_equal(snapshot_store_find(&g.store, 107, 1, &brief, &snapshot), 1);
    assert_string_equal(brief.id, "main/parent[7]");
    leave(&g);
}

static void test_s6_what_waits_stays_when_a_feed_leaves(void **state) {
    (void)state;
    struct given g;
    given_feeds(&g, 10);
    end(&g, &g.there, 7);
    end(&g, &g.here, 8);

    snapshot_store_leave(&g.store, &g.there);

    assert_int_equal(snapshot_store_counts(&g.store).clean, 2);
    snapshot_family_unref(&g.store, g.family);
    snapshot_store_leave(&g.store, &g.here);
    snapshot_store_fini(&g.store);
}

/* ------------------------------------------------------- from two threads */

#define MANY 50000u

struct looking {
    struct given g;
    _Atomic bool over, wrong;
};

static void *look(void *argument) {
    struct looking *l = argument;
    struct snapshot_brief briefs[20];
    while (!atomic_load(&l->over)) {
        uint32_t count = snapshot_store_list(&l->g.store, briefs, NULL, 20);
        for (uint32_t i = 1; i < count; i++) {
            if (briefs[i].uid != briefs[i - 1].uid + 1) { /* one feed: in the order of the ends */
                atomic_store(&l->wrong, true);
            }
        }
    }
    return NULL;
}

static void test_s7_ends_are_noted_while_others_look(void **state) {
    (void)state;
    struct looking l = {.over = false};
    pthread_t thread;
    given_feeds(&l.g, 20);
    assert_int_equal(pthread_create(&thread, NULL, look, &l), 0);

    for (uint64_t i = 0; i < MANY; i++) {
        end(&l.g, &l.g.here, i);
    }
    atomic_store(&l.over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);

    struct snapshot_counts counts = snapshot_store_counts(&l.g.store);
    assert_int_equal(counts.clean + counts.evicted, MANY);
    assert_false(l.wrong);
    snapshot_family_unref(&l.g.store, l.g.family);
    leave(&l.g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_s6_an_end_is_found_while_it_waits_in_a_feed),
        cmocka_unit_test(test_s6_an_end_that_waits_comes_before_one_noted_later),
        cmocka_unit_test(test_s6_a_full_feed_empties_all),
        cmocka_unit_test(test_s5_an_end_outlives_its_parent_while_it_waits),
        cmocka_unit_test(test_s6_what_waits_stays_when_a_feed_leaves),
        cmocka_unit_test(test_s7_ends_are_noted_while_others_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
