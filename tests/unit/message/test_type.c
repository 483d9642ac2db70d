/* Interned types: layout as C has it, identity, refusals, lookups, compatible revisions. */
#include "lib/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "message/type.h"

#define INNER_ITEM(F) F(u8, small) F(str, name) F(u16, last)
TROUPE_RECORD(inner_item, INNER_ITEM);
#define INNER_SCHEMA "u8 small; str name; u16 last"

/* clang-format off */
#define MIXED(F)                                                                                   \
    F(bool, a) F(i64, b) F(i8, c) F(i16, d) F(u8, e) F(u32, f) F(f32, g) F(f64, h) F(u16, i)       \
    F(str, j) F(i32, k) F(ref, l) F(bytes, m) F(bool, n) F(list, o, inner_item) F(u64, p)          \
    F(time, q) F(u8, r) F(duration, s) F(bool, t)
/* clang-format on */
TROUPE_MESSAGE(mixed, "test.mixed/1", MIXED);
#define MIXED_SCHEMA                                                                               \
    "bool a; i64 b; i8 c; i16 d; u8 e; u32 f; f32 g; f64 h; u16 i; str j; i32 k; ref l; bytes m; " \
    "bool n; list o {" INNER_SCHEMA "}; u64 p; time q; u8 r; duration s; bool t"

#define SMALL(F) F(u8, a) F(u16, b) F(u8, c)
TROUPE_MESSAGE(small, "test.small/1", SMALL);

static int setup(void **state) {
    *state = type_table_create();
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    type_table_destroy(*state);
    return 0;
}

static const struct msg_type *intern(struct type_table *table, const char *id, const char *schema) {
    const struct msg_type *type = NULL;
    struct err err = {0};
    if (type_intern(table, id, schema, &type, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return type;
}

static void assert_refused(struct type_table *table, const char *id, const char *schema,
                           const char *expected) {
    const struct msg_type *type = NULL;
    struct err err = {0};

    int status = type_intern(table, id, schema, &type, &err);

    assert_int_equal(status, -1);
    assert_null(type);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, expected);
}

static void test_offsets_are_those_of_the_declared_struct(void **state) {
    const struct msg_type *type = intern(*state, "test.mixed/1", MIXED_SCHEMA);

#define OFFSET_ROW(...) OFFSET_ROW_(__VA_ARGS__, ~, ~)
#define OFFSET_ROW_(kind, name, x, ...) {#name, offsetof(struct mixed, name)},
    const struct {
        const char *name;
        uint64_t offset;
    } expected[] = {MIXED(OFFSET_ROW)};
    assert_int_equal(type->abi.field_count, sizeof expected / sizeof expected[0]);
    for (uint32_t i = 0; i < type->abi.field_count; i++) {
        assert_true(troupe_str_eq(type->abi.fields[i].name, troupe_str(expected[i].name)));
        assert_int_equal(type->abi.fields[i].offset, expected[i].offset);
    }
    assert_int_equal(type->abi.body_size, sizeof(struct mixed));
    assert_int_equal(type->end, offsetof(struct mixed, t) + sizeof(bool));
    assert_true(type->has_pointers);
}

static void test_a_record_is_laid_out_as_its_struct(void **state) {
    const struct msg_type *type = intern(*state, "test.mixed/1", MIXED_SCHEMA);

    const struct troupe_field *list = type_find_field(&type->abi, troupe_str("o"));
    assert_non_null(list);
    assert_ptr_equal(list->item, &type->items[14]->abi);
    assert_int_equal(list->item->body_size, sizeof(struct inner_item));
    assert_int_equal(list->item->fields[1].offset, offsetof(struct inner_item, name));
    assert_int_equal(list->item->fields[2].offset, offsetof(struct inner_item, last));
    assert_int_equal(list->item->id.size, 0);
}

static void test_a_struct_without_wide_fields_has_its_own_alignment(void **state) {
    const struct msg_type *type = intern(*state, "test.small/1", "u8 a; u16 b; u8 c");

    assert_int_equal(type->abi.body_size, sizeof(struct small));
    assert_int_equal(type->end, offsetof(struct small, c) + 1);
    assert_false(type->has_pointers);
}

static void test_abi_table_is_filled(void **state) {
    const struct msg_type *type = intern(*state, "test.small/1", "u8 a;u16 b;u8 c");

    assert_int_equal(type->abi.size, sizeof(struct troupe_type));
    assert_int_equal(type->abi.field_stride, sizeof(struct troupe_field));
    assert_int_equal(type->abi.fields[2].size, sizeof(struct troupe_field));
    assert_int_equal(type->abi.fields[2].kind, TROUPE_KIND_u8);
    assert_true(troupe_str_eq(type->abi.id, troupe_str("test.small/1")));
    assert_true(troupe_str_eq(type->abi.schema, troupe_str("u8 a; u16 b; u8 c")));
    assert_true(type->abi.hash == hash_bytes("u8 a; u16 b; u8 c", 17));
}

static void test_i1_same_id_and_schema_give_the_same_pointer(void **state) {
    const struct msg_type *first = intern(*state, "text.line/1", "str text; u64 number");

    const struct msg_type *again = intern(*state, "text.line/1", "str text;u64 number;");

    assert_ptr_equal(first, again);
    assert_ptr_equal(type_of(&first->abi), first);
}

enum { INTERNERS = 4, INTERNED = 200 };

static void *interner(void *table) {
    const struct msg_type **types = calloc(INTERNED, sizeof(struct msg_type *));
    for (int i = 0; i < INTERNED; i++) {
        char id[32];
        snprintf(id, sizeof id, "x.m/%d", i + 1);
        (void)type_intern(table, id, "u8 v; list l {str s}", &types[i], NULL);
    }
    return types;
}

static void test_i1_threads_that_intern_the_same_get_the_same(void **state) {
    pthread_t threads[INTERNERS];
    const struct msg_type **types[INTERNERS];
    for (int i = 0; i < INTERNERS; i++) {
        pthread_create(&threads[i], NULL, interner, *state);
    }
    for (int i = 0; i < INTERNERS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        types[i] = result;
    }

    for (int k = 0; k < INTERNED; k++) {
        assert_non_null(types[0][k]);
        for (int i = 1; i < INTERNERS; i++) {
            assert_ptr_equal(types[i][k], types[0][k]);
        }
    }
    assert_non_null(type_get(*state, INTERNED + 1)); /* the record, once */
    assert_null(type_get(*state, INTERNED + 2));
    for (int i = 0; i < INTERNERS; i++) {
        free(types[i]);
    }
}

/* Looks up each type as soon as it is there; the number of those that were not what they should be. */
static void *reader(void *table) {
    uintptr_t wrong = 0;
    for (uint32_t index = 1; index <= INTERNED; index++) {
        const struct msg_type *type;
        do {
            type = type_get(table, index);
        } while (!type);
        wrong += type->index != index || type->abi.field_count != 1;
    }
    return (void *)wrong;
}

static void test_i2_types_are_found_by_index_while_others_are_interned(void **state) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, reader, *state), 0);
    for (int i = 0; i < INTERNED; i++) {
        char id[32];
        snprintf(id, sizeof id, "x.m/%d", i + 1);
        intern(*state, id, "u8 v");
    }

    void *wrong;
    pthread_join(thread, &wrong);
    assert_null(wrong);
}

