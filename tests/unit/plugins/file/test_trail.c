/* Which files have stood at a path. */
#include "file/trail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/temp.h"
#include "lib/test.h"

struct fixture {
    char *folder;
    char *path;
    struct trail trail;
    int reads; /* the log that is being read: held open, so that nothing else gets its inode */
    struct stat current;
};

static void put(struct fixture *f, const char *name, const char *text) {
    char *path = test_path(f->folder, name);
    test_write_file(path, text);
    free(path);
}

static void move(struct fixture *f, const char *from, const char *to) {
    char *old = test_path(f->folder, from);
    char *new = test_path(f->folder, to);
    assert_int_equal(rename(old, new), 0);
    free(old);
    free(new);
}

static void drop(struct fixture *f, const char *name) {
    char *path = test_path(f->folder, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* A log that is being read, and whose folder is watched. */
static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = test_temp_create();
    f->path = test_path(f->folder, "log");
    put(f, "log", "first");
    f->reads = open(f->path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(f->reads, &f->current), 0);
    trail_init(&f->trail);
    assert_int_equal(trail_open(&f->trail, f->path), 0);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    trail_close(&f->trail);
    assert_int_equal(close(f->reads), 0);
    free(f->path);
    test_temp_remove(f->folder);
    free(f);
    return 0;
}

static void look(struct fixture *f) {
    trail_look(&f->trail, f->current.st_dev, f->current.st_ino);
}

static void assert_next(struct fixture *f, const char *expected) {
    char text[64];
    int fd = trail_take(&f->trail);
    assert_true(fd >= 0);
    ssize_t size = read(fd, text, sizeof text);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(text, expected, (size_t)size);
    assert_int_equal(close(fd), 0);
}

static void assert_no_more(struct fixture *f) {
    assert_int_equal(trail_take(&f->trail), -1);
    assert_int_equal(f->trail.missed, 0);
}

static void test_nothing_has_come(void **state) {
    struct fixture *f = *state;
    put(f, "log", "first, and more");
    put(f, "other", "x");
    move(f, "other", "another");
    look(f);
    assert_false(trail_has_next(&f->trail));
    assert_no_more(f);
}

static void test_rotated_once(void **state) {
    struct fixture *f = *state;
    move(f, "log", "log.1");
    put(f, "log", "second");
    look(f);
    assert_true(trail_has_next(&f->trail));
    assert_next(f, "second");
    assert_no_more(f);
}

static void test_empty_newcomer_is_not_next_while_it_is_the_last(void **state) {
    struct fixture *f = *state;
    move(f, "log", "log.1");
    put(f, "log", "");
    look(f);
    assert_false(trail_has_next(&f->trail));

    move(f, "log", "log.2");
    put(f, "log", "");
    look(f);

    assert_true(trail_has_next(&f->trail));
    assert_next(f, "");
    assert_false(trail_has_next(&f->trail));
    assert_next(f, "");
    assert_no_more(f);
}

static void test_rotated_three_times_between_two_looks(void **state) {
    struct fixture *f = *state;
    static const char *const texts[] = {"second", "third", "fourth"};
    for (int i = 0; i < 3; i++) {
        for (int old = i; old > 0; old--) {
            char from[16];
            char to[16];
            (void)snprintf(from, sizeof from, "log.%d", old);
            (void)snprintf(to, sizeof to, "log.%d", old + 1);
            move(f, from, to);
        }
        move(f, "log", "log.1");
        put(f, "log", texts[i]);
    }
    look(f);
    for (int i = 0; i < 3; i++) {
        assert_next(f, texts[i]);
    }
    assert_no_more(f);
}

static void test_found_file_may_be_removed_afterwards(void **state) {
    struct fixture *f = *state;
    move(f, "log", "log.1");
    put(f, "log", "second");
    look(f);
    drop(f, "log");
    put(f, "log", "third");
    look(f);
    assert_next(f, "second");
    assert_next(f, "third");
    assert_no_more(f);
}

static void test_file_that_came_and_went_is_missed(void **state) {
    struct fixture *f = *state;
    move(f, "log", "log.1");
    put(f, "log", "second");
    drop(f, "log");
    put(f, "log", "third");
    look(f);
    assert_int_equal(f->trail.missed, 1);
    f->trail.missed = 0;
    assert_next(f, "third");
    assert_no_more(f);
}

static void test_file_written_over_is_missed(void **state) {
    struct fixture *f = *state;
    put(f, "new", "second");
    move(f, "new", "log");
    put(f, "new", "third");
    move(f, "new", "log");
    look(f);
    assert_int_equal(f->trail.missed, 1);
    f->trail.missed = 0;
    assert_next(f, "third");
    assert_no_more(f);
}

static void test_current_file_that_comes_back_is_no_newcomer(void **state) {
    struct fixture *f = *state;
    move(f, "log", "log.1");
    move(f, "log.1", "log");
    look(f);
    assert_no_more(f);
}

static void test_link_that_is_switched(void **state) {
    struct fixture *f = *state;
    put(f, "target", "second");
    char *link = test_path(f->folder, "link");
    assert_int_equal(symlink("target", link), 0);
    move(f, "link", "log");
    look(f);
    assert_next(f, "second");
    assert_no_more(f);
    free(link);
}

static void test_more_than_it_holds_are_counted(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < TRAIL_MOST + 2; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "old.%d", i);
        move(f, "log", name);
        put(f, "log", name);
        look(f);
    }
    assert_int_equal(f->trail.count, TRAIL_MOST);
    assert_int_equal(f->trail.missed, 2);
    assert_next(f, "old.0");
}

static void test_folder_that_is_replaced_is_watched_no_more(void **state) {
    struct fixture *f = *state;
    char *inner = test_path(f->folder, "inner");
    char *moved = test_path(f->folder, "moved");
    char *path = test_path(inner, "log");
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(trail_open(&f->trail, path), 0);

    assert_int_equal(rename(inner, moved), 0);
    look(f);

    assert_int_equal(f->trail.fd, -1);
    assert_int_equal(trail_open(&f->trail, path), -1);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(trail_open(&f->trail, path), 0);
    free(inner);
    free(moved);
    free(path);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_has_come),
        TEST(test_rotated_once),
        TEST(test_empty_newcomer_is_not_next_while_it_is_the_last),
        TEST(test_rotated_three_times_between_two_looks),
        TEST(test_found_file_may_be_removed_afterwards),
        TEST(test_file_that_came_and_went_is_missed),
        TEST(test_file_written_over_is_missed),
        TEST(test_current_file_that_comes_back_is_no_newcomer),
        TEST(test_link_that_is_switched),
        TEST(test_more_than_it_holds_are_counted),
        TEST(test_folder_that_is_replaced_is_watched_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
