/* The plugin `stats`: bursts per source, and totals. */
#include <troupe/troupe.h>

TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor window_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor count_actor;

TROUPE_PLUGIN("stats", "1.0", &window_actor, &count_actor);
