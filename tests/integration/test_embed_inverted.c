/* Inverted instances and clients that are shown: what CI-1, CI-2 and CI-4 say of them. */
#include "lib/app/embedded_client.h"

#include <stdio.h>
#include <string.h>

#include <troupe/inverted.h>

#include "actor/inst.h"
#include "actor/proc.h"
#include "actor/type.h"
#include "app/client_impl.h"
#include "lib/wait.h"
#include "record/snapshot_store.h"

struct made {
    struct embedded *w;
    struct troupe_inverted *inverted;
    struct troupe_work *work;
    struct troupe_events *events;
    unsigned long handled;
    uint64_t last;
};

static int32_t on_number(void *context, struct troupe_message *message) {
    struct made *made = context;
    made->handled++;
    made->last = ((const struct kit_number *)troupe_message_body(message))->number;
    return made->last == 13 ? TROUPE_ERROR : TROUPE_OK;
}

static int32_t on_question(void *context, struct troupe_message *message) {
    struct made *made = context;
    const struct kit_number answer = {
        ((const struct kit_number *)troupe_message_body(message))->number * 2};
    made->handled++;
    return troupe_message_answer(message, 0, NULL, &answer, NULL);
}

/* The client of the world is the inverted instance. */
static void make(struct embedded *w, struct made *made, const char *manifest) {
    const struct troupe_client_options options = {
        .size = sizeof options, .name = "me", .capacity = 4};
    struct troupe_error *error = &w->error;
    *made = (struct made){.w = w};
    w->proc = embedded_create(&w->log, TROUPE_STAYS, manifest);
    embedded_ok(troupe_proc_add_type(w->proc, "kit.Player", error), error);
    embedded_ok(troupe_proc_start(w->proc, error), error);
    embedded_ok(troupe_inverted_create(w->proc, &options, &made->inverted, error), error);
    w->client = troupe_inverted_client(made->inverted);
    embedded_ok(TROUPE_TYPE(w->client, kit_number, &w->number, error), error);
    embedded_ok(TROUPE_TYPE(w->client, kit_do, &w->order, error), error);
    embedded_ok(
        troupe_inverted_handle(made->inverted, "number", w->number, NULL, on_number, made, error),
        error);
    embedded_ok(troupe_inverted_handle(made->inverted, "asked", w->number, w->number, on_question,
                                       made, error),
                error);
    embedded_ok(troupe_inverted_work(made->inverted, &made->work, error), error);
}

static void finish(struct made *made) {
    troupe_inverted_free(made->inverted);
    embedded_stop(made->w->proc);
}

static int32_t work_once(struct made *made) {
    struct troupe_work_cell *cell = NULL;
    embedded_ok(troupe_work_receive(made->work, 30 * EMBEDDED_S, &cell, &made->w->error),
                &made->w->error);
    return troupe_work_cell_run(cell);
}

static void test_ci4_nothing_runs_until_a_work_cell_is_run(void **state) {
    struct embedded *w = *state;
    struct made made;
    struct troupe_work_cell *cell = NULL;
    make(w, &made, "actors: { a: { type: kit.Player } }");
    embedded_order(w, "a", "tell 12 2; log told", embedded_find(w, "me", "number"));
    embedded_wait_logged(&w->log, "told");

    assert_int_equal(made.handled, 0);
    embedded_ok(troupe_work_receive(made.work, 30 * EMBEDDED_S, &cell, &w->error), &w->error);
    assert_int_equal(made.handled, 0);
    assert_string_equal(troupe_work_cell_port(cell), "number");
    struct troupe_envelope envelope = {.size = sizeof envelope};
    troupe_message_envelope(troupe_work_cell_message(cell), &envelope);
    assert_int_equal(envelope.sender.uid, embedded_find(w, "a", NULL).uid);

    assert_int_equal(troupe_work_cell_run(cell), TROUPE_OK);
    assert_int_equal(made.last, 12);
    assert_int_equal(work_once(&made), TROUPE_ERROR); /* the handler's own status */
    assert_int_equal(made.handled, 2);
    assert_int_equal(troupe_work_receive(made.work, 0, &cell, &w->error), TROUPE_TIMEOUT);
    finish(&made);
}

