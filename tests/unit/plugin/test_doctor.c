/* What speaks against reloading and unloading a plugin file, judged without running it. */
#include "lib/test.h"

#include <string.h>

#include "base/alloc.h"
#include "lib/plugin_file.h"
#include "plugin/doctor.h"

static struct image *parse(struct plugin_file *file) {
    struct image *image;
    struct err err;
    if (image_parse("x.so", file->bytes, file->size, &image, &err) < 0) {
        fail_msg("%s", err.text);
    }
    plugin_file_fini(file);
    return image;
}

static const struct doctor_finding *find(const struct doctor *doctor, const char *id) {
    for (size_t i = 0; i < doctor->count; i++) {
        if (strcmp(doctor->items[i].id, id) == 0) {
            return &doctor->items[i];
        }
    }
    return NULL;
}

static void assert_finds(const struct image *image, enum doctor_kind kind, const char *id,
                         const char *what) {
    struct doctor doctor;
    doctor_look(image, &doctor);
    const struct doctor_finding *finding = find(&doctor, id);
    if (!finding) {
        fail_msg("there is no '%s'", id);
        return;
    }
    assert_int_equal(finding->kind, kind);
    assert_string_equal(finding->what, what);
    assert_true(doctor.counts[kind] > 0);
    doctor_fini(&doctor);
}

static void test_a_plugin_that_can_be_reloaded_has_nothing_against_it(void **state) {
    struct plugin_file file;
    struct doctor doctor;
    (void)state;
    plugin_file_init(&file, "adder_2");
    struct image *image = parse(&file);

    doctor_look(image, &doctor);

    assert_int_equal(doctor.counts[DOCTOR_UNLOAD], 0);
    assert_int_equal(doctor.counts[DOCTOR_RELOAD], 0);
    assert_null(find(&doctor, "one-way")); /* it writes older versions */
    doctor_fini(&doctor);
    image_destroy(image);
}

static void test_what_keeps_a_file_mapped_is_found(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "hooks"); /* imports signal */
    plugin_file_dynamic(&file, DT_FLAGS_1)->d_un.d_val |= DF_1_NODELETE;
    plugin_file_symbol(&file, "troupe_plugin_v1")->st_info =
        ELF64_ST_INFO(STB_GNU_UNIQUE, STT_OBJECT);
    struct image *image = parse(&file);

    assert_finds(image, DOCTOR_UNLOAD, "import", "imports signal");
    assert_finds(image, DOCTOR_UNLOAD, "unique", "has symbols that are unique in the process");
    assert_finds(image, DOCTOR_UNLOAD, "nodelete", "was linked with -z nodelete");
    image_destroy(image);
}

static void test_a_state_that_can_not_be_carried_over_is_found(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "hooks");
    struct image *image = parse(&file);

    assert_finds(image, DOCTOR_RELOAD, "state",
                 "actor type 'hooks.Hooks' has not both save and load, nor plain_state");
    image_destroy(image);
}

static void test_lazy_binding_is_found(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "adder_2");
    Elf64_Dyn *flags = plugin_file_dynamic(&file, DT_FLAGS);
    if (flags) {
        flags->d_un.d_val &= ~(uint64_t)DF_BIND_NOW;
    }
    plugin_file_dynamic(&file, DT_FLAGS_1)->d_un.d_val &= ~(uint64_t)DF_1_NOW;
    struct image *image = parse(&file);

    assert_finds(image, DOCTOR_ADVICE, "relro", "was linked without -z now");
    image_destroy(image);
}

static void test_a_library_that_would_not_be_reloaded_is_found(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "adder_2");
    plugin_file_rename(&file, "libc.so.6", "libx.so.6");
    struct image *image = parse(&file);

    assert_finds(image, DOCTOR_ADVICE, "needed", "needs libx.so.6");
    image_destroy(image);
}

static void test_without_memory_it_says_so(void **state) {
    struct plugin_file file;
    struct doctor doctor;
    (void)state;
    plugin_file_init(&file, "hooks");
    struct image *image = parse(&file);

    mem_fail_at(1);
    doctor_look(image, &doctor);
    mem_fail_at(0);

    assert_true(doctor.failed);
    doctor_fini(&doctor);
    image_destroy(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plugin_that_can_be_reloaded_has_nothing_against_it),
        cmocka_unit_test(test_what_keeps_a_file_mapped_is_found),
        cmocka_unit_test(test_a_state_that_can_not_be_carried_over_is_found),
        cmocka_unit_test(test_lazy_binding_is_found),
        cmocka_unit_test(test_a_library_that_would_not_be_reloaded_is_found),
        cmocka_unit_test(test_without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
