/* bench.Caller keeps some calls to bench.Clerk under way. */
#include "mark.h"
#include "question.h"

#define CALLER_CONFIG(C)                                                                           \
    C(int, count, required, "how many calls to make", "1..")                                       \
    C(int, pending, 64, "how many at a time", "1..")
TROUPE_CONFIG(caller_config, CALLER_CONFIG);

struct caller {
    struct caller_config config;
    int64_t asked, answered;
};

#define CALLER(P)                                                                                  \
    P(config, caller, caller_config)                                                               \
    P(ask, caller, question, bench_question, bench_answer)                                         \
    P(init, caller)
TROUPE_ACTOR(caller, "bench.Caller", CALLER);

#define CALL_TIMEOUT_NS 60000000000u

static int caller_next(struct troupe_turn *t, struct caller *self) {
    if (self->asked == self->config.count) {
        return 0;
    }
    struct bench_question question = {.number = (uint64_t)++self->asked};
    return caller_ask_question(t, &question, CALL_TIMEOUT_NS) ? 0 : troupe_fail(t, "cannot call");
}

static int caller_init(struct troupe_turn *t, struct caller *self) {
    int status = bench_started(t);
    for (int64_t i = 0; i < self->config.pending && status >= 0; i++) {
        status = caller_next(t, self);
    }
    return status;
}

static int caller_on_question(struct troupe_turn *t, struct caller *self,
                              const struct troupe_outcome *outcome,
                              const struct bench_answer *answer) {
    if (!answer) {
        return troupe_fail(t, "a call failed: %.*s", TROUPE_STR_ARG(outcome->text));
    }
    if (++self->answered < self->config.count) {
        return caller_next(t, self);
    }
    int status = bench_ended(t);
    return status < 0 ? status : t->host->stop(t);
}

struct clerk {
    uint64_t seen;
};

#define CLERK(P) P(call, clerk, question, bench_question, bench_answer)
TROUPE_ACTOR(clerk, "bench.Clerk", CLERK);

static int clerk_on_question(struct troupe_turn *t, struct clerk *self,
                             const struct bench_question *question) {
    self->seen++;
    struct bench_answer answer = {.number = question->number};
    return clerk_reply_question(t, &answer);
}
