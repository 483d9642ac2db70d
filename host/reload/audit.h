/* Whether anything in the process still points into a generation's code (RL-5): the threads' registers and
 * stacks, the signals' handlers, and all memory that can be written.
 *
 * A thread that waits in the kernel is looked at from outside, another one by a signal; one that takes none is
 * caught when it waits. Of a stack only what is in use counts. Not looked at are: pages never touched; memory behind
 * an inaccessible page in which no thread runs, which is a stack that nobody has any more; what the host and the
 * dynamic linker know of the file themselves. Pointers that the C library mangles (atexit, on_exit) can't be seen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "plugin/library.h"

/* Looks through the process for words that point into the code, or the constants, of the library, which nobody
 * should refer to. False: it can be unmapped; else `reason` says who may still use it, in words. Words that only
 * look like such count, too: staying costs next to nothing. Where faults are not contained it looks for handlers
 * alone. Takes about a millisecond for each 2 MiB in use, thrice that for who makes way: then it never keeps a core, nor
 * the lock of the memory's map, for longer than moments. One thread at a time, in no turn. */
bool audit_finds(const struct library *library, bool makes_way, char *reason, size_t size);
