/* Findings as text and as JSON. */
#include "unit/manifest/given.h"

#include <jansson.h>

static void test_caret_stands_under_the_column(void **state) {
    (void)state;
    struct given given = given_text(HEAD "# \xc3\xa9\nlog: { \xe2\x82\xac: 1 }\n" TAIL);

    assert_string_equal(str_text(&given.printed),
                        "m.yaml:4:8: error: unknown key '\xe2\x82\xac' in 'log'; known are: level, "
                        "format\n"
                        "log: { \xe2\x82\xac: 1 }\n"
                        "       ^\n");
    given_done(&given);
}

static void test_caret_line_keeps_tabs(void **state) {
    (void)state;
    struct given given = given_text(HEAD "log: {\tlevl:\tinfo }\n" TAIL);

    assert_string_equal(str_text(&given.printed),
                        "m.yaml:3:8: error: unknown key 'levl' in 'log'; did you mean 'level'?\n"
                        "log: {\tlevl:\tinfo }\n"
                        "      \t^\n");
    given_done(&given);
}

static void test_colours_when_asked(void **state) {
    (void)state;
    struct given given = given_text(HEAD TAIL "workers: x\n");
    struct str text = {0};

    diags_print(&given.diags, true, &text);

    assert_string_equal(
        str_text(&text),
        "m.yaml:5:10: \x1b[1;31merror:\x1b[0m 'workers': 'x' is not a whole number\n"
        "workers: x\n"
        "         \x1b[1;32m^\x1b[0m\n");
    str_fini(&text);
    given_done(&given);
}

static void test_json_is_an_array_of_findings(void **state) {
    (void)state;
    struct given given = given_text(HEAD TAIL "workers: \"\\x22\\\\\\xe9\"\n");
    struct str text = {0};
    diags_add(&given.diags, DIAG_WARNING, (struct mark){0}, "no place");

    diags_json(&given.diags, &text);

    json_t *json = json_loads(str_text(&text), 0, NULL);
    assert_int_equal(json_array_size(json), 2);
    const json_t *first = json_array_get(json, 0);
    assert_string_equal(json_string_value(json_object_get(first, "severity")), "warning");
    assert_null(json_object_get(first, "file"));
    const json_t *second = json_array_get(json, 1);
    assert_string_equal(json_string_value(json_object_get(second, "file")), "m.yaml");
    assert_int_equal(json_integer_value(json_object_get(second, "line")), 5);
    assert_int_equal(json_integer_value(json_object_get(second, "column")), 10);
    assert_string_equal(json_string_value(json_object_get(second, "text")),
                        "'workers': '\"\\\xc3\xa9' is not a whole number");
    json_decref(json);
    str_fini(&text);
    given_done(&given);
}

static void test_no_findings_are_an_empty_array(void **state) {
    (void)state;
    struct given given = given_good(HEAD TAIL);
    struct str text = {0};

    diags_json(&given.diags, &text);

    assert_string_equal(str_text(&text), "[]\n");
    str_fini(&text);
    given_done(&given);
}

static void test_warnings_are_no_errors(void **state) {
    (void)state;
    struct diags diags;
    diags_init(&diags);
    struct str text = {0};

    diags_add(&diags, DIAG_WARNING, (struct mark){"x.yaml", 0, 0}, "%s", "old");
    diags_add(&diags, DIAG_NOTE, (struct mark){"x.yaml", 3, 1}, "new");
    diags_print(&diags, false, &text);

    assert_int_equal(diags.errors, 0);
    assert_int_equal(diags.count, 2);
    assert_string_equal(str_text(&text), "x.yaml: warning: old\nx.yaml:3:1: note: new\n");
    str_fini(&text);
    diags_fini(&diags);
}

static void test_long_value_is_shown_by_its_beginning(void **state) {
    (void)state;
    struct given given;
    struct str text = {0};
    char begin[121];
    memset(begin, 'y', sizeof begin - 1);
    begin[120] = '\0';
    str_add(&text, HEAD TAIL "workers: ");
    for (int i = 0; i < 1000000; i++) {
        str_add_char(&text, 'y');
    }
    str_add_char(&text, '\n');

    given = given_text(str_text(&text));

    str_fini(&text);
    str_init(&text);
    str_addf(&text, "'workers': '%s...' is not a whole number", begin);
    assert_string_equal(given.diags.items[0].text, str_text(&text));
    str_fini(&text);
    given_done(&given);
}

static void test_long_value_is_cut_between_characters_whatever_quotes_it_has(void **state) {
    (void)state;
    struct diags diags;
    diags_init(&diags);
    struct str value = {0};
    for (int i = 0; i < 3000; i++) {
        str_add(&value, i % 2 ? "\xe2\x82\xac" : "'");
    }

    diags_add(&diags, DIAG_ERROR, (struct mark){0}, "x%s", str_text(&value));

    const char *text = diags.items[0].text;
    assert_int_equal(strlen(text), 4001);
    assert_string_equal(text + strlen(text) - 7, "\xe2\x82\xac'...");
    str_fini(&value);
    diags_fini(&diags);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caret_stands_under_the_column),
        cmocka_unit_test(test_caret_line_keeps_tabs),
        cmocka_unit_test(test_colours_when_asked),
        cmocka_unit_test(test_json_is_an_array_of_findings),
        cmocka_unit_test(test_no_findings_are_an_empty_array),
        cmocka_unit_test(test_warnings_are_no_errors),
        cmocka_unit_test(test_long_value_is_shown_by_its_beginning),
        cmocka_unit_test(test_long_value_is_cut_between_characters_whatever_quotes_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
