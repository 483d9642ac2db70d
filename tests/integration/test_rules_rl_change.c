/* Reload (RL): a manifest that was read again adds, removes and wires actors while the others go on. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/app/kit_case.h"
#include "lib/app/kit_stuck.h"
#include "lib/temp.h"

static const struct reload_how at_once = {.has_probation = true};

#define EAR(name)                                                                                  \
    "  " name ": { type: kit.Player, config: { number: 'note $', cleanup: 'note bye' } }\n"
#define TALKER                                                                                     \
    "  talker: { type: kit.Player, config: { number: 'out $; note $', cleanup: 'note bye' } }\n"
#define WIRES(wires) "wires: [ " wires " ]\n"

static void change(struct kit *kit, const char *manifest, struct reload_report *ret) {
    if (kit_reload_to(kit, manifest, at_once, ret) < 0) {
        fail_msg("the manifest is not taken: %s", ret->reason);
    }
    assert_int_equal(ret->outcome, RELOAD_DONE);
}

static void refuse(struct kit *kit, const char *manifest, enum reload_outcome outcome,
                   const char *reason) {
    struct reload_report report;
    assert_int_equal(kit_reload_to(kit, manifest, at_once, &report), -1);
    assert_string_equal(report.reason, reason);
    assert_int_equal(report.outcome, outcome);
}

static void say(struct kit *kit, const char *actor, uint64_t number) {
    assert_true(kit_number(kit, actor, "number", number));
}

static void test_rl_an_actor_is_added_wired_and_removed(void **state) {
    struct reload_report report;
    struct kit *kit = kit_start(*state, "actors:\n" TALKER);
    uint64_t uid = inst_uid(kit_actor(kit, "talker"));
    say(kit, "talker", 1);
    kit_wait(kit, "talker: 1");

    change(kit, "actors:\n" TALKER EAR("ear") WIRES("talker.out -> ear.number"), &report);

    assert_int_equal(report.added, 1);
    assert_int_equal(report.rewired, 1);
    assert_string_equal(report.changes, "add 'ear', of type kit.Player; "
                                        "wire the output 'out' of 'talker' anew");
    say(kit, "talker", 2);
    kit_wait(kit, "ear: 2");

    change(kit, "actors:\n" TALKER, &report);

    assert_int_equal(report.removed, 1);
    assert_int_equal(report.rewired, 1);
    kit_assert_trace(*state, "ear", "2\nbye\n");
    assert_null(proc_find_actor(kit_proc(kit), "ear"));
    say(kit, "talker", 3);
    kit_wait(kit, "talker: 3");
    assert_int_equal(inst_uid(kit_actor(kit, "talker")), uid);
    kit_stop(kit);
    assert_int_equal(kit_count(*state, "ear: 2"), 1);
}

static void say_and_wait(struct kit *kit, unsigned number, const char *who) {
    char line[64];
    (void)snprintf(line, sizeof line, "%s: %u", who, number);
    say(kit, "talker", number);
    kit_wait(kit, line);
}

/* A line of actors out of one: each change is seen by the next message on. */
static void test_rl_a_line_grows_and_shrinks_in_the_middle(void **state) {
#define ONE_WAY "actors:\n" TALKER EAR("ear") WIRES("talker.out -> ear.number")
#define DETOUR                                                                                     \
    "actors:\n" TALKER EAR("ear") "  middle: { type: kit.Player, config: { number: 'out $; note "  \
                                  "$', cleanup: 'note bye' } }\n" WIRES(                           \
                                      "talker.out -> middle.number, middle.out -> ear.number")
    struct reload_report report;
    struct kit *kit = kit_start(*state, ONE_WAY);
    for (unsigned i = 0; i < 3; i++) {
        say_and_wait(kit, 10 + i, "ear");
        change(kit, DETOUR, &report);
        say_and_wait(kit, 20 + i, "middle");
        change(kit, ONE_WAY, &report);
    }
    say(kit, "talker", 30);
    kit_wait(kit, "ear: 30");
    kit_stop(kit);
    kit_assert_trace(*state, "ear", "10\n20\n11\n21\n12\n22\n30\nbye\n");
    kit_assert_trace(*state, "middle", "20\nbye\n21\nbye\n22\nbye\n");
}

