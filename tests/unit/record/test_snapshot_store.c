/* The store of snapshots: what it keeps, what goes, against a naive model; and under many threads. */
#include "snapshot_store_given.h"

#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "lib/seed.h"

/* "7.1 7.2 3.1": uid and incarnation of those kept, oldest first; clean ones with a minus. */
static void assert_keeps(struct snapshot_store *store, const char *expected) {
    struct snapshot_brief briefs[64];
    uint32_t count = snapshot_store_list(store, briefs, NULL, 64);
    char text[1024] = "";
    size_t size = 0;
    assert_true(count <= 64);
    for (uint32_t i = 0; i < count; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s%u.%u", i ? " " : "",
                                 briefs[i].failed ? "" : "-", (unsigned)briefs[i].uid,
                                 briefs[i].incarnation);
    }
    assert_string_equal(text, expected);
}

static void test_s6_clean_stops_go_first_the_oldest_of_them(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 4);

    note(&store, 1, 1, true, 1);
    note(&store, 2, 1, false, 2);
    add_whole(&store, 3, 1, false, 3);
    note(&store, 4, 1, true, 4);
    note(&store, 5, 1, true, 5);
    assert_keeps(&store, "1.1 -3.1 4.1 5.1");
    note(&store, 6, 1, true, 6);

    assert_keeps(&store, "1.1 4.1 5.1 6.1");
    snapshot_store_fini(&store);
}

static void test_s6_a_clean_stop_pushes_no_failure_out(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 2);
    note(&store, 1, 1, true, 1);
    note(&store, 2, 1, true, 2);

    add_whole(&store, 3, 1, false, 3);

    assert_keeps(&store, "1.1 2.1");
    assert_int_equal(snapshot_store_counts(&store).evicted, 1);
    snapshot_store_fini(&store);
}

static void test_s6_of_a_slot_that_keeps_failing_the_first_and_last_three_stay(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 5);
    note(&store, 1, 1, true, 1);

    for (uint32_t i = 1; i <= 50; i++) {
        note(&store, 2, i, true, 1 + i);
    }

    assert_keeps(&store, "1.1 2.1 2.48 2.49 2.50");
    snapshot_store_fini(&store);
}

static void test_s6_the_oldest_spare_failure_goes_first_whichever_slot_it_is_of(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 11);
    for (uint32_t i = 1; i <= 5; i++) {
        note(&store, 1, i, true, i * 10);
        note(&store, 2, i, true, i * 10 + 1);
    }
    note(&store, 3, 1, true, 100);

    note(&store, 4, 1, true, 101);
    note(&store, 5, 1, true, 102);

    assert_keeps(&store, "1.1 2.1 1.3 2.3 1.4 2.4 1.5 2.5 3.1 4.1 5.1");
    snapshot_store_fini(&store);
}

static void test_s6_failures_older_than_max_age_go_next(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 3);
    note(&store, 1, 1, true, 1);
    note(&store, 2, 1, true, 2);
    note(&store, 3, 1, true, 30 * HOUR);

    note(&store, 4, 1, true, 30 * HOUR + 1);

    assert_keeps(&store, "2.1 3.1 4.1");
    snapshot_store_fini(&store);
}

static void test_s6_at_last_the_newest_goes_so_that_the_earliest_stay(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 2);
    note(&store, 1, 1, true, 1);
    note(&store, 2, 1, true, 2);

    note(&store, 3, 1, true, 1 + 24 * HOUR);

    assert_keeps(&store, "1.1 2.1");
    snapshot_store_fini(&store);
}

static void test_s6_what_goes_leaves_a_tombstone(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    given_store(&store, 1);
    add_whole(&store, 7, 3, false, 5);

    note(&store, 8, 1, true, 6);

    assert_int_equal(snapshot_store_find(&store, 7, 3, &brief, &snapshot), 2);
    assert_null(snapshot);
    assert_int_equal(brief.ended_ns, 5);
    assert_false(brief.failed);
    assert_string_equal(brief.id, "main/parse[0]");
    assert_string_equal(brief.reason, "panic: SIGSEGV at address 0x10");
    assert_int_equal(snapshot_store_find(&store, 7, 2, &brief, &snapshot), 0);
    snapshot_store_fini(&store);
}

