/* A proc inside a program: what it is made of, its start, its end. */
#include "lib/app/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lib/temp.h"

static struct troupe_end *wait_for_end(struct troupe_proc *proc) {
    struct troupe_error error;
    struct troupe_end *end = NULL;
    embedded_ok(troupe_proc_wait(proc, TROUPE_FOR_EVER, &end, &error), &error);
    return end;
}

static void test_manifest_runs_to_its_end(void **state) {
    struct troupe_proc *proc = embedded_start(
        *state, 0,
        "actors:\n  a: { type: kit.Player, config: { init: 'out 1 3; stop' } }\n"
        "  b: { type: kit.Player, config: { number: 'log got it', cleanup: 'log bye' } }\n"
        "wires: [ a.out -> b.number ]\n");

    struct troupe_end *end = wait_for_end(proc);

    assert_int_equal(troupe_end_status(end), TROUPE_OK);
    assert_int_equal(troupe_end_count(end, TROUPE_END_STOPPED), 2);
    assert_string_equal(troupe_end_name(end, TROUPE_END_STOPPED, 0), "p/a[0]");
    assert_string_equal(troupe_end_name(end, TROUPE_END_STOPPED, 1), "p/b[0]");
    assert_null(troupe_end_name(end, TROUPE_END_STOPPED, 2));
    assert_int_equal(troupe_end_count(end, TROUPE_HOW_COUNT_), 0);
    assert_true(embedded_logged(*state, "p/b[0]: got it\np/b[0]: got it\np/b[0]: got it\n"));
    assert_true(embedded_logged(*state, "p/b[0]: bye"));
    troupe_end_free(end);
    embedded_drop(proc);
}

static void test_actors_by_hand_are_wired_and_configured(void **state) {
    const struct troupe_setting sends[] = {{troupe_str("init"), troupe_str("out 7; stop")}};
    const struct troupe_setting logs[] = {
        {troupe_str("number"), troupe_str("log \"$\" is 'quoted' ${HOME} \\ \t!")}};
    const struct troupe_root one = {.size = sizeof one,
                                    .name = "one",
                                    .type = "kit.Player",
                                    .settings = sends,
                                    .setting_count = 1};
    const struct troupe_root two = {.size = sizeof two,
                                    .name = "two",
                                    .type = "kit.Player",
                                    .capacity = 5,
                                    .settings = logs,
                                    .setting_count = 1};
    struct troupe_error error;
    struct troupe_proc *proc = embedded_create(*state, 0, "actors: {}");

    embedded_ok(troupe_proc_spawn(proc, &one, &error), &error);
    embedded_ok(troupe_proc_spawn(proc, &two, &error), &error);
    embedded_ok(troupe_proc_wire(proc, "one.out", "two.number", &error), &error);
    embedded_ok(troupe_proc_start(proc, &error), &error);
    troupe_end_free(wait_for_end(proc));

    assert_true(embedded_logged(*state, "p/two[0]: \"7\" is 'quoted' 7{HOME} \\ \t!\n"));
    embedded_drop(proc);
}

static void test_findings_say_file_line_and_column(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_create(*state, 0, "actors: { a: { type: kit.Plaier } }\n");

    int32_t status = troupe_proc_start(proc, &error);

    assert_int_equal(status, TROUPE_INVALID);
    assert_int_equal(error.status, TROUPE_INVALID);
    assert_non_null(strstr(error.text, "test.yaml:3:22: error: "));
    assert_non_null(strstr(error.text, "did you mean 'kit.Player'?"));
    struct troupe_end *end = wait_for_end(proc);
    assert_int_equal(troupe_end_status(end), TROUPE_ERROR);
    troupe_end_free(end);
    assert_int_equal(troupe_proc_start(proc, &error), TROUPE_STOPPING);
    assert_string_equal(error.text, "proc 'p' has been started, or stopped, already");
    embedded_drop(proc);
}

static void test_file_that_is_missing_is_named(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_create(*state, 0, "actors: {}");
    embedded_ok(troupe_proc_load_file(proc, "/nowhere/x.yaml", &error), &error);

    int32_t status = troupe_proc_start(proc, &error);

    assert_int_equal(status, TROUPE_INVALID);
    assert_non_null(strstr(error.text, "cannot open '/nowhere/x.yaml': No such file"));
    embedded_drop(proc);
}

static void test_plugin_path_that_is_missing_is_named(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_create(*state, 0, "actors: {}");

    int32_t status = troupe_proc_add_plugins(proc, "/nowhere/x.so", &error);

    assert_int_equal(status, TROUPE_NOT_FOUND);
    assert_string_equal(error.text, "there is no plugin file or folder '/nowhere/x.so'");
    embedded_drop(proc);
}

