/* The catalog: where it looks, in which order, and what it keeps of files that are no plugins. */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/plugin_file.h"
#include "lib/temp.h"
#include "plugin/catalog.h"

struct world {
    char *first;
    char *second;
};

static int setup(void **state) {
    struct world *w = test_calloc(1, sizeof *w);
    w->first = test_temp_create();
    w->second = test_temp_create();
    (void)unsetenv("TROUPE_PLUGIN_PATH");
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    (void)unsetenv("TROUPE_PLUGIN_PATH");
    test_temp_remove(w->first);
    test_temp_remove(w->second);
    test_free(w);
    return 0;
}

static void install(const char *folder, const char *name, const char *fixture) {
    struct plugin_file file;
    char *path = test_path(folder, name);
    plugin_file_init(&file, fixture);
    test_write_file_n(path, file.bytes, file.size);
    plugin_file_fini(&file);
    free(path);
}

/* Scans the first `count` folders of the world. */
static struct catalog *scan(const struct world *w, size_t count) {
    const char *const folders[] = {w->first, w->second};
    struct catalog *catalog;
    struct err err;
    if (catalog_scan(folders, count, &catalog, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return catalog;
}

static void assert_file(const struct catalog *catalog, size_t at, const char *folder,
                        const char *name) {
    char *path = test_path(folder, name);
    assert_true(at < catalog->file_count);
    assert_string_equal(catalog->files[at].path, path);
    free(path);
}

static void test_files_stand_in_search_order_by_name(void **state) {
    const struct world *w = *state;
    install(w->first, "b.so", "teller_one");
    install(w->first, "B.so", "hooks");
    install(w->second, "a.so", "every_kind");

    struct catalog *catalog = scan(w, 2);

    assert_file(catalog, 0, w->first, "B.so");
    assert_file(catalog, 1, w->first, "b.so");
    assert_file(catalog, 2, w->second, "a.so");
    catalog_destroy(catalog);
}

static void test_file_instead_of_a_folder_is_taken_by_itself(void **state) {
    const struct world *w = *state;
    install(w->first, "a.so", "every_kind");
    install(w->first, "b.so", "teller_one");
    char *path = test_path(w->first, "b.so");
    const char *const files[] = {path};
    struct catalog *catalog;
    struct err err;

    assert_int_equal(catalog_scan(files, 1, &catalog, &err), 0);

    assert_int_equal(catalog->file_count, 1);
    assert_string_equal(catalog->files[0].path, path);
    assert_non_null(catalog->files[0].image);
    catalog_destroy(catalog);
    free(path);
}

static void test_hidden_and_other_files_are_skipped(void **state) {
    const struct world *w = *state;
    install(w->first, ".teller.p1.g1.00000000.so", "teller_one");
    install(w->first, "teller.so.old", "teller_one");
    install(w->first, ".so", "teller_one");

    struct catalog *catalog = scan(w, 1);

    assert_int_equal(catalog->file_count, 0);
    catalog_destroy(catalog);
}

static void test_refused_file_is_kept_with_its_reason(void **state) {
    const struct world *w = *state;
    char *path = test_path(w->first, "bad.so");
    char expected[4200];
    test_write_file(path, "no plugin");
    install(w->first, "good.so", "teller_one");

    struct catalog *catalog = scan(w, 1);

    (void)snprintf(expected, sizeof expected, "plugin file '%s': it is not an ELF file", path);
    assert_file(catalog, 0, w->first, "bad.so");
    assert_null(catalog->files[0].image);
    assert_string_equal(catalog->files[0].refused.text, expected);
    assert_non_null(catalog->files[1].image);
    assert_null(catalog_find_file(catalog, "bad.so"));
    assert_ptr_equal(catalog_find_file(catalog, "good.so"), &catalog->files[1]);
    free(path);
    catalog_destroy(catalog);
}

static void test_type_found_twice_belongs_to_the_first_file(void **state) {
    const struct world *w = *state;
    size_t file = 99;
    install(w->first, "teller.so", "teller_two");
    install(w->second, "teller.so", "teller_one");

    struct catalog *catalog = scan(w, 2);
    const struct note_actor *actor = catalog_find_type(catalog, "teller.Teller", &file);

    assert_int_equal(file, 0);
    assert_ptr_equal(actor, &catalog->files[0].image->note->actors[0]);
    assert_ptr_equal(catalog_find_file(catalog, "teller.so"), &catalog->files[0]);
    assert_null(catalog_find_type(catalog, "teller.Other", &file));
    catalog_destroy(catalog);
}

static void test_plugin_path_comes_after_the_given_folders(void **state) {
    const struct world *w = *state;
    char path[4200];
    install(w->first, "one.so", "teller_one");
    install(w->second, "two.so", "every_kind");
    (void)snprintf(path, sizeof path, "::/nowhere:%s:%s:", w->second, w->first);
    (void)setenv("TROUPE_PLUGIN_PATH", path, 1);

    struct catalog *catalog = scan(w, 1);

    assert_int_equal(catalog->file_count, 2); /* the first folder counts once */
    assert_file(catalog, 0, w->first, "one.so");
    assert_file(catalog, 1, w->second, "two.so");
    assert_string_equal(catalog->directories[1], "/nowhere");
    catalog_destroy(catalog);
}

static void test_install_folder_comes_last(void **state) {
    const struct world *w = *state;

    struct catalog *catalog = scan(w, 2);

    assert_int_equal(catalog->directory_count, 3);
    assert_non_null(strstr(catalog->directories[2], "/troupe/plugins"));
    catalog_destroy(catalog);
}

static void test_same_folder_by_another_name_counts_once(void **state) {
    const struct world *w = *state;
    char *link = test_path(w->second, "link");
    assert_int_equal(symlink(w->first, link), 0);
    (void)setenv("TROUPE_PLUGIN_PATH", link, 1);
    install(w->first, "one.so", "teller_one");

    struct catalog *catalog = scan(w, 1);

    assert_int_equal(catalog->file_count, 1);
    free(link);
    catalog_destroy(catalog);
}

static void test_type_names_end_with_null(void **state) {
    const struct world *w = *state;
    install(w->first, "a.so", "teller_one");
    install(w->first, "b.so", "tables");

    struct catalog *catalog = scan(w, 1);
    const char **names = catalog_type_names(catalog);

    assert_string_equal(names[0], "teller.Teller");
    assert_non_null(names[1]);
    assert_non_null(names[2]);
    assert_null(names[3]);
    mem_free(names);
    catalog_destroy(catalog);
}

static void test_fifo_in_a_folder_does_not_hang(void **state) {
    const struct world *w = *state;
    char *fifo = test_path(w->first, "fifo.so");
    assert_int_equal(mkfifo(fifo, 0600), 0);

    struct catalog *catalog = scan(w, 1);

    assert_int_equal(catalog->file_count, 1);
    assert_null(catalog->files[0].image);
    free(fifo);
    catalog_destroy(catalog);
}

static void test_without_memory_nothing_is_left(void **state) {
    const struct world *w = *state;
    const char *const folders[] = {w->first};
    struct catalog *catalog = NULL;
    struct err err = {0};
    install(w->first, "a.so", "teller_one");

    int status = -1;
    TEST_EACH_FAILED_ALLOCATION(n, status = catalog_scan(folders, 1, &catalog, &err),
                                status == 0 || err.code != ERR_NOMEM);

    assert_int_equal(status, 0);
    assert_non_null(catalog->files[0].image);
    catalog_destroy(catalog);
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_files_stand_in_search_order_by_name),
        WITH_WORLD(test_file_instead_of_a_folder_is_taken_by_itself),
        WITH_WORLD(test_hidden_and_other_files_are_skipped),
        WITH_WORLD(test_refused_file_is_kept_with_its_reason),
        WITH_WORLD(test_type_found_twice_belongs_to_the_first_file),
        WITH_WORLD(test_plugin_path_comes_after_the_given_folders),
        WITH_WORLD(test_install_folder_comes_last),
        WITH_WORLD(test_same_folder_by_another_name_counts_once),
        WITH_WORLD(test_type_names_end_with_null),
        WITH_WORLD(test_fifo_in_a_folder_does_not_hang),
        WITH_WORLD(test_without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
