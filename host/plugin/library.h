/* A loaded generation of a plugin file: private copy, tables copied out, references.
 *
 * I-1  each generation is loaded from a path never used before in the process, because dlopen
 *      compares names before files, and proven to be a new image after dlopen.
 * I-2  the host dispatches only through the tables copied into struct library, never through the
 *      plugin's own; all pointers into the module lie there.
 * I-3  what the note says and what the tables say is the same, or the load is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <troupe/plugin.h>

#include "base/err.h"
#include "plugin/image.h"

/* One actor type of a generation. Lives as long as its library. */
struct library_type {
    const struct note_actor *note; /* lent by the library */
    struct library *library;
    uint64_t state_size;
    uint32_t state_version, state_min;
    uint32_t row_count;
    const struct troupe_row *rows; /* the host's copies, contiguous, index = port */
    /* hooks picked out of rows; NULL when absent */
    const struct troupe_row *init, *cleanup, *save, *load, *returned, *config;
};

struct library {
    uint32_t generation; /* process-wide number, from 1 */
    struct image *image; /* a reference; its bytes are released when it is the only one */
    const struct note_plugin *note;
    struct library_type *types;
    size_t type_count;
    const char *private_path;
    char **warnings; /* sentences for whoever loaded it; a signal handler that was put back */
    size_t warning_count;
    struct library_impl *impl; /* the handle, the descriptor, the reference count */
};

/* Loads `image` (the reference is taken on success): private copy beside the original, else in a
 * private run directory; dlopen RTLD_NOW|RTLD_LOCAL; tables compared with the note; `init` called
 * with `host`, which must stay until the library is let go. Signal handlers of the host that the
 * plugin replaced are put back, with a warning. Errors: IO, ABI (the text names the differing row
 * or the missing symbols), REFUSED (init), NOMEM. The library starts with one reference, the
 * caller's. [control] */
int library_open(struct image *image, const struct troupe_host *host, struct library **ret,
                 struct err *err);
/* The same in steps, to try the copy elsewhere in between: writes the copy; opens it, and reads its tables;
 * calls `init`. When one fails, the library is to be let go. [control] */
int library_stage(struct image *image, struct library **ret, struct err *err);
int library_map(struct library *library, struct err *err);
int library_init(struct library *library, const struct troupe_host *host, struct err *err);
/* As library_stage, of a file that is a private copy of these bytes already, and stays the caller's, as does
 * its path. */
int library_stage_there(struct image *image, const char *private_path, struct library **ret,
                        struct err *err);
struct library *library_ref(struct library *library); /* [any] */
/* The last unref calls fini, then closes, verifies that it is gone and removes the private copy;
 * or, where the plugin asks to stay, may not be unmapped (unload.h) or does not go, pins the
 * generation: it stays mapped, and its copy stays beside it. [control] */
void library_unref(struct library *library); /* takes NULL */
/* Where the module's machine code is mapped, at most `room` ranges; returns their number. */
struct library_code {
    uintptr_t start, end, base; /* the file begins at `base` */
};
size_t library_code(const struct library *library, struct library_code *ret, size_t room);
/* --- before it is let go --- */

/* Its memory, by address, at most `room` parts; returns their number, 0 when it was not opened. */
#define LIBRARY_PARTS_MAX 32u
struct library_memory {
    uintptr_t start, end;
    bool is_code, is_writable;
};
size_t library_memory(const struct library *library, struct library_memory *ret, size_t room);
/* The memory in which the host, and the dynamic linker's record `map` of it, know where its code is: at most
 * `room` parts; returns their number. */
struct library_knowing {
    const void *at;
    size_t size;
};
size_t library_knowing(const struct library *library, struct library_knowing *ret, size_t room,
                       const void **ret_map);
/* Whether letting it go will not unmap it, whatever else: see library_unref. */
bool library_stays(const struct library *library);
#define LIBRARY_REASON_SIZE 256u
/* It is in use: the last unref will pin it for this reason, and call nothing of it. */
void library_pin(struct library *library, const char *reason);
const struct library_type *library_find_type(const struct library *library, const char *id);

/* Why a generation that was let go is still mapped; false when it is not. [any] */
bool library_find_pin(uint32_t generation, char *ret_reason, size_t size);
/* At the end of the process: removes the private copies of pinned generations. [control] */
void library_remove_copies(void);
