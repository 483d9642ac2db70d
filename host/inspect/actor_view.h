/* One actor as it was seen, for people and programs: the attributes of the one table (IK-1).
 *
 * Texts that actors gave reach a terminal without control characters. Without memory `out` is failed. */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "record/snapshot.h"

/* The two views (S-4): all that is known of the actor, or who it is and what it published itself. */
enum actor_view { ACTOR_VIEW, ENTITY_VIEW };

/* A line an attribute: its name and value; lists below it, an element a line. Times are local. */
void actor_view_text(const struct snapshot *s, enum actor_view view, bool colour, struct str *out);
/* As snapshot_json and snapshot_entity_json. */
void actor_view_json(const struct snapshot *s, enum actor_view view, struct str *out);

/* The JSON Schema of both views, and the manual page troupe-attributes(7), which has the proc's view, too:
 * made of the tables. */
void actor_view_schema(struct str *out);
void actor_view_manual(struct str *out);