static void test_s6_tombstones_are_bounded_and_counted(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief briefs[64];
    given_store(&store, 0);

    for (uint32_t i = 1; i <= 1000; i++) {
        note(&store, i, 1, i % 2, i);
    }

    struct snapshot_counts counts = snapshot_store_counts(&store);
    assert_int_equal(counts.clean + counts.failed, 0);
    assert_int_equal(counts.tombstones, 64);
    assert_int_equal(counts.evicted, 1000);
    assert_int_equal(counts.forgotten, 936);
    assert_int_equal(snapshot_store_tombstones(&store, briefs, 64), 64);
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(briefs[i].uid, 937 + i);
    }
    snapshot_store_fini(&store);
}

static void test_s6_found_by_uid_and_incarnation(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    given_store(&store, 10);
    add_whole(&store, 7, 1, true, 1);
    add_whole(&store, 7, 2, false, 2);
    note(&store, 8, 1, false, 3);

    assert_int_equal(snapshot_store_find(&store, 7, 2, &brief, &snapshot), 1);
    assert_int_equal(snapshot->facts.incarnation, 2);
    snapshot_unref(snapshot);
    assert_int_equal(snapshot_store_find(&store, 8, 1, &brief, &snapshot), 1);
    assert_null(snapshot);
    assert_string_equal(brief.reason, "inputs ended");
    assert_int_equal(snapshot_store_find(&store, 8, 2, &brief, &snapshot), 0);
    snapshot_store_fini(&store);
}

static void test_s5_a_snapshot_found_outlives_its_eviction(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    given_store(&store, 1);
    add_whole(&store, 7, 1, false, 1);
    assert_int_equal(snapshot_store_find(&store, 7, 1, &brief, &snapshot), 1);

    note(&store, 8, 1, true, 2);
    snapshot_store_fini(&store);

    assert_string_equal(snapshot->facts.name, "parse");
    snapshot_unref(snapshot);
}

static void test_ai3_kept_addresses_are_known(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 2);
    note(&store, 1, 1, true, 1);
    note(&store, 2, 1, false, 2);

    assert_true(snapshot_store_has_id(&store, "main/a1[0]"));
    assert_true(snapshot_store_has_id(&store, "main/a2[0]"));
    assert_false(snapshot_store_has_id(&store, "main/a3[0]"));
    note(&store, 3, 1, true, 3);
    assert_false(snapshot_store_has_id(&store, "main/a2[0]"));
    snapshot_store_fini(&store);
}

static void test_s6_a_nameless_child_is_told_by_its_family(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief brief, tombstone;
    struct snapshot *snapshot;
    given_store(&store, 2);
    struct snapshot_family *family = snapshot_family_create("main/parent");
    note_child(&store, family, 7);
    note_child(&store, family, 1234567890123);
    snapshot_family_unref(&store, family); /* the parent has gone */

    assert_int_equal(snapshot_store_find(&store, 107, 1, &brief, &snapshot), 1);
    assert_string_equal(brief.id, "main/parent[7]");
    assert_string_equal(brief.reason, "stopped");
    assert_int_equal(brief.ended_ns, 7);
    assert_false(brief.failed);
    assert_null(snapshot);
    assert_true(snapshot_store_has_id(&store, "main/parent[1234567890123]"));
    note(&store, 1, 1, true, 8);
    assert_false(snapshot_store_has_id(&store, "main/parent[7]"));
    assert_int_equal(snapshot_store_tombstones(&store, &tombstone, 1), 1);
    assert_string_equal(tombstone.id, "main/parent[7]");
    snapshot_store_fini(&store);
}

static void test_s6_a_family_goes_with_the_last_that_is_kept_of_it(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 1); /* and 64 tombstones */
    struct snapshot_family *family = snapshot_family_create("main/parent");
    for (uint64_t i = 0; i < 100; i++) {
        note_child(&store, family, i);
    }

    assert_int_equal(family->refs, 1 + 1 + 64);
    for (uint64_t i = 0; i < 100; i++) {
        note(&store, i, 1, false, 100 + i);
    }
    assert_int_equal(family->refs, 1);
    snapshot_family_unref(&store, family);
    snapshot_store_fini(&store);
}

static void test_s6_a_long_name_of_a_family_is_cut(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief brief;
    char name[2 * BRIEF_NAME];
    given_store(&store, 1);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct snapshot_family *family = snapshot_family_create(name);
    note_child(&store, family, 1);

    assert_int_equal(snapshot_store_list(&store, &brief, NULL, 1), 1);
    assert_int_equal(strlen(brief.id), BRIEF_NAME - 1);
    snapshot_family_unref(&store, family);
    snapshot_store_fini(&store);
}

