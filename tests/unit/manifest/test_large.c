/* Large manifests: the time to load grows with their size, not with its square. */
#include "unit/manifest/given.h"

#include <time.h>

static void add_actors(struct str *text, unsigned count) {
    str_add(text, HEAD "actors:\n");
    for (unsigned i = 0; i < count; i++) {
        str_addf(text, "  a%u: { type: x.Y, config: { n: %u }, mailbox: { capacity: 4 } }\n", i, i);
    }
    str_add(text, "wires:\n");
    for (unsigned i = 1; i < count; i++) {
        str_addf(text, "  - a%u.out -> a%u.in\n", i - 1, i);
    }
}

static double load_seconds(unsigned count) {
    struct str text = {0};
    add_actors(&text, count);
    struct timespec begin;
    struct timespec end;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    struct given given = given_good(str_text(&text));
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);

    assert_int_equal(given.manifest->actor_count, count);
    assert_int_equal(given.manifest->wire_count, count - 1);
    given_done(&given);
    str_fini(&text);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static void test_time_to_load_is_not_quadratic(void **state) {
    (void)state;
    double best = 1e9;

    for (int i = 0; i < 3; i++) { /* other work on the machine only ever adds time */
        double small = load_seconds(1000);
        double large = load_seconds(16000);
        best = large / small < best ? large / small : best;
    }

    assert_true(best < 16 * 4); /* 16 when linear, 256 when quadratic */
}

static void test_overriding_ten_thousand_wires(void **state) {
    (void)state;
    struct str text = {0};
    add_actors(&text, 10000);

    struct given given = given_load((const struct manifest_text[]){{"m.yaml", str_text(&text), 0},
                                                                   {"o.yaml", str_text(&text), 0},
                                                                   {0}},
                                    2, NULL);

    assert_int_equal(given.manifest->wire_count, 9999);
    assert_string_equal(given.manifest->wires[0].mark.file, "o.yaml");
    given_done(&given);
    str_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_to_load_is_not_quadratic),
        cmocka_unit_test(test_overriding_ten_thousand_wires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
