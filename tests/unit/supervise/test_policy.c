/* Windows of restarts and growing delays. */
#include "lib/test.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "supervise/policy.h"

/* splitmix64 */
static uint64_t random_next(uint64_t *seed) {
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void test_sv5_window_admits_as_many_as_the_limit_within_the_period(void **state) {
    (void)state;
    struct window w;
    assert_int_equal(window_init(&w, 2, 10), 0);

    assert_true(window_admit(&w, 100));
    assert_true(window_admit(&w, 104));
    assert_false(window_admit(&w, 109));
    assert_int_equal(window_count(&w, 109), 2);

    window_fini(&w);
}

static void test_sv5_window_forgets_what_is_as_old_as_the_period(void **state) {
    (void)state;
    struct window w;
    assert_int_equal(window_init(&w, 2, 10), 0);
    assert_true(window_admit(&w, 100));
    assert_true(window_admit(&w, 104));

    assert_true(window_admit(&w, 110));
    assert_false(window_admit(&w, 113));
    assert_true(window_admit(&w, 114));

    window_fini(&w);
}

static void test_window_of_limit_0_admits_nothing_and_has_no_memory(void **state) {
    (void)state;
    struct window w;
    mem_fail_at(1);
    assert_int_equal(window_init(&w, 0, 10), 0);
    mem_fail_at(0);

    assert_false(window_admit(&w, 1));
    assert_int_equal(window_count(&w, 1), 0);

    window_fini(&w);
}

static void test_window_without_memory_says_so(void **state) {
    (void)state;
    struct window w;

    mem_fail_at(1);
    assert_int_equal(window_init(&w, 3, 10), -1);
    mem_fail_at(0);

    window_fini(&w);
}

static void test_window_admits_again_after_clear(void **state) {
    (void)state;
    struct window w;
    assert_int_equal(window_init(&w, 1, 10), 0);
    assert_true(window_admit(&w, 100));

    window_clear(&w);

    assert_true(window_admit(&w, 101));
    assert_false(window_admit(&w, 102));
    window_fini(&w);
}

#define TIMES 2000

/* All times that were admitted, and how many lie within the period that ends at `now`. */
struct oracle {
    uint64_t times[TIMES * 10];
    uint32_t count;
};

static uint32_t oracle_count(const struct oracle *o, uint64_t now, uint64_t period) {
    uint32_t count = 0;
    for (uint32_t i = o->count; i-- > 0 && now - o->times[i] < period;) {
        count++;
    }
    return count;
}

static void test_sv5_window_is_exact_for_limits_up_to_256(void **state) {
    (void)state;
    static struct oracle o;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t random = seed;
        uint64_t period = 1 + random_next(&random) % 1000;
        uint32_t limit = 1 + (uint32_t)(random_next(&random) % (seed % 2 ? 5 : WINDOW_EXACT));
        uint64_t now = random_next(&random) % 1000;
        struct window w;
        o.count = 0;
        assert_int_equal(window_init(&w, limit, period), 0);

        for (int i = 0; i < TIMES; i++) {
            now +=
                random_next(&random) % 4 ? random_next(&random) % 3 : random_next(&random) % period;
            uint32_t before = oracle_count(&o, now, period);
            assert_int_equal(window_count(&w, now), before);
            assert_int_equal(window_admit(&w, now), before < limit);
            if (before < limit) {
                o.times[o.count++] = now;
            }
        }

        window_fini(&w);
    }
}

static void test_sv5_large_limit_is_never_exceeded_and_refuses_little(void **state) {
    (void)state;
    static struct oracle o;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint64_t random = seed;
        uint64_t period = NS_PER_S + random_next(&random) % NS_PER_S;
        uint32_t limit = WINDOW_EXACT + 1 + (uint32_t)(random_next(&random) % 1000);
        uint64_t now = 5 * NS_PER_S;
        uint64_t wait = 2 * period / limit;
        struct window w;
        o.count = 0;
        assert_int_equal(window_init(&w, limit, period), 0);

        for (int i = 0; i < TIMES * 10; i++) {
            now += random_next(&random) % wait * (random_next(&random) % 3 ? 1 : 0);
            bool admitted = window_admit(&w, now);
            /* a step longer in memory than needed, and the one in which it was noted */
            bool must = oracle_count(&o, now, period + period / WINDOW_EXACT + 2) < limit;
            bool may = oracle_count(&o, now, period) < limit;
            assert_true(admitted ? may : !must);
            if (admitted) {
                o.times[o.count++] = now;
            }
        }

        assert_true(o.count > limit);
        window_fini(&w);
    }
}

static void test_window_of_a_huge_limit_stays_small(void **state) {
    (void)state;
    struct window w;
    assert_int_equal(window_init(&w, 1000000000, 7), 0);

    for (uint64_t now = 0; now < 100000; now++) {
        assert_true(window_admit(&w, now));
        assert_true(w.used <= w.room);
    }

    assert_true(w.room <= WINDOW_EXACT + 2);
    window_fini(&w);
}

