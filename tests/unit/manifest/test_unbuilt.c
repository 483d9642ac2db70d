/* Keys without effect yet are listed, once each. */
#include "unit/manifest/given.h"

static const struct manifest_unused *find(const struct given *given, const char *key) {
    for (size_t i = 0; i < given->manifest->unused_count; i++) {
        if (strcmp(given->manifest->unused[i].key, key) == 0) {
            return &given->manifest->unused[i];
        }
    }
    return NULL;
}

static void test_key_without_effect_is_listed_with_its_place(void **state) {
    (void)state;
    struct given given = given_good(HEAD "control: { socket: s }\n"
                                         "actors: { a: { type: x.Y } }\n");

    const struct manifest_unused *control = find(&given, "control");

    assert_non_null(control);
    assert_int_equal(control->mark.line, 3);
    assert_int_equal(given.manifest->unused_count, 1);
    given_done(&given);
}

static void test_key_with_effect_is_not_listed(void **state) {
    (void)state;
    struct given given = given_good(
        HEAD "workers: 1\nidle: spin\nlog: { level: info }\nstop: { timeout: 1s }\n"
             "dead_letters: { keep: 1 }\nplugins: { path: [a] }\n"
             "defaults: { mailbox: { capacity: 1 }, on_fault: recover }\n"
             "actors:\n  a: { type: x.Y, thread: own, memory: 1KiB, after: [b], replicas: 2,\n"
             "       when_inputs_end: stay, on_fault: exit, mailbox: { bytes: 1KiB, ports: { p: "
             "fail } } }\n"
             "reload: { mode: canary, canary: 3 }\n");

    assert_int_equal(given.manifest->unused_count, 0);
    given_done(&given);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_without_effect_is_listed_with_its_place),
        cmocka_unit_test(test_key_with_effect_is_not_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
