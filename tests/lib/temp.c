/* Files of a test; see temp.h. */
#include "lib/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/test.h"

static void fail_system(const char *what, const char *path) {
    fail_msg("%s '%s': %s", what, path, strerror(errno));
}

char *test_path(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    assert_non_null(path);
    (void)snprintf(path, size, "%s/%s", folder, name);
    return path;
}

char *test_temp_create(void) {
    const char *parent = getenv("TMPDIR");
    char *path = test_path(parent ? parent : "/tmp", "troupe-test-XXXXXX");
    if (!mkdtemp(path)) {
        fail_system("cannot make", path);
    }
    return path;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

void test_temp_remove(char *folder) {
    if (folder && nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) < 0) {
        fail_system("cannot remove", folder);
    }
    free(folder);
}

static void write_all(const char *path, int flags, const void *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0) {
        fail_system("cannot write", path);
    }
}

void test_write_file_n(const char *path, const void *data, size_t size) {
    write_all(path, O_TRUNC, data, size);
}

void test_write_file(const char *path, const char *text) {
    write_all(path, O_TRUNC, text, strlen(text));
}

void test_append_file(const char *path, const char *text) {
    write_all(path, O_APPEND, text, strlen(text));
}

static char *read_all(int fd, const char *path, size_t *ret_size) {
    struct stat info;
    if (fstat(fd, &info) < 0) {
        fail_system("cannot read", path);
    }
    char *text = malloc((size_t)info.st_size + 1);
    assert_non_null(text);
    ssize_t size = pread(fd, text, (size_t)info.st_size, 0);
    if (size < 0) {
        fail_system("cannot read", path);
    }
    text[size] = '\0';
    if (ret_size) {
        *ret_size = (size_t)size;
    }
    return text;
}

char *test_read_file(const char *path, size_t *ret_size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail_system("cannot read", path);
    }
    char *text = read_all(fd, path, ret_size);
    (void)close(fd);
    return text;
}

char *test_read_lines(const char *path) {
    char *text = test_read_file(path, NULL);
    char *last = strrchr(text, '\n');
    text[last ? last + 1 - text : 0] = '\0';
    return text;
}

void test_capture_start(struct test_capture *capture, int fd) {
    (void)fflush(NULL);
    capture->fd = fd;
    capture->saved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    capture->file = memfd_create("captured", MFD_CLOEXEC);
    if (capture->saved < 0 || capture->file < 0 || dup2(capture->file, fd) < 0) {
        fail_system("cannot capture", fd == 1 ? "stdout" : "stderr");
    }
}

char *test_capture_stop(struct test_capture *capture) {
    (void)fflush(NULL);
    (void)dup2(capture->saved, capture->fd);
    char *text = read_all(capture->file, "captured output", NULL);
    (void)close(capture->saved);
    (void)close(capture->file);
    return text;
}
