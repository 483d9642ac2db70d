/* The plugin `demo`: small actors that each show one thing. */
#include <troupe/troupe.h>

TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor ping_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor pong_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor relay_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor echo_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor spawner_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor worker_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor crash_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor look_actor;

TROUPE_PLUGIN("demo", "1.0", &ping_actor, &pong_actor, &relay_actor, &echo_actor, &spawner_actor,
              &worker_actor, &crash_actor, &look_actor);
