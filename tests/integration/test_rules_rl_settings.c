/* Reload (RL): settings change while actors live, by a manifest that was read again, or with their code. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/fault.h"

/* One actor of a type with this config, and who hears of it. */
#define ONE(type, config)                                                                          \
    "actors:\n"                                                                                    \
    "  knob: { type: " type config " }\n"                                                          \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "wires: [knob.out -> ear.number]\n"
#define FACTOR(number) ", config: { factor: " number " }"

static const struct reload_how at_once = {.has_probation = true};
static const struct reload_how watched = {
    .has_probation = true, .probation_ns = 60 * NS_PER_S, .probation_messages = 1000};

static struct kit *start(void **state, const char *manifest) {
    kit_plugin(*state, "knob_1", "knob.so");
    return kit_start(*state, manifest);
}

static void turn(struct kit *kit, uint64_t number, const char *heard) {
    assert_true(kit_number(kit, "knob", "number", number));
    kit_wait(kit, heard);
}

static void test_rl_settings_change_by_the_row_for_it(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ONE("knob.Hook", ""));
    uint64_t uid = inst_uid(kit_actor(kit, "knob"));
    turn(kit, 7, "ear: 7");

    assert_int_equal(kit_reload_to(kit, ONE("knob.Hook", FACTOR("2")), at_once, &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.settings, 1);
    assert_int_equal(report.files, 0);
    kit_wait(kit, "ear: 5002"); /* what it did in `reconfigure` was done */
    turn(kit, 7, "ear: 14");
    assert_int_equal(inst_uid(kit_actor(kit, "knob")), uid);
    kit_stop(kit);
}

static void test_rl_settings_change_through_the_saved_state(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ONE("knob.Saved", FACTOR("2")));
    turn(kit, 7, "ear: 14");

    assert_int_equal(kit_reload_to(kit, ONE("knob.Saved", FACTOR("3")), at_once, &report), 0);

    assert_int_equal(report.settings, 1);
    turn(kit, 7, "ear: 21");
    assert_int_equal(kit_reload_to(kit, ONE("knob.Saved", FACTOR("3")), at_once, &report), 0);
    assert_int_equal(report.outcome, RELOAD_NOTHING);
    assert_int_equal(kit_reload_to(kit, ONE("knob.Saved", ""), at_once, &report), 0);
    turn(kit, 8, "ear: 8");
    kit_stop(kit);
}

static void assert_refused(struct kit *kit, const char *manifest, const char *reason) {
    struct reload_report report;
    assert_int_equal(kit_reload_to(kit, manifest, at_once, &report), -1);
    assert_string_equal(report.reason, reason);
    assert_int_equal(report.outcome, RELOAD_REFUSED);
}

static void test_rl_what_takes_a_restart_is_refused_as_a_whole(void **state) {
    struct kit *kit = start(state, ONE("knob.Plain", ""));

    assert_refused(kit, ONE("knob.Plain", ", mailbox: { capacity: 5 }"),
                   "this takes a restart: restart 'knob': mailbox.capacity");
    assert_refused(kit,
                   "workers: 3\n"
                   "actors:\n"
                   "  knob: { type: knob.Hook }\n"
                   "  other: { type: knob.Plain }\n",
                   "this takes a restart: restart the proc: workers; restart 'knob': type");

    turn(kit, 9, "ear: 9");
    kit_stop(kit);
}

static void test_rl_who_takes_settings_only_when_it_starts_begins_a_new_life(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ONE("knob.Plain", ""));
    struct inst *knob = kit_actor(kit, "knob");
    uint64_t uid = inst_uid(knob);
    turn(kit, 7, "ear: 7");

    assert_int_equal(kit_reload_to(kit, ONE("knob.Plain", FACTOR("3")), at_once, &report), 0);

    assert_int_equal(report.restarted, 1);
    assert_string_equal(report.changes, "restart 'knob', which takes settings only when it "
                                        "starts: config.factor");
    turn(kit, 7, "ear: 21");
    assert_int_equal(inst_incarnation(knob), 2);
    assert_int_equal(inst_uid(kit_actor(kit, "knob")), uid);
    assert_int_equal(kit_reload_to(kit, ONE("knob.Plain", FACTOR("3")), at_once, &report), 0);
    assert_int_equal(report.outcome, RELOAD_NOTHING);
    kit_stop(kit);
}

static void test_rl_settings_by_a_restart_go_over_to_other_code(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ONE("knob.Plain", ""));
    assert_int_equal(kit_reload_to(kit, ONE("knob.Plain", FACTOR("3")), at_once, &report), 0);
    turn(kit, 7, "ear: 21");
    kit_plugin(*state, "knob_2", "knob.so");

    assert_int_equal(kit_reload_to(kit, ONE("knob.Plain", FACTOR("3")), at_once, &report), 0);

    turn(kit, 7, "ear: 1021");
    kit_stop(kit);
}

