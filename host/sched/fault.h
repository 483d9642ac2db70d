/* Faults in plugin code: a boundary around each call of a plugin, from which the host gets its thread
 * back when the code faults and nothing but the call is lost.
 *
 * F-1  a call is given up only when every frame between the boundary and the fault is plugin code,
 *      apart from a C library function at its end that holds no lock. Else the process says what
 *      happened and dies of the signal.
 * F-2  nothing of the plugin's runs after a fault: its frames are gone, its state is torn.
 * F-3  handlers of an embedding program get every fault that is outside such a call.
 * F-4  a fault inside the handling of a fault is the end of the process, never a hang.
 *
 * Builds with AddressSanitizer or ThreadSanitizer, which have handlers of their own, contain no
 * faults; see fault_is_contained(). */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct troupe_turn;

#define FAULT_STATUS INT32_MIN /* of a call that was given up; see fault_was_given_up */
#define FAULT_FRAMES_MAX 64u

/* What is known of a call that was given up. */
struct fault_report {
    int signal;
    uintptr_t address;                  /* what the instruction wanted; 0 for SIGABRT */
    bool overflow;                      /* of the stack */
    bool broken;                        /* by fault_break, not by a fault */
    uint32_t depth;                     /* frames of the plugin and below it */
    uint32_t count;                     /* the first of them: */
    uint32_t first;                     /* which of these is the innermost of the plugin */
    uintptr_t frames[FAULT_FRAMES_MAX]; /* addresses within the faulting and calling instructions */
};

/* Of a thread that calls plugins. */
struct fault_thread {
    /* of the innermost call; NULL: none. Assembly knows that it is first. */
    void *sp;

    /* Names who is called, for the last words of the process: in a signal handler, in the middle of
     * whatever. May be NULL. Set by the owner. */
    void (*describe)(void *context, char *ret, size_t size);
    void *context;

    struct fault_report report; /* of the last call given up; stays until the next fault */

    void *map; /* the alternate stack and the page before it */
    size_t map_size;
    void *jump;     /* where there is no assembly */
    stack_t before; /* the thread's own alternate stack */
    volatile sig_atomic_t deciding;
    volatile sig_atomic_t given_up;
};

/* Installs the handlers for the first user, removes them with the last. [any] */
void fault_open(void);
void fault_close(void);
/* Whether faults are contained in this build. */
bool fault_is_contained(void);
/* Where the last words go, 2 at first. The descriptor must stay open. */
void fault_set_output(int fd);

/* Errors: NOMEM. Any thread; then enter and leave on the one thread that makes the calls. */
int fault_thread_init(struct fault_thread *thread, struct err *err);
void fault_thread_fini(struct fault_thread *thread); /* takes a zero-filled one */
void fault_thread_enter(struct fault_thread *thread);
void fault_thread_leave(struct fault_thread *thread);

/* run(turn, state, arg); FAULT_STATUS when it was given up. May nest. */
int32_t fault_call(struct fault_thread *thread,
                   int32_t (*run)(struct troupe_turn *turn, void *state, const void *arg),
                   struct troupe_turn *turn, void *state, const void *arg);

/* After FAULT_STATUS, which a plugin could return, too: whether the last call was given up. Once. */
static inline bool fault_was_given_up(struct fault_thread *thread) {
    bool given_up = thread->given_up;
    thread->given_up = 0;
    return given_up;
}

/* Asks the thread to give up the call in progress, if that is safe just now: it may not be (a C
 * library function may hold a lock), so ask again. The thread must not end meanwhile. [any] */
void fault_break(pthread_t thread);

/* Machine code of a plugin: [start, end) of the file mapped at `base`. `name` is copied, shortened to
 * 127 bytes. Errors: NOMEM. [any] */
struct fault_code {
    uintptr_t start, end, base;
    const char *name;
};
int fault_add_code(const struct fault_code *code, struct err *err);
void fault_remove_code(uintptr_t start); /* harmless when there is none */
/* The range that holds `address`; false: none. Also in signal handlers. [any] */
bool fault_find_code(uintptr_t address, uintptr_t *ret_base, char *ret_name, size_t size);

/* "SIGSEGV at address 0x10". */
void fault_text(const struct fault_report *report, char *ret, size_t size);
/* "#0 on_line at plugins/demo/crash.c:42 (demo.so, generation 1)", a line a frame; without debug
 * information, or in builds without libdw, "#0 demo.so, generation 1 + 0x1234". The plugin must still
 * be mapped. Outside of signal handlers only: reads files. [any] */
void fault_backtrace(const struct fault_report *report,
                     void (*line)(void *context, const char *text), void *context);
/* Dies of the report's signal. */
_Noreturn void fault_die(const struct fault_report *report);
