/* Clients: sending and calling from any thread, full mailboxes, the end of their proc (CI, MB-6). */
#include "lib/app/embedded_client.h"

#include <stdio.h>
#include <string.h>

#include "lib/wait.h"

/* --- sending and calling --- */

static void test_ci3_client_sends_in_order(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { number: 'log got $' } } }");

    for (uint64_t i = 1; i <= 4; i++) {
        embedded_ok(embedded_send(w, "a", i, EMBEDDED_S), &w->error);
    }

    embedded_wait_logged(&w->log, "p/a[0]: got 1\np/a[0]: got 2\np/a[0]: got 3\np/a[0]: got 4\n");
    embedded_finish(w);
}

static void test_ci3_client_calls_and_gets_an_answer(void **state) {
    struct embedded *w = *state;
    uint64_t answer = 0;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { asked: 'reply 42' } } }");

    embedded_ok(embedded_call(w, "a", 7, 30 * EMBEDDED_S, &answer), &w->error);

    assert_int_equal(answer, 42);
    embedded_finish(w);
}

static void test_mb6_clients_call_ends_in_an_error_with_the_callees_text(void **state) {
    struct embedded *w = *state;
    uint64_t answer = 0;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { asked: 'refuse not today' } } }");

    assert_int_equal(embedded_call(w, "a", 7, 30 * EMBEDDED_S, &answer), TROUPE_REFUSED);

    assert_string_equal(w->error.text, "not today");
    embedded_finish(w);
}

static void test_mb6_clients_call_ends_at_its_deadline_and_a_late_answer_is_dropped(void **state) {
    struct embedded *w = *state;
    uint64_t answer = 0;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { asked: 'later; log asked', "
                      "number: 'answer 9; log answered' } } }");

    assert_int_equal(embedded_call(w, "a", 7, EMBEDDED_S / 4, &answer), TROUPE_TIMEOUT);
    assert_string_equal(w->error.text, "no reply before the deadline");
    embedded_wait_logged(&w->log, "asked");
    embedded_ok(embedded_send(w, "a", 1, EMBEDDED_S), &w->error);
    embedded_wait_logged(&w->log, "answered");

    embedded_finish(w);
}

static void test_mb6_clients_call_to_one_that_dies_of_it_is_an_error(void **state) {
    struct embedded *w = *state;
    uint64_t answer = 0;
    embedded_begin(
        w, "supervision: { intensity: 10 }\nactors: { a: { type: kit.Player, config: { asked: "
           "'fail oh no' } } }");

    int32_t status = embedded_call(w, "a", 7, 30 * EMBEDDED_S, &answer);

    assert_true(status == TROUPE_ERROR || status == TROUPE_GONE);
    troupe_client_free(w->client);
    troupe_proc_abort(w->proc);
    embedded_drop(w->proc);
}

static void test_mb6_clients_call_to_a_port_that_does_not_answer_is_an_error(void **state) {
    struct embedded *w = *state;
    const struct kit_number body = {1};
    struct troupe_message *answer = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");

    int32_t status = troupe_client_call(w->client, embedded_find(w, "a", "number"), w->number,
                                        &body, w->number, 30 * EMBEDDED_S, &answer, &w->error);

    assert_int_equal(status, TROUPE_NO_SUCH_PORT);
    assert_string_equal(w->error.text, "no such port");
    embedded_finish(w);
}

