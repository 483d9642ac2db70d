/* Reload (RL): actors go over to new code while they run, and back when it is bad. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/type.h"
#include "lib/app/kit_case.h"
#include "lib/temp.h"
#include "lib/wait.h"
#include "sched/fault.h"

#define ADDERS                                                                                     \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "  asker: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note total $' } }\n"    \
    "  prober: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note version $' } }\n" \
    "wires:\n"                                                                                     \
    "  - adder.out -> ear.number\n"                                                                \
    "  - asker.ask -> adder.total\n"                                                               \
    "  - prober.ask -> adder.version\n"

static const struct reload_how at_once = {.has_probation = true};
static const struct reload_how watched = {
    .has_probation = true, .probation_ns = 10 * NS_PER_MS, .probation_messages = 1000};

static struct kit *start(void **state) {
    kit_plugin(*state, "adder_1", "adder.so");
    return kit_start(*state, ADDERS);
}

static void send(struct kit *kit, uint64_t number) {
    assert_true(kit_number(kit, "adder", "number", number));
}

static void ask_all(struct kit *kit, const char *total, const char *version) {
    assert_true(kit_number(kit, "asker", "number", 0));
    assert_true(kit_number(kit, "prober", "number", 0));
    kit_wait(kit, total);
    kit_wait(kit, version);
}

static void test_rl1_an_actor_goes_on_under_new_code(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    uint64_t uid = inst_uid(kit_actor(kit, "adder"));
    send(kit, 1);
    send(kit, 2);
    kit_wait(kit, "ear: 2");
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, at_once, &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.counts.over, 1);
    assert_true(report.can_go_back);
    assert_true(report.to_generation > report.from_generation);
    send(kit, 4);
    kit_wait(kit, "ear: 1004");
    ask_all(kit, "asker: total 7", "prober: version 2");
    assert_int_equal(inst_uid(kit_actor(kit, "adder")), uid);
    kit_stop(kit);
}

static void test_rl1_nothing_happens_when_the_file_is_the_same(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);

    assert_int_equal(kit_reload(kit, at_once, &report), 0);

    assert_int_equal(report.outcome, RELOAD_NOTHING);
    kit_stop(kit);
}

static void test_rl1_back_and_forth_many_times(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    for (unsigned i = 0; i < 20; i++) {
        send(kit, 1);
        kit_plugin(*state, i % 2 ? "adder_1" : "adder_2", "adder.so");
        assert_int_equal(kit_reload(kit, i % 3 ? watched : at_once, &report), 0);
        assert_int_equal(report.outcome, RELOAD_DONE);
    }

    ask_all(kit, "asker: total 20", "prober: version 1");
    kit_stop(kit);
}

/* Not built with a sanitizer that wants faults for itself. */
static bool has_faults(void) {
    return fault_is_contained();
}

/* Not tried before, so that what goes wrong goes wrong here. */
static void take_back_for(void **state, const char *how, const char *reason) {
    static const struct reload_how untried = {.has_probation = true, .skips_probe = true};
    struct reload_report report;
    struct kit *kit = start(state);
    send(kit, 5);
    kit_wait(kit, "ear: 5");
    kit_plugin(*state, "adder_2", "adder.so");
    setenv("ADDER_LOAD", how, 1);

    int status = kit_reload(kit, untried, &report);

    unsetenv("ADDER_LOAD");
    assert_int_equal(status, -1);
    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_non_null(strstr(report.reason, reason));
    assert_string_equal(report.actor, "p/adder[0]");
    ask_all(kit, "asker: total 5", "prober: version 1");
    kit_stop(kit);
}

static void test_rl1_migration_that_fails_leaves_the_old_code(void **state) {
    take_back_for(state, "error", "load: error");
}

static void test_rl1_migration_that_crashes_leaves_the_old_code(void **state) {
    if (has_faults()) {
        take_back_for(state, "fault", "SIGSEGV");
    }
}

/* --- moments, and what is kept --- */

static bool is_busy(void *context) {
    return strcmp(inst_handler(context), "number") == 0;
}

