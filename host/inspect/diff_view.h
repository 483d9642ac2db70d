/* The difference of two plans, for people and programs. */
#pragma once

#include "base/str.h"
#include "plan/diff.h"

/* A line for each operation with its sign, "+" for what is new, "-" for what goes, "~" for what changes, "!" for
 * what takes a restart; what changes below it; a summary. "no difference" when there is none. */
void diff_view_text(const struct diff *diff, bool colour, struct str *out);
/* [{"kind","path","count","text","live","file","line","column","changes":[{"what","from","to","restart","file",
 * "line","column"}]}]; "port" for rewire; no "file" where nothing of the manifest says it; "from" and "to" are null
 * where there is none. */
void diff_view_json(const struct diff *diff, struct str *out);
