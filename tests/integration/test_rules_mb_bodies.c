/* What a message holds: passed by pointer, revisions, lent and kept (MB-7 to MB-9). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/app/kit.h"

/* What stands in the trace of `actor` behind " at " in its first line, or its only word. */
static void get_address(void *state, const char *actor, char *ret, size_t size) {
    char *trace = kit_trace_of(state, actor);
    char *at = strstr(trace, "0x");
    if (!at) {
        fail_msg("'%s' traced no address: %s", actor, trace);
        return;
    }
    (void)snprintf(ret, size, "%.*s", (int)strcspn(at, "\n"), at);
    free(trace);
}

static void assert_same_address(void *state, const char *one, const char *other) {
    char first[32];
    char second[32];
    get_address(state, one, first, sizeof first);
    get_address(state, other, second, sizeof second);
    assert_string_equal(first, second);
}

static void assert_line_starts(void *state, const char *actor, const char *start) {
    char *trace = kit_trace_of(state, actor);
    if (strncmp(trace, start, strlen(start)) != 0) {
        fail_msg("'%s' does not start with '%s'", trace, start);
    }
    free(trace);
}

static void test_mb7_receivers_of_a_message_share_its_body(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 1; stop' } }\n"
                          "  x: { type: kit.Probe, config: { address: true } }\n"
                          "  y: { type: kit.Probe, config: { address: true } }\n"
                          "wires: [a.out -> x.item, a.out -> y.item]\n");

    kit_end(kit, NULL);

    assert_same_address(*state, "x", "y");
}

static void test_mb7_forwarding_passes_the_body_itself(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 1; stop' } }\n"
                          "  x: { type: kit.Probe, config: { address: true } }\n"
                          "  y: { type: kit.Probe, config: { address: true } }\n"
                          "  z: { type: kit.Probe, config: { address: true } }\n"
                          "wires: [a.out -> x.item, x.copy -> y.item, x.copy -> z.item]\n");

    kit_end(kit, NULL);

    assert_same_address(*state, "x", "y");
    assert_same_address(*state, "x", "z");
}

static void test_mb8_longer_handler_finds_zeros_in_a_shorter_message(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'item 5 five; stop' } }\n"
                          "  n: { type: kit.New }\n"
                          "wires: [a.item -> n.item]\n");

    kit_end(kit, NULL);

    assert_line_starts(*state, "n", "5 five 0 '' at ");
}

static void test_mb8_shorter_handler_reads_the_front_of_a_longer_message(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 5; stop' } }\n"
                          "  n: { type: kit.New }\n"
                          "  o: { type: kit.Old }\n"
                          "wires: [a.out -> n.number, n.copy -> o.item]\n");

    kit_end(kit, NULL);

    assert_line_starts(*state, "o", "5 stack at ");
}

static void test_mb8_block_has_room_for_the_largest_wired_receiver(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'item 5 five; stop' } }\n"
                          "  o: { type: kit.Old }\n"
                          "  n: { type: kit.New }\n"
                          "wires: [a.item -> o.item, a.item -> n.item]\n");

    kit_end(kit, NULL);

    /* no copy is needed: both read the same block */
    assert_line_starts(*state, "o", "5 five at ");
    assert_line_starts(*state, "n", "5 five 0 '' at ");
    assert_same_address(*state, "o", "n");
}

static void test_mb8_still_larger_handler_gets_an_extended_copy(void **state) {
    /* the probe takes anything, so the block has no room for what stands behind it */
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'item 5 five; stop' } }\n"
                          "  x: { type: kit.Probe }\n"
                          "  o: { type: kit.Old }\n"
                          "  n: { type: kit.New }\n"
                          "wires: [a.item -> x.item, x.copy -> o.item, x.copy -> n.item]\n");

    kit_end(kit, NULL);

    assert_line_starts(*state, "o", "5 five at ");
    assert_line_starts(*state, "n", "5 five 0 '' at ");
    kit_assert_trace(*state, "x", "item {\"item\":{\"number\":5,\"name\":\"five\"}}\n");
}

static void test_mb8_strings_lie_inside_the_block(void **state) {
    /* the sender's texts lay on its stack and are gone */
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 5 3; stop' } }\n"
                          "  n: { type: kit.New }\n"
                          "  x: { type: kit.Probe }\n"
                          "wires: [a.out -> n.number, n.copy -> x.item]\n");

    kit_end(kit, NULL);

    kit_assert_trace(
        *state, "x",
        "item {\"item\":{\"number\":5,\"name\":\"stack\",\"extra\":10,\"more\":\"gone\"}}\n"
        "item {\"item\":{\"number\":6,\"name\":\"stack\",\"extra\":12,\"more\":\"gone\"}}\n"
        "item {\"item\":{\"number\":7,\"name\":\"stack\",\"extra\":14,\"more\":\"gone\"}}\n");
}

