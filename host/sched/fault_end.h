/* The end of the process by a fault: what is said and written then. Everything here runs in a signal
 * handler, in the middle of whatever: no locks of the C library, no memory but what is at hand. */
#pragma once

#include <sys/types.h>

#include "sched/fault_impl.h"

/* All that is known of it. */
struct fault_death {
    const struct fault_report *report;
    struct fault_whose whose; /* empty: nobody's turn */
    enum fault_verdict verdict;
    int64_t occurred_at_ns; /* since 1970 UTC */
    pid_t pid;
};

/* Where a frame's code comes from. */
#define MODULES_MAX 24u
struct fault_modules {
    unsigned count;
    struct fault_module {
        uintptr_t base; /* where the file's first byte is, or would be, mapped */
        char file[256]; /* cut to fit */
    } modules[MODULES_MAX];
    uint8_t of[FAULT_FRAMES_MAX]; /* which of them a frame is in; MODULES_MAX: none */
};

/* fault_end.c: words and post-mortem, by the first thread that dies; another waits for it, but not for
 * ever. Returns early, with less, when called again by a fault inside. */
void end_tell(int fd, const struct fault_thread *thread, enum fault_verdict verdict);
/* Keeps end_tell off what it reads, for a moment. Not in signal handlers. */
void end_lock(void);
void end_unlock(void);
/* Fills the frames of a report, all there are, whoever's. */
void end_note_frames(struct fault_report *report, const ucontext_t *uc);

/* fault_modules.c: `maps` is an open /proc/self/maps, or -1. */
void modules_find(int maps, const struct fault_report *report, struct fault_modules *ret);

/* fault_json.c: whether all of it was written, from the file's beginning on. `modules` may be NULL. */
bool json_write(int fd, const struct fault_death *death, const struct fault_modules *modules,
                const char *proc, const char *version);
/* "20261130T024450Z" */
#define UTC_SIZE 17u
void utc_text(int64_t seconds, char ret[UTC_SIZE]);

/* fault_post_mortem.c: a file for each that is open; says on `fd` where. */
void post_mortem_write(int fd, const struct fault_death *death, bool with_modules);
