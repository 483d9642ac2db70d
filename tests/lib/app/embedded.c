/* Procs for tests of the embedding API. */
#include "lib/app/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/temp.h"
#include "lib/wait.h"

void embedded_log_init(struct embedded_log *log) {
    memset(log, 0, sizeof *log);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->changed, NULL);
}

void embedded_log_fini(struct embedded_log *log) {
    pthread_cond_destroy(&log->changed);
    pthread_mutex_destroy(&log->lock);
}

int embedded_log_setup(void **state) {
    struct embedded_log *log = malloc(sizeof *log);
    assert_non_null(log);
    embedded_log_init(log);
    *state = log;
    return 0;
}

int embedded_log_teardown(void **state) {
    embedded_log_fini(*state);
    free(*state);
    return 0;
}

void embedded_log_take(void *context, uint32_t level, struct troupe_str actor,
                       struct troupe_str text) {
    struct embedded_log *log = context;
    (void)level;
    pthread_mutex_lock(&log->lock);
    size_t left = sizeof log->text - log->size;
    int size = snprintf(log->text + log->size, left, "%.*s: %.*s\n", TROUPE_STR_ARG(actor),
                        TROUPE_STR_ARG(text));
    log->size += size < 0 ? 0 : (size_t)size < left ? (size_t)size : left - 1;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

bool embedded_logged(struct embedded_log *log, const char *text) {
    pthread_mutex_lock(&log->lock);
    bool found = strstr(log->text, text) != NULL;
    pthread_mutex_unlock(&log->lock);
    return found;
}

void embedded_wait_logged(struct embedded_log *log, const char *text) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TEST_DEADLINE_S;
    pthread_mutex_lock(&log->lock);
    int status = 0;
    while (!strstr(log->text, text) && status == 0) {
        status = pthread_cond_timedwait(&log->changed, &log->lock, &until);
    }
    pthread_mutex_unlock(&log->lock);
    if (status != 0) {
        fail_msg("nobody logged '%s'; what was logged:\n%s", text, log->text);
    }
}

void embedded_ok_at(int32_t status, const struct troupe_error *error, const char *file, int line) {
    if (status != TROUPE_OK) {
        print_error("%s:%d: %s: %s\n", file, line, troupe_status_text(status), error->text);
        fail();
    }
}

struct troupe_proc *embedded_create(struct embedded_log *log, uint32_t flags,
                                    const char *manifest) {
    struct troupe_options options = {.size = sizeof options,
                                     .flags = flags,
                                     .id = "p",
                                     .workers = 2,
                                     .log = log ? embedded_log_take : NULL,
                                     .log_context = log};
    char text[8192];
    struct troupe_error error;
    struct troupe_proc *proc = NULL;
    (void)snprintf(text, sizeof text, "troupe: 1\n%s%s",
                   strstr(manifest, "supervision") ? "" : "supervision: { intensity: 0 }\n",
                   manifest);
    embedded_ok(troupe_proc_create(&options, &proc, &error), &error);
    embedded_ok(troupe_proc_add_plugins(proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &error),
                &error);
    embedded_ok(troupe_proc_load_text(proc, "test.yaml", text, strlen(text), &error), &error);
    return proc;
}

struct troupe_proc *embedded_start(struct embedded_log *log, uint32_t flags, const char *manifest) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_create(log, flags, manifest);
    embedded_ok(troupe_proc_start(proc, &error), &error);
    return proc;
}

void embedded_drop(struct troupe_proc *proc) {
    struct troupe_error error;
    embedded_ok(troupe_proc_destroy(proc, TROUPE_FOR_EVER, NULL, &error), &error);
}

void embedded_stop(struct troupe_proc *proc) {
    struct troupe_error error;
    struct troupe_end *end = NULL;
    embedded_ok(troupe_proc_destroy(proc, TROUPE_FOR_EVER, &end, &error), &error);
    assert_string_equal(troupe_end_cause(end), "");
    assert_int_equal(troupe_end_status(end), TROUPE_OK);
    troupe_end_free(end);
}

int embedded_gates_make(void **state) {
    char *folder = test_temp_create();
    char *trace = test_path(folder, "trace");
    int status = setenv("KIT_TRACE", trace, 1);
    free(trace);
    *state = folder;
    return status;
}

int embedded_gates_remove(void **state) {
    test_temp_remove(*state);
    return 0;
}

static void gate_path(const char *name, char *path, size_t size) {
    (void)snprintf(path, size, "%s-%s", getenv("KIT_TRACE"), name);
}

void embedded_gate_make(const char *name) {
    char path[512];
    gate_path(name, path, sizeof path);
    assert_true(mkfifo(path, 0600) == 0 || errno == EEXIST);
}

void embedded_gate_open(const char *name) {
    char path[512];
    gate_path(name, path, sizeof path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}
