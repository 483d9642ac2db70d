/* The boundary around calls of plugins: which faults are contained, which end the process, and how
 * that is said. Each case is a process of its own; none may hang. */
#include <stdatomic.h>

#include "unit/sched/faulty.h"

/* The kind in hand, called again and again: the second fault is contained as the first was. */
static const struct faulty_kind *kind;
static _Atomic bool is_over;

static void call_kind(void) {
    for (unsigned i = 0; i < 3; i++) {
        int32_t status = fault_call(NULL, NULL, NULL, kind->run, &thread);
        CHECK(status == FAULT_STATUS);
        CHECK(!thread.sp);
        CHECK(thread.report.signal == kind->signals[0] || thread.report.signal == kind->signals[1]);
        CHECK(thread.report.overflow == (strcmp(kind->name, "overflow") == 0));
#if defined(__x86_64__)
        CHECK(thread.report.wild == (strcmp(kind->name, "non_canonical") == 0));
#endif
        CHECK(thread.report.broken == (kind->end == FAULTY_BREAKS));
        (void)use_library(NULL);
    }
    atomic_store(&is_over, true);
}

static void body_kind(const void *arg) {
    prepare();
    kind = &kinds[*(const unsigned *)arg];
    pthread_t pthread = start_thread(call_kind);
    while (kind->end == FAULTY_BREAKS && !atomic_load(&is_over)) {
        fault_break(pthread);
        (void)sched_yield();
    }
    CHECK(pthread_join(pthread, NULL) == 0);
    CHECK(pthread_create(&pthread, NULL, use_library, NULL) == 0);
    CHECK(pthread_join(pthread, NULL) == 0);
    clean_up();
}

static void test_fc2_every_kind_recovers_or_ends_the_process(void **state) {
    (void)state;
    char text[16384];
    void *library = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    const struct faulty_kind *all = library ? dlsym(library, "faulty_kinds") : NULL;
    assert_non_null(all);
    skip_where_not_contained();

    for (unsigned i = 0; all[i].name; i++) {
        int status = run_child(body_kind, &i, text, sizeof text);

        print_message("%s: status %x\n%s", all[i].name, status, text);
        if (all[i].end == FAULTY_DIES) {
            assert_true(WIFSIGNALED(status));
            assert_true(WTERMSIG(status) == all[i].signals[0] ||
                        WTERMSIG(status) == all[i].signals[1]);
            assert_true(strcmp(all[i].name, "raise") == 0 ||
                        (strstr(text, "in main/crash[1], 'on_line'\n") &&
                         strstr(text, "troupe: the process ends, because ")));
        } else {
            assert_int_equal(status, 0);
        }
    }
    (void)dlclose(library);
}

static void call_memory(void) {
    int32_t (*run)(struct troupe_turn *, void *, const void *);
    void *symbol = dlsym(plugin, "faulty_memory");
    memcpy(&run, &symbol, sizeof run);
    unsigned at = 0;
    int32_t status = FAULT_STATUS;
    for (; status == FAULT_STATUS; at++) {
        status = fault_call(NULL, &at, NULL, run, &thread);
        CHECK(status == FAULT_STATUS || status == 1);
    }
    CHECK(at > 100);
}

static void body_memory(const void *arg) {
    (void)arg;
    prepare();
    CHECK(pthread_join(start_thread(call_memory), NULL) == 0);
    clean_up();
}

static void test_fc2_faults_in_memory_functions_are_contained(void **state) {
    (void)state;
    char text[4096];
    skip_where_not_contained();

    int status = run_child(body_memory, NULL, text, sizeof text);

    assert_string_equal(text, "");
    assert_int_equal(status, 0);
}

static int32_t call_back(const void *function) {
    int32_t (*run)(struct troupe_turn *, void *, const void *);
    void *symbol = dlsym(plugin, "faulty_call_back");
    memcpy(&run, &symbol, sizeof run);
    return fault_call(NULL, NULL, function, run, &thread);
}

static void inner_call(void) {
    CHECK(fault_call(NULL, NULL, NULL, kinds[0].run, &thread) == FAULT_STATUS);
    CHECK(thread.sp);
}

