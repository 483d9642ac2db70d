/* file.Tail: sends what is in a file, once through or for as long as it grows. */
#include <errno.h>
#include <string.h>

#include <troupe/troupe.h>

#include "common/split.h"
#include "common/text_chunk.h"
#include "common/text_line.h"
#include "file/reader.h"
#include "file/trail.h"

/* One turn reads this much and then lets others run; what it sends is bounded by it. */
#define TAIL_CHUNK (64u * 1024)

#define TAIL_CONFIG(C)                                                                             \
    C(path, path, required, "the file to read; - is the standard input")                           \
    C(enum, send, lines, "lines on the port line, or chunks, as read, on the port chunk",          \
      "lines|chunks")                                                                              \
    C(enum, from, start, "where to begin in a file that is there already", "start|end")            \
    C(bool, follow, false, "go on reading as the file grows, is rotated or truncated")             \
    C(duration, poll, 250ms, "how often to look for more when following", "1ms..1h")               \
    C(size, max_line, 64KiB, "longer lines are cut to this many bytes", "1B..64MiB")
TROUPE_CONFIG(tail_config, TAIL_CONFIG);

enum { TAIL_SEND_LINES, TAIL_SEND_CHUNKS };
enum { TAIL_FROM_START, TAIL_FROM_END };

struct tail {
    struct tail_config config;
    struct reader reader;
    struct trail trail; /* following: what came to the path behind the file in hand */
    struct split lines;
    uint64_t cut_told; /* cut lines already warned of */
    bool waiting;      /* for a file that is not there; said so */
    bool last_round;   /* a new file has taken the path; this one is read to its end */
};

#define TAIL(P)                                                                                    \
    P(config, tail, tail_config)                                                                   \
    P(out, tail, line, text_line)                                                                  \
    P(out, tail, chunk, text_chunk)                                                                \
    P(timer, tail, next)                                                                           \
    P(watch, tail, input)                                                                          \
    P(init, tail)                                                                                  \
    P(cleanup, tail)                                                                               \
    P(save, tail, 1, 1)                                                                            \
    P(load, tail)
TROUPE_ACTOR(tail, "file.Tail", TAIL);

static int tail_send(struct troupe_turn *t, const struct split_line *line) {
    struct text_line message = {
        .text = line->text, .number = line->number, .offset = line->offset, .cut = line->cut};
    return tail_send_line(t, &message);
}

/* The file has come to its end, for good. */
static int tail_send_rest(struct troupe_turn *t, struct tail *self) {
    struct split_line line;
    if (self->config.send == TAIL_SEND_CHUNKS) {
        struct text_chunk end = {.last = true};
        return tail_send_chunk(t, &end);
    }
    return split_rest(&self->lines, &line) ? tail_send(t, &line) : 0;
}

static int tail_send_lines(struct troupe_turn *t, struct tail *self) {
    struct split_line line;
    while (split_next(&self->lines, &line)) {
        int status = tail_send(t, &line);
        if (status < 0) {
            return status;
        }
    }
    if (self->lines.cut > self->cut_told) {
        troupe_log(t, TROUPE_LOG_WARN, "'%s': line %llu is longer than max_line and was cut",
                   self->config.path.data, (unsigned long long)self->lines.number);
        self->cut_told = self->lines.cut;
        return troupe_publish_u64(t, "cut_lines", self->lines.cut);
    }
    return 0;
}

/* What was read last is sent as one piece, and not kept. */
static int tail_send_piece(struct troupe_turn *t, struct tail *self, const char *data,
                           uint64_t size) {
    struct text_chunk chunk = {.data = troupe_str_n(data, size)};
    split_restart(&self->lines, self->reader.offset);
    return tail_send_chunk(t, &chunk);
}

/* Reads on: a stream when it is ready, a file as soon as others have had their turn. */
static int tail_read_on(struct troupe_turn *t, struct tail *self) {
    return self->reader.kind == READER_STREAM ? 0 : tail_start_next(t, 0, 0);
}

static int tail_finish(struct troupe_turn *t, struct tail *self) {
    int status = tail_send_rest(t, self);
    if (status == 0) {
        status = troupe_publish_u64(t, "lines", self->lines.number);
    }
    return status < 0 ? status : t->host->stop(t);
}

static int tail_opened(struct troupe_turn *t, struct tail *self) {
    self->waiting = false;
    if (self->reader.kind != READER_STREAM) {
        return tail_start_next(t, 0, 0);
    }
    int status = tail_watch_input(t, self->reader.fd, TROUPE_READABLE);
    return status < 0 ? troupe_fail(t, "cannot watch '%s': %s", self->config.path.data,
                                    troupe_status_text(status))
                      : 0;
}

