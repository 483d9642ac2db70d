/* What comes with a message: sender, headers, reply port, hops left, sequence; in handlers and in clients, of the
 * same proc and of another one. */
#include "lib/app/embedded_two.h"

#include "lib/temp.h"
#include "lib/wait.h"

#define CONTEXT "config: { number: 'context', asked: 'context; reply 1' }"

static bool is_traced(void *context) {
    char *trace = test_read_file(getenv("KIT_TRACE"), NULL);
    bool found = strstr(trace, context) != NULL;
    free(trace);
    return found;
}

/* An actor traces "from SENDER... ". */
static void wait_for(const char *actor, uint64_t sender, const char *more) {
    char line[128];
    (void)snprintf(line, sizeof line, "%s: from %llu%s\n", actor, (unsigned long long)sender, more);
    test_wait_until(is_traced, line);
}

static void begin(struct two *two) {
    test_write_file(getenv("KIT_TRACE"), "");
    two_begin(two, "actors: { a: { type: kit.Player, " CONTEXT " } }",
              "actors: { b: { type: kit.Player, " CONTEXT " } }");
}

static void send(struct two *two, struct troupe_ref to, const struct troupe_headers *headers) {
    const struct kit_number body = {1};
    embedded_ok(
        troupe_client_send(two->client[0], to, two->number[0], &body, headers, 0, &two->error),
        &two->error);
}

static void call(struct two *two, struct troupe_ref to) {
    const struct kit_number body = {1};
    struct troupe_message *answer = NULL;
    embedded_ok(troupe_client_call(two->client[0], to, two->number[0], &body, two->number[0],
                                   30 * EMBEDDED_S, &answer, &two->error),
                &two->error);
    troupe_message_free(answer);
}

static void test_handler_knows_sender_and_headers(void **state) {
    struct two *two = *state;
    const struct troupe_headers headers = {.size = sizeof headers, .ttl = 5, .trace = 77};
    begin(two);
    uint64_t self = troupe_client_ref(two->client[0]).uid;

    send(two, two_find(two, 0, "a", "number"), NULL);
    wait_for("a", self, " trace 0 ttl 0");
    send(two, two_find(two, 0, "a", "number"), &headers);
    wait_for("a", self, " trace 77 ttl 0"); /* it has crossed from no other proc */

    two_finish(two);
}

static void test_handler_of_another_proc_knows_them_and_the_hops_left(void **state) {
    struct two *two = *state;
    const struct troupe_headers headers = {.size = sizeof headers, .ttl = 5, .trace = 77};
    begin(two);
    uint64_t self = troupe_client_ref(two->client[0]).uid;

    send(two, two_find(two, 0, "two/b[0]", "number"), NULL);
    wait_for("b", self, " far trace 0 ttl 16");
    send(two, two_find(two, 0, "two/b[0]", "number"), &headers);
    wait_for("b", self, " far trace 77 ttl 5");

    two_finish(two);
}

static void test_handler_knows_who_waits_for_an_answer(void **state) {
    struct two *two = *state;
    begin(two);
    uint64_t self = troupe_client_ref(two->client[0]).uid;

    call(two, two_find(two, 0, "a", "asked"));
    wait_for("a", self, " trace 0 ttl 0 asks");
    call(two, two_find(two, 0, "two/b[0]", "asked"));
    wait_for("b", self, " far trace 0 ttl 16 asks");

    two_finish(two);
}

/* All that a turn sends has the trace of the message in hand. */
static void test_trace_is_passed_on_over_procs(void **state) {
    struct two *two = *state;
    const struct troupe_headers headers = {.size = sizeof headers, .trace = 78};
    begin(two);
    struct troupe_ref a = two_find(two, 0, "a", "do");
    const struct kit_do body = {troupe_str("tell 1"), two_find(two, 0, "two/b[0]", "number")};

    embedded_ok(
        troupe_client_send(two->client[0], a, two->order[0], &body, &headers, 0, &two->error),
        &two->error);

    wait_for("b", a.uid, " far trace 78 ttl 16");
    two_finish(two);
}

static struct troupe_envelope receive(struct two *two, struct troupe_port *port) {
    struct troupe_envelope envelope = {.size = sizeof envelope};
    struct troupe_message *message = NULL;
    embedded_ok(troupe_port_receive(port, 30 * EMBEDDED_S, &message, &two->error), &two->error);
    troupe_message_envelope(message, &envelope);
    troupe_message_free(message);
    return envelope;
}

static struct troupe_port *open_port(struct two *two, const char *name,
                                     const struct troupe_type *reply) {
    const struct troupe_port_options options = {.size = sizeof options, .reply = reply};
    struct troupe_port *port = NULL;
    embedded_ok(
        troupe_client_open(two->client[0], name, two->number[0], &options, &port, &two->error),
        &two->error);
    return port;
}

/* A client counts what it sends; an actor does not. */
static void test_client_knows_sender_headers_and_sequence(void **state) {
    struct two *two = *state;
    const struct troupe_headers headers = {.size = sizeof headers, .trace = 79};
    begin(two);
    struct troupe_port *port = open_port(two, "inbox", NULL);
    struct troupe_ref self = troupe_client_ref(two->client[0]);

    send(two, troupe_port_ref(port), &headers);
    send(two, troupe_port_ref(port), NULL);
    struct troupe_envelope first = receive(two, port), second = receive(two, port);

    assert_int_equal(first.sender.uid, self.uid);
    assert_int_equal(first.trace, 79);
    assert_int_equal(first.ttl, 0);
    assert_int_equal(first.request.uid, 0);
    assert_int_equal(second.trace, 0);
    assert_int_equal(second.sequence, first.sequence + 1);
    two_finish(two);
}

static void test_client_of_another_proc_knows_them_and_the_hops_left(void **state) {
    struct two *two = *state;
    begin(two);
    struct troupe_port *port = open_port(two, "inbox", NULL);
    struct troupe_port *asks = open_port(two, "asks", two->number[0]);
    struct troupe_ref b = two_find(two, 0, "two/b[0]", "do");
    const struct kit_do tell = {troupe_str("tell 1"), troupe_port_ref(port)};
    const struct kit_do ask = {troupe_str("ask_to 1 30000"), troupe_port_ref(asks)};

    embedded_ok(troupe_client_send(two->client[0], b, two->order[0], &tell, NULL, 0, &two->error),
                &two->error);
    struct troupe_envelope told = receive(two, port);
    embedded_ok(troupe_client_send(two->client[0], b, two->order[0], &ask, NULL, 0, &two->error),
                &two->error);
    struct troupe_envelope asked = receive(two, asks);

    assert_int_equal(told.sender.uid, b.uid);
    assert_int_equal(told.sender.port >> 16, b.port >> 16);
    assert_int_equal(told.ttl, 16);
    assert_int_equal(told.sequence, 0);
    assert_int_equal(told.request.uid, 0);
    assert_true(asked.request.uid != 0);
    two_finish(two);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, two_setup, two_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_handler_knows_sender_and_headers),
        TEST(test_handler_of_another_proc_knows_them_and_the_hops_left),
        TEST(test_handler_knows_who_waits_for_an_answer),
        TEST(test_trace_is_passed_on_over_procs),
        TEST(test_client_knows_sender_headers_and_sequence),
        TEST(test_client_of_another_proc_knows_them_and_the_hops_left),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
