/* Actors ask what is known of actors: Query and QueryChild to the introspect port (S). */
#include "lib/app/kit_look.h"

#include "lib/app/kit_stuck.h"

#define LOOKER "  l: { type: kit.Looker }\n"

static struct troupe_ref ref_of(struct kit *kit, const char *path) {
    return (struct troupe_ref){inst_uid(kit_actor(kit, path)), 0};
}

/* Answers come from another thread, which nothing of the proc waits for. */
struct answers {
    void *state;
    unsigned lines; /* of the looker, at least */
    const char *text;
};

static bool have_come(void *context) {
    const struct answers *answers = context;
    char *trace = kit_trace_of(answers->state, "l");
    unsigned lines = 0;
    for (const char *at = trace; (at = strchr(at, '\n')); at++) {
        lines++;
    }
    bool is_there = lines >= answers->lines && strstr(trace, answers->text);
    free(trace);
    return is_there;
}

static void test_s3_actor_asks_another(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n" LOOKER
        "  a: { type: kit.Player, config: { number: 'publish x $; log seen $; spawn' } }\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 7);
    kit_settle(kit);
    kit_do_to(kit, "l", "actor", ref_of(kit, "a"));
    kit_wait(kit, "l: p/a[0] idle handled 1 queued 0 children 1 published 1");
    kit_settle(kit);

    kit_assert_trace(*state, "l",
                     "p/a[0] idle handled 1 queued 0 children 1 published 1\n"
                     "x=7\n"
                     "logged info: seen 7\n");
    kit_stop(kit);
}

static void test_s4_actor_asks_for_the_entity_view(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n" LOOKER
                "  a: { type: kit.Player, config: { number: 'publish x $; log seen $' } }\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 7);
    kit_settle(kit);
    kit_do_to(kit, "l", "entity", ref_of(kit, "a"));
    kit_wait(kit, "l: x=7");
    kit_settle(kit);

    kit_assert_trace(*state, "l", "p/a[0] idle handled 0 queued 0 children 0 published 1\nx=7\n");
    kit_stop(kit);
}

static void test_s3_actor_asks_by_path(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n" LOOKER
                "  g: { actors: { m: { type: kit.Player, config: { init: 'spawn kid' } } } }\n");

    kit_settle(kit);
    kit_do(kit, "l", "actor /g/m/kid");
    kit_wait(kit, "l: p/kid[2] idle handled 0 queued 0 children 0 published 0");
    kit_do_to(kit, "l", "actor kid", ref_of(kit, "g/m"));
    kit_wait_lines(kit, "l: p/kid[2] idle handled 0 queued 0 children 0 published 0", 2);
    kit_do(kit, "l", "actor /g/x");
    kit_wait(kit, "l: -7 there is no child '/g/x'");
    kit_do(kit, "l", "colour");
    kit_wait(kit, "l: -3 no such view; there are: actor, entity, proc");
    kit_do(kit, "l", "wrong");
    kit_wait(kit, "l: -11 only troupe.query is answered there");
    kit_do(kit, "l", "tell");
    kit_wait(kit, "l: came back: no such port");
    kit_do_to(kit, "l", "actor", (struct troupe_ref){inst_uid(kit_actor(kit, "l")), 1 << 16});
    kit_wait(kit, "l: -12 another proc, and no forwarder");
    kit_do_to(kit, "l", "actor", (struct troupe_ref){987654, 0});
    kit_wait(kit, "l: -7 no actor has the uid 987654, and no snapshot of one is kept");
    kit_stop(kit);
}

static void test_s1_ended_actor_answers_who_asks(void **state) {
    struct kit *kit = kit_start(
        *state, "supervision: { intensity: 5 }\n"
                "actors:\n" LOOKER
                "  a: { type: kit.Player, restart: temporary, config: { number: 'fail no' } }\n");
    struct troupe_ref a = ref_of(kit, "a");

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_wait_closed(kit, "a");
    kit_do_to(kit, "l", "actor", a);
    kit_wait(kit, "l: failed: no");

    kit_stop(kit);
}

/* All but one worker's thread would be enough, but there is one only. */
static void test_s1_wedged_actor_answers_who_asks(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n" LOOKER
                "  a: { type: kit.Player, thread: own, config: { number: 'gate g; note on' } }\n");
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait_status(kit, "a", "processing");
    kit_number(kit, "a", "number", 2);
    kit_do_to(kit, "l", "actor", ref_of(kit, "a"));
    kit_wait(kit, "l: p/a[0] processing handled 0 queued 1 children 0 published 0");

    kit_open_until_times(*state, "g", "a: on", 2);
    kit_stop(kit);
}

static void test_s2_being_asked_for_changes_nothing(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n" LOOKER
                                        "  a: { type: kit.Player, config: { number: 'log $' } }\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);
    struct snapshot *before = kit_look(kit, "a");
    kit_do(kit, "l", "actor /a 300");
    kit_wait_lines(kit, "l: p/a[0] idle handled 1 queued 0 children 0 published 0", 300);
    kit_settle(kit);
    struct snapshot *after = kit_look(kit, "a");

    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (attribute_get(i)->kind == ATTRIBUTE_NUMBER) {
            assert_int_equal(snapshot_number(before, i), snapshot_number(after, i));
        }
    }
    assert_string_equal(snapshot_text(before, ATTRIBUTE_LAST_HANDLER),
                        snapshot_text(after, ATTRIBUTE_LAST_HANDLER));
    assert_int_equal(before->facts.record_count, after->facts.record_count);
    snapshot_unref(before);
    snapshot_unref(after);
    kit_stop(kit);
}

