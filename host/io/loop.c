/* The host I/O thread; see loop.h. */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/io_impl.h"
#include "io/watch.h"

struct io_task {
    struct list link; /* io.tasks */
    void (*run)(void *context);
    void *context;
};

struct io_signal {
    struct list link; /* io.signals */
    uv_signal_t handle;
    int signo;
    void (*got)(void *context, int signo);
    void *context;
};

/* --- timers --- */

static void arm_locked(struct io *io, uint64_t due_ns) {
    uint64_t now_ns = io->clock->now(io->clock);
    uint64_t delay_ns = due_ns > now_ns ? due_ns - now_ns : 1; /* 0 would switch it off */
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(delay_ns / NS_PER_S),
                                           .tv_nsec = (long)(delay_ns % NS_PER_S)}};
    int status = timerfd_settime(io->timer_fd, 0, &when, NULL);
    assert(status == 0);
    (void)status;
    io->armed_ns = due_ns;
}

/* Never for a later time: one early wake-up is cheaper than a system call for every stopped timer.
 * The due time is read under arm_lock, so that of two threads the last sees the earliest. */
static void arm_earlier(void *context) {
    struct io *io = context;
    pthread_mutex_lock(&io->arm_lock);
    uint64_t due_ns = timers_next(io->timers);
    if (due_ns < io->armed_ns) {
        arm_locked(io, due_ns);
    }
    pthread_mutex_unlock(&io->arm_lock);
}

static void on_timer(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct io *io = poll->data;
    uint64_t expirations;
    if (read(io->timer_fd, &expirations, sizeof expirations) < 0) {
        return; /* re-armed by another thread since it was reported */
    }
    pthread_mutex_lock(&io->arm_lock);
    io->armed_ns = TIMER_NEVER;
    pthread_mutex_unlock(&io->arm_lock);
    timers_run(io->timers, io->clock->now(io->clock));
    arm_earlier(io);
}

/* --- posts and stopped watches --- */

/* The first link of a list, removed; NULL when it is empty. */
static struct list *take_first_locked(struct list *head) {
    struct list *first = list_is_empty(head) ? NULL : head->next;
    if (first) {
        list_remove(first);
    }
    return first;
}

/* One piece of work; false: there was none, and with `then_end` never will be any. */
static bool serve_one(struct io *io, bool then_end) {
    pthread_mutex_lock(&io->lock);
    struct list *task_link = take_first_locked(&io->tasks);
    struct list *watch_link = task_link ? NULL : take_first_locked(&io->closing);
    io->ended |= then_end && !task_link && !watch_link;
    pthread_mutex_unlock(&io->lock);
    if (task_link) {
        struct io_task *task = LIST_OF(task_link, struct io_task, link);
        task->run(task->context);
        mem_free(task);
    } else if (watch_link) {
        watch_finish(LIST_OF(watch_link, struct io_watch, link));
    }
    return task_link || watch_link;
}

static void on_wake(uv_async_t *wake) {
    struct io *io = wake->data;
    while (serve_one(io, false)) {
    }
    pthread_mutex_lock(&io->lock);
    bool stopping = io->stopping;
    pthread_mutex_unlock(&io->lock);
    if (stopping) {
        uv_stop(&io->loop);
    }
}

int io_post(struct io *io, void (*run)(void *context), void *context, struct err *err) {
    struct io_task *task = mem_alloc(sizeof *task);
    if (!task) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    task->run = run;
    task->context = context;
    pthread_mutex_lock(&io->lock);
    if (io->ended) {
        pthread_mutex_unlock(&io->lock);
        mem_free(task);
        return err_set(err, ERR_STOPPED, "the I/O thread has ended");
    }
    list_add_last(&io->tasks, &task->link);
    /* under the lock: not ended, so the handle is open */
    uv_async_send(&io->wake);
    pthread_mutex_unlock(&io->lock);
    return 0;
}

/* --- signals --- */

static void on_signal(uv_signal_t *handle, int signo) {
    struct io_signal *s = handle->data;
    s->got(s->context, signo);
}

int io_signal_start(struct io *io, int signo, void (*got)(void *context, int signo), void *context,
                    struct err *err) {
    assert(!io->has_thread);
    struct io_signal *s = mem_alloc(sizeof *s);
    if (!s) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    s->signo = signo;
    s->got = got;
    s->context = context;
    s->handle.data = s;
    int status = uv_signal_init(&io->loop, &s->handle);
    if (status < 0) {
        mem_free(s);
        return err_set(err, ERR_IO, "cannot watch signal %d: %s", signo, uv_strerror(status));
    }
    /* from here on the loop knows it: freed with the loop */
    list_add_last(&io->signals, &s->link);
    status = uv_signal_start(&s->handle, on_signal, signo);
    if (status < 0) {
        return err_set(err, ERR_INVALID, "cannot watch signal %d: %s", signo, uv_strerror(status));
    }
    return 0;
}

