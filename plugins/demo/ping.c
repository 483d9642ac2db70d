/* demo.Ping calls demo.Pong, again and again: calls, replies and deadlines. */
#include <troupe/troupe.h>

#define DEMO_BALL(F) F(u64, number)
TROUPE_MESSAGE(demo_ball, "demo.ball/1", DEMO_BALL);

#define DEMO_SCORE(F) F(u64, returned) F(u64, lost)
TROUPE_MESSAGE(demo_score, "demo.score/1", DEMO_SCORE);

#define PING_CONFIG(C)                                                                             \
    C(int, count, 10, "how many balls to play", "1..")                                             \
    C(duration, timeout, 1s, "how long to wait for one to come back", "1ms..")
TROUPE_CONFIG(ping_config, PING_CONFIG);

struct ping {
    struct ping_config config;
    uint64_t returned, lost;
};

#define PING(P)                                                                                    \
    P(config, ping, ping_config)                                                                   \
    P(ask, ping, ball, demo_ball, demo_ball)                                                       \
    P(out, ping, score, demo_score)                                                                \
    P(init, ping)
TROUPE_ACTOR(ping, "demo.Ping", PING);

static int ping_serve(struct troupe_turn *t, struct ping *self) {
    struct demo_ball ball = {.number = self->returned + self->lost + 1};
    return ping_ask_ball(t, &ball, self->config.timeout) ? 0
                                                         : troupe_fail(t, "nobody to play with");
}

static int ping_init(struct troupe_turn *t, struct ping *self) {
    return ping_serve(t, self);
}

static int ping_on_ball(struct troupe_turn *t, struct ping *self,
                        const struct troupe_outcome *outcome, const struct demo_ball *ball) {
    if (ball) {
        self->returned++;
    } else {
        self->lost++;
        troupe_log(t, TROUPE_LOG_WARN, "lost a ball: %.*s", TROUPE_STR_ARG(outcome->text));
    }
    if (self->returned + self->lost < (uint64_t)self->config.count) {
        return ping_serve(t, self);
    }
    struct demo_score score = {.returned = self->returned, .lost = self->lost};
    int status = ping_send_score(t, &score);
    return status < 0 ? status : t->host->stop(t);
}

struct pong {
    uint64_t seen;
};

#define PONG(P) P(call, pong, ball, demo_ball, demo_ball)
TROUPE_ACTOR(pong, "demo.Pong", PONG);

static int pong_on_ball(struct troupe_turn *t, struct pong *self, const struct demo_ball *ball) {
    self->seen++;
    return pong_reply_ball(t, ball);
}
