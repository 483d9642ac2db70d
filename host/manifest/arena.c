/* Memory that is freed all at once: chunks handed out from front to back. */
#include "manifest/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

/* Chunks double, so that a small manifest is small and a large one has few. */
#define ARENA_CHUNK_FIRST ((size_t)2 * 1024)
#define ARENA_CHUNK_LAST ((size_t)32 * 1024)
#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_chunk {
    struct arena_chunk *next;
    _Alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena) {
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena) {
    struct arena_chunk *chunk = arena->chunks;
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        mem_free(chunk);
        chunk = next;
    }
    arena_init(arena);
}

static int add_chunk(struct arena *arena, size_t size) {
    size_t next = arena->room < ARENA_CHUNK_LAST / 2 ? 2 * arena->room : ARENA_CHUNK_LAST;
    next = next < ARENA_CHUNK_FIRST ? ARENA_CHUNK_FIRST : next;
    size_t room = size > next ? size : next;
    struct arena_chunk *chunk =
        room > SIZE_MAX - sizeof *chunk ? NULL : mem_alloc(sizeof *chunk + room);
    if (!chunk) {
        arena->failed = true;
        return -1;
    }
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->used = 0;
    arena->room = room;
    return 0;
}

void *arena_alloc(struct arena *arena, size_t size) {
    if (size > SIZE_MAX - ARENA_ALIGN) {
        arena->failed = true;
        return NULL;
    }
    size_t rounded = size ? (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
    if (arena->room - arena->used < rounded && add_chunk(arena, rounded) < 0) {
        return NULL;
    }
    void *memory = arena->chunks->data + arena->used;
    arena->used += rounded;
    return memory;
}

void *arena_array(struct arena *arena, size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) {
        arena->failed = true;
        return NULL;
    }
    return arena_alloc(arena, count * size);
}

char *arena_text_n(struct arena *arena, const char *data, size_t size) {
    char *text = arena_alloc(arena, size + 1);
    if (text && size) {
        memcpy(text, data, size);
    }
    return text;
}

char *arena_text(struct arena *arena, const char *text) {
    return arena_text_n(arena, text, strlen(text));
}
