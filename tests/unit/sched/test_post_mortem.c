/* The file that a process leaves when it dies of a fault: when, and what it says. */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "sched/fault_end.h"
#include "unit/sched/died.h"

struct death {
    const struct world *w;
    const char *kind;
};

static void body_kind(const void *arg) {
    const struct death *death = arg;
    prepare();
    (void)open_in(death->w->folder);
    fault_thread_enter(&thread);
    (void)fault_call(NULL, NULL, NULL, find_kind(death->kind)->run, &thread);
}

#define LIBRARY "it happened in code of a library or the host, which may hold locks"

static void test_fc2_refused_fault_leaves_a_post_mortem(void **state) {
    const struct world *w = *state;
    struct death death = {w, "snprintf"};
    char text[16384];
    skip_where_not_contained();
    int64_t before = time(NULL);

    int status = run_child(body_kind, &death, text, sizeof text);

    json_t *json = check(w, status, SIGSEGV, text, LIBRARY);
    int64_t at = json_integer_value(json_object_get(json, "occurred_at")) / 1000000000;
    assert_in_range(at, before, time(NULL));
    assert_string_equal(text_of(json, "signal"), "SIGSEGV");
    assert_string_equal(text_of(json, "address"), "0x10");
    assert_string_equal(text_of(json, "actor"), "main/crash[1]");
    assert_string_equal(text_of(json, "handler"), "on_line");
    const json_t *frames = json_object_get(json, "frames");
    const json_t *library = json_array_get(frames, 0);
    const json_t *last = json_array_get(frames, json_array_size(frames) - 1);
    assert_non_null(strstr(text_of(library, "module"), "libc"));
    assert_int_equal(text_of(library, "file")[0], '/');
    assert_string_equal(text_of(last, "module"), "faulty.so, generation 7");
    assert_string_equal(text_of(last, "file"), PLUGIN);
    assert_true(strtoull(text_of(last, "offset"), NULL, 16) <
                strtoull(text_of(last, "address"), NULL, 16));
    json_decref(json);
}

static void test_post_mortem_has_its_keys_in_order(void **state) {
    const struct world *w = *state;
    static const char *const keys[] = {"format",  "kind",  "occurred_at", "pid",
                                       "version", "proc",  "signal",      "address",
                                       "why",     "actor", "handler",     "frames"};
    struct death death = {w, "qsort"};
    char text[16384];
    char *file = NULL;
    skip_where_not_contained();

    (void)run_child(body_kind, &death, text, sizeof text);

    json_t *json = load_one(w->folder, &file);
    const json_t *frames = json_object_get(json, "frames");
    assert_string_equal(text_of(json_array_get(frames, 0), "module"), "faulty.so, generation 7");
    assert_non_null(strstr(text_of(json_array_get(frames, 1), "module"), "libc"));
    assert_true(json_array_size(frames) > 4); /* up to who called qsort, and further */
    size_t at = 0;
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value) {
        (void)value;
        if (at < sizeof keys / sizeof *keys) {
            assert_string_equal(key, keys[at++]);
        }
    }
    assert_int_equal(at, sizeof keys / sizeof *keys);
    assert_true(strncmp(file, "{\n  \"format\": 1,\n", 16) == 0);
    struct stat st;
    assert_int_equal(stat(w->folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    free(file);
    json_decref(json);
}

static void test_fc2_every_fatal_kind_leaves_a_post_mortem(void **state) {
    const struct world *w = *state;
    static const struct {
        const char *kind;
        int signal;
        const char *why;
    } cases[] = {
        {"fprintf", SIGSEGV, LIBRARY},
        {"double_free", SIGABRT, LIBRARY},
        {"qsort", SIGSEGV, "other code stands between the plugin and the host"},
        {"smash", SIGSEGV, "the stack is damaged"},
    };
    char text[16384];
    skip_where_not_contained();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct death death = {w, cases[i].kind};
        int status = run_child(body_kind, &death, text, sizeof text);
        json_decref(check(w, status, cases[i].signal, text, cases[i].why));
        test_temp_remove(strdup(w->folder));
    }
}

static void test_fc2_fault_outside_of_a_turn_leaves_a_post_mortem(void **state) {
    const struct world *w = *state;
    char text[16384];
    skip_where_not_contained();

    int status = run_child(body_outside, w, text, sizeof text);

    json_t *json = check(w, status, SIGSEGV, text, "it happened in the host");
    assert_true(json_is_null(json_object_get(json, "actor")));
    assert_true(json_is_null(json_object_get(json, "handler")));
    const json_t *frames = json_object_get(json, "frames");
    assert_true(json_array_size(frames) > 2); /* up to main */
    assert_string_equal(text_of(json_array_get(frames, 0), "module"),
                        program_invocation_short_name);
    json_decref(json);
}

static void body_host_aborts(const void *arg) {
    const struct world *w = arg;
    void (*volatile function)(void) = abort;
    prepare();
    (void)open_in(w->folder);
    fault_thread_enter(&thread);
    function();
}

static void test_fc2_abort_of_the_host_leaves_a_post_mortem(void **state) {
    const struct world *w = *state;
    char text[16384];
    skip_where_not_contained();

    int status = run_child(body_host_aborts, w, text, sizeof text);

    json_decref(check(w, status, SIGABRT, text, "it happened in the host"));
}

static void body_die(const void *arg) {
    const struct world *w = arg;
    prepare();
    (void)open_in(w->folder);
    fault_thread_enter(&thread);
    CHECK(fault_call(NULL, NULL, NULL, find_kind("overflow")->run, &thread) == FAULT_STATUS);
    fault_die(&thread.report);
}

