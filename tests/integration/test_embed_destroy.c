/* Destroying a proc and waiting for its end: who stopped, who had to be aborted; from inside a turn (PR-2, PR-3). */
#include "lib/app/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wait.h"

#define SAYS "actors: { a: { type: kit.Player, config: { init: 'log up', cleanup: 'log bye' } } }"

static void test_pr3_destroying_says_who_stopped_and_who_had_to_be_aborted(void **state) {
    struct troupe_error error;
    struct troupe_end *end = NULL;
    struct troupe_proc *proc = embedded_start(
        *state, 0,
        "stop: { timeout: 1s }\nactors:\n"
        "  good: { type: kit.Player, config: { cleanup: 'log bye' } }\n"
        /* it has asked what is never answered, and waits for that */
        "  waits: { type: kit.Player, config: { init: 'ask 1 3600000; log asked' } }\n"
        "  silent: { type: kit.Player, config: { asked: later } }\n"
        "wires: [ waits.ask -> silent.asked ]\n");
    embedded_wait_logged(*state, "asked");

    embedded_ok(troupe_proc_destroy(proc, TROUPE_FOR_EVER, &end, &error), &error);

    assert_int_equal(troupe_end_status(end), TROUPE_ABORTED);
    assert_int_equal(troupe_end_count(end, TROUPE_END_STOPPED), 1);
    assert_string_equal(troupe_end_name(end, TROUPE_END_STOPPED, 0), "p/good[0]");
    assert_int_equal(troupe_end_count(end, TROUPE_END_ABORTED), 2);
    assert_string_equal(troupe_end_name(end, TROUPE_END_ABORTED, 0), "p/waits[0]");
    troupe_end_free(end);
}

static void test_destroying_gives_up_at_its_deadline_and_goes_on(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_start(
        *state, 0,
        "actors:\n"
        "  waits: { type: kit.Player, config: { init: 'ask 1 3600000; log asked' } }\n"
        "  silent: { type: kit.Player, config: { asked: later } }\n"
        "wires: [ waits.ask -> silent.asked ]\n");
    embedded_wait_logged(*state, "asked");

    assert_int_equal(troupe_proc_destroy(proc, 1000000, NULL, &error), TROUPE_TIMEOUT);

    troupe_proc_abort(proc);
    embedded_ok(troupe_proc_destroy(proc, TROUPE_FOR_EVER, NULL, &error), &error);
}

/* What is called from inside a turn, by its log. */
struct inside {
    struct embedded_log *log;
    _Atomic(struct troupe_proc *) proc;
    struct test_counter told;
    int32_t destroyed, waited;
    bool unref;
    char text[200];
};

static void call_from_inside(void *context, uint32_t level, struct troupe_str actor,
                             struct troupe_str text) {
    struct inside *inside = context;
    struct troupe_error error = {0};
    embedded_log_take(inside->log, level, actor, text);
    if (!troupe_str_eq(text, troupe_str("now"))) {
        return;
    }
    inside->destroyed = troupe_proc_destroy(inside->proc, TROUPE_FOR_EVER, NULL, &error);
    (void)snprintf(inside->text, sizeof inside->text, "%.199s", error.text);
    inside->waited = troupe_proc_wait(inside->proc, TROUPE_FOR_EVER, NULL, &error);
    if (inside->unref) {
        troupe_proc_unref(inside->proc);
    }
    test_counter_add(&inside->told);
}

static struct troupe_proc *start_with_inside(struct inside *inside) {
    const char *manifest = "troupe: 1\nactors: { a: { type: kit.Player, config: { init: 'tick 0 0',"
                           " tick: 'log now', cleanup: 'log bye' } } }";
    struct troupe_options options = {.size = sizeof options,
                                     .id = "p",
                                     .flags = TROUPE_STAYS,
                                     .log = call_from_inside,
                                     .log_context = inside};
    struct troupe_error error;
    struct troupe_proc *proc = NULL;
    test_counter_init(&inside->told);
    embedded_ok(troupe_proc_create(&options, &proc, &error), &error);
    inside->proc = proc;
    embedded_ok(troupe_proc_add_plugins(proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &error),
                &error);
    embedded_ok(troupe_proc_load_text(proc, "m", manifest, strlen(manifest), &error), &error);
    return proc;
}

static void test_pr2_destroying_from_inside_a_turn_is_refused(void **state) {
    struct inside inside = {.log = *state};
    struct troupe_error error;
    struct troupe_proc *proc = start_with_inside(&inside);

    embedded_ok(troupe_proc_start(proc, &error), &error);
    test_counter_wait(&inside.told, 1);

    assert_int_equal(inside.destroyed, TROUPE_WRONG_THREAD);
    assert_int_equal(inside.waited, TROUPE_WRONG_THREAD);
    assert_string_equal(inside.text, "destroying the proc from inside a turn would wait for "
                                     "itself: call it from a thread of the program");
    assert_int_equal(troupe_proc_wait(proc, 0, NULL, &error), TROUPE_TIMEOUT);
    embedded_stop(proc);
    test_counter_fini(&inside.told);
}

static void test_pr2_last_handle_dropped_inside_a_turn_ends_it_elsewhere(void **state) {
    struct inside inside = {.log = *state, .unref = true};
    struct troupe_error error;
    struct troupe_proc *proc = start_with_inside(&inside);
    struct troupe_weak_proc *weak = troupe_proc_weak(proc);
    struct troupe_proc *starter = troupe_proc_ref(proc);

    embedded_ok(troupe_proc_start(starter, &error), &error);
    troupe_proc_unref(starter);
    test_counter_wait(&inside.told, 1);

    embedded_ok(troupe_weak_proc_wait(weak, TROUPE_FOR_EVER, &error), &error);
    assert_true(embedded_logged(*state, "p/a[0]: bye"));
    assert_null(troupe_weak_proc_upgrade(weak));
    troupe_weak_proc_free(weak);
    test_counter_fini(&inside.told);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_log_setup, embedded_log_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pr3_destroying_says_who_stopped_and_who_had_to_be_aborted),
        TEST(test_destroying_gives_up_at_its_deadline_and_goes_on),
        TEST(test_pr2_destroying_from_inside_a_turn_is_refused),
        TEST(test_pr2_last_handle_dropped_inside_a_turn_ends_it_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
