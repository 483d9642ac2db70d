/* Errors: one code and one sentence; see err.h. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

int err_setv(struct err *err, enum err_code code, const char *format, va_list args) {
    if (err) {
        char text[sizeof err->text]; /* the arguments may lie in err->text */
        (void)vsnprintf(text, sizeof text, format, args);
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
