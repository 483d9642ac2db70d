/* Cells: actors that a program has in hand: who they are, what they do and how they ended, and waiting for
 * that. */
#include "lib/app/embedded_cell.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <troupe/introspect.h>

#include "lib/wait.h"

/* --- who it is --- */

static void test_ai1_cell_says_who_it_is(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { g: { actors: { a: { type: kit.Player } } } }");

    struct troupe_cell *a = cell_of(w, "g/a");
    struct troupe_cell *group = cell_of(w, "p/g[0]");

    assert_string_equal(troupe_cell_id(a), "p/g/a[1]");
    assert_string_equal(troupe_cell_type(a), "kit.Player");
    assert_int_equal(troupe_cell_pid(a), 1);
    assert_int_equal(troupe_cell_address(a).uid, embedded_find(w, "g/a", NULL).uid);
    assert_string_equal(troupe_cell_type(group), "troupe.Group");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);
    struct troupe_cell_seen now = look(w, a);
    assert_false(now.closed);
    assert_string_equal(now.detail, "");
    troupe_cell_unref(group);
    troupe_cell_unref(a);
    embedded_finish(w);
}

static void test_ai4_cell_is_found_by_name_address_and_reference(void **state) {
    struct embedded *w = *state;
    struct troupe_cell *by_uid = NULL;
    struct troupe_cell *none = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { init: 'spawn kid; log up', "
                      "kid: 'init=log kid' } } }");
    embedded_wait_logged(&w->log, "kid[1]: kid");

    struct troupe_cell *kid = cell_of(w, "p/kid[1]");
    embedded_ok(troupe_proc_cell_of(w->proc, embedded_find(w, "a", "number"), &by_uid, &w->error),
                &w->error);

    assert_string_equal(troupe_cell_id(kid), "p/kid[1]");
    assert_string_equal(troupe_cell_id(by_uid), "p/a[0]");
    assert_int_equal(troupe_proc_cell(w->proc, "b", &none, &w->error), TROUPE_NOT_FOUND);
    assert_string_equal(w->error.text, "there is no open actor 'b' in proc 'p'");
    const struct troupe_ref strange = {1ull << 60, 0};
    assert_int_equal(troupe_proc_cell_of(w->proc, strange, &none, &w->error), TROUPE_NOT_FOUND);
    const struct troupe_ref far = {1, 1ull << 40};
    assert_int_equal(troupe_proc_cell_of(w->proc, far, &none, &w->error), TROUPE_NOT_LOCAL);
    assert_null(none);
    troupe_cell_unref(kid);
    troupe_cell_unref(by_uid);
    embedded_finish(w);
}

/* --- its end --- */

static void test_ai4_ended_slot_is_not_found_but_a_cell_still_shows_it(void **state) {
    struct embedded *w = *state;
    struct troupe_cell *none = NULL;
    struct troupe_look *seen = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player }, b: { type: kit.Player } }");
    struct troupe_cell *a = cell_of(w, "a");
    struct troupe_weak_cell *weak = troupe_cell_weak(a);
    struct troupe_cell *again = troupe_weak_cell_upgrade(weak);
    assert_string_equal(troupe_cell_id(again), "p/a[0]");

    embedded_order(w, "a", "stop", (struct troupe_ref){0, 0});
    struct troupe_cell_seen end = wait_closed(w, a);

    assert_int_equal(end.status, TROUPE_CELL_STOPPED);
    assert_string_equal(end.detail, "stopped");
    assert_null(troupe_weak_cell_upgrade(weak)); /* though a cell of it is still held */
    assert_int_equal(troupe_proc_cell(w->proc, "a", &none, &w->error), TROUPE_NOT_FOUND);
    assert_int_equal(troupe_proc_cell(w->proc, "p/a[0]", &none, &w->error), TROUPE_NOT_FOUND);
    assert_int_equal(troupe_proc_cell_of(w->proc, troupe_cell_address(a), &none, &w->error),
                     TROUPE_NOT_FOUND);
    embedded_ok(troupe_cell_look(a, TROUPE_ACTOR_VIEW, &seen, &w->error), &w->error);
    assert_non_null(strstr(troupe_look_json(seen), "\"messages_processed\": 1"));
    troupe_look_free(seen);
    troupe_cell_unref(again);
    troupe_cell_unref(a);
    troupe_weak_cell_free(weak);
    embedded_finish(w);
}

static bool is_mapped(const char *text) {
    char line[1024];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (!found && fgets(line, sizeof line, maps)) {
        found = strstr(line, text);
    }
    assert_int_equal(fclose(maps), 0);
    return found;
}

