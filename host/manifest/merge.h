/* Two trees become one: strictly for included files, or the second overriding the first. */
#pragma once

#include "manifest/node.h"

enum merge_mode {
    MERGE_INCLUDE, /* a key set in both is an error that names both places */
    MERGE_OVERRIDE /* the second wins, key by key */
};

/* Merges the map `add` into the map `base`, which takes over its nodes. Without memory arena->failed
 * is set. */
void merge_trees(struct arena *arena, struct node *base, struct node *add, enum merge_mode mode,
                 struct diags *diags);
