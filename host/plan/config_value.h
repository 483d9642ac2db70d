/* One config value: from text to the member of the plugin's struct, within its range or choices. */
#pragma once

#include "base/err.h"
#include "plugin/note.h"

/* For kinds int, float, bool, duration, size and enum. Writes the member on success only. Errors:
 * INVALID, with a sentence that names the key and the value. [any] */
int config_parse(const struct note_key *key, const char *text, void *member, struct err *err);
