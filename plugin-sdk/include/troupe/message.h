/* Message types: declared once, as a list of fields; struct and schema come from it.
 *
 *     #define TEXT_LINE(F) F(str, text) F(u64, number)
 *     TROUPE_MESSAGE(text_line, "text.line/1", TEXT_LINE);
 *
 * declares `struct text_line { struct troupe_str text; uint64_t number; }` and tells the host, by
 * the plugin's note, name, revision and schema. The host makes JSON, the wire form and compatibility
 * checks from the schema. Two revisions are compatible when the fields of one are the first fields
 * of the other: append, never change (MB-8).
 *
 * A list holds flat records:
 *
 *     #define STATS_SOURCE(F) F(str, source) F(u64, failed)
 *     TROUPE_RECORD(stats_source, STATS_SOURCE);
 *     #define STATS_SUMMARY(F) F(u64, lines) F(list, sources, stats_source)
 *
 * A received message is read-only and lent until the handler returns; so are its strings (MB-9).
 * What a sender fills in is copied by the send, strings and lists included.
 */
#pragma once

#include <troupe/abi.h>
#include <troupe/note.h>

/* X(number, name, C type, schema text). `time` is nanoseconds since 1970 UTC, `duration`
 * nanoseconds. Numbers are part of the ABI. */
#define TROUPE_KINDS(X)                                                                            \
    X(1, bool, bool)                                                                               \
    X(2, i8, int8_t)                                                                               \
    X(3, i16, int16_t)                                                                             \
    X(4, i32, int32_t)                                                                             \
    X(5, i64, int64_t)                                                                             \
    X(6, u8, uint8_t)                                                                              \
    X(7, u16, uint16_t)                                                                            \
    X(8, u32, uint32_t)                                                                            \
    X(9, u64, uint64_t)                                                                            \
    X(10, f32, float)                                                                              \
    X(11, f64, double)                                                                             \
    X(12, time, int64_t)                                                                           \
    X(13, duration, int64_t)                                                                       \
    X(14, str, struct troupe_str)                                                                  \
    X(15, bytes, struct troupe_str)                                                                \
    X(16, ref, struct troupe_ref)                                                                  \
    X(17, list, struct troupe_list)

#define TROUPE_KIND_bool 1u
#define TROUPE_KIND_i8 2u
#define TROUPE_KIND_i16 3u
#define TROUPE_KIND_i32 4u
#define TROUPE_KIND_i64 5u
#define TROUPE_KIND_u8 6u
#define TROUPE_KIND_u16 7u
#define TROUPE_KIND_u32 8u
#define TROUPE_KIND_u64 9u
#define TROUPE_KIND_f32 10u
#define TROUPE_KIND_f64 11u
#define TROUPE_KIND_time 12u
#define TROUPE_KIND_duration 13u
#define TROUPE_KIND_str 14u
#define TROUPE_KIND_bytes 15u
#define TROUPE_KIND_ref 16u
#define TROUPE_KIND_list 17u

/* One field of a message type as the host knows it. Owned by the host, valid as long as the type. */
struct troupe_field {
    uint32_t size; /* of this struct */
    uint32_t kind; /* TROUPE_KIND_... */
    struct troupe_str name;
    uint64_t offset;                /* in the body, or in the item for fields of a list's record */
    const struct troupe_type *item; /* kind list: the record type of its items; else NULL */
};

/* A message type as the host knows it: interned, the same pointer for the same schema in one proc.
 * Owned by the host; valid while the proc lives (MB-5). Fields lie `field_stride` bytes apart. */
struct troupe_type {
    uint32_t size; /* of this struct */
    uint32_t field_count;
    struct troupe_str id;     /* "text.line/1"; empty for a record */
    struct troupe_str schema; /* canonical text: "str text; u64 number" */
    uint64_t hash;            /* of `schema` */
    uint64_t body_size;       /* sizeof the struct */
    const struct troupe_field *fields;
    uint64_t field_stride;
};

/* A message on a port that takes `any`. Lent until the handler returns. */
struct troupe_any {
    const struct troupe_type *type;
    const void *body;
};

/* One field's value, read by name. `kind` is TROUPE_KIND_...; kinds i8 to i64, time and duration
 * arrive in `i`, bool and u8 to u64 in `u`, f32 and f64 in `f`, str and bytes in `s`. Text is lent as
 * long as the message it was read from. */
struct troupe_value {
    uint32_t kind;
    uint32_t reserved;
    int64_t i;
    uint64_t u;
    double f;
    struct troupe_str s;
    struct troupe_ref r;
    struct troupe_list l;
    const struct troupe_type *item; /* kind list: the type of its items */
};

