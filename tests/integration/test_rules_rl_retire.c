/* The end of a generation (RL-5): it is unloaded when nothing can reach it, or it stays, and the reason is told. */
#include "lib/app/kit.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/app/kit_case.h"
#include "lib/temp.h"
#include "lib/wait.h"
#include "sched/fault.h"

#define ADDER                                                                                      \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "wires:\n"                                                                                     \
    "  - adder.out -> ear.number\n"
#define RASH "actors: { rash: { type: rash.Rash } }\n"

static const struct reload_how soon = {
    .has_probation = true, .has_grace = true, .grace_ns = NS_PER_MS};
static const struct reload_how never = {
    .has_probation = true, .has_grace = true, .grace_ns = 3600 * NS_PER_S};

/* --- looking --- */

static struct retired find(struct kit *kit, uint32_t generation) {
    struct retired all[RETIRED_KEEPS];
    size_t count = reload_retired(deploy_reload(kit_deploy(kit)), all, RETIRED_KEEPS);
    for (size_t i = 0; i < count; i++) {
        if (all[i].generation == generation) {
            return all[i];
        }
    }
    return (struct retired){.generation = 0};
}

struct awaited {
    struct kit *kit;
    uint32_t generation;
    enum retired_state state;
};

static bool has_come(void *context) {
    const struct awaited *awaited = context;
    struct retired retired = find(awaited->kit, awaited->generation);
    bool is_over = retired.state == RETIRED_UNLOADED || retired.state == RETIRED_STAYS;
    return retired.generation && (retired.state == awaited->state || is_over);
}

/* Until it is there, or at an end: what it came to. */
static struct retired wait_for(struct kit *kit, uint32_t generation, enum retired_state state) {
    struct awaited awaited = {kit, generation, state};
    test_wait_until(has_come, &awaited);
    return find(kit, generation);
}

/* Where memory of a generation begins that has such rights; 0: there is none. */
static uintptr_t find_part(uint32_t generation, const char *rights) {
    char line[1024];
    char name[32];
    uintptr_t start = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    (void)snprintf(name, sizeof name, ".g%u.", generation);
    while (!start && fgets(line, sizeof line, maps)) {
        if (strstr(line, name) && strstr(line, rights)) {
            assert_int_equal(sscanf(line, "%" SCNxPTR, &start), 1);
        }
    }
    (void)fclose(maps);
    return start;
}

static uintptr_t find_code(uint32_t generation) {
    return find_part(generation, " r-xp ");
}

/* --- the adder's life --- */

static struct kit *start_adder(void **state) {
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, ADDER);
    assert_true(kit_number(kit, "adder", "number", 5));
    kit_wait(kit, "ear: 5");
    kit_plugin(*state, "adder_2", "adder.so");
    return kit;
}

static bool begins(const struct retired *retired, const char *text) {
    return strncmp(retired->reason, text, strlen(text)) == 0;
}

/* An audit is careful: of the many generations of this process, traces of one that lay at the same place make
 * another stay, now and then; what was left on a stack is a trace, too. */
static void assert_chance(const struct retired *retired) {
    if (!begins(retired, "a word at 0x") && !begins(retired, "the thread '")) {
        fail_msg("it is '%s': %s", retired_state_text(retired->state), retired->reason);
    }
}

/* Reloads back and forth until a generation that went comes to this state. */
#define TRIES 6u
static uint32_t reload_until(void **state, struct kit *kit, struct reload_how how,
                             enum retired_state wanted) {
    struct reload_report report;
    struct retired retired = {.generation = 0};
    for (unsigned i = 0; i < TRIES; i++) {
        kit_plugin(*state, i % 2 ? "adder_1" : "adder_2", "adder.so");
        assert_int_equal(kit_reload(kit, how, &report), 0);
        retired = wait_for(kit, report.from_generation, wanted);
        if (retired.state == wanted) {
            return retired.generation;
        }
        assert_chance(&retired);
    }
    fail_msg("all of %u are '%s': %s", TRIES, retired_state_text(retired.state), retired.reason);
    return 0;
}