static int tail_cannot_open(struct troupe_turn *t, struct tail *self) {
    const char *why = strerror(errno);
    if (!self->config.follow) {
        return troupe_fail(t, "cannot open '%s': %s", self->config.path.data, why);
    }
    if (!self->waiting) {
        troupe_log(t, TROUPE_LOG_WARN, "waiting for '%s': %s", self->config.path.data, why);
        self->waiting = true;
    }
    return tail_start_next(t, self->config.poll, 0);
}

/* What has come to the path meanwhile; says so when some of it cannot be read any more. */
static void tail_look(struct troupe_turn *t, struct tail *self) {
    if (!self->config.follow || strcmp(self->config.path.data, "-") == 0) {
        return;
    }
    if (self->trail.fd < 0) {
        (void)trail_open(&self->trail, self->config.path.data); /* without, the path itself tells */
    }
    trail_look(&self->trail, self->reader.device, self->reader.inode);
    if (self->trail.missed > 0) {
        troupe_log(t, TROUPE_LOG_WARN,
                   "'%s': lost %u file%s that came and went before it was looked at",
                   self->config.path.data, self->trail.missed, self->trail.missed == 1 ? "" : "s");
        self->trail.missed = 0;
    }
}

/* The next file found at the path; false: none. */
static bool tail_take_next(struct tail *self) {
    int fd = trail_take(&self->trail);
    return fd >= 0 && reader_take(&self->reader, fd) == 0;
}

static int tail_open(struct troupe_turn *t, struct tail *self, bool from_end) {
    tail_look(t, self);
    if (tail_take_next(self)) {
        from_end = false;
    } else if (reader_open(&self->reader, self->config.path.data, self->config.follow) < 0) {
        return tail_cannot_open(t, self);
    }
    if (from_end && self->reader.kind == READER_FILE &&
        reader_seek_end(&self->reader, self->config.max_line) < 0) {
        return troupe_fail(t, "cannot seek in '%s': %s", self->config.path.data, strerror(errno));
    }
    split_restart(&self->lines, self->reader.offset);
    return tail_opened(t, self);
}

/* The file behind the path is another one now, and the old one has been read to its end. */
static int tail_change_over(struct troupe_turn *t, struct tail *self) {
    int status = tail_send_rest(t, self);
    if (status < 0) {
        return status;
    }
    troupe_log(t, TROUPE_LOG_INFO, "'%s' was replaced after line %llu; reading the new file",
               self->config.path.data, (unsigned long long)self->lines.number);
    self->last_round = false;
    if (tail_take_next(self)) {
        split_restart(&self->lines, self->reader.offset);
        return tail_opened(t, self);
    }
    reader_close(&self->reader);
    return tail_open(t, self, false);
}

static bool tail_is_replaced(struct troupe_turn *t, struct tail *self) {
    tail_look(t, self);
    return self->trail.count > 0 ? trail_has_next(&self->trail)
                                 : reader_is_replaced(&self->reader, self->config.path.data);
}

static int tail_at_end(struct troupe_turn *t, struct tail *self) {
    if (!self->config.follow || self->reader.kind != READER_FILE) {
        return tail_finish(t, self);
    }
    if (self->last_round) {
        return tail_change_over(t, self);
    }
    if (tail_is_replaced(t, self)) {
        self->last_round = true; /* what came into the old file since our last look */
        return tail_start_next(t, 0, 0);
    }
    int status = troupe_publish_u64(t, "lines", self->lines.number);
    return status < 0 ? status : tail_start_next(t, self->config.poll, 0);
}

static int tail_begin_again(struct troupe_turn *t, struct tail *self) {
    int status = tail_send_rest(t, self);
    if (status < 0) {
        return status;
    }
    troupe_log(t, TROUPE_LOG_INFO, "'%s' was truncated after line %llu; reading it from its start",
               self->config.path.data, (unsigned long long)self->lines.number);
    split_restart(&self->lines, 0);
    if (reader_seek(&self->reader, 0) < 0) {
        return troupe_fail(t, "cannot seek in '%s': %s", self->config.path.data, strerror(errno));
    }
    return tail_start_next(t, 0, 0);
}

