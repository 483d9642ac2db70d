/* Reload (RL-2): hooks of an actor that goes over, and do not come back. */
#include <pthread.h>

#include "actor/proc_impl.h"
#include "lib/app/kit_stuck.h"

#define ONE(config, type)                                                                          \
    "actors:\n"                                                                                    \
    "  knob: { type: " type ", config: { factor: " config " } }\n"                                 \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "wires: [knob.out -> ear.number]\n"
#define SUPERVISED "supervision: { intensity: 5, backoff: { initial: 1ms } }\n"
/* Who is stuck has to go, and lives again; who is only slow, on a busy machine, has not. */
#define RESTARTED                                                                                  \
    SUPERVISED                                                                                     \
    "defaults: { stuck_after: 400ms, on_stuck: restart }\n"
/* Who is stuck is waited for. */
#define REPORTED "defaults: { stuck_after: 20ms }\nreload: { swap_timeout: 400ms }\n"
#define CAME_BACK "has come back and was discarded"

static const struct reload_how at_once = {.has_probation = true};
/* Whose actors all come to the end of a turn, some time. */
static const struct reload_how patient = {.has_probation = true, .over_ns = 60 * NS_PER_S};

struct world {
    struct kit *kit;
    struct reload_report report;
};

struct late {
    const struct sched_worker *worker;
    uint64_t at_ns;
};

/* The gate is closed. */
static struct world start(void **state, const char *manifest) {
    struct world w = {0};
    char gate[512];
    kit_gate_make(*state, "knob");
    (void)snprintf(gate, sizeof gate, "%s-knob", getenv("KIT_TRACE"));
    assert_int_equal(setenv("KNOB_GATE", gate, 1), 0);
    kit_plugin(*state, "knob_1", "knob.so");
    w.kit = kit_start(*state, manifest);
    kit_settle(w.kit);
    return w;
}

static void end(struct world *w) {
    struct supervisor_result result;
    kit_stop_for(w->kit, &result);
    while (result.stuck) { /* the host waits a moment only for threads that it took turns from */
        kit_end(w->kit, &result);
    }
    (void)unsetenv("KNOB_GATE");
}

static void turn(struct world *w, uint64_t number, const char *heard) {
    assert_true(kit_number(w->kit, "knob", "number", number));
    kit_wait(w->kit, heard);
}

static bool skip_uncontained(void) {
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
    }
    return !fault_is_contained();
}

static void assert_taken_back(struct world *w, int status, const char *reason) {
    assert_int_equal(status, -1);
    assert_int_equal(w->report.outcome, RELOAD_TAKEN_BACK);
    assert_string_equal(w->report.actor, "p/knob[0]");
    if (strncmp(w->report.reason, reason, strlen(reason)) != 0) {
        fail_msg("'%s' does not begin with '%s'", w->report.reason, reason);
    }
}

/* --- broken off, or abandoned: what it was is lost, and a life begins with the settings before --- */

static void test_rl2_a_stuck_reconfigure_is_broken_off(void **state) {
    if (skip_uncontained()) {
        return;
    }
    struct world w = start(state, RESTARTED ONE("2", "knob.Hook"));
    turn(&w, 7, "ear: 14");

    int status = kit_reload_to(w.kit, RESTARTED ONE("77", "knob.Hook"), at_once, &w.report);

    assert_taken_back(&w, status, "'p/knob[0]': reconfigure: stuck: ran for ");
    turn(&w, 8, "ear: 16");
    end(&w);
}

static void test_rl2_a_stuck_reconfigure_is_abandoned(void **state) {
    struct world w = start(state, RESTARTED ONE("2", "knob.Hook"));
    turn(&w, 7, "ear: 14");

    int status = kit_reload_to(w.kit, RESTARTED ONE("78", "knob.Hook"), at_once, &w.report);

    assert_taken_back(&w, status, "'p/knob[0]': reconfigure: stuck: ran for ");
    turn(&w, 8, "ear: 16");
    kit_open_until(*state, "knob", CAME_BACK);
    turn(&w, 9, "ear: 18");
    end(&w);
}

static void test_rl2_a_stuck_save_is_broken_off(void **state) {
    if (skip_uncontained()) {
        return;
    }
    struct world w = start(state, RESTARTED ONE("77", "knob.Saved"));
    turn(&w, 2, "ear: 154");

    int status = kit_reload_to(w.kit, RESTARTED ONE("2", "knob.Saved"), at_once, &w.report);

    assert_taken_back(&w, status, "'p/knob[0]': save: stuck: ran for ");
    turn(&w, 3, "ear: 231");
    end(&w);
}

