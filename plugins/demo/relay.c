/* demo.Relay hands a token on: a ring of them plays until it has gone round often enough. */
#include <troupe/troupe.h>

#define DEMO_TOKEN(F) F(u64, hops)
TROUPE_MESSAGE(demo_token, "demo.token/1", DEMO_TOKEN);

#define RELAY_CONFIG(C)                                                                            \
    C(bool, first, false, "begin the round")                                                       \
    C(int, hops, 1000, "drop the token after so many", "1..")
TROUPE_CONFIG(relay_config, RELAY_CONFIG);

struct relay {
    struct relay_config config;
};

#define RELAY(P)                                                                                   \
    P(config, relay, relay_config)                                                                 \
    P(in, relay, token, demo_token)                                                                \
    P(out, relay, next, demo_token)                                                                \
    P(out, relay, dropped, demo_token)                                                             \
    P(init, relay)
TROUPE_ACTOR(relay, "demo.Relay", RELAY);

static int relay_init(struct troupe_turn *t, struct relay *self) {
    struct demo_token token = {.hops = 1};
    return self->config.first ? relay_send_next(t, &token) : 0;
}

/* Nobody stops the ring: when the token is gone, all of it is idle, and so it ends (DR-1). */
static int relay_on_token(struct troupe_turn *t, struct relay *self,
                          const struct demo_token *token) {
    if (token->hops >= (uint64_t)self->config.hops) {
        return relay_send_dropped(t, token);
    }
    struct demo_token next = {.hops = token->hops + 1};
    return relay_send_next(t, &next);
}
