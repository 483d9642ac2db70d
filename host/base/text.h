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

static inline void text_add_number(struct text *text, uint64_t number) {
    char digits[20];
    char *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    text_add_n(text, at, (size_t)(digits + sizeof digits - at));
}

/* Terminates it; returns its size. */
static inline size_t text_end(struct text *text, const char *room) {
    *text->at = '\0';
    return (size_t)(text->at - room);
}