/* The one that refuses, and the one that had taken it. */
#define TWO(first, second)                                                                         \
    "actors:\n"                                                                                    \
    "  knob: { type: knob.Hook" first " }\n"                                                       \
    "  other: { type: knob.Hook" second " }\n"                                                     \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "wires: [knob.out -> ear.number, other.out -> ear.number]\n"

static void test_rl_who_refuses_settings_takes_all_back(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, TWO("", ""));
    turn(kit, 7, "ear: 7");

    int status = kit_reload_to(kit, TWO(FACTOR("2"), FACTOR("13")), at_once, &report);

    assert_int_equal(status, -1);
    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_string_equal(report.actor, "p/other[0]");
    assert_string_equal(report.reason, "'p/other[0]': reconfigure: no 13");
    assert_int_equal(report.stranded, 0);
    turn(kit, 8, "ear: 8");
    assert_true(kit_number(kit, "other", "number", 9));
    kit_wait(kit, "ear: 9");
    assert_int_equal(kit_reload_to(kit, TWO(FACTOR("4"), FACTOR("3")), at_once, &report), 0);
    turn(kit, 8, "ear: 32");
    kit_stop(kit);
}

static void test_rl_a_fault_in_reconfigure_is_the_actors_and_takes_all_back(void **state) {
    static const char policy[] = "supervision: { intensity: 5, backoff: { initial: 1ms } }\n";
    struct reload_report report;
    char old[1024];
    char new[1024];
    if (!fault_is_contained()) {
        return; /* nothing goes on after a fault then */
    }
    (void)snprintf(old, sizeof old, "%s%s", policy, TWO("", FACTOR("5")));
    (void)snprintf(new, sizeof new, "%s%s", policy, TWO(FACTOR("2"), FACTOR("66")));
    struct kit *kit = start(state, old);
    turn(kit, 7, "ear: 7");

    assert_int_equal(kit_reload_to(kit, new, at_once, &report), -1);

    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_non_null(strstr(report.reason, "SIGSEGV"));
    turn(kit, 8, "ear: 8");
    assert_true(kit_number(kit, "other", "number", 9));
    kit_wait(kit, "ear: 45"); /* a life of its own, with the settings before */
    kit_stop(kit);
}

#define FED(config)                                                                                \
    "actors:\n"                                                                                    \
    "  knob: { type: knob.Saved" config " }\n"                                                     \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "  source: { type: kit.Player, config: { init: 'tick 2 2', tick: 'out 7' } }\n"                \
    "wires: [knob.out -> ear.number, source.out -> knob.number]\n"

static void test_rl4_a_first_turn_that_fails_of_its_settings_was_not(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, FED(FACTOR("2")));
    kit_wait(kit, "ear: 14");

    assert_int_equal(kit_reload_to(kit, FED(FACTOR("13")), watched, &report), -1);

    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_int_equal(report.counts.undone, 1);
    unsigned heard = kit_count(*state, "ear: 14");
    kit_wait_lines(kit, "ear: 14", heard + 3);
    kit_stop(kit);
}

/* --- with other code --- */

#define ALL                                                                                        \
    "actors:\n"                                                                                    \
    "  knob: { type: knob.Saved, config: { factor: 2 } }\n"                                        \
    "  plain: { type: knob.Plain, config: { factor: 5 } }\n"                                       \
    "  parent: { type: knob.Parent }\n"                                                            \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "wires: [knob.out -> ear.number, plain.out -> ear.number, parent.out -> ear.number]\n"

static void reload_code(struct kit *kit, void **state, const char *plugin, int expected,
                        struct reload_report *report) {
    kit_plugin(*state, plugin, "knob.so");
    assert_int_equal(kit_reload(kit, at_once, report), expected);
}

static void test_rl_other_keys_are_filled_in_from_the_manifest_or_carried_over(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ALL);
    assert_true(kit_number(kit, "parent", "number", 0));
    assert_true(kit_number(kit, "parent", "number", 7));
    kit_wait(kit, "ear: 21");

    reload_code(kit, state, "knob_2", 0, &report);

    assert_int_equal(report.settings, 2);
    turn(kit, 7, "ear: 1014");
    assert_true(kit_number(kit, "plain", "number", 7));
    kit_wait(kit, "ear: 1035");
    assert_true(kit_number(kit, "parent", "number", 7));
    kit_wait(kit, "ear: 1021"); /* the child's factor was carried over */

    reload_code(kit, state, "knob_1", 0, &report);

    turn(kit, 8, "ear: 16");
    assert_true(kit_number(kit, "plain", "number", 8));
    kit_wait(kit, "ear: 40");
    assert_true(kit_number(kit, "parent", "number", 8));
    kit_wait(kit, "ear: 24");
    kit_stop(kit);
}

