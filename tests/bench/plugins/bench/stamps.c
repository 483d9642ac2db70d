/* bench.Pacer sends so many stamped messages each millisecond, bench.Meter says how long they took, from when they
 * were due: a pacer that gets on late, or misses ticks, sends what was due meanwhile, and that counts as late. */
#include <string.h>

#include "mark.h"

#define BENCH_STAMP(F) F(u64, key) F(u64, sent_ns)
TROUPE_MESSAGE(bench_stamp, "bench.stamp/1", BENCH_STAMP);
/* Whoever looks counts those of its time to one of these sums, or to none: METER_SUMS. */
#define METER_SUMS 2u
#define BENCH_TELL(F) F(u64, number) F(u64, sum)
TROUPE_MESSAGE(bench_tell, "bench.tell/1", BENCH_TELL);

#define PACER_CONFIG(C) C(int, each_ms, "10", "messages each millisecond", "1..")
TROUPE_CONFIG(pacer_config, PACER_CONFIG);

struct pacer {
    struct pacer_config config;
    uint64_t sent, due_ns;
};

#define TICK_NS 1000000u

#define PACER(P)                                                                                   \
    P(config, pacer, pacer_config)                                                                 \
    P(timer, pacer, tick)                                                                          \
    P(out, pacer, stamp, bench_stamp)                                                              \
    P(init, pacer)
TROUPE_ACTOR(pacer, "bench.Pacer", PACER);

static int pacer_init(struct troupe_turn *t, struct pacer *self) {
    self->due_ns = bench_now();
    return pacer_start_tick(t, TICK_NS, TICK_NS);
}

static int pacer_send(struct troupe_turn *t, struct pacer *self) {
    int status = TROUPE_OK;
    self->due_ns += TICK_NS;
    for (int64_t i = 0; i < self->config.each_ms && status >= 0; i++) {
        const struct bench_stamp stamp = {self->sent++, self->due_ns};
        status = pacer_send_stamp(t, &stamp);
    }
    return status;
}

static int pacer_on_tick(struct troupe_turn *t, struct pacer *self,
                         const struct troupe_tick *tick) {
    int status = pacer_send(t, self);
    for (uint64_t i = 0; i < tick->missed && status >= 0; i++) {
        status = pacer_send(t, self);
    }
    return status;
}

/* Of times from 0 on, in steps of about 2 %: 32 to each doubling. */
#define METER_STEPS 32u
#define METER_ROOM (40 * METER_STEPS)

struct counts {
    uint64_t of[METER_ROOM];
    uint64_t all, most_ns;
};

struct meter {
    struct counts now, sums[METER_SUMS];
};

#define METER(P)                                                                                   \
    P(in, meter, stamped, bench_stamp)                                                             \
    P(in, meter, tell, bench_tell)
TROUPE_ACTOR(meter, "bench.Meter", METER);

static uint64_t step_of(uint64_t ns) {
    uint64_t doubling = ns < METER_STEPS ? 0 : 58u - (uint64_t)__builtin_clzll(ns);
    uint64_t step = doubling * METER_STEPS + (ns >> doubling);
    return step < METER_ROOM ? step : METER_ROOM - 1;
}

static uint64_t ns_of(uint64_t step) {
    uint64_t doubling = step < 2 * METER_STEPS ? 0 : step / METER_STEPS - 1;
    return (step - doubling * METER_STEPS) << doubling;
}

static int meter_on_stamped(struct troupe_turn *t, struct meter *self,
                            const struct bench_stamp *stamp) {
    uint64_t ns = bench_now() - stamp->sent_ns;
    (void)t;
    self->now.of[step_of(ns)]++;
    self->now.all++;
    self->now.most_ns = ns > self->now.most_ns ? ns : self->now.most_ns;
    return TROUPE_OK;
}

static void add(struct counts *sum, const struct counts *more) {
    for (unsigned i = 0; i < METER_ROOM; i++) {
        sum->of[i] += more->of[i];
    }
    sum->all += more->all;
    sum->most_ns = more->most_ns > sum->most_ns ? more->most_ns : sum->most_ns;
}

static uint64_t quantile(const struct counts *counts, double share) {
    uint64_t wanted = (uint64_t)((double)counts->all * share), seen = 0, step = 0;
    while (step < METER_ROOM - 1 && (seen += counts->of[step]) <= wanted) {
        step++;
    }
    return ns_of(step);
}

/* What it has seen since it was told to last goes into that sum, which it shows, or is forgotten. */
static int meter_on_tell(struct troupe_turn *t, struct meter *self, const struct bench_tell *tell) {
    if (tell->sum < METER_SUMS) {
        struct counts *sum = &self->sums[tell->sum];
        add(sum, &self->now);
        if (troupe_publish_u64(t, "p50_ns", quantile(sum, 0.5)) < 0 ||
            troupe_publish_u64(t, "p99_ns", quantile(sum, 0.99)) < 0 ||
            troupe_publish_u64(t, "p999_ns", quantile(sum, 0.999)) < 0 ||
            troupe_publish_u64(t, "most_ns", sum->most_ns) < 0) {
            return TROUPE_NO_MEMORY;
        }
    }
    memset(&self->now, 0, sizeof self->now);
    return troupe_publish_u64(t, "told", tell->number);
}
