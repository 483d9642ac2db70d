/* Cutting text to a room without leaving half a character. [any] */
#pragma once

#include <stddef.h>
#include <string.h>

/* How much of `data` to keep so that it has at most `room` bytes and ends with a whole character, if it
 * is UTF-8 at all. */
static inline size_t cut_size(const char *data, size_t size, size_t room) {
    if (size <= room) {
        return size;
    }
    size_t keep = room;
    for (size_t back = 0; back < 3 && keep > 0 && ((unsigned char)data[keep] & 0xc0) == 0x80;
         back++) {
        keep--;
    }
    return ((unsigned char)data[keep] & 0xc0) == 0x80 ? room : keep;
}

/* Copies and terminates; NULL is copied as empty. */
static inline void cut_copy(char *ret, size_t size, const char *text) {
    size_t length = text ? cut_size(text, strlen(text), size - 1) : 0;
    if (length > 0) {
        memcpy(ret, text, length);
    }
    ret[length] = '\0';
}
