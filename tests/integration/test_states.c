/* States saved between two turns, and loaded in place of init. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst.h"
#include "lib/app/kit.h"
#include "lib/wait.h"

/* `a` adds up the numbers it gets; that sum is its state, in version 2; version 1 counted by tens. */
#define ADDER                                                                                      \
    "actors: { a: { type: kit.Player, config: { init: 'note init', cleanup: 'note sum $' } } }\n"

struct saved {
    struct test_counter done;
    int32_t status;
    uint32_t version;
    uint64_t sum;
};

static void take(void *context, int32_t status, uint32_t version, const void *data, uint64_t size) {
    struct saved *saved = context;
    saved->status = status;
    saved->version = version;
    if (size == sizeof saved->sum) {
        memcpy(&saved->sum, data, size);
    }
    test_counter_add(&saved->done);
}

static int32_t save(struct kit *kit, struct saved *saved) {
    struct err err = {0};
    *saved = (struct saved){.status = 1};
    test_counter_init(&saved->done);
    assert_int_equal(proc_save(kit_proc(kit), inst_uid(kit_actor(kit, "a")), take, saved, &err), 0);
    kit_settle(kit);
    test_counter_wait(&saved->done, 1);
    test_counter_fini(&saved->done);
    return saved->status;
}

static int restore(struct kit *kit, uint32_t version, const void *data, uint64_t size,
                   struct err *err) {
    return proc_restore(kit_proc(kit), plan_find_actor(kit_plan(kit), "a"), version, data, size,
                        err);
}

static void test_save_comes_between_two_turns(void **state) {
    struct kit *kit = kit_start(*state, ADDER);
    struct saved saved;

    kit_number(kit, "a", "number", 4);
    kit_number(kit, "a", "number", 5);
    int32_t status = save(kit, &saved);
    kit_stop(kit);

    assert_int_equal(status, TROUPE_OK);
    assert_int_equal(saved.version, 2);
    assert_int_equal(saved.sum, 9);
}

static void test_saved_state_is_loaded_instead_of_init(void **state) {
    struct kit *kit = kit_create(*state, ADDER);
    uint64_t sum = 70;
    struct err err = {0};

    assert_int_equal(restore(kit, 2, &sum, sizeof sum, &err), 0);
    kit_go(kit);
    kit_number(kit, "a", "number", 7);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "loaded 70\nsum 77\n");
}

static void test_state_of_an_older_version_is_taken_over(void **state) {
    struct kit *kit = kit_create(*state, ADDER);
    uint64_t tens = 7;
    struct err err = {0};

    assert_int_equal(restore(kit, 1, &tens, sizeof tens, &err), 0);
    kit_go(kit);
    kit_stop(kit);

    kit_assert_trace(*state, "a", "loaded 70\nsum 70\n");
}

static void test_version_that_the_type_does_not_load_is_refused(void **state) {
    struct kit *kit = kit_create(*state, ADDER);
    uint64_t sum = 7;
    struct err err = {0};

    assert_int_equal(restore(kit, 3, &sum, sizeof sum, &err), -1);
    kit_go(kit);
    kit_stop(kit);

    assert_string_equal(err.text, "actor type 'kit.Player' loads state versions 1 to 2, not 3");
    kit_assert_trace(*state, "a", "init\nsum 0\n");
}

static void test_state_that_cannot_be_loaded_fails_the_start(void **state) {
    struct kit *kit = kit_create(*state, ADDER);
    struct supervisor_result result;
    struct err err = {0};

    assert_int_equal(restore(kit, 2, "abc", 3, &err), 0);
    kit_go(kit);
    kit_end(kit, &result);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: load: the saved state is too short");
    assert_false(result.all_started);
}

static void test_save_that_fails_leaves_the_actor_as_it_was(void **state) {
    struct kit *kit = kit_start(
        *state,
        "actors: { a: { type: kit.Player, config: { save: 'status -18', number: 'note $' } } }\n");
    struct saved saved;

    kit_settle(kit);
    int32_t status = save(kit, &saved);
    kit_number(kit, "a", "number", 5);
    kit_wait(kit, "a: 5");
    kit_stop(kit);

    assert_int_equal(status, TROUPE_OVER_LIMIT);
}

static void test_type_that_cannot_save_says_so(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Probe } }\n");
    struct saved saved;

    kit_settle(kit);
    int32_t status = save(kit, &saved);
    kit_stop(kit);

    assert_int_equal(status, TROUPE_UNSUPPORTED);
}

static void test_save_of_one_that_ends_first_is_gone(void **state) {
    struct kit *kit = kit_create(*state, ADDER);
    struct saved saved = {.status = 1};
    struct err err = {0};
    test_counter_init(&saved.done);

    assert_int_equal(proc_save(kit_proc(kit), inst_uid(kit_actor(kit, "a")), take, &saved, &err),
                     0);
    kit_go(kit);
    struct supervisor_result result;
    kit_abort(kit, &result);
    test_counter_wait(&saved.done, 1);
    test_counter_fini(&saved.done);

    assert_true(saved.status == TROUPE_GONE || saved.status == TROUPE_OK);
}

static void test_save_of_one_that_has_ended_is_refused(void **state) {
    struct kit *kit = kit_start(*state, "actors:\n"
                                        "  a: { type: kit.Player, config: { init: stop } }\n"
                                        "  b: { type: kit.Player }\n");
    struct err err = {0};
    uint64_t uid = inst_uid(kit_actor(kit, "a"));
    char expected[64];

    kit_wait_closed(kit, "a");
    assert_int_equal(proc_save(kit_proc(kit), uid, take, NULL, &err), -1);
    kit_stop(kit);

    (void)snprintf(expected, sizeof expected, "the actor with uid %llu has ended",
                   (unsigned long long)uid);
    assert_string_equal(err.text, expected);
}

static const struct kit_test states[] = {
    KIT_TEST(KIT_BOTH, test_save_comes_between_two_turns),
    KIT_TEST(KIT_BOTH, test_saved_state_is_loaded_instead_of_init),
    KIT_TEST(KIT_BOTH, test_state_of_an_older_version_is_taken_over),
    KIT_TEST(KIT_BOTH, test_version_that_the_type_does_not_load_is_refused),
    KIT_TEST(KIT_BOTH, test_state_that_cannot_be_loaded_fails_the_start),
    KIT_TEST(KIT_BOTH, test_save_that_fails_leaves_the_actor_as_it_was),
    KIT_TEST(KIT_BOTH, test_type_that_cannot_save_says_so),
    KIT_TEST(KIT_BOTH, test_save_of_one_that_ends_first_is_gone),
    KIT_TEST(KIT_BOTH, test_save_of_one_that_has_ended_is_refused),
};

int main(void) {
    return KIT_RUN(states);
}