static void test_equal_records_of_two_messages_are_one_type(void **state) {
    const struct msg_type *a = intern(*state, "x.a/1", "list l {u8 v}");
    const struct msg_type *b = intern(*state, "x.b/1", "u8 n; list m {u8 v}");
    const struct msg_type *record = intern(*state, NULL, "u8 v");

    assert_ptr_equal(a->items[0], record);
    assert_ptr_equal(b->items[1], record);
}

static void test_indexes_are_dense_and_find_their_type(void **state) {
    const struct msg_type *a = intern(*state, "x.a/1", "u8 v");
    const struct msg_type *b = intern(*state, "x.b/1", "u8 v");

    assert_int_equal(a->index, 1);
    assert_int_equal(b->index, 2);
    assert_ptr_equal(type_get(*state, 2), b);
    assert_null(type_get(*state, 0));
    assert_null(type_get(*state, 3));
}

static void test_many_types_are_all_found(void **state) {
    char id[32];
    for (int i = 1; i <= 100; i++) {
        snprintf(id, sizeof id, "x.m/%d", i);
        assert_int_equal(intern(*state, id, "u8 v")->index, i);
    }

    for (int i = 1; i <= 100; i++) {
        snprintf(id, sizeof id, "x.m/%d", i);
        assert_ptr_equal(type_find(*state, id), type_get(*state, (uint32_t)i));
    }
    assert_null(type_find(*state, "x.m/101"));
}

static void test_one_id_with_two_schemas_is_refused(void **state) {
    intern(*state, "text.line/1", "str text");

    assert_refused(*state, "text.line/1", "str text; u64 number",
                   "message 'text.line/1' has two schemas: 'str text' and 'str text; u64 number': "
                   "a changed schema needs a new revision");
}

