/* Messages as JSON: exact for every kind, and readable by a JSON library. */
#include "lib/test.h"

#include <float.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "message/json.h"
#include "message/type.h"

#define JSON_ITEM(F) F(str, source) F(u64, failed)
TROUPE_RECORD(json_item, JSON_ITEM);
/* clang-format off */
#define JSON_ALL(F)                                                                                \
    F(bool, a) F(i8, b) F(i64, c) F(u8, d) F(u64, e) F(f32, f) F(f64, g) F(time, h)                \
    F(duration, i) F(str, j) F(bytes, k) F(ref, l) F(list, m, json_item)
/* clang-format on */
TROUPE_MESSAGE(json_all, "test.json.all/3", JSON_ALL);
#define JSON_SCHEMA                                                                                \
    "bool a; i8 b; i64 c; u8 d; u64 e; f32 f; f64 g; time h; duration i; str j; bytes k; ref l; "  \
    "list m {str source; u64 failed}"

struct fixture {
    struct type_table *table;
    const struct msg_type *type;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    f->table = type_table_create();
    return type_intern(f->table, "test.json.all/3", JSON_SCHEMA, &f->type, NULL);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    type_table_destroy(f->table);
    free(f);
    return 0;
}

static void assert_value(struct troupe_value value, const char *expected) {
    struct str out;
    str_init(&out);

    msg_json_add_value(&out, &value);

    assert_string_equal(str_text(&out), expected);
    str_fini(&out);
}

static void assert_text(const char *data, size_t size, const char *expected) {
    assert_value((struct troupe_value){.kind = TROUPE_KIND_str, .s = {data, size}}, expected);
}

