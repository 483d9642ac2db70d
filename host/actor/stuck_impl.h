/* Inside of the care for stuck turns, for the files stuck*.c. */
#pragma once

#include "actor/gate.h"
#include "actor/panic.h"
#include "actor/proc_impl.h"
#include "manifest/manifest.h"

/* To be written by the thread that writes reports, or done and of use to others. */
struct stuck_report {
    struct stuck_report *next;
    _Atomic unsigned refs; /* 2: the writer, the stuck it is about */
    struct proc *proc;
    char name[160]; /* of the actor */
    char handler[64];
    uint64_t ran_ns;
    bool again;   /* reported before */
    bool revoked; /* nobody's turn any more */
    bool exit;    /* the process is to end */
    bool has_frames;
    struct fault_report frames;
    /* written before `is_written` */
    struct panic_stack stack;
    _Atomic bool is_written;
};

/* A call of a plugin that takes too long. */
struct stuck {
    struct inst *in;
    uint64_t calls;
    char name[160];
    const char *handler; /* its type's */
    enum on_stuck policy;
    bool must_go; /* it is to be ended */
    bool moved, is_hopeless, revoked;
    bool looks; /* asked for its stack, and not answered yet */
    uint32_t looks_before;
    uint64_t looks_ns;  /* since when */
    uint64_t report_ns; /* when to report next; run time */
    uint64_t go_ns;     /* since when it must go */
    uint64_t break_ns;  /* when to try next */
    uint64_t break_step_ns;
    struct sched_worker *stray;  /* where its thread moved */
    struct stuck_report *report; /* the first; a reference */
};

/* What stuck_abandon needs to know of the turn. */
struct stuck_abandoned {
    struct stuck_abandoned *next;
    uint64_t uid;
    const struct inst_row *row;
    struct outbox outbox;
    bool answered;
    bool goes;      /* it is counted in swap.busy */
    bool is_shadow; /* it was its shadow's */
    bool has_flight;
    uint64_t flight_at;
    uint32_t logged;
    enum log_level logged_level;
    struct { /* as the message in hand's, which is the other thread's */
        struct msg header;
        struct msg_extension extension;
    } m;
    struct msg *body; /* a reference; NULL: no message */
    char own[512];    /* why it failed */
    char *frames;     /* owned; NULL: none */
};

/* What a revoked call may still touch; the runner's. */
struct estate {
    struct inst_memory *memory;
    struct msg *m;
    void *state;
    const void *saved;
    struct config *config;
    struct config *going, *gone_from; /* settings that it may be reading, on its way over */
    struct library *library;
    struct troupe_saver *saver; /* on its stack */
    char name[160];
    const char *handler;
};

/* stuck.c */
/* Says once what keeps the thread of a stuck call where it is; nothing of no error. */
void stuck_say_hopeless(struct runner *r, struct stuck *stuck, const struct err *err);

/* stuck_report.c */
/* Writes it soon; takes a reference of the caller's. With many waiting, only what is new is written, and
 * with very many that without its stack. */
void stuck_write(struct stuck_report *report);
void stuck_report_unref(struct stuck_report *report);

/* stuck_revoke.c */
/* Closes the gate of a runner whose call is still that one; true: its thread is in plugin code, and
 * waits when it comes back. In both cases gate_open follows, with what is asked then. */
bool gate_close(struct runner *r, uint64_t calls, uint32_t *ret_before);
void gate_open(struct runner *r, uint32_t asked);
/* False: not now. */
bool stuck_revoke(struct runner *r, struct stuck *stuck, uint64_t ran_ns);
