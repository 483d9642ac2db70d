/* Roots added to a deployment that runs, with seeds and with threads: nothing is lost, and all ends in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/proc.h"
#include "lib/app/kit.h"
#include "lib/app/kit_case.h"

static void add(struct kit *kit, const char *manifest) {
    char data[1024];
    struct deploy_check check;
    struct err err;
    (void)snprintf(data, sizeof data, "troupe: 1\nproc: p\n%s", manifest);
    const struct manifest_text text = {"(added)", data, strlen(data)};
    if (deploy_add_root(kit_deploy(kit), &text, &check, &err) < 0) {
        fail_msg("nothing is added: %s", err.text);
    }
    deploy_end_check(kit_deploy(kit), &check);
}

static struct inst *find(struct kit *kit, const char *name) {
    struct inst *in = proc_find_actor(kit_proc(kit), name);
    assert_non_null(in);
    return in;
}

static void test_dr3_added_source_ends_first_and_loses_nothing(void **state) {
    struct kit *kit =
        kit_start(*state, "actors: { a: { type: kit.Player, mailbox: { capacity: 2 },\n"
                          "  config: { number: 'note got $', cleanup: 'note bye' } } }");

    add(kit, "actors: { new: { type: kit.Player, config: { init: 'tick 1 1', tick: 'out 1 5', "
             "cleanup: 'out 77; note over' } } }\nwires: [ new.out -> a.number ]\n");
    kit_wait_lines(kit, "a: got 5", 3);
    kit_stop(kit);

    assert_int_equal(kit_count(*state, "a: got 1"), kit_count(*state, "a: got 5"));
    assert_int_equal(kit_count(*state, "a: got 77"), 1);
    char *trace = kit_trace_of(*state, "a");
    assert_non_null(strstr(trace, "got 77\nbye"));
    free(trace);
}

static void test_dr1_cycle_does_not_come_to_rest_while_an_added_root_feeds_it(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n  a: { type: kit.Player, config: { init: 'tick 50 0', "
                          "tick: 'note ticked', number: 'note got $' } }\n"
                          "  b: { type: kit.Player }\n"
                          "wires: [ a.out -> b.number, b.out -> a.number ]\n");
    add(kit,
        "actors: { new: { type: kit.Player, config: { init: 'tick 5000 0', tick: 'out 9; stop' "
        "} } }\nwires: [ new.out -> a.number ]\n");

    kit_wait(kit, "a: ticked");
    kit_pass(kit, 1000);
    assert_true(inst_is_open(find(kit, "a")));
    assert_true(inst_is_open(find(kit, "new")));
    kit_wait(kit, "a: got 9");
    kit_end(kit, NULL);
}

static void test_dr1_added_root_that_is_wired_to_itself_ends_when_it_is_quiet(void **state) {
    struct kit *kit =
        kit_start(*state, "actors: { a: { type: kit.Player, config: { init: 'tick 1 1' } } }");
    add(kit,
        "actors: { new: { type: kit.Player, config: { init: 'out 3', number: 'note got $; down', "
        "cleanup: 'note bye' } } }\nwires: [ new.out -> new.number ]\n");

    kit_wait(kit, "new: bye");

    kit_assert_trace(*state, "new", "got 3\ngot 2\ngot 1\ngot 0\nbye\n");
    kit_stop(kit);
}

static void test_name_of_one_that_ended_is_kept_when_another_is_refused(void **state) {
    struct deploy_check check;
    struct err err;
    struct kit *kit = kit_start(
        *state, "actors: { a: { type: kit.Player, config: { init: 'note gone; stop' } },\n"
                "  b: { type: kit.Player, config: { init: 'tick 1 1' } } }");
    const char *data = "troupe: 1\nproc: p\nactors: { a: { type: kit.Player } }\n"
                       "wires: [ a.out -> a.number ]\n";
    const struct manifest_text text = {"(added)", data, strlen(data)};
    kit_wait_closed(kit, "a");
    const struct inst *before = find(kit, "a");

    supervisor_stop(deploy_supervisor(kit_deploy(kit)), "the test wants it");
    assert_int_equal(deploy_add_root(kit_deploy(kit), &text, &check, &err), -1);

    assert_string_equal(err.text, "no actor is added to a proc that is stopping");
    assert_ptr_equal(find(kit, "a"), before);
    deploy_end_check(kit_deploy(kit), &check);
    kit_end(kit, NULL);
}

/* What is wrong with one may be said of what stands in the plan that it was to join. */
static void test_plan_is_needed_until_what_was_found_by_it_is_told(void **state) {
    struct reload_report report;
    struct deploy_check check;
    struct err err;
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player } }");
    struct deploy *deploy = kit_deploy(kit);
    struct reload_how how = {.has_probation = true};
    const char *data = "troupe: 1\nproc: p\nactors: { new: { type: kit.Player } }\n"
                       "wires: [ new.out -> b.nothing ]\n";
    const struct manifest_text text = {"(added)", data, strlen(data)};
    assert_int_equal(kit_reload_to(kit,
                                   "actors: { a: { type: kit.Player }, b: { type: kit.Player } }",
                                   how, &report),
                     0);
    const struct plan *base = reload_plan(deploy_reload(deploy));

    assert_int_equal(deploy_add_root(deploy, &text, &check, &err), -1);
    assert_int_equal(kit_reload_to(kit, "actors: { a: { type: kit.Player } }", how, &report), 0);

    assert_ptr_not_equal(reload_plan(deploy_reload(deploy)), base);
    assert_true(deploy_needs(deploy, base));
    assert_true(check.checked.diags.errors > 0);
    deploy_end_check(deploy, &check);
    assert_false(deploy_needs(deploy, base));
    kit_stop(kit);
}

