/* What the store of snapshots finds of one end. */
#include "snapshot_store_given.h"

static int find_last(struct snapshot_store *store, uint64_t uid, struct snapshot_brief *ret) {
    struct snapshot *snapshot = NULL;
    int found = snapshot_store_find_last(store, uid, ret, &snapshot);
    snapshot_unref(snapshot);
    return found;
}

static void test_s6_last_end_of_a_slot_is_found_clean_or_not(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief brief;
    given_store(&store, 3);
    note(&store, 7, 1, true, 1);
    note(&store, 8, 1, false, 2);
    note(&store, 7, 2, false, 3);

    assert_int_equal(find_last(&store, 7, &brief), 1);
    assert_int_equal(brief.incarnation, 2);
    assert_int_equal(find_last(&store, 9, &brief), 0);
    for (unsigned i = 0; i < 3; i++) {
        note(&store, 10 + i, 1, true, 4 + i); /* which leaves tombstones of the others */
    }

    assert_int_equal(find_last(&store, 8, &brief), 2);
    assert_int_equal(find_last(&store, 7, &brief), 1); /* the failure, which is kept */
    assert_int_equal(brief.incarnation, 1);
    snapshot_store_fini(&store);
}

static void test_s6_last_end_is_found_by_its_address(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    given_store(&store, 3);
    add_whole(&store, 7, 1, true, 1);
    add_whole(&store, 9, 1, true, 2);
    note(&store, 8, 1, false, 3);

    assert_int_equal(snapshot_store_find_id(&store, "main/parse[0]", &brief, &snapshot), 1);
    assert_int_equal(brief.uid, 9);
    assert_int_equal(snapshot->facts.uid, 9);
    snapshot_unref(snapshot);
    assert_int_equal(snapshot_store_find_id(&store, "main/a8[0]", &brief, &snapshot), 1);
    assert_null(snapshot);
    assert_int_equal(snapshot_store_find_id(&store, "main/a8", &brief, &snapshot), 0);
    snapshot_store_fini(&store);
}

static void test_s6_what_is_left_of_an_end_tells_who_when_and_why(void **state) {
    (void)state;
    struct snapshot_brief brief = given_brief(7, 3, true, 5);

    struct snapshot *s = snapshot_of_brief("main", &brief);

    assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS), "failed");
    assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS_REASON), "error");
    assert_string_equal(snapshot_text(s, ATTRIBUTE_NAME), "a7");
    assert_int_equal(snapshot_time(s, ATTRIBUTE_ENDED_AT), WALL);
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        assert_true(!snapshot_has(s, i) || attribute_is_of_brief(i));
    }
    snapshot_unref(s);
}

static void test_s6_a_nameless_child_is_found_by_uid_and_by_address(void **state) {
    (void)state;
    struct snapshot_store store;
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    given_store(&store, 2);
    struct snapshot_family *family = snapshot_family_create("main/parent");
    note_child(&store, family, 7);
    note_child(&store, family, 8);
    snapshot_family_unref(&store, family);

    assert_int_equal(find_last(&store, 107, &brief), 1);
    assert_string_equal(brief.id, "main/parent[7]");
    assert_int_equal(snapshot_store_find_id(&store, "main/parent[8]", &brief, &snapshot), 1);
    assert_int_equal(brief.uid, 108);
    assert_string_equal(brief.reason, "stopped");
    note(&store, 1, 1, true, 9);

    assert_int_equal(find_last(&store, 107, &brief), 2); /* its tombstone */
    assert_string_equal(brief.id, "main/parent[7]");
    assert_int_equal(snapshot_store_find_id(&store, "main/parent[7]", &brief, &snapshot), 2);
    assert_int_equal(snapshot_store_find_id(&store, "main/parent[9]", &brief, &snapshot), 0);
    assert_null(snapshot);
    snapshot_store_fini(&store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_s6_last_end_of_a_slot_is_found_clean_or_not),
        cmocka_unit_test(test_s6_last_end_is_found_by_its_address),
        cmocka_unit_test(test_s6_what_is_left_of_an_end_tells_who_when_and_why),
        cmocka_unit_test(test_s6_a_nameless_child_is_found_by_uid_and_by_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
