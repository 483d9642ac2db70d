/* Deep copies: everything in one block, independent of the source, in the receiver's layout. */
#include "lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "message/type.h"

#define COPY_ITEM(F) F(u8, n) F(str, name) F(u32, m)
TROUPE_RECORD(copy_item, COPY_ITEM);
#define PLAIN_ITEM(F) F(u16, x)
TROUPE_RECORD(plain_item, PLAIN_ITEM);

#define COPY_BODY(F)                                                                               \
    F(str, text)                                                                                   \
    F(bytes, data) F(list, items, copy_item) F(list, plain, plain_item) F(u64, n) F(u8, last)
TROUPE_MESSAGE(copy_body, "copy.body/1", COPY_BODY);
#define COPY_SCHEMA                                                                                \
    "str text; bytes data; list items {u8 n; str name; u32 m}; list plain {u16 x}; u64 n; u8 last"

/* `tail` lies where copy_body has padding. */
#define COPY_MORE(F) COPY_BODY(F) F(u8, tail) F(str, extra)
TROUPE_MESSAGE(copy_more, "copy.body/2", COPY_MORE);
#define COPY_MORE_SCHEMA COPY_SCHEMA "; u8 tail; str extra"

struct fixture {
    struct type_table *table;
    const struct msg_type *body;
    const struct msg_type *more;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->table = type_table_create();
    *state = f;
    return type_intern(f->table, "copy.body/1", COPY_SCHEMA, &f->body, NULL) +
           type_intern(f->table, "copy.body/2", COPY_MORE_SCHEMA, &f->more, NULL);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    type_table_destroy(f->table);
    free(f);
    return 0;
}

/* A block of exactly the needed size, filled with rubbish, so that a sanitizer sees one byte too
 * many and a test one byte too few. */
static void *new_block(uint64_t size) {
    void *block = malloc(size);
    assert_non_null(block);
    return memset(block, 0xA5, size);
}

static const struct copy_item some_items[] = {
    {.n = 1, .name = {"first", 5}, .m = 10},
    {.n = 2, .name = {NULL, 0}, .m = 20},
    {.n = 3, .name = {"a third, longer one", 19}, .m = 30},
};
static const struct plain_item some_plain[] = {{1}, {2}, {3}};

static struct copy_body some_body(void) {
    struct copy_body body;
    memset(&body, 0x5A, sizeof body); /* padding is rubbish, as on a stack */
    body.text = troupe_str("hello");
    body.data = troupe_str_n("\0\1", 2);
    body.items.items = some_items;
    body.items.count = 3;
    body.plain.items = some_plain;
    body.plain.count = 3;
    body.n = 42;
    body.last = 7;
    return body;
}

static void assert_inside(const void *at, uint64_t size, const void *block, uint64_t block_size) {
    assert_true((uintptr_t)at >= (uintptr_t)block);
    assert_true((uintptr_t)at + size <= (uintptr_t)block + block_size);
}

static void test_mb8_everything_lies_inside_the_block(void **state) {
    struct fixture *f = *state;
    struct copy_body body = some_body();
    uint64_t size = type_copy_size(f->body, &body, 0);
    struct copy_body *copy = new_block(size);

    type_copy(f->body, &body, copy, 0);

    assert_inside(copy->text.data, copy->text.size + 1, copy, size);
    assert_inside(copy->data.data, copy->data.size + 1, copy, size);
    assert_inside(copy->items.items, 3 * sizeof(struct copy_item), copy, size);
    assert_inside(copy->plain.items, 3 * sizeof(struct plain_item), copy, size);
    for (int i = 0; i < 3; i++) {
        assert_inside(copy->items.items[i].name.data, copy->items.items[i].name.size + 1, copy,
                      size);
    }
    free(copy);
}

static void test_values_survive_and_texts_are_terminated(void **state) {
    struct fixture *f = *state;
    struct copy_body body = some_body();
    struct copy_body *copy = new_block(type_copy_size(f->body, &body, 0));

    type_copy(f->body, &body, copy, 0);

    assert_string_equal(copy->text.data, "hello");
    assert_int_equal(copy->data.size, 2);
    assert_memory_equal(copy->data.data, "\0\1\0", 3);
    assert_int_equal(copy->items.count, 3);
    assert_string_equal(copy->items.items[0].name.data, "first");
    assert_string_equal(copy->items.items[1].name.data, "");
    assert_string_equal(copy->items.items[2].name.data, "a third, longer one");
    assert_int_equal(copy->items.items[2].m, 30);
    assert_int_equal(copy->plain.items[2].x, 3);
    assert_int_equal(copy->n, 42);
    assert_int_equal(copy->last, 7);
    free(copy);
}

static void test_lists_are_aligned_whatever_stands_before_them(void **state) {
    struct fixture *f = *state;
    for (uint64_t length = 0; length < 9; length++) {
        struct copy_body body = some_body();
        body.text.data = "12345678";
        body.text.size = length;
        struct copy_body *copy = new_block(type_copy_size(f->body, &body, 0));

        type_copy(f->body, &body, copy, 0);

        assert_int_equal((uintptr_t)copy->items.items % 8, 0);
        assert_int_equal((uintptr_t)copy->plain.items % 8, 0);
        free(copy);
    }
}