static void test_once_port_takes_one_answer_once(void **state) {
    struct embedded *w = *state;
    const struct kit_number body = {5};
    struct troupe_once_port *first = NULL;
    struct troupe_once_port *second = NULL;
    struct troupe_message *answer = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { asked: 'reply $' } } }");
    struct troupe_ref to = embedded_find(w, "a", "asked");

    embedded_ok(troupe_client_ask(w->client, to, w->number, &body, w->number, NULL, 30 * EMBEDDED_S,
                                  &first, &w->error),
                &w->error);
    embedded_ok(troupe_client_ask(w->client, to, w->number, &body, w->number, NULL, 30 * EMBEDDED_S,
                                  &second, &w->error),
                &w->error);
    troupe_once_port_free(second); /* withdrawn: its answer is nobody's */

    embedded_ok(troupe_once_port_receive(first, &answer, &w->error), &w->error);
    assert_int_equal(((const struct kit_number *)troupe_message_body(answer))->number, 5);
    assert_int_equal(troupe_once_port_receive(first, &answer, &w->error), TROUPE_INVALID);
    assert_string_equal(w->error.text, "the call is over");
    troupe_message_free(answer);
    troupe_once_port_free(first);
    embedded_finish(w);
}

static void test_many_once_ports_wait_at_a_time(void **state) {
    struct embedded *w = *state;
    enum { MANY = 100 };
    struct troupe_once_port *onces[MANY];
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { asked: 'reply $' } } }");
    struct troupe_ref to = embedded_find(w, "a", "asked");

    for (uint64_t i = 0; i < MANY; i++) {
        const struct kit_number body = {i};
        embedded_ok(troupe_client_ask(w->client, to, w->number, &body, w->number, NULL,
                                      30 * EMBEDDED_S, &onces[i], &w->error),
                    &w->error);
    }

    for (uint64_t i = MANY; i-- > 0;) {
        struct troupe_message *answer = NULL;
        embedded_ok(troupe_once_port_receive(onces[i], &answer, &w->error), &w->error);
        assert_int_equal(((const struct kit_number *)troupe_message_body(answer))->number, i);
        troupe_message_free(answer);
        troupe_once_port_free(onces[i]);
    }
    embedded_finish(w);
}

/* --- full mailboxes --- */

/* An actor that takes nothing: its thread waits at a gate that nobody opens before the test says so. */
static void begin_held(struct embedded *w, const char *policy) {
    char manifest[600];
    (void)snprintf(manifest, sizeof manifest,
                   "actors: { a: { type: kit.Player, mailbox: { capacity: 2, overflow: %s }, "
                   "config: { second: 'log holds; gate held', number: 'log got $' } } }",
                   policy);
    embedded_gate_make("held");
    embedded_begin(w, manifest);
    const struct kit_number body = {0};
    embedded_ok(troupe_client_send(w->client, embedded_find(w, "a", "second"), w->number, &body,
                                   NULL, 0, &w->error),
                &w->error);
    embedded_wait_logged(&w->log, "holds");
    embedded_ok(embedded_send(w, "a", 1, 0), &w->error);
    embedded_ok(embedded_send(w, "a", 2, 0), &w->error);
}

static void test_ci3_send_to_a_full_mailbox_waits_until_its_deadline(void **state) {
    struct embedded *w = *state;
    begin_held(w, "block");

    assert_int_equal(embedded_send(w, "a", 3, 0), TROUPE_FULL);
    assert_string_equal(w->error.text, "the message 'kit.number/1' was not sent: mailbox is full");
    assert_int_equal(embedded_send(w, "a", 3, 5000000), TROUPE_FULL);

    embedded_gate_open("held");
    embedded_wait_logged(&w->log, "got 2");
    embedded_finish(w);
    assert_false(embedded_logged(&w->log, "got 3"));
}

struct sender {
    struct embedded *w;
    uint64_t number;
    int32_t status;
    struct test_counter *started;
};

static void *send_it(void *argument) {
    struct sender *sender = argument;
    struct troupe_error error;
    const struct kit_number body = {sender->number};
    struct troupe_ref to;
    embedded_ok(troupe_client_find(sender->w->client, "a", "number", &to, &error), &error);
    test_counter_add(sender->started);
    sender->status = troupe_client_send(sender->w->client, to, sender->w->number, &body, NULL,
                                        TROUPE_FOR_EVER, &error);
    return NULL;
}

