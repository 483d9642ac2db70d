/* Cells: telling actors to end, cells of clients, and the tree. */
#include "lib/app/embedded_cell.h"

#include <stdio.h>
#include <string.h>

/* --- telling it --- */

static void test_dr2_operators_stop_is_not_followed_by_a_restart(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, PERMANENT);
    struct troupe_cell *a = cell_of(w, "a");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);

    tell(w, a, TROUPE_CELL_SIGNAL_STOP);
    struct troupe_cell_seen end = wait_closed(w, a);

    assert_int_equal(end.status, TROUPE_CELL_STOPPED);
    assert_int_equal(end.incarnation, 1);
    assert_true(embedded_logged(&w->log, "p/a[0]: bye"));
    assert_int_equal(troupe_cell_signal(a, TROUPE_CELL_SIGNAL_ABORT, &w->error), TROUPE_GONE);
    troupe_cell_unref(a);
    embedded_finish(w);
}

static void test_dr2_operators_drain_handles_what_is_queued(void **state) {
    struct embedded *w = *state;
    embedded_gate_make("g");
    embedded_begin(w, "actors: { a: { type: kit.Player, restart: permanent, config: { number: 'at "
                      "1; gate g; log first', second: 'log second' } } }");
    struct troupe_cell *a = cell_of(w, "a");
    struct troupe_ref second = embedded_find(w, "a", "second");
    const struct kit_number body = {2};

    embedded_ok(embedded_send(w, "a", 1, 0), &w->error);
    embedded_ok(troupe_client_send(w->client, second, w->number, &body, NULL, 0, &w->error),
                &w->error);
    tell(w, a, TROUPE_CELL_SIGNAL_DRAIN);
    embedded_gate_open("g");
    struct troupe_cell_seen end = wait_closed(w, a);

    assert_true(embedded_logged(&w->log, "p/a[0]: second"));
    assert_int_equal(end.status, TROUPE_CELL_STOPPED);
    assert_string_equal(end.detail, "drained");
    troupe_cell_unref(a);
    embedded_finish(w);
}

static void test_dr2_operators_abort_leaves_no_cleanup(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, PERMANENT);
    struct troupe_cell *a = cell_of(w, "a");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);

    tell(w, a, TROUPE_CELL_SIGNAL_ABORT);
    struct troupe_cell_seen end = wait_closed(w, a);

    assert_string_equal(end.detail, "aborted");
    assert_false(embedded_logged(&w->log, "p/a[0]: bye"));
    troupe_cell_unref(a);
    embedded_finish(w);
}

static void test_dr2_failure_of_one_that_was_stopped_is_told_at_the_end(void **state) {
    struct embedded *w = *state;
    struct troupe_end *end = NULL;
    embedded_begin(w, "supervision: { intensity: 5 }\n"
                      "actors: { a: { type: kit.Player, restart: permanent, config: { cleanup: "
                      "'fail no' } }, b: { type: kit.Player } }");
    struct troupe_cell *a = cell_of(w, "a");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);

    tell(w, a, TROUPE_CELL_SIGNAL_STOP);
    assert_int_equal(wait_closed(w, a).status, TROUPE_CELL_FAILED);
    troupe_client_free(w->client);
    embedded_ok(troupe_proc_destroy(w->proc, TROUPE_FOR_EVER, &end, &w->error), &w->error);

    assert_int_equal(troupe_end_status(end), TROUPE_ERROR);
    assert_string_equal(troupe_end_cause(end), "actor 'p/a[0]' failed: cleanup: no");
    troupe_end_free(end);
    troupe_cell_unref(a);
}

