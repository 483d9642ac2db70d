/* What a proc tells the program that embeds it: findings of a start, its log, what was lost on the way. */
#include "lib/app/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct told {
    struct embedded_log log;
    char findings[2048];
    int32_t inside; /* what a call got that would wait for itself */
};

static int setup(void **state) {
    struct told *told = calloc(1, sizeof *told);
    assert_non_null(told);
    embedded_log_init(&told->log);
    *state = told;
    return 0;
}

static int teardown(void **state) {
    struct told *told = *state;
    embedded_log_fini(&told->log);
    free(told);
    return 0;
}

static void take_finding(void *context, const struct troupe_finding *finding) {
    struct told *told = context;
    size_t used = strlen(told->findings);
    (void)snprintf(told->findings + used, sizeof told->findings - used,
                   "%u %.*s:%u:%u %.*s\n%.*s\n%.*s^ %.*s\n", finding->severity,
                   TROUPE_STR_ARG(finding->file), finding->line, finding->column,
                   TROUPE_STR_ARG(finding->text), TROUPE_STR_ARG(finding->excerpt),
                   TROUPE_STR_ARG(finding->margin), TROUPE_STR_ARG(finding->hint));
    told->inside = troupe_proc_destroy(NULL, 0, NULL, NULL);
}

static struct troupe_proc *create(struct told *told, uint32_t flags, const char *manifest) {
    const struct troupe_options options = {.size = sizeof options,
                                           .flags = flags,
                                           .log = embedded_log_take,
                                           .log_context = &told->log,
                                           .finding = take_finding,
                                           .finding_context = told};
    struct troupe_error error;
    struct troupe_proc *proc = NULL;
    embedded_ok(troupe_proc_create(&options, &proc, &error), &error);
    embedded_ok(troupe_proc_add_plugins(proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &error),
                &error);
    embedded_ok(troupe_proc_load_text(proc, "m.yaml", manifest, strlen(manifest), &error), &error);
    return proc;
}

static struct troupe_end *wait_for_end(struct troupe_proc *proc) {
    struct troupe_error error;
    struct troupe_end *end = NULL;
    embedded_ok(troupe_proc_wait(proc, TROUPE_FOR_EVER, &end, &error), &error);
    return end;
}

static void test_findings_come_one_by_one_with_place_and_line(void **state) {
    struct told *told = *state;
    struct troupe_error error;
    struct troupe_proc *proc = create(told, 0,
                                      "troupe: 1\nproc: p\nactors:\n  a: { type: kit.Plaier }\n"
                                      "worker: 1\n");

    int32_t status = troupe_proc_start(proc, &error);

    assert_int_equal(status, TROUPE_INVALID);
    assert_string_equal(
        told->findings,
        "0 m.yaml:4:14 no plugin file offers actor type 'kit.Plaier'; did you mean 'kit.Player'?\n"
        "  a: { type: kit.Plaier }\n"
        "             ^ kit.Player\n"
        "0 m.yaml:5:1 unknown key 'worker' in the manifest; did you mean 'workers'?\n"
        "worker: 1\n"
        "^ workers\n");
    assert_int_equal(told->inside, TROUPE_WRONG_THREAD);
    assert_non_null(strstr(error.text, "m.yaml:5:1: error: unknown key 'worker'"));
    embedded_drop(proc);
}

static void test_proc_that_needs_actors_is_not_started_without(void **state) {
    struct told *told = *state;
    struct troupe_error error;
    struct troupe_proc *proc = create(told, TROUPE_ACTORS, "troupe: 1\nproc: p\nactors: {}\n");

    int32_t status = troupe_proc_start(proc, &error);

    assert_int_equal(status, TROUPE_INVALID);
    assert_string_equal(told->findings,
                        "0 m.yaml:3:9 'actors' is empty; it needs at least one actor\n"
                        "actors: {}\n        ^ \n");
    embedded_drop(proc);
}

static void test_lines_of_the_program_are_in_the_log_by_its_level(void **state) {
    struct told *told = *state;
    struct troupe_proc *proc = embedded_start(&told->log, TROUPE_STAYS, "actors: {}");

    troupe_proc_log(proc, TROUPE_LOG_DEBUG, troupe_str("too small"));
    troupe_proc_log(proc, TROUPE_LOG_WARN, troupe_str("mind the gap"));

    assert_true(embedded_logged(&told->log, ": mind the gap\n"));
    assert_false(embedded_logged(&told->log, "too small"));
    embedded_stop(proc);
}

static void test_formats_that_are_none_are_refused(void **state) {
    struct troupe_options options = {.size = sizeof options, .log_format = 3};
    struct troupe_error error;
    struct troupe_proc *proc = NULL;
    (void)state;

    int32_t status = troupe_proc_create(&options, &proc, &error);

    assert_int_equal(status, TROUPE_INVALID);
    assert_string_equal(error.text,
                        "options.log_format is 3 and log_colour 0: neither is more than 2");
}

