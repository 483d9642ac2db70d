/* Timers, watches and threads of their own (TM). */
#include "lib/app/kit.h"

static void test_tm1_no_tick_after_the_stop(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player, config: { init: 'tick 10 10',\n"
                                        "       tick: 'note tick; stop' } }\n"
                                        "  b: { type: kit.Player }\n");

    kit_wait(kit, "a: tick");
    kit_pass(kit, 1000);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "tick\n");
}

static const struct kit_test tm[] = {
    KIT_TEST(KIT_SEEDED, test_tm1_no_tick_after_the_stop),
};

int main(void) {
    return KIT_RUN(tm);
}