static void test_rl5_old_code_is_unloaded_when_nobody_can_reach_it(void **state) {
    struct kit *kit = start_adder(state);

    uint32_t generation = reload_until(state, kit, soon, RETIRED_UNLOADED);

    assert_true(find_code(generation) == 0);
    kit_stop(kit);
}

static void taken_back_is_unloaded(void **state, const char *does) {
    struct reload_report report;
    struct reload_how how = soon;
    struct kit *kit = start_adder(state);
    struct retired retired = {.generation = 0};
    assert_int_equal(setenv("ADDER_LOAD", does, 1), 0);
    how.skips_probe = true;

    for (unsigned i = 0; i < TRIES && retired.state != RETIRED_UNLOADED; i++) {
        assert_int_equal(kit_reload(kit, how, &report), -1);
        retired = wait_for(kit, report.to_generation, RETIRED_UNLOADED);
    }

    (void)unsetenv("ADDER_LOAD");
    assert_int_equal(retired.state, RETIRED_UNLOADED);
    assert_true(find_code(report.to_generation) == 0);
    kit_stop(kit);
}

static void test_rl5_new_code_that_was_taken_back_is_unloaded(void **state) {
    taken_back_is_unloaded(state, "error");
}

/* Of the backtrace no address of it is left. */
static void test_rl5_new_code_that_crashed_is_unloaded(void **state) {
    if (!fault_is_contained()) {
        skip();
    }
    taken_back_is_unloaded(state, "fault");
}

static void test_rl5_a_late_use_does_no_harm_and_keeps_the_code(void **state) {
    if (!fault_is_contained()) {
        skip(); /* such a build has no handlers that would notice */
    }
    struct kit *kit = start_adder(state);
    uint32_t generation = reload_until(state, kit, never, RETIRED_QUIET);
    uintptr_t code = find_part(generation, " ---p ");
    assert_true(code != 0);

    unsigned char used = *(volatile const unsigned char *)code;

    (void)used;
    assert_true(find_part(generation, " ---p ") == 0);
    assert_true(find_code(generation) == code);
    kit_stop(kit);
    kit_assert_logged(*state, "stays loaded: it was used after it had retired, at 0x");
    assert_true(find_code(generation) == code);
}

static void test_rl5_all_is_unloaded_without_grace_when_the_deployment_ends(void **state) {
    if (!fault_is_contained()) {
        skip(); /* such a build unloads at once */
    }
    struct kit *kit = start_adder(state);
    uint32_t generation = reload_until(state, kit, never, RETIRED_QUIET);

    kit_stop(kit);

    assert_true(find_part(generation, "") == 0);
}

/* --- what is left behind --- */

/* The same code in other bytes. */
static void change(void *state) {
    const struct kit_case *of = state;
    char *path = test_path(of->folder, "rash.so");
    test_append_file(path, "and a word behind it");
    free(path);
}

static struct retired leave_behind(void **state, const char *left) {
    struct reload_report report;
    assert_int_equal(setenv("RASH", left, 1), 0);
    kit_plugin(*state, "rash", "rash.so");
    struct kit *kit = kit_start(*state, RASH);
    kit_settle(kit);
    (void)unsetenv("RASH");
    change(*state);

    assert_int_equal(kit_reload(kit, soon, &report), 0);

    struct retired retired = wait_for(kit, report.from_generation, RETIRED_STAYS);
    assert_int_equal(retired.state, RETIRED_STAYS);
    assert_true(find_code(report.from_generation) != 0);
    kit_stop(kit);
    return retired;
}

/* Something else may be found first. */
static void stay_for(void **state, const char *left, const char *reason) {
    if (!fault_is_contained()) {
        skip(); /* such a build does not look through its memory */
    }
    struct retired retired = leave_behind(state, left);
    for (unsigned i = 1; i < TRIES && !begins(&retired, reason); i++) {
        assert_chance(&retired);
        retired = leave_behind(state, left);
    }
    if (!begins(&retired, reason)) {
        fail_msg("'%s' does not begin with '%s'", retired.reason, reason);
    }
}

