/* Records of actors in hand, below the embedding API: between any two activations of a seeded proc, and with
 * threads. */
#include "lib/app/kit.h"

#include <string.h>

#include "actor/held.h"
#include "actor/inst.h"
#include "actor/proc.h"
#include "base/alloc.h"
#include "lib/seed.h"
#include "sched/sched.h"

static struct held *find(struct kit *kit, const char *address) {
    struct held *held = NULL;
    struct err err = {0};
    if (held_find_address(proc_held(kit_proc(kit)), address, &held, &err) < 0) {
        fail_msg("%s: %s", address, err.text);
    }
    return held;
}

static uint64_t moves_of(struct held *held) {
    pthread_mutex_lock(&held->table->lock);
    uint64_t moves = held->moves;
    pthread_mutex_unlock(&held->table->lock);
    return moves;
}

static void test_cell_is_told_of_no_message(void **state) {
    struct kit *kit = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { init: 'note init', number: 'out $ 100' } }\n"
                "  b: { type: kit.Player, config: { second: 'at 1000; note all' } }\n"
                "wires: [ a.out -> b.second ]\n");
    kit_wait(kit, "a: init");
    kit_settle(kit);
    struct held *a = find(kit, "a");
    struct held *b = find(kit, "p/b[0]");
    uint64_t before = moves_of(a) + moves_of(b);

    for (uint64_t i = 0; i < 10; i++) {
        kit_number(kit, "a", "number", i == 9 ? 901 : 1);
    }
    kit_wait(kit, "b: all");
    kit_settle(kit);

    assert_int_equal(moves_of(a) + moves_of(b), before);
    held_unref(a);
    held_unref(b);
    kit_stop(kit);
}

static void test_cell_of_an_actor_is_one_record_until_the_last_lets_go(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player } }");
    struct held *first = find(kit, "a");
    struct held *second = find(kit, "p/a[0]");

    assert_ptr_equal(first, second);
    held_unref(first);
    held_unref(second);
    kit_settle(kit);

    struct held *third = find(kit, "a");
    struct held_status now;
    held_look(third, &now);
    assert_int_equal(now.status, INST_IDLE);
    held_unref(third);
    kit_stop(kit);
}

static void test_ai4_slot_that_never_lived_closes_as_stopped(void **state) {
    struct supervisor_result result;
    struct kit *kit = kit_create(*state, "actors:\n"
                                         "  a: { type: kit.Player, config: { init: 'fail no' } }\n"
                                         "  b: { type: kit.Player, after: [a] }\n");
    struct held *b = find(kit, "b");
    struct held_status now;
    held_look(b, &now);
    assert_int_equal(now.status, INST_CREATED);
    assert_int_equal(now.incarnation, 0);

    kit_go(kit);
    kit_end(kit, &result);

    held_look(b, &now);
    assert_true(now.is_closed);
    assert_int_equal(now.status, INST_STOPPED);
    assert_string_equal(now.detail, "stopped before it started");
    held_unref(b);
}

static void test_cell_closes_as_it_is_when_its_proc_is_left_behind(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player } }");
    kit_settle(kit);
    struct held *a = find(kit, "a");
    struct snapshot *last = NULL;
    struct held_status now;
    struct err err;

    held_table_leave(proc_held(kit_proc(kit)));

    held_look(a, &now);
    assert_true(now.is_closed);
    assert_int_equal(now.status, INST_IDLE);
    assert_int_equal(held_view(a, &last, &err), 0);
    assert_string_equal(last->facts.status, "idle");
    assert_int_equal(held_signal(a, SIGNAL_STOP, &err), -1);
    snapshot_unref(last);
    kit_stop(kit);
    held_unref(a);
}

static void test_cell_without_memory_says_so(void **state) {
    struct kit *kit =
        kit_start(*state, "actors: { a: { type: kit.Player, config: { init: 'spawn; spawn' } } }");
    struct held *a = NULL;
    struct held_tree tree = {0};
    struct snapshot *seen = NULL;
    struct err err = {0};
    int status = -1;
    kit_settle(kit);
    struct held_table *table = proc_held(kit_proc(kit));

    TEST_EACH_FAILED_ALLOCATION(n, status = held_find_address(table, "a", &a, &err), status == 0)
    assert_string_equal(err.text, "out of memory");
    err.text[0] = '\0';
    TEST_EACH_FAILED_ALLOCATION(n, status = held_walk(table, NULL, 9, 99, &tree, &err), status == 0)
    assert_string_equal(err.text, "out of memory");
    assert_int_equal(tree.count, 3);
    err.text[0] = '\0';
    TEST_EACH_FAILED_ALLOCATION(n, status = held_view(a, &seen, &err), status == 0)
    assert_string_equal(err.text, "out of memory");

    snapshot_unref(seen);
    held_tree_fini(&tree);
    held_unref(a);
    kit_stop(kit);
}

/* --- at every point between two activations --- */

#define IN_HAND 24u

/* What was seen of one so far. */
struct in_hand {
    struct held *held;
    struct held_status seen;
};

static bool is_terminal(enum inst_status status) {
    return status == INST_STOPPED || status == INST_FAILED;
}

static unsigned rank(enum inst_status status) {
    return status == INST_PROCESSING ? INST_IDLE : is_terminal(status) ? INST_STOPPED : status;
}