static void test_rl2_a_stuck_save_is_abandoned(void **state) {
    struct world w = start(state, RESTARTED ONE("78", "knob.Saved"));
    turn(&w, 2, "ear: 156");

    int status = kit_reload_to(w.kit, RESTARTED ONE("2", "knob.Saved"), at_once, &w.report);

    assert_taken_back(&w, status, "'p/knob[0]': save: stuck: ran for ");
    turn(&w, 3, "ear: 234");
    kit_open_until(*state, "knob", CAME_BACK);
    end(&w);
}

/* --- waited for, as long as `swap_timeout` says --- */

#define IN_VAIN "'p/knob[0]' has not come to the end of a turn in time"

/* Then it is told of as one that could not go back; it goes back by itself when it comes back (W-8). */
static void test_rl2_a_stuck_reconfigure_is_not_waited_for_longer(void **state) {
    struct world w = start(state, REPORTED ONE("2", "knob.Hook"));

    int status = kit_reload_to(w.kit, REPORTED ONE("78", "knob.Hook"), at_once, &w.report);

    assert_taken_back(&w, status, IN_VAIN);
    assert_int_equal(w.report.stranded, 1);
    kit_open_until(*state, "knob", "ear: 5078");
    kit_wait(w.kit, "ear: 5002");
    turn(&w, 1, "ear: 2");

    assert_int_equal(kit_reload_to(w.kit, REPORTED ONE("5", "knob.Hook"), patient, &w.report), 0);
    assert_int_equal(w.report.settings, 1);
    turn(&w, 2, "ear: 10");
    end(&w);
}

/* The next reload begins when it is what it was. */
static void test_rl2_no_reload_begins_before_who_is_late_has_come_back(void **state) {
    struct world w = start(state, REPORTED ONE("2", "knob.Hook"));
    assert_int_equal(kit_reload_to(w.kit, REPORTED ONE("78", "knob.Hook"), at_once, &w.report), -1);

    int status = kit_reload_to(w.kit, REPORTED ONE("5", "knob.Hook"), at_once, &w.report);

    assert_int_equal(status, -1);
    assert_int_equal(w.report.outcome, RELOAD_REFUSED);
    assert_string_equal(w.report.reason,
                        "actor type 'knob.Hook': a reload before was taken back, and an actor that "
                        "it waited for in vain has not come back yet");
    kit_open_until(*state, "knob", "ear: 5002");
    assert_int_equal(kit_reload_to(w.kit, REPORTED ONE("5", "knob.Hook"), patient, &w.report), 0);
    turn(&w, 2, "ear: 10");
    end(&w);
}

/* It does not take its settings before, either: its life ends, and the next one has them. */
static void test_rl2_who_comes_late_and_cannot_go_back_begins_a_new_life(void **state) {
    struct world w = start(state, REPORTED SUPERVISED ONE("13", "knob.Hook"));
    int status =
        kit_reload_to(w.kit, REPORTED SUPERVISED ONE("78", "knob.Hook"), at_once, &w.report);
    assert_taken_back(&w, status, IN_VAIN);

    kit_open_until(*state, "knob", "ear: 5078");

    turn(&w, 1, "ear: 13");
    assert_int_equal(inst_incarnation(kit_actor(w.kit, "knob")), 2);
    end(&w);
}

/* Already the copy for the probe takes too long. */
static void test_rl2_a_stuck_save_is_not_waited_for_longer(void **state) {
    struct world w = start(state, REPORTED ONE("78", "knob.Saved"));
    kit_plugin(*state, "knob_2", "knob.so");

    int status = kit_reload(w.kit, at_once, &w.report);

    assert_taken_back(&w, status, IN_VAIN);
    assert_true(kit_number(w.kit, "knob", "number", 1));
    kit_open_until(*state, "knob", "ear: ");
    end(&w);
}

/* --- on their way back --- */

#define PAIR_OF(knob, other, ear)                                                                  \
    REPORTED                                                                                       \
    "actors:\n"                                                                                    \
    "  knob: { type: knob.Hook, config: { factor: " knob " } }\n"                                  \
    "  other: { type: knob.Hook, config: { factor: " other " } }\n"                                \
    "  ear: { type: kit.Player, " ear " }\n"                                                       \
    "wires: [knob.out -> ear.number, other.out -> ear.number]\n"

static void assert_stranded(const struct world *w, int status) {
    assert_int_equal(status, -1);
    assert_int_equal(w->report.outcome, RELOAD_TAKEN_BACK);
    assert_string_equal(w->report.reason, "'p/other[0]': reconfigure: no 13");
    assert_int_equal(w->report.stranded, 1);
}

/* What it has gone back from when the reload was over already is not handed to it by the next one. */
static void test_rl2_settings_that_were_refused_are_gone_when_a_long_way_back_ends(void **state) {
#define PAIR(knob, other) PAIR_OF(knob, other, "config: { number: 'note $' }")
    struct world w = start(state, PAIR("78", "1"));
    int status = kit_reload_to(w.kit, PAIR("2", "13"), patient, &w.report);
    assert_stranded(&w, status);

    kit_open_until(*state, "knob", "ear: 5078");

    assert_int_equal(kit_reload_to(w.kit, PAIR("78", "5"), patient, &w.report), 0);
    turn(&w, 1, "ear: 78");
    end(&w);
#undef PAIR
}

