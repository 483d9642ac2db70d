/* `troupe check`: every fixture through the program itself, its texts and its exit statuses. */
#include "lib/troupe.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "lib/temp.h"

#define FOLDER "tests/fixtures/manifests"

static int enter_source(void **state) {
    (void)state;
    return chdir(TROUPE_SOURCE_DIR);
}

static int is_manifest(const struct dirent *entry) {
    const char *end = strrchr(entry->d_name, '.');
    return end && strcmp(end, ".yaml") == 0;
}

/* Returns how many there were. */
static int for_each(const char *folder, void (*check)(const char *path)) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_manifest, alphasort);
    for (int i = 0; i < count; i++) {
        char *path = test_path(folder, entries[i]->d_name);
        check(path);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return count;
}

static void replace(struct str *text, const char *what, const char *with) {
    struct str out;
    const char *at = str_text(text);
    str_init(&out);
    for (const char *hit; (hit = strstr(at, what)); at = hit + strlen(what)) {
        str_add_n(&out, at, (size_t)(hit - at));
        str_add(&out, with);
    }
    str_add(&out, at);
    str_fini(text);
    *text = out;
}

/* In place of their names: the files' hashes and the folder of installed plugins. */
static void replace_places(struct str *text) {
    static json_t *list; /* the same for all fixtures */
    size_t at;
    const json_t *plugin;
    if (!list) {
        struct test_program program;
        troupe_run(&program, "plugin", "list", "--format", "json");
        list = json_loads(program.out, 0, NULL);
        assert_non_null(list);
        test_program_fini(&program);
    }
    json_array_foreach(json_object_get(list, "plugins"), at, plugin) {
        struct str name = {0};
        const char *path = json_string_value(json_object_get(plugin, "path"));
        str_addf(&name, "SHA256(%s)", strrchr(path, '/') + 1);
        replace(text, str_text(&name), json_string_value(json_object_get(plugin, "sha256")));
        str_fini(&name);
    }
    const json_t *folders = json_object_get(list, "folders");
    const json_t *last = json_array_get(folders, json_array_size(folders) - 1);
    replace(text, "TEST-PLUGINS", TROUPE_TEST_PLUGINS);
    replace(text, "'PLUGINS", "'" TROUPE_PLUGINS);
    replace(text, "INSTALLED", json_string_value(last));
}

static void check_bad(const char *path) {
    struct str expected_path = {0};
    struct str expected = {0};
    str_addf(&expected_path, "%.*s.expected", (int)(strlen(path) - strlen(".yaml")), path);
    char *text = test_read_file(str_text(&expected_path), NULL);
    str_add(&expected, text);
    replace_places(&expected);
    struct test_program program;

    troupe_run(&program, "check", path);

    assert_string_equal(program.err, str_text(&expected));
    assert_string_equal(program.out, "");
    assert_int_equal(program.status, 78);
    test_program_fini(&program);
    str_fini(&expected);
    str_fini(&expected_path);
    free(text);
}

static void check_good(const char *path) {
    struct test_program program;

    troupe_run(&program, "check", path);

    assert_string_equal(program.err, "");
    assert_memory_equal(program.out, "ok: ", 4);
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
}

static void test_bad_manifests_are_refused_with_the_text_beside_them(void **state) {
    (void)state;

    int count = for_each(FOLDER "/bad", check_bad);

    assert_true(count > 90);
}

static void test_good_manifests_are_accepted(void **state) {
    (void)state;

    int count = for_each(FOLDER "/good", check_good);

    assert_true(count > 3);
}

static void test_summary_counts_replicas_wires_and_plugins_in_use(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "check", FOLDER "/good/whole.yaml");

    assert_string_equal(program.out, "ok: 5 actors, 3 wires, 3 plugins\n");
    test_program_fini(&program);
}

static void test_quiet_says_nothing_when_all_is_well(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "check", "-q", FOLDER "/good/whole.yaml");

    assert_string_equal(program.out, "");
    assert_string_equal(program.err, "");
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
}

static void test_explain_names_the_source_of_each_value(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "check", "--explain", FOLDER "/good/minimal.yaml");

    assert_non_null(strstr(program.out, "proc = minimal    # " FOLDER "/good/minimal.yaml:2:7\n"));
    assert_non_null(strstr(program.out, "\nworkers = one per core    # default\n"));
    assert_non_null(strstr(program.out, "\nok: 1 actor, 0 wires, 1 plugin\n"));
    test_program_fini(&program);
}

