/* Watching folders by inotify. */
#include "reload/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "reload/reload_impl.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR)

/* A file of the deployment. */
struct watched {
    char *path; /* owned */
    int folder; /* its number; -1: it can't be watched */
};

struct watch {
    struct reload *reload;
    pthread_t thread;
    int events, stop, news; /* inotify, eventfds; `news`: there are other files */
    struct watched *files;  /* owned */
    size_t file_count;
};

static const char *name_in_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- files --- */

static void free_files(struct watched *files, size_t count) {
    for (size_t i = 0; i < count; i++) {
        mem_free(files[i].path);
    }
    mem_free(files);
}

static int watch_folder(struct watch *watch, struct watched *file, struct err *err) {
    const char *name = name_in_folder(file->path);
    struct str folder;
    str_init(&folder);
    str_add_n(&folder, file->path, (size_t)(name - file->path));
    str_add(&folder, name == file->path ? "." : "");
    file->folder = folder.failed ? -1 : inotify_add_watch(watch->events, str_text(&folder), EVENTS);
    int status = 0;
    if (file->folder < 0) {
        status = err_errno(err, ERR_IO, errno, "folder '%s' cannot be watched", str_text(&folder));
    }
    str_fini(&folder);
    return status;
}

/* All that there are by now; those that can't be watched are left out: -1, and err says why of one of them. */
static int take_files(struct watch *watch, struct err *err) {
    struct reload *reload = watch->reload;
    pthread_mutex_lock(&reload->lock);
    size_t count = reload->file_count;
    struct watched *files = mem_array(count + 1, sizeof *files);
    bool all = files;
    for (size_t i = 0; all && i < count; i++) {
        files[i].path = mem_text(reload->files[i].path);
        all = files[i].path;
    }
    pthread_mutex_unlock(&reload->lock);
    if (!all) {
        free_files(files, files ? count : 0);
        return err_set(err, ERR_NOMEM, "watching %zu plugin files", count);
    }
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        status = watch_folder(watch, &files[i], err) < 0 ? -1 : status;
    }
    free_files(watch->files, watch->file_count);
    watch->files = files;
    watch->file_count = count;
    return status;
}

/* Whether there are other files: one may have changed before it was watched. */
static bool read_news(struct watch *watch) {
    uint64_t times;
    struct err err;
    if (read(watch->news, &times, sizeof times) < 0) {
        return false;
    }
    if (take_files(watch, &err) < 0 && watch->reload->log) {
        log_write(watch->reload->log, LOG_WARN, NULL, "a new plugin file is not watched: %s",
                  err.text);
    }
    return true;
}

/* Who is told of other files; -1: nobody. */
static void tell_news_to(struct reload *reload, int fd) {
    pthread_mutex_lock(&reload->lock);
    reload->news = fd;
    pthread_mutex_unlock(&reload->lock);
}

/* --- events --- */

/* Whether one of these is about a plugin file; an overflow may be about each. */
static bool is_about_ours(const struct watch *watch, const struct inotify_event *event) {
    if (event->mask & IN_Q_OVERFLOW) {
        return true;
    }
    for (size_t i = 0; event->len > 0 && i < watch->file_count; i++) {
        if (watch->files[i].folder == event->wd &&
            strcmp(name_in_folder(watch->files[i].path), event->name) == 0) {
            return true;
        }
    }
    return false;
}

/* Empties the queue. */
static bool read_events(const struct watch *watch) {
    _Alignas(struct inotify_event) char room[4096];
    bool is_ours = false;
    ssize_t size;
    while ((size = read(watch->events, room, sizeof room)) > 0) {
        for (const char *at = room; at < room + size;) {
            const struct inotify_event *event = (const void *)at;
            is_ours |= is_about_ours(watch, event);
            at += sizeof *event + event->len;
        }
    }
    return is_ours;
}

/* A read lease is refused as long as somebody has the file open for writing; other refusals tell nothing. */
static bool is_being_written(const char *path) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    bool is_written = fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    (void)close(fd);
    return is_written;
}

static bool any_is_being_written(const struct watch *watch) {
    for (size_t i = 0; i < watch->file_count; i++) {
        if (is_being_written(watch->files[i].path)) {
            return true;
        }
    }
    return false;
}

static void reload_all(const struct watch *watch) {
    struct reload_report report;
    const struct reload_how how = {0};
    (void)reload_run(watch->reload, &how, &report, NULL); /* it says what came of it */
}

/* Until asked to stop. */
static void *run(void *argument) {
    struct watch *watch = argument;
    struct pollfd fds[] = {{.fd = watch->stop, .events = POLLIN},
                           {.fd = watch->events, .events = POLLIN},
                           {.fd = watch->news, .events = POLLIN}};
    /* for it to be quiet; at first, as one may have changed before it was watched */
    bool waits = true;
    for (;;) {
        int ready = poll(fds, 3, waits ? (int)(WATCH_QUIET_NS / NS_PER_MS) : -1);
        if (fds[0].revents) {
            return NULL;
        }
        if (ready > 0) {
            bool has_events = read_events(watch);
            bool has_news = read_news(watch);
            waits = waits || has_events || has_news;
        } else if (ready == 0 && !any_is_being_written(watch)) {
            waits = false;
            reload_all(watch);
        }
    }
}

/* --- start and stop --- */

/* Signals of the process are for its own threads. */
static int start_thread(struct watch *watch, struct err *err) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&watch->thread, NULL, run, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number ? err_errno(err, ERR_IO, number, "cannot start a thread") : 0;
}

static void destroy(struct watch *watch) {
    tell_news_to(watch->reload, -1);
    if (watch->events >= 0) {
        (void)close(watch->events);
    }
    if (watch->stop >= 0) {
        (void)close(watch->stop);
    }
    if (watch->news >= 0) {
        (void)close(watch->news);
    }
    free_files(watch->files, watch->file_count);
    mem_free(watch);
}

int watch_start(struct reload *reload, struct watch **ret, struct err *err) {
    struct watch *watch = mem_alloc(sizeof *watch);
    if (!watch) {
        return err_set(err, ERR_NOMEM, "watch");
    }
    watch->reload = reload;
    watch->events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch->stop = eventfd(0, EFD_CLOEXEC);
    watch->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int status = 0;
    if (watch->events < 0 || watch->stop < 0 || watch->news < 0) {
        status = err_errno(err, ERR_IO, errno, "files cannot be watched");
    }
    tell_news_to(reload, watch->news); /* before they are looked at */
    status = status < 0 ? status : take_files(watch, err);
    if (status < 0 || start_thread(watch, err) < 0) {
        destroy(watch);
        return -1;
    }
    *ret = watch;
    return 0;
}

void watch_stop(struct watch *watch) {
    if (!watch) {
        return;
    }
    const uint64_t one = 1;
    (void)!write(watch->stop, &one, sizeof one);
    pthread_join(watch->thread, NULL);
    destroy(watch);
}