/* The manifest stands behind four lines of the kit's. */
static void refuse_code(void **state, const char *manifest, const char *plugin,
                        const char *reason) {
    struct reload_report report;
    struct kit *kit = start(state, manifest);

    reload_code(kit, state, plugin, -1, &report);

    assert_int_equal(report.outcome, RELOAD_REFUSED);
    assert_int_equal(report.step, RELOAD_STEP_CHECK);
    assert_int_equal(report.to_generation, 0);
    const char *place = strstr(report.reason, ".yaml:");
    assert_string_equal(place ? place : report.reason, reason);
    assert_true(kit_number(kit, "knob", "number", 7));
    kit_wait_lines(kit, "ear: 7", 1);
    kit_stop(kit);
}

static void test_rl_a_new_key_that_has_to_be_given_refuses(void **state) {
    refuse_code(state, ONE("knob.Saved", ""), "knob_3",
                ".yaml:6:3: 'knob': config key 'offset' is missing: what to add");
    refuse_code(state, ONE("knob.Saved", FACTOR("1")), "knob_3",
                ".yaml:6:29: 'knob': config key 'offset' is missing: what to add");
}

static void test_rl_a_setting_whose_key_is_gone_refuses(void **state) {
    refuse_code(state, ONE("knob.Saved", ", config: { factor: 1, pause: 2s }"), "knob_2",
                ".yaml:6:50: 'knob': unknown config key 'pause'; the keys are 'offset', "
                "'factor', 'label'");
    refuse_code(state, ONE("knob.Hook", FACTOR("1")), "knob_3",
                ".yaml:6:38: 'knob': it takes no config any more");
}

static void test_rl_a_setting_that_is_no_value_of_its_new_type_refuses(void **state) {
    refuse_code(state, ONE("knob.Saved", ", config: { label: loud }"), "knob_2",
                ".yaml:6:46: 'knob': config key 'label' takes a list; write [loud]");
}

static void test_rl_a_key_that_a_child_would_have_to_be_given_takes_back(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, "actors:\n"
                                   "  knob: { type: knob.Parent }\n"
                                   "  ear: { type: kit.Player, config: { number: 'note $' } }\n"
                                   "wires: [knob.out -> ear.number]\n");
    assert_true(kit_number(kit, "knob", "number", 0));
    turn(kit, 7, "ear: 21");

    reload_code(kit, state, "knob_3", -1, &report);

    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_non_null(strstr(report.reason, "config key 'offset' is missing: what to add"));
    turn(kit, 8, "ear: 24");
    kit_stop(kit);
}

static void test_rl_code_and_settings_change_together(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ONE("knob.Saved", FACTOR("2")));
    turn(kit, 7, "ear: 14");
    kit_plugin(*state, "knob_3", "knob.so");

    int status = kit_reload_to(kit, ONE("knob.Saved", ", config: { factor: 3, offset: 500 }"),
                               at_once, &report);

    assert_int_equal(status, 0);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.settings, 1);
    turn(kit, 7, "ear: 521");
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_rl_settings_change_by_the_row_for_it),
    KIT_TEST(KIT_BOTH, test_rl_settings_change_through_the_saved_state),
    KIT_TEST(KIT_BOTH, test_rl_what_takes_a_restart_is_refused_as_a_whole),
    KIT_TEST(KIT_BOTH, test_rl_who_takes_settings_only_when_it_starts_begins_a_new_life),
    KIT_TEST(KIT_BOTH, test_rl_settings_by_a_restart_go_over_to_other_code),
    KIT_TEST(KIT_BOTH, test_rl_who_refuses_settings_takes_all_back),
    KIT_TEST(KIT_BOTH, test_rl_a_fault_in_reconfigure_is_the_actors_and_takes_all_back),
    KIT_TEST(KIT_BOTH, test_rl4_a_first_turn_that_fails_of_its_settings_was_not),
    KIT_TEST(KIT_BOTH, test_rl_other_keys_are_filled_in_from_the_manifest_or_carried_over),
    KIT_TEST(KIT_BOTH, test_rl_a_new_key_that_has_to_be_given_refuses),
    KIT_TEST(KIT_BOTH, test_rl_a_setting_whose_key_is_gone_refuses),
    KIT_TEST(KIT_BOTH, test_rl_a_setting_that_is_no_value_of_its_new_type_refuses),
    KIT_TEST(KIT_BOTH, test_rl_a_key_that_a_child_would_have_to_be_given_takes_back),
    KIT_TEST(KIT_BOTH, test_rl_code_and_settings_change_together),
};

int main(void) {
    return KIT_RUN(tests);
}
