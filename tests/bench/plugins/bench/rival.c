/* bench.Rival plays ball with one that it knows by reference only, each at home with its own mate.
 *
 * What no wire joins starts apart, and who talks to one worker only would move there: a word to the
 * mate now and then says that it has its place. So two of them stay on two workers, by what the host
 * does for every actor and without a way to pin them. */
#include "mark.h"

#define BENCH_BALL(F) F(u64, left)
TROUPE_MESSAGE(bench_ball, "bench.ball/1", BENCH_BALL);
#define BENCH_MEET(F) F(ref, rival)
TROUPE_MESSAGE(bench_meet, "bench.meet/1", BENCH_MEET);
#define BENCH_WORD(F) F(u64, number)
TROUPE_MESSAGE(bench_word, "bench.word/1", BENCH_WORD);

#define WORD_EACH 16u /* balls; an actor moves after 64 at the least */

#define RIVAL_CONFIG(C) C(int, serve, 0, "begin, with a ball that is hit so often", "0..")
TROUPE_CONFIG(rival_config, RIVAL_CONFIG);

struct rival {
    struct rival_config config;
    struct troupe_ref other;
    uint64_t hits;
};

#define RIVAL(P)                                                                                   \
    P(config, rival, rival_config)                                                                 \
    P(in, rival, meet, bench_meet)                                                                 \
    P(in, rival, ball, bench_ball)                                                                 \
    P(to, rival, hit, bench_ball)                                                                  \
    P(out, rival, word, bench_word)
TROUPE_ACTOR(rival, "bench.Rival", RIVAL);

static int rival_hit(struct troupe_turn *t, struct rival *self, uint64_t left) {
    struct bench_ball ball = {.left = left};
    if (++self->hits % WORD_EACH == 0) {
        struct bench_word word = {.number = self->hits};
        int status = rival_send_word(t, &word);
        if (status < 0) {
            return status;
        }
    }
    return rival_send_hit(t, self->other, &ball);
}

static int rival_on_meet(struct troupe_turn *t, struct rival *self, const struct bench_meet *meet) {
    self->other = meet->rival;
    if (self->config.serve == 0) {
        return 0;
    }
    int status = bench_started(t);
    return status < 0 ? status : rival_hit(t, self, (uint64_t)self->config.serve);
}

/* A ball of 0 says that the game is over. */
static int rival_on_ball(struct troupe_turn *t, struct rival *self, const struct bench_ball *ball) {
    if (ball->left == 0) {
        return t->host->stop(t);
    }
    int status = ball->left == 1 ? bench_ended(t) : 0;
    status = status < 0 ? status : rival_hit(t, self, ball->left - 1);
    return status < 0 || ball->left > 1 ? status : t->host->stop(t);
}

struct mate {
    uint64_t words;
};

#define MATE(P) P(in, mate, word, bench_word)
TROUPE_ACTOR(mate, "bench.Mate", MATE);

static int mate_on_word(struct troupe_turn *t, struct mate *self, const struct bench_word *word) {
    (void)t;
    (void)word;
    self->words++;
    return 0;
}