static void test_ci4_work_keeps_the_order_over_its_ports(void **state) {
    struct embedded *w = *state;
    struct made made;
    make(w, &made, "actors: { a: { type: kit.Player, config: { reply: 'log reply $ %' } } }");

    embedded_order(w, "a", "tell 1", embedded_find(w, "me", "number"));
    embedded_order(w, "a", "ask_to 21 30000", embedded_find(w, "me", "asked"));
    assert_int_equal(work_once(&made), TROUPE_OK);
    assert_int_equal(made.last, 1);
    assert_int_equal(work_once(&made), TROUPE_OK);

    embedded_wait_logged(&w->log, "p/a[0]: reply 42");
    finish(&made);
}

static void test_ci4_cell_that_is_not_run_ends_its_request(void **state) {
    struct embedded *w = *state;
    struct made made;
    struct troupe_work_cell *cell = NULL;
    make(w, &made, "actors: { a: { type: kit.Player, config: { reply: 'log reply $ %' } } }");

    embedded_order(w, "a", "ask_to 21 30000", embedded_find(w, "me", "asked"));
    embedded_ok(troupe_work_receive(made.work, 30 * EMBEDDED_S, &cell, &w->error), &w->error);
    troupe_work_cell_free(cell);

    embedded_wait_logged(&w->log, "the client did not answer");
    finish(&made);
}

static void test_ci4_full_queue_sends_back(void **state) {
    struct embedded *w = *state;
    struct made made;
    make(w, &made, "actors: { a: { type: kit.Player, config: { returned: 'log back $: %' } } }");

    embedded_order(w, "a", "tell 1 5", embedded_find(w, "me", "number"));

    embedded_wait_logged(&w->log, "p/a[0]: back 5: mailbox is full");
    finish(&made);
}

static void test_ci4_each_receiver_is_given_once(void **state) {
    struct embedded *w = *state;
    struct made made;
    struct troupe_work *work = NULL;
    struct troupe_signals *signals = NULL;
    make(w, &made, "actors: {}");

    assert_int_equal(troupe_inverted_work(made.inverted, &work, &w->error), TROUPE_REFUSED);
    assert_string_equal(w->error.text, "the work receiver has been given to somebody");
    embedded_ok(troupe_inverted_signals(made.inverted, &signals, &w->error), &w->error);
    assert_int_equal(troupe_inverted_signals(made.inverted, &signals, &w->error), TROUPE_REFUSED);
    assert_int_equal(troupe_inverted_handle(made.inverted, "asked", w->number, NULL, on_number,
                                            &made, &w->error),
                     TROUPE_REFUSED);
    assert_string_equal(w->error.text, "there is a port 'asked' already");
    finish(&made);
}

static void test_ci4_signal_comes_when_the_proc_stops(void **state) {
    struct embedded *w = *state;
    struct made made;
    struct troupe_signals *signals = NULL;
    make(w, &made, "actors: { a: { type: kit.Player, config: { cleanup: 'log bye' } } }");
    embedded_ok(troupe_inverted_signals(made.inverted, &signals, &w->error), &w->error);
    assert_int_equal(troupe_signals_receive(signals, 0, &w->error), TROUPE_TIMEOUT);

    troupe_proc_stop(w->proc);

    int32_t status = troupe_signals_receive(signals, 30 * EMBEDDED_S, &w->error);
    assert_true(status == TROUPE_OK || status == TROUPE_GONE);
    embedded_ok(troupe_proc_wait(w->proc, TROUPE_FOR_EVER, NULL, &w->error), &w->error);
    assert_int_equal(troupe_signals_receive(signals, 30 * EMBEDDED_S, &w->error), TROUPE_GONE);
    finish(&made);
}

/* --- children --- */

static struct troupe_ref spawn(struct made *made, const char *name, const char *init) {
    const struct troupe_setting settings[] = {{troupe_str("init"), troupe_str(init)},
                                              {troupe_str("number"), troupe_str("fail oh no")}};
    const struct troupe_spawn how = {
        .size = sizeof how, .name = troupe_str(name), .settings = settings, .setting_count = 2};
    struct troupe_ref child = {0, 0};
    embedded_ok(troupe_inverted_spawn(made->inverted, "kit.Player", &how, &child, &made->w->error),
                &made->w->error);
    return child;
}

