/* Who waits for whom around a restart: senders, siblings, groups, those who start after others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"

#define POLICY(text) "supervision: { intensity: 20, period: 10s, " text " }\n"
#define SLOW "backoff: { initial: 100ms, factor: 1, jitter: 0 }"

#define RECEIVER                                                                                   \
    "type: kit.Player, config: { init: 'note init', number: 'note $; once nine' },\n"              \
    "mailbox: { capacity: 1 }"

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

static const struct kit_test tests[] = {
    KIT_TEST(KIT_SEEDED, test_mb3_stop_of_ones_own_behind_a_pause_comes_before_the_next_message),
};

int main(void) {
    return KIT_RUN(tests);
}