/* Numbers from a source that never stops: each arrives once, in order, whichever way it went. */
#define STREAM                                                                                     \
    "  source: { type: kit.Player, config: { init: 'tick 1 1', tick: 'self 1; self 1; self 1', "   \
    "number: 'out 1; note sent' } }\n"
#define COUNTER                                                                                    \
    "  counter: { type: kit.Player, mailbox: { capacity: 2 }, config: { number: 'note got #' } "   \
    "}\n"
#define VIA(name)                                                                                  \
    "  " name ": { type: kit.Player, mailbox: { capacity: 1 }, config: { number: 'out $' } }\n"

static void test_rl3_nothing_is_lost_while_wires_change_under_load(void **state) {
    struct reload_report report;
    struct kit *kit = kit_start(*state, "actors:\n" STREAM COUNTER VIA("one") WIRES(
                                            "source.out -> one.number, one.out -> counter.number"));
    kit_wait(kit, "counter: got 5");

    change(kit,
           "actors:\n" STREAM COUNTER VIA("two")
               WIRES("source.out -> two.number, two.out -> counter.number"),
           &report);
    unsigned sent = kit_count(*state, "source: sent");
    kit_wait_lines(kit, "source: sent", sent + 5);
    change(kit, "actors:\n" STREAM COUNTER WIRES("source.out -> counter.number"), &report);
    sent = kit_count(*state, "source: sent");
    kit_wait_lines(kit, "source: sent", sent + 5);
    uint64_t dead = kit_dead(kit);
    kit_stop(kit);

    char last[64];
    sent = kit_count(*state, "source: sent");
    (void)snprintf(last, sizeof last, "counter: got %u", sent);
    assert_int_equal(kit_count(*state, last), 1);
    (void)snprintf(last, sizeof last, "counter: got %u", sent + 1);
    assert_int_equal(kit_count(*state, last), 0);
    assert_int_equal(dead, 0);
}

static void test_rl_a_group_with_members_comes_and_goes(void **state) {
#define GROUP                                                                                      \
    "  judge: { actors: { first: { type: kit.Player, config: { number: 'out $; note $', "          \
    "cleanup: 'note bye' } }, second: { type: kit.Player, config: { number: 'note $', "            \
    "cleanup: 'note bye' } } } }\n"
    struct reload_report report;
    struct kit *kit = kit_start(*state, "actors:\n" TALKER);

    change(kit,
           "actors:\n" TALKER GROUP WIRES(
               "talker.out -> judge/first.number, judge/first.out -> judge/second.number"),
           &report);
    assert_int_equal(report.added, 3);
    say(kit, "talker", 4);
    kit_wait(kit, "judge/second[2]: 4");
    change(kit, "actors:\n" TALKER, &report);

    assert_int_equal(report.removed, 3);
    kit_assert_trace(*state, "judge/first[1]", "4\nbye\n");
    kit_assert_trace(*state, "judge/second[2]", "4\nbye\n");
    assert_null(proc_find_actor(kit_proc(kit), "judge"));
    kit_stop(kit);
}

static void test_rl_a_pool_grows_and_shrinks(void **state) {
#define POOL(replicas)                                                                             \
    "actors:\n" TALKER "  pool: { type: kit.Player, replicas: " replicas                           \
    ", config: { number: 'note $' } }\n"                                                           \
    "wires: [ { from: talker.out, to: pool.number, route: broadcast } ]\n"
    struct reload_report report;
    struct kit *kit = kit_start(*state, POOL("1"));
    say(kit, "talker", 1);
    kit_wait(kit, "pool.0: 1");
    change(kit, POOL("3"), &report);
    assert_int_equal(report.added, 2);
    say(kit, "talker", 2);
    kit_wait(kit, "pool.2: 2");
    change(kit, POOL("2"), &report);
    assert_int_equal(report.removed, 1);
    say(kit, "talker", 3);
    kit_wait(kit, "pool.1: 3");
    kit_settle(kit);
    kit_assert_trace(*state, "pool.0", "1\n2\n3\n");
    kit_assert_trace(*state, "pool.1", "2\n3\n");
    kit_assert_trace(*state, "pool.2", "2\n");
    kit_stop(kit);
}