static int tail_step(struct troupe_turn *t, struct tail *self) {
    uint64_t room;
    uint64_t size = 0;
    char *into = split_room(&self->lines, &room);
    int status;
    switch (reader_read(&self->reader, into, room < TAIL_CHUNK ? room : TAIL_CHUNK, &size)) {
    case READER_DATA:
        if (self->config.send == TAIL_SEND_CHUNKS) {
            status = tail_send_piece(t, self, into, size);
        } else {
            split_filled(&self->lines, size);
            status = tail_send_lines(t, self);
        }
        return status < 0 ? status : tail_read_on(t, self);
    case READER_AT_END:
        return tail_at_end(t, self);
    case READER_CHANGED:
        return tail_begin_again(t, self);
    case READER_NOT_YET:
        return tail_read_on(t, self);
    case READER_FAILED:
        break;
    }
    return troupe_fail(t, "cannot read '%s': %s", self->config.path.data, strerror(errno));
}

/* First in each turn: whose descriptors they open. */
static void tail_begin(struct troupe_turn *t, struct tail *self) {
    self->reader.turn = t;
    self->trail.turn = t;
}

static int tail_on_next(struct troupe_turn *t, struct tail *self, const struct troupe_tick *tick) {
    (void)tick;
    tail_begin(t, self);
    return self->reader.kind == READER_CLOSED ? tail_open(t, self, false) : tail_step(t, self);
}

static int tail_on_input(struct troupe_turn *t, struct tail *self,
                         const struct troupe_ready *ready) {
    (void)ready;
    tail_begin(t, self);
    return tail_step(t, self);
}

static int tail_prepare(struct troupe_turn *t, struct tail *self) {
    uint64_t capacity = split_capacity(self->config.max_line, TAIL_CHUNK);
    char *buffer = t->host->alloc(t, capacity);
    reader_init(&self->reader);
    trail_init(&self->trail);
    tail_begin(t, self);
    if (!buffer) {
        return troupe_fail(t, "no memory for lines of %llu bytes",
                           (unsigned long long)self->config.max_line);
    }
    split_init(&self->lines, buffer, capacity, self->config.max_line);
    return 0;
}

static int tail_init(struct troupe_turn *t, struct tail *self) {
    int status = tail_prepare(t, self);
    return status < 0 ? status : tail_open(t, self, self->config.from == TAIL_FROM_END);
}

static int tail_cleanup(struct troupe_turn *t, struct tail *self) {
    tail_begin(t, self);
    if (self->config.send == TAIL_SEND_LINES) {
        troupe_log(t, TROUPE_LOG_DEBUG, "'%s': sent %llu lines", self->config.path.data,
                   (unsigned long long)self->lines.number);
    }
    if (self->reader.kind == READER_STREAM) {
        reader_init(&self->reader); /* its descriptor is the host's (TM-3) */
    }
    reader_close(&self->reader);
    trail_close(&self->trail);
    return 0;
}

/* What a later incarnation needs to go on behind the last line sent. */
struct tail_saved {
    uint64_t device, inode;
    uint64_t offset, number, cut;
    uint64_t skipping;
};

static int tail_save(struct troupe_turn *t, const struct tail *self, struct troupe_saver *saver) {
    struct tail_saved saved = {.device = self->reader.device,
                               .inode = self->reader.inode,
                               .offset = self->lines.offset,
                               .number = self->lines.number,
                               .cut = self->lines.cut,
                               .skipping = self->lines.skipping};
    return t->host->save_write(saver, &saved, sizeof saved);
}

static int tail_resume(struct troupe_turn *t, struct tail *self, const struct tail_saved *saved) {
    bool is_same = self->reader.kind == READER_FILE && self->reader.device == saved->device &&
                   self->reader.inode == saved->inode;
    if (!is_same) {
        return 0;
    }
    if (reader_seek(&self->reader, saved->offset) < 0) {
        return troupe_fail(t, "cannot seek in '%s': %s", self->config.path.data, strerror(errno));
    }
    split_restart(&self->lines, self->reader.offset);
    self->lines.skipping = saved->skipping != 0;
    return 0;
}

static int tail_load(struct troupe_turn *t, struct tail *self, struct troupe_loader *loader) {
    struct tail_saved saved;
    int status = t->host->load_read(loader, &saved, sizeof saved);
    if (status == 0) {
        status = tail_prepare(t, self);
    }
    if (status == 0) {
        self->lines.number = saved.number;
        self->lines.cut = self->cut_told = saved.cut;
        status = tail_open(t, self, false);
    }
    return status < 0 ? status : tail_resume(t, self, &saved);
}