static void test_mb2_dropped_messages_are_told_wire_by_wire(void **state) {
    struct told *told = *state;
    struct troupe_drop drop = {.size = sizeof drop};
    struct troupe_drop older = {.size = offsetof(struct troupe_drop, from)};
    struct troupe_proc *proc = embedded_start(
        &told->log, 0,
        "actors:\n  a: { type: kit.Player, config: { init: 'out 1 100; stop' } }\n"
        "  b: { type: kit.Player, mailbox: { capacity: 1, overflow: drop_newest } }\n"
        "wires: [ a.out -> b.number ]\n");

    struct troupe_end *end = wait_for_end(proc);

    assert_int_equal(troupe_end_drop(end, 0, &drop), TROUPE_OK);
    assert_in_range(drop.messages, 1, 99);
    assert_int_equal(drop.receivers, 1);
    assert_memory_equal(drop.from.data, "p/a[0].out", drop.from.size + 1);
    assert_memory_equal(drop.to.data, "p/b[0].number", drop.to.size + 1);
    assert_int_equal(troupe_end_drop(end, 0, &older), TROUPE_OK);
    assert_int_equal(older.messages, drop.messages);
    assert_null(older.from.data);
    assert_int_equal(troupe_end_drop(end, 1, &drop), TROUPE_NOT_FOUND);
    assert_true(embedded_logged(&told->log, "dropped from p/a[0].out to p/b[0].number: the "
                                            "mailbox was full\n"));
    assert_false(troupe_end_is_stuck(end));
    troupe_end_free(end);
    embedded_drop(proc);
}

static void test_mb4_dead_letters_are_told_by_reason(void **state) {
    struct told *told = *state;
    struct troupe_error error;
    struct troupe_proc *proc =
        embedded_create(&told->log, 0,
                        "actors:\n  a: { type: kit.Player, config: { init: 'out 1 100; stop' } }\n"
                        "  echo: { type: demo.Echo }\n"
                        "  b: { type: kit.Player, mailbox: { capacity: 1, overflow: fail } }\n"
                        "wires: [ a.out -> echo.message, echo.back -> b.number ]\n");
    embedded_ok(troupe_proc_add_plugins(proc, TROUPE_BUILD_DIR "/plugins/demo.so", &error), &error);
    embedded_ok(troupe_proc_start(proc, &error), &error);

    struct troupe_end *end = wait_for_end(proc);

    assert_in_range(troupe_end_dead_letters(end, 0), 1, 99);
    assert_int_equal(troupe_end_dead_letters(end, TROUPE_FULL), troupe_end_dead_letters(end, 0));
    assert_int_equal(troupe_end_dead_letters(end, TROUPE_GONE), 0);
    assert_int_equal(troupe_end_dead_letters(end, -1000), 0);
    troupe_end_free(end);
    embedded_drop(proc);
}

static void test_fc4_costs_of_failures_are_told_for_each_actor(void **state) {
    struct told *told = *state;
    struct troupe_loss loss = {.size = sizeof loss};
    struct troupe_error error;
    const char *manifest =
        "troupe: 1\nproc: p\nsupervision: { intensity: 100, backoff: { initial: 1ms } }\n"
        "actors:\n  a: { type: kit.Player, config: { init: 'out 1 3; stop' } }\n"
        "  b: { type: kit.Player, config: { number: 'fail bad' } }\n"
        "wires: [ a.out -> b.number ]\n";
    struct troupe_proc *proc = create(told, 0, manifest);
    embedded_ok(troupe_proc_start(proc, &error), &error);

    struct troupe_end *end = wait_for_end(proc);

    assert_int_equal(troupe_end_loss(end, 0, &loss), TROUPE_OK);
    assert_memory_equal(loss.actor.data, "p/b[0]", loss.actor.size + 1);
    assert_int_equal(loss.failures, 3);
    assert_int_equal(loss.quarantined, 3);
    assert_int_equal(troupe_end_loss(end, 1, &loss), TROUPE_NOT_FOUND);
    assert_int_equal(troupe_end_loss(end, TROUPE_ALL, &loss), TROUPE_OK);
    assert_int_equal(loss.actor.size, 0);
    assert_int_equal(loss.failures, 3);
    assert_int_equal(loss.quarantined, 3);
    assert_true(embedded_logged(&told->log, "messages that failures cost: 3 quarantined"));
    troupe_end_free(end);
    embedded_drop(proc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_findings_come_one_by_one_with_place_and_line),
        TEST(test_proc_that_needs_actors_is_not_started_without),
        TEST(test_lines_of_the_program_are_in_the_log_by_its_level),
        TEST(test_formats_that_are_none_are_refused),
        TEST(test_mb2_dropped_messages_are_told_wire_by_wire),
        TEST(test_mb4_dead_letters_are_told_by_reason),
        TEST(test_fc4_costs_of_failures_are_told_for_each_actor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
