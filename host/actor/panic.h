/* A fault in an actor's code (FC-2). */
#pragma once

#include "actor/inst_impl.h"
#include "sched/fault.h"

/* The turn in hand was given up for a fault: makes it a failure without cleanup; returns its status.
 * Where the manifest says on_fault: exit, the process dies instead, with a word. */
int32_t panic(struct runner *r, struct inst *in, const struct fault_report *report);
/* Says whose turn it is; for fault_thread.whose. */
void panic_whose(void *unused, struct fault_whose *ret);
