/* Reload (RL-1): before actors go over, new code runs behind the old on live messages. */
#include "lib/app/kit_stuck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct reload_how shadow_of(uint64_t messages) {
    return (struct reload_how){.has_probation = true,
                               .skips_probe = true,
                               .has_shadow = true,
                               .shadow = {.messages = messages, .time_ns = 60 * NS_PER_S}};
}

/* The first difference; freed by the caller. */
static void take_first(void *context, const char *json) {
    char **ret = context;
    *ret = *ret ? *ret : strdup(json);
}

static char *first_difference(struct kit *kit, const struct reload_report *report) {
    char *first = NULL;
    assert_true(
        reload_differences(deploy_reload(kit_deploy(kit)), report->number, take_first, &first));
    assert_non_null(first);
    return first;
}

static void assert_differs_in(struct kit *kit, const struct reload_report *report,
                              const char *what) {
    char *first = first_difference(kit, report);
    if (!strstr(first, what)) {
        fail_msg("'%s' is not in '%s'", what, first);
    }
    free(first);
}

static void assert_refused(const struct reload_report *report) {
    if (report->outcome != RELOAD_REFUSED || report->step != RELOAD_STEP_SHADOW) {
        fail_msg("%s at '%s': %s", reload_outcome_text(report->outcome),
                 reload_step_text(report->step), report->reason);
    }
    assert_int_equal(report->counts.over, 0);
    assert_int_equal(report->shadow.alive, 0);
}

/* --- adders: the second version sends 1000 more, and answers as the first --- */

#define ADDERS(tick, number)                                                                       \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "  source: { type: kit.Player, config: { init: 'tick 2 2', tick: '" tick "', number: '" number \
    "' } }\n"                                                                                      \
    "  asker: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note total $' } }\n"    \
    "  prober: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note version $' } }\n" \
    "wires:\n"                                                                                     \
    "  - source.out -> adder.number\n"                                                             \
    "  - source.ask -> adder.total\n"                                                              \
    "  - adder.out -> ear.number\n"                                                                \
    "  - asker.ask -> adder.total\n"                                                               \
    "  - prober.ask -> adder.version\n"

static struct kit *start(void **state, const char *manifest) {
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, manifest);
    kit_wait(kit, "source: runs");
    kit_plugin(*state, "adder_2", "adder.so");
    return kit;
}

#define RUNS "untick; tick 2 2; note runs" /* so that something is noted once it does */

static void ask(struct kit *kit, const char *who, const char *line) {
    assert_true(kit_number(kit, who, "number", 0));
    kit_wait(kit, line);
}

/* The sum is that of what the ear heard of the old code: nothing was lost, and nothing of the new code came out. */
static void assert_old_code_runs(void **state, struct kit *kit, uint64_t number) {
    char total[64], old[32], new[32];
    ask(kit, "source", "source: still");
    kit_settle(kit);
    (void)snprintf(old, sizeof old, "ear: %llu", (unsigned long long)number);
    (void)snprintf(new, sizeof new, "ear: %llu", (unsigned long long)number + 1000);
    (void)snprintf(total, sizeof total, "asker: total %llu",
                   (unsigned long long)(number * kit_count(*state, old)));
    assert_int_equal(kit_count(*state, new), 0);
    ask(kit, "asker", total);
    ask(kit, "prober", "prober: version 1");
}

static void test_rl1_code_that_does_the_same_in_shadow_takes_over(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ADDERS("ask 0 60000; note runs", "untick; note still"));

    assert_int_equal(kit_reload(kit, shadow_of(20), &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.counts.over, 1);
    assert_int_equal(report.shadow.compared, 20);
    assert_int_equal(report.shadow.differences, 0);
    assert_int_equal(report.shadow.actors, 1);
    assert_int_equal(report.shadow.alive, 0);
    ask(kit, "prober", "prober: version 2");
    kit_stop(kit);
}

static void test_rl1_code_that_does_something_else_in_shadow_is_refused(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ADDERS("out 5; note runs", "untick; note still"));

    assert_int_equal(kit_reload(kit, shadow_of(8), &report), -1);

    assert_refused(&report);
    assert_int_equal(report.shadow.differences, 8);
    assert_string_equal(report.actor, "p/adder[0]");
    assert_string_equal(report.reason,
                        "8 of 8 turns that were compared differ; first 'p/adder[0]': "
                        "message on 'out': 'number' differs");
    assert_differs_in(kit, &report,
                      "\"handler\": \"number\", \"message\": {\"number\":{\"number\":5}}, "
                      "\"what\": \"message on 'out': 'number' differs\", "
                      "\"old\": {\"send\": \"out\", \"message\": {\"number\":{\"number\":5}}}, "
                      "\"new\": {\"send\": \"out\", \"message\": {\"number\":{\"number\":1005}}}}");
    kit_assert_logged(*state, "shadow: {\"actor\": \"p/adder[0]\", \"turn\": ");
    assert_old_code_runs(state, kit, 5);
    kit_stop(kit);
}

