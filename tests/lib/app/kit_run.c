/* The test kit: runs each test with several seeds and with threads; what a failure prints; the trace. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/app/kit_case.h"
#include "lib/temp.h"

#define SEEDS 6

static int setup(void **state) {
    struct kit_case *of = *state;
    of->folder = test_temp_create();
    of->trace = test_path(of->folder, "trace");
    of->log = test_path(of->folder, "log");
    test_write_file(of->trace, "");
    test_write_file(of->log, "");
    of->log_fd = open(of->log, O_WRONLY | O_APPEND | O_CLOEXEC);
    return of->log_fd < 0 || setenv("KIT_TRACE", of->trace, 1) < 0 ? -1 : 0;
}

static void print_file(const char *what, const char *path) {
    char *text = test_read_file(path, NULL);
    print_error("--- %s\n%s---\n", what, text);
    free(text);
}

/* A test that came to its end has ended its deployments. */
static int teardown(void **state) {
    struct kit_case *of = *state;
    if (of->kits) {
        print_file("the trace", of->trace);
        print_file("the log", of->log);
        if (!of->threads) {
            print_error("again: TROUPE_SEED=%llu TROUPE_TEST='%s*' %s\n",
                        (unsigned long long)of->seed, of->test->name, program_invocation_name);
        }
    }
    while (of->kits) {
        kit_give_up(of->kits);
    }
    (void)close(of->log_fd);
    free(of->trace);
    free(of->log);
    test_temp_remove(of->folder);
    return 0;
}

static uint64_t variable(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static struct CMUnitTest *add(struct CMUnitTest *all, size_t *count, const struct kit_test *test,
                              bool threads, uint64_t seed) {
    all = realloc(all, (*count + 1) * sizeof *all);
    struct kit_case *of = calloc(1, sizeof *of);
    char *name = NULL;
    if (!all || !of ||
        (threads ? asprintf(&name, "%s (threads)", test->name)
                 : asprintf(&name, "%s (seed %llu)", test->name, (unsigned long long)seed)) < 0) {
        print_error("no memory\n");
        exit(1);
    }
    *of = (struct kit_case){.test = test, .threads = threads, .seed = seed};
    all[(*count)++] = (struct CMUnitTest){name, test->run, setup, teardown, of};
    return all;
}

int kit_run(const char *group, const struct kit_test *tests, size_t count) {
    uint64_t first = variable("TROUPE_SEED", 1);
    uint64_t seeds = getenv("TROUPE_SEED") ? 1 : variable("TROUPE_SEEDS", SEEDS);
    bool threads = !getenv("TROUPE_SEED");
    struct CMUnitTest *all = NULL;
    size_t all_count = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint64_t seed = first; tests[i].kinds & KIT_SEEDED && seed < first + seeds; seed++) {
            all = add(all, &all_count, &tests[i], false, seed);
        }
        if (tests[i].kinds & KIT_THREADS && threads) {
            all = add(all, &all_count, &tests[i], true, 0);
        }
    }
    if (getenv("TROUPE_TEST")) {
        cmocka_set_test_filter(getenv("TROUPE_TEST"));
    }
    int failed = _cmocka_run_group_tests(group, all, all_count, NULL, NULL);
    for (size_t i = 0; i < all_count; i++) {
        free(all[i].initial_state);
        free((char *)(uintptr_t)all[i].name);
    }
    free(all);
    return failed;
}

bool kit_is_threaded(void *state) {
    return ((struct kit_case *)state)->threads;
}

uint64_t kit_seed(void *state) {
    return ((struct kit_case *)state)->seed;
}

char *kit_trace_of(void *state, const char *actor) {
    struct kit_case *of = state;
    char *text = test_read_lines(of->trace);
    size_t prefix = actor ? strlen(actor) : 0;
    char *to = text;
    for (char *line = text; actor && *line;) {
        char *end = strchr(line, '\n');
        size_t size = (size_t)(end + 1 - line);
        if (strncmp(line, actor, prefix) == 0 && strncmp(line + prefix, ": ", 2) == 0) {
            memmove(to, line + prefix + 2, size - prefix - 2);
            to += size - prefix - 2;
        }
        line = end + 1;
    }
    if (actor) {
        *to = '\0';
    }
    return text;
}

void kit_assert_trace(void *state, const char *actor, const char *expected) {
    char *text = kit_trace_of(state, actor);
    assert_string_equal(text, expected);
    free(text);
}

unsigned kit_count(void *state, const char *line) {
    struct kit_case *of = state;
    char *text = test_read_lines(of->trace);
    size_t size = strlen(line);
    unsigned count = 0;
    for (char *at = text; *at;) {
        char *end = strchr(at, '\n');
        count += (size_t)(end - at) == size && memcmp(at, line, size) == 0;
        at = end + 1;
    }
    free(text);
    return count;
}

char *kit_log(void *state) {
    return test_read_lines(((struct kit_case *)state)->log);
}

void kit_assert_logged(void *state, const char *text) {
    char *log = kit_log(state);
    if (!strstr(log, text)) {
        fail_msg("the log does not say '%s':\n%s", text, log);
    }
    free(log);
}

static void gate_path(const struct kit_case *of, const char *name, char *ret, size_t size) {
    (void)snprintf(ret, size, "%s-%s", of->trace, name);
}

void kit_gate_make(void *state, const char *name) {
    char path[512];
    gate_path(state, name, path, sizeof path);
    assert_int_equal(mkfifo(path, 0600), 0);
}

/* Opening it for writing waits until somebody stands there. */
void kit_gate_open(void *state, const char *name) {
    char path[512];
    gate_path(state, name, path, sizeof path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)close(fd);
}
