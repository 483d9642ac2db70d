/* Query and QueryChild by everybody who may ask, of actors in every state (S-1, S-3, S-4): an actor and a client of
 * the proc, and an actor and a client of another one. */
#include "lib/app/embedded_two.h"

#include <troupe/introspect.h>

#include "lib/temp.h"
#include "lib/wait.h"

/* --- those who are asked for --- */

#define OWN(config) "{ type: kit.Player, thread: own, config: { " config " } }\n"
static const char subjects_manifest[] =
    "actors:\n"
    "  l: { type: kit.Looker }\n"
    "  a: { type: kit.Player }\n"
    "  g:\n"
    "    supervise: { intensity: 5 }\n"
    "    actors:\n"
    "      idle: { type: kit.Player, config: { number: 'publish x $' } }\n"
    "      wedged: " OWN("number: 'gate w'") "      begins: " OWN(
        "init: 'gate i'") "      stops: " OWN("cleanup: 'gate s'") "      over: { type: "
                                                                   "kit.Player, restart: temporary "
                                                                   "}\n";
static const char askers_manifest[] = "actors: { r: { type: kit.Looker } }";

/* X(name, what it is doing) */
#define SUBJECTS(X)                                                                                \
    X(idle, "idle")                                                                                \
    X(wedged, "processing") X(begins, "initializing") X(stops, "stopping") X(over, "stopped")
#define SUBJECT_CONSTANT(name, status) SUBJECT_##name,
enum subject { SUBJECTS(SUBJECT_CONSTANT) SUBJECT_COUNT };
static const struct {
    const char *name, *status;
} subjects[] = {
#define SUBJECT_ROW(name, status) {#name, status},
    SUBJECTS(SUBJECT_ROW)};

/* --- those who ask, and how --- */

enum asker { ACTOR, CLIENT, REMOTE_ACTOR, REMOTE_CLIENT, ASKER_COUNT };
enum way { QUERY, CHILD_OF_GROUP, CHILD_FROM_PROC, WAY_COUNT };

struct matrix {
    struct two *two;
    struct troupe_ref to[2][SUBJECT_COUNT]; /* as each proc calls them */
    struct troupe_ref group[2], looker[2];
    const struct troupe_type *query[2], *view[2], *whole[2];
};

struct answer {
    int32_t status;
    char id[64], doing[32], error[128];
    uint64_t handled, published;
};

static struct troupe_ref port_of(const struct matrix *m, unsigned at, struct troupe_ref actor) {
    struct troupe_ref known = two_find(m->two, at, at ? "one/g[0]" : "g", TROUPE_INTROSPECT_PORT);
    return (struct troupe_ref){actor.uid, known.port};
}

static void copy(char *to, size_t size, struct troupe_str text) {
    (void)snprintf(to, size, "%.*s", TROUPE_STR_ARG(text));
}

/* By a client of the proc `at`. */
static void ask(const struct matrix *m, unsigned at, struct troupe_ref whom, const char *view,
                const char *child, struct answer *ret) {
    const struct troupe_query query = {troupe_str(view), troupe_str(child)};
    struct troupe_message *message = NULL;
    struct troupe_error error;
    *ret = (struct answer){0};
    ret->status = troupe_client_call(m->two->client[at], port_of(m, at, whom), m->query[at], &query,
                                     m->view[at], 30 * EMBEDDED_S, &message, &error);
    if (ret->status < 0) {
        copy(ret->error, sizeof ret->error, troupe_str(error.text));
        return;
    }
    const struct troupe_view *body = troupe_message_body(message);
    copy(ret->id, sizeof ret->id, body->id);
    copy(ret->doing, sizeof ret->doing, body->status);
    ret->handled = body->messages_processed;
    ret->published = body->attributes.count;
    troupe_message_free(message);
}

static unsigned count_traced(const char *line) {
    char *trace = test_read_file(getenv("KIT_TRACE"), NULL);
    unsigned count = 0;
    for (const char *at = trace; (at = strstr(at, line)); at++) {
        count++;
    }
    free(trace);
    return count;
}

struct awaited {
    const char *line;
    unsigned count;
};

static bool has_come(void *context) {
    const struct awaited *awaited = context;
    return count_traced(awaited->line) >= awaited->count;
}

/* By the looker of the proc `at`, who traces what it is answered. */
static void have_asked(const struct matrix *m, unsigned at, struct troupe_ref whom,
                       const char *view, const char *child, const char *expected) {
    struct awaited awaited = {expected, count_traced(expected) + 1};
    char script[128];
    (void)snprintf(script, sizeof script, "%s %s", view, child);
    const struct kit_do body = {troupe_str(script), whom};
    embedded_ok(troupe_client_send(m->two->client[at], m->looker[at], m->two->order[at], &body,
                                   NULL, 30 * EMBEDDED_S, &m->two->error),
                &m->two->error);
    test_wait_until(has_come, &awaited);
}

