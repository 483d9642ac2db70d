/* Keys that are checked and have no effect yet: one line a key, deleted when the key is built. */
#include "manifest/unbuilt.h"

enum scope { SCOPE_TOP, SCOPE_DEFAULTS, SCOPE_ACTOR };

static const struct unbuilt {
    enum scope scope;
    const char *key;
    const char *path;
} unbuilt[] = {
    {SCOPE_TOP, "reload", "reload"},
    {SCOPE_TOP, "control", "control"},
    {SCOPE_DEFAULTS, "stuck_after", "defaults.stuck_after"},
    {SCOPE_DEFAULTS, "on_stuck", "defaults.on_stuck"},
    {SCOPE_ACTOR, "stuck_after", "actors.*.stuck_after"},
    {SCOPE_ACTOR, "on_stuck", "actors.*.on_stuck"},
};
#define UNBUILT_COUNT (sizeof unbuilt / sizeof *unbuilt)

static void note(struct manifest_unused *found, enum scope scope, const struct node *map) {
    for (size_t i = 0; i < UNBUILT_COUNT; i++) {
        const struct entry *entry =
            unbuilt[i].scope == scope ? node_find(map, unbuilt[i].key) : NULL;
        if (entry && found[i].places++ == 0) {
            found[i].key = unbuilt[i].path;
            found[i].mark = entry->mark;
        }
    }
}

static void note_actors(struct manifest_unused *found, const struct node *actors) {
    for (size_t i = 0; actors && i < actors->count; i++) {
        note(found, SCOPE_ACTOR, actors->entries[i].value);
        note_actors(found, node_value(actors->entries[i].value, "actors"));
    }
}

void unbuilt_find(struct manifest *manifest) {
    struct manifest_impl *impl = manifest->impl;
    struct manifest_unused *found = arena_array(&impl->arena, UNBUILT_COUNT, sizeof *found);
    if (!found) {
        return;
    }
    note(found, SCOPE_TOP, impl->root);
    note(found, SCOPE_DEFAULTS, node_value(impl->root, "defaults"));
    note_actors(found, node_value(impl->root, "actors"));
    for (size_t i = 0; i < UNBUILT_COUNT; i++) {
        if (found[i].places) {
            found[manifest->unused_count++] = found[i];
        }
    }
    manifest->unused = found;
}
