/* Errors: a code and one sentence for a person, filled in by whoever failed.
 *
 * A function that can fail takes `struct err *err` last, returns 0 or -1 (or NULL), leaves err
 * untouched on success and its ret_ parameters untouched on failure. `err` may be NULL: nobody asks.
 * Each level that adds something a person needs wraps once: "actor 'tail': cannot open 'x': ...". */
#pragma once

#include <stdarg.h>

#define ERR_CODES(X)                                                                               \
    X(NONE, "no error")                                                                            \
    X(NOMEM, "out of memory")                                                                      \
    X(IO, "input or output failed")                                                                \
    X(INVALID, "invalid input")                                                                    \
    X(NOT_FOUND, "not found")                                                                      \
    X(EXISTS, "exists already")                                                                    \
    X(REFUSED, "refused")                                                                          \
    X(ABI, "incompatible plugin")                                                                  \
    X(USAGE, "wrong usage")                                                                        \
    X(STOPPED, "stopped")                                                                          \
    X(FAILED, "failed")
#define ERR_CONSTANT(name, text) ERR_##name,
enum err_code { ERR_CODES(ERR_CONSTANT) ERR_CODE_COUNT };
#undef ERR_CONSTANT

struct err {
    enum err_code code;
    char text[1024];
};

/* Sets code and text (printf-like, cut to fit, long quoted values first); returns -1. [any] */
__attribute__((format(printf, 3, 4))) int err_set(struct err *err, enum err_code code,
                                                  const char *format, ...);
int err_setv(struct err *err, enum err_code code, const char *format, va_list args);
/* As err_set, with ": " and the text of errno `number` behind. */
__attribute__((format(printf, 4, 5))) int err_errno(struct err *err, enum err_code code, int number,
                                                    const char *format, ...);
/* Puts a prefix and ": " before the text; returns -1. */
__attribute__((format(printf, 2, 3))) int err_wrap(struct err *err, const char *format, ...);
/* A quoted value may be the whole of a file: shows it by its beginning. In place. */
void err_shorten(char *text);
/* "out of memory", and so on; static. */
const char *err_code_text(enum err_code code);
