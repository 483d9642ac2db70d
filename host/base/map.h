/* Hash map from text to pointer. Keys are copied; values are the caller's. Not thread-safe.
 * Iteration is in order of insertion as long as nothing was removed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct map_entry {
    char *key; /* owned by the map; NULL: removed */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* in order of insertion */
    size_t used;               /* entries ever written since the last rebuild */
    size_t count;              /* live entries */
    uint32_t *slots;           /* open addressing: index into entries + 1, 0 = free */
    size_t slot_count;
};

void map_init(struct map *map);
void map_fini(struct map *map); /* values are the caller's */
/* Sets or replaces; -1 when there is no memory. */
int map_set(struct map *map, const char *key, void *value);
/* NULL when absent. */
void *map_find(const struct map *map, const char *key);
void *map_find_n(const struct map *map, const char *key, size_t size);
/* The value that was there, or NULL. */
void *map_remove(struct map *map, const char *key);

/* for (size_t i = 0; (e = map_next(map, &i)); ) */
struct map_entry *map_next(const struct map *map, size_t *at);

/* FNV-1a, 64 bit: for schema hashes, maps. Stable across versions. [any] */
uint64_t hash_bytes(const void *data, size_t size);
