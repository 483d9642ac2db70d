/* The bounded map by text. */
#include "stats/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/test.h"

/* Counts what is out, and fails the allocation whose turn it is. */
struct heap {
    int out;
    int fail_at; /* 0: never */
};

static void *heap_alloc(void *context, uint64_t size) {
    struct heap *heap = context;
    if (heap->fail_at > 0 && --heap->fail_at == 0) {
        return NULL;
    }
    heap->out++;
    return malloc(size);
}

static void heap_free(void *context, void *memory) {
    struct heap *heap = context;
    heap->out -= memory != NULL;
    free(memory);
}

static void start(struct table *table, uint64_t max) {
    const struct table_memory memory = {heap_alloc, heap_free};
    table_init(table, memory, sizeof(uint64_t), max, 12345);
}

#define KEY_ROOM 32

static struct troupe_str key_of(unsigned number, char *room) {
    return troupe_str_n(room, (uint64_t)snprintf(room, KEY_ROOM, "key-%u", number));
}

static void test_finds_what_was_added_and_nothing_else(void **state) {
    (void)state;
    struct heap heap = {0};
    struct table table;
    char room[KEY_ROOM];
    start(&table, 5000);

    for (unsigned i = 0; i < 5000; i++) {
        struct table_entry *entry = table_add(&table, &heap, key_of(i, room));
        assert_non_null(entry);
        entry->value[0] = i;
    }

    for (unsigned i = 0; i < 5000; i++) {
        struct table_entry *entry = table_find(&table, key_of(i, room));
        assert_non_null(entry);
        assert_int_equal(entry->value[0], i);
        assert_true(troupe_str_eq(entry->key, key_of(i, room)));
    }
    assert_null(table_find(&table, key_of(5000, room)));
    assert_true(table_is_full(&table));
    table_clear(&table, &heap);
    assert_int_equal(heap.out, 0);
}

static void test_an_empty_key_and_a_long_one_are_keys(void **state) {
    (void)state;
    struct heap heap = {0};
    struct table table;
    char text[1000];
    memset(text, 'x', sizeof text);
    start(&table, 10);

    table_add(&table, &heap, troupe_str(""))->value[0] = 1;
    table_add(&table, &heap, troupe_str_n(text, 1000))->value[0] = 2;

    assert_int_equal(table_find(&table, troupe_str(""))->value[0], 1);
    assert_int_equal(table_find(&table, troupe_str_n(text, 1000))->value[0], 2);
    assert_null(table_find(&table, troupe_str_n(text, 999)));
    table_clear(&table, &heap);
    assert_int_equal(heap.out, 0);
}

static void test_t2_the_oldest_is_the_one_used_longest_ago(void **state) {
    (void)state;
    struct heap heap = {0};
    struct table table;
    start(&table, 3);
    table_add(&table, &heap, troupe_str("a"));
    table_add(&table, &heap, troupe_str("b"));
    table_add(&table, &heap, troupe_str("c"));

    assert_non_null(table_find(&table, troupe_str("a")));

    assert_true(troupe_str_eq(table.oldest->key, troupe_str("b")));
    assert_true(troupe_str_eq(table.newest->key, troupe_str("a")));
    table_remove(&table, &heap, table.oldest);
    assert_true(troupe_str_eq(table.oldest->key, troupe_str("c")));
    assert_null(table_find(&table, troupe_str("b")));
    table_clear(&table, &heap);
    assert_int_equal(heap.out, 0);
}

static void test_t3_entries_stay_where_they_are(void **state) {
    (void)state;
    struct heap heap = {0};
    struct table table;
    char room[KEY_ROOM];
    start(&table, 1000);
    struct table_entry *first = table_add(&table, &heap, troupe_str("first"));

    for (unsigned i = 0; i < 900; i++) {
        table_add(&table, &heap, key_of(i, room));
    }

    assert_ptr_equal(table_find(&table, troupe_str("first")), first);
    table_clear(&table, &heap);
}

static void test_add_without_memory_leaves_the_table_as_it_was(void **state) {
    (void)state;
    struct heap heap = {.fail_at = 2}; /* the buckets succeed, the entry does not */
    struct table table;
    start(&table, 10);

    assert_null(table_add(&table, &heap, troupe_str("a")));

    assert_int_equal(table.count, 0);
    assert_null(table_find(&table, troupe_str("a")));
    assert_non_null(table_add(&table, &heap, troupe_str("a")));
    table_clear(&table, &heap);
    assert_int_equal(heap.out, 0);
}

static void test_a_table_that_cannot_grow_goes_on(void **state) {
    (void)state;
    struct heap heap = {0};
    struct table table;
    char room[KEY_ROOM];
    start(&table, 1000);
    for (unsigned i = 0; i < 64; i++) {
        table_add(&table, &heap, key_of(i, room));
    }

    heap.fail_at = 1;
    assert_non_null(table_add(&table, &heap, troupe_str("one more")));

    assert_non_null(table_find(&table, troupe_str("one more")));
    assert_non_null(table_find(&table, key_of(17, room)));
    table_clear(&table, &heap);
    assert_int_equal(heap.out, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_was_added_and_nothing_else),
        cmocka_unit_test(test_an_empty_key_and_a_long_one_are_keys),
        cmocka_unit_test(test_t2_the_oldest_is_the_one_used_longest_ago),
        cmocka_unit_test(test_t3_entries_stay_where_they_are),
        cmocka_unit_test(test_add_without_memory_leaves_the_table_as_it_was),
        cmocka_unit_test(test_a_table_that_cannot_grow_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
