/* Splitting a stream into lines. */
#include "common/split.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/test.h"

#define MAX_LINE 8

struct fixture {
    struct split split;
    char buffer[MAX_LINE + 2 + 4];
};

static void start(struct fixture *f) {
    split_init(&f->split, f->buffer, split_capacity(MAX_LINE, 4), MAX_LINE);
}

#define OUT_ROOM 256

static char *add_line(const struct split_line *line, char *out, const char *end) {
    int size = snprintf(out, (size_t)(end - out), "[%.*s%s]", TROUPE_STR_ARG(line->text),
                        line->cut ? "!" : "");
    assert_in_range(size, 0, end - out - 1);
    return out + size;
}

/* Feeds `size` bytes, `step` at a time, and writes the lines as "[text]", cut ones as "[text!]". */
static void feed(struct fixture *f, const char *data, size_t size, size_t step, char *out) {
    const char *end = out + OUT_ROOM;
    struct split_line line;
    while (size > 0) {
        uint64_t room;
        char *into = split_room(&f->split, &room);
        size_t part = size < step ? size : step;
        part = part < room ? part : (size_t)room;
        memcpy(into, data, part);
        split_filled(&f->split, part);
        data += part;
        size -= part;
        while (split_next(&f->split, &line)) {
            out = add_line(&line, out, end);
        }
    }
    if (split_rest(&f->split, &line)) {
        out = add_line(&line, out, end);
    }
    *out = '\0';
}

/* The same for every way to cut the input into pieces. */
static void assert_lines(const char *data, const char *expected) {
    char out[OUT_ROOM];
    for (size_t step = 1; step <= strlen(data) + 1; step++) {
        struct fixture f;
        start(&f);
        feed(&f, data, strlen(data), step, out);
        assert_string_equal(out, expected);
    }
}

static void test_lf_ends_a_line(void **state) {
    (void)state;
    assert_lines("a\nbc\n\nd\n", "[a][bc][][d]");
}

static void test_an_unterminated_last_line_is_a_line(void **state) {
    (void)state;
    assert_lines("a\nb", "[a][b]");
}

static void test_no_bytes_are_no_line(void **state) {
    (void)state;
    assert_lines("", "");
}

static void test_cr_before_lf_is_dropped(void **state) {
    (void)state;
    assert_lines("a\r\nb\r\r\n\r\n", "[a][b\r][]");
}

static void test_other_crs_are_kept(void **state) {
    (void)state;
    assert_lines("a\rb\nc\r", "[a\rb][c\r]");
}

static void test_a_line_of_max_line_bytes_is_whole(void **state) {
    (void)state;
    assert_lines("12345678\n12345678\r\n12345678", "[12345678][12345678][12345678]");
}

static void test_a_longer_line_is_handed_out_once_as_its_beginning(void **state) {
    (void)state;
    assert_lines("123456789\nab\n", "[12345678!][ab]");
    assert_lines("123456789012345678901234567890\r\nab\n", "[12345678!][ab]");
}

static void test_a_longer_last_line_is_cut_too(void **state) {
    (void)state;
    assert_lines("ab\n123456789", "[ab][12345678!]");
    assert_lines("ab\n12345678901234567890", "[ab][12345678!]");
}

static void test_lines_know_number_and_offset(void **state) {
    (void)state;
    struct fixture f;
    struct split_line line;
    uint64_t room;
    start(&f);
    memcpy(split_room(&f.split, &room), "ab\r\n\nc\n", 7);
    split_filled(&f.split, 7);

    assert_true(split_next(&f.split, &line));
    assert_int_equal(line.number, 1);
    assert_int_equal(line.offset, 0);
    assert_true(split_next(&f.split, &line));
    assert_int_equal(line.number, 2);
    assert_int_equal(line.offset, 4);
    assert_true(split_next(&f.split, &line));
    assert_int_equal(line.number, 3);
    assert_int_equal(line.offset, 5);
}

static void test_restart_forgets_what_was_begun_and_counts_on(void **state) {
    (void)state;
    struct fixture f;
    struct split_line line;
    uint64_t room;
    start(&f);
    memcpy(split_room(&f.split, &room), "a\nbegun", 7);
    split_filled(&f.split, 7);
    assert_true(split_next(&f.split, &line));
    assert_false(split_next(&f.split, &line));

    split_restart(&f.split, 40);
    memcpy(split_room(&f.split, &room), "c\n", 2);
    split_filled(&f.split, 2);

    assert_true(split_next(&f.split, &line));
    assert_int_equal(line.number, 2);
    assert_int_equal(line.offset, 40);
    assert_true(troupe_str_eq(line.text, troupe_str("c")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lf_ends_a_line),
        cmocka_unit_test(test_an_unterminated_last_line_is_a_line),
        cmocka_unit_test(test_no_bytes_are_no_line),
        cmocka_unit_test(test_cr_before_lf_is_dropped),
        cmocka_unit_test(test_other_crs_are_kept),
        cmocka_unit_test(test_a_line_of_max_line_bytes_is_whole),
        cmocka_unit_test(test_a_longer_line_is_handed_out_once_as_its_beginning),
        cmocka_unit_test(test_a_longer_last_line_is_cut_too),
        cmocka_unit_test(test_lines_know_number_and_offset),
        cmocka_unit_test(test_restart_forgets_what_was_begun_and_counts_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
