/* The coordinator of an embedding program: set once, asked when a root has ended (SV-2). */
#include "lib/app/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wait.h"

struct asked {
    struct embedded_log log;
    struct test_counter count;
    int32_t verdict;
    char last[512];
    int32_t destroyed;
    struct troupe_proc *proc;
};

static int32_t answer(void *context, const struct troupe_root_end *end) {
    struct asked *asked = context;
    (void)snprintf(asked->last, sizeof asked->last, "%.*s: %s: %.*s (life %u)",
                   TROUPE_STR_ARG(end->name), end->failed ? "failed" : "stopped",
                   TROUPE_STR_ARG(end->text), end->incarnation);
    asked->destroyed = troupe_proc_destroy(asked->proc, 0, NULL, NULL);
    test_counter_add(&asked->count);
    return asked->verdict;
}

static int setup(void **state) {
    struct asked *asked = calloc(1, sizeof *asked);
    assert_non_null(asked);
    embedded_log_init(&asked->log);
    test_counter_init(&asked->count);
    *state = asked;
    return 0;
}

static int teardown(void **state) {
    struct asked *asked = *state;
    test_counter_fini(&asked->count);
    embedded_log_fini(&asked->log);
    free(asked);
    return 0;
}

#define FAILS "actors: { a: { type: kit.Player, config: { init: 'tick 1 0', tick: 'fail oh' } } }"

static struct troupe_proc *start(struct asked *asked, const char *manifest, int32_t verdict) {
    struct troupe_error error;
    asked->verdict = verdict;
    asked->proc = embedded_create(&asked->log, 0, manifest);
    embedded_ok(troupe_proc_set_coordinator(asked->proc, answer, asked, &error), &error);
    embedded_ok(troupe_proc_start(asked->proc, &error), &error);
    return asked->proc;
}

static void test_coordinator_may_be_set_once(void **state) {
    struct asked *asked = *state;
    struct troupe_error error;
    struct troupe_proc *proc = embedded_create(&asked->log, 0, FAILS);

    assert_int_equal(troupe_proc_set_coordinator(proc, NULL, NULL, &error), TROUPE_INVALID);
    embedded_ok(troupe_proc_set_coordinator(proc, answer, asked, &error), &error);
    assert_int_equal(troupe_proc_set_coordinator(proc, answer, asked, &error), TROUPE_REFUSED);
    assert_string_equal(error.text, "a coordinator is set already, and may be set once");

    embedded_drop(proc);
}

static void test_coordinator_lets_a_root_go(void **state) {
    struct asked *asked = *state;
    struct troupe_end *end = NULL;
    struct troupe_error error;
    struct troupe_proc *proc = start(asked, FAILS, TROUPE_LET_GO);

    embedded_ok(troupe_proc_wait(proc, TROUPE_FOR_EVER, &end, &error), &error);

    assert_int_equal(troupe_end_status(end), TROUPE_OK);
    assert_string_equal(asked->last, "p/a[0]: failed: tick: oh (life 1)");
    assert_int_equal(asked->destroyed, TROUPE_WRONG_THREAD);
    troupe_end_free(end);
    embedded_drop(proc);
}

static void test_coordinator_gives_up(void **state) {
    struct asked *asked = *state;
    struct troupe_end *end = NULL;
    struct troupe_error error;
    struct troupe_proc *proc =
        start(asked, "supervision: { intensity: 100 }\n" FAILS, TROUPE_GIVE_UP);

    embedded_ok(troupe_proc_wait(proc, TROUPE_FOR_EVER, &end, &error), &error);

    assert_int_equal(troupe_end_status(end), TROUPE_ERROR);
    assert_string_equal(troupe_end_cause(end), "actor 'p/a[0]' failed: tick: oh");
    assert_int_equal(test_counter_get(&asked->count), 1);
    troupe_end_free(end);
    embedded_drop(proc);
}

static void test_coordinator_starts_a_root_again(void **state) {
    struct asked *asked = *state;
    struct troupe_error error;
    struct troupe_proc *proc =
        start(asked,
              "supervision: { intensity: 100, backoff: { initial: 1ms } }\n"
              "actors: { a: { type: kit.Player, config: { init: 'tick 1 0', tick: stop } } }",
              TROUPE_RESTART);

    test_counter_wait(&asked->count, 3);

    troupe_proc_abort(proc);
    embedded_ok(troupe_proc_destroy(proc, TROUPE_FOR_EVER, NULL, &error), &error);
    assert_non_null(strstr(asked->last, "p/a[0]: stopped: stopped (life "));
}

static void test_verdict_that_is_unknown_leaves_it_to_the_policy(void **state) {
    struct asked *asked = *state;
    struct troupe_end *end = NULL;
    struct troupe_error error;
    struct troupe_proc *proc = start(asked, FAILS, 77);

    embedded_ok(troupe_proc_wait(proc, TROUPE_FOR_EVER, &end, &error), &error);

    assert_int_equal(troupe_end_status(end), TROUPE_ERROR);
    troupe_end_free(end);
    embedded_drop(proc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_coordinator_may_be_set_once),
        TEST(test_coordinator_lets_a_root_go),
        TEST(test_coordinator_gives_up),
        TEST(test_coordinator_starts_a_root_again),
        TEST(test_verdict_that_is_unknown_leaves_it_to_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