/* It takes settings by a turn, which has to wait until what it has sent is taken. */
static void test_rl2_who_waits_for_room_goes_back_when_there_is_some(void **state) {
#define PAIR(knob, other)                                                                          \
    PAIR_OF(knob, other,                                                                           \
            "thread: own, stuck_after: 60s, mailbox: { capacity: 1 }, "                            \
            "config: { number: 'note $; commit; gate ear' }")
    struct world w = start(state, PAIR("3", "1"));
    kit_gate_make(*state, "ear");
    turn(&w, 1, "ear: 3"); /* it is at the gate, and the next one in its mailbox */
    assert_true(kit_number(w.kit, "ear", "number", 4));
    int status = kit_reload_to(w.kit, PAIR("2", "13"), patient, &w.report);
    assert_stranded(&w, status);

    status = kit_reload_to(w.kit, PAIR("3", "5"), at_once, &w.report);
    assert_int_equal(status, -1);
    assert_int_equal(w.report.outcome, RELOAD_REFUSED);

    int gate = kit_open_for_good("ear");

    kit_wait(w.kit, "ear: 5003");
    turn(&w, 2, "ear: 6");
    end(&w);
    (void)close(gate);
#undef PAIR
}

/* Looks at it as others do: the type that it has the name of may be freed by the reload. */
static bool is_at_gate(void *context) {
    const struct inst *in = context;
    struct looker looker;
    looks_begin(in->proc, &looker);
    bool is = strcmp(inst_handler(in), "reconfigure") == 0;
    looks_end(in->proc, &looker);
    return is;
}

static bool has_ticked(void *context) {
    const struct late *late = context;
    return sched_ticked(late->worker) > late->at_ns;
}

#define HEARD(factor)                                                                              \
    "actors:\n"                                                                                    \
    "  knob: { type: knob.Hook, stuck_after: 60s, config: { factor: " factor " } }\n"              \
    "  ear: { type: kit.Player, config: { number: 'note $; gate ear' } }\n"                        \
    "wires: [knob.out -> ear.number]\n"

static void *reload(void *context) {
    struct world *w = context;
    assert_int_equal(kit_reload_to(w->kit, HEARD("78"), patient, &w->report), 0);
    return NULL;
}

/* It comes right behind on the same thread, which has been in no turn meanwhile that would have told the time. */
static void test_st2_who_follows_a_long_reconfigure_begins_behind_it(void **state) {
    struct world w = start(state, HEARD("2"));
    const struct inst *ear = kit_actor(w.kit, "ear");
    pthread_t thread;
    kit_gate_make(*state, "ear");
    assert_int_equal(pthread_create(&thread, NULL, reload, &w), 0);
    test_wait_until(is_at_gate, kit_actor(w.kit, "knob"));

    struct late late = {atomic_load(&ear->mbox.task.home), kit_clock(w.kit)->now(kit_clock(w.kit))};
    test_wait_until(has_ticked, &late);
    kit_open_until(*state, "knob", "ear: 5078");

    assert_true(inst_since_ns(ear) > late.at_ns);
    int gate = kit_open_for_good("ear");
    assert_int_equal(pthread_join(thread, NULL), 0);
    end(&w);
    (void)close(gate);
}
#undef HEARD

static const struct kit_test tests[] = {
    KIT_TEST(KIT_THREADS, test_rl2_a_stuck_reconfigure_is_broken_off),
    KIT_TEST(KIT_THREADS, test_rl2_a_stuck_reconfigure_is_abandoned),
    KIT_TEST(KIT_THREADS, test_rl2_a_stuck_save_is_broken_off),
    KIT_TEST(KIT_THREADS, test_rl2_a_stuck_save_is_abandoned),
    KIT_TEST(KIT_THREADS, test_rl2_a_stuck_reconfigure_is_not_waited_for_longer),
    KIT_TEST(KIT_THREADS, test_rl2_no_reload_begins_before_who_is_late_has_come_back),
    KIT_TEST(KIT_THREADS, test_rl2_who_comes_late_and_cannot_go_back_begins_a_new_life),
    KIT_TEST(KIT_THREADS, test_rl2_a_stuck_save_is_not_waited_for_longer),
    KIT_TEST(KIT_THREADS, test_rl2_settings_that_were_refused_are_gone_when_a_long_way_back_ends),
    KIT_TEST(KIT_THREADS, test_rl2_who_waits_for_room_goes_back_when_there_is_some),
    KIT_TEST(KIT_THREADS, test_st2_who_follows_a_long_reconfigure_begins_behind_it),
};

int main(void) {
    return KIT_RUN(tests);
}
