/* Reload (RL-1): new code sends messages that lack a field which the manifest names. */
#include "lib/app/kit.h"

#include <string.h>

static const struct reload_how at_once = {.has_probation = true};

/* With the manifest as it was read at the start. `reason` is the end of what is said, and is whole behind the name of
 * the file. */
static void refuse_code(void **state, const char *manifest, const char *reason) {
    struct reload_report report;
    kit_plugin(*state, "mint_1", "mint.so");
    struct kit *kit = kit_start(*state, manifest);
    kit_plugin(*state, "mint_2", "mint.so");

    assert_int_equal(kit_reload(kit, at_once, &report), -1);

    assert_int_equal(report.outcome, RELOAD_REFUSED);
    const char *found = strstr(report.reason, reason);
    if (!found || strcmp(found, reason) != 0) {
        fail_msg("'%s' does not end with '%s'", report.reason, reason);
    }
    kit_stop(kit);
}

static void test_rl_a_key_of_a_route_that_new_messages_lack_refuses(void **state) {
    refuse_code(state,
                "actors:\n"
                "  mint: { type: mint.Mint }\n"
                "  purse: { type: mint.Purse, replicas: 2 }\n"
                "wires:\n"
                "  - { from: mint.coin, to: purse.all, route: hash, key: owner }\n",
                ":9:57: 'mint.coin/1' has no field 'owner', and 'mint.coin' of the new code sends "
                "it");
}

static void test_rl_a_setting_that_names_a_field_which_new_messages_lack_refuses(void **state) {
    refuse_code(state,
                "actors:\n"
                "  mint: { type: mint.Mint }\n"
                "  purse: { type: mint.Purse, config: { by: owner } }\n"
                "wires: [ mint.coin -> purse.all ]\n",
                ":7:44: 'purse': config key 'by': 'mint.coin/1' has no field 'owner', and "
                "'mint.coin' of the new code sends it");
}

/* By way of one who passes on what comes in. */
static void test_rl_a_setting_that_names_a_field_which_comes_through_another_refuses(void **state) {
    refuse_code(state,
                "actors:\n"
                "  mint: { type: mint.Mint }\n"
                "  first: { type: mint.Purse }\n"
                "  purse: { type: mint.Purse, config: { by: owner } }\n"
                "wires: [ mint.coin -> first.all, first.same -> purse.all ]\n",
                ":8:44: 'purse': config key 'by': 'mint.coin/1' has no field 'owner', and "
                "'mint.coin' of the new code sends it");
}

static void test_rl_fields_that_new_messages_have_are_none_of_its_concern(void **state) {
    struct reload_report report;
    kit_plugin(*state, "mint_1", "mint.so");
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  mint: { type: mint.Mint }\n"
                          "  first: { type: mint.Purse, config: { by: number } }\n"
                          "  second: { type: mint.Purse, replicas: 2 }\n"
                          "wires:\n"
                          "  - mint.coin -> first.all\n"
                          "  - { from: first.same, to: second.all, route: hash, key: number }\n");
    kit_plugin(*state, "mint_2", "mint.so");

    assert_int_equal(kit_reload(kit, at_once, &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_rl_a_key_of_a_route_that_new_messages_lack_refuses),
    KIT_TEST(KIT_BOTH, test_rl_a_setting_that_names_a_field_which_new_messages_lack_refuses),
    KIT_TEST(KIT_BOTH, test_rl_a_setting_that_names_a_field_which_comes_through_another_refuses),
    KIT_TEST(KIT_BOTH, test_rl_fields_that_new_messages_have_are_none_of_its_concern),
};

int main(void) {
    return KIT_RUN(tests);
}
