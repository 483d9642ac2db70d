/* Resolving: names and addresses lead to open actors only. */
#include "lib/app/embedded_client.h"

#include "lib/wait.h"

static void test_resolving_finds_open_actors_only(void **state) {
    struct embedded *w = *state;
    struct troupe_ref ref = {0, 0};
    embedded_begin(w,
                   "actors:\n  a: { type: kit.Player }\n"
                   "  ends: { type: kit.Player, config: { number: stop, cleanup: 'log bye' } }\n");
    assert_int_equal(embedded_find(w, "p/a[0]", NULL).uid, embedded_find(w, "a", NULL).uid);

    embedded_ok(embedded_send(w, "ends", 1, 0), &w->error);
    embedded_wait_logged(&w->log, "bye");
    embedded_wait_gone(w, "ends");

    assert_string_equal(w->error.text, "there is no open actor 'ends' in proc 'p'");
    assert_int_equal(troupe_client_find(w->client, "a", "nope", &ref, &w->error), TROUPE_NOT_FOUND);
    assert_string_equal(w->error.text, "no actor in proc 'p' has a port 'nope'");
    embedded_finish(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_setup, embedded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_resolving_finds_open_actors_only),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
