/* The files that a process which dies of a fault leaves behind: made ready while it is well. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sched/fault_end.h"

#define NAME_SIZE 64u
#define HIDDEN ".process-"
#define ATTEMPTS 64

struct fault_post_mortem {
    struct fault_post_mortem *next;
    pid_t pid;
    int folder;           /* descriptors */
    int file, maps;       /* maps: -1 where there is none */
    char name[NAME_SIZE]; /* of the file, hidden; empty: it has none yet */
    char link[NAME_SIZE]; /* by which a file without a name is found */
    char *directory, *proc, *version;
};

/* PR-4: those of all procs. Under end_lock. */
static struct {
    struct fault_post_mortem *first;
    struct fault_modules modules; /* too large for the stack of a handler */
} posts;

/* --- making ready --- */

static char *add_text(char *at, const char *text) {
    size_t length = strlen(text);
    memcpy(at, text, length + 1);
    return at + length;
}

static char *add_number(char *at, unsigned number) {
    char digits[12];
    size_t first = sizeof digits;
    digits[--first] = '\0';
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return add_text(at, digits + first);
}

/* A file without a name, which goes with its descriptor. Not every file system has such. */
static bool open_unnamed(struct fault_post_mortem *post) {
    post->file = openat(post->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
    if (post->file < 0) {
        return false;
    }
    (void)add_number(add_text(post->link, "/proc/self/fd/"), (unsigned)post->file);
    if (access(post->link, F_OK) == 0) {
        return true;
    }
    (void)close(post->file);
    post->file = -1;
    return false;
}

/* Those of processes that were killed. */
static void remove_left(int folder) {
    DIR *dir = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        int fd = strncmp(entry->d_name, HIDDEN, sizeof HIDDEN - 1) == 0
                     ? openat(folder, entry->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                     : -1;
        if (fd >= 0) {
            if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
                (void)unlinkat(folder, entry->d_name, 0);
            }
            (void)close(fd);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
}

/* One with a hidden name. The lock tells a living process's from one that was left behind. */
static int open_hidden(struct fault_post_mortem *post) {
    remove_left(post->folder);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        struct stat st;
        char *at = add_number(add_text(post->name, HIDDEN), (unsigned)post->pid);
        (void)add_text(add_number(add_text(at, "-"), i), ".json");
        post->file = openat(post->folder, post->name,
                            O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
        if (post->file < 0) {
            break;
        }
        if (flock(post->file, LOCK_EX | LOCK_NB) == 0 && fstat(post->file, &st) == 0 &&
            st.st_nlink == 1 && S_ISREG(st.st_mode)) {
            return 0;
        }
        (void)close(post->file);
        post->file = -1;
        errno = EBUSY;
    }
    post->name[0] = '\0';
    return -1;
}

static int open_files(struct fault_post_mortem *post, struct err *err) {
    if (mkdir(post->directory, 0750) < 0 && errno != EEXIST) {
        return err_errno(err, ERR_IO, errno, "cannot make the folder '%s' for post-mortems",
                         post->directory);
    }
    post->folder = open(post->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (post->folder < 0) {
        return err_errno(err, ERR_IO, errno, "cannot open the folder '%s' for post-mortems",
                         post->directory);
    }
    if (!open_unnamed(post) && open_hidden(post) < 0) {
        return err_errno(err, ERR_IO, errno, "cannot write post-mortems into the folder '%s'",
                         post->directory);
    }
    post->maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    return 0;
}

static void close_if_open(int fd) {
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void destroy(struct fault_post_mortem *post) {
    if (post->name[0] && post->pid == getpid()) {
        (void)unlinkat(post->folder, post->name, 0);
    }
    close_if_open(post->file); /* behind the unlink: the lock keeps others off until it is gone */
    close_if_open(post->folder);
    close_if_open(post->maps);
    mem_free(post->directory);
    mem_free(post->proc);
    mem_free(post->version);
    mem_free(post);
}

int fault_post_mortem_open(const char *directory, const char *proc, const char *version,
                           struct fault_post_mortem **ret, struct err *err) {
    struct fault_post_mortem *post = mem_alloc(sizeof *post);
    if (!post) {
        return err_set(err, ERR_NOMEM, "post-mortem");
    }
    *post = (struct fault_post_mortem){.pid = getpid(), .folder = -1, .file = -1, .maps = -1};
    post->directory = mem_text(directory);
    post->proc = mem_text(proc);
    post->version = mem_text(version);
    if (!post->directory || !post->proc || !post->version) {
        err_set(err, ERR_NOMEM, "post-mortem");
        goto fail;
    }
    if (open_files(post, err) < 0) {
        goto fail;
    }
    fault_open();
    end_lock();
    struct fault_post_mortem **at = &posts.first;
    while (*at) {
        at = &(*at)->next;
    }
    *at = post;
    end_unlock();
    *ret = post;
    return 0;

fail:
    destroy(post);
    return -1;
}

void fault_post_mortem_close(struct fault_post_mortem *post) {
    if (!post) {
        return;
    }
    end_lock();
    struct fault_post_mortem **at = &posts.first;
    while (*at != post) {
        at = &(*at)->next;
    }
    *at = post->next;
    end_unlock();
    fault_close();
    destroy(post);
}

/* --- dying --- */

/* "process-20261130T024450Z-123.json" */
static void make_name(const struct fault_death *death, char ret[NAME_SIZE]) {
    char utc[UTC_SIZE];
    utc_text(death->occurred_at_ns / 1000000000, utc);
    char *at = add_text(add_text(add_text(ret, "process-"), utc), "-");
    (void)add_text(add_number(at, (unsigned)death->pid), ".json");
}

/* Its name is what makes it a post-mortem; it gets that last, and whole. */
static bool give_name(struct fault_post_mortem *post, const char *name) {
    if (post->name[0]) {
        return renameat(post->folder, post->name, post->folder, name) == 0;
    }
    return linkat(AT_FDCWD, post->link, post->folder, name, AT_SYMLINK_FOLLOW) == 0;
}

static bool exists(const struct fault_post_mortem *post, const char *name) {
    return faccessat(post->folder, name, F_OK, 0) == 0;
}

void post_mortem_write(int fd, const struct fault_death *death, bool with_modules) {
    char name[NAME_SIZE];
    make_name(death, name);
    struct fault_post_mortem *post = posts.first;
    if (post && with_modules) {
        modules_find(post->maps, death->report, &posts.modules);
    }
    for (; post; post = post->next) {
        /* a child of fork has the descriptors of its parent, whose file it is; and procs of one
         * folder have one file */
        if (post->pid != death->pid || exists(post, name)) {
            continue;
        }
        if (ftruncate(post->file, 0) == 0 &&
            json_write(post->file, death, with_modules ? &posts.modules : NULL, post->proc,
                       post->version) &&
            give_name(post, name)) {
            write_words(fd, "troupe: post-mortem: ", post->directory, "/", name);
        } else {
            write_words(fd, "troupe: cannot write a post-mortem into '", post->directory, "'", "");
        }
    }
}
