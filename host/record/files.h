/* Post-mortem files: one for each life that failed, and for messages in quarantine, in one folder.
 *
 * One thread writes them, so that nobody who fails waits for a disk. A file is there whole or not at all.
 * The folder is bounded: the oldest files go, but only those whose name is one that this writes:
 *     <name>-<pid>.<incarnation>-<20261122T120405.123Z>.json, with "quarantine-" before it for a message
 * Names have letters, digits, '.', '_' and '-' only.
 *
 * What cannot be written is told once, until one can be written again, and counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "record/snapshot.h"

#define FILES_MAX 1000u
#define FILES_BYTES_MAX (256ull << 20)
#define FILES_QUEUE_MAX 256u

struct files_options {
    const char *directory; /* copied; made when it is missing */
    uint32_t files_max;    /* 0: FILES_MAX */
    uint64_t bytes_max;    /* 0: FILES_BYTES_MAX; one file stays, however large */
    uint32_t queue_max;    /* 0: FILES_QUEUE_MAX */
    /* Called in the thread that writes, with a sentence. May be NULL. */
    void (*complain)(void *context, const char *sentence);
    void *context; /* for `complain`; must live until files_close, and beyond if that gave up */
};

struct files_counts {
    uint64_t written;
    uint64_t failed;  /* could not be written */
    uint64_t dropped; /* did not fit into the queue, or no memory */
    uint64_t removed; /* to keep the bounds */
};

struct files; /* opaque */

/* Errors: IO (the folder cannot be made or is not writable), NOMEM. Removes what an earlier process left
 * half written. [control] */
int files_open(const struct files_options *options, struct files **ret, struct err *err);
/* What was queued is written, for `timeout_ns` at most; returns how many were not. Takes NULL. [control] */
uint64_t files_close(struct files *files, uint64_t timeout_ns);

/* Has it written, with a reference of its own; nothing happens for a life that did not fail. False: it
 * was dropped. Never waits. [any] */
bool files_write_snapshot(struct files *files, struct snapshot *snapshot);
/* The same for a message in quarantine; `json` (mem_alloc'ed, taken always) is the text of the file. */
bool files_write_message(struct files *files, const char *name, uint64_t pid, uint32_t incarnation,
                         int64_t wall_ns, char *json);
struct files_counts files_counts(struct files *files); /* [any] */
/* Returns when all that was queued before is written, or could not be. [control] */
void files_flush(struct files *files);