static void test_dr2_one_in_backoff_closes_at_once(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "supervision: { intensity: 5 }\n"
                      "actors: { a: { type: kit.Player, restart: { policy: permanent, backoff: { "
                      "initial: 1h, max: 1h } }, config: { number: 'fail oh no' } } }");
    struct troupe_cell *a = cell_of(w, "a");
    embedded_ok(embedded_send(w, "a", 1, 0), &w->error);
    wait_for(w, a, TROUPE_CELL_FAILED, 1);
    assert_false(look(w, a).closed);
    assert_string_equal(look(w, a).detail, "number: oh no");

    tell(w, a, TROUPE_CELL_SIGNAL_DRAIN);
    struct troupe_cell_seen end = wait_closed(w, a);

    assert_int_equal(end.status, TROUPE_CELL_FAILED);
    assert_int_equal(end.incarnation, 1);
    troupe_cell_unref(a);
    embedded_finish(w);
}

#define GROUP                                                                                      \
    "supervision: { intensity: 5 }\n"                                                              \
    "actors: { g: { actors: { a: { type: kit.Player, restart: permanent, config: { cleanup: 'log " \
    "bye' } }, b: { type: kit.Player } } }, c: { type: kit.Player } }"

static void end_group(struct embedded *w, uint32_t signal, bool says_bye) {
    embedded_begin(w, GROUP);
    struct troupe_cell *g = cell_of(w, "g");
    struct troupe_cell *a = cell_of(w, "g/a");
    struct troupe_cell *b = cell_of(w, "g/b");
    struct troupe_cell *c = cell_of(w, "c");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);
    wait_for(w, b, TROUPE_CELL_IDLE, 1);
    wait_for(w, c, TROUPE_CELL_IDLE, 1);

    assert_int_equal(troupe_cell_signal(g, TROUPE_CELL_SIGNAL_DRAIN, &w->error), TROUPE_REFUSED);
    assert_string_equal(w->error.text, "'g' is a group: stop it, abort it, or drain its members");
    tell(w, g, signal);
    (void)wait_closed(w, g);

    assert_int_equal(embedded_logged(&w->log, "p/g/a[1]: bye"), says_bye);
    assert_int_equal(look(w, c).status, TROUPE_CELL_IDLE);
    assert_int_equal(wait_closed(w, a).status, TROUPE_CELL_STOPPED);
    assert_int_equal(wait_closed(w, b).status, TROUPE_CELL_STOPPED);
    troupe_cell_unref(a);
    troupe_cell_unref(b);
    troupe_cell_unref(c);
    troupe_cell_unref(g);
    embedded_finish(w);
}

static void test_sv4_operators_stop_of_a_group_ends_its_members_before(void **state) {
    end_group(*state, TROUPE_CELL_SIGNAL_STOP, true);
}

static void test_sv4_operators_abort_of_a_group_ends_its_members_before(void **state) {
    end_group(*state, TROUPE_CELL_SIGNAL_ABORT, false);
}

static void test_sv9_stopped_child_is_heard_by_its_parent(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { init: 'spawn kid', ended: 'log "
                      "heard %' } } }");
    struct troupe_cell *a = cell_of(w, "a");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);
    struct troupe_cell *kid = cell_of(w, "p/kid[1]");
    struct troupe_cell *parent = NULL;
    embedded_ok(troupe_cell_parent(kid, &parent, &w->error), &w->error);

    tell(w, kid, TROUPE_CELL_SIGNAL_STOP);

    assert_int_equal(wait_closed(w, kid).status, TROUPE_CELL_STOPPED);
    embedded_wait_logged(&w->log, "p/a[0]: heard");
    assert_false(look(w, parent).closed);
    assert_int_equal(troupe_cell_signal(kid, TROUPE_CELL_SIGNAL_STOP, &w->error), TROUPE_GONE);
    troupe_cell_unref(parent);
    troupe_cell_unref(kid);
    troupe_cell_unref(a);
    embedded_finish(w);
}

/* --- clients --- */

