/* Two procs joined by the in-process forwarder: messages cross encoded, both ways (PR-1, MB-7). */
#include "lib/app/embedded_two.h"

#include <troupe/introspect.h>

#include "app/embed_impl.h"
#include "lib/wait.h"

/* Orders an actor of the first proc to do something. */
static void order(struct two *two, const char *script, struct troupe_ref to) {
    const struct kit_do body = {troupe_str(script), to};
    embedded_ok(troupe_client_send(two->client[0], two_find(two, 0, "a", "do"), two->order[0],
                                   &body, NULL, 0, &two->error),
                &two->error);
}

#define A                                                                                          \
    "actors: { a: { type: kit.Player, config: { returned: 'log back $: %', reply: 'log reply $ "   \
    "%' } } }"
#define B "actors: { b: { type: kit.Player, config: { number: 'log got $', asked: 'reply 42' } } }"

static void test_pr1_actor_sends_to_an_actor_of_another_proc(void **state) {
    struct two *two = *state;
    two_begin(two, A, B);

    order(two, "tell 1 3", two_find(two, 0, "two/b[0]", "number"));

    embedded_wait_logged(&two->log[1], "two/b[0]: got 1\ntwo/b[0]: got 2\ntwo/b[0]: got 3\n");
    two_finish(two);
}

static void test_mb6_actor_calls_an_actor_of_another_proc(void **state) {
    struct two *two = *state;
    two_begin(two, A, B);

    order(two, "ask_to 7 30000", two_find(two, 0, "two/b[0]", "asked"));

    embedded_wait_logged(&two->log[0], "one/a[0]: reply 42");
    two_finish(two);
}

static void test_s3_actor_of_another_proc_is_asked_for(void **state) {
    struct two *two = *state;
    const struct troupe_query query = {.view = troupe_str("entity")};
    const struct troupe_type *asks = NULL;
    const struct troupe_type *view = NULL;
    struct troupe_message *answer = NULL;
    two_begin(two, A, B);
    embedded_ok(TROUPE_TYPE(two->client[0], troupe_query, &asks, &two->error), &two->error);
    embedded_ok(TROUPE_TYPE(two->client[0], troupe_view, &view, &two->error), &two->error);

    embedded_ok(troupe_client_call(two->client[0],
                                   two_find(two, 0, "two/b[0]", TROUPE_INTROSPECT_PORT), asks,
                                   &query, view, 30 * EMBEDDED_S, &answer, &two->error),
                &two->error);

    const struct troupe_view *seen = troupe_message_body(answer);
    assert_true(troupe_str_eq(seen->id, troupe_str("two/b[0]")));
    troupe_message_free(answer);
    two_finish(two);
}

static void test_mb6_refusal_crosses_with_its_text(void **state) {
    struct two *two = *state;
    two_begin(two, A, "actors: { b: { type: kit.Player, config: { asked: 'refuse not today' } } }");

    order(two, "ask_to 7 30000", two_find(two, 0, "two/b[0]", "asked"));

    embedded_wait_logged(&two->log[0], "one/a[0]: reply 0 not today");
    two_finish(two);
}

static void test_mb6_call_to_a_port_that_does_not_answer_crosses_back(void **state) {
    struct two *two = *state;
    two_begin(two, A, B);

    order(two, "ask_to 7 30000", two_find(two, 0, "two/b[0]", "number"));

    embedded_wait_logged(&two->log[0], "one/a[0]: reply 0 no such port");
    two_finish(two);
}

static void test_mb4_undeliverable_comes_back_over_the_procs(void **state) {
    struct two *two = *state;
    two_begin(two, A, B);
    struct troupe_ref wrong = two_find(two, 0, "two/b[0]", "asked"); /* takes requests only */

    order(two, "tell 5", wrong);

    embedded_wait_logged(&two->log[0], "one/a[0]: back 5: no such port");
    two_finish(two);
}

#define HELD(policy)                                                                               \
    "actors: { b: { type: kit.Player, mailbox: { capacity: 2" policy " }, config: "                \
    "{ second: 'log holds; gate over', number: 'log got $' } } }"

/* `b` stands at the gate. */
static void begin_held(struct two *two, const char *second) {
    embedded_gate_make("over");
    two_begin(two, A, second);
    order(two, "tell 0", two_find(two, 0, "two/b[0]", "second"));
    embedded_wait_logged(&two->log[1], "holds");
}

static void test_mb4_full_mailbox_over_there_comes_back_when_it_is_to_fail(void **state) {
    struct two *two = *state;
    begin_held(two, HELD(", overflow: fail"));

    order(two, "tell 1 3", two_find(two, 0, "two/b[0]", "number"));

    embedded_wait_logged(&two->log[0], "one/a[0]: back 3: mailbox is full");
    embedded_gate_open("over");
    embedded_wait_logged(&two->log[1], "got 2");
    two_finish(two);
}

