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
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct troupe_turn;

#define FAULT_STATUS INT32_MIN /* of a call that was given up; see fault_was_given_up */
#define FAULT_FRAMES_MAX 64u

/* What is known of a call that was given up. */
struct fault_report {
    int signal;
    uintptr_t address;                  /* what the instruction wanted; 0 for SIGABRT */
    bool overflow;                      /* of the stack */
    bool wild;                          /* no memory can have that address; it is not known */
    bool broken;                        /* by fault_break, not by a fault */
    uint32_t depth;                     /* frames of the plugin and below it */
    uint32_t count;                     /* the first of them: */
    uint32_t first;                     /* which of these is the innermost of the plugin */
    uintptr_t frames[FAULT_FRAMES_MAX]; /* addresses within the faulting and calling instructions */
};

/* Whose turn it is: the actor's id, the handler's name; empty: nobody's. */
struct fault_whose {
    char actor[160], handler[96];
};

/* Of a thread that calls plugins. */
struct fault_thread {
    /* of the innermost call; NULL: none. Assembly knows that it is first. */
    void *sp;

    /* Names who is called, for the last words of the process: in a signal handler, in the middle of
     * whatever. May be NULL. Set by the owner. */
    void (*whose)(void *context, struct fault_whose *ret);
    void *context;

    struct fault_report report; /* of the last call given up, until it is forgotten */

    void *map; /* the alternate stack and the page before it */
    size_t map_size;
    void *jump;     /* where there is no assembly */
    stack_t before; /* the thread's own alternate stack */
    volatile sig_atomic_t deciding;
    volatile sig_atomic_t given_up;
    void *escape; /* where a fault while somebody looks at the stack, or breaks the call, leads */

