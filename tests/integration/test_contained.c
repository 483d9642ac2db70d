/* Faults inside a running deployment (FC-2): the actor fails, and nothing else is lost or left over. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <string.h>

#include "sched/fault.h"

/* Runs the crashing actor to its end; what the kit checks then: no message and no instance left. */
static void run_crash(void **state, const char *settings, struct supervisor_result *ret) {
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "actors:\n"
                   "  ticker: { type: time.Ticker, config: { every: 1ms, count: 50 } }\n"
                   "  crash: { type: demo.Crash, %s }\n"
                   "  echo: { type: demo.Echo }\n"
                   "wires: [ ticker.tick -> crash.message, crash.passed -> echo.message ]\n",
                   settings);
    struct kit *kit = kit_start(*state, text);
    kit_end(kit, ret);
}

static void check_panic(void **state, const char *settings, const char *beginning) {
    struct supervisor_result result;
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
        return;
    }

    run_crash(state, settings, &result);

    assert_true(result.failed);
    assert_non_null(strstr(result.cause, beginning));
}

static void test_fault_fails_the_actor_and_leaves_nothing(void **state) {
    check_panic(state, "config: { kind: segv, after: 3 }",
                "message: panic: SIGSEGV at address 0x0; #0 ");
}

static void test_overflow_fails_the_actor_and_leaves_nothing(void **state) {
    check_panic(state, "config: { kind: overflow, after: 20 }",
                "message: panic: SIGSEGV, stack overflow; #0 ");
}

static void test_fault_of_an_own_thread_fails_the_actor(void **state) {
    check_panic(state, "thread: own, config: { kind: ill, after: 2 }", "message: panic: SIGILL");
}

static void test_fault_in_init_fails_the_actor(void **state) {
    check_panic(state, "config: { kind: bus, at: init }", "init: panic: SIGBUS at address 0x");
}

static void test_fault_in_cleanup_fails_the_actor(void **state) {
    check_panic(state, "config: { kind: memcpy, at: cleanup }", "cleanup: panic: SIGSEGV");
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_fault_fails_the_actor_and_leaves_nothing),
    KIT_TEST(KIT_BOTH, test_overflow_fails_the_actor_and_leaves_nothing),
    KIT_TEST(KIT_BOTH, test_fault_of_an_own_thread_fails_the_actor),
    KIT_TEST(KIT_BOTH, test_fault_in_init_fails_the_actor),
    KIT_TEST(KIT_BOTH, test_fault_in_cleanup_fails_the_actor),
};

int main(void) {
    return KIT_RUN(tests);
}