static void test_rl2_an_actor_that_comes_to_no_end_of_a_turn_is_named(void **state) {
    struct reload_report report;
    char *gate = test_path(((const struct kit_case *)*state)->folder, "gate");
    setenv("ADDER_GATE", gate, 1);
    struct kit *kit = start(state);
    send(kit, 4242);
    test_wait_until(is_busy, kit_actor(kit, "adder"));
    kit_plugin(*state, "adder_2", "adder.so");
    struct reload_how how = at_once;
    how.over_ns = 50 * NS_PER_MS;

    int status = kit_reload(kit, how, &report);

    assert_int_equal(status, -1);
    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_string_equal(report.actor, "p/adder[0]");
    assert_non_null(
        strstr(report.reason, "'p/adder[0]' has not come to the end of a turn in time"));
    test_write_file(gate, "");
    kit_wait(kit, "ear: 4242");
    ask_all(kit, "asker: total 4242", "prober: version 1");
    unsetenv("ADDER_GATE");
    free(gate);
    kit_stop(kit);
}

static void go_in_mode(void **state, enum reload_mode mode) {
    struct reload_report report;
    struct kit *kit = start(state);
    struct reload_how how = watched;
    how.has_mode = true;
    how.mode = mode;
    how.canary = 1;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(kit_number(kit, "adder", "start", 0));
    }
    kit_settle(kit);
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, how, &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.counts.over, 4);
    ask_all(kit, "asker: total 0", "prober: version 2");
    kit_stop(kit);
}

static void test_rl2_children_go_over_with_their_parent(void **state) {
    go_in_mode(state, RELOAD_ROLLING);
}

static void test_rl2_a_canary_goes_first(void **state) {
    go_in_mode(state, RELOAD_CANARY);
}

static void test_rl2_all_go_at_once(void **state) {
    go_in_mode(state, RELOAD_ATOMIC);
}

static void test_rl3_timers_and_children_stay(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    assert_true(kit_number(kit, "adder", "start", 2));
    kit_wait(kit, "ear: 10001");
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, at_once, &report), 0);

    char *heard = kit_trace_of(*state, "ear");
    unsigned ticks = 1;
    for (const char *at = heard; (at = strchr(at, '\n')); at++) {
        ticks++;
    }
    char line[64];
    (void)snprintf(line, sizeof line, "ear: %u", 20000 + ticks + 2);
    kit_wait(kit, line);
    free(heard);
    kit_stop(kit);
}

static void test_rl7_what_reloads_did_is_kept(void **state) {
    struct reload_report report, history[RELOAD_KEEPS];
    struct kit *kit = start(state);
    kit_plugin(*state, "wants_symbols", "adder.so");
    assert_int_equal(kit_reload(kit, at_once, &report), -1);
    kit_plugin(*state, "adder_2", "adder.so");
    assert_int_equal(kit_reload(kit, at_once, &report), 0);

    size_t count = reload_history(deploy_reload(kit_deploy(kit)), history, RELOAD_KEEPS);

    assert_int_equal(count, 2);
    assert_int_equal(history[0].outcome, RELOAD_REFUSED);
    assert_true(strlen(history[0].reason) > 0);
    assert_int_equal(history[1].outcome, RELOAD_DONE);
    assert_int_equal(history[1].number, history[0].number + 1);
    assert_string_equal(history[1].version, "2");
    assert_string_not_equal(history[1].from_build, history[1].to_build);
    kit_stop(kit);
}

/* --- turns that fail --- */

#define WITH_SOURCE(number)                                                                        \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "  source: { type: kit.Player, config: { init: 'tick 2 2', tick: 'out " number                 \
    "', number: 'untick; note still' } }\n"                                                        \
    "  asker: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note total $' } }\n"    \
    "  prober: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note version $' } }\n" \
    "wires:\n"                                                                                     \
    "  - source.out -> adder.number\n"                                                             \
    "  - adder.out -> ear.number\n"                                                                \
    "  - asker.ask -> adder.total\n"                                                               \
    "  - prober.ask -> adder.version\n"

/* The sum is that of what the ear heard of the old code: nothing was lost, or counted twice, and nothing of the
 * new code's came out. */
