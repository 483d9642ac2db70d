/* Keys that are checked and have no effect yet: one line a key, deleted when the key is built. */
#include "manifest/unbuilt.h"

static const char *const unbuilt[] = {"control"};
#define UNBUILT_COUNT (sizeof unbuilt / sizeof *unbuilt)

void unbuilt_find(struct manifest *manifest) {
    struct manifest_impl *impl = manifest->impl;
    struct manifest_unused *found = arena_array(&impl->arena, UNBUILT_COUNT, sizeof *found);
    for (size_t i = 0; found && i < UNBUILT_COUNT; i++) {
        const struct entry *entry = node_find(impl->root, unbuilt[i]);
        if (entry) {
            found[manifest->unused_count++] =
                (struct manifest_unused){.key = unbuilt[i], .mark = entry->mark};
        }
    }
    manifest->unused = found;
}
