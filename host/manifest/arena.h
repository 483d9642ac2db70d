/* Memory that is freed all at once: everything a manifest holds lives as long as the manifest.
 *
 * A failed allocation returns NULL and sets `failed`, so that a run of them is checked once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used;                /* of the newest chunk */
    size_t room;
    bool failed;
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);
/* Zeroed, aligned for any type; NULL when there is none. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);
char *arena_text(struct arena *arena, const char *text);
char *arena_text_n(struct arena *arena, const char *data, size_t size);
