/* Reads a file forward, and notices when it is no longer the same. */
#include "file/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/owned_fd.h"

void reader_init(struct reader *r) {
    memset(r, 0, sizeof *r);
    r->fd = -1;
}

void reader_close(struct reader *r) {
    struct troupe_turn *turn = r->turn;
    if (r->fd >= 0) {
        owned_fd_close(turn, r->fd);
    }
    reader_init(r);
    r->turn = turn;
}

/* Another description of the same input where the system has one: the host makes what it watches
 * non-blocking, and that must not reach the program we share our own with. */
static int open_standard_input(void) {
    struct stat st;
    if (fstat(STDIN_FILENO, &st) < 0) {
        return -1;
    }
    int fd = S_ISREG(st.st_mode) ? -1 : open("/dev/stdin", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 ? fd : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
}

static int open_path(const char *path, bool follow) {
    struct stat st;
    bool is_fifo = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
    /* Being a writer ourselves, we never see the end of a FIFO. */
    int access = is_fifo && follow ? O_RDWR : O_RDONLY;
    return open(path, access | O_NONBLOCK | O_CLOEXEC);
}

static enum reader_kind kind_of(int fd, mode_t mode) {
    if (S_ISREG(mode)) {
        return READER_FILE;
    }
    return S_ISFIFO(mode) || S_ISSOCK(mode) || isatty(fd) ? READER_STREAM : READER_DEVICE;
}

static int take_file(struct reader *r, int fd, bool is_standard_input) {
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return -1;
    }
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    r->kind = kind_of(fd, st.st_mode);
    r->device = st.st_dev;
    r->inode = st.st_ino;
    r->fd = fd;
    off_t at = is_standard_input && r->kind == READER_FILE ? lseek(fd, 0, SEEK_CUR) : 0;
    return at > 0 ? reader_seek(r, (uint64_t)at) : 0;
}

static int take(struct reader *r, int fd, bool is_standard_input) {
    if (take_file(r, fd, is_standard_input) < 0) {
        int saved = errno;
        r->fd = fd;
        reader_close(r);
        errno = saved;
        return -1;
    }
    return 0;
}

int reader_open(struct reader *r, const char *path, bool follow) {
    reader_close(r);
    bool is_standard_input = strcmp(path, "-") == 0;
    int fd = owned_fd(r->turn, is_standard_input ? open_standard_input() : open_path(path, follow));
    return fd < 0 ? -1 : take(r, fd, is_standard_input);
}

int reader_take(struct reader *r, int fd) {
    reader_close(r);
    return take(r, fd, false);
}

int reader_seek(struct reader *r, uint64_t offset) {
    struct stat st;
    if (fstat(r->fd, &st) < 0) {
        return -1;
    }
    uint64_t size = (uint64_t)st.st_size;
    r->offset = offset < size ? offset : size;
    r->mark_size = 0;
    uint32_t want = r->offset < READER_MARK ? (uint32_t)r->offset : READER_MARK;
    ssize_t got = pread(r->fd, r->mark, want, (off_t)(r->offset - want));
    if (got < 0) {
        return -1;
    }
    r->mark_size = (uint64_t)got == want ? want : 0;
    return 0;
}

/* The place behind the last LF before `end`, or `limit` when there is none from there on. */
static int find_line_begin(int fd, uint64_t end, uint64_t limit, uint64_t *ret) {
    char block[4096];
    while (end > limit) {
        size_t want = end - limit < sizeof block ? (size_t)(end - limit) : sizeof block;
        ssize_t got = pread(fd, block, want, (off_t)(end - want));
        if (got < 0) {
            return -1;
        }
        for (size_t i = (size_t)got; i > 0; i--) {
            if (block[i - 1] == '\n') {
                *ret = end - want + i;
                return 0;
            }
        }
        end -= want;
    }
    *ret = limit;
    return 0;
}

int reader_seek_end(struct reader *r, uint64_t max_back) {
    struct stat st;
    if (fstat(r->fd, &st) < 0) {
        return -1;
    }
    uint64_t size = (uint64_t)st.st_size;
    uint64_t begin = 0;
    if (find_line_begin(r->fd, size, size > max_back ? size - max_back : 0, &begin) < 0) {
        return -1;
    }
    return reader_seek(r, begin);
}

static void remember(struct reader *r, const char *data, uint64_t size) {
    if (size >= READER_MARK) {
        memcpy(r->mark, data + size - READER_MARK, READER_MARK);
        r->mark_size = READER_MARK;
        return;
    }
    uint32_t keep = r->mark_size;
    if (keep + size > READER_MARK) {
        keep = READER_MARK - (uint32_t)size;
    }
    memmove(r->mark, r->mark + r->mark_size - keep, keep);
    memcpy(r->mark + keep, data, size);
    r->mark_size = keep + (uint32_t)size;
}

static enum reader_step read_file(struct reader *r, char *into, uint64_t room, uint64_t *ret_size) {
    char again[READER_MARK];
    struct iovec parts[2] = {{again, r->mark_size}, {into, room}};
    ssize_t got = preadv(r->fd, parts, 2, (off_t)(r->offset - r->mark_size));
    if (got < 0) {
        return errno == EINTR ? READER_NOT_YET : READER_FAILED;
    }
    if ((uint64_t)got < r->mark_size || memcmp(again, r->mark, r->mark_size) != 0) {
        return READER_CHANGED;
    }
    uint64_t size = (uint64_t)got - r->mark_size;
    if (size == 0) {
        return READER_AT_END;
    }
    r->offset += size;
    remember(r, into, size);
    *ret_size = size;
    return READER_DATA;
}

static enum reader_step read_stream(struct reader *r, char *into, uint64_t room,
                                    uint64_t *ret_size) {
    ssize_t got = read(r->fd, into, room);
    if (got < 0) {
        bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        return again ? READER_NOT_YET : READER_FAILED;
    }
    if (got == 0) {
        return READER_AT_END;
    }
    r->offset += (uint64_t)got;
    *ret_size = (uint64_t)got;
    return READER_DATA;
}

enum reader_step reader_read(struct reader *r, char *into, uint64_t room, uint64_t *ret_size) {
    return r->kind == READER_FILE ? read_file(r, into, room, ret_size)
                                  : read_stream(r, into, room, ret_size);
}

bool reader_is_replaced(const struct reader *r, const char *path) {
    struct stat st;
    if (r->kind != READER_FILE || strcmp(path, "-") == 0 || stat(path, &st) < 0) {
        return false;
    }
    return (st.st_dev != r->device || st.st_ino != r->inode) && st.st_size > 0;
}
