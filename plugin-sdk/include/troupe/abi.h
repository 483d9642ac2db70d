/* The ground rules of the plugin ABI: version, growth, plain types, status codes.
 *
 * A-1  A plugin exports one symbol, troupe_plugin_v1; the ABI's major is in its name.
 * A-2  Every table that crosses the line starts with its own size in bytes. The host copies the
 *      smaller of both sizes into a zeroed table of its own, so appending a field is safe both ways.
 *      A plugin asks TROUPE_HAS(table, field) before it uses a field younger than ABI 1.0.
 * A-3  Fields are never reordered, re-typed or removed; optional parts come by string id
 *      ("troupe.timer/1"), see troupe_host.extension.
 * A-4  Only fixed-width types cross: no enum, long, size_t, time_t, FILE, errno or varargs.
 * A-5  No pointer into a plugin outlives the turn in which the host got it, the tables of the
 *      descriptor excepted; what the host keeps, it copies.
 *
 * Thread tags, used on every function of this SDK and checked at run time in debug builds:
 *   [turn]       only inside a turn: while the host runs init, cleanup or a handler of the actor.
 *                Turns of one actor never overlap, whatever thread carries them.
 *   [init only]  only inside the turn that initialises the actor.
 *   [control]    the host's loading thread; never at the same time as another [control] call of
 *                the same plugin.
 *   [any]        any thread, at any time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TROUPE_ABI_MAJOR 1u
#define TROUPE_ABI_MINOR 0u

#ifdef __cplusplus
#define TROUPE_EXTERN_C extern "C"
#else
#define TROUPE_EXTERN_C extern
#endif

/* Marks the one symbol that a plugin exports; everything else is built hidden. */
#define TROUPE_EXPORT __attribute__((visibility("default")))
#define TROUPE_HIDDEN __attribute__((visibility("hidden")))
#define TROUPE_UNUSED __attribute__((unused))

/* Whether a table that came across the line is new enough to hold `field`. */
#define TROUPE_HAS(table, field)                                                                   \
    ((table)->size >= (size_t)((const char *)(&(table)->field + 1) - (const char *)(table)))

/* Text or bytes, not NUL-terminated; text is UTF-8 by convention, never checked on the way.
 * Whoever hands one out says how long `data` stays valid. */
struct troupe_str {
    const char *data;
    uint64_t size;
};

/* A list inside a message or a config: `count` items, each as large as its record type says. */
struct troupe_list {
    const void *items;
    uint64_t count;
};

/* The address of an actor (port 0) or of one handler port of it. Plain data: copy it, keep it,
 * send it. It keeps nothing alive; after the actor's slot has closed, what is sent to it comes back
 * as undeliverable. `uid` is never reused; `port` is the host's number for a port's name. */
struct troupe_ref {
    uint64_t uid;
    uint64_t port;
};

/* The right to answer one request, once: a once port. Plain data, valid until answered, until the
 * caller's deadline, or until the caller's incarnation ends, whichever is first. */
struct troupe_once {
    uint64_t uid;
    uint64_t call;
};

/* Status codes: 0 is success, failures are negative. A handler that returns a negative code fails
 * its actor (FC-1), except for TROUPE_UNHANDLED where a handler's contract gives it a meaning. */
#define TROUPE_STATUSES(X)                                                                         \
    X(OK, 0, "ok")                                                                                 \
    X(ERROR, -1, "error")                                                                          \
    X(UNHANDLED, -2, "not handled")                                                                \
    X(INVALID, -3, "invalid argument")                                                             \
    X(NO_MEMORY, -4, "out of memory")                                                              \
    X(TIMEOUT, -5, "deadline passed")                                                              \
    X(GONE, -6, "actor is gone")                                                                   \
    X(NOT_FOUND, -7, "not found")                                                                  \
    X(REFUSED, -8, "refused")                                                                      \
    X(FULL, -9, "mailbox is full")                                                                 \
    X(CYCLE_OVERFLOW, -10, "cycle overflow")                                                       \
    X(NO_SUCH_PORT, -11, "no such port")                                                           \
    X(NOT_LOCAL, -12, "another proc, and no forwarder")                                            \
    X(ABORTED, -13, "aborted")                                                                     \
    X(STOPPING, -14, "stopping")                                                                   \
    X(WRONG_THREAD, -15, "called outside a turn")                                                  \
    X(UNSUPPORTED, -16, "not supported by this host")                                              \
    X(STATE_VERSION, -17, "state version cannot be loaded")                                        \
    X(OVER_LIMIT, -18, "over its limit")

#define TROUPE_STATUS_CONSTANT(name, value, text) TROUPE_##name = (value),
enum troupe_status { TROUPE_STATUSES(TROUPE_STATUS_CONSTANT) TROUPE_STATUS_END_ = 1 };
#undef TROUPE_STATUS_CONSTANT

/* The text of a status code, static; "unknown status" for a code this SDK does not know. [any] */
static inline TROUPE_UNUSED const char *troupe_status_text(int32_t status) {
    switch (status) {
#define TROUPE_STATUS_CASE(name, value, text)                                                      \
    case (value):                                                                                  \
        return text;
        TROUPE_STATUSES(TROUPE_STATUS_CASE)
#undef TROUPE_STATUS_CASE
    default:
        return "unknown status";
    }
}

#define TROUPE_LOG_LEVELS(X)                                                                       \
    X(ERROR, 0, "error") X(WARN, 1, "warn") X(INFO, 2, "info") X(DEBUG, 3, "debug")
#define TROUPE_LOG_CONSTANT(name, value, text) TROUPE_LOG_##name = (value),
enum troupe_log_level { TROUPE_LOG_LEVELS(TROUPE_LOG_CONSTANT) TROUPE_LOG_END_ };
#undef TROUPE_LOG_CONSTANT

/* Text of the plugin's own as a troupe_str, and of a NUL-terminated string. [any] */
static inline TROUPE_UNUSED struct troupe_str troupe_str_n(const char *data, uint64_t size) {
    struct troupe_str s;
    s.data = data;
    s.size = size;
    return s;
}
static inline TROUPE_UNUSED struct troupe_str troupe_str(const char *text) {
    return troupe_str_n(text, text ? (uint64_t)__builtin_strlen(text) : 0);
}
/* Byte-wise equality; two empty strings are equal whatever their pointers. [any] */
static inline TROUPE_UNUSED bool troupe_str_eq(struct troupe_str a, struct troupe_str b) {
    return a.size == b.size && (a.size == 0 || __builtin_memcmp(a.data, b.data, a.size) == 0);
}
/* Arguments for a "%.*s" that prints the string `s`. */
#define TROUPE_STR_ARG(s) ((int)(s).size), ((s).size ? (s).data : "")
