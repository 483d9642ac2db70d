/* The plugin `file`: reading files line by line, and writing records to them. */
#include <troupe/troupe.h>

TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor tail_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor sink_actor;

TROUPE_PLUGIN("file", "1.0", &tail_actor, &sink_actor);
