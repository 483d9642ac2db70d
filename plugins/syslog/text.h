/* Small steps through text that is not NUL-terminated. */
#pragma once

#include <string.h>

#include <troupe/abi.h>

static inline bool text_is_digit(char c) {
    return c >= '0' && c <= '9';
}

static inline struct troupe_str text_from(struct troupe_str s, uint64_t at) {
    return troupe_str_n(s.data + at, s.size - at);
}

static inline bool text_starts(struct troupe_str s, const char *with) {
    uint64_t size = strlen(with);
    return s.size >= size && memcmp(s.data, with, size) == 0;
}

/* Takes `with` off the front; false when it is not there. */
static inline bool text_skip(struct troupe_str *s, const char *with) {
    if (!text_starts(*s, with)) {
        return false;
    }
    *s = text_from(*s, strlen(with));
    return true;
}

/* Takes what stands before the next blank, and the blank. May be empty. */
static inline struct troupe_str text_word(struct troupe_str *s) {
    const char *blank = s->size ? (const char *)memchr(s->data, ' ', s->size) : NULL;
    struct troupe_str word = troupe_str_n(s->data, blank ? (uint64_t)(blank - s->data) : s->size);
    *s = text_from(*s, blank ? word.size + 1 : word.size);
    return word;
}

/* Takes what stands behind the last blank, and the blank; the whole text when there is none. */
static inline struct troupe_str text_last_word(struct troupe_str *s) {
    uint64_t at = s->size;
    while (at > 0 && s->data[at - 1] != ' ') {
        at--;
    }
    struct troupe_str word = text_from(*s, at);
    s->size = at > 0 ? at - 1 : 0;
    return word;
}

/* Takes a number of 1 to `max_digits` (at most 18) digits; false when there is none, or more. */
static inline bool text_number(struct troupe_str *s, unsigned max_digits, uint64_t *ret) {
    uint64_t value = 0;
    uint64_t digits = 0;
    while (digits < s->size && text_is_digit(s->data[digits])) {
        if (digits == max_digits) {
            return false;
        }
        value = value * 10 + (uint64_t)(s->data[digits] - '0');
        digits++;
    }
    if (digits == 0) {
        return false;
    }
    *s = text_from(*s, digits);
    *ret = value;
    return true;
}
