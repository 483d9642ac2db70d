/* Errors: one code and one sentence; see err.h. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define QUOTE_MOST 200 /* bytes of a quoted value; a longer one is shown by its first ... */
#define QUOTE_SHOWN 120
#define TEXT_MOST 4000

/* Where `text` can be cut at most `most` bytes on, between two characters. */
static char *find_cut(char *text, size_t most) {
    while (((unsigned char)text[most] & 0xc0) == 0x80 && most > 0) {
        most--;
    }
    return text + most;
}

void err_shorten(char *text) {
    static const char dots[] = "...";
    char *open = strchr(text, '\'');
    while (open) {
        char *close = strchr(open + 1, '\'');
        if (close && close - open > QUOTE_MOST) {
            char *cut = find_cut(open + 1, QUOTE_SHOWN);
            memcpy(cut, dots, sizeof dots - 1);
            memmove(cut + sizeof dots - 1, close, strlen(close) + 1);
            close = cut + sizeof dots - 1;
        }
        open = close ? strchr(close + 1, '\'') : NULL;
    }
    if (strlen(text) > TEXT_MOST) { /* quotes in the value itself */
        memcpy(find_cut(text, TEXT_MOST), dots, sizeof dots);
    }
}

/* One too long for `text` as it is: what stands behind a long value matters more than all of it. */
static void format_long(char *text, size_t room, size_t size, const char *format, va_list args) {
    char *whole = mem_alloc(size + 1);
    if (whole) {
        (void)vsnprintf(whole, size + 1, format, args);
        err_shorten(whole);
        (void)snprintf(text, room, "%s", whole);
        mem_free(whole);
    }
}

int err_setv(struct err *err, enum err_code code, const char *format, va_list args) {
    if (err) {
        char text[sizeof err->text]; /* the arguments may lie in err->text */
        va_list again;
        va_copy(again, args);
        int size = vsnprintf(text, sizeof text, format, args);
        if (size >= (int)sizeof text) {
            format_long(text, sizeof text, (size_t)size, format, again);
        }
        va_end(again);
        err->code = code;
        memcpy(err->text, text, sizeof text);
    }
    return -1;
}

int err_set(struct err *err, enum err_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)err_setv(err, code, format, args);
    va_end(args);
    return -1;
}

/* Appends to `text` of `room` bytes, cut to fit. */
static void append(char *text, size_t room, const char *more) {
    size_t used = strlen(text);
    (void)snprintf(text + used, room - used, "%s", more);
}

int err_errno(struct err *err, enum err_code code, int number, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)err_setv(err, code, format, args);
    va_end(args);
    if (err) {
        char buffer[128];
        append(err->text, sizeof err->text, ": ");
        append(err->text, sizeof err->text, strerror_r(number, buffer, sizeof buffer));
    }
    return -1;
}

int err_wrap(struct err *err, const char *format, ...) {
    if (!err) {
        return -1;
    }
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list args;
    va_start(args, format);
    (void)err_setv(err, err->code, format, args);
    va_end(args);
    append(err->text, sizeof err->text, ": ");
    append(err->text, sizeof err->text, inner);
    return -1;
}

const char *err_code_text(enum err_code code) {
#define ERR_TEXT(name, text) text,
    static const char *const texts[] = {ERR_CODES(ERR_TEXT)};
#undef ERR_TEXT
    return (unsigned)code < ERR_CODE_COUNT ? texts[code] : "unknown error";
}
