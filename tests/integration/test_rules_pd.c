/* Depth and marks of what is queued (PD). */
#include "actor/inst.h"
#include "actor/proc_impl.h"
#include "lib/app/kit.h"

#define PAIR                                                                                       \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player }\n"                                                                  \
    "  b: { type: kit.Player, config: { number: 'note $' } }\n"                                    \
    "wires: [a.out -> b.number]\n"

static void test_pd5_proc_counts_what_is_accepted_and_not_taken(void **state) {
    struct kit *kit = kit_create(*state, PAIR);

    for (uint64_t i = 1; i <= 7; i++) {
        kit_number(kit, i < 3 ? "a" : "b", "number", i); /* they wait for the start */
    }
    int64_t before = kit_totals(kit).queued;
    uint32_t of_b = inst_depth(kit_actor(kit, "b"));
    kit_go(kit);
    kit_wait(kit, "b: 7");
    kit_settle(kit);

    assert_int_equal(before, 7);
    assert_int_equal(of_b, 5);
    assert_int_equal(kit_totals(kit).queued, 0);
    kit_stop(kit);
}

static void test_pd5_count_of_a_refused_message_is_taken_back(void **state) {
    struct kit *kit = kit_start(*state, PAIR);

    kit_do(kit, "b", "note last; stop");
    kit_wait(kit, "b: last");
    kit_settle(kit);
    kit_number(kit, "b", "number", 1);
    kit_do(kit, "a", "out 2 5; note sent");
    kit_wait(kit, "a: sent");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).queued, 0);
    assert_int_equal(kit_dead(kit), 6);
    kit_stop(kit);
}

static void test_pd5_what_a_failure_leaves_is_counted_out(void **state) {
    struct kit *kit =
        kit_create(*state, "actors: { a: { type: kit.Player, config: { number: 'fail no' } } }\n");
    struct supervisor_result result;

    for (uint64_t i = 1; i <= 4; i++) {
        kit_number(kit, "a", "number", i);
    }
    assert_int_equal(kit_totals(kit).queued, 4);
    kit_go(kit);
    kit_end(kit, &result); /* asserts that nothing counts as queued */

    assert_true(result.failed);
}

static void test_pd6_high_water_is_exact_for_what_comes_from_outside(void **state) {
    struct kit *kit = kit_create(*state, PAIR);

    for (uint64_t i = 1; i <= 9; i++) {
        kit_number(kit, "b", "number", i);
        assert_int_equal(kit_totals(kit).queued_high_water, i);
    }
    kit_go(kit);
    kit_wait(kit, "b: 9");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).queued_high_water, 9);
    kit_stop(kit);
}

static void test_pd6_high_water_is_exact_while_one_worker_is_busy(void **state) {
    struct kit *kit = kit_start(*state, PAIR);

    kit_do(kit, "a", "out 1 50");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).queued_high_water, 50);
    kit_stop(kit);
}

/* What came from outside for one worker, and is long done, does not count for another that had nothing to do meanwhile. */
static void test_pd6_high_water_forgets_what_others_have_taken(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player, config: { number: 'out 1' } }\n"
                                        "  b: { type: kit.Player }\n"
                                        "  c: { type: kit.Player }\n"
                                        "wires: [ a.out -> c.number ]\n");

    for (uint64_t i = 1; i <= 300; i++) {
        kit_number(kit, "b", "number", i);
        kit_settle(kit);
    }
    kit_number(kit, "a", "number", 1);
    kit_settle(kit);

    assert_in_range(kit_totals(kit).queued_high_water, 1, 2);
    kit_stop(kit);
}

static void test_pd7_last_nonzero_is_absent_until_something_was_queued(void **state) {
    struct kit *kit = kit_start(*state, PAIR);

    kit_settle(kit);
    uint64_t before_ns = kit_totals(kit).last_nonzero_ns;
    int64_t high_before = kit_totals(kit).queued_high_water;
    kit_number(kit, "b", "number", 1);
    kit_wait(kit, "b: 1");
    kit_settle(kit);

    assert_int_equal(before_ns, 0);
    assert_int_equal(high_before, 0);
    assert_int_not_equal(kit_totals(kit).last_nonzero_ns, 0);
    kit_stop(kit);
}

static void test_pd8_burst_between_two_looks_shows_in_the_marks_of_the_proc(void **state) {
    struct kit *kit = kit_start(*state, PAIR);

    kit_settle(kit);
    struct proc_totals before = kit_totals(kit);
    kit_do(kit, "a", "out 1 30");
    kit_wait(kit, "b: 30");
    kit_settle(kit);
    struct proc_totals after = kit_totals(kit);

    assert_int_equal(before.queued, 0);
    assert_int_equal(before.last_nonzero_ns, 0);
    assert_int_equal(after.queued, 0);
    assert_int_not_equal(after.last_nonzero_ns, 0);
    assert_true(after.queued_high_water >= 1);
    assert_true(inst_high_water(kit_actor(kit, "b")) >= 1);
    if (!kit_is_threaded(*state)) {
        assert_true(after.queued_high_water >= 30);
        assert_int_equal(inst_high_water(kit_actor(kit, "b")), 30);
    }
    kit_stop(kit);
}