static void test_ci3_threads_wait_for_room_and_get_it(void **state) {
    struct embedded *w = *state;
    struct test_counter started;
    struct sender senders[4];
    pthread_t threads[4];
    test_counter_init(&started);
    begin_held(w, "block");
    for (unsigned i = 0; i < 4; i++) {
        senders[i] = (struct sender){w, 10 + i, TROUPE_ERROR, &started};
        assert_int_equal(pthread_create(&threads[i], NULL, send_it, &senders[i]), 0);
    }
    test_counter_wait(&started, 4);

    embedded_gate_open("held");

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(senders[i].status, TROUPE_OK);
    }
    embedded_wait_logged(&w->log, "got 10");
    embedded_wait_logged(&w->log, "got 13");
    embedded_finish(w);
    test_counter_fini(&started);
}

static void test_ci3_end_of_the_client_wakes_who_waits_for_room(void **state) {
    struct embedded *w = *state;
    struct test_counter started;
    struct sender sender = {w, 10, TROUPE_OK, &started};
    pthread_t thread;
    test_counter_init(&started);
    begin_held(w, "block");
    assert_int_equal(pthread_create(&thread, NULL, send_it, &sender), 0);
    test_counter_wait(&started, 1);

    troupe_proc_abort(w->proc);
    embedded_gate_open("held");
    embedded_ok(troupe_proc_wait(w->proc, TROUPE_FOR_EVER, NULL, &w->error), &w->error);

    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(sender.status == TROUPE_GONE || sender.status == TROUPE_OK);
    assert_int_equal(troupe_client_send(w->client, troupe_client_ref(w->client), w->number, &sender,
                                        NULL, 0, &w->error),
                     TROUPE_GONE);
    assert_string_equal(w->error.text, "the client has ended, or its proc 'p'");
    troupe_client_free(w->client);
    embedded_drop(w->proc);
    test_counter_fini(&started);
}

static void test_mb2_policies_of_the_receiver_hold_for_clients(void **state) {
    struct embedded *w = *state;
    begin_held(w, "fail");
    assert_int_equal(embedded_send(w, "a", 3, 30 * EMBEDDED_S), TROUPE_FULL);
    embedded_gate_open("held");
    embedded_wait_logged(&w->log, "got 2");
    embedded_finish(w);
}

static void test_mb2_newest_is_dropped_for_clients_too(void **state) {
    struct embedded *w = *state;
    begin_held(w, "drop_newest");
    embedded_ok(embedded_send(w, "a", 3, 0), &w->error);
    embedded_gate_open("held");
    embedded_wait_logged(&w->log, "got 2");
    embedded_finish(w);
    assert_false(embedded_logged(&w->log, "got 3"));
}

static void test_mb2_oldest_is_dropped_for_clients_too(void **state) {
    struct embedded *w = *state;
    begin_held(w, "drop_oldest");
    embedded_ok(embedded_send(w, "a", 3, 0), &w->error);
    embedded_gate_open("held");
    embedded_wait_logged(&w->log, "got 3");
    embedded_finish(w);
    assert_false(embedded_logged(&w->log, "got 1"));
}

/* --- many threads --- */

struct caller {
    struct embedded *w;
    struct troupe_client *client;
    unsigned long wrong;
};

#define CALLS 300

static void *call_often(void *argument) {
    struct caller *caller = argument;
    struct troupe_error error;
    struct troupe_ref to;
    embedded_ok(troupe_client_find(caller->client, "a", "asked", &to, &error), &error);
    for (uint64_t i = 0; i < CALLS; i++) {
        const struct kit_number body = {i};
        struct troupe_message *answer = NULL;
        int32_t status = troupe_client_call(caller->client, to, caller->w->number, &body,
                                            caller->w->number, TROUPE_FOR_EVER, &answer, &error);
        caller->wrong +=
            status < 0 || ((const struct kit_number *)troupe_message_body(answer))->number != i;
        troupe_message_free(status < 0 ? NULL : answer);
    }
    return NULL;
}

