/* Whether a plugin may be unmapped, judged without running it. */
#include "lib/test.h"

#include "base/alloc.h"
#include "lib/plugin_file.h"
#include "plugin/unload.h"

static struct image *parse(struct plugin_file *file) {
    struct image *image;
    struct err err;
    if (image_parse("x.so", file->bytes, file->size, &image, &err) < 0) {
        fail_msg("%s", err.text);
    }
    plugin_file_fini(file);
    return image;
}

static void test_plain_plugin_may_be_unmapped(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "every_kind");
    struct image *image = parse(&file);

    char **reasons = unload_reasons(image);

    assert_null(reasons[0]);
    assert_false(unload_leaks_on_fault(image));
    mem_free(reasons);
    image_destroy(image);
}

static void test_each_reason_to_stay_is_given(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "hooks"); /* imports signal */
    plugin_file_dynamic(&file, DT_FLAGS_1)->d_un.d_val |= DF_1_NODELETE;
    plugin_file_symbol(&file, "troupe_plugin_v1")->st_info =
        ELF64_ST_INFO(STB_GNU_UNIQUE, STT_OBJECT);
    struct image *image = parse(&file);

    char **reasons = unload_reasons(image);

    assert_string_equal(reasons[0], "imports signal");
    assert_string_equal(reasons[1], "has symbols that are unique in the process; build it with "
                                    "-fno-gnu-unique");
    assert_string_equal(reasons[2], "was linked with -z nodelete");
    assert_null(reasons[3]);
    mem_free(reasons);
    image_destroy(image);
}

static void test_allocation_of_its_own_is_noticed(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "strfry", "strdup");
    struct image *image = parse(&file);

    assert_true(unload_leaks_on_fault(image));

    image_destroy(image);
}

static void test_lock_of_its_own_is_noticed(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "wants_symbols");
    struct image *image = parse(&file);
    assert_false(unload_locks_on_fault(image));
    image_destroy(image);
    plugin_file_init(&file, "stress"); /* imports pthread_mutex_lock */
    image = parse(&file);

    assert_true(unload_locks_on_fault(image));
    assert_false(unload_leaks_on_fault(image));

    image_destroy(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_plugin_may_be_unmapped),
        cmocka_unit_test(test_each_reason_to_stay_is_given),
        cmocka_unit_test(test_allocation_of_its_own_is_noticed),
        cmocka_unit_test(test_lock_of_its_own_is_noticed),
    };
    return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
