/* Variables in scalars. */
#include "unit/manifest/given.h"

/* The value that `written` gives as an actor's only setting. */
static void assert_value(const char *written, const char *expected) {
    struct given_variable variables[] = {
        {"SET", "a, b: {c}"}, {"EMPTY", ""}, {"DOLLAR", "${SET}"}, {0}};
    struct str text = {0};
    str_addf(&text, HEAD "actors: { a: { type: x.Y, config: { v: %s } } }\n", written);

    struct given given = given_load(
        (const struct manifest_text[]){{"m.yaml", str_text(&text), 0}, {0}}, 1, variables);

    assert_string_equal(str_text(&given.printed), "");
    assert_string_equal(given.manifest->actors[0].settings[0].value.text, expected);
    given_done(&given);
    str_fini(&text);
}

static void test_variable_is_substituted_in_any_style(void **state) {
    (void)state;

    assert_value("${SET}", "a, b: {c}");
    assert_value("x${SET}y", "xa, b: {c}y");
    assert_value("\"${SET}\"", "a, b: {c}");
    assert_value("'${SET}'", "a, b: {c}");
    assert_value("${SET}${SET}", "a, b: {c}a, b: {c}");
}

static void test_default_holds_for_unset_and_empty(void **state) {
    (void)state;

    assert_value("${UNSET:-sample/auth.log}", "sample/auth.log");
    assert_value("${EMPTY:-x}", "x");
    assert_value("${SET:-x}", "a, b: {c}");
    assert_value("${UNSET:-}", "");
    assert_value("${EMPTY}", "");
}

static void test_default_may_hold_what_means_something_in_yaml(void **state) {
    (void)state;

    assert_value("${UNSET:-a, b: [c] #d {e}", "a, b: [c] #d {e");
    assert_value("\"${UNSET:-\\u00e9\\\"}\"", "\xc3\xa9\"");
    assert_value("${UNSET:-\xc3\xa9, x}", "\xc3\xa9, x");
}

static void test_two_dollars_are_a_literal(void **state) {
    (void)state;

    assert_value("$${SET}", "${SET}");
    assert_value("a$b$", "a$b$");
    assert_value("$$", "$$");
    assert_value("$$${SET}", "$${SET}");
}

static void test_values_are_not_substituted_again(void **state) {
    (void)state;

    assert_value("${DOLLAR}", "${SET}");
}

static void test_keys_are_not_substituted(void **state) {
    (void)state;
    struct given_variable variables[] = {{"NAME", "tail"}, {0}};

    struct given given = given_load(
        (const struct manifest_text[]){
            {"m.yaml", HEAD "actors: { a: { type: x.Y, config: { ${NAME}: 1 } } }\n", 0}, {0}},
        1, variables);

    assert_string_equal(given.manifest->actors[0].settings[0].key, "${NAME}");
    given_done(&given);
}

static void test_substituted_number_is_a_number(void **state) {
    (void)state;
    struct given_variable variables[] = {{"N", "3"}, {0}};

    struct given given =
        given_load((const struct manifest_text[]){{"m.yaml", HEAD TAIL "workers: ${N}\n", 0}, {0}},
                   1, variables);

    assert_int_equal(given.manifest->workers, 3);
    given_done(&given);
}

static void test_value_that_is_not_utf8_is_refused(void **state) {
    (void)state;
    struct given_variable variables[] = {{"N", "caf\xe9"}, {0}};

    struct given given =
        given_load((const struct manifest_text[]){{"m.yaml", HEAD TAIL "workers: ${N}\n", 0}, {0}},
                   1, variables);

    assert_string_equal(str_text(&given.printed),
                        "m.yaml:5:10: error: '${N}' gives a text that is not UTF-8\n"
                        "workers: ${N}\n"
                        "         ^\n");
    given_done(&given);
}

static void test_error_behind_a_substitution_stands_at_the_scalar(void **state) {
    (void)state;
    struct given_variable variables[] = {{"N", "many"}, {0}};

    struct given given =
        given_load((const struct manifest_text[]){{"m.yaml", HEAD TAIL "workers: ${N}\n", 0}, {0}},
                   1, variables);

    assert_string_equal(str_text(&given.printed),
                        "m.yaml:5:10: error: 'workers': 'many' is not a whole number\n"
                        "workers: ${N}\n"
                        "         ^\n");
    given_done(&given);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variable_is_substituted_in_any_style),
        cmocka_unit_test(test_default_holds_for_unset_and_empty),
        cmocka_unit_test(test_default_may_hold_what_means_something_in_yaml),
        cmocka_unit_test(test_two_dollars_are_a_literal),
        cmocka_unit_test(test_values_are_not_substituted_again),
        cmocka_unit_test(test_keys_are_not_substituted),
        cmocka_unit_test(test_substituted_number_is_a_number),
        cmocka_unit_test(test_value_that_is_not_utf8_is_refused),
        cmocka_unit_test(test_error_behind_a_substitution_stands_at_the_scalar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
