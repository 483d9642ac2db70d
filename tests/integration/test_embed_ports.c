/* The ports of clients, their messages, names and types (PT-1, CI-3). */
#include "lib/app/embedded_client.h"

#include <stdio.h>
#include <string.h>

#include "lib/wait.h"

/* --- ports --- */

static void test_pt1_port_is_made_once_and_found_again(void **state) {
    struct embedded *w = *state;
    struct troupe_port *other = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");

    struct troupe_port *port = embedded_open_port(w, "inbox", NULL);

    assert_ptr_equal(port, embedded_open_port(w, "inbox", NULL));
    assert_ptr_not_equal(port, embedded_open_port(w, "outbox", NULL));
    assert_int_equal(troupe_port_ref(port).uid, troupe_client_ref(w->client).uid);
    assert_int_equal(troupe_client_open(w->client, "inbox", w->order, NULL, &other, &w->error),
                     TROUPE_INVALID);
    assert_string_equal(w->error.text, "the port 'inbox' is there, and takes kit.number/1");
    embedded_finish(w);
}

static void test_ci3_ports_receive_what_actors_send(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");
    struct troupe_port *one = embedded_open_port(w, "one", NULL);
    struct troupe_port *two = embedded_open_port(w, "two", NULL);

    embedded_order(w, "a", "tell 1 3", troupe_port_ref(one));
    embedded_order(w, "a", "tell 7", troupe_port_ref(two));

    assert_int_equal(embedded_receive(w, two), 7);
    assert_int_equal(embedded_receive(w, one), 1);
    assert_int_equal(embedded_receive(w, one), 2);
    assert_int_equal(embedded_receive(w, one), 3);
    embedded_finish(w);
}

static void test_receive_ends_at_its_deadline(void **state) {
    struct embedded *w = *state;
    struct troupe_message *message = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");
    struct troupe_port *port = embedded_open_port(w, "inbox", NULL);

    assert_int_equal(troupe_port_receive(port, 0, &message, &w->error), TROUPE_TIMEOUT);
    assert_int_equal(troupe_port_receive(port, 2000000, &message, &w->error), TROUPE_TIMEOUT);

    assert_string_equal(w->error.text, "nothing has come to the port 'inbox'");
    embedded_finish(w);
}

static void test_ci3_full_port_sends_back(void **state) {
    struct embedded *w = *state;
    const struct troupe_port_options small = {.size = sizeof small, .capacity = 2};
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { returned: 'log back $: %' } } }");
    struct troupe_port *port = embedded_open_port(w, "inbox", &small);

    embedded_order(w, "a", "tell 1 3", troupe_port_ref(port));

    embedded_wait_logged(&w->log, "p/a[0]: back 3: mailbox is full");
    assert_int_equal(embedded_receive(w, port), 1);
    assert_int_equal(embedded_receive(w, port), 2);
    embedded_finish(w);
}

static void test_mb2_ports_of_clients_drop_as_they_are_told(void **state) {
    struct embedded *w = *state;
    const struct troupe_port_options newest = {
        .size = sizeof newest, .capacity = 2, .overflow = TROUPE_OVERFLOW_DROP_NEWEST};
    const struct troupe_port_options oldest = {
        .size = sizeof oldest, .capacity = 2, .overflow = TROUPE_OVERFLOW_DROP_OLDEST};
    embedded_begin(w, "actors: { a: { type: kit.Player } }");
    struct troupe_port *first = embedded_open_port(w, "first", &newest);
    struct troupe_port *last = embedded_open_port(w, "last", &oldest);
    struct troupe_port *done = embedded_open_port(w, "done", NULL);

    embedded_order(w, "a", "tell 1 5", troupe_port_ref(first));
    embedded_order(w, "a", "tell 1 5", troupe_port_ref(last));
    embedded_order(w, "a", "tell 0", troupe_port_ref(done));
    (void)embedded_receive(w, done);

    assert_int_equal(embedded_receive(w, first), 1);
    assert_int_equal(embedded_receive(w, first), 2);
    assert_int_equal(embedded_receive(w, last), 4);
    assert_int_equal(embedded_receive(w, last), 5);
    embedded_finish(w);
}

static void test_message_for_no_port_comes_back(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { returned: 'log back $: %' } } }");
    struct troupe_ref nowhere = embedded_find(w, "a", "number");
    nowhere.uid = troupe_client_ref(w->client).uid;

    embedded_order(w, "a", "tell 3", nowhere);

    embedded_wait_logged(&w->log, "p/a[0]: back 3: no such port");
    embedded_finish(w);
}

static void test_mb4_undeliverables_of_a_client_come_to_its_port(void **state) {
    struct embedded *w = *state;
    struct troupe_port *returned = NULL;
    struct troupe_message *message = NULL;
    const struct kit_number body = {9};
    embedded_begin(w, "actors: { a: { type: kit.Player } }");
    struct troupe_ref wrong = embedded_find(w, "a", "asked"); /* takes requests only */
    embedded_ok(troupe_client_returned(w->client, &returned, &w->error), &w->error);

    embedded_ok(troupe_client_send(w->client, wrong, w->number, &body, NULL, 0, &w->error),
                &w->error);
    embedded_ok(troupe_port_receive(returned, 30 * EMBEDDED_S, &message, &w->error), &w->error);

    struct troupe_envelope envelope = {.size = sizeof envelope};
    troupe_message_envelope(message, &envelope);
    assert_int_equal(envelope.reason, TROUPE_NO_SUCH_PORT);
    assert_int_equal(envelope.sender.uid, wrong.uid);
    assert_int_equal(envelope.sender.port, wrong.port);
    assert_int_equal(((const struct kit_number *)troupe_message_body(message))->number, 9);
    troupe_message_free(message);
    embedded_finish(w);
}