    /* fault_look's: whoever looked reads `look` once `looks` has grown */
    struct fault_report look;
    _Atomic uint32_t looks;
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
int32_t fault_call(struct troupe_turn *turn, void *state, const void *arg,
                   int32_t (*run)(struct troupe_turn *turn, void *state, const void *arg),
                   struct fault_thread *thread);

/* After FAULT_STATUS, which a plugin could return, too: whether the last call was given up. Once. */
static inline bool fault_was_given_up(struct fault_thread *thread) {
    bool given_up = thread->given_up;
    thread->given_up = 0;
    return given_up;
}

/* Where the code of a plugin was is not to lie about when all has been told: an audit would take it for a use of that code. */
static inline void fault_forget(struct fault_report *report) {
    explicit_bzero(report, sizeof *report);
}

/* Gives the stack of the thread that calls back to the system, where nothing is on it: after an overflow
 * all of it is in memory, and would stay so. */
void fault_shrink_stack(void);

/* Asks the thread to give up the call in progress, if that is safe just now: it may not be (a C
 * library function may hold a lock), so ask again. The thread must not end meanwhile. [any] */
void fault_break(pthread_t thread);
/* Asks the thread for the stack of the call in progress: fills its `look`, from the innermost frame to the
 * boundary, then adds one to `looks`. No answer while no call is in progress, or no signals are taken.
 * A call that waits in the kernel may return EINTR for it. The thread must not end meanwhile. [any] */
void fault_look(pthread_t thread);
/* Whether `thread` is that of the caller. */
bool fault_thread_is_current(const struct fault_thread *thread);

/* Machine code of a plugin: [start, end) of the file mapped at `base`. `name` is copied, shortened to
 * 127 bytes; `file`, its path, if it is not too long; NULL: not known. Errors: NOMEM. [any] */
#define FAULT_FILE_SIZE 512u
struct fault_code {
    uintptr_t start, end, base;
    const char *name;
    const char *file;
};
int fault_add_code(const struct fault_code *code, struct err *err);
void fault_remove_code(uintptr_t start); /* harmless when there is none */
/* The range that holds `address`; false: none. Also in signal handlers. [any] */
bool fault_find_code(uintptr_t address, uintptr_t *ret_base, char *ret_name, size_t size);
bool fault_find_file(uintptr_t address, char *ret, size_t size);

/* --- old code, before it is unmapped (RL-5) --- */

struct fault_span {
    uintptr_t start, end;
};
/* Whether a thread has something of some code at hand. */
struct fault_scan {
    const struct fault_span *code; /* what is looked for */
    size_t code_count;
    const struct fault_span *memory; /* all that can be read, by address: what a stack lies in */
    size_t memory_count;
    uintptr_t sp; /* out: where its stack ends */
    uintptr_t
        found; /* out: the first word in a register or on its stack that points into the code; 0: none */
};
/* Has another thread of the process look through its registers and its stack. False: no answer within the time:
 * it takes no signals, its stack is not in `memory`, or it has ended. A call of its that waits in the kernel may
 * return EINTR. One caller at a time. */
bool fault_scan_thread(pid_t thread, struct fault_scan *scan, uint64_t most_ns);

/* Makes memory that nobody should use any more inaccessible: [start, end) of a mapping, to be readable again
 * (`is_code`: executable) as soon as somebody uses it, who goes on as if nothing had been. What the kernel is
 * told to read there fails with EFAULT instead. Whole pages. -1: no room, or faults are not contained. */
struct fault_quiet {
    uintptr_t start, end;
    bool is_code;
};
int fault_quiet_begin(uint32_t owner, const struct fault_quiet *memory, size_t count);
/* Accessible again. Where it was used meanwhile; 0: nowhere. */
uintptr_t fault_quiet_end(uint32_t owner);
/* Behind the end, when the memory is unmapped or stays for good: who was just about to fault has done so. */
void fault_quiet_forget(uint32_t owner);

/* "SIGSEGV at address 0x10". */
void fault_text(const struct fault_report *report, char *ret, size_t size);
/* "#0 on_line at plugins/demo/crash.c:42 (demo.so, generation 1)", a line a frame; without debug
 * information, or in builds without libdw, "#0 demo.so, generation 1 + 0x1234". The plugin must still
 * be mapped. Outside of signal handlers only: reads files. [any] */
void fault_backtrace(const struct fault_report *report,
                     void (*line)(void *context, const char *text), void *context);
/* Dies of the report's signal, of this thread's last fault, because recovery is not wanted. */
_Noreturn void fault_die(const struct fault_report *report);

/* Makes ready a post-mortem of the process in `directory`, which is made (0750) when it is missing:
 * should the process die of a fault that is not contained, or is outside of a call, or by fault_die, a
 * file "process-20261130T024450Z-PID.json" is there, whole or not at all. The last words say where.
 * Whose handler was there before these decides on faults outside of calls (F-3), and there is no file.
 *
 *     {"format": 1, "kind": "process", "occurred_at": NS, "pid": N, "version": "0.1.0", "proc": "main",
 *      "signal": "SIGSEGV", "address": "0x10", "why": "it happened in ...", "actor": "main/a[0]",
 *      "handler": "line", "frames": [{"address": "0x...", "module": "demo.so, generation 1",
 *      "file": "/path/demo.so", "offset": "0x1234"}, ...], "text": "SIGSEGV at address 0x10"}
 *
 * in this order; occurred_at since 1970; actor and handler null outside of turns, module, file and
 * offset where nothing is known of the address; the innermost frame first, calls by an address within
 * the calling instruction; more keys may come behind.
 * Each proc has its own, and gets its file whoever's fault it was: all of them die of it. Of those in one
 * directory the first writes it. A process that ends otherwise leaves nothing, nor does a child that
 * was forked, nor a build that contains no faults. Keeps fault_open's handlers. Errors: IO, NOMEM. [any] */
struct fault_post_mortem;
int fault_post_mortem_open(const char *directory, const char *proc, const char *version,
                           struct fault_post_mortem **ret, struct err *err);
void fault_post_mortem_close(struct fault_post_mortem *post); /* takes NULL */
