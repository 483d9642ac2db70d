/* Two deployments of the test kit, "one" and "two", joined by the in-process forwarder; seeded, both are stepped
 * by turns. */
#pragma once

#include "lib/app/kit.h"

#include <stdatomic.h>

#include "app/forwarder_impl.h"

struct joined {
    void *state;
    struct troupe_forwarder *forwarder;
    struct member *member[2];
    struct kit *kit[2];
    _Atomic unsigned gone;
};

/* Starts them; `first` and `second` stand behind "proc: ...". */
void joined_start(struct joined *j, void *state, const char *first, const char *second);
/* An actor, and a port of it, in the other deployment, as the deployment `at` calls it. */
struct troupe_ref joined_find(struct joined *j, unsigned at, const char *actor, const char *port);
/* Seeded: runs both until nothing is left to do now. Threads: nothing. */
void joined_settle(struct joined *j);
/* Waits until the trace has so many lines of this text; seeded: without letting time pass. */
void joined_wait(struct joined *j, const char *line, unsigned count);
/* Has one end, as it was told to or by itself, leave, and hold to account; *ret as of kit_end. */
void joined_end_one(struct joined *j, unsigned at, struct supervisor_result *ret);
/* Stops both, and ends what is left. Both must end cleanly. */
void joined_stop(struct joined *j);
/* When both have ended. */
void joined_fini(struct joined *j);
