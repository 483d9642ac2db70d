/* The plugin `bench`: actors that do next to nothing, so that what is measured is the host. */
#include <troupe/troupe.h>

TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor player_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor source_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor counter_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor starter_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor peer_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor spawner_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor child_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor caller_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor clerk_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor listener_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor rival_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor mate_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor pacer_actor;
TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor meter_actor;

TROUPE_PLUGIN("bench", "1.0", &player_actor, &source_actor, &counter_actor, &starter_actor,
              &peer_actor, &spawner_actor, &child_actor, &caller_actor, &clerk_actor,
              &listener_actor, &rival_actor, &mate_actor, &pacer_actor, &meter_actor);
