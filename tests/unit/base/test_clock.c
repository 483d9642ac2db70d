/* Clocks: the system's, and one that stands still. */
#include "base/clock.h"

#include "lib/test.h"

static void test_system_clock_never_goes_back(void **state) {
    (void)state;
    struct clock *clock = clock_system();

    uint64_t last = clock->now(clock);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock->now(clock);
        assert_true(now >= last);
        last = now;
    }
}

static void test_system_wall_is_of_this_century(void **state) {
    (void)state;
    struct clock *clock = clock_system();

    int64_t wall = clock->wall(clock);

    assert_true(wall > 1600000000ll * (int64_t)NS_PER_S);
    assert_true(wall < 4100000000ll * (int64_t)NS_PER_S);
}

static void test_manual_clock_stands_still_until_moved(void **state) {
    (void)state;
    struct clock_manual manual;
    clock_manual_init(&manual, 100, 7000);
    struct clock *clock = &manual.clock;

    assert_int_equal(clock->now(clock), 100);
    assert_int_equal(clock->now(clock), 100);
    clock_manual_set(&manual, 250);

    assert_int_equal(clock->now(clock), 250);
    assert_int_equal(clock->wall(clock), 7250);
}

static void test_manual_clock_never_goes_back(void **state) {
    (void)state;
    struct clock_manual manual;
    clock_manual_init(&manual, 100, 0);

    clock_manual_set(&manual, 50);

    assert_int_equal(manual.clock.now(&manual.clock), 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system_clock_never_goes_back),
        cmocka_unit_test(test_system_wall_is_of_this_century),
        cmocka_unit_test(test_manual_clock_stands_still_until_moved),
        cmocka_unit_test(test_manual_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
