/* `troupe post-mortem`: files, folders, --last, JSON, what is refused. */
#include "lib/troupe.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/temp.h"

#define ACTOR(name, second)                                                                        \
    "{\n  \"format\": 1,\n  \"kind\": \"actor\",\n  \"status\": \"failed\",\n  \"id\": "           \
    "\"main/" name "[0]\",\n  \"incarnation\": 2,\n  \"failure_kind\": \"error\",\n  "             \
    "\"error_message\": \"no such "                                                                \
    "user\",\n  \"last_handler\": \"line\",\n  \"failure_occurred_at\": "                          \
    "\"2026-11-22T12:04:" second "Z\"\n}\n"

static void put(const char *folder, const char *name, const char *text) {
    char *path = test_path(folder, name);
    test_write_file(path, text);
    free(path);
}

/* Names and times in different orders. */
static int setup(void **state) {
    char *folder = test_temp_create();
    put(folder, "a.json", ACTOR("late", "09"));
    put(folder, "b.json", ACTOR("early", "01"));
    put(folder, "c.json", ACTOR("middle", "05"));
    put(folder, "notes.txt", "no JSON");
    put(folder, ".troupe-post-mortem-1-1", "{");
    *state = folder;
    return 0;
}

static int teardown(void **state) {
    test_temp_remove(*state);
    return 0;
}

static json_t *parse(const struct test_program *program) {
    json_t *json = json_loads(program->out, 0, NULL);
    assert_non_null(json);
    return json;
}

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return text;
}

static void test_a_file_is_shown(void **state) {
    struct test_program program;
    char *path = test_path(*state, "b.json");

    troupe_run(&program, "post-mortem", path);

    assert_int_equal(program.status, 0);
    assert_string_equal(program.err, "");
    assert_non_null(strstr(program.out, "main/early[0] failed in incarnation 2\n\n  what      its "
                                        "handler 'line' gave an error: no such user\n"));
    assert_null(strchr(program.out, '\033')); /* no terminal */
    test_program_fini(&program);
    free(path);
}

static void test_colours_when_asked(void **state) {
    struct test_program program;
    char *path = test_path(*state, "b.json");

    troupe_run(&program, "post-mortem", "--color=always", path);

    assert_non_null(strstr(program.out, "\033[1;31mfailed\033[0m"));
    test_program_fini(&program);
    free(path);
}

static void test_a_folder_is_listed_newest_last(void **state) {
    struct test_program program;

    troupe_run(&program, "post-mortem", *state);

    assert_int_equal(program.status, 0);
    assert_string_equal(program.err, "");
    const char *early = strstr(program.out, "  main/early[0]  error: no such user  b.json\n");
    const char *middle = strstr(program.out, "  main/middle[0]  error: no such user  c.json\n");
    const char *late = strstr(program.out, "  main/late[0]  error: no such user  a.json\n");
    assert_true(early && middle && late && early < middle && middle < late);
    test_program_fini(&program);
}

static void test_last_shows_the_newest_of_a_folder(void **state) {
    struct test_program program;

    troupe_run(&program, "post-mortem", "--last", *state);

    assert_int_equal(program.status, 0);
    assert_memory_equal(program.out, "main/late[0] failed", 19);
    test_program_fini(&program);
}

static void test_json_of_a_file_is_the_file(void **state) {
    struct test_program program;
    char *path = test_path(*state, "c.json");

    troupe_run(&program, "post-mortem", "--format=json", path);

    assert_string_equal(program.out, ACTOR("middle", "05"));
    test_program_fini(&program);
    troupe_run(&program, "post-mortem", "--format=json", "--last", *state);
    assert_string_equal(program.out, ACTOR("late", "09"));
    test_program_fini(&program);
    free(path);
}

static void test_json_of_a_folder_is_an_array(void **state) {
    struct test_program program;

    troupe_run(&program, "post-mortem", "--format=json", *state);

    json_t *json = parse(&program);
    assert_int_equal(json_array_size(json), 3);
    assert_string_equal(text_at(json_array_get(json, 0), "who"), "main/early[0]");
    assert_string_equal(text_at(json_array_get(json, 0), "at"), "2026-11-22T12:04:01Z");
    assert_string_equal(text_at(json_array_get(json, 2), "why"), "error: no such user");
    json_decref(json);
    test_program_fini(&program);
}

