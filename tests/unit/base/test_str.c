/* Growable text. */
#include "base/str.h"

#include <string.h>

#include "base/alloc.h"
#include "lib/test.h"

static void test_new_text_is_empty_and_holds_no_memory(void **state) {
    (void)state;
    struct str s;

    str_init(&s);

    assert_string_equal(str_text(&s), "");
    assert_int_equal(s.size, 0);
    assert_null(s.data);
}

static void test_appends_come_one_behind_the_other(void **state) {
    (void)state;
    struct str s;
    str_init(&s);

    str_add(&s, "one");
    str_add_char(&s, ' ');
    str_add_n(&s, "two-cut", 3);
    str_addf(&s, " %d '%s'", 3, "four");

    assert_string_equal(str_text(&s), "one two 3 'four'");
    assert_int_equal(s.size, 16);
    assert_false(s.failed);
    str_fini(&s);
}

static void test_growing_keeps_what_is_there(void **state) {
    (void)state;
    struct str s;
    str_init(&s);

    for (int i = 0; i < 10000; i++) {
        str_addf(&s, "%04d,", i);
    }

    assert_int_equal(s.size, 50000);
    assert_memory_equal(s.data, "0000,0001,", 10);
    assert_string_equal(s.data + 49990, "9998,9999,");
    str_fini(&s);
}

static void test_bytes_may_hold_a_nul(void **state) {
    (void)state;
    struct str s;
    str_init(&s);

    str_add_n(&s, "a\0b", 3);

    assert_int_equal(s.size, 3);
    assert_memory_equal(s.data, "a\0b", 4);
    str_fini(&s);
}

static void test_take_hands_over_the_text_and_leaves_it_empty(void **state) {
    (void)state;
    struct str s;
    str_init(&s);
    str_add(&s, "text");

    char *taken = str_take(&s);

    assert_string_equal(taken, "text");
    assert_null(s.data);
    assert_int_equal(s.size, 0);
    mem_free(taken);
}

static void test_take_of_an_empty_text_is_not_null(void **state) {
    (void)state;
    struct str s;
    str_init(&s);

    char *taken = str_take(&s);

    assert_string_equal(taken, "");
    mem_free(taken);
}

static void test_clear_empties_and_forgets_a_failure(void **state) {
    (void)state;
    struct str s;
    str_init(&s);
    str_add(&s, "text");
    s.failed = true;

    str_clear(&s);
    str_add(&s, "new");

    assert_string_equal(str_text(&s), "new");
    assert_false(s.failed);
    str_fini(&s);
}

static void test_failed_append_leaves_the_text_and_refuses_those_behind_it(void **state) {
    (void)state;
    struct str s;
    str_init(&s);
    str_add(&s, "kept");
    mem_fail_at(1);

    str_addf(&s, "%0100d", 1);
    str_add(&s, "!");

    assert_true(s.failed);
    assert_string_equal(str_text(&s), "kept");
    assert_null(str_take(&s));
    assert_null(s.data);
}

static void build(struct str *s) {
    str_init(s);
    for (int i = 0; i < 100; i++) {
        str_addf(s, "%d: ", i);
        str_add(s, "line\n");
    }
}

static void test_each_allocation_may_fail(void **state) {
    (void)state;
    struct str s;
    build(&s);
    char *whole = str_take(&s);
    char *taken;

    TEST_EACH_FAILED_ALLOCATION(
        n,
        {
            build(&s);
            bool failed = s.failed;
            assert_memory_equal(str_text(&s), whole, s.size);
            taken = str_take(&s);
            assert_int_equal(taken == NULL, failed);
        },
        taken != NULL);

    assert_string_equal(taken, whole);
    mem_free(taken);
    mem_free(whole);
}

static const char *const words[] = {"capacity", "overflow", "bytes", "ports", NULL};

static void test_nearest_finds_a_slip(void **state) {
    (void)state;

    assert_string_equal(str_nearest("capcity", words), "capacity");
    assert_string_equal(str_nearest("overflwo", words), "overflow");
    assert_string_equal(str_nearest("byts", words), "bytes");
    assert_string_equal(str_nearest("pots", words), "ports");
}

static void test_nearest_does_not_guess_at_something_else(void **state) {
    (void)state;

    assert_null(str_nearest("colour", words));
    assert_null(str_nearest("x", words));
    assert_null(str_nearest("", words));
}

static void test_nearest_prefers_the_smallest_distance_then_the_first(void **state) {
    (void)state;
    static const char *const near[] = {"tall", "tail", "tailor", "bail", NULL};

    assert_string_equal(str_nearest("tail", near), "tail");
    assert_string_equal(str_nearest("taill", near), "tall");
}

static void test_nearest_takes_words_of_any_length(void **state) {
    (void)state;
    char longer[500];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *const candidates[] = {longer, "ports", NULL};

    assert_null(str_nearest(longer, words));
    assert_string_equal(str_nearest("port", candidates), "ports");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_text_is_empty_and_holds_no_memory),
        cmocka_unit_test(test_appends_come_one_behind_the_other),
        cmocka_unit_test(test_growing_keeps_what_is_there),
        cmocka_unit_test(test_bytes_may_hold_a_nul),
        cmocka_unit_test(test_take_hands_over_the_text_and_leaves_it_empty),
        cmocka_unit_test(test_take_of_an_empty_text_is_not_null),
        cmocka_unit_test(test_clear_empties_and_forgets_a_failure),
        cmocka_unit_test(test_failed_append_leaves_the_text_and_refuses_those_behind_it),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_nearest_finds_a_slip),
        cmocka_unit_test(test_nearest_does_not_guess_at_something_else),
        cmocka_unit_test(test_nearest_prefers_the_smallest_distance_then_the_first),
        cmocka_unit_test(test_nearest_takes_words_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