static void test_a_malformed_schema_is_refused_with_its_message(void **state) {
    assert_refused(*state, "text.line/1", "str text; u63 n",
                   "message 'text.line/1': unknown kind 'u63' at byte 11 of the schema");
    assert_refused(*state, NULL, "str",
                   "record 'str': the schema ends where a field's name should stand");
    assert_refused(*state, NULL, "u8 a; list b {u8 c}",
                   "record 'u8 a; list b {u8 c}': list 'b' stands in a record: records are flat");
}

static void test_a_malformed_id_is_refused(void **state) {
    assert_refused(*state, "text.line", "u8 a",
                   "message id 'text.line' has no revision: 'name/1' is the form of an id");
    const char *const names[] = {"/1", ".a/1", "a./1", "a..b/1", "a b/1", "\xc3\xa4/1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char expected[200];
        snprintf(expected, sizeof expected,
                 "message id '%s' has a malformed name: words of letters, digits, '_' and '-' "
                 "joined by dots are a name",
                 names[i]);
        assert_refused(*state, names[i], "u8 a", expected);
    }
    const char *const revisions[] = {"a/", "a/0", "a/01", "a/x", "a/1x", "a/1/2", "a/1000000000"};
    for (size_t i = 0; i < sizeof revisions / sizeof revisions[0]; i++) {
        char expected[200];
        snprintf(expected, sizeof expected,
                 "message id '%s' has a malformed revision: a number from 1 on is a revision",
                 revisions[i]);
        assert_refused(*state, revisions[i], "u8 a", expected);
    }
}

static void test_too_long_an_id_is_refused(void **state) {
    char id[300];
    memset(id, 'a', sizeof id);
    memcpy(id + sizeof id - 3, "/1", 3);

    assert_refused(*state, id, "u8 a",
                   "message id 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' is longer than 200 "
                   "characters");
}

static void test_short_name_is_the_last_word_without_revision(void **state) {
    const struct msg_type *dotted = intern(*state, "vendor.stats.alert/2", "u8 a");
    const struct msg_type *plain = intern(*state, "alert/1", "u8 a");
    const struct msg_type *record = intern(*state, NULL, "u8 a");

    assert_true(troupe_str_eq(type_short_name(&dotted->abi), troupe_str("alert")));
    assert_true(troupe_str_eq(type_short_name(&plain->abi), troupe_str("alert")));
    assert_int_equal(type_short_name(&record->abi).size, 0);
}

static void test_no_memory_at_any_point_leaves_a_table_that_works(void **state) {
    (void)state;
    int failures = 0;
    for (uint64_t n = 1;; n++) {
        struct type_table *table = type_table_create();
        const struct msg_type *type = NULL;
        struct err err = {0};
        mem_fail_at(n);
        int status = type_intern(table, "test.mixed/1", MIXED_SCHEMA, &type, &err);
        mem_fail_at(0);
        if (status < 0) {
            assert_int_equal(err.code, ERR_NOMEM);
            assert_null(type);
            assert_null(type_find(table, "test.mixed/1"));
            intern(table, "test.mixed/1", MIXED_SCHEMA);
            failures++;
        }
        type_table_destroy(table);
        if (status == 0) {
            break;
        }
    }
    assert_true(failures > 10);
}

/* --- MB-8 --- */

static void assert_incompatible(struct type_table *table, const char *a_id, const char *a,
                                const char *b_id, const char *b, const char *expected) {
    struct err err = {0};

    int status = type_check_compatible(intern(table, a_id, a), intern(table, b_id, b), &err);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, expected);
}

static void test_mb8_a_prefix_is_compatible_either_way(void **state) {
    const struct msg_type *old = intern(*state, "x.m/1", "str a; list l {u8 v}");
    const struct msg_type *new = intern(*state, "x.m/2", "str a; list l {u8 v}; u64 b");
    struct err err = {0};

    assert_int_equal(type_check_compatible(old, new, &err), 0);
    assert_int_equal(type_check_compatible(new, old, &err), 0);
    assert_int_equal(type_check_compatible(old, old, &err), 0);
    assert_string_equal(err.text, "");
}

static void test_mb8_a_changed_field_is_incompatible(void **state) {
    assert_incompatible(*state, "x.m/1", "str a; u64 b", "x.m/2", "str a; u32 b; u8 c",
                        "field 2 is 'u64 b' in 'x.m/1', but 'u32 b' in 'x.m/2': revisions may only "
                        "append fields");
    assert_incompatible(*state, "x.n/1", "str a", "x.n/2", "str b",
                        "field 1 is 'str a' in 'x.n/1', but 'str b' in 'x.n/2': revisions may only "
                        "append fields");
}

static void test_mb8_a_changed_record_is_incompatible(void **state) {
    assert_incompatible(*state, "x.m/1", "list l {u8 v}", "x.m/2", "list l {u8 v; u8 w}",
                        "list 'l' holds {u8 v} in 'x.m/1', but {u8 v; u8 w} in 'x.m/2': records "
                        "must be the same");
}

