/* Reading fields of messages of any type. */
#include "stats/fields.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/test.h"

struct sample {
    bool flag;
    int16_t small;
    uint64_t big;
    double real;
    int64_t when;
    struct troupe_str text;
    struct troupe_ref to;
};

#define FIELD(kind, name)                                                                          \
    {                                                                                              \
        sizeof(struct troupe_field), TROUPE_KIND_##kind, {#name, sizeof #name - 1},                \
            offsetof(struct sample, name), NULL                                                    \
    }
static const struct troupe_field fields[] = {
    {sizeof(struct troupe_field),
     TROUPE_KIND_bool,
     {"flag", 4},
     offsetof(struct sample, flag),
     NULL},
    FIELD(i16, small),
    FIELD(u64, big),
    FIELD(f64, real),
    FIELD(time, when),
    FIELD(str, text),
    FIELD(ref, to),
};
static const struct troupe_type type = {
    .size = sizeof type, .field_count = 7, .fields = fields, .field_stride = sizeof fields[0]};

static const struct sample sample = {
    .flag = true, .small = -7, .big = UINT64_MAX, .real = 2.5, .when = 1234, .text = {"hello", 5}};

static const struct troupe_field *field(const char *name) {
    const struct troupe_field *found = fields_find(&type, troupe_str(name));
    assert_non_null(found);
    return found;
}

static void assert_text(const char *name, const char *expected) {
    char room[FIELDS_TEXT];
    struct troupe_str text;
    assert_true(fields_text(field(name), &sample, room, &text));
    assert_true(troupe_str_eq(text, troupe_str(expected)));
}

static void test_finds_fields_by_name(void **state) {
    (void)state;
    assert_ptr_equal(fields_find(&type, troupe_str("text")), &fields[5]);
    assert_null(fields_find(&type, troupe_str("tex")));
    assert_null(fields_find(&type, troupe_str("")));
}

static void test_texts_and_numbers_have_a_text(void **state) {
    (void)state;
    assert_text("text", "hello");
    assert_text("flag", "1");
    assert_text("small", "-7");
    assert_text("big", "18446744073709551615");
    assert_text("real", "2.5");
}

static void test_references_have_no_text(void **state) {
    (void)state;
    char room[FIELDS_TEXT];
    struct troupe_str text;
    assert_false(fields_text(field("to"), &sample, room, &text));
}

static void test_whole_numbers_are_numbers(void **state) {
    (void)state;
    uint64_t number = 1;
    assert_true(fields_number(field("big"), &sample, &number));
    assert_true(number == UINT64_MAX);
    assert_true(fields_number(field("small"), &sample, &number));
    assert_int_equal(number, 0);
    assert_false(fields_number(field("real"), &sample, &number));
    assert_false(fields_number(field("text"), &sample, &number));
}

static void test_times_are_times(void **state) {
    (void)state;
    int64_t time = 0;
    assert_true(fields_time(field("when"), &sample, &time));
    assert_int_equal(time, 1234);
    assert_false(fields_time(field("text"), &sample, &time));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_fields_by_name),
        cmocka_unit_test(test_texts_and_numbers_have_a_text),
        cmocka_unit_test(test_references_have_no_text),
        cmocka_unit_test(test_whole_numbers_are_numbers),
        cmocka_unit_test(test_times_are_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
