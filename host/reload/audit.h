/* Whether anything in the process still points into a generation's code (RL-5): the threads' registers and
 * stacks, the signals' handlers, and all memory that can be written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "plugin/library.h"

/* Looks through the process for words that point into the code, or the constants, of the library, which nobody
 * should refer to. False: it can be unmapped; else `reason` says who may still use it, in words. Words that only
 * look like such count, too: staying costs next to nothing. Where faults are not contained it looks for handlers
 * alone. Takes about a millisecond for each 2 MiB in use. One thread at a time, in no turn. */
bool audit_finds(const struct library *library, char *reason, size_t size);
