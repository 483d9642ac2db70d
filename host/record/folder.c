/* The folder with post-mortem files; see folder.h. */
#include "record/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define TIME_SIZE 20u /* 20261122T120405.123Z */
#define SUFFIX ".json"
#define NAME_PART 100
#define TEMP_PREFIX ".troupe-post-mortem-"
#define TEMP_AGE_S 600 /* nobody takes so long to write one */
#define NAME_TRIES 1000

/* ------------------------------------------------------- names */

static void format_time(char ret[TIME_SIZE + 1], int64_t wall_ns) {
    int64_t ms = wall_ns / (int64_t)NS_PER_MS;
    ms = ms < 0 ? 0 : ms;
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900) {
        (void)snprintf(ret, TIME_SIZE + 1, "99991231T235959.999Z");
        return;
    }
    size_t size = strftime(ret, TIME_SIZE + 1, "%Y%m%dT%H%M%S", &tm);
    (void)snprintf(ret + size, TIME_SIZE + 1 - size, ".%03dZ", (int)(ms % 1000));
}

void folder_name(char ret[FOLDER_NAME_MAX], const char *prefix, const char *name, uint64_t pid,
                 uint32_t incarnation, int64_t wall_ns) {
    char time[TIME_SIZE + 1];
    format_time(time, wall_ns);
    (void)snprintf(ret, FOLDER_NAME_MAX, "%s%.*s-%" PRIu64 ".%" PRIu32 "-%s" SUFFIX, prefix,
                   NAME_PART, name && *name ? name : "actor", pid, incarnation, time);
    for (char *at = ret; *at; at++) {
        bool is_safe = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                       (*at >= '0' && *at <= '9') || strchr("._-", *at);
        *at = is_safe ? *at : '_';
    }
    ret[0] = ret[0] == '.' || ret[0] == '-' ? '_' : ret[0];
}

static bool is_time(const char *text) {
    static const char shape[] = "00000000T000000.000Z";
    for (size_t i = 0; i < TIME_SIZE; i++) {
        bool fits = shape[i] == '0' ? isdigit((unsigned char)text[i]) != 0 : text[i] == shape[i];
        if (!fits) {
            return false;
        }
    }
    return true;
}

/* Steps back over digits; at least one. */
static const char *skip_number_back(const char *start, const char *end) {
    const char *at = end;
    while (at > start && isdigit((unsigned char)at[-1])) {
        at--;
    }
    return at < end ? at : NULL;
}

bool folder_is_own(const char *name, size_t *ret_time) {
    size_t size = strlen(name);
    size_t tail = TIME_SIZE + strlen(SUFFIX);
    if (name[0] == '.' || size < tail + strlen("x-0.0-") || strcmp(name + size - 5, SUFFIX) != 0) {
        return false;
    }
    const char *time = name + size - tail;
    if (!is_time(time) || time[-1] != '-') {
        return false;
    }
    const char *incarnation = skip_number_back(name, time - 1);
    if (!incarnation || incarnation == name || incarnation[-1] != '.') {
        return false;
    }
    const char *pid = skip_number_back(name, incarnation - 1);
    if (!pid || pid < name + 2 || pid[-1] != '-') {
        return false;
    }
    *ret_time = (size_t)(time - name);
    return true;
}

/* "...123Z.json" to "...124Z.json": the name says when to within what it takes to be another. */
static void take_next_name(char name[FOLDER_NAME_MAX]) {
    char *last = name + strlen(name) - strlen("Z" SUFFIX) - 1;
    for (unsigned digits = 0; digits < 3; digits++, last--) {
        if (*last != '9') {
            *last = (char)(*last + 1);
            return;
        }
        *last = '0';
    }
}

/* ------------------------------------------------------- writing */

static int open_folder(const char *path, struct err *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        (void)err_errno(err, ERR_IO, errno, "cannot open the folder '%s'", path);
    }
    return fd;
}

static int write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return -1;
        }
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

static void temp_name(char *ret, size_t size) {
    /* The clock, so that two processes that number their threads alike don't meet. */
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(ret, size, TEMP_PREFIX "%d-%ld%09ld", (int)getpid(), (long)now.tv_sec,
                   now.tv_nsec);
}

static int fill_temp(int folder, const char *temp, const char *data, size_t size) {
    int fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0) {
        return -1;
    }
    int status = write_all(fd, data, size) < 0 || fsync(fd) < 0 ? -1 : 0;
    int number = errno;
    if (close(fd) < 0 && status == 0) {
        return -1;
    }
    errno = number;
    return status;
}