/* Lives follow each other, and within one a status leads on only. */
static void check_order(const struct held_status *before, const struct held_status *now) {
    assert_true(now->incarnation >= before->incarnation);
    if (now->incarnation == before->incarnation) {
        assert_true(rank(now->status) >= rank(before->status));
        assert_true(!is_terminal(before->status) || now->status == before->status);
    }
    assert_true(now->is_closed || !before->is_closed);
    assert_true(!now->is_closed || is_terminal(now->status));
}

/* A terminal status has its snapshot, and a closed slot is not found. */
static void check_end(const struct in_hand *hand) {
    struct snapshot *end = NULL;
    struct held *again = NULL;
    struct err err;
    assert_int_equal(held_view(hand->held, &end, &err), 0);
    if (is_terminal(hand->seen.status)) {
        assert_int_equal(end->facts.uid, hand->held->uid);
        assert_int_equal(end->facts.incarnation, hand->seen.incarnation);
        assert_int_equal(end->facts.failed, hand->seen.status == INST_FAILED);
    }
    snapshot_unref(end);
    int status = held_find(hand->held->table, hand->held->uid, &again, &err);
    assert_int_equal(status, hand->seen.is_closed ? -1 : 0);
    if (status == 0) {
        assert_ptr_equal(again, hand->held);
        held_unref(again);
    }
}

static void look_again(struct in_hand *hand) {
    struct held_status now = hand->seen;
    (void)held_wait(hand->held, &now, 0);
    check_order(&hand->seen, &now);
    hand->seen = now;
    check_end(hand);
}

static void let_go(struct in_hand *hand) {
    held_unref(hand->held);
    hand->held = NULL;
}

/* Takes one of those that a walk finds. */
static void take(struct kit *kit, struct test_random *random, struct in_hand *hand) {
    struct held_tree tree;
    struct err err;
    assert_int_equal(held_walk(proc_held(kit_proc(kit)), NULL, 9, 500, &tree, &err), 0);
    for (uint32_t i = 1; i < tree.count; i++) {
        bool is_sibling = tree.items[i].held->parent == tree.items[i - 1].held->parent;
        assert_true(!is_sibling || tree.items[i].held->pid >= tree.items[i - 1].held->pid);
        assert_true(tree.items[i].depth <= tree.items[i - 1].depth + 1);
    }
    if (tree.count > 0) {
        hand->held = held_ref(tree.items[test_random_below(random, tree.count)].held);
        held_look(hand->held, &hand->seen);
    }
    held_tree_fini(&tree);
}

static void do_something(struct kit *kit, struct test_random *random, struct in_hand *hands) {
    struct in_hand *hand = &hands[test_random_below(random, IN_HAND)];
    struct err err;
    if (!hand->held) {
        take(kit, random, hand);
    } else if (test_random_below(random, 8) == 0) {
        let_go(hand);
    } else if (hand->held->plan_index == UINT32_MAX && test_random_below(random, 16) == 0) {
        (void)held_signal(hand->held, SIGNAL_STOP, &err);
    } else {
        look_again(hand);
    }
}

/* Actors that spawn, die and start again. */
static const char *const scripts[] = {"spawn; tell 1", "spawn; spawn; stop_kid", "fail no",
                                      "spawn x; tell 1; drain_kid", "tell 1; note on"};

static void test_st1_cells_follow_every_move_for_any_seed(void **state) {
    struct kit *kit = kit_start(
        *state,
        "supervision: { intensity: 1000, backoff: { initial: 1ms } }\n"
        "actors:\n"
        "  a: { type: kit.Player, restart: permanent, config: { kid: 'number=fail so,"
        "cleanup=note bye', ended: 'note heard' } }\n"
        "  g:\n"
        "    supervise: { strategy: one_for_all, intensity: 1000, backoff: { initial: 1ms } "
        "}\n"
        "    actors:\n"
        "      b: { type: kit.Player, config: { kid: 'init=spawn', ended: 'note heard' } }\n"
        "      c: { type: kit.Player, restart: permanent }\n");
    struct in_hand hands[IN_HAND] = {{0}};
    struct test_random random = {kit_seed(*state)};
    static const char *const actors[] = {"a", "g/b", "g/c"};

    for (unsigned i = 0; i < 150; i++) {
        (void)kit_do(kit, actors[test_random_below(&random, 3)],
                     scripts[test_random_below(&random, 5)]);
        for (unsigned step = 0; step < 20; step++) {
            (void)sched_step_all(proc_sched(kit_proc(kit)), 1);
            do_something(kit, &random, hands);
        }
        kit_pass(kit, test_random_below(&random, 3));
    }
    kit_stop(kit);

    for (unsigned i = 0; i < IN_HAND; i++) {
        if (hands[i].held) {
            struct held_status now = hands[i].seen;
            assert_true(held_wait(hands[i].held, &now, 0) || hands[i].seen.is_closed);
            check_order(&hands[i].seen, &now);
            assert_true(now.is_closed);
            let_go(&hands[i]);
        }
    }
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_cell_is_told_of_no_message),
    KIT_TEST(KIT_BOTH, test_cell_of_an_actor_is_one_record_until_the_last_lets_go),
    KIT_TEST(KIT_BOTH, test_ai4_slot_that_never_lived_closes_as_stopped),
    KIT_TEST(KIT_BOTH, test_cell_closes_as_it_is_when_its_proc_is_left_behind),
    KIT_TEST(KIT_SEEDED, test_cell_without_memory_says_so),
    KIT_TEST(KIT_SEEDED, test_st1_cells_follow_every_move_for_any_seed),
};

int main(void) {
    return KIT_RUN(tests);
}
