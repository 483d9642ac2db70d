/* Who is who (AI). */
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"

/* A root that spawns, of children that can spawn too. */
#define FAMILY                                                                                     \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, config: { kid: 'number=note got $', ended: 'note kid %',\n"          \
    "                                   second: 'note got $ from a kid' } }\n"                     \
    "  b: { type: kit.Player, config: { kid: 'number=note got $', ended: 'note kid %' } }\n"

static void test_ai1_ids_are_proc_name_pid(void **state) {
    struct kit *kit = kit_start(*state, FAMILY);

    kit_do(kit, "a", "name; spawn named; order name; spawn; order name");
    kit_do(kit, "b", "spawn other; order name");
    kit_wait(kit, "a: name p/a[0]");
    kit_wait(kit, "named[1]: name p/named[1]");
    kit_wait(kit, "a[2]: name p/a[2]");
    kit_wait(kit, "other[1]: name p/other[1]");

    kit_stop(kit);
}

static void test_ai1_one_counter_for_a_whole_tree(void **state) {
    struct kit *kit = kit_start(*state, FAMILY);

    kit_do(kit, "a", "spawn one; order spawn two, order note deep");
    kit_wait(kit, "two[2]: deep");
    kit_do(kit, "a", "spawn three; order note wide");
    kit_wait(kit, "three[3]: wide");

    kit_stop(kit);
}

static void test_ai1_pids_have_as_many_digits_as_they_need(void **state) {
    struct kit *kit = kit_start(*state, FAMILY);

    for (unsigned i = 1; i < 100; i++) {
        kit_do(kit, "a", "spawn");
    }
    kit_do(kit, "a", "spawn named; order name");
    kit_wait(kit, "named[100]: name p/named[100]");

    kit_stop(kit);
}

static void test_ai1_id_is_cut_to_the_room_there_is(void **state) {
    struct kit *kit = kit_start(*state, FAMILY);
    struct inst *a = kit_actor(kit, "a");
    static const char whole[] = "p/a[0]";

    for (size_t room = 1; room <= sizeof whole + 1; room++) {
        char text[sizeof whole + 1];
        memset(text, '#', sizeof text);
        inst_name(a, text, room);
        size_t size = room < sizeof whole ? room - 1 : sizeof whole - 1;
        assert_int_equal(strlen(text), size);
        assert_memory_equal(text, whole, size);
    }

    kit_stop(kit);
}

static void test_ai1_members_of_a_group_count_like_children(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  g:\n"
                                        "    actors:\n"
                                        "      x: { type: kit.Player, replicas: 2 }\n"
                                        "      y: { type: kit.Player }\n");

    kit_do(kit, "g/x.1", "name; spawn kid; order name");
    kit_do(kit, "g/y", "name");
    kit_wait(kit, "g/x.1[2]: name p/g/x.1[2]");
    kit_wait(kit, "g/y[3]: name p/g/y[3]");
    kit_wait(kit, "kid[4]: name p/kid[4]");

    kit_stop(kit);
}

static void test_ai2_second_child_of_a_name_is_refused_and_names_the_first(void **state) {
    struct kit *kit = kit_start(*state, FAMILY);
    struct supervisor_result result;

    kit_do(kit, "a", "spawn twin");
    kit_do(kit, "a", "spawn twin");
    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: do: refused (spawn: the name 'twin' "
                                      "is taken by 'p/twin[1]')");
}

static void test_ai2_second_child_of_a_name_is_refused_within_a_turn(void **state) {
    struct kit *kit = kit_start(*state, FAMILY);
    struct supervisor_result result;

    kit_do(kit, "a", "spawn twin; spawn twin");
    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: do: refused (spawn: the name 'twin' "
                                      "is taken by 'p/twin[1]')");
}

static void test_ai2_name_is_free_when_its_child_has_ended(void **state) {
    struct kit *kit = kit_start(
        *state, "actors: { a: { type: kit.Player, config: { init: 'spawn twin; stop_kid',\n"
                "  number: 'spawn twin; order note again', ended: 'note ended' } } }\n");

    kit_wait(kit, "a: ended");
    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "twin[2]: again");
    kit_stop(kit);
}

static void test_ai2_name_of_a_child_must_not_look_like_a_path(void **state) {
    struct kit *kit = kit_start(*state, FAMILY);
    struct supervisor_result result;

    kit_do(kit, "a", "spawn x/y");
    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: do: refused (spawn: the name 'x/y' "
                                      "has one of the characters / [ ] .)");
}

static void test_ai3_uid_is_never_used_again(void **state) {
    /* the first child ends, the second gets its memory, but not what is sent to the first */
    struct kit *kit = kit_start(
        *state,
        "actors: { a: { type: kit.Player, config: { init: 'spawn one; remember; stop_kid',\n"
        "  kid: 'number=note got $', ended: 'note ended', returned: 'note $ %' } } }\n");

    kit_wait(kit, "a: ended");
    kit_do(kit, "a", "spawn two; tell 5; order note alive");
    kit_wait(kit, "two[2]: alive");
    kit_wait(kit, "a: 5 actor is gone");
    kit_stop(kit);

    kit_assert_trace(*state, "two[2]", "alive\n");
}