static void test_mb2_full_mailbox_over_there_pauses_the_sender(void **state) {
    struct two *two = *state;
    begin_held(two, HELD(""));

    order(two, "tell 1 5; log told", two_find(two, 0, "two/b[0]", "number"));
    embedded_wait_logged(&two->log[0], "told");
    embedded_gate_open("over");

    embedded_wait_logged(
        &two->log[1],
        "two/b[0]: got 1\ntwo/b[0]: got 2\ntwo/b[0]: got 3\ntwo/b[0]: got 4\ntwo/b[0]: got 5\n");
    assert_false(embedded_logged(&two->log[0], "back"));
    two_finish(two);
}

static int32_t send_there(struct two *two, uint64_t number, uint64_t timeout) {
    const struct kit_number body = {number};
    return troupe_client_send(two->client[0], two_find(two, 0, "two/b[0]", "number"),
                              two->number[0], &body, NULL, timeout, &two->error);
}

static void test_ci3_clients_send_to_another_proc_waits_at_most_its_deadline(void **state) {
    struct two *two = *state;
    begin_held(two, HELD(""));
    embedded_ok(send_there(two, 1, 0), &two->error);
    embedded_ok(send_there(two, 2, 0), &two->error);

    assert_int_equal(send_there(two, 3, 0), TROUPE_FULL);
    assert_int_equal(send_there(two, 3, EMBEDDED_S / 100), TROUPE_FULL);

    assert_string_equal(two->error.text,
                        "the message 'kit.number/1' was not sent: mailbox is full");
    embedded_gate_open("over");
    embedded_wait_logged(&two->log[1], "got 2");
    assert_false(embedded_logged(&two->log[1], "got 3"));
    two_finish(two);
}

struct sending {
    struct two *two;
    int32_t status;
    struct test_counter *done;
};

static void *send_on(void *argument) {
    struct sending *sending = argument;
    sending->status = send_there(sending->two, 3, 30 * EMBEDDED_S);
    test_counter_add(sending->done);
    return NULL;
}

static bool client_waits(void *context) {
    struct two *two = context;
    struct proc_totals totals;
    proc_totals(deploy_proc(two->proc[0]->deploy), &totals);
    return totals.pauses > 0;
}

static void test_ci3_clients_send_to_another_proc_goes_on_when_there_is_room(void **state) {
    struct two *two = *state;
    pthread_t thread;
    struct test_counter done;
    test_counter_init(&done);
    begin_held(two, HELD(""));
    embedded_ok(send_there(two, 1, 0), &two->error);
    embedded_ok(send_there(two, 2, 0), &two->error);

    struct sending sending = {.two = two, .done = &done};
    assert_int_equal(pthread_create(&thread, NULL, send_on, &sending), 0);
    test_wait_until(client_waits, two);
    assert_int_equal(test_counter_get(&done), 0);
    embedded_gate_open("over");

    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sending.status, TROUPE_OK);
    embedded_wait_logged(&two->log[1], "got 3");
    test_counter_fini(&done);
    two_finish(two);
}

static void test_pr1_what_goes_to_a_proc_that_has_left_comes_back(void **state) {
    struct two *two = *state;
    two_begin(two, A, B);
    struct troupe_ref to = two_find(two, 0, "two/b[0]", "number");
    two_finish_one(two, 1);

    order(two, "tell 5", to);

    embedded_wait_logged(&two->log[0], "one/a[0]: back 5: actor is gone");
    struct troupe_ref ref;
    assert_int_equal(troupe_client_find(two->client[0], "two/b[0]", NULL, &ref, &two->error),
                     TROUPE_NOT_FOUND);
    two_finish_one(two, 0);
}

static void test_addresses_cross_and_come_back_as_ones_own(void **state) {
    struct two *two = *state;
    two_begin(two, A, "actors: { b: { type: kit.Player } }");
    /* b is told to send to an address in proc one, and to one of its own proc that came from there */
    const struct kit_do to_one = {troupe_str("tell 11"), two_find(two, 0, "a", "number")};
    const struct kit_do to_own = {troupe_str("tell 12; log told"),
                                  two_find(two, 0, "two/b[0]", "number")};
    struct troupe_port *inbox = NULL;
    struct troupe_message *message = NULL;
    embedded_ok(troupe_client_open(two->client[0], "inbox of one", two->number[0], NULL, &inbox,
                                   &two->error),
                &two->error);
    const struct kit_do to_client = {troupe_str("tell 13"), troupe_port_ref(inbox)};
    struct troupe_ref b = two_find(two, 0, "two/b[0]", "do");

    embedded_ok(troupe_client_send(two->client[0], b, two->order[0], &to_one, NULL, 0, &two->error),
                &two->error);
    embedded_ok(troupe_client_send(two->client[0], b, two->order[0], &to_own, NULL, 0, &two->error),
                &two->error);
    embedded_wait_logged(&two->log[1], "told");
    embedded_ok(
        troupe_client_send(two->client[0], b, two->order[0], &to_client, NULL, 0, &two->error),
        &two->error);

    embedded_ok(troupe_port_receive(inbox, 30 * EMBEDDED_S, &message, &two->error), &two->error);
    struct troupe_envelope envelope = {.size = sizeof envelope};
    troupe_message_envelope(message, &envelope);
    assert_int_equal(((const struct kit_number *)troupe_message_body(message))->number, 13);
    assert_int_equal(envelope.ttl, 16);
    assert_int_equal(envelope.sender.uid, b.uid);
    assert_int_equal(envelope.sender.port >> 16, b.port >> 16);
    troupe_message_free(message);
    two_finish(two);
}

