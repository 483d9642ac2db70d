/* `troupe plan`: two deployments compared by the program itself. With TROUPE_WRITE_EXPECTED set, the expected
 * text is written instead of compared; read what changed. */
#include "lib/troupe.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OLD "tests/fixtures/plan/old.yaml"
#define NEW "tests/fixtures/plan/new.yaml"
#define EXPECTED "tests/fixtures/plan/expected"

static int enter_source(void **state) {
    (void)state;
    return chdir(TROUPE_SOURCE_DIR);
}

/* The caller frees it. */
static char *read_expected(void) {
    FILE *file = fopen(EXPECTED, "rb");
    char *text = calloc(1, 16384);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, 16383, file) < 16383);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void write_expected(const char *text) {
    FILE *file = fopen(EXPECTED, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void test_the_difference_is_shown_in_order_and_the_status_tells(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plan", OLD, NEW);

    if (getenv("TROUPE_WRITE_EXPECTED")) {
        write_expected(program.out);
    }
    char *expected = read_expected();
    assert_string_equal(program.out, expected);
    assert_string_equal(program.err, "");
    assert_int_equal(program.status, 2);
    free(expected);
    test_program_fini(&program);
}

static void test_no_difference_is_said_and_ends_with_zero(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plan", OLD, OLD);

    assert_string_equal(program.out, "no difference\n");
    assert_string_equal(program.err, "");
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
}

static void test_quiet_says_it_by_the_status_alone(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plan", "--quiet", OLD, NEW);

    assert_string_equal(program.out, "");
    assert_int_equal(program.status, 2);
    test_program_fini(&program);
}

static void test_the_difference_as_json(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plan", "--format", "json", OLD, NEW);

    json_t *json = json_loads(program.out, 0, NULL);
    const json_t *operations = json_object_get(json, "operations");
    const json_t *first = json_array_get(operations, 0);
    const json_t *change = json_array_get(json_object_get(first, "changes"), 0);
    assert_true(json_is_true(json_object_get(json, "ok")));
    assert_true(json_is_false(json_object_get(json, "live")));
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "proc");
    assert_string_equal(json_string_value(json_object_get(first, "file")), NEW);
    assert_int_equal(json_integer_value(json_object_get(first, "line")), 3);
    assert_string_equal(json_string_value(json_object_get(change, "what")), "workers");
    assert_string_equal(json_string_value(json_object_get(change, "from")), "2");
    assert_string_equal(json_string_value(json_object_get(change, "to")), "4");
    assert_true(json_is_true(json_object_get(change, "restart")));
    assert_int_equal(program.status, 2);
    json_decref(json);
    test_program_fini(&program);

    troupe_run(&program, "plan", "--format", "json", NEW, NEW);

    json = json_loads(program.out, 0, NULL);
    assert_true(json_is_true(json_object_get(json, "live")));
    assert_int_equal(json_array_size(json_object_get(json, "operations")), 0);
    assert_int_equal(program.status, 0);
    json_decref(json);
    test_program_fini(&program);
}

static void test_colours_only_when_asked_or_on_a_terminal(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plan", OLD, NEW);
    assert_null(strchr(program.out, '\x1b'));
    test_program_fini(&program);

    troupe_run(&program, "plan", "--color=always", OLD, NEW);
    assert_non_null(strstr(program.out, "\x1b[32m+\x1b[0m add 'alerts'"));
    test_program_fini(&program);
}

static void test_an_invalid_manifest_is_refused_as_check_does(void **state) {
    (void)state;
    struct test_program program;
    struct test_program check;

    troupe_run(&program, "plan", OLD, "tests/fixtures/manifests/bad/plan-unknown-type.yaml");
    troupe_run(&check, "check", "tests/fixtures/manifests/bad/plan-unknown-type.yaml");

    assert_string_equal(program.out, "");
    assert_string_equal(program.err, check.err);
    assert_int_equal(program.status, 78);
    test_program_fini(&check);
    test_program_fini(&program);
    troupe_run(&program, "plan", "nofile.yaml", NEW);
    assert_string_equal(program.out, "");
    assert_int_equal(program.status, 78);
    test_program_fini(&program);
}

static void test_two_manifests_are_wanted(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plan", OLD);

    assert_string_equal(program.out, "");
    assert_non_null(strstr(program.err, "plan"));
    assert_int_equal(program.status, 2);
    test_program_fini(&program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_difference_is_shown_in_order_and_the_status_tells),
        cmocka_unit_test(test_no_difference_is_said_and_ends_with_zero),
        cmocka_unit_test(test_quiet_says_it_by_the_status_alone),
        cmocka_unit_test(test_the_difference_as_json),
        cmocka_unit_test(test_colours_only_when_asked_or_on_a_terminal),
        cmocka_unit_test(test_an_invalid_manifest_is_refused_as_check_does),
        cmocka_unit_test(test_two_manifests_are_wanted),
    };
    return cmocka_run_group_tests(tests, enter_source, NULL);
}