static void test_s7_noting_allocates_nothing(void **state) {
    (void)state;
    struct snapshot_store store;
    given_store(&store, 5);
    struct snapshot_family *family = snapshot_family_create("main/parent");
    mem_fail_at(1);

    for (uint32_t i = 0; i < 1000; i++) {
        note(&store, i, 1, i % 10 == 0, i);
        note_child(&store, family, i);
    }

    assert_null(mem_alloc(1)); /* the hook waits still */
    mem_fail_at(0);
    snapshot_family_unref(&store, family);
    snapshot_store_fini(&store);
}

static void test_s6_without_memory_there_is_no_store(void **state) {
    (void)state;
    struct snapshot_store store;
    int status = -1;

    TEST_EACH_FAILED_ALLOCATION(n, status = snapshot_store_init(&store, 10, 1), status == 0)

    snapshot_store_fini(&store);
}

/* ------------------------------------------------------- the rule, told naively */

#define MODEL_MAX 64u

struct model {
    struct snapshot_brief kept[MODEL_MAX];
    unsigned count, keep;
};

/* Its place among its slot's failures, and how many those are. */
static unsigned rank(const struct model *m, unsigned at, unsigned *ret_of) {
    unsigned before = 0;
    *ret_of = 0;
    for (unsigned i = 0; i < m->count; i++) {
        if (m->kept[i].failed && m->kept[i].uid == m->kept[at].uid) {
            *ret_of += 1;
            before += i < at;
        }
    }
    return before;
}

static unsigned model_choose(const struct model *m, uint64_t now_ns) {
    for (unsigned i = 0; i < m->count; i++) {
        if (!m->kept[i].failed) {
            return i;
        }
    }
    for (unsigned i = 0; i < m->count; i++) {
        unsigned of;
        unsigned place = rank(m, i, &of);
        if (of > 4 && place > 0 && place + 3 < of) {
            return i;
        }
    }
    for (unsigned i = 0; i < m->count; i++) {
        if (now_ns - m->kept[i].ended_ns > 24 * HOUR) {
            return i;
        }
    }
    return m->count - 1;
}

static void model_add(struct model *m, const struct snapshot_brief *brief, uint64_t now_ns) {
    m->kept[m->count++] = *brief;
    if (m->count > m->keep) {
        unsigned gone = model_choose(m, now_ns);
        memmove(&m->kept[gone], &m->kept[gone + 1], (m->count - gone - 1) * sizeof *m->kept);
        m->count--;
    }
}

static void assert_agree(const struct model *m, struct snapshot_store *store) {
    struct snapshot_brief briefs[MODEL_MAX];
    struct snapshot *snapshots[MODEL_MAX];
    assert_int_equal(snapshot_store_list(store, briefs, snapshots, MODEL_MAX), m->count);
    for (unsigned i = 0; i < m->count; i++) {
        struct snapshot_brief found;
        struct snapshot *snapshot = NULL;
        assert_int_equal(briefs[i].uid, m->kept[i].uid);
        assert_int_equal(briefs[i].incarnation, m->kept[i].incarnation);
        assert_int_equal(
            snapshot_store_find(store, briefs[i].uid, briefs[i].incarnation, &found, &snapshot), 1);
        assert_int_equal(found.incarnation, briefs[i].incarnation);
        assert_ptr_equal(snapshot, snapshots[i]);
        snapshot_unref(snapshot);
        snapshot_unref(snapshots[i]);
    }
}

static void test_s6_goes_as_the_rule_says_for_any_seed(void **state) {
    (void)state;
    struct test_seeds seeds = test_seeds(200);
    for (uint64_t seed; test_seeds_next(&seeds, &seed);) {
        struct test_random random = {seed};
        struct model m = {.keep = (unsigned)test_random_below(&random, 24)};
        struct snapshot_store store;
        given_store(&store, m.keep);
        struct snapshot_family *family = snapshot_family_create("main/parent");
        struct snapshot_feed feed = {.taken = 0};
        snapshot_store_join(&store, &feed);
        uint64_t slots = 1 + test_random_below(&random, 8), now_ns = 1;
        uint64_t clean = test_random_below(&random, 4);

        for (uint32_t i = 1; i <= 200; i++) {
            now_ns += test_random_below(&random, 3) ? 1000 : test_random_below(&random, 9 * HOUR);
            struct snapshot_brief brief =
                given_brief(1 + test_random_below(&random, slots), i,
                            test_random_below(&random, 4) >= clean, now_ns);
            if (!brief.failed && test_random_below(&random, 2)) {
                struct snapshot_child child = {.family = family,
                                               .uid = brief.uid,
                                               .incarnation = brief.incarnation,
                                               .ended_ns = now_ns,
                                               .reason = "stopped"};
                snapshot_store_note_child(&store, &feed, &child);
            } else if (test_random_below(&random, 2)) {
                snapshot_store_note(&store, &brief, now_ns);
            } else {
                add_whole(&store, brief.uid, brief.incarnation, brief.failed, now_ns);
            }
            model_add(&m, &brief, now_ns);
            assert_agree(&m, &store);
        }

        struct snapshot_counts counts = snapshot_store_counts(&store);
        assert_int_equal(counts.clean + counts.failed + counts.evicted, 200);
        snapshot_store_leave(&store, &feed);
        snapshot_family_unref(&store, family);
        snapshot_store_fini(&store);
    }
}

