/* A deployment ended half way, and a new one that goes on from the saved states of its actors, say
 * together what one deployment says that was never ended. Single-threaded, on a clock of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/deploy.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "lib/temp.h"
#include "lib/test.h"

#define MANIFEST                                                                                   \
    "troupe: 1\n"                                                                                  \
    "proc: saved\n"                                                                                \
    "plugins: { path: [\"" TROUPE_BUILD_DIR "/plugins\"] }\n"                                      \
    "actors:\n"                                                                                    \
    "  tail: { type: file.Tail, config: { path: log, follow: true, max_line: 100B } }\n"           \
    "  pieces: { type: file.Tail, config: { path: log, follow: true, send: chunks } }\n"           \
    "  lines: { type: text.Lines, config: { max_line: 100B } }\n"                                  \
    "  parse: { type: syslog.Parse, config: { year: 2023, zone: utc } }\n"                         \
    "  window: { type: stats.Window, config: { by: source, again: true } }\n"                      \
    "  count: { type: stats.Count }\n"                                                             \
    "  said: { type: file.Sink, config: { path: said } }\n"                                        \
    "  tailed: { type: file.Sink, config: { path: tailed } }\n"                                    \
    "  pieced: { type: file.Sink, config: { path: pieced } }\n"                                    \
    "wires:\n"                                                                                     \
    "  - tail.line -> parse.line\n"                                                                \
    "  - tail.line -> tailed.record\n"                                                             \
    "  - pieces.chunk -> lines.chunk\n"                                                            \
    "  - lines.line -> pieced.record\n"                                                            \
    "  - parse.event -> window.event\n"                                                            \
    "  - parse.event -> count.event\n"                                                             \
    "  - window.alert -> said.record\n"                                                            \
    "  - count.summary -> said.last\n"

static const char *const kept[] = {"tail", "pieces", "lines", "parse", "window", "count"};
#define LONG_LINE 21
#define KEPT (sizeof kept / sizeof kept[0])

struct saved {
    int32_t status;
    uint32_t version;
    char *data;
    uint64_t size;
};

struct world {
    char *folder, *log, *manifest_path;
    struct clock_manual clock;
    struct type_table *types;
    struct plan *plan;
    struct deploy *deploy;
    struct saved saved[KEPT];
};

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->folder = test_temp_create();
    w->log = test_path(w->folder, "log");
    w->manifest_path = test_path(w->folder, "manifest.yaml");
    clock_manual_init(&w->clock, 0, 1700000000000000000);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    for (size_t i = 0; i < KEPT; i++) {
        free(w->saved[i].data);
    }
    free(w->log);
    free(w->manifest_path);
    test_temp_remove(w->folder);
    free(w);
    return 0;
}

static void build_plan(struct world *w) {
    struct err err = {0};
    struct diags diags;
    const struct manifest_text text = {w->manifest_path, MANIFEST, strlen(MANIFEST)};
    const struct manifest_options options = {.texts = &text, .text_count = 1};
    const char *path = w->manifest_path;
    const char *folder = TROUPE_BUILD_DIR "/plugins";
    struct manifest *manifest = NULL;
    struct catalog *catalog = NULL;
    diags_init(&diags);
    w->types = type_table_create();
    assert_int_equal(manifest_load(&path, 1, &options, &manifest, &diags, &err), 0);
    assert_int_equal(catalog_scan(&folder, 1, &catalog, &err), 0);
    assert_int_equal(plan_build(manifest, catalog, w->types, &w->plan, &diags, &err), 0);
    diags_fini(&diags);
}

/* Moves the clock far enough for every timer to have come several times. */
static void run_on(struct world *w) {
    deploy_step(w->deploy, w->clock.now_ns + 5 * NS_PER_S);
}

static void start(struct world *w) {
    struct err err = {0};
    const struct deploy_options options = {.seeded = true, .seed = 1, .clock = &w->clock.clock};
    build_plan(w);
    assert_int_equal(deploy_create(w->plan, w->types, &options, &w->deploy, &err), 0);
    for (size_t i = 0; i < KEPT; i++) {
        const struct saved *saved = &w->saved[i];
        if (saved->data) {
            assert_int_equal(proc_restore(deploy_proc(w->deploy), plan_find_actor(w->plan, kept[i]),
                                          saved->version, saved->data, saved->size, &err),
                             0);
        }
    }
    assert_int_equal(deploy_start(w->deploy, &err), 0);
    run_on(w);
}

static void take_saved(void *context, int32_t status, uint32_t version, const void *data,
                       uint64_t size) {
    struct saved *saved = context;
    free(saved->data);
    *saved = (struct saved){status, version, malloc(size + 1), size};
    assert_non_null(saved->data);
    if (size > 0) {
        memcpy(saved->data, data, size);
    }
}

