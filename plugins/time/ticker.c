/* time.Ticker: sends a tick every so often. */
#include <troupe/troupe.h>

/* `number` counts the ticks sent from 1; `missed` were due since the one before, and not sent. */
#define TIME_TICK(F) F(u64, number) F(u64, missed) F(time, at)
TROUPE_MESSAGE(time_tick, "time.tick/1", TIME_TICK);

#define TICKER_CONFIG(C)                                                                           \
    C(duration, every, 1s, "the time between ticks", "1ms..")                                      \
    C(int, count, 0, "stop after so many; 0: never", "0..")
TROUPE_CONFIG(ticker_config, TICKER_CONFIG);

struct ticker {
    struct ticker_config config;
    uint64_t sent;
};

#define TICKER(P)                                                                                  \
    P(config, ticker, ticker_config)                                                               \
    P(out, ticker, tick, time_tick)                                                                \
    P(timer, ticker, due)                                                                          \
    P(init, ticker)
TROUPE_ACTOR(ticker, "time.Ticker", TICKER);
TROUPE_PLUGIN("time", "1.0", &ticker_actor);

static int ticker_init(struct troupe_turn *t, struct ticker *self) {
    return ticker_start_due(t, self->config.every, self->config.every);
}

static int ticker_on_due(struct troupe_turn *t, struct ticker *self,
                         const struct troupe_tick *due) {
    struct time_tick tick = {
        .number = ++self->sent, .missed = due->missed, .at = t->host->time_of_day(t)};
    int status = ticker_send_tick(t, &tick);
    bool is_last = self->config.count > 0 && self->sent >= (uint64_t)self->config.count;
    return status == 0 && is_last ? t->host->stop(t) : status;
}
