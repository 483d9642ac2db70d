/* What a probe and its child write to each other. */
#include "lib/test.h"

#include <string.h>

#include <troupe/config.h>

#include "base/heap.h"
#include "lib/plugin_file.h"
#include "plugin/image.h"
#include "probe/sheet.h"

/* The config of the fixture every_kind, as the fixture has it. */
struct config {
    struct troupe_str text, file;
    int64_t number;
    double part;
    bool follow;
    uint64_t span, room;
    uint32_t from;
    struct troupe_strs names;
    struct troupe_str by;
};

struct world {
    struct image *image;
    const struct note_config *note;
    struct str sheet;
    struct heap heap;
};

static int setup(void **state) {
    struct world *w = test_calloc(1, sizeof *w);
    struct plugin_file file;
    struct err err;
    plugin_file_init(&file, "every_kind");
    if (image_parse("x.so", file.bytes, file.size, &w->image, &err) < 0) {
        fail_msg("%s", err.text);
    }
    plugin_file_fini(&file);
    for (size_t i = 0; i < w->image->note->config_count; i++) {
        if (strcmp(w->image->note->configs[i].c_name, "every_config") == 0) {
            w->note = &w->image->note->configs[i];
        }
    }
    assert_non_null(w->note);
    str_init(&w->sheet);
    heap_init(&w->heap, 0);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    heap_fini(&w->heap);
    str_fini(&w->sheet);
    image_destroy(w->image);
    test_free(w);
    return 0;
}

static void write_config(struct world *w) {
    const struct troupe_str names[2] = {troupe_str("one"), troupe_str("")};
    struct config config = {.text = troupe_str("some text"),
                            .file = troupe_str("/a/file"),
                            .number = -3,
                            .part = 0.25,
                            .follow = true,
                            .span = 7,
                            .room = 8,
                            .from = 1,
                            .names = {names, 2}};
    sheet_add_config(&w->sheet, w->note, &config);
    assert_false(w->sheet.failed);
}

static struct sheet_reader reader_of(const struct str *sheet, size_t size) {
    const uint8_t *data = (const uint8_t *)sheet->data;
    return (struct sheet_reader){.at = data, .end = data + size};
}

static void test_a_config_comes_with_all_its_texts(void **state) {
    struct world *w = *state;
    struct config config;
    write_config(w);
    struct sheet_reader reader = reader_of(&w->sheet, w->sheet.size);

    assert_int_equal(sheet_read_config(&reader, w->note, &config, sizeof config, &w->heap), 0);

    assert_string_equal(config.text.data, "some text");
    assert_string_equal(config.file.data, "/a/file");
    assert_int_equal(config.number, -3);
    assert_true(config.follow && config.span == 7 && config.room == 8 && config.from == 1);
    assert_int_equal(config.names.count, 2);
    assert_string_equal(config.names.items[0].data, "one");
    assert_int_equal(config.names.items[1].size, 0);
    assert_int_equal(config.by.size, 0);
    assert_true(reader.at == reader.end);
}

static void test_a_config_that_is_cut_anywhere_is_refused(void **state) {
    struct world *w = *state;
    struct config config;
    write_config(w);

    for (size_t size = 0; size < w->sheet.size; size++) {
        struct sheet_reader reader = reader_of(&w->sheet, size);
        assert_int_equal(sheet_read_config(&reader, w->note, &config, sizeof config, &w->heap), -1);
    }
}

static void test_a_config_that_does_not_fit_is_refused(void **state) {
    struct world *w = *state;
    struct config config;
    write_config(w);
    struct sheet_reader reader = reader_of(&w->sheet, w->sheet.size);

    assert_int_equal(sheet_read_config(&reader, w->note, &config, sizeof config - 1, &w->heap), -1);
}

static void test_numbers_and_bytes_come_back_and_no_more(void **state) {
    struct world *w = *state;
    uint64_t size;
    sheet_add_number(&w->sheet, 42);
    sheet_add_bytes(&w->sheet, "abc", 3);
    struct sheet_reader reader = reader_of(&w->sheet, w->sheet.size);

    assert_int_equal(sheet_number(&reader), 42);
    assert_memory_equal(sheet_bytes(&reader, &size), "abc", 3);

    assert_int_equal(size, 3);
    assert_false(reader.failed);
    assert_int_equal(sheet_number(&reader), 0);
    assert_true(reader.failed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_config_comes_with_all_its_texts),
        TEST(test_a_config_that_is_cut_anywhere_is_refused),
        TEST(test_a_config_that_does_not_fit_is_refused),
        TEST(test_numbers_and_bytes_come_back_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
