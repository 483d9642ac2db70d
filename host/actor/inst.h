/* An instance: what an id owns (slot: id, uid, mailbox, wires) and the actor that lives in it.
 *
 *  created -> initializing -> idle <-> processing        created -> client
 *  every one of them -> stopping -> stopped | failed                                        (ST-1)
 *
 * Other folders see it through these functions; pointers to instances of the plan stay valid as long
 * as the proc, those of spawned children only inside the calls that lend them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <troupe/host.h>

#define TO(status) (1u << INST_##status)
#define INST_STATUSES(X)                                                                           \
    X(CREATED, "created", TO(INITIALIZING) | TO(CLIENT) | TO(STOPPING))                            \
    X(INITIALIZING, "initializing", TO(IDLE) | TO(STOPPING))                                       \
    X(CLIENT, "client", TO(STOPPING))                                                              \
    X(IDLE, "idle", TO(PROCESSING) | TO(STOPPING))                                                 \
    X(PROCESSING, "processing", TO(IDLE) | TO(STOPPING))                                           \
    X(STOPPING, "stopping", TO(STOPPED) | TO(FAILED))                                              \
    X(STOPPED, "stopped", 0)                                                                       \
    X(FAILED, "failed", 0)
#define INST_STATUS_CONSTANT(name, text, to) INST_##name,
enum inst_status { INST_STATUSES(INST_STATUS_CONSTANT) INST_STATUS_COUNT };
#undef INST_STATUS_CONSTANT

/* What others ask of an instance; they overtake messages (MB-3). */
#define SIGNAL_START 1u  /* run init */
#define SIGNAL_DRAIN 2u  /* handle what is queued, then stop cleanly */
#define SIGNAL_STOP 4u   /* stop cleanly before the next message */
#define SIGNAL_ABORT 8u  /* stop without cleanup; what is left becomes dead letters */
#define SIGNAL_QUIET 16u /* end timers and watches: sources dry up */
#define SIGNAL_WATCH 32u /* somebody waits for it to be quiet: say anew whether it is */
#define SIGNAL_ALIVE 64u /* with WATCH: timers and watches of its own keep it from being quiet */

#define SIGNAL_STOPPING 128u     /* a group: its members are being ended, one after another */
#define SIGNAL_INPUTS_ENDED 256u /* with DRAIN: why */
#define SIGNAL_FINISH 512u       /* as STOP, but it asked for it by itself (DR-2) */
#define SIGNAL_FAIL 1024u        /* see inst_fail */
#define SIGNAL_CLOSE 2048u /* a slot without a life closes; with ABORT: all becomes dead letters */
#define SIGNAL_HOLD 4096u  /* a slot without a life: it waits for others to end (pause_end) */
#define SIGNAL_UNHOLD 16384u /* it waits for nobody's end any more */
#define SIGNAL_SWAP 32768u   /* to other code or back (swap.h); or to other wires (wiring.h) */
/* What is meant for one life only. */
#define SIGNALS_OF_A_LIFE                                                                          \
    (SIGNAL_STOP | SIGNAL_ABORT | SIGNAL_FINISH | SIGNAL_FAIL | SIGNAL_STOPPING)
#define SIGNAL_ABANDON 8192u /* its turn was taken from it: see stuck.h */
/* What ends a troupe_wait, and what ends any other blocking call as well (TM-4): one that drains
 * because its inputs have ended is left to finish what it does. */
#define SIGNALS_THAT_STOP (SIGNAL_DRAIN | SIGNAL_STOP | SIGNAL_ABORT | SIGNAL_QUIET | SIGNAL_FINISH)
#define SIGNALS_THAT_INTERRUPT (SIGNAL_STOP | SIGNAL_ABORT | SIGNAL_QUIET)

struct inst;
struct inst_type;
struct proc;

/* How an incarnation ended; lent during the call that hands it out. */
struct inst_end {
    uint64_t uid;
    uint32_t incarnation;
    bool failed;
    bool told; /* the host had told it to end, also when it failed of that */
    int32_t status;
    char name[160];     /* "proc/name[pid]" */
    char text[512];     /* the reason */
    char root[160];     /* the actor that really failed (SV-1); as name when it is itself */
    const char *frames; /* of a panic, a line a frame; NULL: none; lent during the call */
};

const char *inst_status_text(enum inst_status status);
enum inst_status inst_status(const struct inst *in);      /* [any] */
uint64_t inst_uid(const struct inst *in);                 /* [any] */
const struct inst_type *inst_type(const struct inst *in); /* [any] */
/* "proc/name[pid]" (AI-1) into `ret`, cut to fit; returns its size. [any] while the instance is lent */
uint64_t inst_name(const struct inst *in, char *ret, uint64_t size);
uint32_t inst_depth(const struct inst *in);      /* [any] */
uint32_t inst_high_water(const struct inst *in); /* [any] */
uint64_t inst_processed(const struct inst *in);  /* [any] */
/* The handler of a turn in progress, or between two turns of the last one; "" when it runs none; static
 * or the type's. [any] */
const char *inst_handler(const struct inst *in);
/* Since when it is in that turn, to a millisecond (ST-2); 0: never was. [any] */
uint64_t inst_since_ns(const struct inst *in);
/* Index in the plan, UINT32_MAX for one that the plan does not know. */
uint32_t inst_plan_index(const struct inst *in);
/* Nothing queued, no signal, no turn, no pending call, nothing held back, not stopping; a look, [any].
 * Its children are another matter: proc_children_are_quiet. */
bool inst_is_quiet(const struct inst *in);
/* Which life of the slot it is, from 1; 0: it has not begun yet. [any] */
uint32_t inst_incarnation(const struct inst *in);
/* A group of the plan: an actor of the host's. [any] */
bool inst_is_group(const struct inst *in);
/* Whether its last life was aborted. [who sees it ended] */
bool inst_was_aborted(const struct inst *in);
/* Its slot takes messages: not closed for good. [any] */
bool inst_is_open(const struct inst *in);
/* It has been told something that it has not obeyed yet. [any] */
bool inst_has_signals(const struct inst *in);
/* Adds signals and wakes it. [any] */
void inst_signal(struct inst *in, unsigned signals);
/* Adds signals and wakes it, behind all that are ready where it runs. [any] */
void inst_signal_last(struct inst *in, unsigned signals);
/* Adds signals for when it runs next. [any] */
void inst_signal_later(struct inst *in, unsigned signals);
/* Takes back what has not been obeyed yet. [any] */
void inst_unsignal(struct inst *in, unsigned signals);
/* Makes a group of the plan fail with these facts; `name`, `uid` and `incarnation` are not looked at.
 * -1: no memory. [any] */
int inst_fail(struct inst *in, const struct inst_end *end);
/* A published attribute (S-4); false when there is none of this name. What an incarnation published is
 * shown until the next one begins. Text is copied into `text`.
 * [any] */
bool inst_attribute(struct inst *in, const char *name, struct troupe_value *ret, char *text,
                    uint64_t text_size);
