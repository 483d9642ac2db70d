/* bench.Source sends as fast as it can, bench.Counter counts, with or without work on each. */
#include "mark.h"

#define BENCH_ITEM(F) F(u64, number)
TROUPE_MESSAGE(bench_item, "bench.item/1", BENCH_ITEM);
#define BENCH_MORE(F) F(u64, sent)
TROUPE_MESSAGE(bench_more, "bench.more/1", BENCH_MORE);

#define SOURCE_CONFIG(C)                                                                           \
    C(int, count, required, "how many items to send", "1..")                                       \
    C(int, burst, 1000, "how many in one turn; then it makes way by a message to itself", "1..")
TROUPE_CONFIG(source_config, SOURCE_CONFIG);

struct source {
    struct source_config config;
    uint64_t sent;
};

#define SOURCE(P)                                                                                  \
    P(config, source, source_config)                                                               \
    P(in, source, more, bench_more)                                                                \
    P(out, source, again, bench_more)                                                              \
    P(out, source, item, bench_item)                                                               \
    P(init, source)
TROUPE_ACTOR(source, "bench.Source", SOURCE);

static int source_burst(struct troupe_turn *t, struct source *self) {
    for (int64_t i = 0; i < self->config.burst; i++) {
        if (self->sent == (uint64_t)self->config.count) {
            return t->host->stop(t);
        }
        struct bench_item item = {.number = ++self->sent};
        int status = source_send_item(t, &item);
        if (status < 0) {
            return status;
        }
    }
    struct bench_more more = {.sent = self->sent};
    return source_send_again(t, &more);
}

static int source_init(struct troupe_turn *t, struct source *self) {
    int status = bench_started(t);
    return status < 0 ? status : source_burst(t, self);
}

static int source_on_more(struct troupe_turn *t, struct source *self,
                          const struct bench_more *more) {
    (void)more;
    return source_burst(t, self);
}

#define COUNTER_CONFIG(C)                                                                          \
    C(int, expect, required, "how many items come", "1..")                                         \
    C(int, work, 0, "rounds of arithmetic for each item; 1000 are a microsecond or so", "0..")
TROUPE_CONFIG(counter_config, COUNTER_CONFIG);

struct counter {
    struct counter_config config;
    uint64_t seen, sum;
};

#define COUNTER(P)                                                                                 \
    P(config, counter, counter_config)                                                             \
    P(in, counter, item, bench_item)
TROUPE_ACTOR(counter, "bench.Counter", COUNTER);

static int counter_on_item(struct troupe_turn *t, struct counter *self,
                           const struct bench_item *item) {
    uint64_t x = item->number;
    for (int64_t i = 0; i < self->config.work; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
    }
    self->sum += x;
    return ++self->seen == (uint64_t)self->config.expect ? bench_ended(t) : 0;
}