static void test_rl5_a_pointer_left_in_memory_keeps_the_code(void **state) {
    stay_for(state, "pointer", "a word at 0x");
}

static void test_rl5_a_signal_handler_left_behind_keeps_the_code(void **state) {
    stay_for(state, "handler", "it handles the signal SIGUSR1");
    (void)signal(SIGUSR1, SIG_DFL);
}

static void test_rl5_handlers_of_the_host_are_put_back_at_a_reload(void **state) {
    struct reload_report report;
    struct sigaction before;
    struct sigaction after;
    kit_plugin(*state, "rash", "rash.so");
    struct kit *kit = kit_start(*state, RASH);
    kit_settle(kit);
    change(*state);
    assert_int_equal(sigaction(SIGTERM, NULL, &before), 0);
    assert_int_equal(setenv("RASH", "take", 1), 0);

    int status = kit_reload(kit, soon, &report);

    (void)unsetenv("RASH");
    assert_int_equal(status, 0);
    assert_int_equal(sigaction(SIGTERM, NULL, &after), 0);
    assert_true(after.sa_handler == before.sa_handler);
    kit_stop(kit);
    kit_assert_logged(*state, "it replaced the host's handler of SIGTERM, which was put back");
}

#define TEST(name) KIT_TEST(KIT_THREADS, name)
/* --- a file that nobody needs any more --- */

#define EAR "actors:\n  ear: { type: kit.Player, config: { number: 'note $' } }\n"

/* 0: no file of this name is loaded. */
static uint32_t current_of(struct kit *kit, const char *name) {
    struct retired all[RETIRED_KEEPS];
    size_t count = reload_current(deploy_reload(kit_deploy(kit)), all, RETIRED_KEEPS);
    for (size_t i = 0; i < count; i++) {
        if (strstr(all[i].file, name)) {
            return all[i].generation;
        }
    }
    return 0;
}

/* Comes and goes with the manifest; returns what became of its file. */
static struct retired come_and_go(struct kit *kit, unsigned number) {
    struct reload_report report;
    char line[32];
    assert_int_equal(kit_reload_to(kit, ADDER, soon, &report), 0);
    uint32_t generation = current_of(kit, "adder.so");
    assert_true(find_code(generation) != 0);
    assert_true(kit_number(kit, "adder", "number", number));
    (void)snprintf(line, sizeof line, "ear: %u", number);
    kit_wait(kit, line);

    assert_int_equal(kit_reload_to(kit, EAR, soon, &report), 0);

    assert_int_equal(current_of(kit, "adder.so"), 0);
    return wait_for(kit, generation, RETIRED_UNLOADED);
}

static void test_rl5_the_file_of_actors_that_were_removed_is_unloaded(void **state) {
    struct retired retired = {.generation = 0};
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, EAR);
    for (unsigned i = 0; i < TRIES && retired.state != RETIRED_UNLOADED; i++) {
        retired = come_and_go(kit, i + 1);
    }

    if (retired.state != RETIRED_UNLOADED) {
        fail_msg("it is '%s': %s", retired_state_text(retired.state), retired.reason);
    }
    assert_true(find_code(retired.generation) == 0);
    (void)come_and_go(kit, 100);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    TEST(test_rl5_old_code_is_unloaded_when_nobody_can_reach_it),
    TEST(test_rl5_new_code_that_was_taken_back_is_unloaded),
    TEST(test_rl5_new_code_that_crashed_is_unloaded),
    TEST(test_rl5_a_late_use_does_no_harm_and_keeps_the_code),
    TEST(test_rl5_all_is_unloaded_without_grace_when_the_deployment_ends),
    TEST(test_rl5_a_pointer_left_in_memory_keeps_the_code),
    TEST(test_rl5_a_signal_handler_left_behind_keeps_the_code),
    KIT_TEST(KIT_BOTH, test_rl5_handlers_of_the_host_are_put_back_at_a_reload),
    KIT_TEST(KIT_BOTH, test_rl5_the_file_of_actors_that_were_removed_is_unloaded),
};

int main(void) {
    return KIT_RUN(tests);
}