/* A file of the same name stays. Not every file system can say so in one step. */
static int rename_new(int folder, const char *from, const char *to) {
    if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return -1;
    }
    struct stat info;
    if (fstatat(folder, to, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(folder, from, folder, to);
}

static int place(int folder, const char *temp, char name[FOLDER_NAME_MAX]) {
    for (unsigned i = 0; i < NAME_TRIES; i++) {
        if (rename_new(folder, temp, name) == 0) {
            return 0;
        }
        if (errno != EEXIST) {
            return -1;
        }
        take_next_name(name);
    }
    return -1;
}

int folder_write(const char *path, char name[FOLDER_NAME_MAX], const char *data, size_t size,
                 struct err *err) {
    int folder = open_folder(path, err);
    if (folder < 0) {
        return -1;
    }
    char temp[64];
    temp_name(temp, sizeof temp);
    int status = 0;
    if (fill_temp(folder, temp, data, size) < 0 || place(folder, temp, name) < 0) {
        status = err_errno(err, ERR_IO, errno, "cannot write '%s/%s'", path, name);
        (void)unlinkat(folder, temp, 0);
    }
    (void)close(folder);
    return status;
}

/* ------------------------------------------------------- bounds */

struct file {
    char name[FOLDER_NAME_MAX + 56];
    size_t time; /* where it is in the name */
    uint64_t size;
};

struct listing {
    struct file *files;
    size_t count, room;
    uint64_t bytes;
};

static int list_add(struct listing *listing, const struct file *file) {
    if (listing->count == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 64;
        struct file *files = mem_resize(listing->files, room * sizeof *files);
        if (!files) {
            return -1;
        }
        listing->files = files;
        listing->room = room;
    }
    listing->files[listing->count++] = *file;
    listing->bytes += file->size;
    return 0;
}

static DIR *open_stream(int folder) {
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
    if (!stream && copy >= 0) {
        (void)close(copy);
    }
    return stream;
}

static int list_own(int folder, struct listing *listing) {
    DIR *stream = open_stream(folder);
    if (!stream) {
        return -1;
    }
    int status = 0;
    for (struct dirent *entry; status == 0 && (entry = readdir(stream));) {
        struct file file;
        struct stat info;
        size_t size = strlen(entry->d_name);
        if (size < sizeof file.name && folder_is_own(entry->d_name, &file.time) &&
            fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode)) {
            memcpy(file.name, entry->d_name, size + 1);
            file.size = (uint64_t)info.st_size;
            status = list_add(listing, &file);
        }
    }
    (void)closedir(stream);
    return status;
}

static int compare_age(const void *a, const void *b) {
    const struct file *first = a, *second = b;
    int order = memcmp(first->name + first->time, second->name + second->time, TIME_SIZE);
    return order ? order : strcmp(first->name, second->name);
}

static uint64_t remove_beyond(int folder, struct listing *listing, uint32_t files_max,
                              uint64_t bytes_max) {
    uint64_t removed = 0, left = listing->count, bytes = listing->bytes;
    qsort(listing->files, listing->count, sizeof *listing->files, compare_age);
    for (size_t i = 0; i + 1 < listing->count && (left > files_max || bytes > bytes_max); i++) {
        if (unlinkat(folder, listing->files[i].name, 0) == 0) {
            removed++;
        }
        left--;
        bytes -= listing->files[i].size;
    }
    return removed;
}

uint64_t folder_trim(const char *path, uint32_t files_max, uint64_t bytes_max) {
    struct listing listing = {.count = 0};
    uint64_t removed = 0;
    int folder = open_folder(path, NULL);
    if (folder < 0) {
        return 0;
    }
    if (list_own(folder, &listing) == 0 &&
        (listing.count > files_max || listing.bytes > bytes_max)) {
        removed = remove_beyond(folder, &listing, files_max, bytes_max);
    }
    mem_free(listing.files);
    (void)close(folder);
    return removed;
}

/* ------------------------------------------------------- the beginning */

static void remove_stale(int folder) {
    DIR *stream = open_stream(folder);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        struct stat info;
        if (strncmp(entry->d_name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0 &&
            fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            info.st_mtime + TEMP_AGE_S < now.tv_sec) {
            (void)unlinkat(folder, entry->d_name, 0);
        }
    }
    if (stream) {
        (void)closedir(stream);
    }
}

int folder_prepare(const char *path, struct err *err) {
    if (mkdir(path, 0750) < 0 && errno != EEXIST) {
        return err_errno(err, ERR_IO, errno, "cannot make the folder '%s'", path);
    }
    int folder = open_folder(path, err);
    if (folder < 0) {
        return -1;
    }
    char temp[64];
    temp_name(temp, sizeof temp);
    int status = 0;
    if (fill_temp(folder, temp, "", 0) < 0) {
        status = err_errno(err, ERR_IO, errno, "cannot write into the folder '%s'", path);
    }
    (void)unlinkat(folder, temp, 0);
    remove_stale(folder);
    (void)close(folder);
    return status;
}
