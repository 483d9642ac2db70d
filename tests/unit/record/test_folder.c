/* The folder of post-mortem files: names, whole files, bounds. */
#include "lib/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/temp.h"
#include "record/folder.h"

#define WALL 1795435445123000000 /* 2026-11-23T12:04:05.123Z */

static int setup(void **state) {
    *state = test_temp_create();
    return 0;
}

static int teardown(void **state) {
    test_temp_remove(*state);
    return 0;
}

static unsigned count_files(const char *folder) {
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(stream));) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    (void)closedir(stream);
    return count;
}

static bool exists(const char *folder, const char *name) {
    char *path = test_path(folder, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static void put(const char *folder, const char *name, const char *text) {
    char *path = test_path(folder, name);
    test_write_file(path, text);
    free(path);
}

static void assert_name(const char *prefix, const char *name, uint64_t pid, uint32_t incarnation,
                        int64_t wall_ns, const char *expected) {
    char text[FOLDER_NAME_MAX];
    size_t time;
    folder_name(text, prefix, name, pid, incarnation, wall_ns);
    assert_string_equal(text, expected);
    assert_true(folder_is_own(text, &time));
    assert_int_equal(text[time - 1], '-');
}

static void test_name_says_who_which_life_and_when(void **state) {
    (void)state;
    assert_name("", "parse", 0, 3, WALL, "parse-0.3-20261123T120405.123Z.json");
    assert_name("quarantine-", "parse", 12, 1, WALL,
                "quarantine-parse-12.1-20261123T120405.123Z.json");
}

static void test_name_has_safe_characters_only(void **state) {
    (void)state;
    assert_name("", "judge/window.0", 1, 1, WALL, "judge_window.0-1.1-20261123T120405.123Z.json");
    assert_name("", "../../etc/passwd", 1, 1, WALL,
                "_._.._etc_passwd-1.1-20261123T120405.123Z.json");
    assert_name("", "a b\n\xc3\xa9'$(x)", 1, 1, WALL, "a_b______x_-1.1-20261123T120405.123Z.json");
    assert_name("", "-rf", 1, 1, WALL, "_rf-1.1-20261123T120405.123Z.json");
    assert_name("", NULL, 1, 1, WALL, "actor-1.1-20261123T120405.123Z.json");
}

static void test_name_is_bounded(void **state) {
    (void)state;
    char name[5000], text[FOLDER_NAME_MAX];
    size_t time;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';

    folder_name(text, "quarantine-", name, UINT64_MAX, UINT32_MAX, INT64_MAX);

    assert_true(folder_is_own(text, &time));
    assert_string_equal(text + time, "22620411T234716.854Z.json");
    folder_name(text, "", name, 0, 0, INT64_MIN);
    assert_true(folder_is_own(text, &time));
    assert_string_equal(text + time, "19700101T000000.000Z.json");
}

static void test_other_names_are_not_own(void **state) {
    (void)state;
    static const char *const others[] = {"",
                                         ".json",
                                         "notes.json",
                                         "parse-0.3-20261123T120405.123Z.txt",
                                         "parse-0.3-20261123T120405.123.json",
                                         "parse-0.3-2026112xT120405.123Z.json",
                                         "parse-0-20261123T120405.123Z.json",
                                         "parse-.3-20261123T120405.123Z.json",
                                         "parse-0.-20261123T120405.123Z.json",
                                         "parse0.3-20261123T120405.123Z.json",
                                         "-0.3-20261123T120405.123Z.json",
                                         "0.3-20261123T120405.123Z.json",
                                         "3-20261123T120405.123Z.json",
                                         "20261123T120405.123Z.json",
                                         ".a-0.3-20261123T120405.123Z.json",
                                         "parse-0.3-20261123T120405.123Z.json~"};
    size_t time;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(folder_is_own(others[i], &time));
    }
}

static void test_file_is_written_whole_and_nothing_else_is_left(void **state) {
    const char *folder = *state;
    char name[FOLDER_NAME_MAX];
    folder_name(name, "", "parse", 0, 1, WALL);

    assert_int_equal(folder_write(folder, name, "{}\n", 3, NULL), 0);

    char *path = test_path(folder, name);
    char *text = test_read_file(path, NULL);
    assert_string_equal(text, "{}\n");
    assert_int_equal(count_files(folder), 1);
    free(text);
    free(path);
}

static void test_file_of_the_same_name_stays(void **state) {
    const char *folder = *state;
    static const char *const expected[] = {
        "parse-0.1-20261123T120405.998Z.json", "parse-0.1-20261123T120405.999Z.json",
        "parse-0.1-20261123T120405.000Z.json", "parse-0.1-20261123T120405.001Z.json"};

    for (size_t i = 0; i < 4; i++) {
        char name[FOLDER_NAME_MAX];
        folder_name(name, "", "parse", 0, 1, WALL + 875000000);
        assert_int_equal(folder_write(folder, name, "x", 1, NULL), 0);
        assert_string_equal(name, expected[i]);
    }

    assert_int_equal(count_files(folder), 4);
}

static void test_a_vanished_folder_is_an_error(void **state) {
    const char *folder = *state;
    char *path = test_path(folder, "gone");
    char name[FOLDER_NAME_MAX], expected[512];
    struct err err;
    folder_name(name, "", "parse", 0, 1, WALL);

    assert_int_equal(folder_write(path, name, "x", 1, &err), -1);

    (void)snprintf(expected, sizeof expected,
                   "cannot open the folder '%s': No such file or directory", path);
    assert_string_equal(err.text, expected);
    assert_int_equal(folder_trim(path, 1, 1), 0);
    free(path);
}

static void test_folder_is_made_and_one_that_cannot_be_is_an_error(void **state) {
    const char *folder = *state;
    char *path = test_path(folder, "new"), *file = test_path(folder, "file");
    char *below = test_path(folder, "none/new");
    char expected[512];
    struct err err;
    test_write_file(file, "");

    assert_int_equal(folder_prepare(path, NULL), 0);
    assert_int_equal(folder_prepare(path, NULL), 0);
    assert_int_equal(count_files(path), 0);
    assert_int_equal(folder_prepare(file, &err), -1);
    (void)snprintf(expected, sizeof expected, "cannot open the folder '%s': Not a directory", file);
    assert_string_equal(err.text, expected);
    assert_int_equal(folder_prepare(below, &err), -1);
    (void)snprintf(expected, sizeof expected,
                   "cannot make the folder '%s': No such file or directory", below);
    assert_string_equal(err.text, expected);
    free(path);
    free(file);
    free(below);
}

static void test_what_was_left_half_written_long_ago_is_removed(void **state) {
    const char *folder = *state;
    put(folder, ".troupe-post-mortem-1-1", "{");
    put(folder, ".troupe-post-mortem-1-2", "{");
    put(folder, ".other", "{");
    char *path = test_path(folder, ".troupe-post-mortem-1-1");
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(0, path, long_ago, 0), 0);

    assert_int_equal(folder_prepare(folder, NULL), 0);

    assert_false(exists(folder, ".troupe-post-mortem-1-1"));
    assert_true(
        exists(folder, ".troupe-post-mortem-1-2")); /* may be somebody's who writes just now */
    assert_true(exists(folder, ".other"));
    free(path);
}