static void test_rl_one_that_fails_to_start_takes_all_back(void **state) {
    struct reload_report report;
    struct kit *kit =
        kit_start(*state, "supervision: { intensity: 5 }\n"
                          "actors:\n" TALKER EAR("ear") WIRES("talker.out -> ear.number"));

    refuse(kit,
           "supervision: { intensity: 5 }\n"
           "actors:\n" TALKER EAR(
               "other") "  bad: { type: kit.Player, after: [other], config: { init: 'fail no luck' "
                        "} }\n" WIRES("talker.out -> other.number, other.out -> bad.number"),
           RELOAD_TAKEN_BACK,
           "'p/bad[0]', which was to be added, failed before it was ready: init: no luck");

    assert_int_equal(reload_history(deploy_reload(kit_deploy(kit)), &report, 1), 1);
    assert_string_equal(report.actor, "p/bad[0]");
    assert_int_equal(report.added, 0);
    say(kit, "talker", 5);
    kit_wait(kit, "ear: 5");
    kit_assert_trace(*state, "other", "bye\n");
    assert_null(proc_find_actor(kit_proc(kit), "other"));
    change(kit,
           "supervision: { intensity: 5 }\n"
           "actors:\n" TALKER EAR("ear") EAR("other") WIRES("talker.out -> other.number"),
           &report);
    say(kit, "talker", 6);
    kit_wait(kit, "other: 6");
    kit_stop(kit);
}

static void test_rl_a_sender_that_ends_no_turn_takes_all_back(void **state) {
    static const struct reload_how soon = {.has_probation = true, .over_ns = NS_PER_S};
    struct reload_report report;
    kit_gate_make(*state, "door");
#define GATED                                                                                      \
    "  talker: { type: kit.Player, thread: own, stuck_after: 60s, config: { number: 'note in; "    \
    "gate door; out "                                                                              \
    "$' } }\n"
    struct kit *kit =
        kit_start(*state, "actors:\n" GATED EAR("ear") WIRES("talker.out -> ear.number"));
    say(kit, "talker", 1);
    kit_wait(kit, "talker: in");

    assert_int_equal(kit_reload_to(kit,
                                   "actors:\n" GATED EAR("ear") EAR("other")
                                       WIRES("talker.out -> other.number"),
                                   soon, &report),
                     -1);

    assert_int_equal(report.outcome, RELOAD_TAKEN_BACK);
    assert_string_equal(report.actor, "p/talker[0]");
    kit_gate_open(*state, "door");
    kit_wait(kit, "ear: 1");
    assert_null(proc_find_actor(kit_proc(kit), "other"));
    kit_stop(kit);
}

static void test_rl_one_that_ends_is_not_wired_anew(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n" TALKER
                                        "  gone: { type: kit.Player, config: { init: 'stop' } }\n");
    kit_wait_closed(kit, "gone");

    refuse(kit,
           "actors:\n" TALKER "  gone: { type: kit.Player, config: { init: 'stop' } }\n" WIRES(
               "talker.out -> gone.number"),
           RELOAD_REFUSED, "'gone' has ended: nothing can be wired to it any more");

    kit_stop(kit);
}

/* DR-1: what the new wires say is what ends it. */
static void
test_dr1_one_that_lost_its_inputs_stays_and_one_that_got_some_ends_with_them(void **state) {
#define SHORT "  short: { type: kit.Player, config: { number: 'stop', cleanup: 'note bye' } }\n"
    struct reload_report report;
    struct kit *kit = kit_start(*state, "actors:\n" SHORT TALKER EAR("ear") EAR("late")
                                            WIRES("short.out -> ear.number"));

    change(kit, "actors:\n" SHORT TALKER EAR("ear") EAR("late") WIRES("short.out -> late.number"),
           &report);
    say(kit, "short", 1);
    kit_wait(kit, "late: bye");

    assert_true(inst_is_open(kit_actor(kit, "ear")));
    assert_int_equal(kit_count(*state, "ear: bye"), 0);
    kit_stop(kit);
}

