/* The file that a process leaves when it dies of a fault: whole and under its name, or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "unit/sched/died.h"

/* --- nothing is left --- */

static void body_clean(const void *arg) {
    const struct world *w = arg;
    struct fault_post_mortem *post = open_in(w->folder);
    struct fault_post_mortem *second = open_in(w->folder);
    if (fault_is_contained()) {
        prepare();
        fault_thread_enter(&thread);
        CHECK(fault_call(NULL, NULL, NULL, find_kind("null")->run, &thread) == FAULT_STATUS);
        fault_thread_leave(&thread);
        clean_up();
    }
    fault_post_mortem_close(post);
    fault_post_mortem_close(second);
}

static void test_clean_end_leaves_nothing(void **state) {
    const struct world *w = *state;
    char text[4096];

    int status = run_child(body_clean, w, text, sizeof text);

    assert_string_equal(text, "");
    assert_int_equal(status, 0);
    assert_empty(w->folder);
}

static void body_killed(const void *arg) {
    const struct world *w = arg;
    (void)open_in(w->folder);
    (void)raise(SIGKILL);
}

static void test_killed_process_leaves_nothing(void **state) {
    const struct world *w = *state;
    char text[4096];

    (void)run_child(body_killed, w, text, sizeof text);

    assert_empty(w->folder);
}

static void on_embedder(int signal) {
    (void)signal;
    _exit(7);
}

static void body_embedded(const void *arg) {
    CHECK(signal(SIGSEGV, on_embedder) != SIG_ERR);
    body_outside(arg);
}

static void test_fault_that_an_embedder_handles_leaves_nothing(void **state) {
    const struct world *w = *state;
    char text[4096];
    skip_where_not_contained();

    int status = run_child(body_embedded, w, text, sizeof text);

    assert_string_equal(text, "");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_empty(w->folder);
}

static void body_forked(const void *arg) {
    const struct world *w = arg;
    int status;
    struct fault_post_mortem *post = open_in(w->folder);
    pid_t pid = fork();
    if (pid == 0) {
        *bad = 1;
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    fault_post_mortem_close(post);
}

static void test_child_that_was_forked_leaves_nothing(void **state) {
    const struct world *w = *state;
    char text[4096];
    skip_where_not_contained();

    int status = run_child(body_forked, w, text, sizeof text);

    assert_int_equal(status, 0);
    assert_empty(w->folder);
}

/* --- trouble --- */

static void test_folder_that_cannot_be_made_is_refused(void **state) {
    const struct world *w = *state;
    struct fault_post_mortem *post = NULL;
    struct err err = {0};
    char expected[512];
    char *deep = test_path(w->folder, "deeper");

    assert_int_equal(fault_post_mortem_open(deep, "main", "1", &post, &err), -1);

    (void)snprintf(expected, sizeof expected,
                   "cannot make the folder '%s' for post-mortems: No such file or directory", deep);
    assert_string_equal(err.text, expected);
    assert_null(post);
    free(deep);
}

static void test_file_in_the_place_of_the_folder_is_refused(void **state) {
    const struct world *w = *state;
    struct fault_post_mortem *post = NULL;
    struct err err = {0};
    char expected[512];
    test_write_file(w->folder, "");

    assert_int_equal(fault_post_mortem_open(w->folder, "main", "1", &post, &err), -1);

    (void)snprintf(expected, sizeof expected,
                   "cannot open the folder '%s' for post-mortems: Not a directory", w->folder);
    assert_string_equal(err.text, expected);
}

static void test_each_failed_allocation_of_opening_is_told(void **state) {
    const struct world *w = *state;
    struct fault_post_mortem *post = NULL;
    struct err err = {0};
    TEST_EACH_FAILED_ALLOCATION(
        n, int status = fault_post_mortem_open(w->folder, "main", "1", &post, &err),
        status == 0 || (assert_int_equal(err.code, ERR_NOMEM), false));
    fault_post_mortem_close(post);
    assert_empty(w->folder);
}

/* A disk that is full but for so many bytes. */
static void body_full(const void *arg) {
    struct rlimit limit = {300, 300};
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    body_outside(arg);
}

static void test_half_a_post_mortem_gets_no_name(void **state) {
    const struct world *w = *state;
    char text[4096];
    skip_where_not_contained();

    int status = run_child(body_full, w, text, sizeof text);

    assert_true(WIFSIGNALED(status));
    assert_non_null(strstr(text, "troupe: cannot write a post-mortem into '"));
    assert_empty(w->folder);
}

/* --- a file system without files that have no name --- */

/* Such as NFS: every open with O_TMPFILE says EOPNOTSUPP. */
static void forbid_unnamed_files(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0) {
        _exit(77);
    }
}

static void body_hidden(const void *arg) {
    forbid_unnamed_files();
    body_outside(arg);
}

static void body_hidden_clean(const void *arg) {
    forbid_unnamed_files();
    body_clean(arg);
}

static void body_hidden_killed(const void *arg) {
    forbid_unnamed_files();
    body_killed(arg);
}

static bool is_without_filters(int status) {
    return WIFEXITED(status) && WEXITSTATUS(status) == 77;
}

static void test_hidden_file_gets_its_name_at_the_end(void **state) {
    const struct world *w = *state;
    char text[16384];
    skip_where_not_contained();

    int status = run_child(body_hidden, w, text, sizeof text);

    if (is_without_filters(status)) {
        skip();
    }
    json_decref(check(w, status, SIGSEGV, text, "it happened in the host"));
}

static void test_hidden_file_goes_with_a_clean_end(void **state) {
    const struct world *w = *state;
    char text[4096];

    int status = run_child(body_hidden_clean, w, text, sizeof text);

    if (is_without_filters(status)) {
        skip();
    }
    assert_string_equal(text, "");
    assert_int_equal(status, 0);
    assert_empty(w->folder);
}

static void test_hidden_file_of_a_killed_process_goes_with_the_next(void **state) {
    const struct world *w = *state;
    char text[4096];

    int status = run_child(body_hidden_killed, w, text, sizeof text);

    if (is_without_filters(status)) {
        skip();
    }
    char *names = list(w->folder);
    assert_true(strncmp(names, ".process-", 9) == 0);
    free(names);

    status = run_child(body_hidden_clean, w, text, sizeof text);

    assert_string_equal(text, "");
    assert_empty(w->folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_clean_end_leaves_nothing),
        TEST(test_killed_process_leaves_nothing),
        TEST(test_fault_that_an_embedder_handles_leaves_nothing),
        TEST(test_child_that_was_forked_leaves_nothing),
        TEST(test_folder_that_cannot_be_made_is_refused),
        TEST(test_file_in_the_place_of_the_folder_is_refused),
        TEST(test_each_failed_allocation_of_opening_is_told),
        TEST(test_half_a_post_mortem_gets_no_name),
        TEST(test_hidden_file_gets_its_name_at_the_end),
        TEST(test_hidden_file_goes_with_a_clean_end),
        TEST(test_hidden_file_of_a_killed_process_goes_with_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
