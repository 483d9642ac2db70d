/* `defaults` and `actors`: actors and groups, by their tables of keys. */
#pragma once

#include "manifest/schema.h"

/* An actor that nothing was said about. */
struct manifest_actor actors_prototype(void);
/* `defaults`, into the prototype of the manifest. */
field_read actors_read_defaults;
/* `actors` at the top; needs `defaults` and `supervision` read before. */
field_read actors_read;
field_explain actors_explain;
