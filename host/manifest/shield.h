/* Keeps variables out of YAML's sight: "{ path: ${LOG:-a.log} }" is no map within a map.
 *
 * Before parsing, the special characters of each ${...} on one line are replaced, one character for
 * one, by characters of a private plane, so that places stay true; after parsing they are put back.
 * A variable with a quote or a backslash in it is left to YAML's own rules. On the way the text is
 * checked to be UTF-8 without control characters. */
#pragma once

#include "base/str.h"
#include "manifest/source.h"

/* -1: no memory (out->failed), or not a text (in diags). */
int shield_add(const struct source *source, struct str *out, struct diags *diags);
/* In place; a text only becomes shorter. */
void shield_remove(char *text);