static void test_json_of_several_arguments_is_one_array(void **state) {
    struct test_program program;
    char *first = test_path(*state, "a.json"), *second = test_path(*state, "b.json");

    troupe_run(&program, "post-mortem", "--format=json", first, "/nonexistent", second);

    json_t *json = parse(&program);
    assert_int_equal(program.status, 1);
    assert_int_equal(json_array_size(json), 2);
    assert_string_equal(text_at(json_array_get(json, 1), "id"), "main/early[0]");
    json_decref(json);
    test_program_fini(&program);
    free(first);
    free(second);
}

static void test_several_files_are_shown_one_after_the_other(void **state) {
    struct test_program program;
    char *first = test_path(*state, "a.json"), *second = test_path(*state, "b.json");

    troupe_run(&program, "post-mortem", first, second);

    assert_memory_equal(program.out, "main/late[0] failed", 19);
    assert_non_null(strstr(program.out, "\n\nmain/early[0] failed"));
    test_program_fini(&program);
    free(first);
    free(second);
}

static void test_a_missing_file_is_an_error(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "post-mortem", "/nonexistent/x.json");

    assert_int_equal(program.status, 1);
    assert_string_equal(program.out, "");
    assert_string_equal(program.err, "troupe: cannot open '/nonexistent/x.json': No such file or "
                                     "directory\n");
    test_program_fini(&program);
}

static void test_a_broken_file_is_named_and_the_others_are_listed(void **state) {
    struct test_program program;
    char expected[1024];
    put(*state, "d.json", "{\"format\": 1");

    troupe_run(&program, "post-mortem", *state);

    (void)snprintf(
        expected, sizeof expected,
        "troupe: '%s/d.json' is no post-mortem: it is not JSON, line 1: '}' expected near "
        "end of file\n",
        (char *)*state);
    assert_int_equal(program.status, 1);
    assert_string_equal(program.err, expected);
    assert_non_null(strstr(program.out, "main/late[0]"));
    test_program_fini(&program);
}

static void test_an_empty_folder(void **state) {
    char *folder = test_path(*state, "empty");
    char expected[1024];
    struct test_program program;
    assert_int_equal(mkdir(folder, 0700), 0);

    troupe_run(&program, "post-mortem", folder);
    (void)snprintf(expected, sizeof expected, "there is no post-mortem in '%s'\n", folder);
    assert_int_equal(program.status, 0);
    assert_string_equal(program.out, expected);
    test_program_fini(&program);

    troupe_run(&program, "post-mortem", "--format=json", folder);
    assert_string_equal(program.out, "[]\n");
    test_program_fini(&program);

    troupe_run(&program, "post-mortem", "--last", folder);
    (void)snprintf(expected, sizeof expected, "troupe: there is no post-mortem in '%s'\n", folder);
    assert_int_equal(program.status, 1);
    assert_string_equal(program.err, expected);
    test_program_fini(&program);
    free(folder);
}

/* Reading it would wait for ever. */
static void test_what_is_no_file_is_refused(void **state) {
    struct test_program program;
    char *path = test_path(*state, "fifo.json");
    char expected[1024];
    assert_int_equal(mkfifo(path, 0600), 0);

    troupe_run(&program, "post-mortem", path);

    (void)snprintf(expected, sizeof expected, "troupe: cannot read '%s': it is no file\n", path);
    assert_int_equal(program.status, 1);
    assert_string_equal(program.err, expected);
    test_program_fini(&program);
    free(path);
}

static void test_an_argument_is_needed(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "post-mortem");

    assert_int_equal(program.status, 2);
    assert_memory_equal(program.err, "troupe post-mortem: an argument is missing: FILE|FOLDER...\n",
                        59);
    test_program_fini(&program);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_is_shown),
        TEST(test_colours_when_asked),
        TEST(test_a_folder_is_listed_newest_last),
        TEST(test_last_shows_the_newest_of_a_folder),
        TEST(test_json_of_a_file_is_the_file),
        TEST(test_json_of_a_folder_is_an_array),
        TEST(test_json_of_several_arguments_is_one_array),
        TEST(test_several_files_are_shown_one_after_the_other),
        TEST(test_a_missing_file_is_an_error),
        TEST(test_a_broken_file_is_named_and_the_others_are_listed),
        TEST(test_an_empty_folder),
        TEST(test_what_is_no_file_is_refused),
        TEST(test_an_argument_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
