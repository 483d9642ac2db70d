/* bench.Player hits a ball on until it has flown often enough: two make ping-pong, many a ring. */
#include "mark.h"

#define BENCH_BALL(F) F(u64, left)
TROUPE_MESSAGE(bench_ball, "bench.ball/1", BENCH_BALL);

#define PLAYER_CONFIG(C) C(int, serve, 0, "begin, with a ball that is hit so often", "0..")
TROUPE_CONFIG(player_config, PLAYER_CONFIG);

struct player {
    struct player_config config;
};

#define PLAYER(P)                                                                                  \
    P(config, player, player_config)                                                               \
    P(in, player, ball, bench_ball)                                                                \
    P(out, player, hit, bench_ball)                                                                \
    P(init, player)
TROUPE_ACTOR(player, "bench.Player", PLAYER);

static int player_init(struct troupe_turn *t, struct player *self) {
    struct bench_ball ball = {.left = (uint64_t)self->config.serve};
    if (ball.left == 0) {
        return 0;
    }
    int status = bench_started(t);
    return status < 0 ? status : player_send_hit(t, &ball);
}

static int player_on_ball(struct troupe_turn *t, struct player *self,
                          const struct bench_ball *ball) {
    (void)self;
    struct bench_ball next = {.left = ball->left - 1};
    return next.left == 0 ? bench_ended(t) : player_send_hit(t, &next);
}