static void test_client_calls_an_actor_of_another_proc(void **state) {
    struct two *two = *state;
    const struct kit_number body = {1};
    struct troupe_message *answer = NULL;
    two_begin(two, A, B);

    embedded_ok(troupe_client_call(two->client[0], two_find(two, 0, "two/b[0]", "asked"),
                                   two->number[0], &body, two->number[0], 30 * EMBEDDED_S, &answer,
                                   &two->error),
                &two->error);

    assert_int_equal(((const struct kit_number *)troupe_message_body(answer))->number, 42);
    troupe_message_free(answer);
    two_finish(two);
}

static void test_ids_of_joined_procs_are_unique(void **state) {
    struct two *two = *state;
    two_begin_one(two, 0, "one", A);
    struct troupe_proc *again = two_create(two, 1, "one", A);

    assert_int_equal(troupe_proc_start(again, &two->error), TROUPE_REFUSED);

    assert_string_equal(two->error.text,
                        "a proc 'one' is joined already: the id of each is its own");
    embedded_drop(again);
    two_finish_one(two, 0);
}

struct caller {
    struct two *two;
    unsigned at;
    _Atomic unsigned long answered;
};

static void *call_across(void *argument) {
    struct caller *caller = argument;
    struct two *two = caller->two;
    struct troupe_error error;
    struct troupe_ref to;
    const struct kit_number body = {1};
    struct troupe_client *client = two->client[caller->at];
    if (troupe_client_find(client, caller->at ? "one/a[0]" : "two/a[0]", "asked", &to, &error) <
        0) {
        return NULL;
    }
    struct troupe_message *answer;
    while (troupe_client_call(client, to, two->number[caller->at], &body, two->number[caller->at],
                              30 * EMBEDDED_S, &answer, &error) == TROUPE_OK) {
        troupe_message_free(answer);
        caller->answered++;
    }
    return NULL;
}

static bool some_are_answered(void *context) {
    struct caller *callers = context;
    return callers[0].answered + callers[2].answered > 0 &&
           callers[1].answered + callers[3].answered > 0;
}

static void test_calls_cross_both_ways_until_the_procs_end(void **state) {
    struct two *two = *state;
    const char *answers = "actors: { a: { type: kit.Player, config: { asked: 'reply $' } } }";
    struct caller callers[4];
    pthread_t threads[4];
    two_begin(two, answers, answers);
    for (unsigned i = 0; i < 4; i++) {
        callers[i] = (struct caller){two, i % 2, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, call_across, &callers[i]), 0);
    }
    test_wait_until(some_are_answered, callers);

    troupe_proc_stop(two->proc[0]);
    troupe_proc_stop(two->proc[1]);

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    two_finish(two);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, two_setup, two_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pr1_actor_sends_to_an_actor_of_another_proc),
        TEST(test_mb6_actor_calls_an_actor_of_another_proc),
        TEST(test_s3_actor_of_another_proc_is_asked_for),
        TEST(test_mb6_refusal_crosses_with_its_text),
        TEST(test_mb6_call_to_a_port_that_does_not_answer_crosses_back),
        TEST(test_mb4_undeliverable_comes_back_over_the_procs),
        TEST(test_mb4_full_mailbox_over_there_comes_back_when_it_is_to_fail),
        TEST(test_mb2_full_mailbox_over_there_pauses_the_sender),
        TEST(test_ci3_clients_send_to_another_proc_waits_at_most_its_deadline),
        TEST(test_ci3_clients_send_to_another_proc_goes_on_when_there_is_room),
        TEST(test_pr1_what_goes_to_a_proc_that_has_left_comes_back),
        TEST(test_addresses_cross_and_come_back_as_ones_own),
        TEST(test_client_calls_an_actor_of_another_proc),
        TEST(test_ids_of_joined_procs_are_unique),
        TEST(test_calls_cross_both_ways_until_the_procs_end),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
