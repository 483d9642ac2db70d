/* Writing into a given room. */
#include "lib/test.h"

#include "base/text.h"

static void test_text_and_numbers_follow_one_another(void **state) {
    (void)state;
    char room[64];
    struct text text = text_begin(room, sizeof room);
    text_add(&text, "a/");
    text_add_n(&text, "bcd", 2);
    text_add_number(&text, 0);
    text_add(&text, "-");
    text_add_number(&text, UINT64_MAX);

    assert_int_equal(text_end(&text, room), 26);
    assert_string_equal(room, "a/bc0-18446744073709551615");
}

static void test_what_does_not_fit_is_cut(void **state) {
    (void)state;
    char room[] = "######";
    struct text text = text_begin(room, 5);
    text_add(&text, "abc");
    text_add_number(&text, 1234);
    text_add(&text, "d");

    assert_int_equal(text_end(&text, room), 4);
    assert_string_equal(room, "abc1");
    assert_int_equal(room[5], '#');
}

static void test_there_is_always_room_for_the_zero(void **state) {
    (void)state;
    char room[1] = "#";
    struct text text = text_begin(room, sizeof room);
    text_add(&text, "abc");

    assert_int_equal(text_end(&text, room), 0);
    assert_string_equal(room, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_numbers_follow_one_another),
        cmocka_unit_test(test_what_does_not_fit_is_cut),
        cmocka_unit_test(test_there_is_always_room_for_the_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
