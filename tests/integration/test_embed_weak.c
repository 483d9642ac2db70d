/* Weak handles of procs: they keep nothing, and fail to upgrade after the end (PR-2). */
#include "lib/app/embedded.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/wait.h"

#define SAYS "actors: { a: { type: kit.Player, config: { init: 'log up', cleanup: 'log bye' } } }"

static void test_pr2_weak_handle_of_an_ended_proc_fails_to_upgrade(void **state) {
    struct troupe_error error;
    struct troupe_proc *proc = embedded_start(*state, TROUPE_STAYS, SAYS);
    struct troupe_weak_proc *weak = troupe_proc_weak(proc);

    troupe_proc_stop(proc);
    embedded_ok(troupe_proc_wait(proc, TROUPE_FOR_EVER, NULL, &error), &error);

    assert_null(troupe_weak_proc_upgrade(weak)); /* though a strong handle is left */
    troupe_proc_unref(proc);
    assert_null(troupe_weak_proc_upgrade(weak));
    embedded_ok(troupe_weak_proc_wait(weak, TROUPE_FOR_EVER, &error), &error);
    troupe_weak_proc_free(weak);
    troupe_weak_proc_free(NULL);
    troupe_proc_unref(NULL);
}

struct many {
    struct troupe_weak_proc *weak;
    unsigned long upgraded;
};

static void *upgrade_until_it_fails(void *argument) {
    struct many *many = argument;
    struct troupe_proc *proc;
    while ((proc = troupe_weak_proc_upgrade(many->weak))) {
        many->upgraded++;
        troupe_proc_unref(proc);
    }
    return NULL;
}

static void test_pr2_threads_that_upgrade_while_it_ends(void **state) {
    struct troupe_error error;
    struct many many[4] = {0};
    pthread_t threads[4];
    struct troupe_proc *proc = embedded_start(*state, TROUPE_STAYS, SAYS);
    for (unsigned i = 0; i < 4; i++) {
        many[i].weak = troupe_proc_weak(proc);
        assert_int_equal(pthread_create(&threads[i], NULL, upgrade_until_it_fails, &many[i]), 0);
    }

    embedded_wait_logged(*state, "up");
    troupe_proc_unref(proc);

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_null(troupe_weak_proc_upgrade(many[i].weak));
        embedded_ok(troupe_weak_proc_wait(many[i].weak, TROUPE_FOR_EVER, &error), &error);
        troupe_weak_proc_free(many[i].weak);
    }
    assert_true(embedded_logged(*state, "bye"));
}

/* The proc is taken down by a thread of the host while the process ends. */
static void give_back_and_exit(struct embedded_log *log) {
    struct troupe_proc *proc = embedded_start(
        log, TROUPE_SIGNALS,
        "actors: { a: { type: kit.Player, replicas: 500, config: { init: 'stop' } } }");
    struct troupe_error error;
    embedded_ok(troupe_proc_wait(proc, TROUPE_FOR_EVER, NULL, &error), &error);
    troupe_proc_unref(proc);
    exit(EXIT_SUCCESS);
}

static void test_program_may_exit_once_the_last_handle_is_given_back(void **state) {
    for (int i = 0; i < 20; i++) {
        int status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            give_back_and_exit(*state);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_log_setup, embedded_log_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(
            test_program_may_exit_once_the_last_handle_is_given_back), /* while it has one thread */
        TEST(test_pr2_weak_handle_of_an_ended_proc_fails_to_upgrade),
        TEST(test_pr2_threads_that_upgrade_while_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