static void test_later_manifests_and_options_override(void **state) {
    char *folder = test_temp_create();
    char *path = test_path(folder, "base.yaml");
    const char *over = "troupe: 1\nactors: { a: { config: { init: 'log second; stop' } } }\n";
    struct troupe_options options = {.size = sizeof options,
                                     .id = "mine",
                                     .workers = 1,
                                     .stop_timeout = 1500000000,
                                     .mailbox_capacity = 10,
                                     .snapshots_keep = 5,
                                     .dead_letters_keep = 7,
                                     .snapshots_directory = folder,
                                     .log = embedded_log_take,
                                     .log_context = *state,
                                     .log_level = 1 + TROUPE_LOG_DEBUG};
    struct troupe_error error;
    struct troupe_proc *proc = NULL;
    test_write_file(path, "troupe: 1\nproc: theirs\nlog: { level: error }\nactors:\n"
                          "  a: { type: kit.Player, config: { init: 'log first; stop' } }\n");

    embedded_ok(troupe_proc_create(&options, &proc, &error), &error);
    embedded_ok(troupe_proc_add_plugins(proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &error),
                &error);
    embedded_ok(troupe_proc_load_file(proc, path, &error), &error);
    embedded_ok(troupe_proc_load_text(proc, "over", over, strlen(over), &error), &error);
    embedded_ok(troupe_proc_start(proc, &error), &error);
    troupe_end_free(wait_for_end(proc));

    assert_string_equal(troupe_proc_id(proc), "mine");
    assert_true(embedded_logged(*state, "mine/a[0]: second\n"));
    assert_false(embedded_logged(*state, "first"));
    assert_true(embedded_logged(*state, "mine/a[0]: ended: stopped"));
    embedded_drop(proc);
    free(path);
    test_temp_remove(folder);
}

static void test_options_of_another_time_are_understood(void **state) {
    struct troupe_options options = {.size = 1, .id = "p"};
    struct troupe_error error;
    struct troupe_proc *proc = NULL;
    (void)state;

    assert_int_equal(troupe_proc_create(&options, &proc, &error), TROUPE_INVALID);
    assert_string_equal(error.text, "options.size is 1: set it to sizeof(options)");
    options.size = sizeof options;
    options.flags = 1u << 31;
    assert_int_equal(troupe_proc_create(&options, &proc, &error), TROUPE_INVALID);
    assert_string_equal(error.text, "options.flags has bits that are not known here: 0x80000000");
    assert_null(proc);
    options.flags = 0;
    options.size = offsetof(struct troupe_options, log);
    options.log = (troupe_log_callback *)(uintptr_t)1; /* beyond the size: never looked at */
    embedded_ok(troupe_proc_create(&options, &proc, &error), &error);
    embedded_drop(proc);
    embedded_ok(troupe_proc_create(NULL, &proc, &error), &error);
    assert_string_equal(troupe_proc_id(proc), "");
    embedded_drop(proc);
}

static void test_proc_without_actors_ends_at_once_or_stays(void **state) {
    struct troupe_error error;
    struct troupe_proc *ends = embedded_start(*state, 0, "actors: {}");
    struct troupe_proc *stays = embedded_start(*state, TROUPE_STAYS, "actors: {}");

    troupe_end_free(wait_for_end(ends));
    assert_int_equal(troupe_proc_wait(stays, 0, NULL, &error), TROUPE_TIMEOUT);
    assert_string_equal(error.text, "proc 'p' has not ended in time");
    troupe_proc_stop(stays);
    troupe_proc_stop(stays);
    troupe_end_free(wait_for_end(stays));

    embedded_drop(ends);
    embedded_drop(stays);
}

static void test_proc_that_stays_outlives_its_actors(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_start(
        *state, TROUPE_STAYS,
        "actors: { a: { type: kit.Player, config: { init: stop, cleanup: 'log bye' } } }");
    embedded_wait_logged(*state, "p/a[0]: bye");

    assert_int_equal(troupe_proc_wait(proc, 0, NULL, &error), TROUPE_TIMEOUT);

    embedded_stop(proc);
}

static void test_failure_is_told_with_its_root_cause(void **state) {
    struct troupe_proc *proc = embedded_start(
        *state, 0,
        "actors:\n  calm: { type: kit.Player }\n"
        "  bad: { type: kit.Player, config: { init: spawn, kid: 'init=tick 1 0|tick=fail no luck' "
        "} }\n");

    struct troupe_end *end = wait_for_end(proc);

    assert_int_equal(troupe_end_status(end), TROUPE_ERROR);
    assert_non_null(strstr(troupe_end_cause(end), "actor 'p/bad[0]' failed: "));
    assert_non_null(strstr(troupe_end_cause(end), "(it began with 'p/bad[1]')"));
    assert_int_equal(troupe_end_count(end, TROUPE_END_FAILED), 1);
    assert_string_equal(troupe_end_name(end, TROUPE_END_FAILED, 0), "p/bad[0]");
    assert_string_equal(troupe_end_name(end, TROUPE_END_STOPPED, 0), "p/calm[0]");
    troupe_end_free(end);
    embedded_drop(proc);
}