/* DR-1: both ways together would be a cycle without anybody outside. */
static void test_dr1_a_wire_that_is_turned_round_ends_nobody(void **state) {
#define PAIR                                                                                       \
    "actors:\n  a: { type: kit.Player, config: { number: 'out $; note $' } }\n"                    \
    "  b: { type: kit.Player, config: { number: 'out $; note $' } }\n"
    struct reload_report report;
    struct kit *kit = kit_start(*state, PAIR WIRES("a.out -> b.number"));
    say(kit, "a", 1);
    kit_wait(kit, "b: 1");

    change(kit,
           PAIR
           "  late: { type: kit.Player, config: { init: 'note up' } }\n" WIRES("b.out -> a.number"),
           &report);

    kit_settle(kit);
    say(kit, "b", 2);
    kit_wait(kit, "a: 2");
    kit_assert_trace(*state, "b", "1\n2\n");
    kit_stop(kit);
}

static void test_sv5_other_policies_hold_for_those_that_run(void **state) {
#define MORTAL(restart)                                                                            \
    "supervision: { intensity: 0 }\n"                                                              \
    "actors:\n  other: { type: kit.Player }\n"                                                     \
    "  mortal: { type: kit.Player, " restart "config: { init: 'note up', number: 'fail oh' } }\n"
    struct reload_report report;
    struct kit *kit = kit_start(*state, MORTAL(""));
    kit_wait(kit, "mortal: up");

    change(kit, MORTAL("restart: { intensity: 3, backoff: { initial: 1ms } }, "), &report);
    assert_non_null(strstr(report.changes, "run 'mortal' in another way: "));
    say(kit, "mortal", 1);
    kit_wait_lines(kit, "mortal: up", 2);
    change(kit, MORTAL("restart: temporary, "), &report);
    say(kit, "mortal", 2);
    kit_wait_closed(kit, "mortal");

    kit_stop(kit);
}

#define KNOB "  knob: { type: knob.Hook }\n"
#define KNOB_WIRES WIRES("talker.out -> knob.number, knob.out -> ear.number")

