/* All that a plugin file says of itself, for people and programs; none of its code runs.
 *
 * What cannot be judged is not claimed: symbols are reported missing only when every library that
 * the plugin needs could be looked into. Without memory `out` is failed. */
#pragma once

#include "base/str.h"
#include "plugin/image.h"

/* The file, then a paragraph for each actor type and each message, in columns. */
void plugin_view_text(const struct image *image, struct str *out);

/* {"file","size","sha256","build_id","name","version","abi","soname","stripped","needs":[...],
 *  "missing":{"symbols":[...],"libraries":[...]},"unload":{"stays":bool,"reasons":[...]},
 *  "leaks_on_fault",
 *  "actors":[{"id","state":{"version","oldest"},"options":[...],
 *    "ports":[{"name","kind","message","reply","follows"}],"timers":[...],"watches":[...],
 *    "children":[{"name","type"}],"hooks":[...],
 *    "config":[{"name","kind","required","default","help","range"|"choices"|"port"}]}],
 *  "messages":[{"id","schema","fields":[{"name","kind","items":[...]}]}]}
 * "state" is null for a type that cannot save; "message", "reply" and "follows" stand where the
 * kind of port has them, "default" where the key is not required. */
void plugin_view_json(const struct image *image, struct str *out);
