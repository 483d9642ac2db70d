/* Slices that a thread asks for. */
#include "base/slice.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* else it is defined twice */
#define sched_param kernel_sched_param
#include <linux/sched/types.h>
#undef sched_param

#include "lib/test.h"

#define ASKED_NS (3 * SLICE_LEAST_NS)

struct found {
    int (*before)(void);
    struct sched_attr own, started;
};

static struct sched_attr own_attr(void) {
    struct sched_attr attr = {.size = sizeof attr};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0), 0);
    return attr;
}

static void *look(void *context) {
    *(struct sched_attr *)context = own_attr();
    return NULL;
}

static void *ask(void *context) {
    struct found *found = context;
    pthread_t thread;
    assert_int_equal(found->before(), 0);
    slice_ask(ASKED_NS);
    found->own = own_attr();
    assert_int_equal(pthread_create(&thread, NULL, look, &found->started), 0);
    pthread_join(thread, NULL);
    return NULL;
}

static struct found ask_in_thread(int (*before)(void)) {
    struct found found = {.before = before};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask, &found), 0);
    pthread_join(thread, NULL);
    return found;
}

static int be_nice(void) {
    return nice(3) == -1 ? -1 : 0;
}

static void test_slices_are_of_this_length_and_nothing_else_changes(void **state) {
    (void)state;
    struct found found = ask_in_thread(be_nice);

    assert_int_equal(found.own.sched_policy, SCHED_NORMAL);
    assert_int_equal(found.own.sched_nice, own_attr().sched_nice + 3);
    if (found.own.sched_runtime != 0) { /* 0: a kernel that can't */
        assert_int_equal(found.own.sched_runtime, ASKED_NS);
    }
}

static void test_who_is_started_by_it_has_the_usual_slices(void **state) {
    (void)state;
    struct found found = ask_in_thread(be_nice);

    assert_int_equal(found.started.sched_policy, SCHED_NORMAL);
    assert_int_equal(found.started.sched_nice, own_attr().sched_nice + 3);
    assert_int_equal(found.started.sched_runtime, own_attr().sched_runtime);
    assert_int_equal(found.started.sched_flags & SCHED_FLAG_RESET_ON_FORK, 0);
}

static int be_a_batch(void) {
    struct sched_param param = {0};
    return pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
}

static void test_another_policy_stays_as_it_is(void **state) {
    (void)state;
    struct found found = ask_in_thread(be_a_batch);

    assert_int_equal(found.own.sched_policy, SCHED_BATCH);
    assert_int_equal(found.own.sched_runtime, found.started.sched_runtime);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices_are_of_this_length_and_nothing_else_changes),
        cmocka_unit_test(test_who_is_started_by_it_has_the_usual_slices),
        cmocka_unit_test(test_another_policy_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
