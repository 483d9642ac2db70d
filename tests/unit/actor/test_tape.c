/* What a turn asks of the host, written down and compared. */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/inst_impl.h"
#include "actor/tape.h"

#define TAPE_NUMBER(F) F(u64, number) F(str, text)
TROUPE_MESSAGE(tape_number, "tape.number/1", TAPE_NUMBER);

struct fixture {
    struct type_table *table;
    const struct msg_type *number;
    struct inst_row rows[3];
    struct inst_type type;
    struct runner r;
    struct tape tape;
};

enum { ROW_OUT, ROW_TICK, ROW_KID };

static int setup(void **state) {
    struct fixture *f = aligned_alloc(64, (sizeof *f + 63) / 64 * 64);
    memset(f, 0, sizeof *f);
    f->table = type_table_create();
    f->rows[ROW_OUT].name = "out";
    f->rows[ROW_TICK].name = "tick";
    f->rows[ROW_KID].name = "kid";
    f->type.rows = f->rows;
    f->type.row_count = 3;
    scratch_init(&f->r.scratch);
    tape_init(&f->tape);
    tape_begin(&f->tape);
    *state = f;
    return type_intern(f->table, "tape.number/1", "u64 number; str text", &f->number, NULL);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    tape_fini(&f->tape);
    scratch_fini(&f->r.scratch);
    type_table_destroy(f->table);
    free(f);
    return 0;
}

static struct tape_item send(const struct fixture *f, const struct tape_number *body) {
    return (struct tape_item){.kind = TAPE_SEND, .row = ROW_OUT, .type = f->number, .body = body};
}

static void write_number(struct fixture *f, uint64_t number) {
    char text[8] = "hello"; /* gone when it is compared */
    const struct tape_number body = {number, troupe_str(text)};
    struct tape_item item = send(f, &body);
    tape_write(&f->r, &f->tape, &item);
    memset(text, 0, sizeof text);
}

static bool play_number(struct fixture *f, uint64_t number) {
    const struct tape_number body = {number, troupe_str("hello")};
    struct tape_item item = send(f, &body);
    return tape_play(&f->tape, &f->type, &item);
}

static void assert_what(struct fixture *f, const char *what) {
    assert_true(f->tape.differs);
    assert_string_equal(str_text(&f->tape.what), what);
}

static void test_the_same_in_the_same_order_is_no_difference(void **state) {
    struct fixture *f = *state;
    write_number(f, 1);
    write_number(f, 2);

    tape_rewind(&f->tape);
    assert_true(play_number(f, 1));
    assert_true(play_number(f, 2));
    tape_end(&f->tape, &f->type);

    assert_false(f->tape.differs);
}

static void test_the_field_that_differs_is_named_and_both_are_shown(void **state) {
    struct fixture *f = *state;
    write_number(f, 1);

    tape_rewind(&f->tape);
    assert_true(play_number(f, 5));

    assert_what(f, "message on 'out': 'number' differs");
    assert_string_equal(
        str_text(&f->tape.expected),
        "{\"send\": \"out\", \"message\": {\"number\":{\"number\":1,\"text\":\"hello\"}}}");
    assert_string_equal(
        str_text(&f->tape.got),
        "{\"send\": \"out\", \"message\": {\"number\":{\"number\":5,\"text\":\"hello\"}}}");
}

static void test_what_is_not_asked_for_any_more_is_missing(void **state) {
    struct fixture *f = *state;
    write_number(f, 1);

    tape_rewind(&f->tape);
    tape_end(&f->tape, &f->type);

    assert_what(f, "message on 'out' is missing");
    assert_string_equal(str_text(&f->tape.got), "null");
}

static void test_what_was_not_asked_for_is_additional(void **state) {
    struct fixture *f = *state;

    tape_rewind(&f->tape);
    assert_false(play_number(f, 1));

    assert_what(f, "message on 'out' is additional");
    assert_string_equal(str_text(&f->tape.expected), "null");
}

