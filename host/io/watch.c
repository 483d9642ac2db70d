/* Watches on file descriptors; see watch.h. */
#include "io/watch.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/io_impl.h"

#define BATCH 64

/* --- slots --- */

static int slots_reserve_locked(struct io *io) {
    if (io->free_slot || io->slot_count < io->slot_room) {
        return 0;
    }
    uint32_t room = io->slot_room ? io->slot_room * 2 : 16;
    struct io_slot *slots = mem_resize(io->slots, room * sizeof *slots);
    if (!slots) {
        return -1;
    }
    io->slots = slots;
    io->slot_room = room;
    return 0;
}

/* There is room: slots_reserve_locked() was called. */
static uint32_t slot_take_locked(struct io *io, struct io_watch *watch) {
    uint32_t index = io->free_slot;
    if (index) {
        index--;
        io->free_slot = io->slots[index].next_free;
    } else {
        index = io->slot_count++;
        io->slots[index].generation = 0;
    }
    io->slots[index].watch = watch;
    return index;
}

static void slot_give_back_locked(struct io *io, uint32_t index) {
    io->slots[index].watch = NULL;
    io->slots[index].generation++;
    io->slots[index].next_free = io->free_slot;
    io->free_slot = index + 1;
}

/* --- errors --- */

static const char *kind_of_file(int fd) {
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return "file";
    }
    return S_ISREG(info.st_mode)   ? "regular file"
           : S_ISDIR(info.st_mode) ? "folder"
           : S_ISCHR(info.st_mode) ? "device without readiness"
                                   : "file without readiness";
}

static int fail_control(int fd, int number, struct err *err) {
    switch (number) {
    case EPERM:
        return err_set(err, ERR_INVALID,
                       "fd %d is a %s: it is always ready and can't be watched; read it on a timer",
                       fd, kind_of_file(fd));
    case EBADF:
        return err_set(err, ERR_INVALID, "fd %d is not open", fd);
    case ENOENT:
        return err_set(err, ERR_INVALID, "fd %d was closed and is another file now", fd);
    case EEXIST:
        return err_set(err, ERR_INVALID, "fd %d is watched already", fd);
    case ENOMEM:
        return err_set(err, ERR_NOMEM, "out of memory");
    default:
        return err_errno(err, ERR_IO, number, "fd %d can't be watched", fd);
    }
}

static int check_events(int fd, uint32_t events, struct err *err) {
    if (events == 0 || (events & ~(TROUPE_READABLE | TROUPE_WRITABLE)) != 0) {
        return err_set(err, ERR_INVALID,
                       "events 0x%x of fd %d are not TROUPE_READABLE, TROUPE_WRITABLE or both",
                       events, fd);
    }
    return 0;
}

/* --- the kernel's side --- */

/* One shot: the kernel switches the watch off as it reports it. Hang-ups it reports unasked. */
static int control_locked(struct io *io, int operation, const struct io_watch *watch,
                          uint32_t events) {
    struct epoll_event event = {.events = (events & TROUPE_READABLE ? EPOLLIN : 0u) |
                                          (events & TROUPE_WRITABLE ? EPOLLOUT : 0u) | EPOLLONESHOT,
                                .data.u64 = (uint64_t)io->slots[watch->slot].generation << 32 |
                                            watch->slot};
    return epoll_ctl(io->watch_fd, operation, watch->fd, &event) < 0 ? errno : 0;
}

int io_watch_start(struct io *io, struct io_watch *watch, int fd, uint32_t events,
                   void (*ready)(void *context, int fd, uint32_t events), void *context,
                   struct err *err) {
    if (check_events(fd, events, err) < 0) {
        return -1;
    }
    pthread_mutex_lock(&io->lock);
    if (io->ended || slots_reserve_locked(io) < 0) {
        bool ended = io->ended;
        pthread_mutex_unlock(&io->lock);
        return ended ? err_set(err, ERR_STOPPED, "the I/O thread has ended")
                     : err_set(err, ERR_NOMEM, "out of memory");
    }
    *watch = (struct io_watch){.fd = fd, .ready = ready, .context = context};
    list_init(&watch->link);
    watch->asked = events;
    watch->slot = slot_take_locked(io, watch);
    int number = control_locked(io, EPOLL_CTL_ADD, watch, events);
    if (number != 0) {
        slot_give_back_locked(io, watch->slot);
    }
    pthread_mutex_unlock(&io->lock);
    return number == 0 ? 0 : fail_control(fd, number, err);
}

int io_watch_again(struct io *io, struct io_watch *watch, uint32_t events, struct err *err) {
    if (check_events(watch->fd, events, err) < 0) {
        return -1;
    }
    pthread_mutex_lock(&io->lock);
    watch->asked = events;
    int number = control_locked(io, EPOLL_CTL_MOD, watch, events);
    pthread_mutex_unlock(&io->lock);
    return number == 0 ? 0 : fail_control(watch->fd, number, err);
}

void io_watch_stop(struct io *io, struct io_watch *watch, bool close_fd,
                   void (*closed)(void *context)) {
    watch->close_fd = close_fd;
    watch->closed = closed;
    pthread_mutex_lock(&io->lock);
    assert(io->slots[watch->slot].watch == watch);
    /* fails only when the descriptor was closed behind our back */
    (void)control_locked(io, EPOLL_CTL_DEL, watch, 0);
    slot_give_back_locked(io, watch->slot);
    bool ended = io->ended;
    if (!ended) {
        list_add_last(&io->closing, &watch->link);
        uv_async_send(&io->wake);
    }
    pthread_mutex_unlock(&io->lock);
    if (ended) {
        watch_finish(watch);
    }
}

void watch_finish(struct io_watch *watch) {
    if (watch->close_fd) {
        (void)close(watch->fd);
    }
    /* the watch may lie in what `closed` frees */
    if (watch->closed) {
        watch->closed(watch->context);
    }
}

/* A hang-up or an error comes with all that was asked for: neither read nor write waits any more. */
static uint32_t events_of(uint32_t kernel, uint32_t asked) {
    if (kernel & (EPOLLHUP | EPOLLERR)) {
        return asked | TROUPE_HANGUP;
    }
    return asked &
           ((kernel & EPOLLIN ? TROUPE_READABLE : 0u) | (kernel & EPOLLOUT ? TROUPE_WRITABLE : 0u));
}

static void report(struct io *io, const struct epoll_event *event) {
    uint32_t index = (uint32_t)event->data.u64;
    uint32_t generation = (uint32_t)(event->data.u64 >> 32);
    pthread_mutex_lock(&io->lock);
    struct io_watch *watch = io->slots[index].watch;
    if (!watch || io->slots[index].generation != generation) {
        pthread_mutex_unlock(&io->lock);
        return;
    }
    uint32_t events = events_of(event->events, watch->asked);
    pthread_mutex_unlock(&io->lock);
    /* 0: asked for something else since the kernel saw it, and then armed anew. A stop from now on
     * is only queued: this thread closes the watch after this call. */
    if (events) {
        watch->ready(watch->context, watch->fd, events);
    }
}

void watch_poll(struct io *io) {
    struct epoll_event events[BATCH];
    int count = epoll_wait(io->watch_fd, events, BATCH, 0);
    for (int i = 0; i < count; i++) {
        report(io, &events[i]);
    }
}
