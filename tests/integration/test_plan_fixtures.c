/* Plans of the real plugins: every manifest that is shipped has one; every
 * tests/fixtures/manifests/bad/plan-*.yaml is refused with exactly the text beside it.
 *
 * What differs from machine to machine is written by name in the expected texts: PLUGINS,
 * TEST-PLUGINS and INSTALLED for the folders searched, SHA256(text.so) for a file's hash. With
 * TROUPE_WRITE_EXPECTED set, the texts are written instead of compared; read what changed. */
#include "plan/plan.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "lib/test.h"

#define FOLDER "tests/fixtures/manifests/bad"
#define PLUGINS TROUPE_BUILD_DIR "/plugins"
#define TEST_PLUGINS TROUPE_BUILD_DIR "/test-plugins"

struct attempt {
    struct manifest *manifest;
    struct catalog *catalog;
    struct type_table *types;
    struct plan *plan;
    struct diags diags;
    struct err err;
    struct str printed;
};

static int enter_source(void **state) {
    (void)state;
    (void)unsetenv("TROUPE_PLUGIN_PATH");
    (void)unsetenv("AUTH_LOG");
    return chdir(TROUPE_SOURCE_DIR);
}

static void replace(struct str *text, const char *what, const char *with) {
    struct str out;
    const char *at = str_text(text);
    str_init(&out);
    for (const char *hit; *what && (hit = strstr(at, what)); at = hit + strlen(what)) {
        str_add_n(&out, at, (size_t)(hit - at));
        str_add(&out, with);
    }
    str_add(&out, at);
    str_fini(text);
    *text = out;
}

/* The catalog is gone with the plan, so its hashes are looked up in a new one. */
static void replace_hashes(struct str *text) {
    const char *const folders[] = {PLUGINS, TEST_PLUGINS};
    struct catalog *catalog;
    assert_int_equal(catalog_scan(folders, 2, &catalog, NULL), 0);
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct catalog_file *file = &catalog->files[i];
        char name[256];
        (void)snprintf(name, sizeof name, "SHA256(%s)", strrchr(file->path, '/') + 1);
        replace(text, file->image ? image_sha256(file->image) : "", name);
    }
    replace(text, catalog->directories[catalog->directory_count - 1], "INSTALLED");
    catalog_destroy(catalog);
}

static void attempt_init(struct attempt *a, const char *path) {
    struct manifest_options options = {.env = NULL};
    *a = (struct attempt){.types = type_table_create()};
    diags_init(&a->diags);
    str_init(&a->printed);
    assert_non_null(a->types);
    if (manifest_load(&path, 1, &options, &a->manifest, &a->diags, &a->err) < 0) {
        fail_msg("%s does not even load: %s", path, a->err.text);
    }
}

static void attempt_fini(struct attempt *a) {
    diags_fini(&a->diags);
    plan_destroy(a->plan);
    type_table_destroy(a->types);
    str_fini(&a->printed);
}

static void scan(struct attempt *a) {
    const char *folders[16];
    size_t count = 0;
    for (; count < a->manifest->plugin_path_count; count++) {
        folders[count] = a->manifest->plugin_path[count].text;
    }
    folders[count++] = PLUGINS;
    folders[count++] = TEST_PLUGINS;
    assert_int_equal(catalog_scan(folders, count, &a->catalog, &a->err), 0);
}

/* What a person would see. */
static void print_findings(struct attempt *a) {
    diags_print(&a->diags, false, &a->printed);
    replace(&a->printed, TEST_PLUGINS, "TEST-PLUGINS");
    replace(&a->printed, PLUGINS, "PLUGINS");
    replace_hashes(&a->printed);
}

static void read_file(const char *path, struct str *out) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail_msg("there is no '%s'", path);
        return;
    }
    char block[4096];
    size_t got;
    while ((got = fread(block, 1, sizeof block, file)) > 0) {
        str_add_n(out, block, got);
    }
    (void)fclose(file);
}

static void write_file(const char *path, const struct str *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(str_text(text), 1, text->size, file), text->size);
    assert_int_equal(fclose(file), 0);
}

static void check(const char *path) {
    char expected_path[512];
    struct str expected;
    struct attempt a;
    str_init(&expected);
    (void)snprintf(expected_path, sizeof expected_path, "%.*s.expected",
                   (int)(strlen(path) - strlen(".yaml")), path);
    attempt_init(&a, path);
    scan(&a);

    int status = plan_build(a.manifest, a.catalog, a.types, &a.plan, &a.diags, &a.err);

    print_findings(&a);
    assert_int_equal(status, -1);
    assert_int_equal(a.err.code, ERR_INVALID);
    if (getenv("TROUPE_WRITE_EXPECTED")) {
        write_file(expected_path, &a.printed);
    }
    read_file(expected_path, &expected);
    assert_string_equal(str_text(&a.printed), str_text(&expected));
    str_fini(&expected);
    attempt_fini(&a);
}

/* Returns how many there were. */
static int for_each(const char *folder, int (*wanted)(const struct dirent *entry),
                    void (*check_one)(const char *path)) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, wanted, alphasort);
    for (int i = 0; i < count; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        check_one(path);
        free(entries[i]);
    }
    free(entries);
    return count;
}

static int is_manifest(const struct dirent *entry) {
    const char *end = strrchr(entry->d_name, '.');
    return end && strcmp(end, ".yaml") == 0;
}

static int is_plan_fixture(const struct dirent *entry) {
    return strncmp(entry->d_name, "plan-", 5) == 0 && is_manifest(entry);
}

static void check_good(const char *path) {
    struct attempt a;
    attempt_init(&a, path);
    scan(&a);

    int status = plan_build(a.manifest, a.catalog, a.types, &a.plan, &a.diags, &a.err);

    print_findings(&a);
    assert_string_equal(str_text(&a.printed), "");
    assert_int_equal(status, 0);
    attempt_fini(&a);
}

/* Whole by itself: it names its proc. Others are for overriding one that does. */
static int is_whole_manifest(const struct dirent *entry) {
    char path[512];
    struct str text;
    str_init(&text);
    (void)snprintf(path, sizeof path, "manifests/%s", entry->d_name);
    if (is_manifest(entry)) {
        read_file(path, &text);
    }
    bool whole = strstr(str_text(&text), "\nproc:") != NULL;
    str_fini(&text);
    return whole;
}

static void test_manifests_that_a_plan_refuses_say_what_is_wrong(void **state) {
    (void)state;

    int count = for_each(FOLDER, is_plan_fixture, check);

    assert_true(count > 30);
}

static void test_shipped_manifests_have_a_plan_without_warnings(void **state) {
    (void)state;

    int count = for_each("manifests", is_whole_manifest, check_good);

    assert_true(count > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifests_that_a_plan_refuses_say_what_is_wrong),
        cmocka_unit_test(test_shipped_manifests_have_a_plan_without_warnings),
    };
    return cmocka_run_group_tests(tests, enter_source, NULL);
}
