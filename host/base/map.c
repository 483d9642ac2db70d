/* Hash map from text to pointer; see map.h. */
#include "base/map.h"

#include <string.h>

#include "base/alloc.h"

#define SLOTS_FIRST 8

void map_init(struct map *map) {
    *map = (struct map){0};
}

void map_fini(struct map *map) {
    for (size_t i = 0; i < map->used; i++) {
        mem_free(map->entries[i].key);
    }
    mem_free(map->entries);
    mem_free(map->slots);
    map_init(map);
}

/* Enters entry `index`, which stands in no slot yet. There is always a free slot. */
static void enter(struct map *map, size_t index) {
    size_t mask = map->slot_count - 1;
    size_t at = map->entries[index].hash & mask;
    while (map->slots[at] != 0) {
        at = (at + 1) & mask;
    }
    map->slots[at] = (uint32_t)(index + 1);
}

/* The live entry with this key, or NULL. A removed entry keeps its slot, so that those entered
 * behind it are still reached. */
static struct map_entry *look_up(const struct map *map, const char *key, size_t size) {
    if (map->count == 0) {
        return NULL;
    }
    uint64_t hash = hash_bytes(key, size);
    size_t mask = map->slot_count - 1;
    for (size_t at = hash & mask; map->slots[at] != 0; at = (at + 1) & mask) {
        struct map_entry *e = &map->entries[map->slots[at] - 1];
        if (e->key && e->hash == hash && strncmp(e->key, key, size) == 0 && e->key[size] == '\0') {
            return e;
        }
    }
    return NULL;
}

/* Room for one more entry: drops removed ones, and grows when those that live are many. At most
 * three quarters of the slots are ever taken. */
static int rebuild(struct map *map) {
    size_t slot_count = map->slot_count ? map->slot_count : SLOTS_FIRST;
    while (map->count + 1 > slot_count / 2) {
        slot_count *= 2;
    }
    if (slot_count > UINT32_MAX) {
        return -1;
    }
    struct map_entry *entries = mem_array(slot_count / 4 * 3, sizeof *entries);
    uint32_t *slots = mem_array(slot_count, sizeof *slots);
    if (!entries || !slots) {
        mem_free(entries);
        mem_free(slots);
        return -1;
    }
    size_t used = 0;
    for (size_t i = 0; i < map->used; i++) {
        if (map->entries[i].key) {
            entries[used++] = map->entries[i];
        }
    }
    mem_free(map->entries);
    mem_free(map->slots);
    map->entries = entries;
    map->slots = slots;
    map->slot_count = slot_count;
    map->used = used;
    for (size_t i = 0; i < used; i++) {
        enter(map, i);
    }
    return 0;
}

int map_set(struct map *map, const char *key, void *value) {
    size_t size = strlen(key);
    struct map_entry *e = look_up(map, key, size);
    if (e) {
        e->value = value;
        return 0;
    }
    char *copy = mem_text_n(key, size);
    if (!copy) {
        return -1;
    }
    if (map->used >= map->slot_count / 4 * 3 && rebuild(map) < 0) {
        mem_free(copy);
        return -1;
    }
    size_t index = map->used++;
    map->entries[index] = (struct map_entry){
        .key = copy,
        .value = value,
        .hash = hash_bytes(key, size),
    };
    map->count++;
    enter(map, index);
    return 0;
}

void *map_find(const struct map *map, const char *key) {
    return map_find_n(map, key, strlen(key));
}

void *map_find_n(const struct map *map, const char *key, size_t size) {
    struct map_entry *e = look_up(map, key, size);
    return e ? e->value : NULL;
}

void *map_remove(struct map *map, const char *key) {
    struct map_entry *e = look_up(map, key, strlen(key));
    if (!e) {
        return NULL;
    }
    void *value = e->value;
    mem_free(e->key);
    e->key = NULL;
    e->value = NULL;
    map->count--;
    return value;
}

struct map_entry *map_next(const struct map *map, size_t *at) {
    while (*at < map->used) {
        struct map_entry *e = &map->entries[(*at)++];
        if (e->key) {
            return e;
        }
    }
    return NULL;
}

uint64_t hash_bytes(const void *data, size_t size) {
    const unsigned char *bytes = data;
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < size; i++) {
        hash ^= bytes[i];
        hash *= 0x100000001b3ull;
    }
    return hash;
}
