/* `plugins`: where plugin files are looked for, and which bytes they must have. */
#pragma once

#include "manifest/schema.h"

extern const struct field plugins_fields[]; /* struct manifest */