static void delete_plugin(void **state, const char *name) {
    char *path = test_path(((const struct kit_case *)*state)->folder, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

static void test_rl_a_file_that_nobody_needs_any_more_is_not_read_again(void **state) {
    static const char *const without = "actors:\n" TALKER EAR("ear");
    static const char *const with = "actors:\n" TALKER EAR("ear") KNOB KNOB_WIRES;
    struct reload_report report;
    kit_plugin(*state, "knob_1", "knob.so");
    struct kit *kit = kit_start(*state, without);
    change(kit, with, &report);
    say(kit, "talker", 5);
    kit_wait(kit, "ear: 5");
    assert_int_equal(report.files, 0);

    delete_plugin(state, "knob.so"); /* with the manifest that does without it */
    change(kit, without, &report);
    assert_int_equal(kit_reload(kit, at_once, &report), 0);

    assert_int_equal(report.outcome, RELOAD_NOTHING);
    kit_plugin(*state, "knob_2", "knob.so");
    assert_int_equal(kit_reload(kit, at_once, &report), 0);
    assert_int_equal(report.outcome, RELOAD_NOTHING);
    change(kit, with, &report);
    assert_int_equal(report.files, 0); /* it is loaded anew */
    say(kit, "talker", 6);
    kit_wait(kit, "ear: 1006"); /* what lies there now */
    change(kit, without, &report);
    delete_plugin(state, "knob.so");
    kit_plugin(*state, "knob_1", "other.so");
    change(kit, with, &report);
    say(kit, "talker", 7);
    kit_wait(kit, "ear: 7"); /* also from elsewhere */
    kit_stop(kit);
}

static void test_rl_a_file_of_a_change_that_was_taken_back_is_not_read_again(void **state) {
    struct reload_report report;
    kit_plugin(*state, "knob_1", "knob.so");
    struct kit *kit = kit_start(*state, "supervision: { intensity: 5 }\nactors:\n" TALKER);
    refuse(kit,
           "supervision: { intensity: 5 }\nactors:\n" TALKER KNOB
           "  bad: { type: kit.Player, config: { init: 'fail no luck' } }\n",
           RELOAD_TAKEN_BACK,
           "'p/bad[0]', which was to be added, failed before it was ready: init: no luck");

    delete_plugin(state, "knob.so");

    assert_int_equal(kit_reload(kit, at_once, &report), 0);
    assert_int_equal(report.outcome, RELOAD_NOTHING);
    kit_stop(kit);
}

/* Who has it in hand for one that was removed does not reach who has its cell now, not even what waits there. */
static void test_rl3_what_was_for_one_that_is_gone_drops_nothing_of_the_next(void **state) {
#define SENDER                                                                                     \
    "actors:\n  a: { type: kit.Player, thread: own, stuck_after: 60s }\n"                          \
    "  b: { type: kit.Player }\n"
#define ONE(name)                                                                                  \
    "  " name ": { type: kit.Player, thread: own, stuck_after: 60s, "                              \
    "mailbox: { capacity: 1, ports: { number: drop_oldest } }, "                                   \
    "config: { number: 'note $; commit; gate h' } }\n"
    struct reload_report report;
    struct kit *kit = kit_start(*state, SENDER ONE("old"));
    const struct inst *cell = kit_actor(kit, "old");
    const struct troupe_ref to = {inst_uid(cell), kit_port(kit, "number")};
    kit_gate_make(*state, "g");
    kit_gate_make(*state, "h");
    assert_true(kit_do_to(kit, "a", "tell 1; note sent; gate g", to));
    kit_wait(kit, "a: sent");
    change(kit, SENDER, &report);
    change(kit, SENDER ONE("new"), &report);
    assert_ptr_equal(kit_actor(kit, "new"), cell);
    say(kit, "new", 5);
    kit_wait(kit, "new: 5");
    const struct troupe_ref next = {inst_uid(cell), to.port};
    assert_true(kit_do_to(kit, "b", "tell 6", next));
    assert_true(kit_do(kit, "b", "note over")); /* behind that turn */
    kit_wait(kit, "b: over");

    kit_gate_open(*state, "g");
    assert_true(kit_do(kit, "a", "note over"));
    kit_wait(kit, "a: over");

    int gate = kit_open_for_good("h");
    kit_wait(kit, "new: 6");
    kit_stop(kit);
    (void)close(gate);
#undef ONE
#undef SENDER
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_THREADS, test_rl3_what_was_for_one_that_is_gone_drops_nothing_of_the_next),
    KIT_TEST(KIT_BOTH, test_rl_an_actor_is_added_wired_and_removed),
    KIT_TEST(KIT_BOTH, test_rl_a_line_grows_and_shrinks_in_the_middle),
    KIT_TEST(KIT_BOTH, test_rl3_nothing_is_lost_while_wires_change_under_load),
    KIT_TEST(KIT_BOTH, test_rl_a_group_with_members_comes_and_goes),
    KIT_TEST(KIT_BOTH, test_rl_a_pool_grows_and_shrinks),
    KIT_TEST(KIT_BOTH, test_rl_one_that_fails_to_start_takes_all_back),
    KIT_TEST(KIT_BOTH, test_rl_a_file_that_nobody_needs_any_more_is_not_read_again),
    KIT_TEST(KIT_BOTH, test_rl_a_file_of_a_change_that_was_taken_back_is_not_read_again),
    KIT_TEST(KIT_THREADS, test_rl_a_sender_that_ends_no_turn_takes_all_back),
    KIT_TEST(KIT_BOTH, test_rl_one_that_ends_is_not_wired_anew),
    KIT_TEST(KIT_BOTH, test_dr1_a_wire_that_is_turned_round_ends_nobody),
    KIT_TEST(KIT_BOTH, test_sv5_other_policies_hold_for_those_that_run),
    KIT_TEST(KIT_BOTH,
             test_dr1_one_that_lost_its_inputs_stays_and_one_that_got_some_ends_with_them),
};

int main(void) {
    return KIT_RUN(tests);
}