static void test_ci1_client_has_a_cell(void **state) {
    struct embedded *w = *state;
    struct troupe_cell *cell = NULL;
    struct troupe_cell *parent = NULL;
    struct troupe_look *seen = NULL;
    const struct troupe_client_options options = {
        .size = sizeof options, .flags = TROUPE_SHOWN, .name = "shown"};
    embedded_begin_as(w, "actors: { a: { type: kit.Player } }", &options);

    embedded_ok(troupe_client_cell(w->client, &cell, &w->error), &w->error);

    assert_string_equal(troupe_cell_id(cell), "p/shown[0]");
    assert_string_equal(troupe_cell_type(cell), "()");
    assert_int_equal(look(w, cell).status, TROUPE_CELL_CLIENT);
    embedded_ok(troupe_cell_parent(cell, &parent, &w->error), &w->error);
    assert_null(parent);
    troupe_client_free(w->client);
    struct troupe_cell_seen end = wait_closed(w, cell);
    assert_int_equal(end.status, TROUPE_CELL_STOPPED); /* CI-2 */
    embedded_ok(troupe_cell_look(cell, TROUPE_ACTOR_VIEW, &seen, &w->error), &w->error);
    assert_non_null(strstr(troupe_look_json(seen), "\"actor_type\": \"()\""));
    troupe_look_free(seen);
    troupe_cell_unref(cell);
    embedded_stop(w->proc);
}

static void test_ci3_plain_client_is_told_and_not_introspectable(void **state) {
    struct embedded *w = *state;
    struct troupe_cell *cell = NULL;
    struct troupe_look *seen = NULL;
    struct troupe_ref ref;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");
    embedded_ok(troupe_client_cell(w->client, &cell, &w->error), &w->error);

    assert_int_equal(troupe_cell_look(cell, TROUPE_ACTOR_VIEW, &seen, &w->error), TROUPE_REFUSED);
    assert_string_equal(w->error.text, "'p/client-1[0]' is a plain client: not introspectable");
    tell(w, cell, TROUPE_CELL_SIGNAL_STOP);
    (void)wait_closed(w, cell);

    assert_int_equal(troupe_client_find(w->client, "a", NULL, &ref, &w->error), TROUPE_GONE);
    assert_int_equal(troupe_client_cell(w->client, &cell, &w->error), TROUPE_GONE);
    assert_int_equal(troupe_cell_signal(cell, TROUPE_CELL_SIGNAL_STOP, &w->error), TROUPE_GONE);
    troupe_cell_unref(cell);
    embedded_finish(w);
}

/* --- an inverted instance, and the tree below it --- */

static struct troupe_inverted *invert(struct embedded *w) {
    struct troupe_inverted *inverted = NULL;
    const struct troupe_client_options options = {.size = sizeof options, .name = "me"};
    w->proc = embedded_create(&w->log, TROUPE_STAYS, "actors: { z: { type: kit.Player } }");
    embedded_ok(troupe_proc_add_type(w->proc, "kit.Player", &w->error), &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);
    embedded_ok(troupe_inverted_create(w->proc, &options, &inverted, &w->error), &w->error);
    w->client = troupe_inverted_client(inverted);
    return inverted;
}

static struct troupe_cell *spawn(struct embedded *w, struct troupe_inverted *inverted,
                                 const char *name, const char *init) {
    const struct troupe_setting settings[] = {{troupe_str("init"), troupe_str(init)}};
    const struct troupe_spawn how = {
        .size = sizeof how, .name = troupe_str(name), .settings = settings, .setting_count = 1};
    struct troupe_ref child = {0, 0};
    struct troupe_cell *cell = NULL;
    embedded_ok(troupe_inverted_spawn(inverted, "kit.Player", &how, &child, &w->error), &w->error);
    embedded_ok(troupe_proc_cell_of(w->proc, child, &cell, &w->error), &w->error);
    wait_for(w, cell, TROUPE_CELL_IDLE, 1);
    return cell;
}