static void test_pd8_each_burst_shows_when_it_was(void **state) {
    struct kit *kit = kit_start(*state, PAIR);

    kit_do(kit, "a", "out 1 3");
    kit_settle(kit);
    uint64_t first_ns = kit_totals(kit).last_nonzero_ns;
    kit_pass(kit, 1000);
    kit_do(kit, "a", "out 1 3");
    kit_settle(kit);
    uint64_t second_ns = kit_totals(kit).last_nonzero_ns;

    assert_true(second_ns - first_ns >= 1000 * NS_PER_MS);
    assert_true(second_ns <= kit_clock(kit)->now(kit_clock(kit)));
    kit_stop(kit);
}

static void add_depth(void *context, struct inst *in) {
    *(int64_t *)context += inst_depth(in);
}

/* Seeded, so between two activations nothing changes: the sum must be what lies in the mailboxes. */
static void check_count(struct kit *kit) {
    struct proc *proc = kit_proc(kit);
    int64_t depths = inst_depth(proc->self);
    proc_each(proc, add_depth, &depths);
    assert_int_equal(runners_queued(proc), depths);
    assert_true(runners_queued(proc) >= 0);
    assert_true(kit_totals(kit).queued_high_water >= runners_queued(proc)); /* PD-6 */
}

/* Everything that is queued somewhere: batches that pause, rings, refused ones, replies, ticks, ends,
 * undeliverables. */
static void test_pd5_count_is_what_lies_in_the_mailboxes_after_every_activation(void **state) {
    struct kit *kit = kit_create(
        *state,
        "actors:\n"
        "  a: { type: kit.Player, config: { returned: 'note back', reply: 'note reply',\n"
        "       tick: 'out 1 9; other 1 9; ask 1 50; ask 2 50; spawn; order stop',\n"
        "       ended: 'note ended' } }\n"
        "  b: { type: kit.Player, mailbox: { capacity: 2 }, config: { asked: 'reply 1' } }\n"
        "  c: { type: kit.Player, mailbox: { capacity: 2, overflow: drop_oldest } }\n"
        "  d: { type: kit.Player, mailbox: { capacity: 2, overflow: drop_newest } }\n"
        "  e: { type: kit.Player, mailbox: { capacity: 2, overflow: fail } }\n"
        "wires: [a.out -> b.number, a.ask -> b.asked, a.other -> c.number, a.other -> d.number,\n"
        "        a.other -> e.number]\n");
    struct sched *sched = proc_sched(kit_proc(kit));
    unsigned steps = 0;

    kit_do(kit, "a", "tick 0 0");
    check_count(kit);
    kit_go(kit);
    for (int burst = 0; burst < 10; burst++) {
        while (sched_step_all(sched, 1) > 0) {
            check_count(kit);
            steps++;
        }
        kit_do(kit, "a", "tick 0 0");
    }
    kit_stop(kit);

    assert_true(steps > 100);
    assert_true(kit_count(*state, "a: back") > 0);
    assert_true(kit_count(*state, "a: reply") > 0);
    assert_true(kit_count(*state, "a: ended") > 0);
}

static const struct kit_test pd[] = {
    KIT_TEST(KIT_BOTH, test_pd5_proc_counts_what_is_accepted_and_not_taken),
    KIT_TEST(KIT_BOTH, test_pd5_count_of_a_refused_message_is_taken_back),
    KIT_TEST(KIT_BOTH, test_pd5_what_a_failure_leaves_is_counted_out),
    KIT_TEST(KIT_BOTH, test_pd6_high_water_is_exact_for_what_comes_from_outside),
    KIT_TEST(KIT_SEEDED, test_pd6_high_water_is_exact_while_one_worker_is_busy),
    KIT_TEST(KIT_BOTH, test_pd6_high_water_forgets_what_others_have_taken),
    KIT_TEST(KIT_BOTH, test_pd7_last_nonzero_is_absent_until_something_was_queued),
    KIT_TEST(KIT_SEEDED, test_pd5_count_is_what_lies_in_the_mailboxes_after_every_activation),
    KIT_TEST(KIT_SEEDED, test_pd8_each_burst_shows_when_it_was),
    KIT_TEST(KIT_BOTH, test_pd8_burst_between_two_looks_shows_in_the_marks_of_the_proc),
};

int main(void) {
    return KIT_RUN(pd);
}
