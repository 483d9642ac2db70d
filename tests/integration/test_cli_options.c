/* The command `troupe`: choosing a sub-command, options, help, exit statuses. */
#include "lib/troupe.h"

#include <jansson.h>
#include <string.h>

static void assert_usage_error(const struct test_program *program, const char *sentence) {
    assert_int_equal(program->status, 2);
    assert_string_equal(program->out, "");
    assert_memory_equal(program->err, sentence, strlen(sentence));
}

static void test_command_is_needed(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "-q");

    assert_usage_error(&program, "troupe: a command is missing\n");
    test_program_fini(&program);
}

static void test_unknown_command_suggests_one(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "chekc", "x.yaml");

    assert_usage_error(&program, "troupe: there is no command 'chekc'; did you mean 'check'?\n");
    test_program_fini(&program);
}

static void test_unknown_second_word_suggests_one(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plugin", "insepct", "x.so");

    assert_usage_error(&program, "troupe: there is no command 'plugin insepct'; did you mean "
                                 "'plugin inspect'?\n");
    test_program_fini(&program);
}

static void test_half_a_command_lists_its_completions(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plugin");

    assert_usage_error(&program, "troupe: there is no command 'plugin'; there are 'plugin "
                                 "doctor', 'plugin inspect', 'plugin list'\n");
    test_program_fini(&program);
}

static void test_missing_argument(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "check");

    assert_usage_error(&program, "troupe check: an argument is missing: MANIFEST...\n");
    test_program_fini(&program);
}

static void test_one_argument_too_many(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plugin", "inspect", "a.so", "b.so");

    assert_usage_error(&program, "troupe plugin inspect: 'b.so' is one argument too many\n");
    test_program_fini(&program);
}

static void test_unknown_option(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "run", "--bogus", "x.yaml");

    assert_usage_error(&program, "troupe run: unrecognized option '--bogus'\n");
    test_program_fini(&program);
}

static void test_option_of_another_command(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "run", "--explain", "x.yaml");

    assert_usage_error(&program, "troupe run: unrecognized option '--explain'\n");
    test_program_fini(&program);
}

static void test_unknown_format(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "version", "--format", "xml");

    assert_usage_error(&program, "troupe version: 'xml' is no format; write text or json\n");
    test_program_fini(&program);
}

static void test_unknown_time_for_colours(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "--color", "often", "version");

    assert_usage_error(&program,
                       "troupe: 'often' does not say when; write auto, always or never\n");
    test_program_fini(&program);
}

static void test_help_lists_the_commands(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "--help");

    assert_int_equal(program.status, 0);
    assert_non_null(strstr(program.out, "\n  run MANIFEST...  "));
    assert_non_null(strstr(program.out, "\n  plugin list [MANIFEST...]  "));
    assert_non_null(strstr(program.out, "\n  post-mortem FILE|FOLDER...  "));
    assert_non_null(strstr(program.out, "\nExit status: 0 "));
    test_program_fini(&program);
}

static void test_help_fits_eighty_columns(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "--help");

    for (const char *line = program.out; *line;) {
        size_t size = strcspn(line, "\n");
        assert_true(size < 80);
        line += size + 1;
    }
    test_program_fini(&program);
}

static void test_each_command_has_help(void **state) {
    (void)state;
    static const char *const commands[][2] = {
        {"run"},         {"check"},  {"plugin", "inspect"}, {"plugin", "list"},
        {"post-mortem"}, {"version"}};

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct test_program program;
        const char *const words[] = {TROUPE_PROGRAM, commands[i][0],
                                     commands[i][1] ? commands[i][1] : "--help",
                                     commands[i][1] ? "--help" : NULL, NULL};
        test_program_run(&program, words, troupe_environment);
        assert_int_equal(program.status, 0);
        assert_memory_equal(program.out, "Usage: troupe ", 14);
        assert_non_null(strstr(program.out, "\nExit status: 0 "));
        test_program_fini(&program);
    }
}

static void test_version_option(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "--version");

    assert_int_equal(program.status, 0);
    assert_memory_equal(program.out, "troupe ", 7);
    test_program_fini(&program);
}

static void test_version_as_json(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "version", "--format=json");

    json_t *json = json_loads(program.out, 0, NULL);
    assert_true(json_is_string(json_object_get(json, "version")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "abi"), "major")), 1);
    assert_true(json_is_string(json_object_get(json, "plugins")));
    assert_int_equal(program.status, 0);
    json_decref(json);
    test_program_fini(&program);
}

static void test_full_disk_is_a_failure(void **state) {
    (void)state;
    const char *const words[] = {"/bin/sh", "-c", "exec '" TROUPE_PROGRAM "' version > /dev/full",
                                 NULL};
    struct test_program program;

    test_program_run(&program, words, troupe_environment);

    assert_int_equal(program.status, 1);
    assert_string_equal(program.err, "troupe: cannot write to stdout: No space left on device\n");
    test_program_fini(&program);
}

/* Runs the command line `words` of a shell, with "$0" the program. */
static void shell_run(struct test_program *program, const char *words) {
    test_program_run(program, (const char *const[]){"/bin/sh", "-c", words, TROUPE_PROGRAM, NULL},
                     troupe_environment);
}

static void test_full_disk_is_a_failure_for_help_too(void **state) {
    (void)state;
    struct test_program program;

    shell_run(&program, "exec \"$0\" run --help >/dev/full");

    assert_string_equal(program.err, "troupe: cannot write to stdout: No space left on device\n");
    assert_int_equal(program.status, 1);
    test_program_fini(&program);
}

/* Else the first file opened would be our standard output. */
static void test_closed_stdout_is_no_file_of_ours(void **state) {
    (void)state;
    struct test_program program;

    shell_run(&program, "exec \"$0\" run " TROUPE_SOURCE_DIR "/manifests/auth-watch.yaml >&-");

    assert_non_null(
        strstr(program.err, "cannot write to the standard output: Bad file descriptor"));
    assert_int_equal(program.status, 1);
    test_program_fini(&program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_is_needed),
        cmocka_unit_test(test_unknown_command_suggests_one),
        cmocka_unit_test(test_unknown_second_word_suggests_one),
        cmocka_unit_test(test_half_a_command_lists_its_completions),
        cmocka_unit_test(test_missing_argument),
        cmocka_unit_test(test_one_argument_too_many),
        cmocka_unit_test(test_unknown_option),
        cmocka_unit_test(test_option_of_another_command),
        cmocka_unit_test(test_unknown_format),
        cmocka_unit_test(test_unknown_time_for_colours),
        cmocka_unit_test(test_help_lists_the_commands),
        cmocka_unit_test(test_help_fits_eighty_columns),
        cmocka_unit_test(test_each_command_has_help),
        cmocka_unit_test(test_version_option),
        cmocka_unit_test(test_version_as_json),
        cmocka_unit_test(test_full_disk_is_a_failure),
        cmocka_unit_test(test_full_disk_is_a_failure_for_help_too),
        cmocka_unit_test(test_closed_stdout_is_no_file_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