/* Faults stay deliverable: blocked, they would kill the process without a word. */
static void blocked_signals(struct io *io, sigset_t *ret) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigfillset(ret);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(ret, faults[i]);
    }
    LIST_EACH (link, &io->signals) {
        sigdelset(ret, LIST_OF(link, struct io_signal, link)->signo);
    }
}

/* --- the thread --- */

static void *thread_main(void *context) {
    struct io *io = context;
    (void)uv_run(&io->loop, UV_RUN_DEFAULT);
    while (serve_one(io, true)) {
    }
    return NULL;
}

int io_start(struct io *io, struct err *err) {
    assert(!io->has_thread && !io->ended);
    sigset_t blocked;
    sigset_t before;
    blocked_signals(io, &blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before); /* inherited by the new thread */
    int status = pthread_create(&io->thread, NULL, thread_main, io);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0) {
        return err_errno(err, ERR_IO, status, "cannot start the I/O thread");
    }
    io->has_thread = true;
    (void)pthread_setname_np(io->thread, "troupe-io");
    return 0;
}

void io_stop(struct io *io) {
    pthread_mutex_lock(&io->lock);
    io->stopping = true;
    if (!io->ended) {
        uv_async_send(&io->wake);
    }
    pthread_mutex_unlock(&io->lock);
    if (io->has_thread) {
        pthread_join(io->thread, NULL);
        io->has_thread = false;
    }
    while (serve_one(io, true)) { /* never started: nobody else does */
    }
}

/* --- making and ending --- */

static void on_watch(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    watch_poll(poll->data);
}

static int poll_start(struct io *io, uv_poll_t *poll, int fd, uv_poll_cb callback) {
    int status = uv_poll_init(&io->loop, poll, fd);
    if (status == 0) {
        poll->data = io;
        status = uv_poll_start(poll, UV_READABLE, callback);
    }
    return status;
}

static int open_loop(struct io *io, struct err *err) {
    io->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    io->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    if (io->timer_fd < 0 || io->watch_fd < 0) {
        return err_errno(err, ERR_IO, errno, "cannot open the I/O loop");
    }
    int status = uv_loop_init(&io->loop);
    io->has_loop = status == 0;
    if (status == 0) {
        status = uv_async_init(&io->loop, &io->wake, on_wake);
        io->wake.data = status == 0 ? io : NULL; /* io_destroy() looks at it */
    }
    if (status == 0) {
        status = poll_start(io, &io->timer_poll, io->timer_fd, on_timer);
    }
    if (status == 0) {
        status = poll_start(io, &io->watch_poll, io->watch_fd, on_watch);
    }
    return status == 0 ? 0
                       : err_set(err, ERR_IO, "cannot open the I/O loop: %s", uv_strerror(status));
}

int io_create(struct clock *clock, struct timers *timers, struct io **ret, struct err *err) {
    struct io *io = mem_alloc(sizeof *io);
    if (!io) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    io->clock = clock;
    io->timer_fd = -1;
    io->watch_fd = -1;
    io->armed_ns = TIMER_NEVER;
    list_init(&io->signals);
    list_init(&io->tasks);
    list_init(&io->closing);
    pthread_mutex_init(&io->lock, NULL);
    pthread_mutex_init(&io->arm_lock, NULL);
    if (open_loop(io, err) < 0) {
        io_destroy(io);
        return -1;
    }
    io->timers = timers;
    if (timers) {
        timers_watch(timers, arm_earlier, io);
        arm_earlier(io);
    }
    *ret = io;
    return 0;
}

static void close_handle(uv_handle_t *handle, void *context) {
    (void)context;
    uv_close(handle, NULL);
}

static void close_loop(struct io *io) {
    uv_walk(&io->loop, close_handle, NULL);
    (void)uv_run(&io->loop, UV_RUN_DEFAULT);
    int status = uv_loop_close(&io->loop);
    assert(status == 0);
    (void)status;
}

void io_destroy(struct io *io) {
    if (!io) {
        return;
    }
    if (io->has_loop && io->wake.data) {
        io_stop(io);
    }
    if (io->timers) {
        timers_watch(io->timers, NULL, NULL);
    }
    if (io->has_loop) {
        close_loop(io);
    }
    LIST_EACH_SAFE (link, after, &io->signals) {
        mem_free(LIST_OF(link, struct io_signal, link));
    }
    if (io->timer_fd >= 0) {
        (void)close(io->timer_fd);
    }
    if (io->watch_fd >= 0) {
        (void)close(io->watch_fd);
    }
    mem_free(io->slots);
    pthread_mutex_destroy(&io->lock);
    pthread_mutex_destroy(&io->arm_lock);
    mem_free(io);
}