static void call_nested(void) {
    void (*function)(void) = inner_call;
    void *argument;
    memcpy(&argument, &function, sizeof argument);
    CHECK(call_back(argument) == 5);
    CHECK(!thread.sp);
}

static void body_nested(const void *arg) {
    (void)arg;
    prepare();
    CHECK(pthread_join(start_thread(call_nested), NULL) == 0);
    clean_up();
}

static void test_inner_call_is_given_up_alone(void **state) {
    (void)state;
    char text[4096];
    skip_where_not_contained();

    int status = run_child(body_nested, NULL, text, sizeof text);

    assert_string_equal(text, "");
    assert_int_equal(status, 0);
}

static char *volatile bad = (char *)0x20;

static void fault_in_host(void) {
    *bad = 1;
}

static void call_host(void) {
    void (*function)(void) = fault_in_host;
    void *argument;
    memcpy(&argument, &function, sizeof argument);
    (void)call_back(argument);
}

static void body_host(const void *arg) {
    (void)arg;
    prepare();
    CHECK(pthread_join(start_thread(call_host), NULL) == 0);
}

static void test_fc2_fault_in_host_function_ends_the_process(void **state) {
    (void)state;
    char text[4096];
    skip_where_not_contained();

    int status = run_child(body_host, NULL, text, sizeof text);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    assert_non_null(strstr(text, "troupe: SIGSEGV at address 0x20 in main/crash[1], 'on_line'\n"
                                 "troupe: the process ends, because it happened in code of "
                                 "a library or the host, which may hold locks\n"
                                 "  #0 0x"));
    assert_non_null(strstr(text, "  #1 faulty.so, generation 7 + 0x"));
}

/* F-3: an embedding program's handler, with its own way out. */
static sigjmp_buf way_out;
static volatile sig_atomic_t seen;

static void on_embedder(int signal, siginfo_t *info, void *context) {
    (void)context;
    seen = signal;
    CHECK(info->si_addr == (void *)0x20);
    siglongjmp(way_out, 1);
}

static void body_chained(const void *arg) {
    (void)arg;
    struct sigaction action = {.sa_sigaction = on_embedder, .sa_flags = SA_SIGINFO};
    struct sigaction after;
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    prepare();
    fault_thread_enter(&thread);
    if (sigsetjmp(way_out, 1) == 0) {
        fault_in_host();
    }
    CHECK(seen == SIGSEGV);
    CHECK(fault_call(NULL, NULL, NULL, kinds[0].run, &thread) == FAULT_STATUS);
    fault_thread_leave(&thread);
    clean_up();
    CHECK(sigaction(SIGSEGV, NULL, &after) == 0);
    CHECK(after.sa_flags & SA_SIGINFO && after.sa_sigaction == on_embedder);
}

static void test_handlers_of_embedder_are_chained_and_restored(void **state) {
    (void)state;
    char text[4096];
    skip_where_not_contained();

    int status = run_child(body_chained, NULL, text, sizeof text);

    assert_string_equal(text, "");
    assert_int_equal(status, 0);
}

static void body_removed(const void *arg) {
    (void)arg;
    prepare();
    fault_thread_enter(&thread);
    fault_remove_code(code_start);
    (void)fault_call(NULL, NULL, NULL, kinds[0].run, &thread);
}

static void test_code_that_was_removed_is_not_contained(void **state) {
    (void)state;
    char text[4096];
    skip_where_not_contained();

    int status = run_child(body_removed, NULL, text, sizeof text);

    assert_true(WIFSIGNALED(status));
    assert_non_null(strstr(text, "because it happened in the host\n"));
}

/* The machine's settings and the registers of the caller survive. */
static void body_registers(const void *arg) {
    (void)arg;
    sigset_t before;
    sigset_t after;
    prepare();
    fault_thread_enter(&thread);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    volatile double third = 1.0;
    for (unsigned i = 0; kinds[i].end == FAULTY_RECOVERS; i++) {
        unsigned keep[8] = {i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7};
        CHECK(fault_call(NULL, NULL, NULL, kinds[i].run, &thread) == FAULT_STATUS);
        CHECK(keep[0] == i && keep[7] == i + 7);
        third /= 3.0;
    }
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int i = 1; i < 32; i++) {
        CHECK(sigismember(&before, i) == sigismember(&after, i));
    }
    CHECK(third > 0.0);
    fault_thread_leave(&thread);
    clean_up();
}