static void test_ai3_text_without_uid_means_the_open_one(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player, config: { number: stop } }\n"
                                        "  g: { actors: { m: { type: kit.Player } } }\n");
    uint64_t uid = inst_uid(kit_actor(kit, "a"));

    kit_settle(kit);
    assert_int_equal(proc_resolve(kit_proc(kit), "a"), uid);
    assert_int_equal(proc_resolve(kit_proc(kit), "p/a[0]"), uid);
    assert_int_equal(proc_resolve(kit_proc(kit), "p/a[1]"), 0);
    assert_int_equal(proc_resolve(kit_proc(kit), "q/a[0]"), 0);
    assert_int_equal(proc_resolve(kit_proc(kit), "nobody"), 0);
    assert_int_equal(proc_resolve(kit_proc(kit), "g/m"), inst_uid(kit_actor(kit, "g/m")));
    assert_int_equal(proc_resolve(kit_proc(kit), "p/g/m[1]"), inst_uid(kit_actor(kit, "g/m")));
    assert_true(uid != inst_uid(kit_actor(kit, "g/m")));

    kit_number(kit, "a", "number", 1);
    kit_wait_closed(kit, "a");
    assert_int_equal(proc_resolve(kit_proc(kit), "a"), 0);
    kit_stop(kit);
}

static void test_ai4_queued_messages_return_when_the_slot_closes(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'out 1 5', returned: 'note $ %' } }\n"
                "  b: { type: kit.Player, config: { number: 'note got $; at 2; stop' } }\n"
                "wires: [a.out -> b.number]\n");

    kit_wait(kit, "a: 5 actor is gone");
    kit_stop(kit);

    kit_assert_trace(*state, "b", "got 1\ngot 2\n");
    kit_assert_trace(*state, "a", "3 actor is gone\n4 actor is gone\n5 actor is gone\n");
}

static void test_ai4_queued_messages_return_when_the_owner_failed(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'out 1 3', returned: 'note $ %' } }\n"
                "  b: { type: kit.Player, config: { number: 'fail no' } }\n"
                "wires: [a.out -> b.number]\n");
    struct supervisor_result result;

    kit_wait(kit, "a: 3 actor is gone");
    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/b[0]' failed: number: no");
    kit_assert_trace(*state, "a", "2 actor is gone\n3 actor is gone\n");
}

static void test_ai4_paused_senders_go_on_when_the_slot_closes(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { init: 'out 1 9; other 10', number: 'note $',\n"
        "       returned: 'note back $' } }\n"
        "  b: { type: kit.Player, config: { number: 'at 2; stop' }, mailbox: { capacity: 2 } }\n"
        "  c: { type: kit.Player, config: { number: 'note got $' } }\n"
        "wires: [a.out -> b.number, a.other -> c.number]\n");

    kit_wait(kit, "c: got 10");
    kit_wait(kit, "a: back 9");
    kit_stop(kit);
}

static void test_ai4_children_and_timers_end_with_the_incarnation(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors: { a: { type: kit.Player, config: { init: 'spawn one; order spawn two; tick 1 1',\n"
        "  kid: 'cleanup=note gone|kid=cleanup=note gone', number: stop, cleanup: 'note last' } } "
        "}\n");

    kit_settle(kit);
    kit_number(kit, "a", "number", 1);
    kit_end(kit, NULL);

    /* the youngest first, each before its parent */
    char *trace = kit_trace_of(*state, NULL);
    assert_string_equal(trace, "two[2]: gone\none[1]: gone\na: last\n");
    free(trace);
}

static void test_ai4_pending_calls_end_with_the_incarnation(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'ask 1 60000; self 1',\n"
                "       number: stop, reply: 'note outcome %' } }\n"
                "  b: { type: kit.Player, config: { asked: 'later; tick 5 0', tick: 'answer 2; "
                "note answered' },\n"
                "       when_inputs_end: stay }\n"
                "wires: [a.ask -> b.asked]\n");

    kit_wait(kit, "b: answered");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).late_replies, 1);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "");
}

static const struct kit_test ai[] = {
    KIT_TEST(KIT_BOTH, test_ai1_ids_are_proc_name_pid),
    KIT_TEST(KIT_BOTH, test_ai1_one_counter_for_a_whole_tree),
    KIT_TEST(KIT_BOTH, test_ai1_pids_have_as_many_digits_as_they_need),
    KIT_TEST(KIT_SEEDED, test_ai1_id_is_cut_to_the_room_there_is),
    KIT_TEST(KIT_BOTH, test_ai1_members_of_a_group_count_like_children),
    KIT_TEST(KIT_BOTH, test_ai2_second_child_of_a_name_is_refused_and_names_the_first),
    KIT_TEST(KIT_BOTH, test_ai2_second_child_of_a_name_is_refused_within_a_turn),
    KIT_TEST(KIT_BOTH, test_ai2_name_is_free_when_its_child_has_ended),
    KIT_TEST(KIT_BOTH, test_ai2_name_of_a_child_must_not_look_like_a_path),
    KIT_TEST(KIT_BOTH, test_ai3_uid_is_never_used_again),
    KIT_TEST(KIT_BOTH, test_ai3_text_without_uid_means_the_open_one),
    KIT_TEST(KIT_BOTH, test_ai4_queued_messages_return_when_the_slot_closes),
    KIT_TEST(KIT_BOTH, test_ai4_queued_messages_return_when_the_owner_failed),
    KIT_TEST(KIT_BOTH, test_ai4_paused_senders_go_on_when_the_slot_closes),
    KIT_TEST(KIT_BOTH, test_ai4_children_and_timers_end_with_the_incarnation),
    KIT_TEST(KIT_BOTH, test_ai4_pending_calls_end_with_the_incarnation),
};

int main(void) {
    return KIT_RUN(ai);
}
