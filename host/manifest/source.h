/* The texts of the files a manifest was read from, for parsing and for printing findings. */
#pragma once

#include <stdint.h>

#include "manifest/arena.h"
#include "manifest/manifest.h"

struct source {
    const char *path;     /* as asked for; what marks point to */
    const char *identity; /* the same for two names of one file */
    const char *text;     /* without a byte order mark; NUL-terminated */
    size_t size;
    uint32_t *lines; /* offsets where lines begin */
    uint32_t line_count;
};

struct manifest_sources {
    struct arena *arena;
    struct source **items; /* in the order read */
    size_t count;
    size_t room;
};

/* Takes `path` from options->texts, or reads the file where that is allowed. Errors: IO, INVALID
 * (too large), NOMEM. */
int source_read(struct manifest_sources *sources, const char *path,
                const struct manifest_options *options, struct source **ret, struct err *err);
/* The source a mark points into and its number; NULL when there is none. */
const struct source *source_find(const struct manifest_sources *sources, const char *path,
                                 size_t *ret_index);
/* The bytes of a line without its break; "" and 0 when there is no such line. */
const char *source_line(const struct source *source, uint32_t line, size_t *ret_size);
/* The place `column` (from 1, in characters) of a line; the end of the line when it is shorter. */
const char *source_at(const struct source *source, uint32_t line, uint32_t column);
/* The mark of a byte offset. */
struct mark source_mark(const struct source *source, size_t offset);

/* Bytes of the UTF-8 character at `text`; 1 for a byte that begins none, so that walks go on. */
size_t utf8_step(const char *text, size_t size);

/* "folder/name", or name alone when it is absolute or `file` has no folder; NULL without memory. */
char *path_beside(struct arena *arena, const char *file, const char *name);
/* "folder/name", or name alone when it is absolute; NULL without memory. */
char *path_join(struct arena *arena, const char *folder, const char *name);
/* The folder part of a file's path, "." when it has none; NULL without memory. */
char *path_folder(struct arena *arena, const char *file);
