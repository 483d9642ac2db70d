/* Handlers that take too long (FC-3): reported with their stack, and in nobody's way. */
#include "lib/app/kit_stuck.h"

#include "lib/threads.h"

#define QUICK "defaults: { stuck_after: 20ms }\n"
#define WAITS(gate) "number: 'out 1; gate " gate "; out 2; note returned'"

/* With its turn over, what it sent has come, in order; and none of it before. */
static void test_fc3_turn_that_returns_late_commits(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { " WAITS(
                          "g") " } }\n"
                               "  b: { type: kit.Player, config: { number: 'note got $' } }\n"
                               "wires: [ a.out -> b.number ]\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait_logged(*state, "p/a[0]: stuck in 'number', which has been running for ", 1);
    kit_number(kit, "b", "number", 7);
    kit_wait(kit, "b: got 7");
    kit_assert_trace(*state, "a", "");
    kit_open_until(*state, "g", "a: returned");
    kit_wait(kit, "b: got 2");
    kit_wait_logged(*state, "p/a[0]: no longer stuck: 'number' has returned after ", 1);
    kit_stop(kit);

    kit_assert_trace(*state, "b", "got 7\ngot 1\ngot 2\n");
}

static void test_fc3_report_has_the_stack(void **state) {
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
        return;
    }
    struct kit *kit =
        kit_start(*state, QUICK
                  "actors: { a: { type: kit.Player, config: { number: 'gate g; note end' } } }\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    /* of several reports: on a busy machine a thread may be too late for one */
    kit_wait_logged(*state, "player_on_number", 1);
    kit_open_until(*state, "g", "a: end");
    kit_stop(kit);

    kit_assert_logged(*state, "p/a[0]:   #0 ");
    kit_assert_logged(*state, "gate_wait");
    kit_assert_logged(*state, "player_on_number");
    kit_assert_logged(*state, "kit.so, generation ");
}

/* More actors than there are workers, so that every worker is wedged, and some again. */
static void test_fc3_others_go_on_with_every_worker_stuck(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, replicas: 5, config: { " WAITS(
                          "g") " } }\n"
                               "  b: { type: kit.Player, config: { number: 'note got $' } }\n"
                               "  c: { type: kit.Player, config: { number: 'out $' } }\n"
                               "wires: [ c.out -> b.number ]\n");
    kit_gate_make(*state, "g");
    for (unsigned i = 0; i < 5; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "a.%u", i);
        kit_number(kit, name, "number", i);
    }

    for (unsigned i = 0; i < 5; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "p/a.%u[0]: stuck in 'number'", i);
        kit_wait_logged(*state, text, 1);
    }
    for (unsigned i = 0; i < 100; i++) {
        kit_number(kit, "c", "number", i);
    }
    kit_wait(kit, "b: got 99");
    for (unsigned i = 0; i < 5; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "a.%u: returned", i);
        kit_open_until(*state, "g", text);
    }
    kit_stop(kit);
}

static void test_fc3_messages_for_a_stuck_actor_wait_for_it(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { number: 'note got $; at 1; gate g' } }\n"
                      "  b: { type: kit.Player, config: { number: 'out 2 50; note sent' } }\n"
                      "wires: [ b.out -> a.number ]\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait_logged(*state, "p/a[0]: stuck in 'number'", 1);
    kit_number(kit, "b", "number", 0);
    kit_wait(kit, "b: sent");
    kit_wait_logged(*state, "p/a[0]: still stuck in 'number'", 1);
    kit_open_until(*state, "g", "a: got 51");
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "a: got 51"), 1);
}

/* The thread came to it straight from another one's turn, which is over: that one is not stuck. */
static void test_fc3_who_sent_to_a_stuck_actor_goes_on(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { number: 'note got $; at 1; gate g' } }\n"
                      "  b: { type: kit.Player, config: { number: 'out $; note sent $' } }\n"
                      "wires: [ b.out -> a.number ]\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "b", "number", 1);
    kit_wait_logged(*state, "p/a[0]: stuck in 'number'", 1);
    kit_number(kit, "b", "number", 2);
    kit_wait(kit, "b: sent 2");
    kit_wait_logged(*state, "p/a[0]: still stuck in 'number'", 1);
    kit_open_until(*state, "g", "a: got 2");
    kit_number(kit, "b", "number", 3);
    kit_wait(kit, "a: got 3");
    kit_stop(kit);
}

