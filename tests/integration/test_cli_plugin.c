/* `troupe plugin list` and `troupe plugin inspect`. */
#include "lib/troupe.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/temp.h"

static const json_t *find(const json_t *array, const char *key, const char *value) {
    size_t at;
    const json_t *item;
    json_array_foreach(array, at, item) {
        if (strcmp(json_string_value(json_object_get(item, key)), value) == 0) {
            return item;
        }
    }
    fail_msg("there is no item whose '%s' is '%s'", key, value);
    return NULL;
}

/* Runs `troupe plugin list --format json` with one folder on the path. */
static json_t *list_folder(const char *folder) {
    char variable[512];
    (void)snprintf(variable, sizeof variable, "TROUPE_PLUGIN_PATH=%s", folder);
    const char *const words[] = {TROUPE_PROGRAM, "plugin", "list", "--format", "json", NULL};
    const char *const variables[] = {variable, NULL};
    struct test_program program;
    test_program_run(&program, words, variables);
    assert_string_equal(program.err, "");
    assert_int_equal(program.status, 0);
    json_t *json = json_loads(program.out, 0, NULL);
    assert_non_null(json);
    test_program_fini(&program);
    return json;
}

static void copy_file(const char *from, const char *folder, const char *name) {
    size_t size;
    char *path = test_path(folder, name);
    char *data = test_read_file(from, &size);
    test_write_file_n(path, data, size);
    free(data);
    free(path);
}

static void test_list_shows_files_types_and_ports(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plugin", "list");

    assert_non_null(strstr(program.out, "  " TROUPE_PLUGINS "/file.so\n"));
    assert_non_null(strstr(program.out, "\n  file.Tail  out:line  out:chunk\n"));
    assert_non_null(strstr(program.out, "\n  syslog.Parse  in:line  out:event\n"));
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
}

static void test_list_as_json(void **state) {
    (void)state;

    json_t *json = list_folder(TROUPE_PLUGINS);

    const json_t *plugin = find(json_object_get(json, "plugins"), "name", "file");
    const json_t *type = find(json_object_get(plugin, "types"), "id", "file.Tail");
    const json_t *port = find(json_object_get(type, "ports"), "name", "line");
    assert_string_equal(json_string_value(json_object_get(port, "kind")), "out");
    assert_int_equal(strlen(json_string_value(json_object_get(plugin, "sha256"))), 64);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "folders"), 0)),
                        TROUPE_PLUGINS);
    json_decref(json);
}

static void test_list_gives_the_reason_of_a_refusal(void **state) {
    (void)state;
    char *folder = test_temp_create();
    char *path = test_path(folder, "text.so");
    test_write_file(path, "no plugin");

    json_t *json = list_folder(folder);

    const json_t *refused = find(json_object_get(json, "refused"), "path", path);
    char reason[512];
    (void)snprintf(reason, sizeof reason, "plugin file '%s': it is not an ELF file", path);
    assert_string_equal(json_string_value(json_object_get(refused, "reason")), reason);
    json_decref(json);
    free(path);
    test_temp_remove(folder);
}

static void test_list_marks_a_type_that_is_offered_before(void **state) {
    (void)state;
    char *folder = test_temp_create();
    copy_file(TROUPE_PLUGINS "/time.so", folder, "a.so");
    copy_file(TROUPE_PLUGINS "/time.so", folder, "b.so");
    char *first = test_path(folder, "a.so");
    char *second = test_path(folder, "b.so");

    json_t *json = list_folder(folder);

    const json_t *plugin = find(json_object_get(json, "plugins"), "path", second);
    const json_t *type = find(json_object_get(plugin, "types"), "id", "time.Ticker");
    assert_string_equal(json_string_value(json_object_get(type, "hidden_by")), first);
    json_decref(json);
    free(first);
    free(second);
    test_temp_remove(folder);
}

static void test_list_without_plugins_names_the_folders(void **state) {
    (void)state;
    char *folder = test_temp_create();
    char variable[512];
    (void)snprintf(variable, sizeof variable, "TROUPE_PLUGIN_PATH=%s", folder);
    const char *const words[] = {TROUPE_PROGRAM, "plugin", "list", NULL};
    const char *const variables[] = {variable, NULL};
    struct test_program program;

    test_program_run(&program, words, variables);

    assert_memory_equal(program.out, "no plugin files in:\n", 20);
    assert_non_null(strstr(program.out, folder));
    test_program_fini(&program);
    test_temp_remove(folder);
}

static void test_list_looks_where_a_manifest_says(void **state) {
    (void)state;
    char *folder = test_temp_create();
    char *path = test_path(folder, "m.yaml");
    test_write_file(path, "troupe: 1\nproc: demo\nplugins: { path: [\"" TROUPE_PLUGINS
                          "\"] }\nactors: { a: { type: no.Such } }\n");
    const char *const words[] = {TROUPE_PROGRAM, "plugin", "list", path, NULL};
    const char *const variables[] = {"TROUPE_PLUGIN_PATH", NULL};
    struct test_program program;

    test_program_run(&program, words, variables);

    assert_non_null(strstr(program.out, TROUPE_PLUGINS "/file.so\n"));
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
    free(path);
    test_temp_remove(folder);
}