static void test_sv5_backoff_grows_by_its_factor_up_to_the_cap(void **state) {
    (void)state;
    const struct backoff_policy policy = {100, 1000, 3, 0};
    struct backoff b = {0};

    assert_int_equal(backoff_next(&b, &policy, 7), 100);
    assert_int_equal(backoff_next(&b, &policy, 7), 300);
    assert_int_equal(backoff_next(&b, &policy, 7), 900);
    assert_int_equal(backoff_next(&b, &policy, 7), 1000);
    assert_int_equal(backoff_next(&b, &policy, 7), 1000);
}

static void test_sv5_backoff_begins_anew_after_reset(void **state) {
    (void)state;
    const struct backoff_policy policy = {100, 1000, 3, 0};
    struct backoff b = {0};
    (void)backoff_next(&b, &policy, 0);
    (void)backoff_next(&b, &policy, 0);

    backoff_reset(&b);

    assert_int_equal(backoff_next(&b, &policy, 0), 100);
}

static void test_sv5_jitter_spreads_around_the_base(void **state) {
    (void)state;
    const struct backoff_policy policy = {1000, 100000, 2, 0.2};
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    uint64_t seed = 1;

    for (int i = 0; i < 10000; i++) {
        struct backoff b = {0};
        uint64_t delay = backoff_next(&b, &policy, random_next(&seed));
        low = delay < low ? delay : low;
        high = delay > high ? delay : high;
    }

    assert_int_equal(low, 800);
    assert_int_equal(high, 1200);
}

static void test_sv5_jitter_stays_below_the_cap_and_does_not_gather_there(void **state) {
    (void)state;
    const struct backoff_policy policy = {1000, 1000, 2, 0.5};
    unsigned at_cap = 0;
    uint64_t seed = 1;

    for (int i = 0; i < 10000; i++) {
        struct backoff b = {0};
        uint64_t delay = backoff_next(&b, &policy, random_next(&seed));
        assert_in_range(delay, 500, 1000);
        at_cap += delay == 1000;
    }

    assert_true(at_cap < 100);
}

static void test_backoff_is_the_same_for_the_same_random_number(void **state) {
    (void)state;
    const struct backoff_policy policy = {100 * NS_PER_MS, 10 * NS_PER_S, 2, 0.2};
    struct backoff a = {0};
    struct backoff b = {0};

    for (uint64_t random = 0; random < 20; random++) {
        assert_int_equal(backoff_next(&a, &policy, random), backoff_next(&b, &policy, random));
    }
}

static void test_backoff_holds_its_bounds_at_the_ends_of_the_range(void **state) {
    (void)state;
    static const struct backoff_policy policies[] = {
        {1, UINT64_MAX, 1e300, 1},
        {UINT64_MAX, UINT64_MAX, 2, 1},
        {1, 1, 1, 0},
        {50, 20, 2, 0}, /* an own initial, the supervisor's max */
        {(1ull << 60) + 1, UINT64_MAX, 1, 1e-17},
        {1, 3, 1.5, 0.9},
    };
    uint64_t seed = 3;

    for (size_t p = 0; p < sizeof policies / sizeof *policies; p++) {
        struct backoff b = {0};
        for (int i = 0; i < 100; i++) {
            assert_true(backoff_next(&b, &policies[p], random_next(&seed)) <= policies[p].max_ns);
            assert_in_range(b.base_ns, 1, policies[p].max_ns);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sv5_window_admits_as_many_as_the_limit_within_the_period),
        cmocka_unit_test(test_sv5_window_forgets_what_is_as_old_as_the_period),
        cmocka_unit_test(test_window_of_limit_0_admits_nothing_and_has_no_memory),
        cmocka_unit_test(test_window_without_memory_says_so),
        cmocka_unit_test(test_window_admits_again_after_clear),
        cmocka_unit_test(test_sv5_window_is_exact_for_limits_up_to_256),
        cmocka_unit_test(test_sv5_large_limit_is_never_exceeded_and_refuses_little),
        cmocka_unit_test(test_window_of_a_huge_limit_stays_small),
        cmocka_unit_test(test_sv5_backoff_grows_by_its_factor_up_to_the_cap),
        cmocka_unit_test(test_sv5_backoff_begins_anew_after_reset),
        cmocka_unit_test(test_sv5_jitter_spreads_around_the_base),
        cmocka_unit_test(test_sv5_jitter_stays_below_the_cap_and_does_not_gather_there),
        cmocka_unit_test(test_backoff_is_the_same_for_the_same_random_number),
        cmocka_unit_test(test_backoff_holds_its_bounds_at_the_ends_of_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
