/* The tables of a loaded plugin, copied into the host's own and held against the note. */
#pragma once

#include <troupe/plugin.h>

#include "base/err.h"
#include "plugin/dl.h"
#include "plugin/library.h"

/* Copies the descriptor at `symbol`. Every table may be smaller or larger than the host's and
 * must lie, as its texts and functions must, in the module. Errors: ABI. [control] */
int tables_read_plugin(const struct dl *dl, const void *symbol, struct troupe_plugin *ret,
                       struct err *err);

/* Fills library->types, in the order of the note's actors, out of `plugin`. Refuses whatever
 * differs from the note, by name. Errors: ABI, NOMEM; what was filled belongs to the library.
 * [control] */
int tables_read_types(const struct dl *dl, const struct troupe_plugin *plugin,
                      struct library *library, struct err *err);
void tables_free_types(struct library *library);
