/* `config` of an actor: settings as written, checked by the plan against the type's schema. */
#pragma once

#include "manifest/schema.h"

field_read settings_read; /* target: struct manifest_actor */
field_explain settings_explain;
