/* `troupe run`: what it says, and how it ends. */
#include "lib/troupe.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/temp.h"
#include "lib/wait.h"

struct place { /* a folder with a manifest and a log of two lines */
    char *folder;
    char *manifest;
};

static struct place place_create(const char *manifest) {
    struct place place = {.folder = test_temp_create()};
    char *log = test_path(place.folder, "in.log");
    place.manifest = test_path(place.folder, "m.yaml");
    test_write_file(log, "one\ntwo\n");
    test_write_file(place.manifest, manifest);
    free(log);
    return place;
}

static void place_destroy(struct place *place) {
    free(place->manifest);
    test_temp_remove(place->folder);
}

#define COPY                                                                                       \
    "troupe: 1\nproc: copy\nactors:\n  tail: { type: file.Tail, config: { path: in.log } }\n"      \
    "  sink: { type: file.Sink }\nwires: [tail.line -> sink.record]\n"

static void test_finite_deployment_ends_with_0(void **state) {
    (void)state;
    struct place place = place_create(COPY);
    struct test_program program;

    troupe_run(&program, "run", place.manifest);

    assert_non_null(strstr(program.out, "\"one\""));
    assert_non_null(strstr(program.out, "\"two\""));
    assert_string_equal(program.err, "");
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
    place_destroy(&place);
}

static bool has_line(const char *text, const char *pattern_end) {
    const char *at = strstr(text, pattern_end);
    return at && at[strlen(pattern_end)] == '\n';
}

/* Ten thousand lines go to a sink with room for one, over `senders` wires. */
static struct test_program run_with_full_sink(const char *overflow, unsigned senders) {
    char manifest[1024];
    char log[20001];
    for (size_t i = 0; i < sizeof log - 1; i++) {
        log[i] = i % 2 ? '\n' : 'x';
    }
    log[sizeof log - 1] = '\0';
    (void)snprintf(manifest, sizeof manifest,
                   "troupe: 1\nproc: copy\nactors:\n"
                   "  tail: { type: file.Tail, config: { path: long.log } }\n"
                   "  echo: { type: demo.Echo, replicas: %u }\n"
                   "  sink: { type: file.Sink, mailbox: { capacity: 1, overflow: %s } }\n"
                   "wires:\n"
                   "  - { from: tail.line, to: echo.message, route: round_robin }\n"
                   "  - echo.back -> sink.record\n",
                   senders, overflow);
    struct place place = place_create(manifest);
    char *path = test_path(place.folder, "long.log");
    test_write_file(path, log);
    free(path);
    struct test_program program;
    troupe_run(&program, "run", place.manifest);
    place_destroy(&place);
    return program;
}

static void test_mb2_drops_are_shown_wire_by_wire(void **state) {
    (void)state;
    struct test_program program = run_with_full_sink("drop_oldest", 1);

    assert_true(has_line(program.err, " messages were dropped from copy/echo.0[0].back to "
                                      "copy/sink[0].record: the mailbox was full"));
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
}

static void test_mb2_drops_on_many_wires_are_summed_up(void **state) {
    (void)state;
    struct test_program program = run_with_full_sink("drop_newest", 14);

    assert_non_null(strstr(program.err, "dropped from copy/echo.9[0].back to copy/sink[0].record"));
    assert_null(strstr(program.err, "copy/echo.10[0].back"));
    assert_true(has_line(program.err, " more were dropped on 4 other wires"));
    test_program_fini(&program);
}

static void test_mb4_dead_letters_are_told_at_the_end(void **state) {
    (void)state;
    struct test_program program = run_with_full_sink("fail", 1);

    assert_non_null(strstr(program.err, " messages could not be delivered, and nobody took them "
                                        "back: mailbox is full (1000); "));
    assert_true(has_line(program.err, " older ones are not kept"));
    test_program_fini(&program);
}