static void test_s5_cell_keeps_neither_actor_nor_library_nor_proc(void **state) {
    struct embedded *w = *state;
    struct troupe_look *seen = NULL;
    struct troupe_cell *parent = NULL;
    w->proc = embedded_create(&w->log, TROUPE_STAYS, "actors: { a: { type: demo.Pong } }");
    embedded_ok(troupe_proc_add_plugins(w->proc, TROUPE_BUILD_DIR "/plugins/demo.so", &w->error),
                &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);
    struct troupe_cell *a = cell_of(w, "a");
    struct troupe_weak_cell *weak = troupe_cell_weak(a);
    wait_for(w, a, TROUPE_CELL_IDLE, 1);
    assert_true(is_mapped("/.demo.p"));

    embedded_stop(w->proc); /* waits until nothing is left of it */

    assert_false(is_mapped("/.demo.p"));
    struct troupe_cell_seen end = look(w, a);
    assert_true(end.closed);
    assert_int_equal(end.status, TROUPE_CELL_STOPPED);
    assert_string_equal(troupe_cell_id(a), "p/a[0]");
    assert_string_equal(troupe_cell_type(a), "demo.Pong");
    embedded_ok(troupe_cell_look(a, TROUPE_ENTITY_VIEW, &seen, &w->error), &w->error);
    assert_non_null(strstr(troupe_look_json(seen), "\"actor_type\": \"demo.Pong\""));
    assert_int_equal(troupe_cell_signal(a, TROUPE_CELL_SIGNAL_STOP, &w->error), TROUPE_GONE);
    assert_string_equal(w->error.text, "'p/a[0]' has ended");
    embedded_ok(troupe_cell_watch(a, LONG, &end, &w->error), &w->error); /* at once */
    embedded_ok(troupe_cell_parent(a, &parent, &w->error), &w->error);
    assert_null(parent);
    assert_int_equal(troupe_cell_child(a, "[1]", &parent, &w->error), TROUPE_NOT_FOUND);
    assert_null(troupe_weak_cell_upgrade(weak));
    troupe_weak_cell_free(weak);
    troupe_look_free(seen);
    troupe_cell_unref(a);
}

static void test_s6_cell_has_the_whole_end_of_a_child_that_the_proc_forgot(void **state) {
    struct embedded *w = *state;
    struct troupe_look *seen = NULL;
    embedded_begin(w, "snapshots: { keep: 1 }\n"
                      "actors: { a: { type: kit.Player, config: { init: 'spawn kid', kid: "
                      "'number=note got', ended: 'log heard' } } }");
    struct troupe_cell *a = cell_of(w, "a");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);
    struct troupe_cell *kid = cell_of(w, "p/kid[1]");

    embedded_order(w, "a", "tell 5; tell 6; drain_kid; spawn other", (struct troupe_ref){0, 0});
    (void)wait_closed(w, kid);
    embedded_wait_logged(&w->log, "heard");
    embedded_order(w, "a", "stop_kid", (struct troupe_ref){0, 0});
    struct troupe_cell_seen end = wait_closed(w, kid);

    assert_int_equal(end.status, TROUPE_CELL_STOPPED);
    assert_string_equal(end.detail, "drained");
    embedded_ok(troupe_cell_look(kid, TROUPE_ACTOR_VIEW, &seen, &w->error), &w->error);
    const struct troupe_view *view = troupe_look_view(seen);
    assert_int_equal(view->messages_processed, 2);
    assert_true(troupe_str_eq(view->status, troupe_str("stopped")));
    assert_true(troupe_str_eq(view->parent, troupe_str("p/a[0]")));
    troupe_look_free(seen);
    troupe_cell_unref(kid);
    troupe_cell_unref(a);
    embedded_finish(w);
}

static void test_fi1_failed_end_is_whole_in_a_cell(void **state) {
    struct embedded *w = *state;
    struct troupe_look *seen = NULL;
    embedded_begin(w, "supervision: { intensity: 5 }\n"
                      "actors: { a: { type: kit.Player, restart: temporary, config: { init: "
                      "'publish mood 7', number: 'fail oh no' } }, b: { type: kit.Player } }");
    struct troupe_cell *a = cell_of(w, "a");
    struct troupe_cell *b = cell_of(w, "b");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);
    wait_for(w, b, TROUPE_CELL_IDLE, 1);

    embedded_ok(embedded_send(w, "a", 1, 0), &w->error);
    struct troupe_cell_seen end = wait_closed(w, a);

    assert_int_equal(end.status, TROUPE_CELL_FAILED);
    assert_string_equal(end.detail, "number: oh no");
    embedded_ok(troupe_cell_look(a, TROUPE_ACTOR_VIEW, &seen, &w->error), &w->error);
    assert_true(troupe_str_eq(troupe_look_view(seen)->error_message, troupe_str("oh no")));
    troupe_look_free(seen);
    embedded_ok(troupe_cell_look(a, TROUPE_ENTITY_VIEW, &seen, &w->error), &w->error);
    assert_non_null(strstr(troupe_look_json(seen), "\"mood\""));
    assert_int_equal(troupe_look_view(seen)->queue_high_water, 0); /* not in this view */
    troupe_look_free(seen);
    troupe_cell_unref(a);
    troupe_cell_unref(b);
    embedded_finish(w);
}

