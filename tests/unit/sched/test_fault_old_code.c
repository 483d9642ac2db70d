/* Looking for who still uses some code, and noticing who uses it nonetheless. */
#include "lib/test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/wait.h"
#include "sched/fault.h"

#define ANSWER_NS 30000000000u
#define OWNER 77u

/* --- stacks --- */

/* A thread, inside of `stay` or not. */
struct world {
    pthread_t pthread;
    bool blocks_signals, is_inside;
    _Atomic pid_t thread;
    _Atomic bool may_end;
    struct fault_span stack, code;
};

/* Stands for code of a plugin. */
__attribute__((noinline)) static void stay(struct world *world) {
    atomic_store(&world->thread, (pid_t)syscall(SYS_gettid));
    while (!atomic_load(&world->may_end)) {
        (void)sched_yield();
    }
}

static void note_stack(struct world *world) {
    pthread_attr_t attributes;
    void *start;
    size_t size;
    assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
    assert_int_equal(pthread_attr_getstack(&attributes, &start, &size), 0);
    (void)pthread_attr_destroy(&attributes);
    world->stack = (struct fault_span){(uintptr_t)start, (uintptr_t)start + size};
}

static void *run(void *argument) {
    struct world *world = argument;
    if (world->blocks_signals) {
        sigset_t all;
        sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    }
    note_stack(world);
    stay(world);
    return NULL;
}

static bool has_come(void *context) {
    return atomic_load(&((struct world *)context)->thread) != 0;
}

static void start(struct world *world) {
    fault_open();
    assert_int_equal(pthread_create(&world->pthread, NULL, run, world), 0);
    test_wait_until(has_come, world);
    uintptr_t code = world->is_inside ? (uintptr_t)stay : (uintptr_t)note_stack;
    world->code = (struct fault_span){code, code + (world->is_inside ? 96 : 1)};
}

static void end(struct world *world) {
    atomic_store(&world->may_end, true);
    assert_int_equal(pthread_join(world->pthread, NULL), 0);
    fault_close();
}

static bool scan(struct world *world, uint64_t most_ns, struct fault_scan *ret) {
    *ret = (struct fault_scan){
        .code = &world->code, .code_count = 1, .memory = &world->stack, .memory_count = 1};
    return fault_scan_thread(atomic_load(&world->thread), ret, most_ns);
}

static void test_a_thread_that_comes_back_to_code_is_found(void **state) {
    struct world world = {.is_inside = true};
    struct fault_scan answer;
    (void)state;
    start(&world);

    bool answered = scan(&world, ANSWER_NS, &answer);

    assert_true(answered);
    assert_true(answer.found >= world.code.start && answer.found < world.code.end);
    assert_true(answer.sp >= world.stack.start && answer.sp < world.stack.end);
    end(&world);
}

static void test_a_thread_elsewhere_is_not(void **state) {
    struct world world = {.is_inside = false};
    struct fault_scan answer;
    (void)state;
    start(&world);

    bool answered = scan(&world, ANSWER_NS, &answer);

    assert_true(answered);
    assert_true(answer.found == 0);
    end(&world);
}

static void test_a_thread_that_takes_no_signals_gives_no_answer(void **state) {
    struct world world = {.blocks_signals = true};
    struct fault_scan answer;
    (void)state;
    start(&world);

    assert_false(scan(&world, 1000000, &answer));

    end(&world);
}

static void test_a_thread_that_has_ended_gives_no_answer(void **state) {
    struct world world = {.is_inside = false};
    struct fault_scan answer;
    (void)state;
    start(&world);
    end(&world);
    fault_open();

    assert_false(scan(&world, ANSWER_NS, &answer));

    fault_close();
}

/* --- quiet memory --- */

static char *make_page(void) {
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    memcpy(page, "still here", 11);
    assert_int_equal(mprotect(page, size, PROT_READ), 0);
    return page;
}

static struct fault_quiet quiet_of(const char *page) {
    return (struct fault_quiet){(uintptr_t)page, (uintptr_t)page + 11, false};
}

static void test_a_use_of_quiet_memory_is_noted_and_goes_on(void **state) {
    char *page = make_page();
    struct fault_quiet quiet = quiet_of(page);
    (void)state;
    fault_open();
    assert_int_equal(fault_quiet_begin(OWNER, &quiet, 1), 0);

    char used = *(volatile char *)(page + 6);

    assert_int_equal(used, 'h');
    assert_true(fault_quiet_end(OWNER) == (uintptr_t)(page + 6));
    fault_quiet_forget(OWNER);
    fault_close();
    (void)munmap(page, (size_t)sysconf(_SC_PAGESIZE));
}

static void test_quiet_memory_that_nobody_uses_is_as_it_was(void **state) {
    char *page = make_page();
    struct fault_quiet quiet = quiet_of(page);
    (void)state;
    fault_open();
    assert_int_equal(fault_quiet_begin(OWNER, &quiet, 1), 0);

    assert_true(fault_quiet_end(OWNER) == 0);

    assert_string_equal(page, "still here");
    fault_quiet_forget(OWNER);
    fault_close();
    (void)munmap(page, (size_t)sysconf(_SC_PAGESIZE));
}

static void test_there_is_room_for_so_many(void **state) {
    char *page = make_page();
    struct fault_quiet quiet[65];
    (void)state;
    for (size_t i = 0; i < 65; i++) {
        quiet[i] = quiet_of(page);
    }
    fault_open();

    assert_int_equal(fault_quiet_begin(OWNER, quiet, 65), -1);

    assert_string_equal(page, "still here"); /* accessible, and forgotten: */
    assert_int_equal(fault_quiet_begin(OWNER, quiet, 1), 0);
    assert_true(fault_quiet_end(OWNER) == 0);
    fault_quiet_forget(OWNER);
    fault_close();
    (void)munmap(page, (size_t)sysconf(_SC_PAGESIZE));
}

int main(void) {
    if (!fault_is_contained()) {
        print_message("skipped: this build has a sanitizer's handlers\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_that_comes_back_to_code_is_found),
        cmocka_unit_test(test_a_thread_elsewhere_is_not),
        cmocka_unit_test(test_a_thread_that_takes_no_signals_gives_no_answer),
        cmocka_unit_test(test_a_thread_that_has_ended_gives_no_answer),
        cmocka_unit_test(test_a_use_of_quiet_memory_is_noted_and_goes_on),
        cmocka_unit_test(test_quiet_memory_that_nobody_uses_is_as_it_was),
        cmocka_unit_test(test_there_is_room_for_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
