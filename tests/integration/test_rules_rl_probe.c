/* The probe of a reload (RL-1): what new code does wrong when it is loaded, or with the states of actors, it does in
 * another process, and nothing that runs is touched. */
#include "lib/app/kit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/app/kit_case.h"
#include "lib/temp.h"
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
static const struct reload_how impatient = {.has_probation = true, .probe_ns = 3 * NS_PER_S};

static struct kit *start(void **state) {
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, ADDERS);
    assert_true(kit_number(kit, "adder", "number", 5));
    kit_wait(kit, "ear: 5");
    return kit;
}

/* The old code goes on, with its state, and nobody ever went over. */
static void assert_untouched(struct kit *kit, const struct reload_report *report) {
    assert_int_equal(report->outcome, RELOAD_REFUSED);
    assert_int_equal(report->step, RELOAD_STEP_PROBE);
    assert_int_equal(report->counts.over, 0);
    assert_true(kit_number(kit, "asker", "number", 0));
    assert_true(kit_number(kit, "prober", "number", 0));
    kit_wait(kit, "asker: total 5");
    kit_wait(kit, "prober: version 1");
    kit_stop(kit);
}

static void refuse(void **state, struct reload_how how, const char *plugin, const char *variable,
                   const char *value, const char *reason) {
    struct reload_report report;
    struct kit *kit = start(state);
    kit_plugin(*state, plugin, "adder.so");
    assert_int_equal(setenv(variable, value, 1), 0);

    int status = kit_reload(kit, how, &report);

    (void)unsetenv(variable);
    assert_int_equal(status, -1);
    if (!strstr(report.reason, reason) || strncmp(report.reason, "probe of '", 10) != 0) {
        fail_msg("'%s' does not say '%s'", report.reason, reason);
    }
    assert_string_equal(report.actor, strcmp(plugin, "rash") == 0 ? "" : "p/adder[0]");
    assert_untouched(kit, &report);
}

static void test_rl1_a_migration_that_crashes_does_so_in_the_probe(void **state) {
    refuse(state, at_once, "adder_2", "ADDER_LOAD", "fault",
           "': died of SIGSEGV in 'load' of 'adder.Adder' with a copy of the state of "
           "'p/adder[0]' (version 1)");
}

static void test_rl1_a_migration_that_hangs_does_so_in_the_probe(void **state) {
    refuse(state, impatient, "adder_2", "ADDER_LOAD", "hang",
           "': did not come back within 3 s in 'load' of 'adder.Adder' with a copy of the state "
           "of 'p/adder[0]' (version 1)");
}

static void test_rl1_a_migration_that_fails_does_so_in_the_probe(void **state) {
    refuse(state, at_once, "adder_2", "ADDER_LOAD", "error",
           "': failed in 'load' of 'adder.Adder' with a copy of the state of 'p/adder[0]' "
           "(version 1): error");
}

static void test_rl1_a_migration_that_eats_memory_does_so_in_the_probe(void **state) {
    if (!fault_is_contained()) {
        skip(); /* such a build has no bound for its memory */
    }
    refuse(state, at_once, "adder_2", "ADDER_LOAD", "eat",
           "': failed in 'load' of 'adder.Adder' with a copy of the state of 'p/adder[0]' "
           "(version 1): out of memory");
}

static void test_rl1_a_state_that_can_not_be_written_back_is_found_in_the_probe(void **state) {
    refuse(state, at_once, "adder_2", "ADDER_SAVE", "fault",
           "': died of SIGSEGV in 'save' of 'adder.Adder' with a copy of the state of "
           "'p/adder[0]', as version 1 for the way back");
}

static void test_rl1_a_constructor_that_crashes_does_so_in_the_probe(void **state) {
    refuse(state, at_once, "rash", "RASH", "crash",
           "': died of SIGSEGV while it was loaded, when constructors run");
}

static void test_rl1_a_constructor_that_exits_does_so_in_the_probe(void **state) {
    refuse(state, at_once, "rash", "RASH", "exit",
           "': ended the process, with status 9, while it was loaded, when constructors run");
}

static void test_rl1_a_constructor_that_spins_does_so_in_the_probe(void **state) {
    refuse(state, impatient, "rash", "RASH", "spin",
           "': did not come back within 3 s while it was loaded, when constructors run");
}

static void test_rl1_an_init_that_crashes_does_so_in_the_probe(void **state) {
    refuse(state, at_once, "rash", "RASH", "init", "': died of SIGSEGV in its 'init'");
}

static void test_rl1_an_init_that_fails_does_so_in_the_probe(void **state) {
    refuse(state, at_once, "rash", "RASH", "refuse", "': its init returned -1 (error)");
}