static void test_json_holds_counts_plan_and_values(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "check", "--explain", "--format=json", FOLDER "/good/include.yaml");

    json_t *json = json_loads(program.out, 0, NULL);
    assert_true(json_is_true(json_object_get(json, "ok")));
    assert_int_equal(json_array_size(json_object_get(json, "findings")), 0);
    assert_int_equal(json_integer_value(json_object_get(json, "actors")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "wires")), 1);
    assert_int_equal(json_integer_value(json_object_get(json, "plugins")), 1);
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "plan"), "actors")), 2);
    assert_true(json_array_size(json_object_get(json, "values")) > 30);
    assert_string_equal(program.err, "");
    assert_int_equal(program.status, 0);
    json_decref(json);
    test_program_fini(&program);
}

static void test_json_holds_findings(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "--format", "json", "check", FOLDER "/bad/range.yaml");

    json_t *json = json_loads(program.out, 0, NULL);
    const json_t *first = json_array_get(json_object_get(json, "findings"), 0);
    assert_true(json_is_false(json_object_get(json, "ok")));
    assert_string_equal(json_string_value(json_object_get(first, "file")),
                        FOLDER "/bad/range.yaml");
    assert_int_equal(json_integer_value(json_object_get(first, "line")), 3);
    assert_string_equal(json_string_value(json_object_get(first, "text")),
                        "'workers' must be between 1 and 1024, not 0");
    assert_string_equal(program.err, "");
    assert_int_equal(program.status, 78);
    json_decref(json);
    test_program_fini(&program);
}

static void test_errors_of_manifest_and_plan_come_in_one_run(void **state) {
    (void)state;
    char *folder = test_temp_create();
    char *path = test_path(folder, "m.yaml");
    test_write_file(path,
                    "troupe: 1\nproc: demo\nworker: 1\nactors:\n  tail: { type: file.Tial }\n");
    struct test_program program;

    troupe_run(&program, "check", path);

    assert_non_null(strstr(program.err, "m.yaml:3:1: error: unknown key 'worker'"));
    assert_non_null(strstr(program.err, "m.yaml:5:17: error: no plugin file offers actor type "
                                        "'file.Tial'; did you mean 'file.Tail'?"));
    assert_int_equal(program.status, 78);
    test_program_fini(&program);
    free(path);
    test_temp_remove(folder);
}

static void test_later_manifest_overrides(void **state) {
    (void)state;
    char *folder = test_temp_create();
    char *path = test_path(folder, "over.yaml");
    test_write_file(path, "troupe: 1\nactors: { more: { type: file.Sink } }\n");
    struct test_program program;

    troupe_run(&program, "check", "-q", "--explain", FOLDER "/good/minimal.yaml", path);

    assert_non_null(strstr(program.out, "actors.more.type = file.Sink    # "));
    assert_int_equal(program.status, 0);
    test_program_fini(&program);
    free(path);
    test_temp_remove(folder);
}

static void test_absent_manifest_is_invalid(void **state) {
    (void)state;
    struct test_program program;

    troupe_run(&program, "check", "absent.yaml");

    assert_string_equal(program.err,
                        "error: cannot open 'absent.yaml': No such file or directory\n");
    assert_int_equal(program.status, 78);
    test_program_fini(&program);
}

static void test_colours_only_when_asked_or_on_a_terminal(void **state) {
    (void)state;
    struct test_program plain;
    struct test_program coloured;

    troupe_run(&plain, "check", FOLDER "/bad/range.yaml");
    troupe_run(&coloured, "check", "--color=always", FOLDER "/bad/range.yaml");

    assert_null(strchr(plain.err, '\x1b'));
    assert_non_null(strstr(coloured.err, "\x1b[1;31merror:\x1b[0m"));
    test_program_fini(&plain);
    test_program_fini(&coloured);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_manifests_are_refused_with_the_text_beside_them),
        cmocka_unit_test(test_good_manifests_are_accepted),
        cmocka_unit_test(test_summary_counts_replicas_wires_and_plugins_in_use),
        cmocka_unit_test(test_quiet_says_nothing_when_all_is_well),
        cmocka_unit_test(test_explain_names_the_source_of_each_value),
        cmocka_unit_test(test_json_holds_counts_plan_and_values),
        cmocka_unit_test(test_json_holds_findings),
        cmocka_unit_test(test_errors_of_manifest_and_plan_come_in_one_run),
        cmocka_unit_test(test_later_manifest_overrides),
        cmocka_unit_test(test_absent_manifest_is_invalid),
        cmocka_unit_test(test_colours_only_when_asked_or_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, enter_source, NULL);
}
