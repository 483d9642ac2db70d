/* bench.Listener is woken from outside and notes how long each message took to reach it. */
#include <stdlib.h>

#include "mark.h"

#define BENCH_CALL(F) F(u64, sent_ns)
TROUPE_MESSAGE(bench_call, "bench.call/1", BENCH_CALL);

#define LISTENER_CONFIG(C) C(int, expect, required, "how many messages come", "1..")
TROUPE_CONFIG(listener_config, LISTENER_CONFIG);

struct listener {
    struct listener_config config;
    uint64_t *delays;
    int64_t seen;
};

#define LISTENER(P)                                                                                \
    P(config, listener, listener_config)                                                           \
    P(in, listener, call, bench_call)                                                              \
    P(init, listener)
TROUPE_ACTOR(listener, "bench.Listener", LISTENER);

static int listener_init(struct troupe_turn *t, struct listener *self) {
    self->delays = t->host->alloc(t, (uint64_t)self->config.expect * sizeof *self->delays);
    int status = self->delays ? bench_started(t) : TROUPE_NO_MEMORY;
    return status;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int listener_on_call(struct troupe_turn *t, struct listener *self,
                            const struct bench_call *call) {
    self->delays[self->seen++] = bench_now() - call->sent_ns;
    if (self->seen < self->config.expect) {
        return 0;
    }
    uint64_t count = (uint64_t)self->seen;
    qsort(self->delays, count, sizeof *self->delays, by_size);
    int status = troupe_publish_u64(t, "p50", self->delays[count / 2]);
    status = status < 0 ? status : troupe_publish_u64(t, "p99", self->delays[count * 99 / 100]);
    status = status < 0 ? status : bench_ended(t);
    return status < 0 ? status : t->host->stop(t);
}
