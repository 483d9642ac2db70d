/* A plugin file as bytes: read whole, checked as ELF, described, before any of it runs.
 *
 * The bytes checked are the bytes loaded (RL-6): library_open writes exactly these to a private
 * copy. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "plugin/note.h"

struct image {
    char *path; /* as asked for */
    uint8_t *bytes;
    size_t size;
    char build_id[65]; /* hex; "" when the file has none */
    struct note_plugin *note;
    char **imports;        /* undefined dynamic symbols, NULL-terminated; weak ones last */
    size_t strong_imports; /* so many of them must be found somewhere */
    char **needed;         /* DT_NEEDED, NULL-terminated */
    char *soname;          /* NULL: none, as it should be */
    char *run_path;        /* DT_RUNPATH or DT_RPATH; NULL: none */
    bool has_unique_symbols, is_stripped, is_nodelete;
    bool has_thread_locals, has_relro, binds_now;
    char **exports;        /* defined global dynamic symbols, NULL-terminated */
    _Atomic unsigned refs; /* holders: who read it; a library loaded from it */

    pthread_mutex_t lock;
    char sha256[65]; /* under lock; "": nobody has asked yet, see image_sha256 */
};

/* Reads and checks `path`. Refuses, each with one sentence that names the path: not a regular file
 * (a FIFO or device is never opened for reading), truncated or malformed ELF, another machine, not
 * a shared object, writable and executable segments, text relocations, executable stack, no
 * troupe_plugin_v1, no or malformed note, an ABI major this host does not know, static TLS. Errors:
 * IO, INVALID, ABI, NOMEM. [any] */
int image_read(const char *path, struct image **ret, struct err *err);
/* As image_read, from memory; `bytes` is copied. For tests and fuzzers. */
int image_parse(const char *path, const void *bytes, size_t size, struct image **ret,
                struct err *err);
struct image *image_ref(struct image *image); /* [any] */
/* The checksum of its bytes, 64 hex digits; lent as long as the image. The first who asks pays for it, a
 * millisecond for each 100 KB: a start reads every file on the search path, and needs none. [any] */
const char *image_sha256(const struct image *image);
void image_destroy(struct image *image); /* drops a reference; takes NULL [any] */

/* The exports of any shared object, NULL-terminated, one mem_free; NULL when it cannot be read or
 * is malformed. Runs none of it. [any] */
char **image_read_exports(const char *path);
