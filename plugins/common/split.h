/* Splits a stream of bytes into lines, without copying them out of its buffer.
 *
 * S-1  Every LF ends a line; a CR right before it is dropped, any other CR is kept.
 * S-2  A line longer than `max_line` bytes is handed out once, as its first `max_line` bytes with
 *      `cut` set; the rest of it is passed over. So lines are never more than LFs plus one.
 * S-3  Lines lie in the buffer: valid until the next split_room().
 *
 *     uint64_t room;
 *     char *into = split_room(&s, &room);            // always some room
 *     split_filled(&s, read(fd, into, room));
 *     while (split_next(&s, &line)) { ... }          // all of them, before the next split_room
 *     if (at_end && split_rest(&s, &line)) { ... }   // an unterminated last line
 */
#pragma once

#include <string.h>

#include <troupe/abi.h>

struct split {
    char *buffer; /* lent by the caller, split_capacity() bytes */
    uint64_t capacity;
    uint64_t max_line;
    uint64_t begin, end; /* what is not handed out yet */
    uint64_t scanned;    /* no LF between begin and here */
    uint64_t offset;     /* of `begin` in the stream */
    uint64_t number;     /* lines handed out */
    uint64_t cut;        /* of these, cut ones */
    bool skipping;       /* in the rest of a cut line */
};

struct split_line {
    struct troupe_str text;
    uint64_t number;
    uint64_t offset;
    bool cut;
};

/* Bytes of buffer for lines up to `max_line` when at least `chunk` is to be read at once; room for
 * CR and LF, so that a line of just max_line bytes is not taken for a longer one. */
static inline uint64_t split_capacity(uint64_t max_line, uint64_t chunk) {
    return max_line + 2 + chunk;
}

static inline void split_init(struct split *s, char *buffer, uint64_t capacity, uint64_t max_line) {
    memset(s, 0, sizeof *s);
    s->buffer = buffer;
    s->capacity = capacity;
    s->max_line = max_line;
}

/* Where to put the next bytes, and how many fit. */
static inline char *split_room(struct split *s, uint64_t *ret_room) {
    if (s->begin > 0) {
        memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->scanned -= s->begin;
        s->begin = 0;
    }
    *ret_room = s->capacity - s->end;
    return s->buffer + s->end;
}

static inline void split_filled(struct split *s, uint64_t size) {
    s->end += size;
}

/* Forgets what is left, and goes on at `offset` of another stream. Numbers go on. */
static inline void split_restart(struct split *s, uint64_t offset) {
    s->begin = s->end = s->scanned = 0;
    s->offset = offset;
    s->skipping = false;
}

static inline void split_consume_(struct split *s, uint64_t size) {
    s->begin += size;
    s->offset += size;
    s->scanned = s->begin;
}

/* Hands out the first `size` bytes as a line and passes over `used` of them. */
static inline void split_hand_out_(struct split *s, uint64_t size, uint64_t used,
                                   struct split_line *ret) {
    ret->cut = size > s->max_line;
    ret->text = troupe_str_n(s->buffer + s->begin, ret->cut ? s->max_line : size);
    ret->number = ++s->number;
    ret->offset = s->offset;
    s->cut += ret->cut;
    split_consume_(s, used);
}

static inline uint64_t split_without_cr_(const struct split *s, uint64_t size) {
    return size > 0 && s->buffer[s->begin + size - 1] == '\r' ? size - 1 : size;
}

/* The next line that is complete, or too long to become so. */
static inline bool split_next(struct split *s, struct split_line *ret) {
    for (;;) {
        uint64_t left = s->end - s->scanned;
        const char *lf = left ? (const char *)memchr(s->buffer + s->scanned, '\n', left) : NULL;
        uint64_t size = lf ? (uint64_t)(lf - s->buffer) - s->begin : s->end - s->begin;
        if (lf && !s->skipping) {
            split_hand_out_(s, split_without_cr_(s, size), size + 1, ret);
            return true;
        }
        if (lf) {
            s->skipping = false;
            split_consume_(s, size + 1);
            continue;
        }
        if (s->skipping) {
            split_consume_(s, size);
            return false;
        }
        s->scanned = s->end;
        if (size <= s->max_line + 1) {
            return false; /* its last byte may be a CR whose LF is still to come */
        }
        s->skipping = true;
        split_hand_out_(s, size, size, ret);
        return true;
    }
}

/* The unterminated last line of a stream that has ended; false when there is none. */
static inline bool split_rest(struct split *s, struct split_line *ret) {
    uint64_t size = s->end - s->begin;
    bool is_line = size > 0 && !s->skipping;
    s->skipping = false;
    if (!is_line) {
        split_consume_(s, size);
        return false;
    }
    split_hand_out_(s, size, size, ret);
    return true;
}
