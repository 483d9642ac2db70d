/* A plugin file for people and programs: every part of it is shown, and JSON is JSON. */
#include "lib/test.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "inspect/plugin_view.h"
#include "lib/plugin_file.h"

static struct image *parse(struct plugin_file *file) {
    struct image *image;
    struct err err;
    if (image_parse("some/x.so", file->bytes, file->size, &image, &err) < 0) {
        fail_msg("%s", err.text);
    }
    plugin_file_fini(file);
    return image;
}

static struct image *parse_fixture(const char *name) {
    struct plugin_file file;
    plugin_file_init(&file, name);
    return parse(&file);
}

static void assert_shows(const struct image *image, const char *expected) {
    struct str out;
    str_init(&out);

    plugin_view_text(image, &out);

    assert_false(out.failed);
    if (!strstr(str_text(&out), expected)) {
        fail_msg("this is not shown:\n%s\nbut:\n%s", expected, str_text(&out));
    }
    str_fini(&out);
}

static void test_file_is_shown_with_its_identity(void **state) {
    char expected[400];
    (void)state;
    struct image *image = parse_fixture("every_kind");

    (void)snprintf(expected, sizeof expected,
                   "every 1.2-rc1\n"
                   "  file      some/x.so (%zu bytes)\n"
                   "  sha256    %s\n"
                   "  build-id  %s\n"
                   "  ABI       1.0\n"
                   "  needs     ",
                   image->size, image_sha256(image), image->build_id);

    assert_shows(image, expected);
    assert_shows(image, "libc.so.6\n  unload    possible\n\nactor every.Kind\n");
    image_destroy(image);
}

static void test_actor_is_shown_with_ports_hooks_and_config(void **state) {
    (void)state;
    struct image *image = parse_fixture("every_kind");

    assert_shows(image, "actor every.Kind\n"
                        "  in        full      every.full/2\n"
                        "  any       all       any message\n"
                        "  call      request   every.small/1 -> every.full/2\n"
                        "  out       result    every.full/2\n"
                        "  as        same      as 'all'\n"
                        "  ask       question  every.small/1 -> every.full/2\n"
                        "  to        direct    every.small/1\n"
                        "  timer     tick\n"
                        "  watch     ready\n"
                        "  child     worker    every.Kind\n"
                        "  hooks     init, cleanup, save, load, returned\n"
                        "  options   own_thread, plain_state, touches_world\n"
                        "  state     version 3, reads from version 2 on\n"
                        "  config\n"
                        "    text    str       \"a \\\"b\\\"\\tc\"  some text, in two parts\n"
                        "    file    path      required      a file\n"
                        "    number  int       -1            a number (-5..5)\n"
                        "    part    float     0.5           a part (0..1)\n"
                        "    follow  bool      false         whether\n"
                        "    span    duration  10s           how long (1ms..1h)\n"
                        "    room    size      64KiB         how much (..1MiB)\n"
                        "    from    enum      start         where (start|end)\n"
                        "    names   list      \"\"            which\n"
                        "    by      field     \"\"            a field of the input (port 'full')\n"
                        "\nmessage every.full/2\n");
    image_destroy(image);
}

static void test_messages_are_shown_with_all_fields(void **state) {
    (void)state;
    struct image *image = parse_fixture("every_kind");

    assert_shows(image, "\nmessage every.full/2\n  bool      a\n  i8        b\n");
    assert_shows(image, "  ref       p\n  list      q\n    str       name\n    u64       count\n"
                        "\nmessage every.small/1\n  u64       number\n");
    image_destroy(image);
}

static void test_reasons_to_stay_and_memory_of_its_own_are_shown(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "strfry", "signal");
    plugin_file_rename(&file, "memfrob", "realloc");
    struct image *image = parse(&file);

    assert_shows(image, "  unload    stays mapped: imports signal\n"
                        "  memory    its own too (malloc), which leaks when an actor ends by a "
                        "fault; one inside of malloc ends the process\n\n");
    image_destroy(image);
}

static json_t *load_json(const struct image *image) {
    struct str out;
    json_error_t error;
    str_init(&out);
    plugin_view_json(image, &out);
    json_t *root = json_loads(str_text(&out), 0, &error);
    if (!root) {
        fail_msg("%s", error.text);
    }
    str_fini(&out);
    return root;
}

