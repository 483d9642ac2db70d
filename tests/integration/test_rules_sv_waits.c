/* Who waits for whom around a restart: senders, siblings, groups, those who start after others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"

#define POLICY(text) "supervision: { intensity: 20, period: 10s, " text " }\n"
#define SLOW "backoff: { initial: 100ms, factor: 1, jitter: 0 }"

/* `a` sends `b`, which has one place, 30 numbers more than the one it dies of, and says what came back. */
#define SENDER                                                                                     \
    "  a: { type: kit.Player, config: { init: 'note init', number: 'out 9; out 10 30', "           \
    "returned: 'note back $ %' } }\n"
#define RECEIVER                                                                                   \
    "type: kit.Player, config: { init: 'note init', number: 'note $; once nine' },\n"              \
    "mailbox: { capacity: 1 }"

static void assert_all_arrive_once(void *state, const char *receiver) {
    char *trace = kit_trace_of(state, receiver);
    const char *at = trace;
    for (unsigned number = 10; number < 40; number++) {
        char line[16];
        (void)snprintf(line, sizeof line, "\n%u\n", number);
        at = strstr(at, line);
        if (!at) {
            fail_msg("%u did not come, or not in order, in:\n%s", number, trace);
        }
    }
    free(trace);
}

static void test_ai4_senders_wait_while_a_whole_batch_is_in_backoff(void **state) {
    struct kit *kit = kit_start(
        *state, POLICY(SLOW) "actors:\n" SENDER "  g:\n"
                             "    supervise: { strategy: one_for_all, " SLOW " }\n"
                             "    actors:\n"
                             "      b: { " RECEIVER " }\n"
                             "      c: { type: kit.Player, config: { init: 'note init' } }\n"
                             "wires: [a.out -> g/b.number]\n");

    kit_wait(kit, "g/c[2]: init");
    kit_number(kit, "a", "number", 1);
    kit_wait_lines(kit, "g/c[2]: init", 2);
    kit_wait(kit, "g/b[1]: 39");

    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\n");
    assert_all_arrive_once(*state, "g/b[1]");
}

static void test_ai4_senders_wait_while_the_group_of_the_receiver_is_in_backoff(void **state) {
    struct kit *kit = kit_start(
        *state, POLICY(SLOW) "actors:\n" SENDER "  g:\n"
                             "    supervise: { intensity: 0 }\n"
                             "    actors:\n"
                             "      b: { " RECEIVER " }\n"
                             "      h: { supervise: { intensity: 0 }, actors: {\n"
                             "        c: { type: kit.Player, config: { init: 'note init' } } "
                             "} }\n"
                             "wires: [a.out -> g/b.number]\n");

    kit_wait(kit, "g/h/c[3]: init");
    kit_number(kit, "a", "number", 1);
    kit_wait_lines(kit, "g/h/c[3]: init", 2);
    kit_wait(kit, "g/b[1]: 39");

    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\n");
    assert_all_arrive_once(*state, "g/b[1]");
}

/* The receiver could start, but for `c`, which is in a back-off of its own. */
static void test_ai4_senders_wait_for_one_that_waits_for_another_in_backoff(void **state) {
    struct kit *kit = kit_start(
        *state,
        POLICY("backoff: { initial: 10ms, factor: 1, jitter: 0 }") "actors:\n" SENDER
                                                                   "  c: { type: kit.Player, "
                                                                   "restart: { " SLOW " },\n"
                                                                   "       config: { init: 'note "
                                                                   "init', number: 'fail no' } }\n"
                                                                   "  b: { " RECEIVER
                                                                   ", after: [c] }\n"
                                                                   "wires: [a.out -> b.number]\n");

    kit_wait(kit, "b: init");
    kit_number(kit, "c", "number", 1);
    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_wait_lines(kit, "b: init", 2);
    kit_wait(kit, "b: 39");

    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\n");
    assert_all_arrive_once(*state, "b");
}

/* `m` has to end before `b` can start, but waits for room there: it is let through up to the hard
 * limit, and the rest comes back as from a cycle, because `b` is not gone. */
static void test_mb2_sibling_that_waits_for_room_is_let_through_and_no_further(void **state) {
    struct kit *kit = kit_start(
        *state,
        POLICY("strategy: one_for_all, backoff: { initial: 10ms }") "actors:\n"
                                                                    "  m: { type: kit.Player, "
                                                                    "config: { number: 'out 9 40', "
                                                                    "returned: 'note back %' } "
                                                                    "}\n"
                                                                    "  b: { " RECEIVER " }\n"
                                                                    "wires: [m.out -> b.number]\n");

    kit_wait(kit, "b: init");
    kit_number(kit, "m", "number", 1);
    kit_wait_lines(kit, "b: init", 2);
    kit_stop(kit);

    unsigned back = kit_count(*state, "m: back cycle overflow");
    char *trace = kit_trace_of(*state, "m");
    assert_null(strstr(trace, "gone"));
    free(trace);
    assert_true(back > 0);
    assert_int_equal(kit_count(*state, "b: 9"), 1);
    assert_int_equal(kit_count(*state, "b: 17"), 1);
}

/* MB-3: also when the stop itself was behind what had to wait. */
static void test_mb3_stop_of_ones_own_behind_a_pause_comes_before_the_next_message(void **state) {
    struct kit *kit = kit_start(
        *state, POLICY(SLOW) "actors:\n"
                             "  a: { type: kit.Player, config: { number: 'out 9; out 10 30; stop', "
                             "second: 'note late' } }\n"
                             "  b: { " RECEIVER " }\n"
                             "wires: [a.out -> b.number]\n");

    kit_wait(kit, "b: init");
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "b: 9");
    kit_settle(kit);
    kit_number(kit, "a", "second", 1);
    kit_wait(kit, "b: 39");
    kit_wait_closed(kit, "a");

    assert_int_equal(kit_dead_for(kit, TROUPE_GONE), 1);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "");
}

/* `t` is told to end before it was ever ready, and is not to start again: the cycle of `c` is looked at
 * all the same once the others have begun. */
static void test_dr1_cycle_ends_though_somebody_never_began(void **state) {
    struct kit *kit = kit_start(
        *state,
        POLICY(
            "strategy: rest_for_one, backoff: { initial: 1ms }") "actors:\n"
                                                                 "  c: { type: kit.Player, config: "
                                                                 "{ init: 'note init; out 3', "
                                                                 "number: 'note $; down' "
                                                                 "} }\n"
                                                                 "  a: { type: kit.Player, config: "
                                                                 "{ init: 'once init; stop' } }\n"
                                                                 "  t: { type: kit.Player, "
                                                                 "restart: temporary, after: [a], "
                                                                 "config: { init: 'note "
                                                                 "never' } }\n"
                                                                 "wires: [c.out -> c.number]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "c", "init\n3\n2\n1\n0\n");
    kit_assert_trace(*state, "t", "");
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_dr1_cycle_ends_though_somebody_never_began),
    KIT_TEST(KIT_BOTH, test_ai4_senders_wait_while_a_whole_batch_is_in_backoff),
    KIT_TEST(KIT_BOTH, test_ai4_senders_wait_while_the_group_of_the_receiver_is_in_backoff),
    KIT_TEST(KIT_SEEDED, test_ai4_senders_wait_for_one_that_waits_for_another_in_backoff),
    KIT_TEST(KIT_BOTH, test_mb2_sibling_that_waits_for_room_is_let_through_and_no_further),
    KIT_TEST(KIT_SEEDED, test_mb3_stop_of_ones_own_behind_a_pause_comes_before_the_next_message),
};

int main(void) {
    return KIT_RUN(tests);
}
