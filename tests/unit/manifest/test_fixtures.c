/* Every manifest under tests/fixtures/manifests: the good ones load, the bad ones say what is wrong,
 * with exactly the text beside them. With TROUPE_WRITE_EXPECTED set, the texts are written instead of
 * compared; read what changed. */
#include "unit/manifest/given.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static struct given load_file(const char *path) {
    struct given given = {0};
    struct manifest_options options = {.env = given_env};
    diags_init(&given.diags);
    given.status = manifest_load(&path, 1, &options, &given.manifest, &given.diags, &given.err);
    diags_print(&given.diags, false, &given.printed);
    return given;
}

static void check_bad(const char *path) {
    char expected_path[512];
    (void)snprintf(expected_path, sizeof expected_path, "%.*s.expected",
                   (int)(strlen(path) - strlen(".yaml")), path);

    struct given given = load_file(path);

    if (getenv("TROUPE_WRITE_EXPECTED")) {
        test_write_file(expected_path, str_text(&given.printed));
    }
    char *expected = test_read_file(expected_path, NULL);
    assert_string_equal(str_text(&given.printed), expected);
    assert_int_equal(given.status, -1);
    assert_int_equal(given.err.code, ERR_INVALID);
    given_done(&given);
    free(expected);
}

static void check_good(const char *path) {
    struct given given = load_file(path);

    assert_string_equal(str_text(&given.printed), "");
    assert_int_equal(given.status, 0);
    given_done(&given);
}

/* Returns how many there were. Names that begin with "plan-" are right by themselves: the plan finds
 * what is wrong with them. */
static size_t for_each(const char *folder, bool plan, void (*check)(const char *path)) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_manifest, alphasort);
    size_t checked = 0;
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if ((strncmp(entries[i]->d_name, "plan-", 5) == 0) == plan) {
            check(path);
            checked++;
        }
        free(entries[i]);
    }
    free(entries);
    return checked;
}

static void test_bad_manifests_say_what_is_wrong(void **state) {
    (void)state;

    size_t checked = for_each(FOLDER "/bad", false, check_bad);

    assert_true(checked > 50);
}

static void test_manifests_that_only_a_plan_can_refuse_load(void **state) {
    (void)state;

    (void)for_each(FOLDER "/bad", true, check_good);
}

static void test_good_manifests_load(void **state) {
    (void)state;

    size_t checked = for_each(FOLDER "/good", false, check_good);

    assert_true(checked > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_manifests_say_what_is_wrong),
        cmocka_unit_test(test_manifests_that_only_a_plan_can_refuse_load),
        cmocka_unit_test(test_good_manifests_load),
    };
    return cmocka_run_group_tests(tests, enter_source, NULL);
}