/* --- the deployment, each subject in its state --- */

struct expected_status {
    struct matrix *m;
    enum subject subject;
};

static bool is_doing_it(void *context) {
    const struct expected_status *expected = context;
    struct answer answer;
    ask(expected->m, 0, expected->m->to[0][expected->subject], "actor", "", &answer);
    /* it is idle before its number has come, too */
    return answer.status == TROUPE_OK &&
           strcmp(answer.doing, subjects[expected->subject].status) == 0 &&
           (expected->subject != SUBJECT_idle || answer.handled == 1);
}

static bool is_over(void *context) {
    const struct matrix *m = context;
    struct troupe_ref ref;
    return troupe_client_find(m->two->client[0], "g/over", NULL, &ref, NULL) != TROUPE_OK;
}

static void order_subject(struct matrix *m, enum subject subject, const char *script) {
    char name[32];
    (void)snprintf(name, sizeof name, "g/%s", subjects[subject].name);
    const struct kit_do body = {troupe_str(script), {0, 0}};
    embedded_ok(troupe_client_send(m->two->client[0], two_find(m->two, 0, name, "do"),
                                   m->two->order[0], &body, NULL, 0, &m->two->error),
                &m->two->error);
}

static void send_number(struct matrix *m, const char *name) {
    const struct kit_number body = {7};
    embedded_ok(troupe_client_send(m->two->client[0], two_find(m->two, 0, name, "number"),
                                   m->two->number[0], &body, NULL, 0, &m->two->error),
                &m->two->error);
}

static void learn(struct matrix *m) {
    struct two *two = m->two;
    for (unsigned i = 0; i < SUBJECT_COUNT; i++) {
        char here[32], there[32];
        (void)snprintf(here, sizeof here, "g/%s", subjects[i].name);
        (void)snprintf(there, sizeof there, "one/g/%s[%u]", subjects[i].name, i + 1);
        m->to[0][i] = two_find(two, 0, here, NULL);
        m->to[1][i] = two_find(two, 1, there, NULL);
    }
    m->group[0] = two_find(two, 0, "g", NULL);
    m->group[1] = two_find(two, 1, "one/g[0]", NULL);
    m->looker[0] = two_find(two, 0, "l", "do");
    m->looker[1] = two_find(two, 1, "r", "do");
    for (unsigned at = 0; at < 2; at++) {
        struct troupe_client *client = two->client[at];
        embedded_ok(TROUPE_TYPE(client, troupe_query, &m->query[at], &two->error), &two->error);
        embedded_ok(TROUPE_TYPE(client, troupe_view, &m->view[at], &two->error), &two->error);
        embedded_ok(TROUPE_TYPE(client, troupe_proc_view, &m->whole[at], &two->error), &two->error);
    }
}

static void begin(struct matrix *m, void **state) {
    m->two = *state;
    test_write_file(getenv("KIT_TRACE"), "");
    embedded_gate_make("w");
    embedded_gate_make("i");
    embedded_gate_make("s");
    two_begin(m->two, subjects_manifest, askers_manifest);
    learn(m);
    send_number(m, "g/idle");
    send_number(m, "g/wedged");
    order_subject(m, SUBJECT_stops, "stop");
    order_subject(m, SUBJECT_over, "stop");
    for (unsigned i = 0; i < SUBJECT_COUNT; i++) {
        struct expected_status expected = {m, i};
        test_wait_until(is_doing_it, &expected);
    }
    test_wait_until(is_over, m);
}

static void finish(struct matrix *m) {
    embedded_gate_open("w");
    embedded_gate_open("i");
    embedded_gate_open("s");
    two_finish(m->two);
}

/* --- the tests --- */

static void check(const struct matrix *m, enum asker asker, enum way way, enum subject subject,
                  const char *view) {
    unsigned at = asker >= REMOTE_ACTOR;
    const char *name = subjects[subject].name;
    char path[64] = "", id[64], line[160];
    bool is_found = way == QUERY || subject != SUBJECT_over; /* S-5 */
    (void)snprintf(path, sizeof path, "%s%s", way == CHILD_FROM_PROC ? "/g/" : "",
                   way == QUERY ? "" : name);
    (void)snprintf(id, sizeof id, "one/g/%s[%u]", name, (unsigned)subject + 1);
    struct troupe_ref whom = way == QUERY ? m->to[at][subject] : m->group[at];
    if (asker == CLIENT || asker == REMOTE_CLIENT) {
        struct answer answer;
        ask(m, at, whom, view, path, &answer);
        assert_int_equal(answer.status, is_found ? TROUPE_OK : TROUPE_NOT_FOUND);
        assert_string_equal(answer.id, is_found ? id : "");
        assert_string_equal(answer.doing, is_found ? subjects[subject].status : "");
        return;
    }
    const char *who = asker == ACTOR ? "l" : "r";
    if (is_found) {
        (void)snprintf(line, sizeof line, "%s: %s %s ", who, id, subjects[subject].status);
    } else {
        (void)snprintf(line, sizeof line, "%s: %d there is no child '%s'", who, TROUPE_NOT_FOUND,
                       path);
    }
    have_asked(m, at, whom, view, path, line);
}