static void assert_nothing_happened(void **state, struct kit *kit, const char *old, const char *new,
                                    uint64_t number) {
    char total[64];
    assert_true(kit_number(kit, "source", "number", 0));
    kit_wait(kit, "source: still");
    kit_settle(kit);
    assert_int_equal(kit_count(*state, new), 0);
    (void)snprintf(total, sizeof total, "asker: total %llu",
                   (unsigned long long)(number * kit_count(*state, old)));
    ask_all(kit, total, "prober: version 1");
    kit_stop(kit);
}

static const struct reload_how watched_long = {
    .has_probation = true, .probation_ns = 60 * NS_PER_S, .probation_messages = 1000};

static void test_rl4_a_first_turn_that_fails_was_not(void **state) {
    struct reload_report report;
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, WITH_SOURCE("13"));
    kit_wait(kit, "ear: 13");
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, watched_long, &report), -1);

    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_string_equal(report.reason, "'p/adder[0]': number: error");
    assert_int_equal(report.counts.undone, 1);
    assert_int_equal(report.stranded, 0);
    assert_nothing_happened(state, kit, "ear: 13", "ear: 1013", 13);
}

static void test_rl4_a_first_turn_that_crashes_was_not(void **state) {
    struct reload_report report;
    if (!has_faults()) {
        return;
    }
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, WITH_SOURCE("666"));
    kit_wait(kit, "ear: 666");
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, watched_long, &report), -1);

    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_non_null(strstr(report.reason, "SIGSEGV"));
    assert_nothing_happened(state, kit, "ear: 666", "ear: 1666", 666);
}

/* Numbers count up; the 13th of the new code fails, and all that went well before stays. */
static void test_rl4_a_later_turn_in_probation_goes_back_to_the_state_before_it(void **state) {
    struct reload_report report;
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  adder: { type: adder.Adder }\n"
        "  ear: { type: kit.Player, config: { number: 'note $' } }\n"
        "  source: { type: kit.Player, config: { init: 'tick 2 2', tick: 'out 1 14' } }\n"
        "  asker: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note $' } }\n"
        "wires:\n"
        "  - source.out -> adder.number\n"
        "  - adder.out -> ear.number\n"
        "  - asker.ask -> adder.total\n");
    kit_wait(kit, "ear: 14");
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, watched_long, &report), -1);

    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_int_equal(report.counts.sent_since, 0);
    assert_true(kit_count(*state, "ear: 1012") > 0 || report.counts.proven <= 1);
    assert_int_equal(kit_count(*state, "ear: 1013"), 0);
    kit_stop(kit);
}

/* --- what comes between, as with threads: the way changes, and the actor has not been told yet --- */

struct between {
    struct kit *kit;
    enum { FIRST, SECOND, DONE } at;
};

static struct swap_counts counts_of(struct kit *kit) {
    struct swap_counts counts;
    swap_counts(proc_find_type(kit_proc(kit), "adder.Adder"), &counts, NULL);
    return counts;
}

/* A turn goes well, all are to go back, one more goes well, and one fails. */
static void fail_on_the_way_back(void *context, uint64_t until_ns) {
    struct between *between = context;
    struct swap_counts counts = counts_of(between->kit);
    (void)until_ns;
    if (between->at == FIRST && counts.over == 1) {
        send(between->kit, 5);
        between->at = SECOND;
    } else if (between->at == SECOND && counts.proven == 1) {
        const struct inst_type *to = proc_find_type(kit_proc(between->kit), "adder.Adder");
        swap_begin(atomic_load(&to->line->swap.from), to, SWAP_BACK, 1000);
        send(between->kit, 7);
        send(between->kit, 13);
        between->at = DONE;
    }
}

static void test_rl4_probation_goes_on_until_it_is_its_turn_to_go_back(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    struct between between = {.kit = kit};
    struct reload_how how = watched_long;
    how.step = fail_on_the_way_back;
    how.context = &between;
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, how, &report), -1);

    assert_int_equal(between.at, DONE);
    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_string_equal(report.reason, "'p/adder[0]': number: error");
    assert_int_equal(report.counts.undone, 1);
    assert_int_equal(report.counts.sent_since, 0);
    assert_int_equal(report.stranded, 0);
    kit_wait(kit, "ear: 1005");
    kit_wait(kit, "ear: 1007");
    kit_wait(kit, "ear: 13");
    ask_all(kit, "asker: total 25", "prober: version 1");
    kit_stop(kit);
}