static void test_the_oldest_go_beyond_the_number_and_only_own_ones(void **state) {
    const char *folder = *state;
    put(folder, "zebra-0.1-20250101T000000.000Z.json", "1");
    put(folder, "ant-0.1-20260101T000000.000Z.json", "2");
    put(folder, "quarantine-ant-0.1-20250601T000000.000Z.json", "3");
    put(folder, "mine.json", "4");
    put(folder, "mine-too.txt", "5");
    char *path = test_path(folder, "dir-0.1-20200101T000000.000Z.json");
    assert_int_equal(mkdir(path, 0700), 0);

    assert_int_equal(folder_trim(folder, 1, 1000), 2);

    assert_true(exists(folder, "ant-0.1-20260101T000000.000Z.json"));
    assert_true(exists(folder, "mine.json"));
    assert_true(exists(folder, "mine-too.txt"));
    assert_int_equal(count_files(folder), 4);
    free(path);
}

static void test_the_oldest_go_beyond_the_bytes_but_never_the_newest(void **state) {
    const char *folder = *state;
    for (unsigned i = 0; i < 10; i++) {
        char name[FOLDER_NAME_MAX];
        folder_name(name, "", "a", i, 1, WALL + i * 1000000000ll);
        assert_int_equal(folder_write(folder, name, "0123456789", 10, NULL), 0);
    }

    assert_int_equal(folder_trim(folder, 100, 100), 0);
    assert_int_equal(folder_trim(folder, 100, 45), 6);
    assert_int_equal(folder_trim(folder, 100, 5), 3);

    assert_true(exists(folder, "a-9.1-20261123T120414.123Z.json"));
    assert_int_equal(count_files(folder), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_name_says_who_which_life_and_when),
        TEST(test_name_has_safe_characters_only),
        TEST(test_name_is_bounded),
        TEST(test_other_names_are_not_own),
        TEST(test_file_is_written_whole_and_nothing_else_is_left),
        TEST(test_file_of_the_same_name_stays),
        TEST(test_a_vanished_folder_is_an_error),
        TEST(test_folder_is_made_and_one_that_cannot_be_is_an_error),
        TEST(test_what_was_left_half_written_long_ago_is_removed),
        TEST(test_the_oldest_go_beyond_the_number_and_only_own_ones),
        TEST(test_the_oldest_go_beyond_the_bytes_but_never_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
