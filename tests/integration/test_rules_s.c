/* Looking at actors of a running proc, from any thread (S, FR, IK). */
#include "lib/app/kit_look.h"

#include <stdio.h>
#include <stdlib.h>

#include "actor/looks.h"
#include "lib/app/kit_stuck.h"
#include "lib/wait.h"
#include "record/proc_view.h"

static void assert_status(struct kit *kit, const char *address, const char *status) {
    struct snapshot *s = kit_look(kit, address);
    assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS), status);
    snapshot_unref(s);
}

static void test_s1_wedged_actor_answers(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { number: 'log before; note in; gate g; note on' } }\n"
        "  b: { type: kit.Player, config: { number: 'out 2 50' } }\n"
        "wires: [ b.out -> a.second ]\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: in");
    kit_number(kit, "b", "number", 0);
    kit_wait_number(kit, "a", ATTRIBUTE_QUEUE_DEPTH, 50); /* S-3: it waits behind none */
    struct snapshot *s = kit_look(kit, "p/a[0]");

    assert_string_equal(snapshot_text(s, ATTRIBUTE_LAST_HANDLER), "number");
    assert_true(snapshot_time(s, ATTRIBUTE_PROCESSING_SINCE) > 0);
    assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS), "processing");
    assert_true(kit_recorded(s, "before")); /* FR-3 */
    snapshot_unref(s);
    kit_open_until(*state, "g", "a: on");
    kit_stop(kit);
}

static void test_s1_beginning_and_stopping_actors_answer(void **state) {
    struct kit *kit =
        kit_create(*state, "actors:\n"
                           "  a: { type: kit.Player, config: { init: 'gate g', cleanup: 'gate h',\n"
                           "       number: 'stop' } }\n");
    kit_gate_make(*state, "g");
    kit_gate_make(*state, "h");
    kit_go(kit);

    kit_wait_status(kit, "a", "initializing");
    kit_gate_open(*state, "g");
    kit_wait_status(kit, "a", "idle");
    kit_number(kit, "a", "number", 1);
    kit_wait_status(kit, "a", "stopping");
    kit_gate_open(*state, "h");
    kit_wait_status(kit, "a", "stopped");

    kit_stop(kit);
}

static void test_s1_terminated_actors_answer(void **state) {
    struct kit *kit = kit_start(
        *state, "supervision: { intensity: 5 }\n"
                "actors:\n"
                "  a: { type: kit.Player, restart: temporary, config: { number: 'fail no' } }\n"
                "  b: { type: kit.Player, config: { number: 'spawn kid; tell 1', kid: "
                "'number=fail so', ended: 'note heard' } }\n"
                "  c: { type: kit.Player }\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_wait_closed(kit, "a");
    kit_number(kit, "b", "number", 1);
    kit_wait(kit, "b: heard");
    struct snapshot *a = kit_look(kit, "a");
    struct snapshot *kid = kit_look(kit, "p/kid[1]");

    assert_string_equal(snapshot_text(a, ATTRIBUTE_STATUS), "failed");
    assert_string_equal(snapshot_text(a, ATTRIBUTE_ERROR_MESSAGE), "no");
    assert_string_equal(snapshot_text(kid, ATTRIBUTE_STATUS), "failed");
    assert_string_equal(snapshot_text(kid, ATTRIBUTE_PARENT), "p/b[0]");
    /* S-5: it is not to be had for that */
    assert_int_equal(proc_resolve(kit_proc(kit), "a"), 0);
    struct snapshot *again = NULL;
    struct err err = {0};
    assert_int_equal(look_at(kit_proc(kit), kid->facts.uid, &again, &err), 0);
    assert_ptr_equal(again, kid);
    snapshot_unref(again);
    snapshot_unref(kid);
    snapshot_unref(a);
    kit_stop(kit);
}

static void test_s1_one_that_begins_anew_shows_its_present_life(void **state) {
    struct kit *kit = kit_start(
        *state,
        "supervision: { intensity: 5, backoff: { initial: 1ms, jitter: 0 } }\n"
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'note init', number: 'at 9; fail no' } }\n");

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 9);
    kit_wait_lines(kit, "a: init", 2);
    kit_settle(kit);
    struct snapshot *s = kit_look(kit, "a");

    assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS), "idle");
    assert_int_equal(snapshot_number(s, ATTRIBUTE_INCARNATION), 2);
    assert_int_equal(s->facts.restart_count, 1);
    assert_int_equal(s->facts.restarts[0].incarnation, 1);
    assert_string_equal(s->facts.restarts[0].why, "number: no");
    assert_false(snapshot_has(s, ATTRIBUTE_ERROR_MESSAGE)); /* FI-3 */
    snapshot_unref(s);
    kit_stop(kit);
}

