/* The place of stamps in time. */
#include "syslog/dating.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/test.h"

static int64_t asked; /* how often now was asked for */

static int64_t fixed_now(void *context) {
    asked++;
    return *(int64_t *)context;
}

static struct stamp take(const char *text) {
    struct troupe_str s = troupe_str(text);
    struct stamp stamp;
    assert_true(stamp_take_bsd(&s, &stamp) || stamp_take_iso(&s, &stamp));
    assert_int_equal(s.size, 0);
    return stamp;
}

/* Seconds of `text`, looked at in the moment `now`. */
static int64_t seconds_of(struct dating *d, const char *text, const char *now) {
    struct stamp now_stamp = take(now);
    int64_t now_ns = stamp_seconds(&now_stamp, now_stamp.year) * 1000000000;
    struct stamp stamp = take(text);
    return dating_resolve(d, &stamp, fixed_now, &now_ns) / 1000000000;
}

static int64_t utc(const char *text) {
    struct stamp stamp = take(text);
    return stamp_seconds(&stamp, stamp.year);
}

static int set_zone(void **state) {
    (void)state;
    assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    return 0;
}

static void test_seconds_agree_with_the_c_library(void **state) {
    (void)state;
    for (int64_t at = -9000000000; at < 9000000000; at += 86399 * 37) {
        time_t time = at;
        struct tm tm;
        assert_non_null(gmtime_r(&time, &tm));
        struct stamp stamp = {.month = tm.tm_mon + 1,
                              .day = tm.tm_mday,
                              .hour = tm.tm_hour,
                              .minute = tm.tm_min,
                              .second = tm.tm_sec};
        assert_int_equal(stamp_seconds(&stamp, tm.tm_year + 1900), at);
        assert_int_equal(stamp_year_of(at), tm.tm_year + 1900);
    }
}

static void test_a_zone_that_is_written_counts(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, false, 0);

    assert_int_equal(seconds_of(&d, "2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00"),
                     utc("2024-05-01T10:00:00"));
    assert_int_equal(seconds_of(&d, "2024-05-01T12:00:00-0330", "2024-05-01T10:00:00"),
                     utc("2024-05-01T15:30:00"));
    assert_int_equal(seconds_of(&d, "2024-05-01T12:00:00Z", "2024-05-01T10:00:00"),
                     utc("2024-05-01T12:00:00"));
}

static void test_d1_no_zone_is_the_zone_of_this_machine(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, false, 0);

    assert_int_equal(seconds_of(&d, "2024-01-01T12:00:00", "2024-05-01T10:00:00"),
                     utc("2024-01-01T11:00:00"));
    assert_int_equal(seconds_of(&d, "2024-07-01T12:00:00", "2024-05-01T10:00:00"),
                     utc("2024-07-01T10:00:00"));
}

static void test_d1_or_utc(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, true, 0);

    assert_int_equal(seconds_of(&d, "2024-07-01T12:00:00", "2024-05-01T10:00:00"),
                     utc("2024-07-01T12:00:00"));
}

static void test_d2_the_year_is_that_of_now(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, true, 0);

    assert_int_equal(seconds_of(&d, "May  1 09:00:00", "2024-05-01T10:00:00"),
                     utc("2024-05-01T09:00:00"));
}

static void test_d2_up_to_a_day_ahead_is_now(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, true, 0);

    assert_int_equal(seconds_of(&d, "May  2 09:59:59", "2024-05-01T10:00:00"),
                     utc("2024-05-02T09:59:59"));
    assert_int_equal(seconds_of(&d, "Jan  1 01:00:00", "2023-12-31T23:00:00"),
                     utc("2024-01-01T01:00:00"));
}

static void test_d2_further_ahead_is_last_year(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, true, 0);

    assert_int_equal(seconds_of(&d, "May  2 10:00:01", "2024-05-01T10:00:00"),
                     utc("2023-05-02T10:00:01"));
    assert_int_equal(seconds_of(&d, "Dec 31 23:00:00", "2024-01-01T10:00:00"),
                     utc("2023-12-31T23:00:00"));
}

static void test_d2_a_leap_day_is_in_a_leap_year(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, true, 0);

    assert_int_equal(seconds_of(&d, "Feb 29 10:00:00", "2026-05-01T10:00:00"),
                     utc("2024-02-29T10:00:00"));
}

static void test_d3_the_log_begins_in_the_year_given(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, true, 2016);

    assert_int_equal(seconds_of(&d, "Dec 10 06:55:46", "2024-05-01T10:00:00"),
                     utc("2016-12-10T06:55:46"));
}

static void test_d3_and_goes_on_into_the_next(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, true, 2016);
    const char *now = "2024-05-01T10:00:00";

    assert_int_equal(seconds_of(&d, "Dec 31 23:59:59", now), utc("2016-12-31T23:59:59"));
    assert_int_equal(seconds_of(&d, "Jan  1 00:00:00", now), utc("2017-01-01T00:00:00"));
    assert_int_equal(seconds_of(&d, "Dec 31 23:59:58", now), utc("2016-12-31T23:59:58"));
    assert_int_equal(seconds_of(&d, "Jan  1 00:00:01", now), utc("2017-01-01T00:00:01"));
    assert_int_equal(seconds_of(&d, "Jun  1 00:00:01", now), utc("2017-06-01T00:00:01"));
    assert_int_equal(seconds_of(&d, "Dec 31 23:59:59", now), utc("2017-12-31T23:59:59"));
    assert_int_equal(seconds_of(&d, "Jan  1 00:00:00", now), utc("2018-01-01T00:00:00"));
}

static void test_a_run_of_equal_stamps_asks_for_now_once(void **state) {
    (void)state;
    struct dating d;
    dating_init(&d, true, 0);
    asked = 0;

    int64_t first = seconds_of(&d, "May  1 09:00:00", "2024-05-01T10:00:00");
    int64_t second = seconds_of(&d, "May  1 09:00:00", "2024-05-01T10:00:00");

    assert_int_equal(first, second);
    assert_int_equal(asked, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seconds_agree_with_the_c_library),
        cmocka_unit_test(test_a_zone_that_is_written_counts),
        cmocka_unit_test(test_d1_no_zone_is_the_zone_of_this_machine),
        cmocka_unit_test(test_d1_or_utc),
        cmocka_unit_test(test_d2_the_year_is_that_of_now),
        cmocka_unit_test(test_d2_up_to_a_day_ahead_is_now),
        cmocka_unit_test(test_d2_further_ahead_is_last_year),
        cmocka_unit_test(test_d2_a_leap_day_is_in_a_leap_year),
        cmocka_unit_test(test_d3_the_log_begins_in_the_year_given),
        cmocka_unit_test(test_d3_and_goes_on_into_the_next),
        cmocka_unit_test(test_a_run_of_equal_stamps_asks_for_now_once),
    };
    return cmocka_run_group_tests(tests, set_zone, NULL);
}
