/* File descriptors that end with the life of their actor, also by a fault: while they are open, they are
 * the host's. `t` is the turn in hand; NULL, in tests without a host: they are nobody's. */
#pragma once

#include <errno.h>
#include <unistd.h>

#include <troupe/host.h>

/* Takes what an open has returned, and returns it; -1 with errno, and it is closed, where the host could
 * not take it. */
static inline int owned_fd(struct troupe_turn *t, int fd) {
    if (fd < 0 || !t || t->host->own_fd(t, fd) == TROUPE_OK) {
        return fd;
    }
    (void)close(fd);
    errno = ENOMEM;
    return -1;
}

static inline void owned_fd_close(struct troupe_turn *t, int fd) {
    if (t) {
        (void)t->host->close_fd(t, fd);
    } else {
        (void)close(fd);
    }
}