/* --- watching --- */

struct watcher {
    struct embedded *w;
    struct troupe_cell *cell;
    char seen[512];
    struct test_counter count;
};

/* Writes down what it is told until it has closed. */
static void *watch(void *context) {
    struct watcher *watcher = context;
    struct troupe_error error;
    struct troupe_cell_seen now = {.size = sizeof now};
    (void)troupe_cell_status(watcher->cell, &now, &error);
    for (;;) {
        size_t used = strlen(watcher->seen);
        (void)snprintf(watcher->seen + used, sizeof watcher->seen - used, "%s %u%s; ",
                       troupe_cell_status_text(now.status), now.incarnation,
                       now.closed ? " closed" : "");
        test_counter_add(&watcher->count);
        if (now.closed || troupe_cell_watch(watcher->cell, LONG, &now, &error) < 0) {
            return NULL;
        }
    }
}

static void test_st1_watch_tells_each_move_of_a_life(void **state) {
    struct embedded *w = *state;
    struct watcher watcher = {.w = w};
    pthread_t thread;
    embedded_gate_make("g");
    embedded_gate_make("h");
    w->proc = embedded_start(&w->log, TROUPE_STAYS,
                             "actors: { a: { type: kit.Player, config: { init: 'gate g', cleanup: "
                             "'gate h' } } }");
    watcher.cell = cell_of(w, "a");
    wait_for(w, watcher.cell, TROUPE_CELL_INITIALIZING, 1);
    test_counter_init(&watcher.count);
    assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);

    test_counter_wait(&watcher.count, 1);
    embedded_gate_open("g");
    test_counter_wait(&watcher.count, 2);
    tell(w, watcher.cell, TROUPE_CELL_SIGNAL_STOP);
    test_counter_wait(&watcher.count, 3);
    embedded_gate_open("h");
    assert_int_equal(pthread_join(thread, NULL), 0);

    const char *moves = "initializing 1; idle 1; stopping 1; ";
    assert_memory_equal(watcher.seen, moves, strlen(moves));
    const char *end = "stopped 1 closed; ";
    assert_string_equal(watcher.seen + strlen(watcher.seen) - strlen(end), end);
    test_counter_fini(&watcher.count);
    troupe_cell_unref(watcher.cell);
    embedded_stop(w->proc);
}

static void test_cell_watch_is_not_woken_by_messages(void **state) {
    struct embedded *w = *state;
    uint64_t answer = 0;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { asked: 'reply 1' } } }");
    struct troupe_cell *a = cell_of(w, "a");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);
    struct troupe_cell_seen now = look(w, a);

    for (unsigned i = 0; i < 100; i++) {
        embedded_ok(embedded_call(w, "a", i, LONG, &answer), &w->error);
        now.status = i % 2 ? TROUPE_CELL_IDLE : TROUPE_CELL_PROCESSING; /* it is the same */
        assert_int_equal(troupe_cell_watch(a, 0, &now, &w->error), TROUPE_TIMEOUT);
    }

    assert_non_null(strstr(w->error.text, "'p/a[0]' is "));
    assert_int_equal(now.incarnation, 1);
    troupe_cell_unref(a);
    embedded_finish(w);
}

static void test_st2_status_of_one_that_works_names_the_handler_and_since_when(void **state) {
    struct embedded *w = *state;
    embedded_gate_make("g");
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { number: 'log in; gate g' } } }");
    struct troupe_cell *a = cell_of(w, "a");

    embedded_ok(embedded_send(w, "a", 1, 0), &w->error);
    embedded_wait_logged(&w->log, "in");
    struct troupe_cell_seen now = look(w, a);

    assert_int_equal(now.status, TROUPE_CELL_PROCESSING);
    assert_string_equal(now.detail, "number");
    assert_true(now.since > 0);
    embedded_gate_open("g");
    troupe_cell_unref(a);
    embedded_finish(w);
}

static void test_ai4_watch_tells_of_the_next_life(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, PERMANENT);
    struct troupe_cell *a = cell_of(w, "a");
    wait_for(w, a, TROUPE_CELL_IDLE, 1);

    embedded_ok(embedded_send(w, "a", 13, 0), &w->error);
    wait_for(w, a, TROUPE_CELL_IDLE, 2);

    struct troupe_cell *same = cell_of(w, "a");
    assert_int_equal(troupe_cell_address(same).uid, troupe_cell_address(a).uid);
    troupe_cell_unref(same);
    troupe_cell_unref(a);
    embedded_finish(w);
}

