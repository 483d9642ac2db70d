/* Which plugin file offers which actor type: the search path, scanned by notes, no code run. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "plugin/image.h"

struct catalog_file {
    char *path;
    struct image *image; /* NULL when refused */
    struct err refused;  /* why */
};

struct catalog {
    char **directories; /* searched in order */
    size_t directory_count;
    struct catalog_file *files; /* in search order, by name within a directory */
    size_t file_count;
    _Atomic unsigned refs; /* who made it; plans that were built of it later */
};

/* Scans *.so in the given directories, then $TROUPE_PLUGIN_PATH (':' separated), then the install
 * folder. What is a file instead of a directory is taken by itself. What does not exist is skipped; a
 * refused file is kept with its reason; a type found twice belongs to the first file. Hidden files
 * (private copies) are skipped; a directory that cannot be read stands among the files, refused.
 * Errors: NOMEM. */
int catalog_scan(const char *const *directories, size_t count, struct catalog **ret,
                 struct err *err);
struct catalog *catalog_ref(struct catalog *catalog); /* one more who destroys it [any] */
void catalog_destroy(struct catalog *catalog);        /* takes NULL; the last one frees it [any] */

/* The file and type that offer actor type `id`; NULL when none. */
const struct note_actor *catalog_find_type(const struct catalog *catalog, const char *id,
                                           size_t *ret_file);
/* The accepted file with this plugin file name ("text.so"), or NULL. */
const struct catalog_file *catalog_find_file(const struct catalog *catalog, const char *name);
/* All type ids, NULL-terminated, for "did you mean"; owned by the caller, one mem_free. */
const char **catalog_type_names(const struct catalog *catalog);
