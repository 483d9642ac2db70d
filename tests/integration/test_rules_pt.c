/* Ports and wires (PT). */
#include "lib/app/kit.h"

static void test_pt3_output_reaches_every_wire(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player }\n"
                "  b: { type: kit.Player, config: { number: 'note got $' } }\n"
                "  c: { type: kit.Player, config: { number: 'note got $', second: 'note 2 $' } }\n"
                "wires: [a.out -> b.number, a.out -> c.number, a.out -> c.second]\n");

    kit_do(kit, "a", "out 1");
    kit_settle(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "b", "got 1\n");
    kit_assert_trace(*state, "c", "got 1\n2 1\n");
}

static const struct kit_test pt[] = {
    KIT_TEST(KIT_BOTH, test_pt3_output_reaches_every_wire),
};

int main(void) {
    return KIT_RUN(pt);
}