static void note_child(void *context, const struct troupe_child *child) {
    char *text = context;
    (void)snprintf(text + strlen(text), 200, "%llu %s %s;", (unsigned long long)child->pid,
                   child->name, child->status);
}

static void test_ai1_children_by_hand_count_in_the_tree_of_the_instance(void **state) {
    struct embedded *w = *state;
    struct made made;
    char text[1024] = "";
    make(w, &made, "actors: {}");

    (void)spawn(&made, "named", "log up; spawn");
    (void)spawn(&made, "", "log up too");
    embedded_wait_logged(&w->log, "p/named[1]: up");
    embedded_wait_logged(&w->log, "up too");

    embedded_ok(troupe_inverted_children(made.inverted, note_child, text, &w->error), &w->error);
    assert_ptr_equal(strstr(text, "1 p/named[1] "), text);
    assert_non_null(strstr(text, " p/me["));
    finish(&made);
}

static void test_ai2_second_child_by_hand_of_a_name_is_refused(void **state) {
    struct embedded *w = *state;
    struct made made;
    const struct troupe_spawn how = {.size = sizeof how, .name = troupe_str("kid")};
    const struct troupe_setting wrong = {troupe_str("nope"), troupe_str("1")};
    const struct troupe_spawn bad = {.size = sizeof bad, .settings = &wrong, .setting_count = 1};
    struct troupe_ref child;
    make(w, &made, "actors: {}");
    (void)spawn(&made, "kid", "log up");

    assert_int_equal(troupe_inverted_spawn(made.inverted, "kit.Player", &how, &child, &w->error),
                     TROUPE_REFUSED);
    assert_string_equal(w->error.text, "the name 'kid' is taken by 'p/kid[1]'");
    assert_int_equal(troupe_inverted_spawn(made.inverted, "kit.Player", &bad, &child, &w->error),
                     TROUPE_REFUSED);
    assert_non_null(strstr(w->error.text, "unknown config key 'nope'"));
    assert_int_equal(troupe_inverted_spawn(made.inverted, "no.Type", NULL, &child, &w->error),
                     TROUPE_NOT_FOUND);
    assert_string_equal(w->error.text, "the proc knows no actor type 'no.Type'");
    finish(&made);
}

static void fail_child(struct embedded *w, struct troupe_ref child) {
    struct troupe_ref to = {child.uid, 0};
    const struct kit_number body = {1};
    struct troupe_ref port;
    embedded_ok(troupe_client_find(w->client, "me", "number", &port, &w->error), &w->error);
    to.port = port.port;
    embedded_ok(troupe_client_send(w->client, to, w->number, &body, NULL, 0, &w->error), &w->error);
}

static void test_ci4_events_say_how_children_ended(void **state) {
    struct embedded *w = *state;
    struct made made;
    struct troupe_child_end end;
    char text[1024] = "";
    make(w, &made, "actors: {}");
    embedded_ok(troupe_inverted_events(made.inverted, &made.events, &w->error), &w->error);
    struct troupe_ref first = spawn(&made, "first", "log up");
    struct troupe_ref second = spawn(&made, "second", "log up");

    fail_child(w, first);
    embedded_ok(troupe_events_receive(made.events, 30 * EMBEDDED_S, &end, &w->error), &w->error);
    assert_true(end.failed);
    assert_int_equal(end.uid, first.uid);
    assert_string_equal(end.name, "p/first[1]");
    assert_string_equal(end.text, "number: oh no");
    assert_string_equal(end.root, "p/first[1]");
    embedded_ok(troupe_inverted_stop_child(made.inverted, second, true, &w->error), &w->error);
    embedded_ok(troupe_events_receive(made.events, 30 * EMBEDDED_S, &end, &w->error), &w->error);
    assert_false(end.failed);
    assert_string_equal(end.name, "p/second[2]");

    embedded_ok(troupe_inverted_children(made.inverted, note_child, text, &w->error), &w->error);
    assert_string_equal(text, "");
    assert_int_equal(troupe_inverted_stop_child(made.inverted, second, true, &w->error),
                     TROUPE_NOT_FOUND);
    assert_int_equal(troupe_events_receive(made.events, 0, &end, &w->error), TROUPE_TIMEOUT);
    finish(&made);
}

