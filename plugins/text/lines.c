/* text.Lines: makes lines of a byte stream that arrives in pieces. */
#include <string.h>

#include <troupe/troupe.h>

#include "common/split.h"
#include "common/text_chunk.h"
#include "common/text_line.h"

#define LINES_STEP (16u * 1024)

#define LINES_CONFIG(C)                                                                            \
    C(size, max_line, 64KiB, "longer lines are cut to this many bytes", "1B..64MiB")
TROUPE_CONFIG(lines_config, LINES_CONFIG);

struct lines {
    struct lines_config config;
    struct split split;
};

#define LINES(P)                                                                                   \
    P(config, lines, lines_config)                                                                 \
    P(in, lines, chunk, text_chunk)                                                                \
    P(out, lines, line, text_line)                                                                 \
    P(init, lines)                                                                                 \
    P(cleanup, lines)                                                                              \
    P(save, lines, 1, 1)                                                                           \
    P(load, lines)
TROUPE_ACTOR(lines, "text.Lines", LINES);
TROUPE_PLUGIN("text", "1.0", &lines_actor);

static int lines_send(struct troupe_turn *t, const struct split_line *line) {
    struct text_line message = {
        .text = line->text, .number = line->number, .offset = line->offset, .cut = line->cut};
    return lines_send_line(t, &message);
}

static int lines_send_complete(struct troupe_turn *t, struct lines *self) {
    struct split_line line;
    while (split_next(&self->split, &line)) {
        int status = lines_send(t, &line);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* A stream may end twice, by its last piece and by the end of its sender: the rest is sent once. */
static int lines_send_rest(struct troupe_turn *t, struct lines *self) {
    struct split_line line;
    return split_rest(&self->split, &line) ? lines_send(t, &line) : 0;
}

static int lines_on_chunk(struct troupe_turn *t, struct lines *self,
                          const struct text_chunk *chunk) {
    const char *data = chunk->data.data;
    uint64_t left = chunk->data.size;
    while (left > 0) {
        uint64_t room;
        char *into = split_room(&self->split, &room);
        uint64_t size = left < room ? left : room;
        memcpy(into, data, size);
        split_filled(&self->split, size);
        data += size;
        left -= size;
        int status = lines_send_complete(t, self);
        if (status < 0) {
            return status;
        }
    }
    return chunk->last ? lines_send_rest(t, self) : 0;
}

static int lines_init(struct troupe_turn *t, struct lines *self) {
    uint64_t capacity = split_capacity(self->config.max_line, LINES_STEP);
    char *buffer = t->host->alloc(t, capacity);
    if (!buffer) {
        return troupe_fail(t, "no memory for lines of %llu bytes",
                           (unsigned long long)self->config.max_line);
    }
    split_init(&self->split, buffer, capacity, self->config.max_line);
    return 0;
}

static int lines_cleanup(struct troupe_turn *t, struct lines *self) {
    return lines_send_rest(t, self);
}

struct lines_saved {
    uint64_t offset, number, cut, skipping, size; /* then `size` bytes of a begun line */
};

static int lines_save(struct troupe_turn *t, const struct lines *self, struct troupe_saver *saver) {
    const struct split *s = &self->split;
    struct lines_saved saved = {.offset = s->offset,
                                .number = s->number,
                                .cut = s->cut,
                                .skipping = s->skipping,
                                .size = s->end - s->begin};
    int status = t->host->save_write(saver, &saved, sizeof saved);
    return status < 0 ? status : t->host->save_write(saver, s->buffer + s->begin, saved.size);
}

static int lines_load(struct troupe_turn *t, struct lines *self, struct troupe_loader *loader) {
    struct lines_saved saved;
    int status = lines_init(t, self);
    if (status == 0) {
        status = t->host->load_read(loader, &saved, sizeof saved);
    }
    if (status < 0) {
        return status;
    }
    if (saved.size > self->split.capacity) {
        return troupe_fail(t, "the saved state holds a line of %llu bytes, more than fits",
                           (unsigned long long)saved.size);
    }
    self->split.offset = saved.offset;
    self->split.number = saved.number;
    self->split.cut = saved.cut;
    self->split.skipping = saved.skipping != 0;
    self->split.end = saved.size;
    return t->host->load_read(loader, self->split.buffer, saved.size);
}
