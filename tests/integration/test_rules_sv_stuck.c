/* Stuck actors that have to go (SV-7): broken off where that is safe, else abandoned. */
#include "lib/app/kit_stuck.h"

#include "message/message.h"

/* Who is only slow, on a busy machine, is not stuck by that, and stops in time. */
#define RESTART "defaults: { stuck_after: 250ms, on_stuck: restart, restart: temporary }\n"
#define STOP "stop: { timeout: 400ms }\n"
#define FAILED "number: stuck: ran for "
#define CAME_BACK "p/a[0]: the abandoned turn of 'number' has come back and was discarded"

static bool skip_uncontained(void) {
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
    }
    return !fault_is_contained();
}

/* A gate is a call of the C library that nobody may be thrown out of: the turn is abandoned. */
static struct kit *given_abandoned(void **state, const char *script, const char *more) {
    char text[2048];
    (void)snprintf(text, sizeof text,
                   RESTART "actors:\n"
                           "  a: { type: kit.Player, config: { number: '%s' } }\n"
                           "  b: { type: kit.Player, config: { number: 'note got $' } }\n"
                           "%s",
                   script, more);
    struct kit *kit = kit_start(*state, text);
    kit_gate_make(*state, "g");
    kit_settle(kit); /* who fails before all have started ends the deployment */
    kit_number(kit, "a", "number", 1);
    kit_wait_logged(*state, FAILED, 1);
    return kit;
}

/* The host waits a moment only for threads that it took turns from; on a busy machine they need longer. */
static void end_when_all_are_back(struct kit *kit, struct supervisor_result *result) {
    while (result->stuck) {
        kit_end(kit, result);
    }
}

static void test_sv7_endless_loop_is_broken_off(void **state) {
    struct supervisor_result result;
    if (skip_uncontained()) {
        return;
    }
    struct kit *kit = kit_start(*state, RESTART
                                "actors:\n"
                                "  a: { type: kit.Player, config: { number: 'out 1; spin', cleanup:"
                                " 'note cleanup' } }\n"
                                "  b: { type: kit.Player, config: { number: 'note got $' } }\n"
                                "wires: [ a.out -> b.number ]\n");

    kit_number(kit, "a", "number", 1);
    kit_wait_logged(*state, FAILED, 1);
    kit_stop_for(kit, &result);

    kit_assert_logged(*state, "p/a[0]: stuck in 'number'");
    kit_assert_logged(*state, " ms, in stuck_spin at ");
    end_when_all_are_back(kit, &result);
    kit_assert_trace(*state, "a", "");
    kit_assert_trace(*state, "b", "");
    assert_int_equal(kit_logged(*state, "has come back"), 0);
}

static void test_sv7_every_worker_in_an_endless_loop(void **state) {
    struct supervisor_result result;
    if (skip_uncontained()) {
        return;
    }
    struct kit *kit = kit_start(
        *state, RESTART STOP "actors:\n"
                             "  a: { type: kit.Player, replicas: 6, config: { number: 'spin' } }\n"
                             "  b: { type: kit.Player, config: { number: 'note got $' } }\n");
    kit_settle(kit); /* who fails before all have started ends the deployment */
    for (unsigned i = 0; i < 6; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "a.%u", i);
        kit_number(kit, name, "number", i);
    }

    kit_number(kit, "b", "number", 5);
    kit_wait(kit, "b: got 5");
    kit_stop_for(kit, &result);

    end_when_all_are_back(kit, &result);
}

/* The actor has ended, its messages are back, others go on: all that while its thread is stuck. */
static void test_sv7_stuck_actor_is_abandoned(void **state) {
    struct supervisor_result result;
    struct kit *kit =
        given_abandoned(state, "out 1; alloc 100; gate g; note late; out 2; note never",
                        "wires: [ a.out -> b.number ]\n");

    kit_open_until(*state, "g", CAME_BACK);
    kit_stop_for(kit, &result);

    end_when_all_are_back(kit, &result);
    kit_assert_trace(*state, "a", "");
    assert_int_equal(kit_count(*state, ": late"),
                     1); /* the host knows it no more, and sent nothing */
    kit_assert_trace(*state, "b", "");
    kit_assert_logged(*state, "p/a[0]: stuck in 'number'");
    if (fault_is_contained()) {
        kit_assert_logged(*state, "gate_wait at ");
    }
}

static bool has_ended(void *context) {
    return inst_status(context) == INST_FAILED;
}