static void test_empty_texts_and_lists_copy_as_empty(void **state) {
    struct fixture *f = *state;
    struct copy_body body = {.items = {some_items, 0}, .plain = {NULL, 5}, .text = {NULL, 9}};
    struct copy_body *copy = new_block(type_copy_size(f->body, &body, 0));

    type_copy(f->body, &body, copy, 0);

    assert_null(copy->items.items);
    assert_null(copy->plain.items);
    assert_int_equal(copy->plain.count, 0);
    assert_int_equal(copy->text.size, 0);
    assert_string_equal(copy->text.data, "");
    free(copy);
}

static void test_mb8_padding_behind_the_last_field_is_zero(void **state) {
    struct fixture *f = *state;
    struct copy_body body = some_body();
    struct copy_body *copy = new_block(type_copy_size(f->body, &body, 0));

    type_copy(f->body, &body, copy, 0);

    const unsigned char *bytes = (const unsigned char *)copy;
    for (uint64_t i = f->body->end; i < sizeof body; i++) {
        assert_int_equal(bytes[i], 0);
    }
    free(copy);
}

static void test_mb8_a_longer_handler_finds_zeros_in_a_larger_room(void **state) {
    struct fixture *f = *state;
    struct copy_body body = some_body();
    struct copy_more *copy = new_block(type_copy_size(f->body, &body, sizeof(struct copy_more)));

    type_copy(f->body, &body, copy, sizeof(struct copy_more));

    assert_int_equal(copy->last, 7);
    assert_int_equal(copy->tail, 0);
    assert_int_equal(copy->extra.size, 0);
    assert_null(copy->extra.data);
    assert_string_equal(copy->items.items[2].name.data, "a third, longer one");
    free(copy);
}

static void test_mb8_convert_to_a_longer_type_adds_zeros(void **state) {
    struct fixture *f = *state;
    struct copy_body body = some_body();
    struct copy_more *copy = new_block(type_convert_size(f->body, f->more, &body));

    type_convert(f->body, f->more, &body, copy);

    assert_string_equal(copy->text.data, "hello");
    assert_int_equal(copy->last, 7);
    assert_int_equal(copy->tail, 0);
    assert_null(copy->extra.data);
    free(copy);
}

static void test_mb8_convert_to_a_shorter_type_leaves_fields_out(void **state) {
    struct fixture *f = *state;
    struct copy_body base = some_body();
    struct copy_more body = {.text = base.text,
                             .n = 1,
                             .last = 2,
                             .tail = 3,
                             .extra = troupe_str("a text that nobody wants")};
    uint64_t size = type_convert_size(f->more, f->body, &body);
    struct copy_body *copy = new_block(size);

    type_convert(f->more, f->body, &body, copy);

    assert_int_equal(size, sizeof(struct copy_body) + 6 + 1); /* "hello", and data, empty */
    assert_string_equal(copy->text.data, "hello");
    assert_int_equal(copy->last, 2);
    assert_int_equal(((unsigned char *)copy)[f->body->end], 0);
    free(copy);
}

static void test_a_plain_body_needs_its_struct_only(void **state) {
    struct fixture *f = *state;
    const struct msg_type *type;
    assert_int_equal(type_intern(f->table, "copy.plain/1", "u64 a; u8 b", &type, NULL), 0);
    struct {
        uint64_t a;
        uint8_t b;
    } body = {1, 2};

    assert_int_equal(type_copy_size(type, &body, 0), 16);
    assert_int_equal(type_copy_size(type, &body, 24), 24);
}

static void test_nonsense_sizes_ask_for_more_than_there_is(void **state) {
    struct fixture *f = *state;
    struct copy_body body = some_body();

    body.text.size = UINT64_MAX;
    assert_true(type_copy_size(f->body, &body, 0) == UINT64_MAX);
    body.text.size = UINT64_MAX - 8;
    assert_true(type_copy_size(f->body, &body, 0) == UINT64_MAX);
    body = some_body();
    body.items.count = UINT64_MAX / 2;
    assert_true(type_copy_size(f->body, &body, 0) == UINT64_MAX);
    body = some_body();
    body.plain.count = UINT64_MAX;
    assert_true(type_copy_size(f->body, &body, 0) == UINT64_MAX);
}

static void test_any_bytes_make_a_bool(void **state) {
    struct fixture *f = *state;
    const struct msg_type *type;
    assert_int_equal(type_intern(f->table, "copy.bool/1", "bool a", &type, NULL), 0);
    unsigned char body[1] = {0x80};
    struct troupe_any message = {&type->abi, body};
    struct troupe_value value;

    assert_int_equal(type_read(&message, troupe_str("a"), &value), TROUPE_OK);

    assert_int_equal(value.u, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_mb8_everything_lies_inside_the_block),
        TEST(test_values_survive_and_texts_are_terminated),
        TEST(test_lists_are_aligned_whatever_stands_before_them),
        TEST(test_empty_texts_and_lists_copy_as_empty),
        TEST(test_mb8_padding_behind_the_last_field_is_zero),
        TEST(test_mb8_a_longer_handler_finds_zeros_in_a_larger_room),
        TEST(test_mb8_convert_to_a_longer_type_adds_zeros),
        TEST(test_mb8_convert_to_a_shorter_type_leaves_fields_out),
        TEST(test_a_plain_body_needs_its_struct_only),
        TEST(test_nonsense_sizes_ask_for_more_than_there_is),
        TEST(test_any_bytes_make_a_bool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