static void test_mb8_other_names_are_incompatible(void **state) {
    assert_incompatible(*state, "x.m/1", "u8 a", "x.n/1", "u8 a",
                        "'x.m/1' and 'x.n/1' are different messages");
    assert_incompatible(*state, "x.m/1", "u8 a", "x.mm/1", "u8 a",
                        "'x.m/1' and 'x.mm/1' are different messages");
}

/* --- reading --- */

static void test_every_kind_is_read_by_name(void **state) {
    const struct msg_type *type = intern(*state, "test.mixed/1", MIXED_SCHEMA);
    const struct inner_item items[1] = {{.small = 1}};
    struct mixed body = {.a = true,
                         .b = INT64_MIN,
                         .c = -1,
                         .d = -2,
                         .e = 255,
                         .f = UINT32_MAX,
                         .g = 0.5f,
                         .h = -1e300,
                         .i = 65535,
                         .j = troupe_str("text"),
                         .k = -4,
                         .l = {7, 8},
                         .m = troupe_str("bytes"),
                         .n = false,
                         .o = {items, 1},
                         .p = UINT64_MAX,
                         .q = -5,
                         .r = 200,
                         .s = 6,
                         .t = true};
    struct troupe_any message = {&type->abi, &body};
    struct troupe_value v;

#define ASSERT_READ(name, member, expected)                                                        \
    assert_int_equal(type_read(&message, troupe_str(name), &v), TROUPE_OK);                        \
    assert_true(v.member == (expected))
    ASSERT_READ("a", u, 1);
    ASSERT_READ("b", i, INT64_MIN);
    ASSERT_READ("c", i, -1);
    ASSERT_READ("d", i, -2);
    ASSERT_READ("e", u, 255);
    ASSERT_READ("f", u, UINT32_MAX);
    ASSERT_READ("g", f, 0.5);
    ASSERT_READ("h", f, -1e300);
    ASSERT_READ("i", u, 65535);
    ASSERT_READ("j", s.data, body.j.data);
    ASSERT_READ("k", i, -4);
    ASSERT_READ("l", r.uid, 7);
    ASSERT_READ("m", s.size, 5);
    ASSERT_READ("n", u, 0);
    ASSERT_READ("o", l.items, (const void *)items);
    assert_ptr_equal(v.item, &type->items[14]->abi);
    assert_int_equal(v.kind, TROUPE_KIND_list);
    ASSERT_READ("p", u, UINT64_MAX);
    ASSERT_READ("q", i, -5);
    ASSERT_READ("r", u, 200);
    ASSERT_READ("s", i, 6);
    ASSERT_READ("t", u, 1);
}

static void test_an_unknown_field_is_not_found_and_leaves_the_value(void **state) {
    const struct msg_type *type = intern(*state, "test.small/1", "u8 a; u16 b; u8 c");
    struct small body = {0};
    struct troupe_any message = {&type->abi, &body};
    struct troupe_value value = {.kind = 99};

    int status = type_read(&message, troupe_str("d"), &value);

    assert_int_equal(status, TROUPE_NOT_FOUND);
    assert_int_equal(value.kind, 99);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_offsets_are_those_of_the_declared_struct),
        TEST(test_a_record_is_laid_out_as_its_struct),
        TEST(test_a_struct_without_wide_fields_has_its_own_alignment),
        TEST(test_abi_table_is_filled),
        TEST(test_i1_same_id_and_schema_give_the_same_pointer),
        TEST(test_i1_threads_that_intern_the_same_get_the_same),
        TEST(test_i2_types_are_found_by_index_while_others_are_interned),
        TEST(test_equal_records_of_two_messages_are_one_type),
        TEST(test_indexes_are_dense_and_find_their_type),
        TEST(test_many_types_are_all_found),
        TEST(test_one_id_with_two_schemas_is_refused),
        TEST(test_a_malformed_schema_is_refused_with_its_message),
        TEST(test_a_malformed_id_is_refused),
        TEST(test_too_long_an_id_is_refused),
        TEST(test_short_name_is_the_last_word_without_revision),
        TEST(test_no_memory_at_any_point_leaves_a_table_that_works),
        TEST(test_mb8_a_prefix_is_compatible_either_way),
        TEST(test_mb8_a_changed_field_is_incompatible),
        TEST(test_mb8_a_changed_record_is_incompatible),
        TEST(test_mb8_other_names_are_incompatible),
        TEST(test_every_kind_is_read_by_name),
        TEST(test_an_unknown_field_is_not_found_and_leaves_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
