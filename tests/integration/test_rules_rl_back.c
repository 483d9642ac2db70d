/* Reload (RL-3, RL-4): ways back that there are not. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/app/kit_case.h"

#define TWO_OF(a)                                                                                  \
    "actors:\n"                                                                                    \
    "  a: { type: adder.Adder" a " }\n"                                                            \
    "  b: { type: adder.Adder }\n"                                                                 \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "  ask-a: { type: kit.Player, config: { number: 'ask 0 1000', reply: 'note $' } }\n"           \
    "  ask-b: { type: kit.Player, config: { number: 'ask 0 1000', reply: 'note $' } }\n"           \
    "wires:\n"                                                                                     \
    "  - a.out -> ear.number\n"                                                                    \
    "  - b.out -> ear.number\n"                                                                    \
    "  - ask-a.ask -> a.total\n"                                                                   \
    "  - ask-b.ask -> b.total\n"
#define TWO TWO_OF("")

struct play {
    void **state;
    struct kit *kit;
    bool is_told;
};

/* Numbers for `a` until the new code has handled one, then the one that `b` fails of there. */
static void play_on(void *context, uint64_t until_ns) {
    struct play *play = context;
    (void)until_ns;
    if (kit_count(*play->state, "ear: 1001") == 0) {
        assert_true(kit_number(play->kit, "a", "number", 1));
    } else if (!play->is_told) {
        play->is_told = kit_number(play->kit, "b", "number", 13);
    }
}

/* What `a` has become can't be read by the code before: it stays what it is, with all that it knows. */
static void test_rl4_without_a_way_back_no_state_is_misread(void **state) {
    struct reload_report report;
    char line[64];
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, TWO);
    assert_true(kit_number(kit, "a", "number", 500));
    assert_true(kit_number(kit, "b", "number", 7));
    kit_wait(kit, "ear: 500");
    kit_wait(kit, "ear: 7");
    struct play play = {state, kit, false};
    kit_plugin(*state, "adder_3", "adder.so");

    int status = kit_reload(kit,
                            (struct reload_how){.has_probation = true,
                                                .probation_ns = 60 * NS_PER_S,
                                                .probation_messages = 1000,
                                                .step = play_on,
                                                .context = &play},
                            &report);

    assert_int_equal(status, -1);
    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_string_equal(report.reason, "'p/b[0]': number: error");
    assert_false(report.can_go_back);
    assert_int_equal(report.stranded, 1);
    kit_assert_logged(*state, "actor type 'adder.Adder' has no way back");
    kit_wait(kit, "ear: 13");
    assert_true(kit_number(kit, "a", "number", 1));
    assert_true(kit_number(kit, "ask-a", "number", 0));
    assert_true(kit_number(kit, "ask-b", "number", 0));
    unsigned ones = kit_count(*state, "ear: 1") + kit_count(*state, "ear: 1001");
    (void)snprintf(line, sizeof line, "ask-a: %u", 500 + ones + 1);
    kit_wait(kit, line);
    kit_wait(kit, "ask-b: 20");
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_SEEDED, test_rl4_without_a_way_back_no_state_is_misread),
};

int main(void) {
    return KIT_RUN(tests);
}
