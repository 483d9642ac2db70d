/* The host's signal handlers, remembered and put back; see signals.h. */
#include "plugin/signals.h"

#include <stdbool.h>

static const struct {
    int number;
    const char *name;
} guarded[SIGNALS_COUNT] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
    {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"}, {SIGTERM, "SIGTERM"},
    {SIGINT, "SIGINT"},   {SIGHUP, "SIGHUP"},   {SIGPIPE, "SIGPIPE"},
};

void signals_save(struct signals *signals) {
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        (void)sigaction(guarded[i].number, NULL, &signals->actions[i]);
    }
}

static bool is_same(const struct sigaction *a, const struct sigaction *b) {
    if (a->sa_flags != b->sa_flags) {
        return false;
    }
    return a->sa_flags & SA_SIGINFO ? a->sa_sigaction == b->sa_sigaction
                                    : a->sa_handler == b->sa_handler;
}

void signals_restore(const struct signals *signals, void (*report)(void *context, const char *name),
                     void *context) {
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        struct sigaction now;
        if (sigaction(guarded[i].number, NULL, &now) < 0 || is_same(&now, &signals->actions[i])) {
            continue;
        }
        (void)sigaction(guarded[i].number, &signals->actions[i], NULL);
        if (report) {
            report(context, guarded[i].name);
        }
    }
}
