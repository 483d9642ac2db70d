/* What the tests of faults share: a plugin that faults, a thread that calls it, a process to die in. */
#pragma once

#include "lib/test.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixtures/plugins/bad_faulty/bad_faulty.h"
#include "sched/fault.h"

#define PLUGIN TROUPE_BUILD_DIR "/test-plugins/bad_faulty.so"
#define CHILD_SECONDS 60

#define CHECK(holds)                                                                               \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #holds);                                 \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* In a child: what the cases have in hand. */
static struct fault_thread thread __attribute__((unused));
static const struct faulty_kind *kinds;
static void *plugin;
static uintptr_t code_start __attribute__((unused));

static inline int find_code(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct fault_code *code = context;
    if (!strstr(info->dlpi_name, "/bad_faulty.so")) {
        return 0;
    }
    code->base = info->dlpi_addr;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
            code->start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            code->end = code->start + info->dlpi_phdr[i].p_memsz;
        }
    }
    return 1;
}

static inline void whose(void *unused, struct fault_whose *ret) {
    (void)unused;
    (void)snprintf(ret->actor, sizeof ret->actor, "main/crash[1]");
    (void)snprintf(ret->handler, sizeof ret->handler, "on_line");
}

static inline void prepare(void) {
    struct err err = {0};
    struct fault_code code = {.name = "faulty.so, generation 7", .file = PLUGIN};
    plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    CHECK(plugin);
    kinds = dlsym(plugin, "faulty_kinds");
    CHECK(kinds && dl_iterate_phdr(find_code, &code) == 1);
    fault_open();
    CHECK(fault_add_code(&code, &err) == 0);
    code_start = code.start;
    CHECK(fault_thread_init(&thread, &err) == 0);
    thread.whose = whose;
}

static inline const struct faulty_kind *find_kind(const char *name) {
    const struct faulty_kind *found = kinds;
    while (found->name && strcmp(found->name, name) != 0) {
        found++;
    }
    CHECK(found->name);
    return found;
}

static inline void clean_up(void) {
    fault_thread_fini(&thread);
    fault_close();
    (void)dlclose(plugin);
}

/* A child runs `body` and leaves; returns its wait status, and what it wrote to `text`. */
static inline int run_child(void (*body)(const void *arg), const void *arg, char *text,
                            size_t size) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        for (unsigned i = 0; i < 5; i++) {
            (void)signal(signals[i], SIG_DFL); /* cmocka's */
        }
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)dup2(ends[1], 2);
        (void)alarm(CHILD_SECONDS);
        body(arg);
        _exit(0);
    }
    (void)close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], text + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    text[length] = '\0';
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline void *in_thread(void *argument) {
    void (*function)(void);
    memcpy(&function, &argument, sizeof function);
    fault_thread_enter(&thread);
    function();
    fault_thread_leave(&thread);
    return NULL;
}

static inline pthread_t start_thread(void (*function)(void)) {
    void *argument;
    pthread_t pthread;
    memcpy(&argument, &function, sizeof argument);
    CHECK(pthread_create(&pthread, NULL, in_thread, argument) == 0);
    return pthread;
}

static inline void *use_library(void *unused) {
    FILE *file = fopen("/dev/null", "w");
    CHECK(file);
    for (unsigned i = 0; i < 1000; i++) {
        char *volatile memory = malloc(i * 40);
        CHECK(memory);
        (void)fprintf(file, "%u %p\n", i, (void *)memory);
        free(memory);
    }
    (void)fclose(file);
    return unused;
}

static inline void skip_where_not_contained(void) {
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
        skip();
    }
}
