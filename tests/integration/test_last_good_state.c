/* The next life begins with the last good state, and what that has lost is counted. */
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"

/* Adds up; fails at 9. A checkpoint holds the sum. */
#define ADDER(checkpoint, more)                                                                    \
    "supervision: { intensity: 9, period: 10s, backoff: { initial: 1ms, factor: 1, jitter: 0 } "   \
    "}\n"                                                                                          \
    "actors:\n"                                                                                    \
    "  a: { type: kit.Player, checkpoint: { " checkpoint " },\n"                                   \
    "       config: { init: 'note init', number: 'note $; at 9; fail nine'" more " } }\n"

static void send(struct kit *kit, uint64_t number) {
    kit_number(kit, "a", "number", number);
}

static void test_checkpoint_is_taken_each_so_many_messages(void **state) {
    struct kit *kit = kit_start(*state, ADDER("messages: 2", ""));

    for (uint64_t number = 1; number <= 5; number++) {
        send(kit, number);
    }
    send(kit, 9);
    kit_wait(kit, "a: loaded 10");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).lost_with_state, 1); /* the 5 */
    kit_stop(kit);
}

static void test_life_without_a_checkpoint_begins_afresh(void **state) {
    struct kit *kit = kit_start(*state, ADDER("messages: 3", ""));

    send(kit, 1);
    send(kit, 2);
    send(kit, 9);
    kit_wait_lines(kit, "a: init", 2);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).lost_with_state, 2);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\n1\n2\n9\ninit\n");
}

static void test_checkpoint_is_taken_of_an_idle_actor_when_its_time_has_come(void **state) {
    struct kit *kit = kit_start(*state, ADDER("time: 50ms", ""));

    send(kit, 5);
    kit_pass(kit, 60);
    send(kit, 9);
    kit_wait(kit, "a: loaded 5");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).lost_with_state, 0);
    kit_stop(kit);
}

static void test_time_of_a_checkpoint_is_counted_from_the_first_message(void **state) {
    struct kit *kit = kit_start(*state, ADDER("time: 50ms", ""));

    kit_pass(kit, 1000);
    send(kit, 5);
    kit_pass(kit, 40);
    send(kit, 9);
    kit_wait_lines(kit, "a: init", 2);
    kit_pass(kit, 1000);
    send(kit, 7);
    kit_pass(kit, 60);
    send(kit, 8);
    kit_pass(kit, 60);
    send(kit, 9);
    kit_wait(kit, "a: loaded 15");

    kit_stop(kit);
}

static void test_checkpoint_before_stays_when_a_save_fails(void **state) {
    struct kit *kit = kit_start(*state, ADDER("messages: 1", ", save: 'at 3; fail no'"));

    send(kit, 1);
    send(kit, 2);
    send(kit, 9);
    kit_wait(kit, "a: loaded 1");
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).lost_with_state, 1);
    kit_stop(kit);
    kit_assert_logged(*state, "p/a[0]: its state could not be saved (error); the checkpoint before "
                              "stays\n");
}

static void test_save_that_failed_is_tried_again_after_the_same_time(void **state) {
    struct kit *kit = kit_start(*state, ADDER("time: 50ms", ", save: 'once save'"));

    send(kit, 5);
    kit_pass(kit, 60);
    kit_pass(kit, 60);
    send(kit, 9);
    kit_wait(kit, "a: loaded 5");

    kit_stop(kit);
}

static void test_save_that_fails_each_time_is_tried_each_so_many_messages(void **state) {
    struct kit *kit = kit_start(*state, ADDER("messages: 2", ", save: 'note save; fail no'"));

    for (unsigned i = 0; i < 7; i++) {
        send(kit, 1);
    }
    kit_settle(kit);

    assert_int_equal(kit_count(*state, "a: save"), 3);
    kit_stop(kit);
}

static void test_checkpoint_that_does_not_load_is_given_up(void **state) {
    struct kit *kit = kit_start(*state, ADDER("messages: 1", ", load: 'at 5; fail no'"));

    send(kit, 5);
    send(kit, 9);
    kit_wait_lines(kit, "a: init", 2);
    send(kit, 1);
    send(kit, 9);
    kit_wait(kit, "a: loaded 1");

    kit_stop(kit);
    kit_assert_trace(*state, "a", "init\n5\n9\nloaded 5\ninit\n1\n9\nloaded 1\n");
}

static void test_state_goes_on_over_many_lives(void **state) {
    struct kit *kit = kit_start(*state, ADDER("messages: 1", ""));

    for (uint64_t number = 1; number <= 4; number++) {
        send(kit, number);
        send(kit, 9);
    }
    kit_wait(kit, "a: loaded 10");

    kit_stop(kit);
}

/* FC-4: the message that it died on once is not in the state that it is handled with again. */
static void test_checkpoint_has_nothing_of_the_message_that_is_retried(void **state) {
    struct kit *kit = kit_start(
        *state, "supervision: { backoff: { initial: 1ms, factor: 1, jitter: 0 } }\n"
                "actors:\n"
                "  a: { type: kit.Player, checkpoint: { messages: 1 }, quarantine_after: 2,\n"
                "       config: { number: 'below 5; once fails', load: 'note with $' } }\n");

    send(kit, 10);
    send(kit, 4);
    kit_wait(kit, "a: with 10");
    send(kit, 20);
    kit_settle(kit);

    assert_int_equal(kit_totals(kit).retried, 1);
    assert_int_equal(kit_totals(kit).quarantined, 0);
    kit_stop(kit);
}

static void test_saving_is_no_message_that_was_processed(void **state) {
    struct kit *kit = kit_start(*state, ADDER("messages: 1", ""));

    send(kit, 1);
    send(kit, 2);
    kit_settle(kit);

    assert_int_equal(inst_processed(kit_actor(kit, "a")), 2);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_checkpoint_is_taken_each_so_many_messages),
    KIT_TEST(KIT_BOTH, test_life_without_a_checkpoint_begins_afresh),
    KIT_TEST(KIT_SEEDED, test_checkpoint_is_taken_of_an_idle_actor_when_its_time_has_come),
    KIT_TEST(KIT_SEEDED, test_time_of_a_checkpoint_is_counted_from_the_first_message),
    KIT_TEST(KIT_BOTH, test_checkpoint_before_stays_when_a_save_fails),
    KIT_TEST(KIT_SEEDED, test_save_that_failed_is_tried_again_after_the_same_time),
    KIT_TEST(KIT_BOTH, test_save_that_fails_each_time_is_tried_each_so_many_messages),
    KIT_TEST(KIT_BOTH, test_checkpoint_that_does_not_load_is_given_up),
    KIT_TEST(KIT_BOTH, test_state_goes_on_over_many_lives),
    KIT_TEST(KIT_BOTH, test_checkpoint_has_nothing_of_the_message_that_is_retried),
    KIT_TEST(KIT_BOTH, test_saving_is_no_message_that_was_processed),
};

int main(void) {
    return KIT_RUN(tests);
}