static void test_locks_of_its_own_are_shown(void **state) {
    (void)state;
    struct image *image = parse_fixture("stress");

    assert_shows(image,
                 "  locks     its own, which stay locked when an actor that holds one ends by "
                 "a fault\n");
    json_t *root = load_json(image);
    assert_true(json_is_true(json_object_get(root, "locks_on_fault")));
    assert_true(json_is_false(json_object_get(root, "leaks_on_fault")));
    json_decref(root);
    image_destroy(image);
}

static void test_missing_symbols_and_libraries_are_shown(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "strfry", "strcry");
    plugin_file_rename(&file, "memfrob", "memfrog");
    struct image *image = parse(&file);
    assert_shows(image, "  missing   memfrog, strcry\n");
    image_destroy(image);

    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "libc.so.6", "libd.so.6");
    image = parse(&file);
    assert_shows(image, "  not found libd.so.6\n");
    image_destroy(image);
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static void test_json_holds_the_file(void **state) {
    (void)state;
    struct image *image = parse_fixture("hooks");

    json_t *root = load_json(image);

    assert_string_equal(text_of(root, "file"), "some/x.so");
    assert_int_equal(json_integer_value(json_object_get(root, "size")), image->size);
    assert_string_equal(text_of(root, "sha256"), image_sha256(image));
    assert_string_equal(text_of(root, "build_id"), image->build_id);
    assert_string_equal(text_of(root, "abi"), "1.0");
    assert_true(json_is_null(json_object_get(root, "soname")));
    const json_t *unload = json_object_get(root, "unload");
    assert_true(json_is_true(json_object_get(unload, "stays")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(unload, "reasons"), 0)),
                        "imports signal");
    json_decref(root);
    image_destroy(image);
}

static void test_json_holds_actors_and_messages(void **state) {
    (void)state;
    struct image *image = parse_fixture("every_kind");

    json_t *root = load_json(image);

    const json_t *actor = json_array_get(json_object_get(root, "actors"), 0);
    assert_string_equal(text_of(actor, "id"), "every.Kind");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(actor, "state"), "oldest")),
                     2);
    const json_t *ports = json_object_get(actor, "ports");
    assert_int_equal(json_array_size(ports), 7);
    assert_string_equal(text_of(json_array_get(ports, 2), "reply"), "every.full/2");
    assert_string_equal(text_of(json_array_get(ports, 4), "follows"), "all");
    const json_t *config = json_object_get(actor, "config");
    assert_int_equal(json_array_size(config), 10);
    assert_string_equal(text_of(json_array_get(config, 0), "default"), "a \"b\"\tc");
    assert_null(json_object_get(json_array_get(config, 1), "default"));
    assert_string_equal(text_of(json_array_get(config, 2), "range"), "-5..5");
    const json_t *choices = json_object_get(json_array_get(config, 7), "choices");
    assert_string_equal(json_string_value(json_array_get(choices, 1)), "end");
    assert_string_equal(text_of(json_array_get(config, 9), "port"), "full");
    const json_t *message = json_array_get(json_object_get(root, "messages"), 0);
    const json_t *fields = json_object_get(message, "fields");
    assert_int_equal(json_array_size(fields), 17);
    const json_t *items = json_object_get(json_array_get(fields, 16), "items");
    assert_string_equal(text_of(json_array_get(items, 1), "kind"), "u64");
    json_decref(root);
    image_destroy(image);
}

static void test_json_of_a_path_that_is_no_utf8(void **state) {
    struct plugin_file file;
    struct image *image;
    struct err err;
    (void)state;
    plugin_file_init(&file, "hooks");
    assert_int_equal(image_parse("\xff.so", file.bytes, file.size, &image, &err), 0);

    json_t *root = load_json(image);

    assert_string_equal(text_of(root, "file"), "\xef\xbf\xbd.so");
    json_decref(root);
    image_destroy(image);
    plugin_file_fini(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_is_shown_with_its_identity),
        cmocka_unit_test(test_actor_is_shown_with_ports_hooks_and_config),
        cmocka_unit_test(test_messages_are_shown_with_all_fields),
        cmocka_unit_test(test_reasons_to_stay_and_memory_of_its_own_are_shown),
        cmocka_unit_test(test_locks_of_its_own_are_shown),
        cmocka_unit_test(test_missing_symbols_and_libraries_are_shown),
        cmocka_unit_test(test_json_holds_the_file),
        cmocka_unit_test(test_json_holds_actors_and_messages),
        cmocka_unit_test(test_json_of_a_path_that_is_no_utf8),
    };
    return cmocka_run_group_tests_name("plugin_view", tests, NULL, NULL);
}