#define INTEGER(kind_, member, number)                                                             \
    ((struct troupe_value){.kind = TROUPE_KIND_##kind_, .member = (number)})

static void test_a_message_is_an_object_under_its_short_name(void **state) {
    struct fixture *f = *state;
    const struct json_item items[] = {{troupe_str("10.0.0.1"), 5}, {troupe_str("::1"), 0}};
    struct json_all body = {.a = true,
                            .b = -1,
                            .c = INT64_MIN,
                            .d = 255,
                            .e = UINT64_MAX,
                            .f = 0.1f,
                            .g = 0.1,
                            .h = 1500000000,
                            .i = 250000000,
                            .j = troupe_str("hi"),
                            .k = troupe_str("abcd"),
                            .l = {12, 3},
                            .m = {items, 2}};
    struct troupe_any message = {&f->type->abi, &body};
    size_t size = 0;

    char *text = msg_json(&message, &size);

    assert_string_equal(
        text, "{\"all\":{\"a\":true,\"b\":-1,\"c\":-9223372036854775808,\"d\":255,"
              "\"e\":18446744073709551615,\"f\":0.1,\"g\":0.1,\"h\":\"1970-01-01T00:00:01.5Z\","
              "\"i\":0.25,\"j\":\"hi\",\"k\":\"YWJjZA==\",\"l\":\"uid:12\","
              "\"m\":[{\"source\":\"10.0.0.1\",\"failed\":5},{\"source\":\"::1\",\"failed\":0}]}}");
    assert_int_equal(size, strlen(text));
    mem_free(text);
}

static void test_an_empty_message_has_all_its_fields(void **state) {
    struct fixture *f = *state;
    struct json_all body = {0};
    struct troupe_any message = {&f->type->abi, &body};

    char *text = msg_json(&message, NULL);

    assert_string_equal(text, "{\"all\":{\"a\":false,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0.0,"
                              "\"g\":0.0,\"h\":\"1970-01-01T00:00:00Z\",\"i\":0,\"j\":\"\","
                              "\"k\":\"\",\"l\":null,\"m\":[]}}");
    mem_free(text);
}

static void test_a_record_stands_without_a_name(void **state) {
    struct fixture *f = *state;
    const struct json_item item = {troupe_str("x"), 1};
    struct troupe_any message = {&f->type->items[12]->abi, &item};

    char *text = msg_json(&message, NULL);

    assert_string_equal(text, "{\"source\":\"x\",\"failed\":1}");
    mem_free(text);
}

static void test_integers_keep_all_digits(void **state) {
    (void)state;
    assert_value(INTEGER(u64, u, UINT64_MAX), "18446744073709551615");
    assert_value(INTEGER(u64, u, 1ull << 63), "9223372036854775808");
    assert_value(INTEGER(i64, i, INT64_MIN), "-9223372036854775808");
    assert_value(INTEGER(i8, i, -128), "-128");
    assert_value(INTEGER(bool, u, 1), "true");
}

static void test_numbers_are_as_short_as_they_can_be(void **state) {
    (void)state;
    assert_value(INTEGER(f64, f, 0.1), "0.1");
    assert_value(INTEGER(f64, f, 0.1 + 0.2), "0.30000000000000004");
    assert_value(INTEGER(f64, f, 3), "3.0");
    assert_value(INTEGER(f64, f, -0.0), "-0.0");
    assert_value(INTEGER(f64, f, 1e300), "1e+300");
    assert_value(INTEGER(f64, f, 5e-324), "5e-324");
    assert_value(INTEGER(f32, f, (double)0.1f), "0.1");
    assert_value(INTEGER(f32, f, (double)16777216.0f), "16777216.0");
    assert_value(INTEGER(f32, f, (double)FLT_TRUE_MIN), "1e-45");
    assert_value(INTEGER(f32, f, (double)FLT_MAX), "3.4028235e+38");
}

static void test_numbers_that_json_lacks_are_null(void **state) {
    (void)state;
    assert_value(INTEGER(f64, f, NAN), "null");
    assert_value(INTEGER(f64, f, INFINITY), "null");
    assert_value(INTEGER(f32, f, -INFINITY), "null");
}

static void test_any_number_reads_back_as_itself(void **state) {
    (void)state;
    srand(3);
    for (int i = 0; i < 20000; i++) {
        union {
            uint64_t bits;
            double number;
        } u = {.bits = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand()};
        if (!isfinite(u.number)) {
            continue;
        }
        struct str out;
        str_init(&out);
        msg_json_add_value(&out, &INTEGER(f64, f, u.number));
        assert_true(strtod(str_text(&out), NULL) == u.number);
        str_fini(&out);
    }
}

static void test_numbers_do_not_depend_on_the_locale(void **state) {
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
        print_message("locale de_DE.UTF-8 is not installed\n");
        skip();
    }
    assert_value(INTEGER(f64, f, 1.5), "1.5");
    assert_value(INTEGER(f64, f, 1.5e300), "1.5e+300");
    setlocale(LC_NUMERIC, "C");
}

static void test_times_are_utc_with_a_fraction_when_there_is_one(void **state) {
    (void)state;
    assert_value(INTEGER(time, i, 0), "\"1970-01-01T00:00:00Z\"");
    assert_value(INTEGER(time, i, 1795349045123456789), "\"2026-11-22T12:04:05.123456789Z\"");
    assert_value(INTEGER(time, i, 1795349045250000000), "\"2026-11-22T12:04:05.25Z\"");
    assert_value(INTEGER(time, i, -1), "\"1969-12-31T23:59:59.999999999Z\"");
    assert_value(INTEGER(time, i, -1000000000), "\"1969-12-31T23:59:59Z\"");
    assert_value(INTEGER(time, i, INT64_MIN), "\"1677-09-21T00:12:43.145224192Z\"");
    assert_value(INTEGER(time, i, INT64_MAX), "\"2262-04-11T23:47:16.854775807Z\"");
}

static void test_durations_are_seconds(void **state) {
    (void)state;
    assert_value(INTEGER(duration, i, 5000000000), "5");
    assert_value(INTEGER(duration, i, 1), "0.000000001");
    assert_value(INTEGER(duration, i, -1500000000), "-1.5");
    assert_value(INTEGER(duration, i, INT64_MIN), "-9223372036.854775808");
}

static void test_bytes_are_base64(void **state) {
    (void)state;
    /* RFC 4648, section 10 */
    const char *const expected[] = {"\"\"",         "\"Zg==\"",     "\"Zm8=\"",    "\"Zm9v\"",
                                    "\"Zm9vYg==\"", "\"Zm9vYmE=\"", "\"Zm9vYmFy\""};
    for (uint64_t size = 0; size <= 6; size++) {
        assert_value((struct troupe_value){.kind = TROUPE_KIND_bytes, .s = {"foobar", size}},
                     expected[size]);
    }
    assert_value((struct troupe_value){.kind = TROUPE_KIND_bytes, .s = {"\xff\xfe\xfd", 3}},
                 "\"//79\"");
}

static void test_text_is_escaped_where_json_asks_for_it(void **state) {
    (void)state;
    assert_text("a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"");
    assert_text("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    assert_text("\0\x1f\x7f", 3, "\"\\u0000\\u001f\x7f\"");
    assert_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xad", 9,
                "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xad\"");
    assert_text(NULL, 0, "\"\"");
}

#define FFFD "\xEF\xBF\xBD"

static void test_what_is_not_utf8_becomes_replacement_characters(void **state) {
    (void)state;
    assert_text("a\xff\x62", 3, "\"a" FFFD "b\"");
    assert_text("\x80\xbf", 2, "\"" FFFD FFFD "\"");
    assert_text("\xc0\xaf", 2, "\"" FFFD FFFD "\"");                   /* overlong */
    assert_text("\xe0\x80\x80", 3, "\"" FFFD FFFD FFFD "\"");          /* overlong */
    assert_text("\xed\xa0\x80", 3, "\"" FFFD FFFD FFFD "\"");          /* surrogate */
    assert_text("\xf4\x90\x80\x80", 4, "\"" FFFD FFFD FFFD FFFD "\""); /* beyond U+10FFFF */
    assert_text("\xf5", 1, "\"" FFFD "\"");
    assert_text("\xe2\x82", 2, "\"" FFFD "\"");   /* cut off at the end */
    assert_text("\xe2\x82z", 3, "\"" FFFD "z\""); /* cut off inside */
    assert_text("\xf0\x9f\x8e\"", 4, "\"" FFFD "\\\"\"");
}

static void test_any_bytes_as_text_read_back_as_json(void **state) {
    (void)state;
    srand(5);
    for (int i = 0; i < 5000; i++) {
        char bytes[24];
        size_t size = (size_t)(rand() % (int)sizeof bytes);
        for (size_t k = 0; k < size; k++) {
            bytes[k] = (char)(rand() % 3 ? rand() % 256 : 0xE0 + rand() % 32);
        }
        struct str out;
        str_init(&out);
        msg_json_add_text(&out, bytes, size);
        json_t *read = json_loadb(out.data, out.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_true(json_is_string(read));
        json_decref(read);
        str_fini(&out);
    }
}

static void test_no_memory_at_any_point_gives_null(void **state) {
    struct fixture *f = *state;
    char long_text[500];
    memset(long_text, 'x', sizeof long_text);
    struct json_all body = {.j = {long_text, sizeof long_text}};
    struct troupe_any message = {&f->type->abi, &body};
    char *text = NULL;

    uint64_t failures = 0;
    TEST_EACH_FAILED_ALLOCATION(n, text = msg_json(&message, NULL); failures = n, text != NULL)

    assert_true(failures > 2);
    mem_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_a_message_is_an_object_under_its_short_name),
        TEST(test_an_empty_message_has_all_its_fields),
        TEST(test_a_record_stands_without_a_name),
        TEST(test_integers_keep_all_digits),
        TEST(test_numbers_are_as_short_as_they_can_be),
        TEST(test_numbers_that_json_lacks_are_null),
        TEST(test_any_number_reads_back_as_itself),
        TEST(test_numbers_do_not_depend_on_the_locale),
        TEST(test_times_are_utc_with_a_fraction_when_there_is_one),
        TEST(test_durations_are_seconds),
        TEST(test_bytes_are_base64),
        TEST(test_text_is_escaped_where_json_asks_for_it),
        TEST(test_what_is_not_utf8_becomes_replacement_characters),
        TEST(test_any_bytes_as_text_read_back_as_json),
        TEST(test_no_memory_at_any_point_gives_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
