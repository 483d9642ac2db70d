/* syslog.Parse: takes lines of a system log apart, one event for every line. */
#include <troupe/troupe.h>

#include "common/syslog_event.h"
#include "common/text_line.h"
#include "syslog/dating.h"
#include "syslog/header.h"
#include "syslog/sshd.h"

#define PARSE_CONFIG(C)                                                                            \
    C(int, year, 0, "the year a log without years begins in; 0: the latest that fits", "0..2261")  \
    C(enum, zone, local, "zone of times that name none", "local|utc")
TROUPE_CONFIG(parse_config, PARSE_CONFIG);

enum { PARSE_LOCAL, PARSE_UTC };

struct parse {
    struct parse_config config;
    struct dating dating;
    uint64_t unparsed;
};

#define PARSE(P)                                                                                   \
    P(config, parse, parse_config)                                                                 \
    P(in, parse, line, text_line)                                                                  \
    P(out, parse, event, syslog_event)                                                             \
    P(init, parse)                                                                                 \
    P(cleanup, parse)                                                                              \
    P(save, parse, 1, 1)                                                                           \
    P(load, parse)
TROUPE_ACTOR(parse, "syslog.Parse", PARSE);
TROUPE_PLUGIN("syslog", "1.0", &parse_actor);

static int parse_init(struct troupe_turn *t, struct parse *self) {
    if (self->config.year != 0 && self->config.year < 1678) {
        return troupe_fail(t, "config key 'year' must be 0 or from 1678 to 2261, not %lld",
                           (long long)self->config.year);
    }
    dating_init(&self->dating, self->config.zone == PARSE_UTC, (int32_t)self->config.year);
    return 0;
}

static int64_t parse_now(void *turn) {
    struct troupe_turn *t = turn;
    return t->host->time_of_day(t);
}

static void parse_sshd(struct syslog_event *event, struct troupe_str message) {
    event->repeated = sshd_unfold(&message);
    struct sshd_fact fact = sshd_read(message);
    event->kind = sshd_kind_name(fact.kind);
    event->user = fact.user;
    event->source = fact.source;
    event->failed = fact.kind == SSHD_FAILED_PASSWORD ? event->repeated : 0;
    event->accepted = fact.kind == SSHD_ACCEPTED ? event->repeated : 0;
}

static void parse_head(struct troupe_turn *t, struct parse *self, const struct header *h,
                       struct syslog_event *event) {
    event->parsed = true;
    event->time = h->has_time ? dating_resolve(&self->dating, &h->time, parse_now, t)
                              : t->host->time_of_day(t);
    event->host = h->host;
    event->program = h->program;
    event->pid = h->pid;
    event->facility = h->facility;
    event->severity = h->severity;
    event->message = h->message;
}

static int parse_on_line(struct troupe_turn *t, struct parse *self, const struct text_line *line) {
    struct header h;
    struct syslog_event event = {.facility = HEADER_UNKNOWN,
                                 .severity = HEADER_UNKNOWN,
                                 .message = line->text,
                                 .kind = sshd_kind_name(SSHD_OTHER),
                                 .repeated = 1,
                                 .number = line->number};
    if (!header_parse(line->text, &h)) {
        self->unparsed++;
        return parse_send_event(t, &event);
    }
    parse_head(t, self, &h, &event);
    if (sshd_is_program(h.program)) {
        parse_sshd(&event, h.message);
    }
    return parse_send_event(t, &event);
}

static int parse_cleanup(struct troupe_turn *t, struct parse *self) {
    return troupe_publish_u64(t, "unparsed_lines", self->unparsed);
}

/* What a later incarnation needs to go on in the year that the log has come to. */
struct parse_saved {
    uint64_t unparsed;
    int32_t year, last_month;
};

static int parse_save(struct troupe_turn *t, const struct parse *self, struct troupe_saver *saver) {
    struct parse_saved saved = {self->unparsed, self->dating.year, self->dating.last_month};
    return t->host->save_write(saver, &saved, sizeof saved);
}

static int parse_load(struct troupe_turn *t, struct parse *self, struct troupe_loader *loader) {
    struct parse_saved saved;
    int status = parse_init(t, self);
    if (status == 0) {
        status = t->host->load_read(loader, &saved, sizeof saved);
    }
    if (status == 0) {
        self->unparsed = saved.unparsed;
        self->dating.year = saved.year;
        self->dating.last_month = saved.last_month;
    }
    return status;
}
