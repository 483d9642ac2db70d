/* Inside of the I/O thread: shared by loop.c and watch.c only. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/list.h"
#include "io/loop.h"

struct io_watch;

/* The kernel's events carry slot and generation, never a pointer: an event may outlive its watch when
 * a plugin closed a watched descriptor that has duplicates. */
struct io_slot {
    struct io_watch *watch; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct io {
    /* set at creation, then constant */
    struct clock *clock;
    struct timers *timers;
    int timer_fd;
    int watch_fd; /* epoll set of all watches */

    /* only the I/O thread, before and after it the owner */
    uv_loop_t loop;
    bool has_loop;
    uv_poll_t timer_poll;
    uv_poll_t watch_poll;
    struct list signals; /* io_signal.link */
    pthread_t thread;
    bool has_thread;

    uv_async_t wake; /* [any] */

    /* under arm_lock */
    pthread_mutex_t arm_lock;
    uint64_t armed_ns; /* due time the timerfd is set for; TIMER_NEVER: off */

    /* under lock */
    pthread_mutex_t lock;
    struct list tasks;   /* io_task.link */
    struct list closing; /* io_watch.link */
    bool stopping;
    bool ended; /* nobody serves the lists any more */
    struct io_slot *slots;
    uint32_t slot_count;
    uint32_t slot_room;
    uint32_t free_slot; /* index + 1; 0: none */
};

/* Reports what is ready. [io] */
void watch_poll(struct io *io);
/* Closes the descriptor of a stopped watch and says so. */
void watch_finish(struct io_watch *watch);
