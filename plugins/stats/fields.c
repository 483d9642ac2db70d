/* Fields of messages of any type: found by name once, then read from their place. */
#include "stats/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct troupe_field *fields_find(const struct troupe_type *type, struct troupe_str name) {
    for (uint32_t i = 0; i < type->field_count; i++) {
        const char *at = (const char *)type->fields + i * type->field_stride;
        const struct troupe_field *field = (const struct troupe_field *)(const void *)at;
        if (troupe_str_eq(field->name, name)) {
            return field;
        }
    }
    return NULL;
}

enum number_form { NUMBER_NONE, NUMBER_SIGNED, NUMBER_UNSIGNED, NUMBER_REAL };

struct number {
    enum number_form form;
    int64_t i;
    uint64_t u;
    double f;
};

/* One kind of field, read as the C type it has. */
#define READ_CASE(kind, c_type, form_, member)                                                     \
    case TROUPE_KIND_##kind: {                                                                     \
        c_type value;                                                                              \
        memcpy(&value, at, sizeof value);                                                          \
        return (struct number){.form = form_, .member = value};                                    \
    }

static struct number read_number(const struct troupe_field *field, const void *body) {
    const char *at = (const char *)body + field->offset;
    /* clang-format off */
    switch (field->kind) {
    READ_CASE(i8, int8_t, NUMBER_SIGNED, i)
    READ_CASE(i16, int16_t, NUMBER_SIGNED, i)
    READ_CASE(i32, int32_t, NUMBER_SIGNED, i)
    READ_CASE(i64, int64_t, NUMBER_SIGNED, i)
    READ_CASE(time, int64_t, NUMBER_SIGNED, i)
    READ_CASE(duration, int64_t, NUMBER_SIGNED, i)
    READ_CASE(bool, bool, NUMBER_UNSIGNED, u)
    READ_CASE(u8, uint8_t, NUMBER_UNSIGNED, u)
    READ_CASE(u16, uint16_t, NUMBER_UNSIGNED, u)
    READ_CASE(u32, uint32_t, NUMBER_UNSIGNED, u)
    READ_CASE(u64, uint64_t, NUMBER_UNSIGNED, u)
    READ_CASE(f32, float, NUMBER_REAL, f)
    READ_CASE(f64, double, NUMBER_REAL, f)
    default: return (struct number){.form = NUMBER_NONE};
    }
    /* clang-format on */
}

bool fields_text(const struct troupe_field *field, const void *body, char *room,
                 struct troupe_str *ret) {
    if (field->kind == TROUPE_KIND_str || field->kind == TROUPE_KIND_bytes) {
        memcpy(ret, (const char *)body + field->offset, sizeof *ret);
        return true;
    }
    struct number n = read_number(field, body);
    int size = 0;
    switch (n.form) {
    case NUMBER_NONE:
        return false;
    case NUMBER_SIGNED:
        size = snprintf(room, FIELDS_TEXT, "%" PRId64, n.i);
        break;
    case NUMBER_UNSIGNED:
        size = snprintf(room, FIELDS_TEXT, "%" PRIu64, n.u);
        break;
    case NUMBER_REAL:
        size = snprintf(room, FIELDS_TEXT, "%.17g", n.f);
        break;
    }
    *ret = troupe_str_n(room, (uint64_t)size);
    return true;
}

bool fields_number(const struct troupe_field *field, const void *body, uint64_t *ret) {
    struct number n = read_number(field, body);
    if (n.form == NUMBER_SIGNED) {
        *ret = n.i > 0 ? (uint64_t)n.i : 0;
    } else if (n.form == NUMBER_UNSIGNED) {
        *ret = n.u;
    }
    return n.form == NUMBER_SIGNED || n.form == NUMBER_UNSIGNED;
}

bool fields_time(const struct troupe_field *field, const void *body, int64_t *ret) {
    bool is_time = field->kind == TROUPE_KIND_time || field->kind == TROUPE_KIND_i64 ||
                   field->kind == TROUPE_KIND_u64;
    if (is_time) {
        memcpy(ret, (const char *)body + field->offset, sizeof *ret);
    }
    return is_time;
}
