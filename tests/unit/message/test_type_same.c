/* Comparing bodies by what their fields say. */
#include "lib/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "message/type.h"

#define SAME_ITEM(F) F(u8, n) F(str, name)
TROUPE_RECORD(same_item, SAME_ITEM);

#define SAME_BODY(F)                                                                               \
    F(u8, small)                                                                                   \
    F(i64, big) F(f64, real) F(str, text) F(bytes, data) F(ref, to) F(list, items, same_item)
TROUPE_MESSAGE(same_body, "same.body/1", SAME_BODY);
#define SAME_SCHEMA                                                                                \
    "u8 small; i64 big; f64 real; str text; bytes data; ref to; list items {u8 n; str name}"

#define SAME_MORE(F) SAME_BODY(F) F(u64, extra)
TROUPE_MESSAGE(same_more, "same.body/2", SAME_MORE);
#define SAME_MORE_SCHEMA SAME_SCHEMA "; u64 extra"

struct fixture {
    struct type_table *table;
    const struct msg_type *body;
    const struct msg_type *more;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->table = type_table_create();
    *state = f;
    return type_intern(f->table, "same.body/1", SAME_SCHEMA, &f->body, NULL) +
           type_intern(f->table, "same.body/2", SAME_MORE_SCHEMA, &f->more, NULL);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    type_table_destroy(f->table);
    free(f);
    return 0;
}

static const struct same_item some_items[] = {{.n = 1, .name = {"one", 3}},
                                              {.n = 2, .name = {"two", 3}}};

/* Its padding is the caller's. */
static void fill(struct same_body *ret, int padding) {
    memset(ret, padding, sizeof *ret);
    ret->small = 7;
    ret->big = -5;
    ret->real = 0.5;
    ret->text = troupe_str("hello");
    ret->data = troupe_str_n("\0\1", 2);
    ret->to = (struct troupe_ref){3, 4};
    ret->items.items = some_items;
    ret->items.count = 2;
}

static const char *difference(void **state, const struct same_body *a, const struct same_body *b) {
    const struct fixture *f = *state;
    const struct troupe_field *field = type_difference(f->body, a, f->body, b);
    return field ? field->name.data : "";
}

static void test_what_lies_between_fields_makes_no_difference(void **state) {
    struct same_body a, b;
    char text[] = "hello";
    fill(&a, 0x5A);
    fill(&b, 0xA5);
    b.text = troupe_str(text); /* nor does where a text lies */

    assert_string_equal(difference(state, &a, &b), "");
}

static void test_the_first_field_that_differs_is_named(void **state) {
    struct same_body a, b;
    fill(&a, 0);

    fill(&b, 0);
    b.small = 8;
    b.big = 6;
    assert_int_equal(strncmp(difference(state, &a, &b), "small", 5), 0);
    fill(&b, 0);
    b.big = 5;
    assert_int_equal(strncmp(difference(state, &a, &b), "big", 3), 0);
    fill(&b, 0);
    b.text = troupe_str("hallo");
    assert_int_equal(strncmp(difference(state, &a, &b), "text", 4), 0);
    fill(&b, 0);
    b.data = troupe_str_n("\0", 1);
    assert_int_equal(strncmp(difference(state, &a, &b), "data", 4), 0);
    fill(&b, 0);
    b.to.port = 5;
    assert_int_equal(strncmp(difference(state, &a, &b), "to", 2), 0);
}

static void test_lists_differ_by_their_items(void **state) {
    const struct same_item others[] = {{.n = 1, .name = {"one", 3}}, {.n = 2, .name = {"zwo", 3}}};
    struct same_body a, b;
    fill(&a, 0);
    fill(&b, 0);

    b.items.items = others;
    assert_int_equal(strncmp(difference(state, &a, &b), "items", 5), 0);
    b.items.items = some_items;
    b.items.count = 1;
    assert_int_equal(strncmp(difference(state, &a, &b), "items", 5), 0);
}

static void test_no_number_is_the_same_as_itself(void **state) {
    struct same_body a, b;
    fill(&a, 0);
    fill(&b, 0);
    a.real = b.real = NAN;
    assert_string_equal(difference(state, &a, &b), "");

    b.real = 0.25;
    assert_int_equal(strncmp(difference(state, &a, &b), "real", 4), 0);
    a.real = 0.0;
    b.real = -0.0;
    assert_string_equal(difference(state, &a, &b), "");
}

static void test_a_text_that_is_not_there_is_an_empty_one(void **state) {
    struct same_body a, b;
    fill(&a, 0);
    fill(&b, 0);
    a.text = (struct troupe_str){NULL, 0};
    b.text = troupe_str("");

    assert_string_equal(difference(state, &a, &b), "");
}

/* A revision that has more fields says nothing else by that. */
static void test_fields_that_one_lacks_are_not_compared(void **state) {
    const struct fixture *f = *state;
    struct same_body a;
    struct same_more b;
    fill(&a, 0);
    memset(&b, 0, sizeof b);
    b.small = a.small;
    b.big = a.big;
    b.real = a.real;
    b.text = a.text;
    b.data = a.data;
    b.to = a.to;
    b.items.items = a.items.items;
    b.items.count = a.items.count;
    b.extra = 9;

    assert_null(type_difference(f->body, &a, f->more, &b));
    assert_null(type_difference(f->more, &b, f->body, &a));
    b.big = 1;
    assert_non_null(type_difference(f->more, &b, f->body, &a));
}

static void test_values_of_other_kinds_differ(void **state) {
    const struct troupe_value a = {.kind = TROUPE_KIND_u64, .u = 1};
    const struct troupe_value b = {.kind = TROUPE_KIND_i64, .i = 1};
    (void)state;

    assert_false(type_is_same_value(&a, &b));
    assert_true(type_is_same_value(&a, &a));
}

#define SAME_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SAME_TEST(test_what_lies_between_fields_makes_no_difference),
        SAME_TEST(test_the_first_field_that_differs_is_named),
        SAME_TEST(test_lists_differ_by_their_items),
        SAME_TEST(test_no_number_is_the_same_as_itself),
        SAME_TEST(test_a_text_that_is_not_there_is_an_empty_one),
        SAME_TEST(test_fields_that_one_lacks_are_not_compared),
        SAME_TEST(test_values_of_other_kinds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