#define TROUPE_MEMBER_bool(name, x) bool name;
#define TROUPE_MEMBER__Bool(name, x) bool name;
#define TROUPE_MEMBER_i8(name, x) int8_t name;
#define TROUPE_MEMBER_i16(name, x) int16_t name;
#define TROUPE_MEMBER_i32(name, x) int32_t name;
#define TROUPE_MEMBER_i64(name, x) int64_t name;
#define TROUPE_MEMBER_u8(name, x) uint8_t name;
#define TROUPE_MEMBER_u16(name, x) uint16_t name;
#define TROUPE_MEMBER_u32(name, x) uint32_t name;
#define TROUPE_MEMBER_u64(name, x) uint64_t name;
#define TROUPE_MEMBER_f32(name, x) float name;
#define TROUPE_MEMBER_f64(name, x) double name;
#define TROUPE_MEMBER_time(name, x) int64_t name;
#define TROUPE_MEMBER_duration(name, x) int64_t name;
#define TROUPE_MEMBER_str(name, x) struct troupe_str name;
#define TROUPE_MEMBER_bytes(name, x) struct troupe_str name;
#define TROUPE_MEMBER_ref(name, x) struct troupe_ref name;
/* As troupe_list, with the item's type in place of void. */
#define TROUPE_MEMBER_list(name, x)                                                                \
    struct {                                                                                       \
        const struct x *items;                                                                     \
        uint64_t count;                                                                            \
    } name;

#define TROUPE_NOTE_FIELD_bool(name, x) "field bool " #name "\n"
#define TROUPE_NOTE_FIELD__Bool(name, x) "field bool " #name "\n"
#define TROUPE_NOTE_FIELD_i8(name, x) "field i8 " #name "\n"
#define TROUPE_NOTE_FIELD_i16(name, x) "field i16 " #name "\n"
#define TROUPE_NOTE_FIELD_i32(name, x) "field i32 " #name "\n"
#define TROUPE_NOTE_FIELD_i64(name, x) "field i64 " #name "\n"
#define TROUPE_NOTE_FIELD_u8(name, x) "field u8 " #name "\n"
#define TROUPE_NOTE_FIELD_u16(name, x) "field u16 " #name "\n"
#define TROUPE_NOTE_FIELD_u32(name, x) "field u32 " #name "\n"
#define TROUPE_NOTE_FIELD_u64(name, x) "field u64 " #name "\n"
#define TROUPE_NOTE_FIELD_f32(name, x) "field f32 " #name "\n"
#define TROUPE_NOTE_FIELD_f64(name, x) "field f64 " #name "\n"
#define TROUPE_NOTE_FIELD_time(name, x) "field time " #name "\n"
#define TROUPE_NOTE_FIELD_duration(name, x) "field duration " #name "\n"
#define TROUPE_NOTE_FIELD_str(name, x) "field str " #name "\n"
#define TROUPE_NOTE_FIELD_bytes(name, x) "field bytes " #name "\n"
#define TROUPE_NOTE_FIELD_ref(name, x) "field ref " #name "\n"
#define TROUPE_NOTE_FIELD_list(name, x) "field list " #name " " #x "\n"

/* The second layer lets `F(str, text)` and `F(list, sources, stats_source)` share one F. */
#define TROUPE_MEMBER(...) TROUPE_MEMBER_(__VA_ARGS__, ~, ~)
#define TROUPE_MEMBER_(kind, name, x, ...) TROUPE_MEMBER_##kind(name, x)
#define TROUPE_NOTE_FIELD(...) TROUPE_NOTE_FIELD_(__VA_ARGS__, ~, ~)
#define TROUPE_NOTE_FIELD_(kind, name, x, ...) TROUPE_NOTE_FIELD_##kind(name, x)

/* Declares `struct c_name` with the given fields, for use as the items of a list. */
#define TROUPE_RECORD(c_name, FIELDS)                                                              \
    struct c_name {                                                                                \
        FIELDS(TROUPE_MEMBER)                                                                      \
    };                                                                                             \
    TROUPE_NOTE_(c_name##_note, TROUPE_NOTE_RECORD,                                                \
                 "record " #c_name "\n" FIELDS(TROUPE_NOTE_FIELD))

/* Declares the message type `id` ("name/revision") and its `struct c_name`. */
#define TROUPE_MESSAGE(c_name, id, FIELDS)                                                         \
    struct c_name {                                                                                \
        FIELDS(TROUPE_MEMBER)                                                                      \
    };                                                                                             \
    TROUPE_NOTE_(c_name##_note, TROUPE_NOTE_MESSAGE,                                               \
                 "message " #c_name " " #id "\n" FIELDS(TROUPE_NOTE_FIELD))