static void test_ci4_inverted_instance_is_told_by_its_receiver(void **state) {
    struct embedded *w = *state;
    struct troupe_cell *cell = NULL;
    struct troupe_signals *signals = NULL;
    struct troupe_inverted *inverted = invert(w);
    struct troupe_cell *kid = spawn(w, inverted, "kid", "log up");
    embedded_ok(troupe_inverted_signals(inverted, &signals, &w->error), &w->error);
    embedded_ok(troupe_client_cell(w->client, &cell, &w->error), &w->error);

    tell(w, cell, TROUPE_CELL_SIGNAL_STOP);
    embedded_ok(troupe_signals_receive(signals, LONG, &w->error), &w->error);
    assert_int_equal(look(w, cell).status, TROUPE_CELL_CLIENT);
    tell(w, cell, TROUPE_CELL_SIGNAL_ABORT);
    (void)wait_closed(w, cell);

    assert_true(look(w, kid).closed); /* SV-4 */
    troupe_cell_unref(kid);
    troupe_cell_unref(cell);
    troupe_inverted_free(inverted);
    embedded_stop(w->proc);
}

struct walk {
    char text[1024];
    unsigned most;
};

static bool note(void *context, struct troupe_cell *cell, uint32_t depth) {
    struct walk *walk = context;
    size_t used = strlen(walk->text);
    (void)snprintf(walk->text + used, sizeof walk->text - used, "%u %s; ", depth,
                   troupe_cell_id(cell));
    return --walk->most > 0;
}

static void test_cell_traverse_goes_down_in_the_order_of_pids(void **state) {
    struct embedded *w = *state;
    struct troupe_inverted *inverted = invert(w);
    struct troupe_cell *me = NULL;
    struct troupe_cell *first = spawn(w, inverted, "first", "spawn x; spawn y");
    struct troupe_cell *second = spawn(w, inverted, "second", "spawn x");
    embedded_ok(troupe_client_cell(w->client, &me, &w->error), &w->error);

    struct walk all = {.most = 100};
    embedded_ok(troupe_cell_traverse(me, NULL, note, &all, &w->error), &w->error);
    assert_string_equal(all.text, "1 p/first[1]; 2 p/x[2]; 2 p/y[3]; 1 p/second[4]; 2 p/x[5]; ");

    struct walk children = {.most = 100};
    embedded_ok(troupe_cell_children(me, note, &children, &w->error), &w->error);
    assert_string_equal(children.text, "1 p/first[1]; 1 p/second[4]; ");

    struct troupe_traverse three = {.size = sizeof three, .most = 3};
    struct walk few = {.most = 100};
    assert_int_equal(troupe_cell_traverse(me, &three, note, &few, &w->error), TROUPE_FULL);
    assert_string_equal(w->error.text, "there are more than the 3 cells asked for");
    assert_string_equal(few.text, "1 p/first[1]; 2 p/x[2]; 2 p/y[3]; ");

    struct walk until = {.most = 2};
    embedded_ok(troupe_cell_traverse(me, NULL, note, &until, &w->error), &w->error);
    assert_string_equal(until.text, "1 p/first[1]; 2 p/x[2]; ");

    tell(w, first, TROUPE_CELL_SIGNAL_STOP);
    (void)wait_closed(w, first);
    struct walk rest = {.most = 100};
    embedded_ok(troupe_cell_traverse(me, NULL, note, &rest, &w->error), &w->error);
    assert_string_equal(rest.text, "1 p/second[4]; 2 p/x[5]; ");
    struct walk none = {.most = 100};
    embedded_ok(troupe_cell_traverse(first, NULL, note, &none, &w->error), &w->error);
    assert_string_equal(none.text, "");
    three.size = 3;
    assert_int_equal(troupe_cell_traverse(me, &three, note, &none, &w->error), TROUPE_INVALID);
    troupe_cell_unref(first);
    troupe_cell_unref(second);
    troupe_cell_unref(me);
    troupe_inverted_free(inverted);
    embedded_stop(w->proc);
}