static void test_sv7_what_was_queued_comes_back_from_an_abandoned_actor(void **state) {
    struct supervisor_result result;
    struct kit *kit =
        kit_start(*state, RESTART "actors:\n"
                                  "  a: { type: kit.Player, config: { number: 'gate g' } }\n");
    kit_gate_make(*state, "g");

    for (unsigned i = 0; i < 5; i++) {
        kit_number(kit, "a", "number", 1);
    }
    kit_wait_dead(kit, 4);

    assert_false(kit_number(kit, "a", "number", 2));
    kit_open_until(*state, "g", CAME_BACK);
    kit_stop_for(kit, &result);
}

static void test_sv7_caller_of_an_abandoned_actor_hears_of_it(void **state) {
    struct supervisor_result result;
    struct kit *kit = kit_start(
        *state, RESTART
        "actors:\n"
        "  a: { type: kit.Player, config: { asked: 'reply 3; gate g' } }\n"
        "  b: { type: kit.Player, config: { number: 'ask 1 60000', reply: 'note reply %' } }\n"
        "wires: [ b.ask -> a.asked ]\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "b", "number", 1);
    kit_wait(kit, "b: reply the callee died on the request, which is in quarantine");
    kit_open_until(*state, "g", "the abandoned turn of 'asked' has come back");
    kit_stop_for(kit, &result);

    end_when_all_are_back(kit, &result);
}

/* Committed early, it stays; the rest of the turn never was. */
static void test_sv7_early_commit_outlives_the_turn(void **state) {
    struct supervisor_result result;
    struct kit *kit = given_abandoned(state, "out 1; commit; out 2; spawn kid; gate g",
                                      "wires: [ a.out -> b.number ]\n");

    kit_wait(kit, "b: got 1");
    kit_open_until(*state, "g", CAME_BACK);
    kit_stop_for(kit, &result);

    kit_assert_trace(*state, "b", "got 1\n");
}

static void test_sv7_own_thread_is_abandoned(void **state) {
    struct supervisor_result result;
    struct kit *kit = kit_start(
        *state, RESTART "actors:\n"
                        "  a: { type: kit.Player, thread: own, config: { number: 'gate g' } }\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    test_wait_until(has_ended, kit_actor(kit, "a"));
    kit_open_until(*state, "g", CAME_BACK);
    kit_stop_for(kit, &result);

    end_when_all_are_back(kit, &result);
    kit_assert_logged(*state, FAILED);
}

static void test_sv7_init_is_abandoned(void **state) {
    struct supervisor_result result;
    struct kit *kit = kit_create(
        *state, RESTART "actors: { a: { type: kit.Player, config: { init: 'gate g' } } }\n");
    kit_gate_make(*state, "g");
    kit_go(kit);

    test_wait_until(has_ended, kit_actor(kit, "a"));
    kit_open_until(*state, "g", "the abandoned turn of 'init' has come back");
    kit_stop_for(kit, &result);

    kit_assert_logged(*state, "init: stuck: ran for ");
}

struct saved {
    _Atomic int status; /* 1: none yet */
};

static void saved(void *context, int32_t status, uint32_t version, const void *data,
                  uint64_t size) {
    struct saved *saved = context;
    (void)version, (void)data, (void)size;
    atomic_store(&saved->status, status);
}

static bool was_told(void *context) {
    return atomic_load(&((struct saved *)context)->status) != 1;
}

static void test_sv7_who_wants_a_state_hears_that_it_was_abandoned(void **state) {
    struct supervisor_result result;
    struct saved order = {1};
    struct err err = {0};
    struct kit *kit = kit_start(
        *state, RESTART "actors: { a: { type: kit.Player, config: { save: 'gate g' } } }\n");
    kit_gate_make(*state, "g");

    uint64_t uid = inst_uid(kit_actor(kit, "a"));
    assert_int_equal(proc_save(kit_proc(kit), uid, saved, &order, &err), 0);
    test_wait_until(was_told, &order);

    assert_int_equal(order.status, TROUPE_GONE);
    kit_open_until(*state, "g", "the abandoned turn of 'save' has come back");
    kit_stop_for(kit, &result);
}

/* A child that is stuck: its parent hears of it as of any failure. */
static void test_sv7_parent_hears_of_an_abandoned_child(void **state) {
    struct supervisor_result result;
    struct kit *kit =
        kit_start(*state, RESTART "actors: { a: { type: kit.Player, config: { kid: 'number=gate g',"
                                  " ended: 'note %' } } }\n");
    kit_gate_make(*state, "g");

    kit_do(kit, "a", "spawn kid; tell 1");
    kit_wait_logged(*state, "a: number: stuck: ran for ", 1);
    kit_open_until(*state, "g", "has come back and was discarded");
    kit_stop_for(kit, &result);

    char *trace = kit_trace_of(*state, "a");
    assert_non_null(strstr(trace, "number: stuck: ran for "));
    free(trace);
}

/* --- a stop past its deadline --- */

static void test_sv7_stop_ends_in_time_and_names_who_is_stuck(void **state) {
    struct supervisor_result result;
    struct kit *kit =
        kit_start(*state, STOP "actors:\n"
                               "  a: { type: kit.Player, config: { number: 'gate g' } }\n"
                               "  b: { type: kit.Player, config: { number: 'note got $' } }\n");
    kit_gate_make(*state, "g");
    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "number", 2);
    kit_number(kit, "b", "number", 3);
    kit_wait(kit, "b: got 3");

    kit_stop_for(kit, &result);

    assert_true(result.aborted);
    assert_true(result.stuck); /* its thread is where it was */
    assert_string_equal(result.unfinished, "p/a[0]");
    assert_int_equal(result.left, 1);
    kit_assert_logged(*state, "p/a[0]: stuck in 'number'");
    kit_assert_logged(*state, "left 1 abandoned thread behind");
    kit_open_until(*state, "g", CAME_BACK);
    end_when_all_are_back(kit, &result);
}

static void test_sv7_stop_breaks_endless_loops(void **state) {
    struct supervisor_result result;
    if (skip_uncontained()) {
        return;
    }
    struct kit *kit = kit_start(
        *state, STOP "actors:\n"
                     "  a: { type: kit.Player, replicas: 4, config: { number: 'spin' } }\n"
                     "  o: { type: kit.Player, thread: own, config: { number: 'spin' } }\n");
    for (unsigned i = 0; i < 4; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "a.%u", i);
        kit_number(kit, name, "number", i);
    }
    kit_number(kit, "o", "number", 1);

    kit_stop_for(kit, &result);

    assert_true(result.aborted);
    end_when_all_are_back(kit, &result);
    assert_non_null(strstr(result.unfinished, "p/o[0]"));
}