static void test_actor_that_fails_to_start_ends_with_1(void **state) {
    (void)state;
    struct place place = place_create(COPY "plugins: { path: [] }\nstop: { timeout: 5s }\n");
    char *log = test_path(place.folder, "in.log");
    assert_int_equal(remove(log), 0);
    struct test_program program;

    troupe_run(&program, "run", place.manifest);

    assert_non_null(strstr(program.err, "actor 'copy/tail[0]' failed: init: cannot open '"));
    assert_int_equal(program.status, 1);
    test_program_fini(&program);
    free(log);
    place_destroy(&place);
}

static void test_invalid_manifest_ends_with_78(void **state) {
    (void)state;
    struct place place = place_create("troupe: 1\nproc: demo\nworkers: 0\n" COPY);
    struct test_program program;

    troupe_run(&program, "run", place.manifest);

    assert_non_null(strstr(program.err, "error: 'workers' must be between 1 and 1024, not 0\n"));
    assert_string_equal(program.out, "");
    assert_int_equal(program.status, 78);
    test_program_fini(&program);
    place_destroy(&place);
}

static void test_key_without_effect_is_named_once(void **state) {
    (void)state;
    struct place place = place_create(COPY "control: { socket: s }\n");
    struct test_program program;
    char line[512];
    (void)snprintf(line, sizeof line, "%s:7:1: 'control' is checked, but has no effect yet\n",
                   place.manifest);

    troupe_run(&program, "run", place.manifest);

    const char *found = strstr(program.err, line);
    assert_non_null(found);
    assert_string_equal(found + strlen(line), "");
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
    place_destroy(&place);
}

static void test_findings_are_log_records_when_json_is_asked_for(void **state) {
    (void)state;
    struct place place = place_create(COPY "workers: 0\n");
    struct test_program program;

    troupe_run(&program, "run", "--format=json", place.manifest);

    size_t first = strcspn(program.err, "\n");
    json_t *json = json_loadb(program.err, first, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "level")), "error");
    assert_non_null(strstr(json_string_value(json_object_get(json, "text")),
                           "m.yaml:7:10: 'workers' must be between 1 and 1024, not 0"));
    assert_int_equal(program.status, 78);
    json_decref(json);
    test_program_fini(&program);
    place_destroy(&place);
}

static bool has_output(void *context) {
    char *text = test_program_peek(context);
    bool some = *text;
    free(text);
    return some;
}

static void assert_ends_on(int signo) {
    struct place place = place_create(
        "troupe: 1\nproc: ticks\nactors:\n  tick: { type: time.Ticker, config: { every: 1ms } }\n"
        "  sink: { type: file.Sink }\nwires: [tick.tick -> sink.record]\n");
    struct test_started started;
    struct test_program program;
    troupe_start(&started, "run", place.manifest);
    test_wait_until(has_output, &started);

    assert_int_equal(kill(started.pid, signo), 0);
    test_program_wait(&started, &program);

    assert_int_equal(program.status, 0);
    assert_int_equal(program.out[strlen(program.out) - 1], '\n');
    test_program_fini(&program);
    place_destroy(&place);
}

static void test_sigterm_drains_and_ends_with_0(void **state) {
    (void)state;
    assert_ends_on(SIGTERM);
}

static void test_sigint_drains_and_ends_with_0(void **state) {
    (void)state;
    assert_ends_on(SIGINT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finite_deployment_ends_with_0),
        cmocka_unit_test(test_actor_that_fails_to_start_ends_with_1),
        cmocka_unit_test(test_invalid_manifest_ends_with_78),
        cmocka_unit_test(test_key_without_effect_is_named_once),
        cmocka_unit_test(test_findings_are_log_records_when_json_is_asked_for),
        cmocka_unit_test(test_sigterm_drains_and_ends_with_0),
        cmocka_unit_test(test_sigint_drains_and_ends_with_0),
        cmocka_unit_test(test_mb2_drops_are_shown_wire_by_wire),
        cmocka_unit_test(test_mb2_drops_on_many_wires_are_summed_up),
        cmocka_unit_test(test_mb4_dead_letters_are_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