static void test_fc3_stuck_init_and_cleanup_are_reported(void **state) {
    kit_gate_make(*state, "g"); /* init comes to it at once */
    struct kit *kit =
        kit_start(*state, QUICK
                  "actors:\n"
                  "  a: { type: kit.Player, config: { init: 'gate g; note up', cleanup: 'gate g; "
                  "note end' } }\n"
                  "  b: { type: kit.Player, config: { number: 'note got $' } }\n");

    kit_number(kit, "b", "number", 1);
    kit_wait(kit, "b: got 1");
    kit_wait_logged(*state, "p/a[0]: stuck in 'init'", 1);
    kit_open_until(*state, "g", "a: up");
    kit_wait_logged(*state, "no longer stuck: 'init' has returned after ", 1);
    deploy_stop(kit_deploy(kit));
    kit_wait_logged(*state, "p/a[0]: stuck in 'cleanup'", 1);
    kit_open_until(*state, "g", "a: end");
    kit_end(kit, NULL);
}

/* As one that is blocked in the kernel for good. */
static void test_fc3_thread_that_takes_no_signals_is_in_nobodys_way(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK
        "actors:\n"
        "  a: { type: kit.Player, replicas: 3, config: { number: 'deaf; gate g; note end' } }\n"
        "  b: { type: kit.Player, config: { number: 'note got $' } }\n");
    kit_gate_make(*state, "g");

    for (unsigned i = 0; i < 3; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "a.%u", i);
        kit_number(kit, name, "number", 1);
    }
    kit_wait_logged(*state, " ms (its stack is not to be had)", 3);
    kit_number(kit, "b", "number", 1);
    kit_wait(kit, "b: got 1");
    kit_open_until(*state, "g", "a.0: end");
    kit_open_until(*state, "g", "a.1: end");
    kit_open_until(*state, "g", "a.2: end");
    kit_stop(kit);
}

