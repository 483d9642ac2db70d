/* Inside of fault handling, shared by the files fault*.c only. */
#pragma once

#include <signal.h>
#include <ucontext.h>

#include "sched/fault.h"

#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(FAULT_PORTABLE)
#define FAULT_PORTABLE 1
#endif

enum fault_kind {
    FAULT_TRAP,  /* an instruction could not be executed */
    FAULT_ABORT, /* the thread called abort */
    FAULT_BREAK, /* fault_break */
    FAULT_LOOK,  /* fault_look */
    FAULT_SCAN,  /* fault_scan_thread */
};

enum fault_verdict {
    FAULT_SAFE,
    FAULT_OUTSIDE,    /* not in plugin code, nor called by it */
    FAULT_LIBRARY,    /* in a library function that may hold a lock */
    FAULT_BETWEEN,    /* other code between the plugin's frames and the boundary */
    FAULT_UNREADABLE, /* the stack makes no sense */
    FAULT_AGAIN,      /* the decision itself faulted */
    FAULT_UNWANTED,   /* it is safe; fault_die */
};

/* fault_<machine>.S or fault_portable.c */
extern const char fault_resume[]; /* where fault_call goes on after its call */

/* fault_context.c: the registers of an interrupted thread. */
uintptr_t context_pc(const ucontext_t *uc);
uintptr_t context_sp(const ucontext_t *uc);
/* After a jump to where no code is: undoes the call that made it. */
void context_undo_call(ucontext_t *uc);
/* Makes the thread go on as if the call had returned FAULT_STATUS. */
void context_redirect(ucontext_t *uc, struct fault_thread *thread);

/* fault_allow.c */
void allow_prepare(void);
/* Whether a fault of this kind is safe in what the plugin called, given where that begins. */
bool allow_is_safe(uintptr_t function, enum fault_kind kind);

/* fault_classify.c */
void classify_prepare(void);
/* Fills the report's frames. May change the context's pc and sp (context_undo_call). Of FAULT_LOOK the
 * frames are all that is of interest. */
enum fault_verdict classify(const struct fault_thread *thread, struct fault_report *report,
                            ucontext_t *uc, enum fault_kind kind);

/* fault_code.c */
void code_free_all(void);

/* fault_scan.c: this thread is asked to look, or was. Its address says so in a signal. */
extern const char scan_mark[];
void scan_answer(const ucontext_t *uc);

/* fault_quiet.c: whether the address was quiet, and is accessible now. */
bool quiet_catch(uintptr_t address);

/* fault_write.c; all in signal handlers, too */
const char *fault_signal_name(int signal);
/* Why the process ends. */
const char *fault_reason(enum fault_verdict verdict);
void write_last_words(int fd, const struct fault_report *report, const struct fault_whose *whose,
                      enum fault_verdict verdict);
/* A line of these. */
void write_words(int fd, const char *a, const char *b, const char *c, const char *d);
/* "0x1f" */
void write_hex(char *ret, size_t size, uintptr_t number);