static void test_another_thing_stands_for_the_one_expected(void **state) {
    struct fixture *f = *state;
    write_number(f, 1);

    tape_rewind(&f->tape);
    struct tape_item item = {.kind = TAPE_START_TIMER, .row = ROW_TICK, .numbers = {5, 6}};
    assert_false(tape_play(&f->tape, &f->type, &item));

    assert_what(f, "start of timer 'tick' instead of message on 'out'");
    assert_string_equal(str_text(&f->tape.got),
                        "{\"start_timer\": \"tick\", \"first_ns\": 5, \"period_ns\": 6}");
}

/* K-2 */
static void test_only_the_first_difference_is_told(void **state) {
    struct fixture *f = *state;
    write_number(f, 1);
    write_number(f, 2);

    tape_rewind(&f->tape);
    (void)play_number(f, 5);
    assert_false(play_number(f, 6));
    tape_end(&f->tape, &f->type);

    assert_what(f, "message on 'out': 'number' differs");
}

/* K-1 */
static void test_the_answers_are_those_of_the_first_time(void **state) {
    struct fixture *f = *state;
    struct tape_item spawn = {
        .kind = TAPE_SPAWN, .row = ROW_KID, .text = troupe_str("{}"), .child = {.uid = 77}};
    tape_write(&f->r, &f->tape, &spawn);
    assert_int_equal(tape_time(&f->r, &f->tape, false, 100), 100);
    assert_int_equal(tape_time(&f->r, &f->tape, true, 7), 7);
    assert_int_equal(tape_time(&f->r, &f->tape, false, 200), 200);

    tape_rewind(&f->tape);
    struct tape_item again = {.kind = TAPE_SPAWN, .row = ROW_KID, .text = troupe_str("{}")};
    assert_true(tape_play(&f->tape, &f->type, &again));

    assert_int_equal(again.child.uid, 77);
    assert_int_equal(tape_time(&f->r, &f->tape, false, 900), 100);
    assert_int_equal(tape_time(&f->r, &f->tape, false, 900), 200);
    assert_int_equal(tape_time(&f->r, &f->tape, false, 900), 900); /* it asks once more */
    assert_int_equal(tape_time(&f->r, &f->tape, true, 900), 7);
}

/* K-3 */
static void test_a_turn_that_sends_too_much_is_left_out(void **state) {
    struct fixture *f = *state;

    for (unsigned i = 0; i <= TAPE_ITEMS_MOST; i++) {
        write_number(f, i);
    }

    assert_string_equal(f->tape.left_out, "its turn sends too much");
}

static void test_what_is_long_is_shown_cut_as_text(void **state) {
    struct fixture *f = *state;
    char text[2 * TAPE_SHOWN];
    memset(text, 'x', sizeof text);
    const struct tape_number body = {1, troupe_str_n(text, sizeof text)};
    struct tape_item item = send(f, &body);

    tape_rewind(&f->tape);
    (void)tape_play(&f->tape, &f->type, &item);

    const char *got = str_text(&f->tape.got);
    assert_true(f->tape.got.size < TAPE_SHOWN + 64);
    assert_int_equal(strncmp(got, "\"{\\\"send\\\": ", 11), 0);
    assert_int_equal(got[f->tape.got.size - 1], '"');
}

#define TAPE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TAPE_TEST(test_the_same_in_the_same_order_is_no_difference),
        TAPE_TEST(test_the_field_that_differs_is_named_and_both_are_shown),
        TAPE_TEST(test_what_is_not_asked_for_any_more_is_missing),
        TAPE_TEST(test_what_was_not_asked_for_is_additional),
        TAPE_TEST(test_another_thing_stands_for_the_one_expected),
        TAPE_TEST(test_only_the_first_difference_is_told),
        TAPE_TEST(test_the_answers_are_those_of_the_first_time),
        TAPE_TEST(test_a_turn_that_sends_too_much_is_left_out),
        TAPE_TEST(test_what_is_long_is_shown_cut_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