static void test_fc3_own_thread_can_be_stuck(void **state) {
    struct kit *kit = kit_start(
        *state,
        QUICK "actors:\n"
              "  a: { type: kit.Player, thread: own, config: { number: 'gate g; note end' } }\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait_logged(*state, "p/a[0]: stuck in 'number'", 1);
    kit_open_until(*state, "g", "a: end");
    kit_stop(kit);
}

/* That is what troupe_wait is for. */
static void test_fc3_who_waits_in_the_host_is_not_stuck(void **state) {
    struct kit *kit = kit_start(
        *state,
        QUICK "actors:\n"
              "  a: { type: kit.Player, thread: own, config: { number: 'note in; wait_stop' } }\n"
              "  b: { type: kit.Player, config: { number: 'gate h; note end' } }\n");
    kit_gate_make(*state, "h");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: in");
    kit_number(kit, "b", "number", 1);
    kit_wait_logged(*state, "p/b[0]: still stuck in 'number'", 3);
    kit_open_until(*state, "h", "b: end");
    kit_stop(kit);

    /* nor on, if it was late for its wait on a busy machine */
    assert_true(kit_logged(*state, "p/a[0]: still stuck") < 3);
}

static void test_fc3_each_actor_has_its_own_limit(void **state) {
    struct kit *kit = kit_start(
        *state,
        QUICK "actors:\n"
              "  a: { type: kit.Player, stuck_after: 1h, config: { number: 'gate g; note end' } }\n"
              "  b: { type: kit.Player, config: { number: 'gate h; note end' } }\n");
    kit_gate_make(*state, "g");
    kit_gate_make(*state, "h");

    kit_number(kit, "a", "number", 1);
    kit_number(kit, "b", "number", 1);
    kit_wait_logged(*state, "p/b[0]: still stuck in 'number'", 1);
    kit_open_until(*state, "h", "b: end");
    kit_open_until(*state, "g", "a: end");
    kit_stop(kit);

    assert_int_equal(kit_logged(*state, "p/a[0]: stuck"), 0);
}

/* A child follows the actor of the manifest that it belongs to. */
static void test_fc3_children_have_the_limit_of_their_parent(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player, stuck_after: 20ms, config: { "
                                        "kid: 'number=gate g,note end' } }\n");
    kit_gate_make(*state, "g");

    kit_do(kit, "a", "spawn kid; tell 1");
    kit_wait_logged(*state, "p/kid[1]: stuck in 'number'", 1);
    kit_open_until(*state, "g", "kid[1]: end");
    kit_wait_logged(*state, "p/kid[1]: no longer stuck", 1);
    kit_stop(kit);
}

/* What it spawns and whom it calls in the turn that was stuck works as ever. */
static void test_fc3_late_turn_may_do_whatever_a_turn_may(void **state) {
    struct kit *kit = kit_start(
        *state, QUICK "actors:\n"
                      "  a: { type: kit.Player, config: { number: 'spawn kid; ask 5 9000; gate g; "
                      "tell 3; tick 1 0;"
                      " self 9', second: 'note second $', reply: 'note reply $', tick: 'note tick',"
                      " kid: 'number=out $' } }\n"
                      "  b: { type: kit.Player, config: { asked: 'reply 6' } }\n"
                      "wires: [ a.ask -> b.asked ]\n");
    kit_gate_make(*state, "g");

    kit_do(kit, "a", "gate g; note first");
    kit_wait_logged(*state, "p/a[0]: stuck in 'do'", 1);
    kit_open_until(*state, "g", "a: first");
    kit_do(kit, "a", "spawn kid; ask 5 9000; gate g; tell 3; tick 1 0");
    kit_wait_logged(*state, "p/a[0]: stuck in 'do'", 2);
    kit_open_until(*state, "g", "a: reply 6");
    kit_wait(kit, "a: second 3");
    kit_wait(kit, "a: tick");
    kit_stop(kit);
}

/* Eight actors, each stuck again and again, all their worker's others going on meanwhile. */
static void test_fc3_hundreds_of_stuck_turns_lose_nothing(void **state) {
    unsigned before = test_count_threads();
    struct kit *kit = kit_start(
        *state, "defaults: { stuck_after: 2ms }\n"
                "actors:\n"
                "  a: { type: kit.Player, replicas: 8, config: { number: 'stall 6; out $' } }\n"
                "  b: { type: kit.Player, config: { number: 'at 20; note last' } }\n"
                "  c: { type: kit.Player, config: { number: 'down', second: 'down' },\n"
                "       when_inputs_end: stay }\n" /* they are a cycle */
                "  d: { type: kit.Player, config: { number: 'down' }, when_inputs_end: stay }\n"
                "wires: [ a.out -> b.number, c.out -> d.number, d.out -> c.second ]\n");

    kit_number(kit, "c", "number", 20000); /* the others of those workers */
    for (unsigned n = 1; n <= 20; n++) {
        for (unsigned i = 0; i < 8; i++) {
            char name[8];
            (void)snprintf(name, sizeof name, "a.%u", i);
            kit_number(kit, name, "number", n);
        }
    }
    kit_wait_lines(kit, "b: last", 8);
    unsigned more = 0;
    while (kit_logged(*state, ": stuck in 'number'") == 0) { /* a busy machine may notice none */
        kit_number(kit, "a.0", "number", 20);
        kit_wait_lines(kit, "b: last", 8 + ++more);
    }
    kit_settle(kit);
    assert_int_equal(inst_processed(kit_actor(kit, "b")), 8 * 20 + more);
    kit_stop(kit);

    assert_int_equal(test_count_threads(), before);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_THREADS, test_fc3_turn_that_returns_late_commits),
    KIT_TEST(KIT_THREADS, test_fc3_report_has_the_stack),
    KIT_TEST(KIT_THREADS, test_fc3_others_go_on_with_every_worker_stuck),
    KIT_TEST(KIT_THREADS, test_fc3_messages_for_a_stuck_actor_wait_for_it),
    KIT_TEST(KIT_THREADS, test_fc3_who_sent_to_a_stuck_actor_goes_on),
    KIT_TEST(KIT_THREADS, test_fc3_stuck_init_and_cleanup_are_reported),
    KIT_TEST(KIT_THREADS, test_fc3_thread_that_takes_no_signals_is_in_nobodys_way),
    KIT_TEST(KIT_THREADS, test_fc3_own_thread_can_be_stuck),
    KIT_TEST(KIT_THREADS, test_fc3_who_waits_in_the_host_is_not_stuck),
    KIT_TEST(KIT_THREADS, test_fc3_each_actor_has_its_own_limit),
    KIT_TEST(KIT_THREADS, test_fc3_children_have_the_limit_of_their_parent),
    KIT_TEST(KIT_THREADS, test_fc3_late_turn_may_do_whatever_a_turn_may),
    KIT_TEST(KIT_THREADS, test_fc3_hundreds_of_stuck_turns_lose_nothing),
};

int main(void) {
    return KIT_RUN(tests);
}