static void save_all(struct world *w) {
    struct err err = {0};
    struct proc *proc = deploy_proc(w->deploy);
    for (size_t i = 0; i < KEPT; i++) {
        w->saved[i].status = -1;
        assert_int_equal(
            proc_save(proc, proc_resolve(proc, kept[i]), take_saved, &w->saved[i], &err), 0);
    }
    run_on(w);
    for (size_t i = 0; i < KEPT; i++) {
        assert_int_equal(w->saved[i].status, 0);
    }
}

static void stop(struct world *w) {
    struct supervisor_result result;
    deploy_stop(w->deploy);
    run_on(w);
    deploy_wait(w->deploy, &result);
    assert_false(result.failed);
    assert_false(result.aborted);
    deploy_destroy(w->deploy);
    plan_destroy(w->plan);
    type_table_destroy(w->types);
}

/* What a sink has written; the file is removed. */
static char *take_output(struct world *w, const char *name) {
    char *path = test_path(w->folder, name);
    char *text = test_read_file(path, NULL);
    assert_int_equal(remove(path), 0);
    free(path);
    return text;
}

/* The deployment that ends half way sums up what it has seen; that is not what is compared. */
static void drop_first_summary(char *text) {
    char *summary = strstr(text, "{\"summary\"");
    assert_non_null(summary);
    char *end = strchr(summary, '\n') + 1;
    memmove(summary, end, strlen(end) + 1);
}

/* Refused passwords of three sources around a turn of the year, one long line, one that has no end. Freed
 * by mem_free. */
static char *write_log(void) {
    struct str text;
    str_init(&text);
    for (int i = 0; i < 40; i++) {
        str_addf(&text, "%s:%02d h sshd[1]: Failed password for x from 10.0.0.%d port 1 ssh2\n",
                 i < 8 ? "Dec 31 23:59" : "Jan  1 00:00", i < 8 ? 50 + i : i, i % 3);
        if (i + 1 == LONG_LINE) {
            str_addf(&text, "%0300d\n", 7);
        }
    }
    str_add(&text, "unfinished");
    return str_take(&text);
}

/* Where line `number`, from 0, begins. */
static size_t line_begin(const char *text, int number) {
    const char *at = text;
    while (number-- > 0) {
        at = strchr(at, '\n') + 1;
    }
    return (size_t)(at - text);
}

/* Cuts the log in two at `cut`, and the run with it. Text.Lines hands out a line begun when it is
 * stopped, so its output is the same only between lines. */
static void assert_goes_on(struct world *w, const char *text, size_t cut, bool is_between) {
    start(w);
    test_append_file(w->log, text);
    run_on(w);
    stop(w);
    char *said = take_output(w, "said");
    char *tailed = take_output(w, "tailed");
    char *pieced = take_output(w, "pieced");
    assert_int_equal(remove(w->log), 0);

    char *first = strndup(text, cut);
    start(w);
    test_append_file(w->log, first);
    run_on(w);
    save_all(w);
    stop(w);
    start(w);
    test_append_file(w->log, text + cut);
    run_on(w);
    stop(w);

    char *said_in_two = take_output(w, "said");
    char *tailed_in_two = take_output(w, "tailed");
    char *pieced_in_two = take_output(w, "pieced");
    drop_first_summary(said_in_two);
    assert_string_equal(said_in_two, said);
    assert_string_equal(tailed_in_two, tailed);
    if (is_between) {
        assert_string_equal(pieced_in_two, pieced);
    }
    char *const texts[] = {first, said, tailed, pieced, said_in_two, tailed_in_two, pieced_in_two};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(texts[i]);
    }
}

static void test_between_two_lines_before_the_alerts(void **state) {
    char *text = write_log();
    assert_goes_on(*state, text, line_begin(text, 10), true);
    mem_free(text);
}

static void test_between_two_lines_behind_the_alerts(void **state) {
    char *text = write_log();
    assert_goes_on(*state, text, line_begin(text, 30), true);
    mem_free(text);
}

static void test_in_the_middle_of_a_line(void **state) {
    char *text = write_log();
    assert_goes_on(*state, text, line_begin(text, 14) + 20, false);
    mem_free(text);
}

static void test_in_the_rest_of_a_line_too_long(void **state) {
    char *text = write_log();
    assert_goes_on(*state, text, line_begin(text, LONG_LINE) + 200, false);
    mem_free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_between_two_lines_before_the_alerts),
        TEST(test_between_two_lines_behind_the_alerts),
        TEST(test_in_the_middle_of_a_line),
        TEST(test_in_the_rest_of_a_line_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
