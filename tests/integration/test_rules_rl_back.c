/* Reload (RL-3, RL-4): ways back that there are not, or that are long. */
#include "lib/app/kit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/type.h"
#include "lib/app/kit_case.h"
#include "lib/temp.h"
#include "lib/wait.h"

#define TWO_OF(a)                                                                                  \
    "actors:\n"                                                                                    \
    "  a: { type: adder.Adder" a " }\n"                                                            \
    "  b: { type: adder.Adder }\n"                                                                 \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "  ask-a: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note $' } }\n"          \
    "  ask-b: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note $' } }\n"          \
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

/* --- one that is in a turn all the time --- */

struct late {
    struct kit *kit;
    const struct inst_type *before;
    struct reload_report report;
    int status;
};

static void *reload(void *context) {
    struct late *late = context;
    struct reload_how how = {.has_probation = true,
                             .probation_ns = 60 * NS_PER_S,
                             .probation_messages = 1000,
                             .over_ns = 60 * NS_PER_S};
    late->status = reload_run(deploy_reload(kit_deploy(late->kit)), &how, &late->report, NULL);
    return NULL;
}

static bool have_gone_over(void *context) {
    const struct late *late = context;
    return inst_type(kit_actor(late->kit, "a")) != late->before &&
           inst_type(kit_actor(late->kit, "b")) != late->before;
}

static bool is_busy(void *context) {
    return strcmp(inst_handler(context), "number") == 0;
}

static void ask(struct kit *kit, const char *who, const char *answer) {
    assert_true(kit_number(kit, who, "number", 0));
    kit_wait(kit, answer);
}

/* The reload is over by then, and says that it could not go back; the next one has it go over. */
static void test_rl4_who_is_in_a_turn_meanwhile_goes_back_when_that_ends(void **state) {
    pthread_t thread;
    char *gate = test_path(((const struct kit_case *)*state)->folder, "gate");
    setenv("ADDER_GATE", gate, 1);
    kit_plugin(*state, "adder_1", "adder.so");
    struct late late = {.kit = kit_start(*state, "reload: { swap_timeout: 400ms }\n" TWO_OF(
                                                     ", thread: own, stuck_after: 60s"))};
    struct kit *kit = late.kit;
    late.before = inst_type(kit_actor(kit, "a"));
    kit_plugin(*state, "adder_2", "adder.so");
    assert_int_equal(pthread_create(&thread, NULL, reload, &late), 0);
    test_wait_until(have_gone_over, &late);
    assert_true(kit_number(kit, "a", "number", 4243));
    test_wait_until(is_busy, kit_actor(kit, "a"));
    assert_true(kit_number(kit, "b", "number", 13));
    pthread_join(thread, NULL);
    assert_int_equal(late.status, -1);
    assert_int_equal(late.report.outcome, RELOAD_TAKEN_BACK);
    assert_int_equal(late.report.stranded, 1);
    assert_ptr_not_equal(inst_type(kit_actor(kit, "a")), late.before);

    test_write_file(gate, "");

    kit_wait(kit, "ear: 5243");
    ask(kit, "ask-a", "ask-a: 4243");
    assert_ptr_equal(inst_type(kit_actor(kit, "a")), late.before);
    assert_true(kit_number(kit, "a", "number", 2));
    kit_wait(kit, "ear: 2");
    const struct reload_how patient = {.has_probation = true, .over_ns = 60 * NS_PER_S};
    assert_int_equal(kit_reload(kit, patient, &late.report), 0);
    assert_int_equal(late.report.counts.over, 2);
    assert_true(kit_number(kit, "a", "number", 3));
    kit_wait(kit, "ear: 1003");
    ask(kit, "ask-a", "ask-a: 4248");
    unsetenv("ADDER_GATE");
    free(gate);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_SEEDED, test_rl4_without_a_way_back_no_state_is_misread),
    KIT_TEST(KIT_THREADS, test_rl4_who_is_in_a_turn_meanwhile_goes_back_when_that_ends),
};

int main(void) {
    return KIT_RUN(tests);
}