static void test_context_of_messages_between_clients(void **state) {
    struct embedded *w = *state;
    const struct troupe_headers headers = {.size = sizeof headers, .trace = 77};
    const struct kit_number body = {1};
    struct troupe_message *message = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");
    struct troupe_port *port = embedded_open_port(w, "inbox", NULL);

    for (unsigned i = 0; i < 2; i++) {
        embedded_ok(troupe_client_send(w->client, troupe_port_ref(port), w->number, &body, &headers,
                                       0, &w->error),
                    &w->error);
    }

    for (uint64_t i = 1; i <= 2; i++) {
        struct troupe_envelope envelope = {.size = sizeof envelope};
        embedded_ok(troupe_port_receive(port, 30 * EMBEDDED_S, &message, &w->error), &w->error);
        troupe_message_envelope(message, &envelope);
        assert_int_equal(envelope.sender.uid, troupe_client_ref(w->client).uid);
        assert_int_equal(envelope.trace, 77);
        assert_int_equal(envelope.sequence, i);
        assert_int_equal(envelope.ttl, 0);
        assert_int_equal(envelope.request.uid, 0);
        troupe_message_free(message);
    }
    embedded_finish(w);
}

static void test_client_answers_an_actor(void **state) {
    struct embedded *w = *state;
    struct troupe_message *request = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { reply: 'log answer $ %' } } }");
    const struct troupe_port_options options = {.size = sizeof options, .reply = w->number};
    struct troupe_port *port = embedded_open_port(w, "questions", &options);
    const struct kit_number body = {33};

    embedded_order(w, "a", "ask_to 4 30000", troupe_port_ref(port));
    embedded_ok(troupe_port_receive(port, 30 * EMBEDDED_S, &request, &w->error), &w->error);
    embedded_ok(troupe_message_answer(request, 0, NULL, &body, &w->error), &w->error);
    assert_int_equal(troupe_message_answer(request, 0, NULL, &body, &w->error), TROUPE_INVALID);
    troupe_message_free(request);
    embedded_wait_logged(&w->log, "answer 33");

    embedded_order(w, "a", "ask_to 4 30000", troupe_port_ref(port));
    embedded_ok(troupe_port_receive(port, 30 * EMBEDDED_S, &request, &w->error), &w->error);
    troupe_message_free(request); /* unanswered */
    embedded_wait_logged(&w->log, "the client did not answer");
    embedded_finish(w);
}

/* --- names, types --- */

static void test_ai2_name_of_a_client_is_unique_among_the_roots(void **state) {
    struct embedded *w = *state;
    struct troupe_client_options options = {.size = sizeof options, .name = "a"};
    struct troupe_client *other = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");

    assert_int_equal(troupe_client_create(w->proc, &options, &other, &w->error), TROUPE_REFUSED);
    assert_string_equal(w->error.text, "the name 'a' is taken by 'p/a[0]'");
    options.name = "me";
    embedded_ok(troupe_client_create(w->proc, &options, &other, &w->error), &w->error);
    assert_int_equal(embedded_find(w, "p/me[0]", NULL).uid, troupe_client_ref(other).uid);
    troupe_client_free(other);
    embedded_wait_gone(w, "me");
    embedded_ok(troupe_client_create(w->proc, &options, &other, &w->error), &w->error);

    troupe_client_free(other);
    embedded_finish(w);
}

#define CHANGED(F) F(u64, number) F(str, more)
TROUPE_MESSAGE(kit_changed, "kit.number/1", CHANGED);
#define NOVEL(F) F(f64, x) F(bytes, data)
TROUPE_MESSAGE(kit_novel, "test.novel/1", NOVEL);
TROUPE_RECORD(kit_record, CHANGED);
#define LISTED(F) F(list, items, kit_record)
TROUPE_MESSAGE(kit_listed, "test.listed/1", LISTED);

static void test_types_are_checked_against_the_plugins(void **state) {
    struct embedded *w = *state;
    const struct troupe_type *type = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");

    assert_int_equal(TROUPE_TYPE(w->client, kit_changed, &type, &w->error), TROUPE_INVALID);
    assert_string_equal(w->error.text,
                        "message 'kit.number/1' is 'u64 number; str more' to the program, and 'u64 "
                        "number' to the plugins: a changed schema needs a new revision");
    assert_int_equal(TROUPE_TYPE(w->client, kit_listed, &type, &w->error), TROUPE_INVALID);
    assert_int_equal(troupe_client_type(w->client, "record x\n", 8, &type, &w->error),
                     TROUPE_INVALID);
    embedded_ok(TROUPE_TYPE(w->client, kit_novel, &type, &w->error), &w->error);
    assert_int_equal(type->body_size, sizeof(struct kit_novel));
    embedded_finish(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_setup, embedded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pt1_port_is_made_once_and_found_again),
        TEST(test_ci3_ports_receive_what_actors_send),
        TEST(test_receive_ends_at_its_deadline),
        TEST(test_ci3_full_port_sends_back),
        TEST(test_mb2_ports_of_clients_drop_as_they_are_told),
        TEST(test_message_for_no_port_comes_back),
        TEST(test_mb4_undeliverables_of_a_client_come_to_its_port),
        TEST(test_context_of_messages_between_clients),
        TEST(test_client_answers_an_actor),
        TEST(test_ai2_name_of_a_client_is_unique_among_the_roots),
        TEST(test_types_are_checked_against_the_plugins),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