static void test_ci4_failure_of_a_child_that_nobody_reads_ends_the_proc(void **state) {
    struct embedded *w = *state;
    struct made made;
    struct troupe_end *end = NULL;
    make(w, &made, "actors: {}");
    struct troupe_ref child = spawn(&made, "kid", "log up");

    fail_child(w, child);
    embedded_ok(troupe_proc_wait(w->proc, TROUPE_FOR_EVER, &end, &w->error), &w->error);

    assert_int_equal(troupe_end_status(end), TROUPE_ERROR);
    assert_string_equal(troupe_end_cause(end), "actor 'p/kid[1]' failed: number: oh no");
    troupe_end_free(end);
    troupe_inverted_free(made.inverted);
    embedded_drop(w->proc);
}

static void test_sv4_children_end_before_the_instance(void **state) {
    struct embedded *w = *state;
    struct made made;
    make(w, &made, "actors: { a: { type: kit.Player } }");
    (void)spawn(&made, "kid", "spawn; log up");
    embedded_wait_logged(&w->log, "up");

    troupe_inverted_free(made.inverted);

    embedded_stop(w->proc); /* accounts for all of them */
}

/* --- shown clients --- */

static void test_ci1_client_has_a_status_and_a_type_of_its_own(void **state) {
    struct embedded *w = *state;
    const struct troupe_client_options options = {
        .size = sizeof options, .flags = TROUPE_SHOWN, .name = "shown"};
    embedded_begin_as(w, "actors: { a: { type: kit.Player } }", &options);

    assert_string_equal(inst_status_text(inst_status(w->client->in)), "client");
    assert_string_equal(inst_type(w->client->in)->id, "()");

    embedded_finish(w);
}

struct left {
    struct snapshot_store *store;
    uint64_t uid;
};

static bool has_snapshot(void *context) {
    const struct left *left = context;
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    int found = snapshot_store_find(left->store, left->uid, 1, &brief, &snapshot);
    bool is_it = found == 1 && snapshot && !brief.failed && strcmp(brief.id, "p/shown[0]") == 0;
    snapshot_unref(snapshot);
    return is_it;
}

static void test_ci2_dropping_a_client_stores_a_terminated_snapshot(void **state) {
    struct embedded *w = *state;
    const struct troupe_client_options options = {
        .size = sizeof options, .flags = TROUPE_SHOWN, .name = "shown"};
    embedded_begin_as(w, "actors: { a: { type: kit.Player } }", &options);
    struct left left = {proc_snapshots(deploy_proc(w->proc->deploy)),
                        troupe_client_ref(w->client).uid};
    assert_false(has_snapshot(&left));

    troupe_client_free(w->client);

    test_wait_until(has_snapshot, &left);
    embedded_stop(w->proc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_setup, embedded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_ci4_nothing_runs_until_a_work_cell_is_run),
        TEST(test_ci4_work_keeps_the_order_over_its_ports),
        TEST(test_ci4_cell_that_is_not_run_ends_its_request),
        TEST(test_ci4_full_queue_sends_back),
        TEST(test_ci4_each_receiver_is_given_once),
        TEST(test_ci4_signal_comes_when_the_proc_stops),
        TEST(test_ai1_children_by_hand_count_in_the_tree_of_the_instance),
        TEST(test_ai2_second_child_by_hand_of_a_name_is_refused),
        TEST(test_ci4_events_say_how_children_ended),
        TEST(test_ci4_failure_of_a_child_that_nobody_reads_ends_the_proc),
        TEST(test_sv4_children_end_before_the_instance),
        TEST(test_ci1_client_has_a_status_and_a_type_of_its_own),
        TEST(test_ci2_dropping_a_client_stores_a_terminated_snapshot),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
