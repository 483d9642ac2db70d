/* Children that have nothing but a state: how they start and end is the short way of what others do. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <string.h>

#include "lib/app/kit_look.h"
#include "lib/app/kit_stuck.h"
#include "record/snapshot_store.h"

#define BROOD "actors: { b: { type: kit.Brood } }\n"

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
    KIT_TEST(KIT_THREADS, test_fc3_children_of_a_turn_that_was_stuck_start_where_there_is_a_thread),
};

int main(void) {
    return KIT_RUN(brood);
}
