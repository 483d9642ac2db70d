/* Where an actor is in its life (ST). */
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"

#define ALONE(config) "actors: { a: { type: kit.Player, config: { " config " } } }\n"

static void assert_status(struct kit *kit, const char *actor, const char *expected) {
    assert_string_equal(inst_status_text(inst_status(kit_actor(kit, actor))), expected);
}

static void test_st1_created_idle_stopped(void **state) {
    struct kit *kit = kit_create(*state, ALONE(""));

    assert_status(kit, "a", "created");
    kit_go(kit);
    kit_settle(kit);
    assert_status(kit, "a", "idle");
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    assert_status(kit, "a", "idle");

    kit_stop(kit); /* asserts that all have stopped or failed */
}

static void test_st1_clean_stop_ends_as_stopped(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player, config: { number: stop } }\n"
                                        "  b: { type: kit.Player }\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);

    assert_status(kit, "a", "stopped");
    assert_status(kit, "b", "idle");
    kit_stop(kit);
}

static void test_st1_failure_ends_as_failed(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player, config: { number: 'fail no' } }\n"
                                        "  b: { type: kit.Player, config: { init: 'tick 1 1' } }\n"
                                        "  c: { type: kit.Player, config: { cleanup: 'note c' } }\n"
                                        "wires: [b.out -> c.number]\n");
    struct supervisor_result result;
    struct inst *a = kit_actor(kit, "a");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "c: c");

    assert_int_equal(inst_status(a), INST_FAILED);
    kit_end(kit, &result);
    assert_true(result.failed);
}

static void test_st1_processing_while_a_handler_runs(void **state) {
    struct kit *kit = kit_start(*state, ALONE("number: 'note in; gate g; note out'"));
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: in");
    assert_status(kit, "a", "processing");
    kit_gate_open(*state, "g");
    kit_settle(kit);

    assert_status(kit, "a", "idle");
    kit_stop(kit);
}

static void test_st1_initializing_while_init_runs(void **state) {
    struct kit *kit = kit_create(*state, ALONE("init: 'note in; gate g; note out'"));
    kit_gate_make(*state, "g");

    kit_go(kit);
    kit_wait(kit, "a: in");
    assert_status(kit, "a", "initializing");
    kit_gate_open(*state, "g");
    kit_settle(kit);

    assert_status(kit, "a", "idle");
    kit_stop(kit);
}

static void test_st1_failing_actor_is_stopping_while_its_children_end(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: spawn, number: 'fail no', cleanup: 'note end',"
                                              "kid: 'cleanup=note in,gate g'"));
    struct supervisor_result result;
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a[1]: in");
    assert_status(kit, "a", "stopping");
    kit_gate_open(*state, "g");
    kit_end(kit, &result);

    assert_true(result.failed);
    kit_assert_trace(*state, "a", "end\n");
}

static void test_st2_processing_names_the_handler_and_since_when(void **state) {
    struct kit *kit = kit_start(*state, ALONE("number: 'note in; gate g'"));
    struct inst *a = kit_actor(kit, "a");
    bool is_exact = false;
    kit_gate_make(*state, "g");

    for (unsigned i = 1; i <= 10 && !is_exact; i++) { /* ticks may be late on a busy machine */
        kit_settle(kit);
        uint64_t before_ns = kit_clock(kit)->now(kit_clock(kit));
        kit_number(kit, "a", "number", 1);
        kit_wait_lines(kit, "a: in", i);
        uint64_t after_ns = kit_clock(kit)->now(kit_clock(kit));

        assert_string_equal(inst_handler(a), "number");
        assert_true(inst_since_ns(a) <= after_ns);
        is_exact = inst_since_ns(a) >= before_ns - 2 * NS_PER_MS;
        kit_gate_open(*state, "g");
        kit_settle(kit);
        assert_string_equal(inst_handler(a), "");
    }
    assert_true(is_exact);
    kit_stop(kit);
}

static void test_st2_ends_carry_a_reason(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { number: stop } }\n"
                          "  b: { type: kit.Player }\n"
                          "  c: { type: kit.Player, config: { number: 'fail why' } }\n"
                          "wires: [a.out -> b.number]\n");
    struct supervisor_result result;

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    kit_number(kit, "c", "number", 1);
    kit_end(kit, &result);

    kit_assert_logged(*state, "p/a[0]: ended: stopped\n");
    kit_assert_logged(*state, "p/b[0]: ended: inputs ended\n");
    kit_assert_logged(*state, "p/c[0]: ended: number: why\n");
}

