/* Children that have nothing but a state: how they start and end is the short way of what others do. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <string.h>

#include "actor/held.h"
#include "actor/proc_impl.h"
#include "lib/app/kit_look.h"
#include "lib/app/kit_stuck.h"
#include "record/snapshot_store.h"

#define BROOD "actors: { b: { type: kit.Brood } }\n"
#define BROOD_AND_OTHER "actors: { b: { type: kit.Brood }, x: { type: kit.Player } }\n"

static void test_ai1_ends_of_nameless_children_tell_their_names(void **state) {
    struct kit *kit = kit_start(*state, BROOD);

    kit_number(kit, "b", "number", 120);
    kit_wait(kit, "b: p/b[120] stopped");
    kit_settle(kit);

    for (unsigned i = 1; i <= 120; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "b: p/b[%u] stopped", i);
        assert_int_equal(kit_count(*state, line), 1);
    }
    kit_stop(kit);
}

static void test_s6_each_of_them_leaves_a_snapshot(void **state) {
    struct kit *kit = kit_start(*state, BROOD);

    kit_number(kit, "b", "number", 7);
    kit_wait_lines(kit, "b: p/b[7] stopped", 1);
    kit_settle(kit);

    for (unsigned i = 1; i <= 7; i++) {
        char address[64];
        (void)snprintf(address, sizeof address, "p/b[%u]", i);
        assert_true(kit_looks(kit, address, "stopped"));
    }
    assert_int_equal(snapshot_store_counts(proc_snapshots(kit_proc(kit))).clean, 7);
    kit_stop(kit);
}

static void test_ai4_what_waits_behind_a_stop_of_their_own_comes_back(void **state) {
    struct kit *kit = kit_start(*state, BROOD);

    kit_number(kit, "b", "twice", 5);
    kit_wait(kit, "b: 5 actor is gone");
    kit_wait(kit, "b: p/b[1] stopped");
    kit_settle(kit);

    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
}

static void test_st1_one_without_init_is_idle_and_ends_with_its_parent(void **state) {
    struct kit *kit = kit_start(*state, BROOD);

    kit_number(kit, "b", "idle", 0);
    kit_settle(kit);
    kit_wait_status(kit, "p/b[1]", "idle");
    kit_stop(kit);
}

static void test_ai3_a_cell_used_again_has_a_fresh_state(void **state) {
    struct kit *kit = kit_start(*state, BROOD);

    for (unsigned i = 0; i < 20; i++) {
        kit_number(kit, "b", "number", 50);
    }
    kit_wait(kit, "b: p/b[1000] stopped");
    kit_settle(kit);

    assert_int_equal(snapshot_store_counts(proc_snapshots(kit_proc(kit))).failed, 0);
    assert_int_equal(kit_totals(kit).queued, 0);
    kit_stop(kit);
}

static void test_tx1_what_is_sent_to_one_behind_the_spawn_of_another_arrives(void **state) {
    struct kit *kit = kit_start(*state, BROOD);

    kit_number(kit, "b", "crossed", 0);
    kit_wait(kit, "b: p/b[1] stopped");
    kit_wait(kit, "b: p/b[2] stopped");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).queued, 0);
    kit_stop(kit);
}

static void test_mb2_what_has_no_room_with_a_child_waits_and_comes_back_in_order(void **state) {
    struct kit *kit = kit_start(*state, BROOD);

    kit_number(kit, "b", "overfull", 5);
    kit_wait(kit, "b: 4 actor is gone");
    kit_wait(kit, "b: p/b[1] stopped");
    kit_settle(kit);

    for (unsigned i = 1; i <= 4; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "b: %u actor is gone", i);
        assert_int_equal(kit_count(*state, line), 1);
    }
    assert_int_equal(kit_dead(kit), 0);
    assert_int_equal(kit_totals(kit).queued, 0);
    kit_stop(kit);
}

static void test_tx1_children_of_a_failed_turn_never_were_nor_what_they_were_sent(void **state) {
    struct kit *kit = kit_start(*state, BROOD);
    struct supervisor_result result;

    kit_number(kit, "b", "refused", 40);
    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/b[0]' failed: refused: refused");
    kit_assert_trace(*state, NULL, "");
}

/* The turn is held back in the middle; where it goes on, children that stand behind begin. */
static void test_tx1_children_behind_a_pause_start_when_it_is_over(void **state) {
    struct kit *kit = kit_start(*state, BROOD);

    kit_number(kit, "b", "behind", 3);
    kit_wait(kit, "b: p/b[4] stopped");
    kit_settle(kit);

    for (unsigned i = 1; i <= 4; i++) {
        char address[64];
        (void)snprintf(address, sizeof address, "p/b[%u]", i);
        struct snapshot *s = kit_look(kit, address);
        assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS_REASON), "stopped");
        assert_int_equal(snapshot_number(s, ATTRIBUTE_INCARNATION), 1);
        snapshot_unref(s);
    }
    assert_int_equal(kit_totals(kit).queued, 0);
    kit_stop(kit);
}

