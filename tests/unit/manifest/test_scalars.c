/* Scalars as manifests write them. */
#include "lib/test.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "manifest/manifest.h"

static void assert_duration(const char *text, uint64_t expected) {
    uint64_t ns = 0;
    struct err err = {0};
    assert_int_equal(scalar_duration(text, &ns, &err), 0);
    assert_int_equal(ns, expected);
}

static void assert_size(const char *text, uint64_t expected) {
    uint64_t bytes = 0;
    struct err err = {0};
    assert_int_equal(scalar_size(text, &bytes, &err), 0);
    assert_int_equal(bytes, expected);
}

static void test_duration_has_a_unit(void **state) {
    (void)state;

    assert_duration("7ns", 7);
    assert_duration("7us", 7 * NS_PER_US);
    assert_duration("250ms", 250 * NS_PER_MS);
    assert_duration("10s", 10 * NS_PER_S);
    assert_duration("5m", 300 * NS_PER_S);
    assert_duration("1h", 3600 * NS_PER_S);
    assert_duration("2d", 2 * 86400 * NS_PER_S);
    assert_duration("0s", 0);
}

static void test_duration_may_have_a_fraction(void **state) {
    (void)state;

    assert_duration("1.5s", 1500 * NS_PER_MS);
    assert_duration("0.25h", 900 * NS_PER_S);
    assert_duration("0.000000001s", 1);
    assert_duration("0.0000000019s", 1);
    assert_duration("0.9ns", 0);
}

static void assert_no_duration(const char *text, const char *expected) {
    uint64_t ns = 42;
    struct err err = {0};

    assert_int_equal(scalar_duration(text, &ns, &err), -1);

    assert_int_equal(ns, 42);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, expected);
}

static void test_duration_refused(void **state) {
    (void)state;

    assert_no_duration("10x", "'10x' is not a duration; write 250ms, 10s, 5m or 1h");
    assert_no_duration("10", "'10' is not a duration; write 250ms, 10s, 5m or 1h");
    assert_no_duration("", "'' is not a duration; write 250ms, 10s, 5m or 1h");
    assert_no_duration("-1s", "'-1s' is not a duration; write 250ms, 10s, 5m or 1h");
    assert_no_duration("1.s", "'1.s' is not a duration; write 250ms, 10s, 5m or 1h");
    assert_no_duration("1 s", "'1 s' is not a duration; write 250ms, 10s, 5m or 1h");
    assert_no_duration("1m30s", "'1m30s' is not a duration; write 250ms, 10s, 5m or 1h");
    assert_no_duration("106752d", "'106752d' is too long; 106751d is the longest duration");
    assert_no_duration("99999999999999999999s",
                       "'99999999999999999999s' is too long; 106751d is the longest duration");
}

static void test_size_has_a_unit(void **state) {
    (void)state;

    assert_size("512B", 512);
    assert_size("64KiB", 65536);
    assert_size("16MiB", 16ull << 20);
    assert_size("1GiB", 1ull << 30);
    assert_size("2TiB", 2ull << 40);
    assert_size("1kB", 1000);
    assert_size("3MB", 3000000);
    assert_size("0.25GiB", 1ull << 28);
    assert_size("1.5KiB", 1536);
}

static void test_size_refused(void **state) {
    (void)state;
    uint64_t bytes = 42;
    struct err err = {0};

    assert_int_equal(scalar_size("64", &bytes, &err), -1);
    assert_string_equal(err.text, "'64' is not a size; write 512B, 64KiB, 16MiB or 1GiB");
    assert_int_equal(scalar_size("8388608TiB", &bytes, &err), -1);
    assert_string_equal(err.text, "'8388608TiB' is too large for a size");
    assert_int_equal(bytes, 42);
}

static void test_whole_numbers(void **state) {
    (void)state;
    int64_t number = 0;
    struct err err = {0};

    assert_int_equal(scalar_int("-12", &number, &err), 0);
    assert_int_equal(number, -12);
    assert_int_equal(scalar_int("+7", &number, &err), 0);
    assert_int_equal(number, 7);
    assert_int_equal(scalar_int("9223372036854775807", &number, &err), 0);
    assert_int_equal(number, INT64_MAX);
    assert_int_equal(scalar_int("9223372036854775808", &number, &err), -1);
    assert_string_equal(err.text, "'9223372036854775808' is too large for a whole number");
    assert_int_equal(scalar_int("0x10", &number, &err), -1);
    assert_string_equal(err.text, "'0x10' is not a whole number");
    assert_int_equal(scalar_int("-", &number, &err), -1);
    assert_int_equal(scalar_int("1.0", &number, &err), -1);
    assert_int_equal(number, INT64_MAX);
}

static void test_numbers(void **state) {
    (void)state;
    double number = 0;
    struct err err = {0};

    assert_int_equal(scalar_float("0.25", &number, &err), 0);
    assert_true(number == 0.25);
    assert_int_equal(scalar_float("-1e3", &number, &err), 0);
    assert_true(number == -1000);
    assert_int_equal(scalar_float("2", &number, &err), 0);
    assert_true(number == 2);
    assert_int_equal(scalar_float("1e999", &number, &err), -1);
    assert_string_equal(err.text, "'1e999' is too large for a number");
    assert_int_equal(scalar_float("nan", &number, &err), -1);
    assert_string_equal(err.text, "'nan' is not a number");
    assert_int_equal(scalar_float(".", &number, &err), -1);
    assert_int_equal(scalar_float("0x1p3", &number, &err), -1);
    assert_int_equal(scalar_float("1e", &number, &err), -1);
    assert_true(number == 2);
}

static void test_bools(void **state) {
    (void)state;
    bool value = false;
    struct err err = {0};

    assert_int_equal(scalar_bool("true", &value, &err), 0);
    assert_true(value);
    assert_int_equal(scalar_bool("false", &value, &err), 0);
    assert_false(value);
    assert_int_equal(scalar_bool("yes", &value, &err), -1);
    assert_string_equal(err.text, "'yes' is not a bool; write true or false");
}

static void assert_written(uint64_t ns, const char *expected) {
    struct str text;
    str_init(&text);
    scalar_add_duration(&text, ns);
    assert_string_equal(str_text(&text), expected);
    str_fini(&text);
}

static void test_durations_are_written_in_the_largest_unit(void **state) {
    (void)state;

    assert_written(0, "0s");
    assert_written(24 * 3600 * NS_PER_S, "24h");
    assert_written(90 * NS_PER_S, "90s");
    assert_written(1500 * NS_PER_MS, "1500ms");
    assert_written(1, "1ns");
}

static void test_sizes_are_written_in_the_largest_unit(void **state) {
    (void)state;
    struct str text;
    str_init(&text);

    scalar_add_size(&text, 65536);
    str_add_char(&text, ' ');
    scalar_add_size(&text, 1000);
    str_add_char(&text, ' ');
    scalar_add_size(&text, 0);

    assert_string_equal(str_text(&text), "64KiB 1000B 0B");
    str_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration_has_a_unit),
        cmocka_unit_test(test_duration_may_have_a_fraction),
        cmocka_unit_test(test_duration_refused),
        cmocka_unit_test(test_size_has_a_unit),
        cmocka_unit_test(test_size_refused),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bools),
        cmocka_unit_test(test_durations_are_written_in_the_largest_unit),
        cmocka_unit_test(test_sizes_are_written_in_the_largest_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