static void test_fc2_unwanted_recovery_leaves_a_post_mortem(void **state) {
    const struct world *w = *state;
    char text[16384];
    skip_where_not_contained();

    int status = run_child(body_die, w, text, sizeof text);

    json_t *json =
        check(w, status, SIGSEGV, text, "the deployment wants no recovery ('on_fault: exit')");
    assert_string_equal(text_of(json, "text"), "SIGSEGV, stack overflow");
    assert_int_equal(json_array_size(json_object_get(json, "frames")), FAULT_FRAMES_MAX);
    json_decref(json);
}

static void bad_whose(void *unused, struct fault_whose *ret) {
    (void)unused;
    (void)snprintf(ret->actor, sizeof ret->actor, "half");
    *bad = 1;
}

static void body_again(const void *arg) {
    const struct world *w = arg;
    prepare();
    thread.whose = bad_whose;
    (void)open_in(w->folder);
    fault_thread_enter(&thread);
    (void)fault_call(NULL, NULL, NULL, find_kind("qsort")->run, &thread);
}

static void test_f4_fault_while_telling_still_leaves_a_post_mortem(void **state) {
    const struct world *w = *state;
    char text[16384];
    skip_where_not_contained();

    int status = run_child(body_again, w, text, sizeof text);

    json_t *json =
        check(w, status, SIGSEGV, text, "other code stands between the plugin and the host");
    assert_true(json_is_null(json_object_get(json, "actor")));
    json_decref(json);
}

/* --- several --- */

static void body_two_folders(const void *arg) {
    const struct world *w = arg;
    (void)open_in(w->folder);
    (void)open_in(w->other);
    (void)open_in(w->folder);
    *bad = 1;
}

static void test_pr4_each_proc_gets_its_post_mortem(void **state) {
    const struct world *w = *state;
    char text[16384];
    skip_where_not_contained();

    (void)run_child(body_two_folders, w, text, sizeof text);

    json_decref(load_one(w->folder, NULL));
    json_decref(load_one(w->other, NULL));
}

static pthread_barrier_t barrier;

static void *die_together(void *unused) {
    (void)unused;
    (void)pthread_barrier_wait(&barrier);
    *bad = 1;
    return NULL;
}

static void body_together(const void *arg) {
    const struct world *w = arg;
    pthread_t threads[8];
    (void)open_in(w->folder);
    CHECK(pthread_barrier_init(&barrier, NULL, 8) == 0);
    for (unsigned i = 0; i < 8; i++) {
        CHECK(pthread_create(&threads[i], NULL, die_together, NULL) == 0);
    }
    (void)pthread_join(threads[0], NULL);
}

static void test_threads_that_die_together_leave_one_post_mortem(void **state) {
    const struct world *w = *state;
    char text[65536];
    skip_where_not_contained();

    int status = run_child(body_together, w, text, sizeof text);

    json_decref(check(w, status, SIGSEGV, text, "it happened in the host"));
    assert_null(strstr(strstr(text, "SIGSEGV") + 1, "SIGSEGV"));
}

/* --- details --- */

static void test_utc_is_that_of_the_library(void **state) {
    (void)state;
    static const int64_t edges[] = {0,          59,         86399,      86400,
                                    951782399,  951782400,  951868800,  1709164800,
                                    1709251200, 4107542399, 4107542400, 253402300799};
    for (int64_t i = 0; i < 4000; i++) {
        char ours[UTC_SIZE];
        char theirs[32];
        time_t at = i < 12 ? edges[i] : i * 1234567;
        struct tm tm;
        assert_non_null(gmtime_r(&at, &tm));
        (void)strftime(theirs, sizeof theirs, "%Y%m%dT%H%M%SZ", &tm);

        utc_text(at, ours);

        assert_string_equal(ours, theirs);
    }
}

static void test_any_bytes_make_json(void **state) {
    (void)state;
    char folder[] = "/tmp/troupe-json-XXXXXX";
    int fd = mkstemp(folder);
    assert_true(fd >= 0);
    (void)unlink(folder);
    struct fault_report report = {.signal = SIGBUS, .address = UINTPTR_MAX, .count = 1};
    struct fault_death death = {
        .report = &report,
        .whose = {.actor = "a\"b\\c\n\x01 \xc3\xa4 \xff\xc3( \xed\xa0\x80 \xf0\x9f\x8e\xad"},
        .verdict = FAULT_LIBRARY,
        .occurred_at_ns = INT64_MAX,
        .pid = 1};
    char text[4096] = "";

    assert_true(json_write(fd, &death, NULL, "\x7f", ""));

    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(text_of(json, "actor"),
                        "a\"b\\c\n\x01 \xc3\xa4 \xef\xbf\xbd\xef\xbf\xbd( "
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x8e\xad");
    assert_string_equal(text_of(json, "proc"), "\x7f");
    assert_string_equal(text_of(json, "address"), "0xffffffffffffffff");
    assert_int_equal(json_integer_value(json_object_get(json, "occurred_at")), INT64_MAX);
    json_decref(json);
    (void)close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_fc2_refused_fault_leaves_a_post_mortem),
        TEST(test_post_mortem_has_its_keys_in_order),
        TEST(test_fc2_every_fatal_kind_leaves_a_post_mortem),
        TEST(test_fc2_fault_outside_of_a_turn_leaves_a_post_mortem),
        TEST(test_fc2_abort_of_the_host_leaves_a_post_mortem),
        TEST(test_fc2_unwanted_recovery_leaves_a_post_mortem),
        TEST(test_f4_fault_while_telling_still_leaves_a_post_mortem),
        TEST(test_pr4_each_proc_gets_its_post_mortem),
        TEST(test_threads_that_die_together_leave_one_post_mortem),
        TEST(test_utc_is_that_of_the_library),
        TEST(test_any_bytes_make_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