static void test_s1_brief_is_told_when_there_is_no_more(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { number: 'spawn; note up', second: 'stop_kid',\n"
                "       ended: 'note over' } }\n");

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: up");
    kit_settle(kit);
    assert_status(kit, "p/a[1]", "idle");
    kit_number(kit, "a", "second", 1);
    kit_wait(kit, "a: over");
    struct snapshot *s = kit_look(kit, "p/a[1]");

    assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS), "stopped");
    assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS_REASON), "stopped");
    assert_string_equal(snapshot_text(s, ATTRIBUTE_NAME), "a");
    assert_true(snapshot_time(s, ATTRIBUTE_ENDED_AT) > 0);
    assert_false(snapshot_has(s, ATTRIBUTE_MESSAGES_PROCESSED));
    snapshot_unref(s);
    kit_stop(kit);
}

static char *json_of(struct kit *kit, const char *address) {
    struct snapshot *s = kit_look(kit, address);
    struct str json;
    str_init(&json);
    actor_view_json(s, ACTOR_VIEW, &json);
    snapshot_unref(s);
    return str_take(&json);
}

static void test_s2_looking_changes_nothing(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { number: 'publish x $; log hm; out 1' } }\n"
                "  b: { type: kit.Player, config: { init: 'spawn kid' } }\n"
                "wires: [ a.out -> b.number ]\n");

    kit_number(kit, "a", "number", 7);
    kit_settle(kit);
    struct proc_totals before = kit_totals(kit);
    char *first[] = {json_of(kit, "a"), json_of(kit, "b"), json_of(kit, "p/kid[1]")};
    for (unsigned i = 0; i < 500; i++) {
        mem_free(json_of(kit, i % 2 ? "a" : "p/kid[1]"));
    }
    char *last[] = {json_of(kit, "a"), json_of(kit, "b"), json_of(kit, "p/kid[1]")};
    struct proc_totals after = kit_totals(kit);

    for (unsigned i = 0; i < 3; i++) {
        if (!kit_is_threaded(*state)) { /* the clock stands still */
            assert_string_equal(first[i], last[i]);
        }
        mem_free(first[i]);
        mem_free(last[i]);
    }
    assert_memory_equal(&before, &after, sizeof before);
    kit_stop(kit);
}

static void test_s3_children_are_found_by_name_and_by_pid(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  g: { actors: { m: { type: kit.Player, config: { init: 'spawn kid; spawn' } } } }\n");
    struct proc *proc = kit_proc(kit);
    struct err err = {0};
    struct look look;
    static const struct {
        const char *path, *id; /* NULL: not found */
    } cases[] = {{"/g", "p/g[0]"},
                 {"/g/m", "p/g/m[1]"},
                 {"/g/m/kid", "p/kid[2]"},
                 {"/g/m/[3]", "p/g/m[3]"},
                 {"/g/[1]/[2]", "p/kid[2]"},
                 {"/g/m/kid/x", NULL},
                 {"/", "p/[0]"},
                 {"/x", NULL},
                 {"/g/m/[]", NULL},
                 {"/g/m/[4]", NULL},
                 {"/g//m", NULL},
                 {"/g/m/[x]", NULL},
                 {"/g/m/[99999999999999999999]", NULL}};

    kit_settle(kit);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = cases[i].path;
        int status = look_begin(proc, 1, troupe_str(path), &look, &err);

        assert_int_equal(status, cases[i].id ? 0 : -1);
        if (status == 0) {
            assert_string_equal(look.seen->facts.id, cases[i].id);
            look_end(&look);
        } else {
            char expected[96];
            (void)snprintf(expected, sizeof expected, "there is no child '%s'", path);
            assert_int_equal(err.code, ERR_NOT_FOUND);
            assert_string_equal(err.text, expected);
        }
    }
    struct snapshot *m = kit_look(kit, "g/m");
    assert_int_equal(look_begin(proc, m->facts.uid, troupe_str("kid"), &look, &err), 0);
    assert_string_equal(look.seen->facts.id, "p/kid[2]");
    assert_int_equal(m->facts.child_count, 2);
    assert_string_equal(m->facts.children[0], "p/kid[2]");
    assert_string_equal(m->facts.children[1], "p/g/m[3]");
    assert_string_equal(look.seen->facts.parent, "p/g/m[1]");
    look_end(&look);
    snapshot_unref(m);
    kit_stop(kit);
}

static void test_s3_who_never_was_is_not_found(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n  a: { type: kit.Player }\n");
    struct snapshot *s = NULL;
    struct err err = {0};

    assert_int_equal(look_at(kit_proc(kit), 12345, &s, &err), -1);

    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.text, "no actor has the uid 12345, and no snapshot of one is kept");
    assert_int_equal(look_up(kit_proc(kit), "p/z[0]", &s, &err), -1);
    assert_string_equal(err.text, "no actor is called 'p/z[0]', and no snapshot of one is kept");
    kit_stop(kit);
}