static void test_rl1_differences_are_told_of_code_that_takes_over_all_the_same(void **state) {
    struct reload_report report;
    struct kit *kit = start(state, ADDERS("out 5; note runs", "untick; note still"));
    struct reload_how how = shadow_of(3);
    how.shadow.differences = DIFFERENCES_PROMOTE;

    assert_int_equal(kit_reload(kit, how, &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.shadow.differences, 3);
    assert_differs_in(kit, &report, "1005");
    kit_wait(kit, "ear: 1005");
    kit_stop(kit);
}

static void refuse_for(void **state, const char *manifest, uint64_t number, const char *what) {
    struct reload_report report;
    struct kit *kit = start(state, manifest);

    assert_int_equal(kit_reload(kit, shadow_of(1), &report), -1);

    assert_refused(&report);
    assert_int_equal(report.shadow.differences, 1);
    assert_differs_in(kit, &report, what);
    assert_old_code_runs(state, kit, number);
    kit_stop(kit);
}

static void test_rl1_a_crash_in_shadow_is_a_difference(void **state) {
    if (fault_is_contained()) {
        refuse_for(state, ADDERS("out 666; note runs", "untick; note still"), 666,
                   "\"new\": \"error: panic: SIGSEGV");
    }
}

/* With a sanitizer it can't be broken off, and its thread would stay for ever. */
static void test_rl1_an_endless_loop_in_shadow_is_a_difference(void **state) {
    if (fault_is_contained()) {
        refuse_for(state, ADDERS("out 9999; note runs", "untick; note still"), 9999,
                   "\"new\": \"error: stuck: ran for ");
    }
}

static void refuse_to_load(void **state, const char *how, const char *what) {
    setenv("ADDER_LOAD", how, 1);
    refuse_for(state, ADDERS("out 5; note runs", "untick; note still"), 5, what);
    unsetenv("ADDER_LOAD");
}

static void test_rl1_a_state_that_new_code_does_not_take_is_a_difference(void **state) {
    refuse_to_load(state, "error",
                   "\"handler\": \"load\", \"message\": null, \"what\": \"how the turn ends\"");
}

static void test_rl1_a_migration_that_crashes_in_shadow_is_a_difference(void **state) {
    if (fault_is_contained()) {
        refuse_to_load(state, "fault", "panic: SIGSEGV");
    }
}

static void test_rl1_a_migration_that_hangs_in_shadow_is_a_difference(void **state) {
    if (fault_is_contained()) {
        refuse_to_load(state, "hang", "stuck: ran for ");
    }
}

static void test_rl1_too_few_messages_in_time_are_told(void **state) {
    struct reload_report report;
    struct reload_how how = shadow_of(5);
    how.shadow.time_ns = 50 * NS_PER_MS;
    struct kit *kit = start(state, ADDERS("untick; note runs", "note still"));

    assert_int_equal(kit_reload(kit, how, &report), -1);

    assert_refused(&report);
    assert_int_equal(report.shadow.compared, 0);
    static const char said[] = "only 0 of 5 turns could be compared in ";
    const char *reason = strstr(report.reason, said);
    assert_non_null(reason);
    assert_true(strtol(reason + strlen(said), NULL, 10) >= 50);
    ask(kit, "prober", "prober: version 1");
    kit_stop(kit);
}

static void test_rl1_a_type_without_actors_takes_over_uncompared(void **state) {
    struct reload_report report;
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  adder: { type: adder.Adder }\n"
                          "  stays: { type: kit.Player }\n"
                          "  ender: { type: kit.Player, config: { number: 'stop' } }\n"
                          "wires:\n"
                          "  - ender.out -> adder.number\n");
    assert_true(kit_number(kit, "ender", "number", 0));
    kit_wait_closed(kit, "adder");
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, shadow_of(5), &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.shadow.compared, 0);
    kit_stop(kit);
}

static void test_rl1_who_has_not_started_yet_is_waited_for(void **state) {
    struct reload_report report;
    struct reload_how how = shadow_of(1);
    how.shadow.time_ns = 20 * NS_PER_MS;
    kit_gate_make(*state, "g");
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  first: { type: kit.Player, thread: own, config: { init: 'gate g; note first' } }\n"
        "  adder: { type: adder.Adder, after: [first] }\n");
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, how, &report), -1);

    assert_refused(&report);
    kit_open_until(*state, "g", "first: first");
    kit_stop(kit);
}

/* --- shades: both versions do the same, but where they are told not to --- */