/* The totals, and what is kept of messages and lives. */
static void test_pd6_actor_asks_for_the_proc_as_a_whole(void **state) {
    struct kit *kit = kit_start(
        *state, "supervision: { intensity: 5 }\n"
                "actors:\n" LOOKER
                "  a: { type: kit.Player, restart: temporary, config: { number: 'at 2; fail no', "
                "second: 'tell $' } }\n");

    kit_settle(kit);
    kit_do(kit, "l", "proc");
    kit_settle(kit);
    /* whether the turn that asks counts already is open */
    struct answers first = {*state, 1, "proc p queued 0 high 1 handled "};
    test_wait_until(have_come, &first);
    assert_true(have_come(&(struct answers){*state, 1, " dead 0 quarantine none, queued\n"}));
    kit_do_to(kit, "a", "tell 7", (struct troupe_ref){987654, kit_port(kit, "number")});
    kit_number(kit, "a", "number", 1);
    kit_number(kit, "a", "number", 2);
    kit_wait_closed(kit, "a");
    kit_settle(kit);
    kit_do(kit, "l", "proc");
    kit_wait(kit, "l: dead kit.number/1 to : actor is gone");
    kit_wait(kit, "l: ended p/a[0] failed: number: no");
    kit_stop(kit);

    char *trace = kit_trace_of(*state, "l");
    assert_non_null(strstr(trace, "dead 1 quarantine some, queued"));
    free(trace);
}

/* What waits for an answer when all is aborted goes with it. */
static void test_s7_end_does_not_wait_for_answers(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n" LOOKER "  a: { type: kit.Player }\n");
    struct supervisor_result result;

    kit_settle(kit);
    kit_do(kit, "l", "actor /a 5000");
    kit_abort(kit, &result);
}

/* Each order of answers and of what else goes on, by the seed. */
static void test_s7_seeded_children_come_and_go_while_they_are_asked_for(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n" LOOKER
                "  a: { type: kit.Player, config: { number: 'publish x $; spawn kid; tell $', "
                "second: 'stop_kid', kid: 'number=log hm', ended: 'note over' } }\n");

    kit_settle(kit);
    for (unsigned i = 0; i < 10; i++) {
        kit_number(kit, "a", "number", i);
        kit_do(kit, "l", "actor /a/kid");
        kit_do(kit, "l", "actor /a");
        kit_number(kit, "a", "second", i);
        kit_do(kit, "l", "entity /a/kid 3");
        kit_wait_lines(kit, "a: over", i + 1);
    }
    kit_settle(kit);

    struct answers all = {*state, 50, ""}; /* one line at least each */
    test_wait_until(have_come, &all);
    kit_stop(kit);
}

/* One table for what is written and what is answered. */
static void test_ik1_answer_has_a_field_for_each_attribute(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n" LOOKER);
    const struct msg_type *view = type_find(proc_types(kit_proc(kit)), "troupe.view/1");

    assert_non_null(view);
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        assert_non_null(type_find_field(&view->abi, troupe_str(attribute_get(i)->name)));
    }
    for (uint32_t i = 0; i < view->abi.field_count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", TROUPE_STR_ARG(view->abi.fields[i].name));
        assert_non_null(attribute_find(name));
    }
    kit_stop(kit);
}

static void test_s3_plugin_cannot_give_the_hosts_messages_another_meaning(void **state) {
    (void)state;
    struct type_table *types = type_table_create();
    const struct msg_type *own;
    struct proc *proc = NULL;
    struct err err = {0};
    struct proc_options options = {.name = "p", .workers = 1, .types = types};

    assert_int_equal(type_intern(types, "troupe.query/1", "u64 number", &own, &err), 0);
    assert_int_equal(proc_create(&options, &proc, &err), -1);

    assert_null(proc);
    assert_string_equal(
        err.text, "proc 'p': the host's own messages: message 'troupe.query/1' has two schemas: "
                  "'u64 number' and 'str view; str child': a changed schema needs a new revision");
    type_table_destroy(types);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_s3_actor_asks_another),
    KIT_TEST(KIT_SEEDED, test_ik1_answer_has_a_field_for_each_attribute),
    KIT_TEST(KIT_THREADS, test_s3_plugin_cannot_give_the_hosts_messages_another_meaning),
    KIT_TEST(KIT_BOTH, test_s4_actor_asks_for_the_entity_view),
    KIT_TEST(KIT_BOTH, test_s3_actor_asks_by_path),
    KIT_TEST(KIT_BOTH, test_s1_ended_actor_answers_who_asks),
    KIT_TEST(KIT_THREADS, test_s1_wedged_actor_answers_who_asks),
    KIT_TEST(KIT_BOTH, test_pd6_actor_asks_for_the_proc_as_a_whole),
    KIT_TEST(KIT_BOTH, test_s2_being_asked_for_changes_nothing),
    KIT_TEST(KIT_BOTH, test_s7_end_does_not_wait_for_answers),
    KIT_TEST(KIT_BOTH, test_s7_seeded_children_come_and_go_while_they_are_asked_for),
};

int main(void) {
    return KIT_RUN(tests);
}
