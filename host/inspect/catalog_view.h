/* The plugin files of a search path, for people and programs. */
#pragma once

#include "base/str.h"
#include "plugin/catalog.h"

/* A plugin a paragraph, a type a line; a refused file with its reason. */
void catalog_view_text(const struct catalog *catalog, struct str *out);
/* {"folders":[...],"plugins":[{path,name,version,sha256,types:[{id,hidden_by,ports}]}],
 *  "refused":[{path,reason}]}; hidden_by only where an earlier file offers the type. */
void catalog_view_json(const struct catalog *catalog, struct str *out);