static void test_cell_children_and_parents_are_found_from_each_other(void **state) {
    struct embedded *w = *state;
    struct troupe_inverted *inverted = invert(w);
    struct troupe_cell *first = spawn(w, inverted, "first", "spawn x; spawn y");
    struct troupe_cell *me = NULL;
    struct troupe_cell *y = NULL;
    struct troupe_cell *same = NULL;
    struct troupe_cell *parent = NULL;
    embedded_ok(troupe_client_cell(w->client, &me, &w->error), &w->error);

    embedded_ok(troupe_cell_child(me, "first/[3]", &y, &w->error), &w->error);
    embedded_ok(troupe_cell_child(first, "y", &same, &w->error), &w->error);
    embedded_ok(troupe_cell_parent(y, &parent, &w->error), &w->error);

    assert_string_equal(troupe_cell_id(y), "p/y[3]");
    assert_int_equal(troupe_cell_address(same).uid, troupe_cell_address(y).uid);
    assert_int_equal(troupe_cell_address(parent).uid, troupe_cell_address(first).uid);
    troupe_cell_unref(parent);
    embedded_ok(troupe_cell_parent(first, &parent, &w->error), &w->error);
    assert_string_equal(troupe_cell_id(parent), "p/me[0]");
    troupe_cell_unref(parent);
    assert_int_equal(troupe_cell_child(me, "[9]", &parent, &w->error), TROUPE_NOT_FOUND);
    assert_string_equal(w->error.text, "there is no open child '[9]' below 'p/me[0]'");
    tell(w, first, TROUPE_CELL_SIGNAL_ABORT);
    (void)wait_closed(w, first);
    assert_true(look(w, y).closed);
    assert_int_equal(troupe_cell_parent(y, &parent, &w->error), TROUPE_NOT_FOUND);
    assert_string_equal(w->error.text, "the parent of 'p/y[3]' has ended");
    troupe_cell_unref(y);
    troupe_cell_unref(same);
    troupe_cell_unref(first);
    troupe_cell_unref(me);
    troupe_inverted_free(inverted);
    embedded_stop(w->proc);
}

static void test_cell_traverse_of_a_proc_begins_with_its_roots(void **state) {
    struct embedded *w = *state;
    struct walk all = {.most = 100};
    struct walk roots = {.most = 100};
    const struct troupe_traverse top = {.size = sizeof top, .depth = 1};
    w->proc = embedded_create(&w->log, TROUPE_STAYS, GROUP);
    assert_int_equal(troupe_proc_traverse(w->proc, NULL, note, &all, &w->error), TROUPE_STOPPING);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);

    embedded_ok(troupe_proc_traverse(w->proc, NULL, note, &all, &w->error), &w->error);
    embedded_ok(troupe_proc_traverse(w->proc, &top, note, &roots, &w->error), &w->error);

    assert_string_equal(all.text, "1 p/g[0]; 2 p/g/a[1]; 2 p/g/b[2]; 1 p/c[0]; ");
    assert_string_equal(roots.text, "1 p/g[0]; 1 p/c[0]; ");
    embedded_stop(w->proc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_setup, embedded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_dr2_operators_stop_is_not_followed_by_a_restart),
        TEST(test_dr2_operators_drain_handles_what_is_queued),
        TEST(test_dr2_operators_abort_leaves_no_cleanup),
        TEST(test_dr2_failure_of_one_that_was_stopped_is_told_at_the_end),
        TEST(test_dr2_one_in_backoff_closes_at_once),
        TEST(test_sv4_operators_stop_of_a_group_ends_its_members_before),
        TEST(test_sv4_operators_abort_of_a_group_ends_its_members_before),
        TEST(test_sv9_stopped_child_is_heard_by_its_parent),
        TEST(test_ci1_client_has_a_cell),
        TEST(test_ci3_plain_client_is_told_and_not_introspectable),
        TEST(test_ci4_inverted_instance_is_told_by_its_receiver),
        TEST(test_cell_traverse_goes_down_in_the_order_of_pids),
        TEST(test_cell_children_and_parents_are_found_from_each_other),
        TEST(test_cell_traverse_of_a_proc_begins_with_its_roots),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
