/* Variables in scalars: ${VAR}, ${VAR:-default}, $${ for a literal ${. */
#pragma once

#include "manifest/node.h"
#include "manifest/source.h"

/* The value of a variable by the options' hook, else by getenv; NULL when unset. */
const char *env_find(const struct manifest_options *options, const char *name);

/* Substitutes in every scalar of the tree, never in keys. A scalar with an error becomes NODE_BAD. */
void env_apply(struct arena *arena, const struct source *source,
               const struct manifest_options *options, struct node *node, struct diags *diags);
