/* Faults inside a running deployment (FC-2): the actor fails, in whatever handler and on whatever thread
 * it happens, and nothing else is lost or left over. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/fault.h"

static bool is_skipped(void) {
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
    }
    return !fault_is_contained();
}

#define MANIFEST                                                                                   \
    "actors:\n"                                                                                    \
    "  ticker: { type: time.Ticker, config: { every: 1ms, count: 50 } }\n"                         \
    "  crash: { type: demo.Crash, %s }\n"                                                          \
    "  echo: { type: demo.Echo }\n"                                                                \
    "wires: [ ticker.tick -> crash.message, crash.passed -> echo.message ]\n"

/* The crashing actor, run to its end; what the kit checks then: no message and no instance left. */
static void check_panic(void **state, const char *settings, const char *beginning) {
    struct supervisor_result result;
    char text[1024];
    if (is_skipped()) {
        return;
    }
    (void)snprintf(text, sizeof text, MANIFEST, settings);

    kit_end(kit_start(*state, text), &result);

    print_message("%s\n  %s\n", settings, result.cause);
    assert_true(result.failed);
    assert_non_null(strstr(result.cause, beginning));
}

static void test_fc2_fault_fails_the_actor_and_leaves_nothing(void **state) {
    check_panic(state, "config: { kind: segv, after: 3 }",
                "message: panic: SIGSEGV at address 0x0, in ");
}