static void test_s1_everybody_is_answered_of_actors_in_every_state(void **state) {
    struct matrix m = {0};
    begin(&m, state);

    for (unsigned asker = 0; asker < ASKER_COUNT; asker++) {
        for (unsigned way = 0; way < WAY_COUNT; way++) {
            for (unsigned subject = 0; subject < SUBJECT_COUNT; subject++) {
                check(&m, asker, way, subject, "actor");
                check(&m, asker, way, subject, "entity");
            }
        }
    }
    finish(&m);
}

static void test_s3_everybody_hears_that_a_child_is_not_there(void **state) {
    struct matrix m = {0};
    struct answer answer;
    begin(&m, state);

    for (unsigned subject = 0; subject < SUBJECT_COUNT; subject++) {
        have_asked(&m, 0, m.to[0][subject], "actor", "kid", "l: -7 there is no child 'kid'");
        have_asked(&m, 1, m.to[1][subject], "actor", "kid", "r: -7 there is no child 'kid'");
        for (unsigned at = 0; at < 2; at++) {
            ask(&m, at, m.to[at][subject], "entity", "kid", &answer);
            assert_int_equal(answer.status, TROUPE_NOT_FOUND);
            assert_string_equal(answer.error, "there is no child 'kid'");
        }
    }
    finish(&m);
}

static void test_s4_everybody_gets_the_view_asked_for(void **state) {
    struct matrix m = {0};
    struct answer actor, entity;
    begin(&m, state);

    for (unsigned at = 0; at < 2; at++) {
        ask(&m, at, m.to[at][SUBJECT_idle], "actor", "", &actor);
        ask(&m, at, m.to[at][SUBJECT_idle], "entity", "", &entity);
        assert_int_equal(actor.handled, 1);
        assert_int_equal(entity.handled, 0);
        assert_int_equal(actor.published, 1);
        assert_int_equal(entity.published, 1);
    }
    have_asked(&m, 0, m.to[0][SUBJECT_idle], "entity", "",
               "l: one/g/idle[1] idle handled 0 queued 0 children 0 published 1\nl: x=7\n");
    have_asked(&m, 1, m.to[1][SUBJECT_idle], "actor", "",
               "r: one/g/idle[1] idle handled 1 queued 0 children 0 published 1\nr: x=7\n");
    finish(&m);
}

/* The client that joined for this test is no actor, and those who ask are not counted. */
static void test_pd6_everybody_gets_the_view_of_the_proc(void **state) {
    struct matrix m = {0};
    begin(&m, state);

    for (unsigned at = 0; at < 2; at++) {
        const struct troupe_query query = {troupe_str("proc"), troupe_str("")};
        struct troupe_message *message = NULL;
        embedded_ok(troupe_client_call(m.two->client[at], port_of(&m, at, m.to[at][SUBJECT_wedged]),
                                       m.query[at], &query, m.whole[at], 30 * EMBEDDED_S, &message,
                                       &m.two->error),
                    &m.two->error);
        const struct troupe_proc_view *view = troupe_message_body(message);
        assert_true(troupe_str_eq(view->name, troupe_str("one")));
        assert_true(view->queued_high_water > 0);
        assert_true(view->last_nonzero > 0);
        assert_int_equal(view->terminated.count, 1);
        assert_true(troupe_str_eq(view->terminated.items[0].id, troupe_str("one/g/over[5]")));
        assert_true(troupe_str_eq(view->quarantine_kept, troupe_str("[]")));
        troupe_message_free(message);
    }
    have_asked(&m, 0, m.to[0][SUBJECT_wedged], "proc", "", "l: proc one queued ");
    have_asked(&m, 1, m.to[1][SUBJECT_wedged], "proc", "", "r: proc one queued ");
    have_asked(&m, 1, m.to[1][SUBJECT_begins], "proc", "",
               "r: ended one/g/over[5] stopped: stopped\n");
    have_asked(&m, 0, m.to[0][SUBJECT_idle], "proc", "kid", "l: -3 the view 'proc' has no child");
    finish(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, two_setup, two_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_s1_everybody_is_answered_of_actors_in_every_state),
        TEST(test_s3_everybody_hears_that_a_child_is_not_there),
        TEST(test_s4_everybody_gets_the_view_asked_for),
        TEST(test_pd6_everybody_gets_the_view_of_the_proc),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