static void test_s3_all_that_are_open_are_listed(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'spawn kid', number: 'stop_kid', ended: "
                "'note over' } }\n"
                "  b: { type: kit.Player }\n");
    uint64_t uids[8];

    kit_settle(kit);
    uint32_t before = look_list(kit_proc(kit), uids, 8);
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: over");
    kit_settle(kit);
    uint32_t after = look_list(kit_proc(kit), uids, 1);

    assert_int_equal(before, 3);
    assert_int_equal(after, 2);
    assert_int_equal(uids[0], inst_uid(kit_actor(kit, "a")));
    kit_stop(kit);
}

static void test_s4_entity_view_shows_what_was_published_last(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { number: 'publish x $; publish y 2' } }\n");

    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "number", 5);
    kit_settle(kit);
    struct snapshot *s = kit_look(kit, "a");

    assert_int_equal(s->facts.attribute_count, 2);
    assert_string_equal(s->facts.attributes[0].name, "x");
    assert_string_equal(s->facts.attributes[0].json, "5");
    assert_string_equal(s->facts.attributes[1].json, "2");
    snapshot_unref(s);
    kit_stop(kit);
}

/* Lives that are looked at while they go by, each with all that lookers may read. */
static void run_children(struct kit *kit, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        kit_number(kit, "a", "number", i);
        kit_wait_lines(kit, "a: over", i + 1);
    }
}

/* Somebody looks all the while: nobody waits for that, and what was given up goes afterwards. */
static void test_s7_nobody_waits_for_who_looks(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { number: 'publish x $; spawn kid; tell $', kid: "
                "'number=log hm,fail no', ended: 'note over' } }\n");
    struct proc *proc = kit_proc(kit);
    struct looker first, second;

    kit_settle(kit);
    looks_begin(proc, &first);
    run_children(kit, 0, 10);
    looks_begin(proc, &second);
    run_children(kit, 10, 20);
    looks_end(proc, &first);
    run_children(kit, 20, 30);
    looks_end(proc, &second);
    run_children(kit, 30, 40);

    struct snapshot *s = kit_look(kit, "a");
    assert_string_equal(s->facts.attributes[0].json, "39");
    assert_int_equal(snapshot_number(s, ATTRIBUTE_CHILD_COUNT), 0);
    snapshot_unref(s);
    kit_stop(kit);
}

static void test_fr1_what_is_logged_is_seen_while_it_lives(void **state) {
    struct kit *kit =
        kit_start(*state, "actors:\n"
                          "  a: { type: kit.Player, config: { number: 'log one $' } }\n"
                          "  b: { type: kit.Player, config: { number: 'log two $' } }\n");

    kit_number(kit, "a", "number", 1);
    kit_number(kit, "b", "number", 2);
    kit_settle(kit);
    struct snapshot *a = kit_look(kit, "a"), *b = kit_look(kit, "b");

    assert_true(kit_recorded(a, "one 1"));
    assert_true(kit_recorded(b, "two 2"));
    assert_false(kit_recorded(a, "two")); /* FR-2 */
    assert_false(kit_recorded(b, "one"));
    snapshot_unref(a);
    snapshot_unref(b);
    kit_stop(kit);
}

static void test_look_without_memory_says_so(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { number: 'publish x $; log hm; spawn kid' } }\n");
    struct snapshot *s = NULL;
    struct proc_view *view = NULL;
    struct err err = {0};

    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    uint64_t uid = inst_uid(kit_actor(kit, "a"));
    int status = -1;
    TEST_EACH_FAILED_ALLOCATION(n, status = look_at(kit_proc(kit), uid, &s, &err), status == 0)

    assert_string_equal(err.text, "out of memory"); /* of the last that failed */
    assert_non_null(s);
    snapshot_unref(s);
    err.text[0] = '\0';
    TEST_EACH_FAILED_ALLOCATION(n, status = look_at_proc(kit_proc(kit), &view, &err), status == 0)
    assert_string_equal(err.text, "out of memory");
    proc_view_destroy(view);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_THREADS, test_s1_wedged_actor_answers),
    KIT_TEST(KIT_THREADS, test_s1_beginning_and_stopping_actors_answer),
    KIT_TEST(KIT_BOTH, test_s1_terminated_actors_answer),
    KIT_TEST(KIT_BOTH, test_s1_one_that_begins_anew_shows_its_present_life),
    KIT_TEST(KIT_BOTH, test_s1_brief_is_told_when_there_is_no_more),
    KIT_TEST(KIT_BOTH, test_s2_looking_changes_nothing),
    KIT_TEST(KIT_BOTH, test_s3_children_are_found_by_name_and_by_pid),
    KIT_TEST(KIT_BOTH, test_s3_who_never_was_is_not_found),
    KIT_TEST(KIT_BOTH, test_s3_all_that_are_open_are_listed),
    KIT_TEST(KIT_BOTH, test_s4_entity_view_shows_what_was_published_last),
    KIT_TEST(KIT_BOTH, test_s7_nobody_waits_for_who_looks),
    KIT_TEST(KIT_SEEDED, test_look_without_memory_says_so),
    KIT_TEST(KIT_BOTH, test_fr1_what_is_logged_is_seen_while_it_lives),
};

int main(void) {
    return KIT_RUN(tests);
}
