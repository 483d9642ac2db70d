/* Watches on file descriptors: one report each, then off until asked again.
 *
 * I-1  `ready` is called at most once per io_watch_start() or io_watch_again().
 * I-2  after io_watch_stop() has returned no new call of `ready` begins; one may be in progress until
 *      `closed` is called, and then the watch and its context may be freed.
 *
 * Watches lie in an epoll set of their own that libuv watches as one descriptor: starting, re-arming and
 * stopping are one system call in the calling thread and neither wait for the I/O thread nor wake it,
 * and the descriptor's O_NONBLOCK, which may be shared with other processes, stays as it is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <troupe/host.h>

#include "base/err.h"
#include "base/list.h"

struct io;

/* Lies in the object that it serves. */
struct io_watch {
    /* set at start, then constant */
    int fd;
    void (*ready)(void *context, int fd, uint32_t events);
    void *context;
    uint32_t slot;

    uint32_t asked; /* for which events; under io's lock */

    /* set at stop */
    bool close_fd;
    void (*closed)(void *context);
    struct list link; /* io.closing; under io's lock */
};

/* Reports TROUPE_READABLE and TROUPE_WRITABLE as asked for in `events`, and TROUPE_HANGUP with all of
 * them, as then neither read nor write would wait. Errors, `watch` is not in use then: INVALID
 * (events; a descriptor that is not open, watched already, or of a kind that is always ready, such as
 * a regular file), NOMEM, STOPPED. [any] */
int io_watch_start(struct io *io, struct io_watch *watch, int fd, uint32_t events,
                   void (*ready)(void *context, int fd, uint32_t events), void *context,
                   struct err *err);
/* On again, for `events`. Errors: INVALID (events; the descriptor was closed meanwhile). [any] */
int io_watch_again(struct io *io, struct io_watch *watch, uint32_t events, struct err *err);
/* Ends the watch, once. The I/O thread closes the descriptor when asked to, then calls `closed` (may
 * be NULL); when it has ended, both happen here. Can't fail, never waits. [any] */
void io_watch_stop(struct io *io, struct io_watch *watch, bool close_fd,
                   void (*closed)(void *context));
