/* A complete actor: counts lines and their bytes, and reports every so often and at the end. */
#include <troupe/troupe.h>

#define TEXT_LINE(F) F(str, text) F(u64, number) F(u64, offset) F(bool, cut)
TROUPE_MESSAGE(text_line, "text.line/1", TEXT_LINE);
#define TALLY_TOTAL(F) F(u64, lines) F(u64, bytes)
TROUPE_MESSAGE(tally_total, "tally.total/1", TALLY_TOTAL);
#define TALLY_CONFIG(C) C(duration, every, 10s, "how often to report", "1ms..1h")
TROUPE_CONFIG(tally_config, TALLY_CONFIG);

struct tally {
    struct tally_config config;
    struct tally_total total;
};
#define TALLY(P)                                                                                   \
    P(config, tally, tally_config)                                                                 \
    P(in, tally, line, text_line)                                                                  \
    P(in, tally, reset, text_line)                                                                 \
    P(out, tally, total, tally_total)                                                              \
    P(timer, tally, report)                                                                        \
    P(init, tally)                                                                                 \
    P(cleanup, tally)
TROUPE_ACTOR(tally, "tally.Tally", TALLY);
TROUPE_PLUGIN("tally", "1.0", &tally_actor);

static int tally_init(struct troupe_turn *t, struct tally *self) {
    return tally_start_report(t, self->config.every, self->config.every);
}

static int tally_on_line(struct troupe_turn *t, struct tally *self, const struct text_line *line) {
    self->total.lines++;
    self->total.bytes += line->text.size;
    return TROUPE_OK;
}

static int tally_on_reset(struct troupe_turn *t, struct tally *self, const struct text_line *line) {
    self->total = (struct tally_total){0};
    return TROUPE_OK;
}

static int tally_on_report(struct troupe_turn *t, struct tally *self, const struct troupe_tick *k) {
    return tally_send_total(t, &self->total);
}

static int tally_cleanup(struct troupe_turn *t, struct tally *self) {
    return tally_send_total(t, &self->total);
}