static void test_two_procs_live_side_by_side(void **state) {
    const char *manifest = "actors: { a: { type: kit.Player, config: { init: 'name; log up' } } }";
    struct embedded_log other;
    embedded_log_init(&other);
    struct troupe_proc *one = embedded_start(*state, 0, manifest);
    struct troupe_proc *two = embedded_start(&other, 0, manifest);
    embedded_wait_logged(*state, "up");
    embedded_wait_logged(&other, "up");

    embedded_stop(one);

    struct troupe_error error;
    assert_int_equal(troupe_proc_wait(two, 0, NULL, &error), TROUPE_TIMEOUT);
    embedded_stop(two);
    embedded_log_fini(&other);
}

static void test_abort_ends_what_does_not_drain(void **state) {
    struct troupe_proc *proc = embedded_start(
        *state, 0,
        "actors:\n  waits: { type: kit.Player, config: { init: 'tick 1 0', tick: 'log waits' } }\n"
        "  quick: { type: kit.Player, config: { cleanup: 'log cleaned' } }\n");
    embedded_wait_logged(*state, "waits");

    troupe_proc_abort(proc);
    struct troupe_end *end = wait_for_end(proc);

    assert_int_equal(troupe_end_status(end), TROUPE_ABORTED);
    assert_int_equal(troupe_end_count(end, TROUPE_END_ABORTED), 2);
    assert_string_equal(troupe_end_name(end, TROUPE_END_ABORTED, 0), "p/waits[0]");
    assert_false(embedded_logged(*state, "cleaned"));
    troupe_end_free(end);
    embedded_drop(proc);
}

static void test_manifests_and_plugins_come_before_the_start(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_start(*state, TROUPE_STAYS, "actors: {}");

    assert_int_equal(troupe_proc_load_file(proc, "x", &error), TROUPE_STOPPING);
    assert_int_equal(troupe_proc_load_text(proc, "x", "", 0, &error), TROUPE_STOPPING);
    assert_int_equal(troupe_proc_add_plugins(proc, "/", &error), TROUPE_STOPPING);
    assert_string_equal(error.text, "proc 'p' has been started: what it is made of is said before");

    embedded_stop(proc);
}

/* Whatever allocation fails: an error and no crash; what is left is found by a sanitizer. */
static int32_t try_all(struct embedded_log *log) {
    const struct troupe_setting setting = {troupe_str("init"), troupe_str("out 1; stop")};
    const struct troupe_root root = {.size = sizeof root,
                                     .name = "one",
                                     .type = "kit.Player",
                                     .settings = &setting,
                                     .setting_count = 1};
    struct troupe_options options = {.size = sizeof options,
                                     .id = "p",
                                     .workers = 1,
                                     .log = embedded_log_take,
                                     .log_context = log};
    const char *text = "troupe: 1\nactors: { two: { type: kit.Player } }\n";
    struct troupe_proc *proc = NULL;
    struct troupe_error error;
    int32_t status = troupe_proc_create(&options, &proc, &error);
    if (status < 0) {
        return status;
    }
    if ((status = troupe_proc_add_plugins(proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &error)) ==
            TROUPE_OK &&
        (status = troupe_proc_load_text(proc, "m", text, strlen(text), &error)) == TROUPE_OK &&
        (status = troupe_proc_spawn(proc, &root, &error)) == TROUPE_OK &&
        (status = troupe_proc_wire(proc, "one.out", "two.number", &error)) == TROUPE_OK) {
        status = troupe_proc_start(proc, &error);
    }
    mem_fail_at(0);
    embedded_drop(proc);
    return status;
}

static void test_each_failed_allocation_is_an_error(void **state) {
    int32_t status = TROUPE_ERROR;

    TEST_EACH_FAILED_ALLOCATION(n, status = try_all(*state), status == TROUPE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_log_setup, embedded_log_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_manifest_runs_to_its_end),
        TEST(test_actors_by_hand_are_wired_and_configured),
        TEST(test_findings_say_file_line_and_column),
        TEST(test_file_that_is_missing_is_named),
        TEST(test_plugin_path_that_is_missing_is_named),
        TEST(test_later_manifests_and_options_override),
        TEST(test_options_of_another_time_are_understood),
        TEST(test_proc_without_actors_ends_at_once_or_stays),
        TEST(test_proc_that_stays_outlives_its_actors),
        TEST(test_failure_is_told_with_its_root_cause),
        TEST(test_two_procs_live_side_by_side),
        TEST(test_abort_ends_what_does_not_drain),
        TEST(test_manifests_and_plugins_come_before_the_start),
        TEST(test_each_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
