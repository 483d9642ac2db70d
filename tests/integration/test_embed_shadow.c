/* The embedding API of shadows: what differs is told to the program. */
#include "lib/app/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <troupe/reload.h>

#include "lib/plugin_file.h"
#include "lib/temp.h"

#define MANIFEST                                                                                   \
    "reload: { probation: { time: 1ms } }\n"                                                       \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'log heard $' } }\n"                             \
    "  source: { type: kit.Player, config: { init: 'tick 2 2', tick: 'out 5' } }\n"                \
    "wires:\n"                                                                                     \
    "  - source.out -> adder.number\n"                                                             \
    "  - adder.out -> ear.number\n"

struct world {
    struct embedded_log log;
    char *folder;
    struct troupe_proc *proc;
    struct troupe_error error;
};

static void install(const struct world *w, const char *fixture) {
    struct plugin_file file;
    char *new = test_path(w->folder, "new");
    char *path = test_path(w->folder, "adder.so");
    plugin_file_init(&file, fixture);
    test_write_file_n(new, file.bytes, file.size);
    assert_int_equal(rename(new, path), 0);
    plugin_file_fini(&file);
    free(new);
    free(path);
}

static int setup(void **state) {
    assert_int_equal(setenv("TROUPE_PROBE", TROUPE_BUILD_DIR "/troupe-probe", 0), 0);
    struct world *w = calloc(1, sizeof *w);
    embedded_log_init(&w->log);
    w->folder = test_temp_create();
    install(w, "adder_1");
    w->proc = embedded_create(&w->log, 0, MANIFEST);
    embedded_ok(troupe_proc_add_plugins(w->proc, w->folder, &w->error), &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);
    embedded_wait_logged(&w->log, "heard 5");
    install(w, "adder_2");
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    embedded_stop(w->proc);
    embedded_log_fini(&w->log);
    test_temp_remove(w->folder);
    free(w);
    return 0;
}

static void count(void *context, const char *json) {
    assert_non_null(strstr(json, "{\"actor\": \"p/adder[0]\", \"turn\": "));
    assert_non_null(strstr(json, "\"what\": \"message on 'out': 'number' differs\""));
    ++*(unsigned *)context;
}

static void test_differences_refuse_the_reload_and_are_told(void **state) {
    struct world *w = *state;
    const struct troupe_reload how = {.size = sizeof how, .flags = TROUPE_SHADOW_SAID, .shadow = 3};
    struct troupe_reload_report report = {.size = sizeof report};
    unsigned differences = 0;

    assert_int_equal(troupe_proc_reload(w->proc, &how, &report, &w->error), TROUPE_REFUSED);

    assert_int_equal(report.outcome, TROUPE_RELOAD_REFUSED);
    assert_string_equal(report.step, "shadow");
    assert_int_equal(report.compared, 3);
    assert_int_equal(report.differences, 3);
    assert_int_equal(report.left_out, 0);
    assert_string_equal(report.left_out_first, "");
    embedded_ok(
        troupe_proc_reload_differences(w->proc, report.number, count, &differences, &w->error),
        &w->error);
    assert_int_equal(differences, 3);
    assert_int_equal(troupe_proc_reload_differences(w->proc, 99, count, &differences, &w->error),
                     TROUPE_NOT_FOUND);
    assert_string_equal(w->error.text, "there is no report of reload 99");
}

static void test_differences_of_code_that_takes_over_are_told(void **state) {
    struct world *w = *state;
    const struct troupe_reload how = {
        .size = sizeof how, .flags = TROUPE_SHADOW_SAID | TROUPE_SHADOW_PROMOTES, .shadow = 2};
    struct troupe_reload_report report = {.size = sizeof report};
    unsigned differences = 0;

    embedded_ok(troupe_proc_reload(w->proc, &how, &report, &w->error), &w->error);

    assert_int_equal(report.outcome, TROUPE_RELOAD_DONE);
    embedded_ok(
        troupe_proc_reload_differences(w->proc, report.number, count, &differences, &w->error),
        &w->error);
    assert_int_equal(differences, 2);
    embedded_wait_logged(&w->log, "heard 1005");
}

/* TROUPE_SHADOW_SAID with 0: none, whatever the manifest says; here it says none anyway. */
static void test_without_shadow_nothing_is_compared(void **state) {
    struct world *w = *state;
    struct troupe_reload_report report = {.size = sizeof report};
    unsigned differences = 0;

    embedded_ok(troupe_proc_reload(w->proc, NULL, &report, &w->error), &w->error);

    assert_int_equal(report.compared, 0);
    embedded_ok(
        troupe_proc_reload_differences(w->proc, report.number, count, &differences, &w->error),
        &w->error);
    assert_int_equal(differences, 0);
}

#define SHADOW_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SHADOW_TEST(test_differences_refuse_the_reload_and_are_told),
        SHADOW_TEST(test_differences_of_code_that_takes_over_are_told),
        SHADOW_TEST(test_without_shadow_nothing_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
