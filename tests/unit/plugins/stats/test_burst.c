/* Sliding windows. */
#include "stats/burst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/test.h"

static const struct burst_rule rule = {.span = 60, .threshold = 3};

static bool add(const struct burst_rule *r, struct burst_source *s, int64_t time, uint64_t count,
                struct burst *ret) {
    uint32_t room = burst_room_wanted(r, s);
    if (room > s->event_room) {
        s->events = realloc(s->events, room * sizeof *s->events);
        assert_non_null(s->events);
        s->event_room = room;
    }
    return burst_add(r, s, (struct burst_event){time, count}, ret);
}

/* Adds events of one each, and writes the bursts as "count:first-last ". */
static void assert_bursts(const struct burst_rule *r, const int64_t *times, size_t count,
                          const char *expected) {
    struct burst_source source = {0};
    struct burst burst;
    char out[256] = "";
    for (size_t i = 0; i < count; i++) {
        if (add(r, &source, times[i], 1, &burst)) {
            size_t at = strlen(out);
            snprintf(out + at, sizeof out - at, "%llu:%lld-%lld ", (unsigned long long)burst.count,
                     (long long)burst.first, (long long)burst.last);
        }
        assert_true(source.event_count < 2 * r->threshold);
    }
    assert_string_equal(out, expected);
    free(source.events);
}
#define ASSERT_BURSTS(expected, ...)                                                               \
    assert_bursts(&rule, (const int64_t[]){__VA_ARGS__},                                           \
                  sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), expected)

static void test_b1_threshold_within_span(void **state) {
    (void)state;
    ASSERT_BURSTS("3:0-2 ", 0, 1, 2);
    ASSERT_BURSTS("", 0, 1);
}

static void test_b1_both_ends_of_the_span_belong_to_it(void **state) {
    (void)state;
    ASSERT_BURSTS("3:0-60 ", 0, 30, 60);
    ASSERT_BURSTS("", 0, 30, 61);
}

static void test_b1_the_window_slides(void **state) {
    (void)state;
    ASSERT_BURSTS("3:50-100 ", 0, 50, 90, 100);
}

static void test_b1_events_out_of_order(void **state) {
    (void)state;
    ASSERT_BURSTS("3:0-60 ", 60, 30, 0);
    ASSERT_BURSTS("3:10-70 ", 10, 70, 100, 30);
    ASSERT_BURSTS("3:0-10 ", 0, 10, 200, 5);
}

static void test_b1_one_event_can_count_for_many(void **state) {
    (void)state;
    struct burst_source source = {0};
    struct burst burst;

    assert_false(add(&rule, &source, 0, 1, &burst));
    assert_true(add(&rule, &source, 10, 5, &burst));

    assert_int_equal(burst.count, 6);
    assert_int_equal(burst.first, 0);
    assert_int_equal(burst.last, 10);
    free(source.events);
}

static void test_b1_a_threshold_of_one(void **state) {
    (void)state;
    const struct burst_rule one = {.span = 60, .threshold = 1};
    assert_bursts(&one, (const int64_t[]){5, 6, 65, 200}, 4, "1:5-5 1:200-200 ");
}

static void test_b2_a_burst_that_goes_on_is_one(void **state) {
    (void)state;
    ASSERT_BURSTS("3:0-2 ", 0, 1, 2, 3, 4, 5, 60, 61, 120, 121, 180);
}

static void test_b2_a_burst_is_found_again_after_the_window_was_empty(void **state) {
    (void)state;
    ASSERT_BURSTS("3:0-2 3:64-66 ", 0, 1, 2, 3, 64, 65, 66);
}

static void test_b2_late_events_of_a_burst_belong_to_it(void **state) {
    (void)state;
    ASSERT_BURSTS("3:100-102 ", 100, 101, 102, 60, 50, 10, 40);
}

static void test_b3_a_wrong_clock_in_between_does_no_lasting_harm(void **state) {
    (void)state;
    ASSERT_BURSTS("3:100-102 ", 100, 9000000000000000000, 101, 102);
    ASSERT_BURSTS("3:100-102 ", 9000000000000000000, 8000000000000000000, 100, 101, 102);
    ASSERT_BURSTS("3:100-102 ", INT64_MIN, INT64_MAX, 100, 101, 102);
}

/* The rule in its own words, over all events so far. */
static bool completes(const int64_t *times, size_t count, int64_t span, size_t threshold) {
    for (size_t i = 0; i < count; i++) {
        size_t within = 0;
        bool has_newest = false;
        for (size_t j = 0; j < count; j++) {
            bool is_in = times[j] >= times[i] && times[j] - times[i] <= span;
            within += is_in;
            has_newest = has_newest || (is_in && j == count - 1);
        }
        if (has_newest && within >= threshold) {
            return true;
        }
    }
    return false;
}

static void test_b1_agrees_with_counting_all_events_in_order(void **state) {
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 2000; round++) {
        const struct burst_rule r = {.span = 20, .threshold = 1 + (uint64_t)(round % 7)};
        struct burst_source source = {0};
        struct burst burst;
        int64_t times[40];
        int64_t now = 0;
        bool found = false;
        for (size_t i = 0; i < 40 && !found; i++) {
            seed = seed * 1103515245u + 12345u;
            now += (seed >> 16) % 12;
            times[i] = now;
            found = add(&r, &source, now, 1, &burst);
            assert_int_equal(found, completes(times, i + 1, 20, r.threshold));
        }
        free(source.events);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_b1_threshold_within_span),
        cmocka_unit_test(test_b1_both_ends_of_the_span_belong_to_it),
        cmocka_unit_test(test_b1_the_window_slides),
        cmocka_unit_test(test_b1_events_out_of_order),
        cmocka_unit_test(test_b1_one_event_can_count_for_many),
        cmocka_unit_test(test_b1_a_threshold_of_one),
        cmocka_unit_test(test_b2_a_burst_that_goes_on_is_one),
        cmocka_unit_test(test_b2_a_burst_is_found_again_after_the_window_was_empty),
        cmocka_unit_test(test_b2_late_events_of_a_burst_belong_to_it),
        cmocka_unit_test(test_b3_a_wrong_clock_in_between_does_no_lasting_harm),
        cmocka_unit_test(test_b1_agrees_with_counting_all_events_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
