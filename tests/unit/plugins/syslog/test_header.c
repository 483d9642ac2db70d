/* Taking the heads of log lines apart. */
#include "syslog/header.h"

#include <stdio.h>
#include <string.h>

#include "lib/test.h"

/* The parts as "facility.severity|time|host|program|pid|message"; "" for no known form. */
static const char *parts(const char *line) {
    static char out[512];
    struct header h;
    char time[64] = "-";
    if (!header_parse(troupe_str(line), &h)) {
        return "";
    }
    if (h.has_time) {
        snprintf(time, sizeof time, "%04d-%02d-%02d %02d:%02d:%02d.%09d", h.time.year, h.time.month,
                 h.time.day, h.time.hour, h.time.minute, h.time.second, h.time.nanosecond);
    }
    snprintf(out, sizeof out, "%d.%d|%s|%.*s|%.*s|%llu|%.*s", h.facility, h.severity, time,
             TROUPE_STR_ARG(h.host), TROUPE_STR_ARG(h.program), (unsigned long long)h.pid,
             TROUPE_STR_ARG(h.message));
    return out;
}

static void test_rfc3164_without_priority(void **state) {
    (void)state;
    assert_string_equal(parts("Dec 10 06:55:46 LabSZ sshd[24200]: hello there"),
                        "255.255|0000-12-10 06:55:46.000000000|LabSZ|sshd|24200|hello there");
}

static void test_rfc3164_with_priority(void **state) {
    (void)state;
    assert_string_equal(parts("<38>Dec 10 06:55:46 LabSZ sshd[24200]: hello"),
                        "4.6|0000-12-10 06:55:46.000000000|LabSZ|sshd|24200|hello");
}

static void test_days_of_one_digit(void **state) {
    (void)state;
    const char *expected = "255.255|0000-12-01 06:55:46.000000000|h|p|0|m";
    assert_string_equal(parts("Dec  1 06:55:46 h p: m"), expected);
    assert_string_equal(parts("Dec 01 06:55:46 h p: m"), expected);
    assert_string_equal(parts("Dec 1 06:55:46 h p: m"), expected);
}

static void test_a_line_without_host(void **state) {
    (void)state;
    assert_string_equal(parts("<38>Dec 10 06:55:46 sshd[1]: m"),
                        "4.6|0000-12-10 06:55:46.000000000||sshd|1|m");
}

static void test_a_line_without_program(void **state) {
    (void)state;
    assert_string_equal(parts("Dec 10 06:55:46 h last message"),
                        "255.255|0000-12-10 06:55:46.000000000|h||0|last message");
    assert_string_equal(parts("Dec 10 06:55:46 h"), "255.255|0000-12-10 06:55:46.000000000|h||0|");
}

static void test_a_pid_that_is_no_number(void **state) {
    (void)state;
    assert_string_equal(parts("Dec 10 06:55:46 h p[main]: m"),
                        "255.255|0000-12-10 06:55:46.000000000|h|p|0|m");
}

static void test_a_colon_in_the_message_is_not_a_tag(void **state) {
    (void)state;
    assert_string_equal(parts("Dec 10 06:55:46 h no tag: m"),
                        "255.255|0000-12-10 06:55:46.000000000|h||0|no tag: m");
}

static void test_a_log_file_with_rfc3339_times(void **state) {
    (void)state;
    assert_string_equal(parts("2024-05-01T12:00:00.123456+02:00 host sshd[7]: m"),
                        "255.255|2024-05-01 12:00:00.123456000|host|sshd|7|m");
}

static void test_rfc5424(void **state) {
    (void)state;
    assert_string_equal(
        parts("<165>1 2003-10-11T22:14:15.003Z mymachine evntslog 111 ID47 [a@1 b=\"c\"] text"),
        "20.5|2003-10-11 22:14:15.003000000|mymachine|evntslog|111|text");
}

static void test_rfc5424_with_nothing_but_nil(void **state) {
    (void)state;
    assert_string_equal(parts("<0>1 - - - - - -"), "0.0|-|||0|");
}

static void test_rfc5424_drops_the_byte_order_mark(void **state) {
    (void)state;
    assert_string_equal(parts("<34>1 - h p - - - \xEF\xBB\xBF"
                              "text"),
                        "4.2|-|h|p|0|text");
}

static void test_rfc5424_passes_over_brackets_and_quotes_in_data(void **state) {
    (void)state;
    assert_string_equal(parts("<34>1 - h p - - [a b=\"]\\\"]\\]\"][c d=\"\"] text"),
                        "4.2|-|h|p|0|text");
}

static void test_broken_rfc5424_is_no_known_form(void **state) {
    (void)state;
    assert_string_equal(parts("<34>1 - h p - - [a b=\"c] text"), "");
    assert_string_equal(parts("<34>1 yesterday h p - - - text"), "");
    assert_string_equal(parts("<34>1 - h p - - text"), "");
    assert_string_equal(parts("<34>1 -"), "");
}

static void test_other_lines_are_no_known_form(void **state) {
    (void)state;
    assert_string_equal(parts(""), "");
    assert_string_equal(parts("hello"), "");
    assert_string_equal(parts("<38>"), "");
    assert_string_equal(parts("<192>Dec 10 06:55:46 h p: m"), "");
    assert_string_equal(parts("Dec 32 06:55:46 h p: m"), "");
    assert_string_equal(parts("Feb 30 06:55:46 h p: m"), "");
    assert_string_equal(parts("Foo 10 06:55:46 h p: m"), "");
    assert_string_equal(parts("Dec 10 24:55:46 h p: m"), "");
    assert_string_equal(parts("Dec 10 06:55:4"), "");
    assert_string_equal(parts("Dec 10 06:55:46x"), "");
    assert_string_equal(parts("2023-02-29T12:00:00Z h p: m"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3164_without_priority),
        cmocka_unit_test(test_rfc3164_with_priority),
        cmocka_unit_test(test_days_of_one_digit),
        cmocka_unit_test(test_a_line_without_host),
        cmocka_unit_test(test_a_line_without_program),
        cmocka_unit_test(test_a_pid_that_is_no_number),
        cmocka_unit_test(test_a_colon_in_the_message_is_not_a_tag),
        cmocka_unit_test(test_a_log_file_with_rfc3339_times),
        cmocka_unit_test(test_rfc5424),
        cmocka_unit_test(test_rfc5424_with_nothing_but_nil),
        cmocka_unit_test(test_rfc5424_drops_the_byte_order_mark),
        cmocka_unit_test(test_rfc5424_passes_over_brackets_and_quotes_in_data),
        cmocka_unit_test(test_broken_rfc5424_is_no_known_form),
        cmocka_unit_test(test_other_lines_are_no_known_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
