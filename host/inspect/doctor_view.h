/* What speaks against reloading and unloading a plugin file, for people and programs. Without memory `out` is
 * failed. */
#pragma once

#include "base/str.h"
#include "plugin/doctor.h"

/* A line for each finding, below it why that is bad, and what cures it; then how many there are. */
void doctor_view_text(const struct image *image, const struct doctor *doctor, struct str *out);

/* {"file","name","version","unloads":bool,"reloads":bool,
 *  "findings":[{"kind":"unload"|"reload"|"advice","id","what","why","cure"}]} */
void doctor_view_json(const struct image *image, const struct doctor *doctor, struct str *out);
