/* Hash map from text to pointer. */
#include "base/map.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "lib/test.h"

static int values[2000];

static const char *key_of(int i) {
    static char key[32];
    (void)snprintf(key, sizeof key, "key-%d", i);
    return key;
}

static void fill(struct map *map, int count) {
    map_init(map);
    for (int i = 0; i < count; i++) {
        assert_int_equal(map_set(map, key_of(i), &values[i]), 0);
    }
}

static void test_empty_map_finds_nothing(void **state) {
    (void)state;
    struct map map;
    map_init(&map);
    size_t at = 0;

    assert_null(map_find(&map, "a"));
    assert_null(map_remove(&map, "a"));
    assert_null(map_next(&map, &at));
    map_fini(&map);
}

static void test_set_then_find(void **state) {
    (void)state;
    struct map map;

    fill(&map, 2000);

    assert_int_equal(map.count, 2000);
    for (int i = 0; i < 2000; i++) {
        assert_ptr_equal(map_find(&map, key_of(i)), &values[i]);
    }
    assert_null(map_find(&map, "key-2000"));
    assert_null(map_find(&map, "key-"));
    map_fini(&map);
}

static void test_keys_are_copied(void **state) {
    (void)state;
    struct map map;
    map_init(&map);
    char key[] = "abc";

    map_set(&map, key, &values[1]);
    key[0] = 'x';

    assert_ptr_equal(map_find(&map, "abc"), &values[1]);
    assert_null(map_find(&map, "xbc"));
    map_fini(&map);
}

static void test_set_replaces_the_value_of_a_key(void **state) {
    (void)state;
    struct map map;
    fill(&map, 3);

    map_set(&map, "key-1", &values[99]);

    assert_int_equal(map.count, 3);
    assert_ptr_equal(map_find(&map, "key-1"), &values[99]);
    map_fini(&map);
}

static void test_find_n_takes_part_of_a_text(void **state) {
    (void)state;
    struct map map;
    fill(&map, 20);

    assert_ptr_equal(map_find_n(&map, "key-12", 5), &values[1]);
    assert_ptr_equal(map_find_n(&map, "key-12", 6), &values[12]);
    assert_null(map_find_n(&map, "key-12", 4));
    map_fini(&map);
}

static void test_find_n_with_a_nul_inside_finds_no_shorter_key(void **state) {
    (void)state;
    struct map map;
    fill(&map, 2);

    assert_null(map_find_n(&map, "key-1\0x", 7));
    map_fini(&map);
}

static void test_removed_is_gone_and_others_stay(void **state) {
    (void)state;
    struct map map;
    fill(&map, 1000);

    for (int i = 0; i < 1000; i += 2) {
        assert_ptr_equal(map_remove(&map, key_of(i)), &values[i]);
    }

    assert_int_equal(map.count, 500);
    for (int i = 0; i < 1000; i++) {
        assert_ptr_equal(map_find(&map, key_of(i)), i % 2 ? &values[i] : NULL);
    }
    assert_null(map_remove(&map, "key-0"));
    map_fini(&map);
}

static void test_iteration_is_in_order_of_insertion(void **state) {
    (void)state;
    struct map map;
    fill(&map, 500);
    size_t at = 0;
    int i = 0;

    for (struct map_entry *e; (e = map_next(&map, &at)); i++) {
        assert_string_equal(e->key, key_of(i));
        assert_ptr_equal(e->value, &values[i]);
    }

    assert_int_equal(i, 500);
    map_fini(&map);
}

static void test_iteration_skips_the_removed(void **state) {
    (void)state;
    struct map map;
    fill(&map, 3);
    map_remove(&map, "key-0");
    map_remove(&map, "key-2");
    size_t at = 0;

    struct map_entry *only = map_next(&map, &at);

    assert_string_equal(only->key, "key-1");
    assert_null(map_next(&map, &at));
    map_fini(&map);
}

static void test_coming_and_going_does_not_grow_the_map(void **state) {
    (void)state;
    struct map map;
    fill(&map, 4);

    for (int i = 4; i < 100000; i++) {
        assert_int_equal(map_set(&map, key_of(i), &values[0]), 0);
        assert_non_null(map_remove(&map, key_of(i)));
    }

    assert_int_equal(map.count, 4);
    assert_true(map.slot_count <= 16);
    assert_ptr_equal(map_find(&map, "key-3"), &values[3]);
    map_fini(&map);
}

static void test_failed_set_leaves_the_map_as_it_was(void **state) {
    (void)state;
    struct map map;
    map_init(&map);
    int set = 0;

    TEST_EACH_FAILED_ALLOCATION(
        n,
        {
            map_fini(&map);
            set = 0;
            while (set < 100 && map_set(&map, key_of(set), &values[set]) == 0) {
                set++;
            }
            assert_int_equal(map.count, set);
            for (int i = 0; i < 100; i++) {
                assert_ptr_equal(map_find(&map, key_of(i)), i < set ? &values[i] : NULL);
            }
        },
        set == 100);

    map_fini(&map);
}

static void test_hash_is_fnv_1a(void **state) {
    (void)state;

    assert_int_equal(hash_bytes("", 0), 0xcbf29ce484222325ull);
    assert_int_equal(hash_bytes("a", 1), 0xaf63dc4c8601ec8cull);
    assert_int_equal(hash_bytes("foobar", 6), 0x85944171f73967e8ull);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_map_finds_nothing),
        cmocka_unit_test(test_set_then_find),
        cmocka_unit_test(test_keys_are_copied),
        cmocka_unit_test(test_set_replaces_the_value_of_a_key),
        cmocka_unit_test(test_find_n_takes_part_of_a_text),
        cmocka_unit_test(test_find_n_with_a_nul_inside_finds_no_shorter_key),
        cmocka_unit_test(test_removed_is_gone_and_others_stay),
        cmocka_unit_test(test_iteration_is_in_order_of_insertion),
        cmocka_unit_test(test_iteration_skips_the_removed),
        cmocka_unit_test(test_coming_and_going_does_not_grow_the_map),
        cmocka_unit_test(test_failed_set_leaves_the_map_as_it_was),
        cmocka_unit_test(test_hash_is_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
