/* A file of the command line with all it includes, as one tree. */
#pragma once

#include "manifest/node.h"
#include "manifest/source.h"

struct include {
    struct arena *arena;
    struct manifest_sources *sources;
    const struct manifest_options *options;
    struct diags *diags;
    bool incomplete; /* out: a file could not be read */
};

/* A map without the keys `troupe` and `include`, which are done with here; empty when the file could
 * not be read. NULL: no memory. */
struct node *include_load(struct include *in, const char *path);
