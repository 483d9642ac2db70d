/* YAML text → tree of nodes; the only file that knows libyaml.
 *
 * Accepted is the part of YAML that a manifest needs: one document of maps with plain keys, lists and
 * scalars. Anchors, aliases, tags, merge keys and further documents are refused by name, a key twice
 * in a map too; reading goes on behind them. Variables may stand anywhere in a scalar, in a flow map
 * as well, where YAML itself would take their braces for a map. */
#pragma once

#include "manifest/node.h"
#include "manifest/source.h"

/* NULL when the text is no YAML (that is in diags then) or there is no memory (arena->failed). */
struct node *yaml_read(struct arena *arena, const struct source *source, struct diags *diags);