/* It fails, and is told to go over before anybody has noticed. */
static void fail_and_be_told_again(void *context, uint64_t until_ns) {
    struct between *between = context;
    (void)until_ns;
    if (between->at == FIRST && counts_of(between->kit).over == 1) {
        send(between->kit, 13);
        kit_settle(between->kit);
        inst_signal(kit_actor(between->kit, "adder"), SIGNAL_SWAP);
        kit_settle(between->kit);
        between->at = DONE;
    }
}

static void test_rl4_who_has_failed_does_not_go_over_once_more(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    struct between between = {.kit = kit};
    struct reload_how how = watched_long;
    how.step = fail_and_be_told_again;
    how.context = &between;
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, how, &report), -1);

    assert_int_equal(between.at, DONE);
    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_int_equal(report.counts.over, 1);
    assert_int_equal(report.counts.undone, 1);
    kit_wait(kit, "ear: 13");
    ask_all(kit, "asker: total 13", "prober: version 1");
    kit_stop(kit);
}

/* The new code is to stay, and before the actor gives up what it holds its first turn fails. */
static void fail_on_settling(void *context, uint64_t until_ns) {
    struct between *between = context;
    struct inst *adder = kit_actor(between->kit, "adder");
    (void)until_ns;
    if (between->at == FIRST && counts_of(between->kit).over == 1) {
        assert_true(swap_is_held(adder));
        inst_unsignal(adder, SIGNAL_SWAP);
        send(between->kit, 13);
        between->at = DONE;
    }
}

static void test_rl4_who_fails_when_all_settle_goes_over_again(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    struct between between = {.kit = kit};
    struct reload_how how = at_once;
    how.step = fail_on_settling;
    how.context = &between;
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, how, &report), 0);

    assert_int_equal(between.at, DONE);
    assert_int_equal(report.outcome, RELOAD_DONE);
    kit_wait(kit, "ear: 13");
    ask_all(kit, "asker: total 13", "prober: version 2");
    kit_assert_logged(*state, "was unloaded");
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_rl1_an_actor_goes_on_under_new_code),
    KIT_TEST(KIT_BOTH, test_rl1_nothing_happens_when_the_file_is_the_same),
    KIT_TEST(KIT_BOTH, test_rl1_back_and_forth_many_times),
    KIT_TEST(KIT_BOTH, test_rl1_migration_that_fails_leaves_the_old_code),
    KIT_TEST(KIT_BOTH, test_rl1_migration_that_crashes_leaves_the_old_code),
    KIT_TEST(KIT_THREADS, test_rl2_an_actor_that_comes_to_no_end_of_a_turn_is_named),
    KIT_TEST(KIT_BOTH, test_rl2_children_go_over_with_their_parent),
    KIT_TEST(KIT_BOTH, test_rl2_a_canary_goes_first),
    KIT_TEST(KIT_BOTH, test_rl2_all_go_at_once),
    KIT_TEST(KIT_BOTH, test_rl3_timers_and_children_stay),
    KIT_TEST(KIT_BOTH, test_rl7_what_reloads_did_is_kept),
    KIT_TEST(KIT_BOTH, test_rl4_a_first_turn_that_fails_was_not),
    KIT_TEST(KIT_BOTH, test_rl4_a_first_turn_that_crashes_was_not),
    KIT_TEST(KIT_BOTH, test_rl4_a_later_turn_in_probation_goes_back_to_the_state_before_it),
    KIT_TEST(KIT_SEEDED, test_rl4_probation_goes_on_until_it_is_its_turn_to_go_back),
    KIT_TEST(KIT_SEEDED, test_rl4_who_has_failed_does_not_go_over_once_more),
    KIT_TEST(KIT_SEEDED, test_rl4_who_fails_when_all_settle_goes_over_again),
};

int main(void) {
    return KIT_RUN(tests);
}
