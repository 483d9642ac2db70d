/* Files of a test: a folder that is removed with all in it, files written and read whole, and what a
 * piece of code writes to stdout or stderr. All fail the test when the system refuses. */
#pragma once

#include <stddef.h>

/* A new folder under TMPDIR, or /tmp. test_temp_remove() frees the text too; takes NULL. */
char *test_temp_create(void);
void test_temp_remove(char *folder);
/* "folder/name"; freed by the caller. */
char *test_path(const char *folder, const char *name);
void test_write_file(const char *path, const char *text);
void test_write_file_n(const char *path, const void *data, size_t size);
void test_append_file(const char *path, const char *text);
/* NUL-terminated beyond *ret_size (may be NULL); freed by the caller. */
char *test_read_file(const char *path, size_t *ret_size);
/* The lines that are whole: somebody may be writing the next, which comes to be page by page. Freed by the caller. */
char *test_read_lines(const char *path);

/* Turns `fd` (1 or 2) into a file, and back. */
struct test_capture {
    int fd;
    int saved;
    int file;
};
void test_capture_start(struct test_capture *capture, int fd);
/* What was written, also by children; freed by the caller. */
char *test_capture_stop(struct test_capture *capture);