/* Where it goes on when its actor stops already, they end without having run. */
static void
test_sv4_children_behind_a_pause_end_unstarted_before_a_parent_that_stops(void **state) {
    struct kit *kit = kit_start(*state, BROOD_AND_OTHER);

    kit_number(kit, "b", "last", 3);
    kit_settle(kit);
    kit_wait_status(kit, "p/b[0]", "stopped");

    for (unsigned i = 2; i <= 4; i++) {
        char address[64];
        (void)snprintf(address, sizeof address, "p/b[%u]", i);
        struct snapshot *s = kit_look(kit, address);
        assert_string_equal(snapshot_text(s, ATTRIBUTE_STATUS_REASON), "stopped before it started");
        assert_int_equal(snapshot_number(s, ATTRIBUTE_INCARNATION), 1);
        snapshot_unref(s);
    }
    assert_int_equal(kit_totals(kit).queued, 0);
    kit_stop(kit);
}

static void test_tx1_nobody_sees_a_child_before_its_spawn_is_committed(void **state) {
    kit_gate_make(*state, "g");
    struct kit *kit = kit_start(*state, BROOD);
    struct proc *proc = kit_proc(kit);
    uint64_t brood = inst_uid(kit_actor(kit, "b"));

    kit_number(kit, "b", "late", 2);
    kit_wait(kit, "b: waits");
    uint64_t uids[2] = {0};
    uint32_t count = look_list(proc, uids, 2);
    struct snapshot *s = kit_look(kit, "p/b[0]");
    uint64_t children = snapshot_number(s, ATTRIBUTE_CHILD_COUNT);
    struct err err;
    struct held *held = NULL;
    struct snapshot *child = NULL;
    int looked = look_up(proc, "p/b[1]", &child, &err);
    int found = held_find_address(proc->held, "p/b[1]", &held, &err);
    int64_t queued = kit_totals(kit).queued;
    snapshot_unref(s);
    kit_gate_open(*state, "g");
    kit_wait(kit, "b: p/b[4] stopped");
    kit_settle(kit);

    assert_int_equal(count, 1);
    assert_int_equal(uids[0], brood);
    assert_int_equal(children, 0);
    assert_int_equal(looked, -1);
    assert_int_equal(found, -1);
    assert_int_equal(queued, 0);
    kit_stop(kit);
}

/* Another thread has its worker since, and some of them were made there. */
static void test_fc3_children_of_a_turn_that_was_stuck_start_where_there_is_a_thread(void **state) {
    kit_gate_make(*state, "g");
    struct kit *kit = kit_start(*state, "defaults: { stuck_after: 20ms }\n" BROOD);

    kit_number(kit, "b", "late", 40);
    kit_wait_logged(*state, "p/b[0]: stuck in 'late'", 1);
    kit_open_until(*state, "g", "b: p/b[80] stopped");
    kit_settle(kit);

    assert_int_equal(snapshot_store_counts(proc_snapshots(kit_proc(kit))).clean, 80);
    assert_int_equal(kit_totals(kit).queued, 0);
    kit_stop(kit);
}

static const struct kit_test brood[] = {
    KIT_TEST(KIT_BOTH, test_ai1_ends_of_nameless_children_tell_their_names),
    KIT_TEST(KIT_BOTH, test_s6_each_of_them_leaves_a_snapshot),
    KIT_TEST(KIT_BOTH, test_ai4_what_waits_behind_a_stop_of_their_own_comes_back),
    KIT_TEST(KIT_BOTH, test_st1_one_without_init_is_idle_and_ends_with_its_parent),
    KIT_TEST(KIT_BOTH, test_ai3_a_cell_used_again_has_a_fresh_state),
    KIT_TEST(KIT_BOTH, test_tx1_what_is_sent_to_one_behind_the_spawn_of_another_arrives),
    KIT_TEST(KIT_BOTH, test_mb2_what_has_no_room_with_a_child_waits_and_comes_back_in_order),
    KIT_TEST(KIT_BOTH, test_tx1_children_of_a_failed_turn_never_were_nor_what_they_were_sent),
    KIT_TEST(KIT_BOTH, test_tx1_children_behind_a_pause_start_when_it_is_over),
    KIT_TEST(KIT_BOTH, test_sv4_children_behind_a_pause_end_unstarted_before_a_parent_that_stops),
    KIT_TEST(KIT_THREADS, test_tx1_nobody_sees_a_child_before_its_spawn_is_committed),
    KIT_TEST(KIT_THREADS, test_fc3_children_of_a_turn_that_was_stuck_start_where_there_is_a_thread),
};

int main(void) {
    return KIT_RUN(brood);
}
