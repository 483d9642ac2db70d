/* Writing into a given room, where printf costs too much: what does not fit is cut. [any] */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    char *at;
    char *end; /* where the terminating zero goes at the latest */
};

/* `size` is 1 at least, room for the zero included. */
static inline struct text text_begin(char *room, size_t size) {
    return (struct text){room, room + size - 1};
}

static inline void text_add_n(struct text *text, const char *data, size_t size) {
    size_t room = (size_t)(text->end - text->at);
    size = size < room ? size : room;
    memcpy(text->at, data, size);
    text->at += size;
}

static inline void text_add(struct text *text, const char *data) {
    text_add_n(text, data, strlen(data));
}

static inline void text_add_char(struct text *text, char c) {
    if (text->at < text->end) {
        *text->at++ = c;
    }
}

static inline void text_add_number(struct text *text, uint64_t number) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    enum { MOST = 20 };
    char digits[2 * MOST]; /* the second half only so that a copy may have a fixed size */
    char *at = digits + MOST;
    for (; number >= 100; number /= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (number % 100), 2);
    }
    if (number >= 10) {
        at -= 2;
        memcpy(at, pairs + 2 * number, 2);
    } else {
        *--at = (char)('0' + number);
    }
    size_t size = (size_t)(digits + MOST - at);
    if (text->end - text->at >= MOST) {
        memcpy(text->at, at, MOST); /* for less than a call of memcpy */
        text->at += size;
    } else {
        text_add_n(text, at, size);
    }
}

/* Terminates it; returns its size. */
static inline size_t text_end(struct text *text, const char *room) {
    *text->at = '\0';
    return (size_t)(text->at - room);
}
