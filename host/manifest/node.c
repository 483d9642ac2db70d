/* A manifest as a tree: entries in order, with a hash index where a map is large. */
#include "manifest/node.h"

#include <string.h>

#include "base/map.h"

#define INDEX_FROM 12 /* keys: below, a scan is faster */

struct node *node_create(struct arena *arena, enum node_kind kind, struct mark mark) {
    struct node *node = arena_alloc(arena, sizeof *node);
    if (node) {
        node->kind = kind;
        node->mark = mark;
    }
    return node;
}

static void index_put(struct node *node, size_t entry) {
    const char *key = node->entries[entry].key;
    size_t at = hash_bytes(key, strlen(key)) & (node->slot_count - 1);
    while (node->slots[at]) {
        at = (at + 1) & (node->slot_count - 1);
    }
    node->slots[at] = (uint32_t)entry + 1;
}

static int index_grow(struct arena *arena, struct node *node) {
    size_t count = 64; /* a power of two */
    while (count < node->count * 2) {
        count *= 4;
    }
    uint32_t *slots = arena_array(arena, count, sizeof *slots);
    if (!slots) {
        return -1;
    }
    node->slots = slots;
    node->slot_count = count;
    for (size_t i = 0; i < node->count; i++) {
        index_put(node, i);
    }
    return 0;
}

static int grow(struct arena *arena, struct node *node) {
    size_t room = node->room ? node->room * 2 : 4;
    struct entry *entries = arena_array(arena, room, sizeof *entries);
    if (!entries) {
        return -1;
    }
    if (node->count) {
        memcpy(entries, node->entries, node->count * sizeof *entries);
    }
    node->entries = entries;
    node->room = room;
    return 0;
}

int node_add(struct arena *arena, struct node *node, const char *key, struct mark mark,
             struct node *value) {
    if (node->count == node->room && grow(arena, node) < 0) {
        return -1;
    }
    node->entries[node->count++] = (struct entry){key, mark, value};
    if (node->kind != NODE_MAP || node->count < INDEX_FROM) {
        return 0;
    }
    if (node->count * 2 > node->slot_count) {
        return index_grow(arena, node);
    }
    index_put(node, node->count - 1);
    return 0;
}

static struct entry *find_indexed(const struct node *map, const char *key) {
    size_t at = hash_bytes(key, strlen(key)) & (map->slot_count - 1);
    for (; map->slots[at]; at = (at + 1) & (map->slot_count - 1)) {
        struct entry *entry = &map->entries[map->slots[at] - 1];
        if (strcmp(entry->key, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

struct entry *node_find(const struct node *map, const char *key) {
    if (!map || map->kind != NODE_MAP) {
        return NULL;
    }
    if (map->slots) {
        return find_indexed(map, key);
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->entries[i].key, key) == 0) {
            return &map->entries[i];
        }
    }
    return NULL;
}

const struct node *node_value(const struct node *map, const char *key) {
    const struct entry *entry = node_find(map, key);
    return entry ? entry->value : NULL;
}

struct node *node_remove(struct arena *arena, struct node *map, const char *key) {
    struct entry *entry = node_find(map, key);
    if (!entry) {
        return NULL;
    }
    struct node *value = entry->value;
    size_t at = (size_t)(entry - map->entries);
    memmove(entry, entry + 1, (map->count - at - 1) * sizeof *entry);
    map->count--;
    if (map->slots) {
        map->slots = NULL;
        map->slot_count = 0;
        if (map->count >= INDEX_FROM) {
            (void)index_grow(arena, map); /* without memory: found by a scan */
        }
    }
    return value;
}

const char *node_kind_text(const struct node *node) {
    switch (node->kind) {
    case NODE_MAP:
        return "a map";
    case NODE_LIST:
        return "a list";
    case NODE_SCALAR:
        return "a text";
    default:
        return "nothing";
    }
}

struct mark node_mark_at(const struct node *scalar, size_t offset) {
    struct mark mark = scalar->mark;
    if (!scalar->raw) {
        mark.column += (uint32_t)offset + (scalar->quoted ? 1 : 0);
    }
    return mark;
}