/* Every kind that is contained, and what is said of it. */
static const char *const kinds[][2] = {
    {"segv", "SIGSEGV at address 0x0, in "},
#if defined(__x86_64__)
    {"wild", "SIGSEGV at an address that cannot be, in "},
#endif
    {"bus", "SIGBUS at address 0x"},
#if defined(__x86_64__)
    {"fpe", "SIGFPE at address 0x"},
#endif
    {"ill", "SIGILL at address 0x"},
    {"abort", "SIGABRT, in "},
    {"assert", "SIGABRT, in "},
    {"overflow", "SIGSEGV, stack overflow, in "},
    {"jump", "SIGSEGV at address 0x10, in "},
    {"memcpy", "SIGSEGV at address 0x0, in "},
    {"strlen", "SIGSEGV at address 0x0, in "},
};
/* Where a fault can be, and how that handler is called. */
static const char *const places[][2] = {
    {"init", "init"},   {"cleanup", "cleanup"},   {"message", "message"},
    {"timer", "alarm"}, {"returned", "returned"},
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void check_in_places(void **state, const char *thread, const char *const kind[2]) {
    char settings[256];
    char beginning[128];
    for (size_t i = 0; i < COUNT(places); i++) {
        (void)snprintf(settings, sizeof settings,
                       "thread: %s, config: { kind: %s, at: %s, after: 2 }", thread, kind[0],
                       places[i][0]);
        (void)snprintf(beginning, sizeof beginning, "%s: panic: %s", places[i][1], kind[1]);
        check_panic(state, settings, beginning);
    }
}

/* With threads all of them; telling where it was takes its time, so each seed has one of them. */
static void check_kinds_in_places(void **state, const char *thread) {
    if (!kit_is_threaded(*state)) {
        check_in_places(state, thread, kinds[kit_seed(*state) % COUNT(kinds)]);
        return;
    }
    for (size_t i = 0; i < COUNT(kinds); i++) {
        check_in_places(state, thread, kinds[i]);
    }
}

static void test_fc2_every_kind_in_every_handler(void **state) {
    check_kinds_in_places(state, "pool");
}

static void test_fc2_every_kind_in_every_handler_of_an_own_thread(void **state) {
    check_kinds_in_places(state, "own");
}

/* --- saving and loading --- */

struct saved {
    int32_t status;
    _Atomic bool done;
};

static void take_saved(void *context, int32_t status, uint32_t version, const void *data,
                       uint64_t size) {
    struct saved *saved = context;
    (void)version, (void)data, (void)size;
    saved->status = status;
    saved->done = true;
}

static void check_save(void **state, const char *thread) {
    struct supervisor_result result;
    struct saved saved = {.status = 0};
    struct err err = {0};
    char text[512];
    if (is_skipped()) {
        return;
    }
    (void)snprintf(text, sizeof text,
                   "actors: { crash: { type: demo.Crash, thread: %s,\n"
                   "  config: { at: save, kind: abort } } }\n",
                   thread);
    struct kit *kit = kit_create(*state, text);
    uint64_t uid = inst_uid(kit_actor(kit, "crash"));

    assert_int_equal(proc_save(kit_proc(kit), uid, take_saved, &saved, &err), 0);
    kit_go(kit);
    kit_end(kit, &result);

    assert_true(saved.done);
    assert_true(saved.status < 0);
    assert_true(result.failed);
    assert_non_null(strstr(result.cause, "save: panic: SIGABRT, in "));
}

static void test_fc2_fault_in_save_saves_nothing(void **state) {
    check_save(state, "pool");
    check_save(state, "own");
}

static void check_load(void **state, const char *thread) {
    struct supervisor_result result;
    struct err err = {0};
    const uint64_t total = 7;
    char text[512];
    if (is_skipped()) {
        return;
    }
    (void)snprintf(text, sizeof text,
                   "actors: { crash: { type: demo.Crash, thread: %s,\n"
                   "  config: { at: load, kind: overflow } } }\n",
                   thread);
    struct kit *kit = kit_create(*state, text);

    assert_int_equal(proc_restore(kit_proc(kit), plan_find_actor(kit_plan(kit), "crash"), 1, &total,
                                  sizeof total, &err),
                     0);
    kit_go(kit);
    kit_end(kit, &result);

    assert_true(result.failed);
    assert_non_null(strstr(result.cause, "load: panic: SIGSEGV, stack overflow, in "));
}

static void test_fc2_fault_in_load_fails_the_actor(void **state) {
    check_load(state, "pool");
    check_load(state, "own");
}

/* --- one after the other --- */

/* As many as there are workers, and more: each thread finds its stack for signals in order again. */
static void test_fc2_one_thread_survives_many_faults(void **state) {
    struct supervisor_result result;
    if (is_skipped()) {
        return;
    }

    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: demo.Crash, config: { at: cleanup, kind: overflow } }\n"
                          "  b: { type: demo.Crash, config: { at: cleanup, kind: overflow } }\n"
                          "  c: { type: demo.Crash, config: { at: cleanup, kind: segv } }\n"
                          "  d: { type: demo.Crash, config: { at: cleanup, kind: abort } }\n"
                          "  e: { type: demo.Crash, config: { at: cleanup, kind: strlen } }\n"
                          "  f: { type: demo.Crash, config: { at: cleanup, kind: overflow } }\n"
                          "  own: { type: demo.Crash, thread: own,\n"
                          "         config: { at: cleanup, kind: overflow } }\n");
    kit_stop_for(kit, &result);

    char *log = kit_log(*state);
    unsigned count = 0;
    for (const char *at = log; (at = strstr(at, "cleanup: panic: ")); at++) {
        count++;
    }
    assert_true(count >= 7); /* the supervisor tells of some of them, too */
    for (const char *name = "abcdef"; *name; name++) {
        char told[64];
        (void)snprintf(told, sizeof told, "p/%c[0]' failed: cleanup: panic: ", *name);
        assert_non_null(strstr(log, told));
    }
    free(log);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_fc2_fault_fails_the_actor_and_leaves_nothing),
    KIT_TEST(KIT_BOTH, test_fc2_every_kind_in_every_handler),
    KIT_TEST(KIT_BOTH, test_fc2_every_kind_in_every_handler_of_an_own_thread),
    KIT_TEST(KIT_BOTH, test_fc2_fault_in_save_saves_nothing),
    KIT_TEST(KIT_BOTH, test_fc2_fault_in_load_fails_the_actor),
    KIT_TEST(KIT_BOTH, test_fc2_one_thread_survives_many_faults),
};

int main(void) {
    return KIT_RUN(tests);
}