static void test_rl1_a_destructor_that_crashes_does_so_in_the_probe(void **state) {
    refuse(state, at_once, "rash", "RASH", "late",
           "': died of SIGSEGV in its 'fini' or a destructor");
}

static void test_rl1_the_probe_tries_states_of_up_to_64_actors(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    for (unsigned i = 0; i < 70; i++) {
        assert_true(kit_number(kit, "adder", "start", 0)); /* a child each */
    }
    kit_settle(kit);
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, at_once, &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.probed, 64);
    assert_int_equal(report.counts.over, 71);
    kit_stop(kit);
}

static void test_rl1_the_probe_gives_each_state_its_config(void **state) {
    const struct kit_case *of = *state;
    struct reload_report report;
    kit_plugin(*state, "kit", "kit.so");
    struct kit *kit = kit_start(
        *state,
        "actors: { a: { type: kit.Player, config: { load: 'fail as its config says' } } }\n");
    kit_settle(kit);
    char *path = test_path(of->folder, "kit.so");
    test_append_file(path, "the same code in other bytes");
    free(path);

    assert_int_equal(kit_reload(kit, at_once, &report), -1);

    assert_int_equal(report.step, RELOAD_STEP_PROBE);
    assert_non_null(strstr(report.reason, "': failed in 'load' of 'kit.Player' with a copy of the "
                                          "state of 'p/a[0]' (version "));
    assert_non_null(strstr(report.reason, "): as its config says"));
    kit_stop(kit);
}

static size_t count_copies(void *state) {
    const struct kit_case *of = state;
    char *pattern = test_path(of->folder, ".adder.*");
    glob_t found;
    int status = glob(pattern, 0, NULL, &found);
    size_t count = status == 0 ? found.gl_pathc : 0;
    assert_true(status == 0 || status == GLOB_NOMATCH);
    globfree(&found);
    free(pattern);
    return count;
}

static void test_rl1_nothing_is_left_of_a_probe(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    kit_plugin(*state, "rash", "adder.so");
    assert_int_equal(setenv("RASH", "crash", 1), 0);

    assert_int_equal(kit_reload(kit, at_once, &report), -1);

    (void)unsetenv("RASH");
    assert_int_equal(count_copies(*state), 1); /* of what runs */
    assert_untouched(kit, &report);
}

static void test_rl1_without_the_program_for_it_nothing_is_loaded(void **state) {
    struct reload_report report;
    struct kit *kit = start(state);
    kit_plugin(*state, "adder_2", "adder.so");
    assert_int_equal(setenv("TROUPE_PROBE", "/nowhere/troupe-probe", 1), 0);

    assert_int_equal(kit_reload(kit, at_once, &report), -1);

    (void)unsetenv("TROUPE_PROBE");
    assert_string_equal(report.reason,
                        "the probe can't be run: '/nowhere/troupe-probe', which tries plugin files "
                        "in a process of its own; $TROUPE_PROBE says where it is: No such file or "
                        "directory");
    assert_untouched(kit, &report);
}

#define TEST(name) KIT_TEST(KIT_BOTH, name)
static const struct kit_test tests[] = {
    TEST(test_rl1_a_migration_that_crashes_does_so_in_the_probe),
    KIT_TEST(KIT_THREADS,
             test_rl1_a_migration_that_hangs_does_so_in_the_probe), /* takes its time */
    TEST(test_rl1_a_migration_that_fails_does_so_in_the_probe),
    TEST(test_rl1_a_migration_that_eats_memory_does_so_in_the_probe),
    TEST(test_rl1_a_state_that_can_not_be_written_back_is_found_in_the_probe),
    TEST(test_rl1_a_constructor_that_crashes_does_so_in_the_probe),
    TEST(test_rl1_a_constructor_that_exits_does_so_in_the_probe),
    KIT_TEST(KIT_THREADS, test_rl1_a_constructor_that_spins_does_so_in_the_probe),
    TEST(test_rl1_an_init_that_crashes_does_so_in_the_probe),
    TEST(test_rl1_an_init_that_fails_does_so_in_the_probe),
    TEST(test_rl1_a_destructor_that_crashes_does_so_in_the_probe),
    TEST(test_rl1_the_probe_tries_states_of_up_to_64_actors),
    TEST(test_rl1_the_probe_gives_each_state_its_config),
    TEST(test_rl1_nothing_is_left_of_a_probe),
    TEST(test_rl1_without_the_program_for_it_nothing_is_loaded),
};

int main(void) {
    return KIT_RUN(tests);
}