static void test_inspect_shows_a_plugin(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plugin", "inspect", TROUPE_PLUGINS "/stats.so");

    assert_non_null(strstr(program.out, "stats.Window"));
    assert_non_null(strstr(program.out, "threshold"));
    assert_string_equal(program.err, "");
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
}

static void test_inspect_as_json(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plugin", "inspect", "--format=json", TROUPE_PLUGINS "/stats.so");

    json_t *json = json_loads(program.out, 0, NULL);
    const json_t *actor = find(json_object_get(json, "actors"), "id", "stats.Window");
    assert_non_null(find(json_object_get(actor, "config"), "name", "threshold"));
    assert_int_equal(program.status, 0);
    json_decref(json);
    test_program_fini(&program);
}

static void test_inspect_refuses_what_is_no_plugin(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plugin", "inspect", "/dev/null");

    assert_string_equal(program.out, "");
    assert_memory_equal(program.err, "troupe: plugin file '/dev/null': ", 33);
    assert_int_equal(program.status, 1);
    test_program_fini(&program);
}

/* Each of these says it as JSON on stdout, one value. */
static void assert_json_finding(struct test_program *program, int status, const char *text) {
    json_t *json = json_loads(program->out, 0, NULL);
    assert_non_null(json);
    assert_false(json_boolean_value(json_object_get(json, "ok")));
    const json_t *first = json_array_get(json_object_get(json, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "text")), text);
    assert_string_equal(program->err, "");
    assert_int_equal(program->status, status);
    json_decref(json);
    test_program_fini(program);
}

static void test_failure_is_json_when_asked(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "plugin", "inspect", "--format", "json", "nofile.so");
    assert_json_finding(&program, 1,
                        "plugin file 'nofile.so': cannot open it: No such file or directory");

    troupe_run(&program, "plugin", "list", "--format", "json", "nofile.yaml");
    assert_json_finding(&program, 78, "cannot open 'nofile.yaml': No such file or directory");
}

/* --- doctor --- */

static void test_doctor_finds_nothing_wrong_with_a_plugin_that_can_be_reloaded(void **state) {
    struct test_program program;
    (void)state;

    troupe_run(&program, "plugin", "doctor", TROUPE_TEST_PLUGINS "/adder_2.so");

    assert_int_equal(program.status, 0);
    assert_non_null(strstr(program.out, "  nothing speaks against unloading or reloading it\n"));
    assert_null(strstr(program.out, "  unload "));
    assert_string_equal(program.err, "");
    test_program_fini(&program);
}

static void test_doctor_says_why_and_what_cures_it(void **state) {
    struct test_program program;
    (void)state;

    troupe_run(&program, "plugin", "doctor", TROUPE_TEST_PLUGINS "/hooks.so");

    assert_int_equal(program.status, 1);
    assert_non_null(strstr(
        program.out,
        "  unload    imports signal\n"
        "            The kernel calls the plugin's function whenever the signal comes.\n"
        "            Leave signals to the host, or watch a signalfd with P(watch, NAME, ...).\n"));
    assert_non_null(strstr(program.out,
                           "  reload    actor type 'hooks.Hooks' has not both save and "
                           "load, nor plain_state\n"));
    assert_non_null(strstr(program.out, "  against unloading it: 1; against reloading it: 1\n"));
    test_program_fini(&program);
}

static void test_doctor_as_json(void **state) {
    struct test_program program;
    (void)state;

    troupe_run(&program, "plugin", "doctor", "--format=json", TROUPE_TEST_PLUGINS "/hooks.so");

    json_t *json = json_loads(program.out, 0, NULL);
    assert_int_equal(program.status, 1);
    assert_true(json_is_false(json_object_get(json, "unloads")));
    assert_true(json_is_false(json_object_get(json, "reloads")));
    const json_t *finding = find(json_object_get(json, "findings"), "id", "import");
    assert_string_equal(json_string_value(json_object_get(finding, "kind")), "unload");
    assert_string_equal(json_string_value(json_object_get(finding, "what")), "imports signal");
    json_decref(json);
    test_program_fini(&program);
}

static void test_doctor_of_what_is_no_plugin(void **state) {
    struct test_program program;
    (void)state;

    troupe_run(&program, "plugin", "doctor", "/etc/passwd");

    assert_int_equal(program.status, 1);
    assert_string_equal(program.err, "troupe: plugin file '/etc/passwd': it is not an ELF file\n");
    test_program_fini(&program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_shows_files_types_and_ports),
        cmocka_unit_test(test_list_as_json),
        cmocka_unit_test(test_list_gives_the_reason_of_a_refusal),
        cmocka_unit_test(test_list_marks_a_type_that_is_offered_before),
        cmocka_unit_test(test_list_without_plugins_names_the_folders),
        cmocka_unit_test(test_list_looks_where_a_manifest_says),
        cmocka_unit_test(test_inspect_shows_a_plugin),
        cmocka_unit_test(test_inspect_as_json),
        cmocka_unit_test(test_inspect_refuses_what_is_no_plugin),
        cmocka_unit_test(test_failure_is_json_when_asked),
        cmocka_unit_test(test_doctor_finds_nothing_wrong_with_a_plugin_that_can_be_reloaded),
        cmocka_unit_test(test_doctor_says_why_and_what_cures_it),
        cmocka_unit_test(test_doctor_as_json),
        cmocka_unit_test(test_doctor_of_what_is_no_plugin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
