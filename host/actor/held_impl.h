/* Inside of the records, for the files that look and walk. */
#pragma once

#include "actor/held.h"

/* Keeps the proc from going; NULL: it is gone. Each enter has its leave. */
struct proc *held_enter(struct held_table *table);
void held_leave(struct held_table *table);
/* The record of one that was found, between looks_begin and looks_end. Errors: NOT_FOUND (its slot has
 * closed), NOMEM. */
int held_take(struct held_table *table, struct inst *in, uint64_t uid, struct held **ret,
              struct err *err);