static void test_st4_init_comes_first_and_cleanup_last(void **state) {
    struct kit *kit = kit_create(*state, "actors:\n"
                                         "  a: { type: kit.Player, config: { init: 'out 1 3' } }\n"
                                         "  b: { type: kit.Player, after: [a], config: {\n"
                                         "    init: 'note init', number: 'note $', cleanup: 'note "
                                         "cleanup' } }\n"
                                         "wires: [a.out -> b.number]\n");

    kit_number(kit, "b", "number", 0); /* it waits for the init */
    kit_go(kit);
    kit_wait(kit, "b: 3");
    kit_stop(kit);

    kit_assert_trace(*state, "b", "init\n0\n1\n2\n3\ncleanup\n");
}

static void test_st4_one_turn_at_a_time(void **state) {
    /* turns of `c` that overlapped would mix up their two lines */
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 1 100' } }\n"
                          "  b: { type: kit.Player, config: { init: 'out 201 100; tick 0 1' } }\n"
                          "  c: { type: kit.Player, config: { number: 'note in $; note out $',\n"
                          "       init: 'tick 0 1', tick: 'note in tick; note out tick' } }\n"
                          "wires: [a.out -> c.number, b.out -> c.number]\n");

    kit_wait(kit, "c: out 100");
    kit_wait(kit, "c: out 300");
    kit_stop(kit);

    char *trace = kit_trace_of(*state, "c");
    char *save = NULL;
    for (char *line = strtok_r(trace, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *next = strtok_r(NULL, "\n", &save);
        assert_memory_equal(line, "in ", 3);
        assert_memory_equal(next, "out ", 4);
        assert_string_equal(line + 3, next + 4);
    }
    free(trace);
}

static void test_st4_no_cleanup_without_an_init_that_succeeded(void **state) {
    struct kit *kit =
        kit_start(*state, ALONE("init: 'note init; fail no', cleanup: 'note cleanup'"));
    struct supervisor_result result;

    kit_end(kit, &result);

    kit_assert_trace(*state, "a", "init\n");
}

static void test_st4_cleanup_after_a_failure_by_return(void **state) {
    struct kit *kit = kit_start(*state, ALONE("number: 'fail no', cleanup: 'note cleanup'"));
    struct supervisor_result result;

    kit_number(kit, "a", "number", 1);
    kit_end(kit, &result);

    assert_true(result.failed);
    kit_assert_trace(*state, "a", "cleanup\n");
}

static void test_st4_no_cleanup_when_aborted(void **state) {
    struct kit *kit = kit_start(*state, ALONE("cleanup: 'note cleanup'"));
    struct supervisor_result result;

    kit_settle(kit);
    kit_abort(kit, &result);

    assert_true(result.aborted);
    kit_assert_trace(*state, "a", "");
}

static const struct kit_test st[] = {
    KIT_TEST(KIT_BOTH, test_st1_created_idle_stopped),
    KIT_TEST(KIT_BOTH, test_st1_clean_stop_ends_as_stopped),
    KIT_TEST(KIT_SEEDED, test_st1_failure_ends_as_failed),
    KIT_TEST(KIT_THREADS, test_st1_processing_while_a_handler_runs),
    KIT_TEST(KIT_THREADS, test_st1_initializing_while_init_runs),
    KIT_TEST(KIT_THREADS, test_st1_failing_actor_is_stopping_while_its_children_end),
    KIT_TEST(KIT_THREADS, test_st2_processing_names_the_handler_and_since_when),
    KIT_TEST(KIT_BOTH, test_st2_ends_carry_a_reason),
    KIT_TEST(KIT_BOTH, test_st4_init_comes_first_and_cleanup_last),
    KIT_TEST(KIT_BOTH, test_st4_one_turn_at_a_time),
    KIT_TEST(KIT_BOTH, test_st4_no_cleanup_without_an_init_that_succeeded),
    KIT_TEST(KIT_BOTH, test_st4_cleanup_after_a_failure_by_return),
    KIT_TEST(KIT_BOTH, test_st4_no_cleanup_when_aborted),
};

int main(void) {
    return KIT_RUN(st);
}
