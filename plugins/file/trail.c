/* Follows the files that stand at a path by the kernel's account of its folder. */
#include "file/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/owned_fd.h"

#define TRAIL_EVENTS                                                                               \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |         \
     IN_ONLYDIR)
#define TRAIL_ROUNDS 1000 /* somebody who renames without end must not hold us */

void trail_init(struct trail *t) {
    t->turn = NULL;
    t->fd = -1;
    t->count = 0;
    t->missed = 0;
}

static bool split_path(struct trail *t, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    int folder = slash ? (int)(slash - path) : 1;
    const char *front = slash ? path : ".";
    if (slash == path) {
        folder = 1; /* the root */
    }
    int size = snprintf(t->folder, sizeof t->folder, "%.*s", folder, front);
    int base_size = snprintf(t->base, sizeof t->base, "%s", base);
    return size < (int)sizeof t->folder && base_size < (int)sizeof t->base && base_size > 0;
}

int trail_open(struct trail *t, const char *path) {
    trail_close(t);
    if (!split_path(t, path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = owned_fd(t->turn, inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (fd < 0) {
        return -1;
    }
    if (inotify_add_watch(fd, t->folder, TRAIL_EVENTS) < 0) {
        int saved = errno;
        owned_fd_close(t->turn, fd);
        errno = saved;
        return -1;
    }
    t->fd = fd;
    return 0;
}

static void forget(const struct trail *t, struct trail_file *f) {
    if (f->fd >= 0) {
        owned_fd_close(t->turn, f->fd);
    }
    f->fd = -1;
}

void trail_close(struct trail *t) {
    struct troupe_turn *turn = t->turn;
    for (uint32_t i = 0; i < t->count; i++) {
        forget(t, &t->files[i]);
    }
    if (t->fd >= 0) {
        owned_fd_close(turn, t->fd);
    }
    trail_init(t);
    t->turn = turn;
}

/* ------------------------------------------------------- what the kernel says */

static void add_newcomer(struct trail *t) {
    if (t->count == TRAIL_MOST) {
        t->missed++;
        forget(t, &t->files[--t->count]);
    }
    struct trail_file *f = &t->files[t->count++];
    *f = (struct trail_file){.fd = -1, .touched = true};
    memcpy(f->name, t->base, sizeof f->name);
}

/* Who is not open yet for sure, by where it was last. */
static struct trail_file *find_name(struct trail *t, const char *name) {
    for (uint32_t i = t->count; i-- > 0;) {
        struct trail_file *f = &t->files[i];
        if (!f->sure && !f->gone && strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

static struct trail_file *find_moving(struct trail *t, uint32_t cookie) {
    for (uint32_t i = t->count; i-- > 0;) {
        struct trail_file *f = &t->files[i];
        if (!f->sure && f->gone && f->cookie == cookie) {
            return f;
        }
    }
    return NULL;
}

static void on_left(struct trail *t, const char *name, uint32_t cookie) {
    struct trail_file *f = find_name(t, name);
    if (f) {
        f->gone = true;
        f->touched = true;
        f->cookie = cookie;
    }
}

static void on_arrived(struct trail *t, const char *name, uint32_t cookie) {
    on_left(t, name, 0); /* what was there has been written over */
    struct trail_file *f = cookie ? find_moving(t, cookie) : NULL;
    if (f) {
        (void)snprintf(f->name, sizeof f->name, "%s", name);
        f->gone = false;
        f->touched = true;
        f->cookie = 0;
    } else if (strcmp(name, t->base) == 0) {
        add_newcomer(t);
    }
}

static void on_event(struct trail *t, const struct inotify_event *event) {
    const char *name = event->len ? event->name : "";
    if (event->mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_IGNORED | IN_UNMOUNT)) {
        owned_fd_close(t->turn, t->fd);
        t->fd = -1; /* the next look watches what has the folder's name then */
    } else if (event->mask & (IN_MOVED_FROM | IN_DELETE)) {
        on_left(t, name, event->cookie);
    } else if (event->mask & (IN_CREATE | IN_MOVED_TO)) {
        on_arrived(t, name, event->cookie);
    }
}

static void read_events(struct trail *t) {
    _Alignas(struct inotify_event) char room[4096];
    ssize_t size = 0;
    while (t->fd >= 0 && (size = read(t->fd, room, sizeof room)) > 0) {
        for (char *at = room; at < room + size && t->fd >= 0;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            on_event(t, event);
            at += sizeof *event + event->len;
        }
    }
}

/* ------------------------------------------------------- opening */

static void open_file(const struct trail *t, struct trail_file *f) {
    char path[sizeof t->folder + sizeof f->name + 1];
    struct stat st;
    forget(t, f);
    f->touched = false;
    if (f->gone) {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s", t->folder, f->name);
    f->fd = owned_fd(t->turn, open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (f->fd >= 0 && (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        forget(t, f);
    }
    if (f->fd >= 0) {
        f->device = st.st_dev;
        f->inode = st.st_ino;
    }
}

/* Opens those that are not sure, until nothing was renamed between an open and the look after it. */
static bool open_files(struct trail *t) {
    bool all = true;
    for (uint32_t i = 0; i < t->count; i++) {
        struct trail_file *f = &t->files[i];
        if (f->touched) {
            open_file(t, f);
            all = false;
        } else {
            f->sure = true;
        }
    }
    return all;
}

static bool is_known(const struct trail *t, uint32_t before, const struct trail_file *f) {
    for (uint32_t i = 0; i < before; i++) {
        if (t->files[i].device == f->device && t->files[i].inode == f->inode) {
            return true;
        }
    }
    return false;
}

/* Keeps what can be read and is not known. What stands at the path and cannot be opened is no loss yet:
 * who looks at the path sees it. */
static void sift(struct trail *t, dev_t device, ino_t inode) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        struct trail_file *f = &t->files[i];
        bool is_current = f->device == device && f->inode == inode;
        if (f->fd >= 0 && !is_current && !is_known(t, kept, f)) {
            t->files[kept++] = *f;
        } else {
            t->missed += f->fd < 0 && (f->gone || strcmp(f->name, t->base) != 0);
            forget(t, f);
        }
    }
    t->count = kept;
}

void trail_look(struct trail *t, dev_t device, ino_t inode) {
    if (t->fd < 0) {
        return;
    }
    for (int round = 0; round < TRAIL_ROUNDS; round++) {
        read_events(t);
        if (open_files(t)) {
            break;
        }
    }
    sift(t, device, inode);
}

bool trail_has_next(const struct trail *t) {
    struct stat st;
    return t->count > 1 || (t->count == 1 && fstat(t->files[0].fd, &st) == 0 && st.st_size > 0);
}

int trail_take(struct trail *t) {
    if (t->count == 0) {
        return -1;
    }
    int fd = t->files[0].fd;
    t->count--;
    memmove(t->files, t->files + 1, t->count * sizeof *t->files);
    return fd;
}