static void test_ci3_sixteen_threads_call_with_their_own_client_or_a_shared_one(void **state) {
    struct embedded *w = *state;
    struct caller callers[16];
    pthread_t threads[16];
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { asked: 'reply $' } } }");
    for (unsigned i = 0; i < 16; i++) {
        callers[i] = (struct caller){.w = w, .client = w->client};
        if (i % 2) {
            embedded_ok(troupe_client_create(w->proc, NULL, &callers[i].client, &w->error),
                        &w->error);
        }
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }

    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].wrong, 0);
        if (i % 2) {
            troupe_client_free(callers[i].client);
        }
    }
    embedded_finish(w);
}

static void *come_and_go(void *argument) {
    struct caller *caller = argument;
    struct troupe_error error;
    struct troupe_client *client;
    while (troupe_client_create(caller->w->proc, NULL, &client, &error) == TROUPE_OK) {
        struct troupe_ref to;
        const struct kit_number body = {1};
        struct troupe_message *answer = NULL;
        if (troupe_client_find(client, "a", "asked", &to, &error) == TROUPE_OK &&
            troupe_client_call(client, to, caller->w->number, &body, caller->w->number,
                               TROUPE_FOR_EVER, &answer, &error) == TROUPE_OK) {
            troupe_message_free(answer);
        }
        troupe_client_free(client);
    }
    return NULL;
}

static void test_clients_come_and_go_while_the_proc_ends(void **state) {
    struct embedded *w = *state;
    struct caller callers[4];
    pthread_t threads[4];
    embedded_begin(w,
                   "actors: { a: { type: kit.Player, config: { asked: 'reply $; log seen' } } }");
    for (unsigned i = 0; i < 4; i++) {
        callers[i] = (struct caller){.w = w};
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &callers[i]), 0);
    }
    embedded_wait_logged(&w->log, "seen");

    troupe_proc_stop(w->proc);

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    troupe_client_free(w->client);
    embedded_drop(w->proc);
}

static void test_what_waits_in_the_ports_of_a_client_that_leaves_comes_back(void **state) {
    struct embedded *w = *state;
    struct troupe_client *other = NULL;
    struct troupe_port *port = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { returned: 'log back $: %' } } }");
    embedded_ok(troupe_client_create(w->proc, NULL, &other, &w->error), &w->error);
    embedded_ok(troupe_client_open(other, "inbox", w->number, NULL, &port, &w->error), &w->error);
    struct troupe_port *done = embedded_open_port(w, "done", NULL);
    embedded_order(w, "a", "tell 5", troupe_port_ref(port));
    embedded_order(w, "a", "tell 6", troupe_port_ref(done));
    (void)embedded_receive(w, done);

    troupe_client_free(other);

    embedded_wait_logged(&w->log, "p/a[0]: back 5: actor is gone");
    embedded_finish(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_setup, embedded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_ci3_client_sends_in_order),
        TEST(test_ci3_client_calls_and_gets_an_answer),
        TEST(test_mb6_clients_call_ends_in_an_error_with_the_callees_text),
        TEST(test_mb6_clients_call_ends_at_its_deadline_and_a_late_answer_is_dropped),
        TEST(test_mb6_clients_call_to_one_that_dies_of_it_is_an_error),
        TEST(test_mb6_clients_call_to_a_port_that_does_not_answer_is_an_error),
        TEST(test_once_port_takes_one_answer_once),
        TEST(test_many_once_ports_wait_at_a_time),
        TEST(test_ci3_send_to_a_full_mailbox_waits_until_its_deadline),
        TEST(test_ci3_threads_wait_for_room_and_get_it),
        TEST(test_ci3_end_of_the_client_wakes_who_waits_for_room),
        TEST(test_mb2_policies_of_the_receiver_hold_for_clients),
        TEST(test_mb2_newest_is_dropped_for_clients_too),
        TEST(test_mb2_oldest_is_dropped_for_clients_too),
        TEST(test_ci3_sixteen_threads_call_with_their_own_client_or_a_shared_one),
        TEST(test_clients_come_and_go_while_the_proc_ends),
        TEST(test_what_waits_in_the_ports_of_a_client_that_leaves_comes_back),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
