/* What a plugin asks for in vain, and whether it may be unmapped: both judged without running it.
 */
#include "lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/plugin_file.h"
#include "lib/temp.h"
#include "plugin/missing.h"

static struct image *parse(struct plugin_file *file, const char *path) {
    struct image *image;
    struct err err;
    if (image_parse(path, file->bytes, file->size, &image, &err) < 0) {
        fail_msg("%s", err.text);
    }
    plugin_file_fini(file);
    return image;
}

static struct image *parse_fixture(const char *name) {
    struct plugin_file file;
    plugin_file_init(&file, name);
    return parse(&file, "x.so");
}

static struct missing find(const struct image *image) {
    struct missing missing;
    struct err err;
    assert_int_equal(missing_find(image, &missing, &err), 0);
    return missing;
}

static void test_complete_plugins_miss_nothing(void **state) {
    static const char *const names[] = {"every_kind", "hooks", "in_cpp", "wants_symbols"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct image *image = parse_fixture(names[i]);

        struct missing missing = find(image);

        assert_null(missing.symbols[0]);
        assert_null(missing.libraries[0]);
        missing_fini(&missing);
        image_destroy(image);
    }
}

static void test_all_missing_symbols_are_found(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "memfrob", "memfrog");
    plugin_file_rename(&file, "strfry", "strcry");
    struct image *image = parse(&file, "x.so");

    struct missing missing = find(image);

    assert_string_equal(missing.symbols[0], "memfrog");
    assert_string_equal(missing.symbols[1], "strcry");
    assert_null(missing.symbols[2]);
    missing_fini(&missing);
    image_destroy(image);
}

static void test_weak_imports_may_be_missing(void **state) {
    (void)state;
    struct image *image = parse_fixture("wants_symbols");

    bool has_weak = image->imports[image->strong_imports] != NULL;
    struct missing missing = find(image);

    assert_true(has_weak);
    assert_null(missing.symbols[0]);
    missing_fini(&missing);
    image_destroy(image);
}

/* The library beside the plugin exports nothing but troupe_plugin_v1: what it does not export is
 * missing, and it is not loaded to find out. */
static void test_unloaded_library_is_judged_by_its_file(void **state) {
    char *folder = test_temp_create();
    char *library = test_path(folder, "libd.so.6");
    char *path = test_path(folder, "x.so");
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "teller_one");
    test_write_file_n(library, file.bytes, file.size);
    plugin_file_fini(&file);
    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "libc.so.6", "libd.so.6");
    plugin_file_rename(&file, "memfrob", "memfrog");
    struct image *image = parse(&file, path);
    mem_free(image->run_path);
    image->run_path = mem_text("/nowhere:$ORIGIN");

    struct missing missing = find(image);

    assert_null(missing.libraries[0]);
    assert_string_equal(missing.symbols[0], "memfrog"); /* strfry is the program's own, from libc */
    assert_null(missing.symbols[1]);
    missing_fini(&missing);
    image_destroy(image);
    free(library);
    free(path);
    test_temp_remove(folder);
}

static void test_absent_library_is_found_and_symbols_are_not_judged(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "libc.so.6", "libd.so.6");
    plugin_file_rename(&file, "memfrob", "memfrog");
    struct image *image = parse(&file, "x.so");

    struct missing missing = find(image);

    assert_string_equal(missing.libraries[0], "libd.so.6");
    assert_null(missing.symbols[0]);
    missing_fini(&missing);
    image_destroy(image);
}

static void test_without_memory_nothing_is_left(void **state) {
    struct image *image = parse_fixture("wants_symbols");
    struct missing missing = {0};
    struct err err = {0};
    (void)state;

    int status = -1;
    TEST_EACH_FAILED_ALLOCATION(n, status = missing_find(image, &missing, &err), status == 0);

    missing_fini(&missing);
    image_destroy(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete_plugins_miss_nothing),
        cmocka_unit_test(test_all_missing_symbols_are_found),
        cmocka_unit_test(test_weak_imports_may_be_missing),
        cmocka_unit_test(test_unloaded_library_is_judged_by_its_file),
        cmocka_unit_test(test_absent_library_is_found_and_symbols_are_not_judged),
        cmocka_unit_test(test_without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests_name("missing", tests, NULL, NULL);
}
