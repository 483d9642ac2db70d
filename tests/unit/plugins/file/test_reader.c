/* Reading files that grow, are rotated or truncated. */
#include "file/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/test.h"

struct fixture {
    char folder[64];
    char path[128];
    char other[128];
    struct reader reader;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/reader-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/log", f->folder);
    snprintf(f->other, sizeof f->other, "%s/log.1", f->folder);
    reader_init(&f->reader);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    reader_close(&f->reader);
    (void)unlink(f->path);
    (void)unlink(f->other);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void put(const char *path, int how, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | how, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void assert_reads(struct fixture *f, const char *expected) {
    char room[256];
    uint64_t size = 0;
    assert_int_equal(reader_read(&f->reader, room, sizeof room, &size), READER_DATA);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(room, expected, size);
}

static void assert_step(struct fixture *f, enum reader_step expected) {
    char room[256];
    uint64_t size = 0;
    assert_int_equal(reader_read(&f->reader, room, sizeof room, &size), expected);
}

static void open_with(struct fixture *f, const char *text) {
    put(f->path, O_TRUNC, text);
    assert_int_equal(reader_open(&f->reader, f->path, true), 0);
}

static void test_reads_to_the_end_and_what_is_appended(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\n");
    assert_reads(f, "one\n");
    assert_step(f, READER_AT_END);

    put(f->path, O_APPEND, "two\n");

    assert_reads(f, "two\n");
    assert_step(f, READER_AT_END);
    assert_int_equal(f->reader.offset, 8);
}

static void test_notices_a_truncated_file(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\ntwo\n");
    assert_reads(f, "one\ntwo\n");

    put(f->path, O_TRUNC, "");

    assert_step(f, READER_CHANGED);
}

static void test_notices_a_truncated_file_that_has_grown_past_the_old_place(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\ntwo\n");
    assert_reads(f, "one\ntwo\n");

    put(f->path, O_TRUNC, "three\nfour\nfive\n");

    assert_step(f, READER_CHANGED);
    assert_int_equal(reader_seek(&f->reader, 0), 0);
    assert_reads(f, "three\nfour\nfive\n");
}

static void test_notices_a_file_truncated_to_a_part_of_itself(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\ntwo\n");
    assert_reads(f, "one\ntwo\n");

    assert_int_equal(truncate(f->path, 4), 0);

    assert_step(f, READER_CHANGED);
}

static void test_remembers_across_many_small_reads(void **state) {
    struct fixture *f = *state;
    char text[16];
    open_with(f, "");
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%d\n", i);
        put(f->path, O_APPEND, text);
        assert_reads(f, text);
    }
    assert_step(f, READER_AT_END);
    assert_int_equal(f->reader.mark_size, READER_MARK);
    assert_memory_equal(f->reader.mark + READER_MARK - 6, "98\n99\n", 6);
}

static void test_a_new_file_counts_once_it_is_written_to(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\n");
    assert_int_equal(rename(f->path, f->other), 0);
    assert_false(reader_is_replaced(&f->reader, f->path));

    put(f->path, O_EXCL, "");
    assert_false(reader_is_replaced(&f->reader, f->path));
    put(f->path, O_APPEND, "two\n");

    assert_true(reader_is_replaced(&f->reader, f->path));
}

static void test_a_renamed_file_can_still_be_read(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\n");
    assert_reads(f, "one\n");
    assert_int_equal(rename(f->path, f->other), 0);

    put(f->other, O_APPEND, "late\n");

    assert_reads(f, "late\n");
    assert_step(f, READER_AT_END);
}

static void test_seek_end_goes_behind_the_last_lf(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\ntwo\nbeg");

    assert_int_equal(reader_seek_end(&f->reader, 1000), 0);
    put(f->path, O_APPEND, "un\n");

    assert_int_equal(f->reader.offset, 8);
    assert_reads(f, "begun\n");
}

static void test_seek_end_looks_back_only_so_far(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\nabcdefgh");

    assert_int_equal(reader_seek_end(&f->reader, 3), 0);

    assert_int_equal(f->reader.offset, 9);
    assert_reads(f, "fgh");
}

static void test_seek_end_finds_an_lf_far_back(void **state) {
    struct fixture *f = *state;
    char text[10001];
    memset(text, 'x', sizeof text);
    text[99] = '\n';
    text[10000] = '\0';
    open_with(f, text);

    assert_int_equal(reader_seek_end(&f->reader, 65536), 0);

    assert_int_equal(f->reader.offset, 100);
}

static void test_truncation_is_noticed_after_a_seek_too(void **state) {
    struct fixture *f = *state;
    open_with(f, "one\ntwo\n");
    assert_int_equal(reader_seek(&f->reader, 8), 0);
    assert_step(f, READER_AT_END);

    put(f->path, O_TRUNC, "xxx\nyyy\nzzz\n");

    assert_step(f, READER_CHANGED);
}

static void test_a_missing_file_cannot_be_opened(void **state) {
    struct fixture *f = *state;

    assert_int_equal(reader_open(&f->reader, f->path, false), -1);

    assert_int_equal(errno, ENOENT);
    assert_int_equal(f->reader.fd, -1);
}

static void test_a_folder_cannot_be_opened(void **state) {
    struct fixture *f = *state;

    assert_int_equal(reader_open(&f->reader, f->folder, false), -1);

    assert_int_equal(errno, EISDIR);
}

static void test_a_fifo_ends_with_its_writer(void **state) {
    struct fixture *f = *state;
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(reader_open(&f->reader, f->path, false), 0);
    assert_int_equal(f->reader.kind, READER_STREAM);
    int writer = open(f->path, O_WRONLY);
    assert_step(f, READER_NOT_YET);

    assert_int_equal(write(writer, "one\n", 4), 4);
    assert_int_equal(close(writer), 0);

    assert_reads(f, "one\n");
    assert_step(f, READER_AT_END);
}

static void test_a_followed_fifo_outlives_its_writer(void **state) {
    struct fixture *f = *state;
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(reader_open(&f->reader, f->path, true), 0);

    put(f->path, 0, "one\n");

    assert_reads(f, "one\n");
    assert_step(f, READER_NOT_YET);
}

static void test_a_device_is_read_to_its_end(void **state) {
    struct fixture *f = *state;

    assert_int_equal(reader_open(&f->reader, "/dev/null", false), 0);

    assert_int_equal(f->reader.kind, READER_DEVICE);
    assert_step(f, READER_AT_END);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_reads_to_the_end_and_what_is_appended),
        TEST(test_notices_a_truncated_file),
        TEST(test_notices_a_truncated_file_that_has_grown_past_the_old_place),
        TEST(test_notices_a_file_truncated_to_a_part_of_itself),
        TEST(test_remembers_across_many_small_reads),
        TEST(test_a_new_file_counts_once_it_is_written_to),
        TEST(test_a_renamed_file_can_still_be_read),
        TEST(test_seek_end_goes_behind_the_last_lf),
        TEST(test_seek_end_looks_back_only_so_far),
        TEST(test_seek_end_finds_an_lf_far_back),
        TEST(test_truncation_is_noticed_after_a_seek_too),
        TEST(test_a_missing_file_cannot_be_opened),
        TEST(test_a_folder_cannot_be_opened),
        TEST(test_a_fifo_ends_with_its_writer),
        TEST(test_a_followed_fifo_outlives_its_writer),
        TEST(test_a_device_is_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