static void watch_inside(void *context, uint32_t level, struct troupe_str actor,
                         struct troupe_str text) {
    struct embedded *w = context;
    struct troupe_error error;
    struct troupe_cell *cell = NULL;
    struct troupe_cell_seen now = {.size = sizeof now};
    (void)level;
    if (troupe_str_eq(text, troupe_str("ask")) &&
        troupe_proc_cell(w->proc, "a", &cell, &error) == TROUPE_OK) {
        (void)troupe_cell_status(cell, &now, &error); /* from inside of its turn */
        int32_t status = troupe_cell_watch(cell, LONG, &now, &error);
        char told[sizeof now.detail + 8];
        (void)snprintf(told, sizeof told, "%d %s", status == TROUPE_WRONG_THREAD, now.detail);
        embedded_log_take(&w->log, 0, actor, troupe_str(told));
        troupe_cell_unref(cell);
    }
}

static void test_cell_watch_from_inside_a_callback_is_refused(void **state) {
    struct embedded *w = *state;
    const struct troupe_options options = {
        .size = sizeof options, .flags = TROUPE_STAYS, .log = watch_inside, .log_context = w};
    static const char text[] =
        "troupe: 1\nproc: p\nactors: { a: { type: kit.Player, config: { number: 'log ask' } } }";
    embedded_ok(troupe_proc_create(&options, &w->proc, &w->error), &w->error);
    embedded_ok(
        troupe_proc_add_plugins(w->proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &w->error),
        &w->error);
    embedded_ok(troupe_proc_load_text(w->proc, "x", text, sizeof text - 1, &w->error), &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);
    embedded_ok(troupe_client_create(w->proc, NULL, &w->client, &w->error), &w->error);
    embedded_ok(TROUPE_TYPE(w->client, kit_number, &w->number, &w->error), &w->error);

    embedded_ok(embedded_send(w, "a", 1, 0), &w->error);

    embedded_wait_logged(&w->log, "p/a[0]: 1 number");
    embedded_finish(w);
}

/* --- refusals --- */

static void test_cell_says_what_is_wrong(void **state) {
    struct embedded *w = *state;
    struct troupe_cell *cell = NULL;
    struct troupe_look *seen = NULL;
    struct troupe_cell_seen small = {.size = 4};
    w->proc = embedded_create(&w->log, TROUPE_STAYS, "actors: { a: { type: kit.Player } }");
    assert_int_equal(troupe_proc_cell(w->proc, "a", &cell, &w->error), TROUPE_STOPPING);
    assert_string_equal(w->error.text, "proc 'p' does not run");
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);
    cell = cell_of(w, "a");

    assert_int_equal(troupe_cell_status(cell, &small, &w->error), TROUPE_INVALID);
    assert_string_equal(w->error.text, "seen.size is 4: set it to sizeof(seen)");
    assert_int_equal(troupe_cell_watch(cell, 0, &small, &w->error), TROUPE_INVALID);
    assert_int_equal(troupe_cell_signal(cell, 3, &w->error), TROUPE_INVALID);
    assert_string_equal(w->error.text, "there is no signal 3");
    assert_int_equal(troupe_cell_look(cell, 2, &seen, &w->error), TROUPE_INVALID);
    assert_string_equal(w->error.text, "there is no view 2");
    assert_string_equal(troupe_cell_status_text(8), "unknown");
    troupe_cell_unref(cell);
    troupe_cell_unref(NULL);
    troupe_weak_cell_free(NULL);
    troupe_look_free(NULL);
    embedded_stop(w->proc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_setup, embedded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_ai1_cell_says_who_it_is),
        TEST(test_ai4_cell_is_found_by_name_address_and_reference),
        TEST(test_ai4_ended_slot_is_not_found_but_a_cell_still_shows_it),
        TEST(test_s5_cell_keeps_neither_actor_nor_library_nor_proc),
        TEST(test_s6_cell_has_the_whole_end_of_a_child_that_the_proc_forgot),
        TEST(test_fi1_failed_end_is_whole_in_a_cell),
        TEST(test_st1_watch_tells_each_move_of_a_life),
        TEST(test_cell_watch_is_not_woken_by_messages),
        TEST(test_st2_status_of_one_that_works_names_the_handler_and_since_when),
        TEST(test_ai4_watch_tells_of_the_next_life),
        TEST(test_cell_watch_from_inside_a_callback_is_refused),
        TEST(test_cell_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
