/* Schema texts: what parses, how it is written back, which sentence a mistake gets. */
#include "lib/test.h"

#include "base/alloc.h"
#include "message/type_schema.h"

static void assert_canonical(const char *text, const char *expected) {
    struct schema schema;
    struct err err;
    struct str out;
    str_init(&out);

    assert_int_equal(schema_parse(text, &schema, &err), 0);
    schema_write(&schema, &out);

    assert_string_equal(str_text(&out), expected);
    str_fini(&out);
    schema_fini(&schema);
}

static void assert_refused(const char *text, const char *expected) {
    struct schema schema;
    struct err err = {0};

    int status = schema_parse(text, &schema, &err);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, expected);
}

static void test_canonical_text_is_written_back_unchanged(void **state) {
    (void)state;
    assert_canonical("str text; u64 number; list sources {str source; u64 failed}; bool last",
                     "str text; u64 number; list sources {str source; u64 failed}; bool last");
}

static void test_blanks_and_a_last_semicolon_do_not_matter(void **state) {
    (void)state;
    assert_canonical(" str\ttext ;\n u64  number;list sources{ str source; };",
                     "str text; u64 number; list sources {str source}");
}

static void test_every_kind_is_known_by_its_name(void **state) {
    (void)state;
    assert_canonical("bool a; i8 b; i16 c; i32 d; i64 e; u8 f; u16 g; u32 h; u64 i; f32 j; f64 k; "
                     "time l; duration m; str n; bytes o; ref p; list q {bool a}",
                     "bool a; i8 b; i16 c; i32 d; i64 e; u8 f; u16 g; u32 h; u64 i; f32 j; f64 k; "
                     "time l; duration m; str n; bytes o; ref p; list q {bool a}");
    assert_string_equal(schema_kind_text(TROUPE_KIND_bool), "bool");
    assert_null(schema_kind_text(0));
    assert_null(schema_kind_text(TROUPE_KIND_list + 1));
}

static void test_mistakes_are_named_with_their_place(void **state) {
    (void)state;
    assert_refused("", "the schema ends where a kind should stand");
    assert_refused("str", "the schema ends where a field's name should stand");
    assert_refused("str text; u63 n", "unknown kind 'u63' at byte 11 of the schema");
    assert_refused("str 9a", "'9' stands at byte 5 of the schema instead of a field's name");
    assert_refused("str a b", "'b' stands at byte 7 of the schema instead of ';'");
    assert_refused("str a;; str b", "';' stands at byte 7 of the schema instead of a kind");
    assert_refused("str a}", "'}' stands at byte 6 of the schema instead of ';'");
    assert_refused("str \xc3\xa4",
                   "byte 0xc3 stands at byte 5 of the schema instead of a field's name");
    assert_refused("str a; u8 a", "field 'a' stands twice, again at byte 11 of the schema");
}

static void test_mistakes_in_lists_are_named_with_their_place(void **state) {
    (void)state;
    assert_refused("list a", "the schema ends where the '{' of a list should stand");
    assert_refused("list a {}", "'}' stands at byte 9 of the schema instead of a kind");
    assert_refused("list a {str b", "the schema ends where ';' or '}' should stand");
    assert_refused("list a {list b {str c}}",
                   "list 'b' at byte 9 of the schema stands in a record: records are flat");
    assert_refused("list a {str b; u8 b}",
                   "field 'b' stands twice, again at byte 19 of the schema");
}

static void test_too_long_a_name_is_refused(void **state) {
    (void)state;
    char text[256] = "str ";
    for (int i = 4; i < 4 + SCHEMA_NAME_MAX + 1; i++) {
        text[i] = 'a';
    }
    assert_refused(text,
                   "a field's name at byte 5 of the schema has 129 characters, more than 128");
}

static void test_too_many_fields_are_refused(void **state) {
    (void)state;
    struct str text;
    str_init(&text);
    for (int i = 0; i <= SCHEMA_FIELDS_MAX; i++) {
        str_addf(&text, "u8 a%03d;", i);
    }

    assert_refused(str_text(&text), "more than 512 fields at byte 4097 of the schema");

    str_fini(&text);
}

static void test_no_memory_at_any_point_is_reported_and_leaks_nothing(void **state) {
    (void)state;
    int failures = 0;
    for (uint64_t n = 1;; n++) {
        struct schema schema;
        struct err err = {0};
        mem_fail_at(n);
        int status = schema_parse("str a; list b {str c; u8 d; u8 e}; u8 f", &schema, &err);
        mem_fail_at(0);
        if (status == 0) {
            schema_fini(&schema);
            break;
        }
        assert_int_equal(err.code, ERR_NOMEM);
        failures++;
    }
    assert_true(failures > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_text_is_written_back_unchanged),
        cmocka_unit_test(test_blanks_and_a_last_semicolon_do_not_matter),
        cmocka_unit_test(test_every_kind_is_known_by_its_name),
        cmocka_unit_test(test_mistakes_are_named_with_their_place),
        cmocka_unit_test(test_mistakes_in_lists_are_named_with_their_place),
        cmocka_unit_test(test_too_long_a_name_is_refused),
        cmocka_unit_test(test_too_many_fields_are_refused),
        cmocka_unit_test(test_no_memory_at_any_point_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
