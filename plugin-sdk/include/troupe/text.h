/* Texts and short cuts: printf-like logging and failing, text in turn memory. */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include <troupe/host.h>

/* Longest line that troupe_log and troupe_fail pass on, in bytes; the rest is cut. */
#define TROUPE_LINE_MAX 1023

#define TROUPE_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* Logs one line into the actor's flight recorder and the host's log; `level` is
 * TROUPE_LOG_ERROR to TROUPE_LOG_DEBUG. [turn] */
static inline TROUPE_UNUSED TROUPE_PRINTF(3, 4) void troupe_log(struct troupe_turn *turn,
                                                                uint32_t level, const char *format,
                                                                ...) {
    char line[TROUPE_LINE_MAX + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    turn->host->log(turn, level, troupe_str(line));
}

/* Fails the turn with a text: `return troupe_fail(t, "cannot open '%s'", path);`. Always returns
 * TROUPE_ERROR. [turn] */
static inline TROUPE_UNUSED TROUPE_PRINTF(2, 3) int troupe_fail(struct troupe_turn *turn,
                                                                const char *format, ...) {
    char line[TROUPE_LINE_MAX + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return turn->host->fail(turn, TROUPE_ERROR, troupe_str(line));
}

/* Text built as by printf, in turn memory: gone when the handler returns. Empty when there is no
 * memory. [turn] */
static inline TROUPE_UNUSED TROUPE_PRINTF(2, 3) struct troupe_str
    troupe_format(struct troupe_turn *turn, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = size < 0 ? NULL : (char *)turn->host->scratch(turn, (uint64_t)size + 1);
    if (text) {
        (void)vsnprintf(text, (size_t)size + 1, format, again);
    }
    va_end(again);
    return text ? troupe_str_n(text, (uint64_t)size) : troupe_str_n(NULL, 0);
}

/* Publishes a number or a text as an attribute of the actor, at commit. [turn] */
static inline TROUPE_UNUSED int troupe_publish_u64(struct troupe_turn *turn, const char *name,
                                                   uint64_t number) {
    struct troupe_value value;
    __builtin_memset(&value, 0, sizeof value);
    value.kind = TROUPE_KIND_u64;
    value.u = number;
    return turn->host->publish(turn, troupe_str(name), &value);
}
static inline TROUPE_UNUSED int troupe_publish_str(struct troupe_turn *turn, const char *name,
                                                   struct troupe_str text) {
    struct troupe_value value;
    __builtin_memset(&value, 0, sizeof value);
    value.kind = TROUPE_KIND_str;
    value.s = text;
    return turn->host->publish(turn, troupe_str(name), &value);
}