/* ------------------------------------------------------- from many threads */

struct storm {
    struct snapshot_store store;
    _Atomic bool over, wrong;
};

struct storming {
    struct storm *storm;
    uint64_t first;
    pthread_t thread;
};

static void *note_many(void *argument) {
    struct storming *s = argument;
    for (uint64_t i = 0; i < 20000; i++) {
        if (i % 100 == 0) {
            add_whole(&s->storm->store, s->first + i, 1, i % 200 == 0, i);
        } else {
            note(&s->storm->store, s->first + i, 1, false, i);
        }
    }
    return NULL;
}

static void *look(void *argument) {
    struct storm *storm = argument;
    struct snapshot_brief briefs[50];
    struct snapshot *snapshots[50];
    while (!atomic_load(&storm->over)) {
        uint32_t count = snapshot_store_list(&storm->store, briefs, snapshots, 50);
        for (uint32_t i = 0; i < count; i++) {
            if (snapshots[i] && snapshots[i]->facts.uid != briefs[i].uid) {
                atomic_store(&storm->wrong, true);
            }
            snapshot_unref(snapshots[i]);
        }
    }
    return NULL;
}

static void test_s7_a_storm_of_stops_from_many_threads(void **state) {
    (void)state;
    struct storm storm = {.over = false};
    struct storming threads[4];
    pthread_t reader;
    given_store(&storm.store, 50);
    assert_int_equal(pthread_create(&reader, NULL, look, &storm), 0);

    for (unsigned i = 0; i < 4; i++) {
        threads[i] = (struct storming){.storm = &storm, .first = 1 + i * 1000000ull};
        assert_int_equal(pthread_create(&threads[i].thread, NULL, note_many, &threads[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    }
    atomic_store(&storm.over, true);
    assert_int_equal(pthread_join(reader, NULL), 0);

    struct snapshot_counts counts = snapshot_store_counts(&storm.store);
    assert_int_equal(counts.clean + counts.failed + counts.evicted, 80000);
    assert_int_equal(counts.failed, 50);
    assert_false(storm.wrong);
    snapshot_store_fini(&storm.store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_s6_clean_stops_go_first_the_oldest_of_them),
        cmocka_unit_test(test_s6_a_clean_stop_pushes_no_failure_out),
        cmocka_unit_test(test_s6_of_a_slot_that_keeps_failing_the_first_and_last_three_stay),
        cmocka_unit_test(test_s6_the_oldest_spare_failure_goes_first_whichever_slot_it_is_of),
        cmocka_unit_test(test_s6_failures_older_than_max_age_go_next),
        cmocka_unit_test(test_s6_at_last_the_newest_goes_so_that_the_earliest_stay),
        cmocka_unit_test(test_s6_what_goes_leaves_a_tombstone),
        cmocka_unit_test(test_s6_tombstones_are_bounded_and_counted),
        cmocka_unit_test(test_s6_found_by_uid_and_incarnation),
        cmocka_unit_test(test_s5_a_snapshot_found_outlives_its_eviction),
        cmocka_unit_test(test_ai3_kept_addresses_are_known),
        cmocka_unit_test(test_s6_a_nameless_child_is_told_by_its_family),
        cmocka_unit_test(test_s6_a_family_goes_with_the_last_that_is_kept_of_it),
        cmocka_unit_test(test_s6_a_long_name_of_a_family_is_cut),
        cmocka_unit_test(test_s7_noting_allocates_nothing),
        cmocka_unit_test(test_s6_without_memory_there_is_no_store),
        cmocka_unit_test_teardown(test_s6_goes_as_the_rule_says_for_any_seed, test_seed_teardown),
        cmocka_unit_test(test_s7_a_storm_of_stops_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