static void test_mb8_other_type_on_a_reference_comes_back(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { returned: 'note $ %' } }\n"
                          "  o: { type: kit.Old }\n");
    struct troupe_ref to = {inst_uid(kit_actor(kit, "o")), kit_port(kit, "item")};

    kit_do_to(kit, "a", "tell 1", to);
    kit_wait(kit, "a: 1 no such port");
    kit_stop(kit);
}

static void test_mb9_kept_messages_stay_and_are_passed_on_later(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player, config: { init: 'item 1 one; "
                                        "item 2 two; item 3 three; stop' } }\n"
                                        "  x: { type: kit.Probe, config: { keep: 3 } }\n"
                                        "  y: { type: kit.Probe }\n"
                                        "wires: [a.item -> x.item, x.copy -> y.item]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "y",
                     "item {\"item\":{\"number\":3,\"name\":\"three\"}}\n"
                     "item {\"item\":{\"number\":2,\"name\":\"two\"}}\n"
                     "item {\"item\":{\"number\":1,\"name\":\"one\"}}\n");
}

static void test_mb9_keeping_copies_nothing(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 1; stop' } }\n"
                          "  x: { type: kit.Probe, config: { keep: 1, address: true } }\n"
                          "  y: { type: kit.Probe, config: { address: true } }\n"
                          "wires: [a.out -> x.item, x.copy -> y.item]\n");

    kit_end(kit, NULL);

    assert_same_address(*state, "x", "y");
    char *trace = kit_trace_of(*state, "x");
    char *kept = strstr(trace, "kept ");
    assert_non_null(kept);
    assert_memory_equal(strstr(trace, "0x"), kept + strlen("kept "),
                        strcspn(kept + strlen("kept "), "\n"));
    free(trace);
}

static void test_mb9_what_is_not_dropped_goes_with_the_incarnation(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 1 9; stop' } }\n"
                          "  x: { type: kit.Probe, config: { keep: 2, drop: false } }\n"
                          "  y: { type: kit.Probe, config: { keep: 16 } }\n"
                          "wires: [a.out -> x.item, x.copy -> y.item]\n");

    kit_end(kit, NULL); /* asserts that no message is left */

    assert_int_equal(kit_count(*state, "y: item {\"number\":{\"number\":2}}"), 1);
}

static void test_mb9_only_what_came_in_there_can_be_forwarded(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 1; other 2; stop' } }\n"
                          "  x: { type: kit.Probe }\n"
                          "  b: { type: kit.Player, config: { number: 'note $' } }\n"
                          "wires: [a.out -> x.item, a.other -> x.second, x.copy -> b.number]\n");

    kit_end(kit, NULL);

    kit_assert_trace(*state, "b", "1\n");
    assert_int_equal(kit_count(*state, "x: forward: invalid argument"), 1);
}

static void test_mb9_kept_message_is_no_memory_of_the_state(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { init: 'out 1; stop' } }\n"
                          "  x: { type: kit.Probe, config: { keep: 2, free: true } }\n"
                          "wires: [a.out -> x.item]\n");
    struct supervisor_result result;

    kit_end(kit, &result);

    assert_string_equal(result.cause,
                        "actor 'p/x[0]' failed: item: freed memory that is not a live "
                        "block of this actor");
}

static const struct kit_test bodies[] = {
    KIT_TEST(KIT_BOTH, test_mb7_receivers_of_a_message_share_its_body),
    KIT_TEST(KIT_BOTH, test_mb7_forwarding_passes_the_body_itself),
    KIT_TEST(KIT_BOTH, test_mb8_longer_handler_finds_zeros_in_a_shorter_message),
    KIT_TEST(KIT_BOTH, test_mb8_shorter_handler_reads_the_front_of_a_longer_message),
    KIT_TEST(KIT_BOTH, test_mb8_block_has_room_for_the_largest_wired_receiver),
    KIT_TEST(KIT_BOTH, test_mb8_still_larger_handler_gets_an_extended_copy),
    KIT_TEST(KIT_BOTH, test_mb8_strings_lie_inside_the_block),
    KIT_TEST(KIT_BOTH, test_mb8_other_type_on_a_reference_comes_back),
    KIT_TEST(KIT_BOTH, test_mb9_kept_messages_stay_and_are_passed_on_later),
    KIT_TEST(KIT_BOTH, test_mb9_keeping_copies_nothing),
    KIT_TEST(KIT_BOTH, test_mb9_what_is_not_dropped_goes_with_the_incarnation),
    KIT_TEST(KIT_BOTH, test_mb9_only_what_came_in_there_can_be_forwarded),
    KIT_TEST(KIT_BOTH, test_mb9_kept_message_is_no_memory_of_the_state),
};

int main(void) {
    return KIT_RUN(bodies);
}