static void test_caller_goes_on_as_before(void **state) {
    (void)state;
    char text[8192];
    skip_where_not_contained();

    int status = run_child(body_registers, NULL, text, sizeof text);

    print_message("%s", text);
    assert_int_equal(status, 0);
}

static void print_line(void *context, const char *text) {
    (void)context;
    dprintf(2, "%s\n", text);
}

static void body_backtrace(const void *arg) {
    char text[64];
    prepare();
    fault_thread_enter(&thread);
    CHECK(fault_call(NULL, NULL, NULL, find_kind(arg)->run, &thread) == FAULT_STATUS);
    fault_text(&thread.report, text, sizeof text);
    print_line(NULL, text);
    fault_backtrace(&thread.report, print_line, NULL);
    fault_thread_leave(&thread);
    clean_up();
}

static void test_fc2_backtrace_names_function_line_and_plugin(void **state) {
    (void)state;
    char text[16384];
    skip_where_not_contained();

    int status = run_child(body_backtrace, "null", text, sizeof text);

    print_message("%s", text);
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "SIGSEGV at address 0x0\n#0 "));
#ifdef TROUPE_WITH_LIBDW
    assert_non_null(strstr(text, "#0 run_null at plugins/bad_faulty/bad_faulty.c:"));
    assert_non_null(strstr(text, " (faulty.so, generation 7)\n"));
#else
    assert_non_null(strstr(text, "#0 faulty.so, generation 7 + 0x"));
#endif
}

static void test_backtrace_of_overflow_is_bounded(void **state) {
    (void)state;
    char text[32768];
    skip_where_not_contained();

    int status = run_child(body_backtrace, "overflow", text, sizeof text);

    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "SIGSEGV, stack overflow\n#0 "));
    assert_non_null(strstr(text, "\n#63 "));
    assert_null(strstr(text, "\n#64 "));
    assert_non_null(strstr(text, " more frames\n"));
}

static void test_ranges_are_found_until_removed(void **state) {
    (void)state;
    struct err err = {0};
    char name[32];
    char short_name[4];
    uintptr_t base = 0;
    fault_open();
    for (unsigned i = 1; i <= 300; i++) {
        (void)snprintf(name, sizeof name, "p%u.so", i);
        struct fault_code code = {i * 0x1000ul, i * 0x1000ul + 0x800, i * 0x1000ul - 1, name,
                                  "/p.so"};
        assert_int_equal(fault_add_code(&code, &err), 0);
    }

    fault_remove_code(0x5000);

    assert_true(fault_find_code(0x4000, &base, name, sizeof name));
    assert_string_equal(name, "p4.so");
    assert_int_equal(base, 0x3fff);
    assert_true(fault_find_code(0x47ff, &base, short_name, sizeof short_name));
    assert_string_equal(short_name, "p4.");
    assert_false(fault_find_code(0x4800, &base, name, sizeof name));
    assert_false(fault_find_code(0x5000, &base, name, sizeof name));
    fault_close();
    assert_false(fault_find_code(0x4000, &base, name, sizeof name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fc2_every_kind_recovers_or_ends_the_process),
        cmocka_unit_test(test_fc2_faults_in_memory_functions_are_contained),
        cmocka_unit_test(test_inner_call_is_given_up_alone),
        cmocka_unit_test(test_fc2_fault_in_host_function_ends_the_process),
        cmocka_unit_test(test_handlers_of_embedder_are_chained_and_restored),
        cmocka_unit_test(test_code_that_was_removed_is_not_contained),
        cmocka_unit_test(test_caller_goes_on_as_before),
        cmocka_unit_test(test_fc2_backtrace_names_function_line_and_plugin),
        cmocka_unit_test(test_backtrace_of_overflow_is_bounded),
        cmocka_unit_test(test_ranges_are_found_until_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
