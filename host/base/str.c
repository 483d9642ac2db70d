/* Growable text; see str.h. */
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void str_init(struct str *s) {
    *s = (struct str){0};
}

void str_fini(struct str *s) {
    mem_free(s->data);
    str_init(s);
}

void str_clear(struct str *s) {
    s->size = 0;
    s->failed = false;
    if (s->data) {
        s->data[0] = '\0';
    }
}

/* Makes room for `more` bytes and the NUL; false, and `failed`, when it cannot. */
static bool reserve(struct str *s, size_t more) {
    if (s->failed) {
        return false;
    }
    if (s->data && more < s->room - s->size) {
        return true;
    }
    size_t needed;
    if (__builtin_add_overflow(s->size, more, &needed) || needed > SIZE_MAX / 2) {
        s->failed = true;
        return false;
    }
    size_t room = s->room * 2 > needed + 1 ? s->room * 2 : needed + 1;
    room = room < 32 ? 32 : room;
    char *data = mem_resize(s->data, room);
    if (!data) {
        s->failed = true;
        return false;
    }
    data[s->size] = '\0';
    s->data = data;
    s->room = room;
    return true;
}

void str_add(struct str *s, const char *text) {
    str_add_n(s, text, strlen(text));
}

void str_add_n(struct str *s, const char *data, size_t size) {
    if (size == 0 || !reserve(s, size)) {
        return;
    }
    memcpy(s->data + s->size, data, size);
    s->size += size;
    s->data[s->size] = '\0';
}

void str_add_char(struct str *s, char c) {
    str_add_n(s, &c, 1);
}

void str_addf(struct str *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str_addv(s, format, args);
    va_end(args);
}

void str_addv(struct str *s, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size < 0) {
        s->failed = true;
    } else if (reserve(s, (size_t)size)) {
        (void)vsnprintf(s->data + s->size, (size_t)size + 1, format, again);
        s->size += (size_t)size;
    }
    va_end(again);
}

char *str_take(struct str *s) {
    char *text = NULL;
    if (!s->failed && reserve(s, 0)) {
        text = s->data;
        s->data = NULL;
    }
    str_fini(s);
    return text;
}

const char *str_text(const struct str *s) {
    return s->data ? s->data : "";
}
