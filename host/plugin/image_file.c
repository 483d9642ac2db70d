/* Reading a plugin file: only regular ones, only whole ones. */
#include "plugin/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define SIZE_MOST ((off_t)256 << 20)

static const char *type_text(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFIFO:
        return "a FIFO";
    case S_IFDIR:
        return "a directory";
    case S_IFCHR:
    case S_IFBLK:
        return "a device";
    case S_IFSOCK:
        return "a socket";
    default:
        return "something else";
    }
}

static int check_type(const struct stat *st, struct err *err) {
    if (!S_ISREG(st->st_mode)) {
        return err_set(err, ERR_INVALID, "it is %s, not a regular file", type_text(st->st_mode));
    }
    if (st->st_size > SIZE_MOST) {
        return err_set(err, ERR_INVALID, "it has %lld bytes, more than a plugin may have",
                       (long long)st->st_size);
    }
    return 0;
}

/* Opening a device can do things, so that the type is asked for first; and again after, when the
 * file can no longer be exchanged. O_NONBLOCK keeps a FIFO that came in between from hanging. */
static int open_regular(const char *path, struct stat *ret_st, struct err *err) {
    if (stat(path, ret_st) < 0) {
        return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "cannot open it");
    }
    if (check_type(ret_st, err) < 0) {
        return -1;
    }
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return err_errno(err, ERR_IO, errno, "cannot open it");
    }
    if (fstat(fd, ret_st) < 0 || check_type(ret_st, err) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool is_same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_unchanged(int fd, const struct stat *before) {
    struct stat after;
    return fstat(fd, &after) == 0 && after.st_size == before->st_size &&
           is_same_time(after.st_mtim, before->st_mtim) &&
           is_same_time(after.st_ctim, before->st_ctim);
}

static int read_all(int fd, uint8_t *bytes, size_t size, struct err *err) {
    size_t done = 0;
    while (done < size) {
        ssize_t count = read(fd, bytes + done, size - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return err_errno(err, ERR_IO, errno, "cannot read it");
        }
        if (count == 0) {
            return err_set(err, ERR_IO, "it became shorter while it was read");
        }
        done += (size_t)count;
    }
    return 0;
}

int image_file_read(const char *path, uint8_t **ret_bytes, size_t *ret_size, struct err *err) {
    struct stat st;
    int fd = open_regular(path, &st, err);
    if (fd < 0) {
        return -1;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *bytes = mem_alloc(size + 1); /* an empty file has bytes, too */
    int status = bytes ? read_all(fd, bytes, size, err)
                       : err_set(err, ERR_NOMEM, "no memory for its %zu bytes", size);
    if (status == 0 && !is_unchanged(fd, &st)) {
        status = err_set(err, ERR_IO, "it was written to while it was read");
    }
    close(fd);
    if (status < 0) {
        mem_free(bytes);
        return -1;
    }
    *ret_bytes = bytes;
    *ret_size = size;
    return 0;
}
