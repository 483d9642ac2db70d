/* Clients that are shown to who asks, and plain ones, which are not (CI-1, CI-3). */
#include "lib/app/embedded_client.h"

#include <string.h>
#include <troupe/introspect.h>

static struct troupe_client *another(struct embedded *w, const char *name, uint32_t flags) {
    const struct troupe_client_options options = {
        .size = sizeof options, .flags = flags, .name = name};
    struct troupe_client *client = NULL;
    embedded_ok(troupe_client_create(w->proc, &options, &client, &w->error), &w->error);
    return client;
}

static int32_t look(struct embedded *w, const char *whom, struct troupe_message **ret) {
    const struct troupe_query query = {.view = troupe_str("actor")};
    const struct troupe_type *asks = NULL;
    const struct troupe_type *view = NULL;
    embedded_ok(TROUPE_TYPE(w->client, troupe_query, &asks, &w->error), &w->error);
    embedded_ok(TROUPE_TYPE(w->client, troupe_view, &view, &w->error), &w->error);
    return troupe_client_call(w->client, embedded_find(w, whom, TROUPE_INTROSPECT_PORT), asks,
                              &query, view, 30 * EMBEDDED_S, ret, &w->error);
}

static void assert_says(struct troupe_str text, const char *expected) {
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

static void test_ci1_client_that_is_shown_answers_as_client(void **state) {
    struct embedded *w = *state;
    struct troupe_message *answer = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");
    struct troupe_client *shown = another(w, "shown", TROUPE_SHOWN);

    embedded_ok(look(w, "shown", &answer), &w->error);

    const struct troupe_view *view = troupe_message_body(answer);
    assert_says(view->status, "client");
    assert_says(view->actor_type, "()");
    assert_says(view->id, "p/shown[0]");
    troupe_message_free(answer);
    troupe_client_free(shown);
    embedded_finish(w);
}

static void test_ci3_plain_client_is_not_introspectable(void **state) {
    struct embedded *w = *state;
    struct troupe_message *answer = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");
    struct troupe_client *plain = another(w, "plain", 0);

    assert_int_equal(look(w, "plain", &answer), TROUPE_REFUSED);
    assert_string_equal(w->error.text, "'p/plain[0]' is a plain client: not introspectable");

    troupe_client_free(plain);
    embedded_finish(w);
}

static void test_s3_client_asks_for_an_actor(void **state) {
    struct embedded *w = *state;
    struct troupe_message *answer = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");

    embedded_ok(look(w, "a", &answer), &w->error);

    const struct troupe_view *view = troupe_message_body(answer);
    assert_says(view->id, "p/a[0]");
    assert_says(view->actor_type, "kit.Player");
    troupe_message_free(answer);
    embedded_finish(w);
}

/* Nobody but the asking thread is needed. */
static void test_s1_client_is_answered_while_all_workers_are_stuck(void **state) {
    struct embedded *w = *state;
    struct troupe_message *answer = NULL;
    embedded_gate_make("g");
    embedded_gate_make("h");
    embedded_begin(w, "defaults: { stuck_after: 1h }\n"
                      "actors:\n"
                      "  a: { type: kit.Player, config: { number: 'log in; gate g' } }\n"
                      "  b: { type: kit.Player, config: { number: 'log in; gate h' } }\n");
    embedded_ok(embedded_send(w, "a", 1, 0), &w->error);
    embedded_ok(embedded_send(w, "b", 1, 0), &w->error);
    embedded_wait_logged(&w->log, "p/a[0]: in");
    embedded_wait_logged(&w->log, "p/b[0]: in");

    embedded_ok(look(w, "a", &answer), &w->error);

    const struct troupe_view *view = troupe_message_body(answer);
    assert_says(view->status, "processing");
    assert_says(view->last_handler, "number");
    troupe_message_free(answer);
    embedded_gate_open("g");
    embedded_gate_open("h");
    embedded_finish(w);
}

/* It is the client's own memory, not the proc's. */
static void test_s5_answer_outlives_its_proc(void **state) {
    struct embedded *w = *state;
    struct troupe_message *answer = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");

    embedded_ok(look(w, "a", &answer), &w->error);
    embedded_finish(w);

    const struct troupe_view *view = troupe_message_body(answer);
    assert_says(view->id, "p/a[0]");
    troupe_message_free(answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_setup, embedded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_ci1_client_that_is_shown_answers_as_client),
        TEST(test_ci3_plain_client_is_not_introspectable),
        TEST(test_s3_client_asks_for_an_actor),
        TEST(test_s1_client_is_answered_while_all_workers_are_stuck),
        TEST(test_s5_answer_outlives_its_proc),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
