/* demo.Echo sends on what it gets, whatever its type, without copying it. */
#include <troupe/troupe.h>

struct echo {
    uint64_t seen;
};

#define ECHO_ROWS(P)                                                                               \
    P(any, echo, message)                                                                          \
    P(as, echo, back, message)
TROUPE_ACTOR(echo, "demo.Echo", ECHO_ROWS);

static int echo_on_message(struct troupe_turn *t, struct echo *self,
                           const struct troupe_any *message) {
    self->seen++;
    return echo_forward_back(t, message);
}
