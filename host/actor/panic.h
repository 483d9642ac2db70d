/* A fault in an actor's code (FC-2). */
#pragma once

#include "actor/inst_impl.h"
#include "sched/fault.h"

/* The turn in hand was given up for a fault: makes it a failure without cleanup; returns its status.
 * Where the manifest says on_fault: exit, the process dies instead, with a word. Forgets the report. */
int32_t panic(struct runner *r, struct inst *in, struct fault_report *report);
/* The same, but the process goes on whatever the manifest says. */
int32_t panic_note(struct runner *r, struct inst *in, struct fault_report *report);
/* Says whose turn it is; for fault_thread.whose. `context`: the thread's runner; NULL: the current
 * worker's. */
void panic_whose(void *context, struct fault_whose *ret);

/* A stack as text. */
struct panic_stack {
    char *lines;     /* a line a frame, what repeats folded; owned; NULL: no memory, no frames */
    char first[200]; /* the innermost frame of the plugin; "": none */
};
/* Without the innermost `skip` frames. */
void panic_stack(const struct fault_report *report, unsigned skip, struct panic_stack *ret);