/* Many actors, each abandoned, with memory and messages in hand: when all have come back, all is freed. */
static void test_sv7_many_abandoned_at_once(void **state) {
    struct supervisor_result result;
    kit_gate_make(*state, "g");
    for (unsigned round = 1; round <= 5; round++) {
        struct kit *kit = kit_start(
            *state,
            "defaults: { stuck_after: 100ms, on_stuck: restart, restart: temporary }\n"
            "actors:\n"
            "  a: { type: kit.Player, replicas: 8, config: { number: 'out 1; alloc 3000; gate g' } "
            "}\n"
            "  o: { type: kit.Player, replicas: 4, thread: own, config: { number: 'gate g' } }\n"
            "  b: { type: kit.Player, config: { number: 'note got $' } }\n"
            "wires: [ a.out -> b.number ]\n");
        kit_settle(kit); /* who fails before all have started ends the deployment */
        for (unsigned i = 0; i < 12; i++) {
            char name[8];
            (void)snprintf(name, sizeof name, "%c.%u", i < 8 ? 'a' : 'o', i < 8 ? i : i - 8);
            kit_number(kit, name, "number", i);
        }
        for (unsigned i = 0; i < 12; i++) {
            char name[8];
            (void)snprintf(name, sizeof name, "%c.%u", i < 8 ? 'a' : 'o', i < 8 ? i : i - 8);
            test_wait_until(has_ended, kit_actor(kit, name));
        }
        kit_open_until_times(*state, "g", "has come back and was discarded", 12 * round);
        kit_end(kit, &result);
        end_when_all_are_back(kit, &result);
    }
    assert_int_equal(kit_count(*state, "b: got 1"), 0);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_THREADS, test_sv7_endless_loop_is_broken_off),
    KIT_TEST(KIT_THREADS, test_sv7_every_worker_in_an_endless_loop),
    KIT_TEST(KIT_THREADS, test_sv7_stuck_actor_is_abandoned),
    KIT_TEST(KIT_THREADS, test_sv7_what_was_queued_comes_back_from_an_abandoned_actor),
    KIT_TEST(KIT_THREADS, test_sv7_caller_of_an_abandoned_actor_hears_of_it),
    KIT_TEST(KIT_THREADS, test_sv7_early_commit_outlives_the_turn),
    KIT_TEST(KIT_THREADS, test_sv7_own_thread_is_abandoned),
    KIT_TEST(KIT_THREADS, test_sv7_init_is_abandoned),
    KIT_TEST(KIT_THREADS, test_sv7_who_wants_a_state_hears_that_it_was_abandoned),
    KIT_TEST(KIT_THREADS, test_sv7_parent_hears_of_an_abandoned_child),
    KIT_TEST(KIT_THREADS, test_sv7_stop_ends_in_time_and_names_who_is_stuck),
    KIT_TEST(KIT_THREADS, test_sv7_stop_breaks_endless_loops),
    KIT_TEST(KIT_THREADS, test_sv7_many_abandoned_at_once),
};

int main(void) {
    return KIT_RUN(tests);
}