static void test_added_root_in_backoff_is_aborted_with_the_others(void **state) {
    struct supervisor_result result;
    struct kit *kit =
        kit_start(*state, "supervision: { intensity: 9, backoff: { initial: 1h, max: 1h } }\n"
                          "actors: { a: { type: kit.Player } }\n");
    add(kit,
        "actors: { new: { type: kit.Player, config: { init: 'note up', number: 'fail oh' } } }\n");
    kit_wait(kit, "new: up");
    const struct troupe_ref to = {inst_uid(find(kit, "new")), kit_port(kit, "number")};
    assert_true(kit_do_to(kit, "a", "tell 1", to));
    kit_settle(kit);

    kit_abort(kit, &result);

    assert_true(result.aborted);
}

static void test_fc4_added_root_gets_its_messages_again_as_its_manifest_says(void **state) {
    struct kit *kit = kit_start(*state, "supervision: { intensity: 9, backoff: { initial: 1ms } }\n"
                                        "actors: { a: { type: kit.Player } }\n");
    add(kit, "actors: { new: { type: kit.Player, quarantine_after: 3, config: { init: 'note up', "
             "number: 'fail oh' } } }\n");
    kit_wait(kit, "new: up");
    const struct troupe_ref to = {inst_uid(find(kit, "new")), kit_port(kit, "number")};
    assert_true(kit_do_to(kit, "a", "tell 1", to));

    kit_wait_lines(kit, "new: up", 4);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).retried, 2);
    assert_int_equal(kit_totals(kit).quarantined, 1);
    kit_stop(kit);
}

static const struct kit_test added_roots[] = {
    KIT_TEST(KIT_BOTH, test_dr3_added_source_ends_first_and_loses_nothing),
    KIT_TEST(KIT_SEEDED, test_dr1_cycle_does_not_come_to_rest_while_an_added_root_feeds_it),
    KIT_TEST(KIT_BOTH, test_dr1_added_root_that_is_wired_to_itself_ends_when_it_is_quiet),
    KIT_TEST(KIT_BOTH, test_plan_is_needed_until_what_was_found_by_it_is_told),
    KIT_TEST(KIT_BOTH, test_name_of_one_that_ended_is_kept_when_another_is_refused),
    KIT_TEST(KIT_BOTH, test_added_root_in_backoff_is_aborted_with_the_others),
    KIT_TEST(KIT_BOTH, test_fc4_added_root_gets_its_messages_again_as_its_manifest_says),
};

int main(void) {
    return KIT_RUN(added_roots);
}
