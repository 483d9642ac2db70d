/* Notices when a plugin takes over a signal that is the host's, and takes it back. */
#pragma once

#include <signal.h>
#include <stddef.h>

#define SIGNALS_COUNT 9

struct signals {
    struct sigaction actions[SIGNALS_COUNT];
};

/* Remembers who handles SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGINT, SIGHUP, SIGPIPE.
 */
void signals_save(struct signals *signals);
/* Puts back what has changed since; calls `report` with the name of each such signal, where not
 * NULL. */
void signals_restore(const struct signals *signals, void (*report)(void *context, const char *name),
                     void *context);