#define SHADES                                                                                     \
    "actors:\n"                                                                                    \
    "  shade: { type: shade.Shade }\n"                                                             \
    "  plain: { type: shade.Plain }\n"                                                             \
    "  world: { type: shade.World }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "  mouth: { type: kit.Player, config: { number: 'out $' } }\n"                                 \
    "  asker: { type: kit.Player, config: { number: 'ask $ 60000', reply: 'note $ %' } }\n"        \
    "wires:\n"                                                                                     \
    "  - shade.out -> ear.number\n"                                                                \
    "  - shade.passed -> ear.number\n"                                                             \
    "  - plain.out -> ear.number\n"                                                                \
    "  - mouth.out -> shade.thing\n"                                                               \
    "  - asker.ask -> shade.asked\n"

static struct kit *start_shades(void **state) {
    kit_plugin(*state, "shade_1", "shade.so");
    struct kit *kit = kit_start(*state, SHADES);
    kit_settle(kit);
    kit_plugin(*state, "shade_2", "shade.so");
    return kit;
}

/* Seeded: what is sent before waits until the reload lets time pass. */
static void send(struct kit *kit, const char *actor, uint64_t number) {
    assert_true(kit_number(kit, actor, "number", number));
}

static void test_rl1_whatever_the_same_code_asks_for_is_the_same(void **state) {
    struct reload_report report;
    struct kit *kit = start_shades(state);
    const uint64_t numbers[] = {0, 1, 2, 3, 5, 6, 7, 8, 9, 9, 10, 10, 11, 15, 102, 202};
    const unsigned count = sizeof numbers / sizeof *numbers - 2;
    for (unsigned i = 0; i < count; i++) {
        send(kit, "shade", numbers[i]);
    }
    send(kit, "mouth", 7);
    send(kit, "asker", 7);

    /* with the message to itself, its own question, its answer; what is passed on; and a question */
    assert_int_equal(kit_reload(kit, shadow_of(count + 5), &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.shadow.compared, count + 5);
    assert_int_equal(report.shadow.left_out, 1); /* the type shade.World */
    kit_stop(kit);
}

static const struct {
    uint64_t number;
    const char *actor, *what;
} differences[] = {
    {100, "shade", "message on 'out' is missing"},
    {200, "shade", "message on 'out' is additional"},
    {300, "shade", "message on 'out': 'number' differs"},
    {101, "shade", "message of 'tell' is missing"},
    {201, "shade", "message of 'tell' is additional"},
    {102, "shade", "call to a reference by 'ask' is missing"},
    {202, "shade", "call to a reference by 'ask' is additional"},
    {302, "shade", "call to a reference by 'ask': 'number' differs"},
    {203, "shade", "child of 'kid' is additional"},
    {105, "shade", "start of timer 'tick' is missing"},
    {305, "shade", "start of timer 'tick': 'first_ns' differs"},
    {206, "shade", "end of timer 'tick' is additional"},
    {107, "shade", "attribute 'level' is missing"},
    {307, "shade", "attribute 'level': 'value' differs"},
    {212, "shade", "how the turn ends"},
    {213, "shade", "stop is additional"},
    {214, "shade", "descriptor is additional"},
    {901, "mouth", "message passed on by 'passed' is missing"},
    {901, "asker", "answer to 'asked': 'number' differs"},
    {902, "asker", "answer to 'asked' is missing"},
};

static void test_rl1_whatever_new_code_does_otherwise_is_named(void **state) {
    struct reload_report report;
    struct kit *kit = start_shades(state);
    for (unsigned i = 0; i < sizeof differences / sizeof *differences; i++) {
        send(kit, differences[i].actor, differences[i].number);

        assert_int_equal(kit_reload(kit, shadow_of(1), &report), -1);

        assert_refused(&report);
        assert_string_equal(report.shadow.actor, "p/shade[0]");
        assert_string_equal(report.shadow.what, differences[i].what);
    }
    kit_stop(kit);
}

static void refuse_to_compare(void **state, const char *actor, uint64_t number, const char *who,
                              const char *why) {
    struct reload_report report;
    struct kit *kit = start_shades(state);
    struct reload_how how = shadow_of(1);
    how.shadow.time_ns = NS_PER_S;
    send(kit, actor, number);
    kit_settle(kit);
    send(kit, actor, number);

    assert_int_equal(kit_reload(kit, how, &report), -1);

    assert_refused(&report);
    assert_int_equal(report.shadow.compared, 0);
    if (!strstr(report.reason, who) || !strstr(report.reason, why)) {
        fail_msg("'%s' is not said of '%s' in '%s'", why, who, report.reason);
    }
    kit_stop(kit);
}

static void test_tx3_who_acts_on_the_world_has_no_shadow(void **state) {
    refuse_to_compare(state, "world", 0, "first 'shade.World'",
                      "its type acts on the world by itself");
}

static void test_rl1_who_has_descriptors_has_no_shadow(void **state) {
    refuse_to_compare(state, "shade", 114, "left out were 2", "");
}

static void test_rl1_a_copied_state_with_memory_has_no_shadow(void **state) {
    refuse_to_compare(state, "plain", 2, "left out were 2", "");
}

static void test_rl1_a_copied_state_that_points_into_itself_has_no_shadow(void **state) {
    refuse_to_compare(state, "plain", 1, "left out were 2", "");
}

static void test_rl1_a_plain_state_is_copied_as_it_lies(void **state) {
    struct reload_report report;
    struct kit *kit = start_shades(state);
    send(kit, "plain", 5);
    kit_wait(kit, "ear: 5");
    send(kit, "plain", 6);
    send(kit, "plain", 7);

    assert_int_equal(kit_reload(kit, shadow_of(2), &report), 0);

    assert_int_equal(report.shadow.compared, 2);
    kit_wait(kit, "ear: 18");
    kit_stop(kit);
}

/* TX-2: what the first version commits at once, none may in shadow. */
static void test_tx2_no_early_commit_in_shadow(void **state) {
    struct reload_report report;
    struct kit *kit = start_shades(state);
    send(kit, "shade", 215);

    assert_int_equal(kit_reload(kit, shadow_of(1), &report), 0);

    assert_int_equal(report.shadow.compared, 1);
    kit_stop(kit);
}

#define GATED                                                                                      \
    "actors:\n"                                                                                    \
    "  shade: { type: shade.Shade }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "  source: { type: kit.Player, config: { init: 'tick 2 2', tick: 'out 216' } }\n"              \
    "wires:\n"                                                                                     \
    "  - source.out -> shade.number\n"                                                             \
    "  - shade.out -> ear.number\n"

/* A turn of a shadow that can't be broken off: its actor goes on without it. */
static void test_rl1_a_shadow_that_is_stuck_does_not_keep_its_actor(void **state) {
    struct reload_report report;
    kit_plugin(*state, "shade_1", "shade.so");
    struct kit *kit = kit_start(*state, GATED);
    kit_gate_make(*state, "g");
    kit_plugin(*state, "shade_2", "shade.so");

    assert_int_equal(kit_reload(kit, shadow_of(1), &report), -1);

    assert_refused(&report);
    assert_differs_in(kit, &report, "\"new\": \"error: stuck: ran for ");
    send(kit, "shade", 0);
    kit_wait(kit, "ear: 0");
    kit_open_until(*state, "g", "the abandoned turn of 'number' has come back and was discarded");
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_rl1_code_that_does_the_same_in_shadow_takes_over),
    KIT_TEST(KIT_BOTH, test_rl1_code_that_does_something_else_in_shadow_is_refused),
    KIT_TEST(KIT_BOTH, test_rl1_differences_are_told_of_code_that_takes_over_all_the_same),
    KIT_TEST(KIT_BOTH, test_rl1_a_crash_in_shadow_is_a_difference),
    KIT_TEST(KIT_THREADS, test_rl1_an_endless_loop_in_shadow_is_a_difference),
    KIT_TEST(KIT_BOTH, test_rl1_a_state_that_new_code_does_not_take_is_a_difference),
    KIT_TEST(KIT_BOTH, test_rl1_a_migration_that_crashes_in_shadow_is_a_difference),
    KIT_TEST(KIT_THREADS, test_rl1_a_migration_that_hangs_in_shadow_is_a_difference),
    KIT_TEST(KIT_BOTH, test_rl1_too_few_messages_in_time_are_told),
    KIT_TEST(KIT_BOTH, test_rl1_a_type_without_actors_takes_over_uncompared),
    KIT_TEST(KIT_THREADS, test_rl1_who_has_not_started_yet_is_waited_for),
    KIT_TEST(KIT_SEEDED, test_rl1_whatever_the_same_code_asks_for_is_the_same),
    KIT_TEST(KIT_SEEDED, test_rl1_whatever_new_code_does_otherwise_is_named),
    KIT_TEST(KIT_SEEDED, test_tx3_who_acts_on_the_world_has_no_shadow),
    KIT_TEST(KIT_SEEDED, test_rl1_who_has_descriptors_has_no_shadow),
    KIT_TEST(KIT_SEEDED, test_rl1_a_copied_state_with_memory_has_no_shadow),
    KIT_TEST(KIT_SEEDED, test_rl1_a_copied_state_that_points_into_itself_has_no_shadow),
    KIT_TEST(KIT_SEEDED, test_rl1_a_plain_state_is_copied_as_it_lies),
    KIT_TEST(KIT_THREADS, test_rl1_a_shadow_that_is_stuck_does_not_keep_its_actor),
    KIT_TEST(KIT_SEEDED, test_tx2_no_early_commit_in_shadow),
};

int main(void) {
    return KIT_RUN(tests);
}
