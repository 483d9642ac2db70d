/* Config schemas: what an actor can be told by the manifest, checked before any of its code runs.
 *
 *     #define TAIL_CONFIG(C)                                                               \
 *         C(path, path, required, "the file to read")                                      \
 *         C(enum, from, start, "where to begin", "start|end")                              \
 *         C(bool, follow, false, "go on reading as the file grows")                        \
 *         C(duration, poll, 250ms, "how often to look", "1ms..1h")
 *     TROUPE_CONFIG(tail_config, TAIL_CONFIG);
 *
 * C(kind, name, default, "help" [, "extra"]). The default is `required`, a bare word or a "text"; it
 * is written as in a manifest. `extra` is the range "min..max" (either may be missing) for int, float,
 * duration and size; the choices "a|b|c" for enum; the name of a handler port for field.
 *
 * Kinds and the member each becomes:
 *     str       struct troupe_str       text
 *     path      struct troupe_str       relative paths resolved against the manifest's folder
 *     int       int64_t
 *     float     double
 *     bool      bool
 *     duration  uint64_t                nanoseconds; written 250ms, 10s, 5m, 1h
 *     size      uint64_t                bytes; written 4096, 64KiB, 1MiB
 *     enum      uint32_t                index into the choices
 *     list      struct troupe_strs      texts
 *     field     struct troupe_str       a field's name of what is wired to the port, checked; empty: none
 * All texts are the host's, NUL-terminated beyond `size`, and valid until the incarnation has ended.
 */
#pragma once

#include <troupe/abi.h>
#include <troupe/note.h>

struct troupe_strs {
    const struct troupe_str *items;
    uint64_t count;
};

#define TROUPE_OPTION_str(name) struct troupe_str name;
#define TROUPE_OPTION_path(name) struct troupe_str name;
#define TROUPE_OPTION_int(name) int64_t name;
#define TROUPE_OPTION_float(name) double name;
#define TROUPE_OPTION_bool(name) bool name;
#define TROUPE_OPTION__Bool(name) bool name;
#define TROUPE_OPTION_duration(name) uint64_t name;
#define TROUPE_OPTION_size(name) uint64_t name;
#define TROUPE_OPTION_enum(name) uint32_t name;
#define TROUPE_OPTION_list(name) struct troupe_strs name;
#define TROUPE_OPTION_field(name) struct troupe_str name;

#define TROUPE_NOTE_KIND_str "str"
#define TROUPE_NOTE_KIND_path "path"
#define TROUPE_NOTE_KIND_int "int"
#define TROUPE_NOTE_KIND_float "float"
#define TROUPE_NOTE_KIND_bool "bool"
#define TROUPE_NOTE_KIND__Bool "bool"
#define TROUPE_NOTE_KIND_duration "duration"
#define TROUPE_NOTE_KIND_size "size"
#define TROUPE_NOTE_KIND_enum "enum"
#define TROUPE_NOTE_KIND_list "list"
#define TROUPE_NOTE_KIND_field "field"

#define TROUPE_OPTION(...) TROUPE_OPTION_(__VA_ARGS__, ~)
#define TROUPE_OPTION_(kind, name, ...) TROUPE_OPTION_##kind(name)
#define TROUPE_NOTE_KEY(...) TROUPE_NOTE_KEY_(__VA_ARGS__, "", ~)
#define TROUPE_NOTE_KEY_(kind, name, value, help, extra, ...)                                      \
    "key " TROUPE_NOTE_KIND_##kind " " #name " " #value ", " #help ", " #extra "\n"

/* Declares `struct c_name` with one member per key, and tells the host its schema. */
#define TROUPE_CONFIG(c_name, KEYS)                                                                \
    struct c_name {                                                                                \
        KEYS(TROUPE_OPTION)                                                                        \
    };                                                                                             \
    TROUPE_NOTE_(c_name##_note, TROUPE_NOTE_CONFIG, "config " #c_name "\n" KEYS(TROUPE_NOTE_KEY))
