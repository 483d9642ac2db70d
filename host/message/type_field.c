/* Message types seen field by field: names, values, compatibility of two revisions. */
#include <string.h>

#include "message/type.h"
#include "message/type_schema.h"

/* The part of an id before '/'. */
static struct troupe_str type_name(const struct troupe_type *type) {
    const char *slash = type->id.size ? memchr(type->id.data, '/', type->id.size) : NULL;
    return slash ? troupe_str_n(type->id.data, (uint64_t)(slash - type->id.data)) : type->id;
}

struct troupe_str type_short_name(const struct troupe_type *type) {
    struct troupe_str name = type_name(type);
    if (name.size == 0) { /* a record */
        return name;
    }
    uint64_t start = name.size;
    while (start > 0 && name.data[start - 1] != '.') {
        start--;
    }
    return troupe_str_n(name.data + start, name.size - start);
}

const struct troupe_field *type_find_field(const struct troupe_type *type, struct troupe_str name) {
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (troupe_str_eq(type->fields[i].name, name)) {
            return &type->fields[i];
        }
    }
    return NULL;
}

/* memcpy everywhere: a body from a plugin may hold any bytes, also a bool that is neither 0 nor 1. */
#define LOAD(c_type, into)                                                                         \
    do {                                                                                           \
        c_type value_;                                                                             \
        memcpy(&value_, at, sizeof value_);                                                        \
        (into) = value_;                                                                           \
    } while (0)

static void load_number(uint32_t kind, const void *at, struct troupe_value *ret) {
    switch (kind) {
    case TROUPE_KIND_bool:
        LOAD(uint8_t, ret->u);
        ret->u = ret->u != 0;
        break;
    case TROUPE_KIND_u8:
        LOAD(uint8_t, ret->u);
        break;
    case TROUPE_KIND_u16:
        LOAD(uint16_t, ret->u);
        break;
    case TROUPE_KIND_u32:
        LOAD(uint32_t, ret->u);
        break;
    case TROUPE_KIND_u64:
        LOAD(uint64_t, ret->u);
        break;
    case TROUPE_KIND_i8:
        LOAD(int8_t, ret->i);
        break;
    case TROUPE_KIND_i16:
        LOAD(int16_t, ret->i);
        break;
    case TROUPE_KIND_i32:
        LOAD(int32_t, ret->i);
        break;
    case TROUPE_KIND_f32:
        LOAD(float, ret->f);
        break;
    case TROUPE_KIND_f64:
        LOAD(double, ret->f);
        break;
    default: /* i64, time, duration */
        LOAD(int64_t, ret->i);
        break;
    }
}

void type_value(const struct troupe_field *field, const void *body, struct troupe_value *ret) {
    const void *at = (const char *)body + field->offset;
    *ret = (struct troupe_value){.kind = field->kind, .item = field->item};
    switch (field->kind) {
    case TROUPE_KIND_str:
    case TROUPE_KIND_bytes:
        LOAD(struct troupe_str, ret->s);
        break;
    case TROUPE_KIND_ref:
        LOAD(struct troupe_ref, ret->r);
        break;
    case TROUPE_KIND_list:
        LOAD(struct troupe_list, ret->l);
        break;
    default:
        load_number(field->kind, at, ret);
        break;
    }
}

int type_read(const struct troupe_any *message, struct troupe_str field, struct troupe_value *ret) {
    const struct troupe_field *found = type_find_field(message->type, field);
    if (!found) {
        return TROUPE_NOT_FOUND;
    }
    type_value(found, message->body, ret);
    return TROUPE_OK;
}

/* Records are compared by text: two tables may be in play. */
static bool is_same_field(const struct troupe_field *a, const struct troupe_field *b) {
    return a->kind == b->kind && troupe_str_eq(a->name, b->name) &&
           (!a->item || a->item == b->item || troupe_str_eq(a->item->schema, b->item->schema));
}

static int fail_field(const struct msg_type *sent, const struct msg_type *wanted, uint32_t at,
                      struct err *err) {
    const struct troupe_field *a = &sent->abi.fields[at];
    const struct troupe_field *b = &wanted->abi.fields[at];
    if (a->kind == TROUPE_KIND_list && b->kind == a->kind && troupe_str_eq(a->name, b->name)) {
        return err_set(err, ERR_INVALID,
                       "list '%.*s' holds {%.*s} in '%.*s', but {%.*s} in '%.*s': records must be "
                       "the same",
                       TROUPE_STR_ARG(a->name), TROUPE_STR_ARG(a->item->schema),
                       TROUPE_STR_ARG(sent->abi.id), TROUPE_STR_ARG(b->item->schema),
                       TROUPE_STR_ARG(wanted->abi.id));
    }
    return err_set(err, ERR_INVALID,
                   "field %u is '%s %.*s' in '%.*s', but '%s %.*s' in '%.*s': revisions may only "
                   "append fields",
                   at + 1, schema_kind_text(a->kind), TROUPE_STR_ARG(a->name),
                   TROUPE_STR_ARG(sent->abi.id), schema_kind_text(b->kind), TROUPE_STR_ARG(b->name),
                   TROUPE_STR_ARG(wanted->abi.id));
}

int type_check_compatible(const struct msg_type *sent, const struct msg_type *wanted,
                          struct err *err) {
    if (sent == wanted) {
        return 0;
    }
    if (!troupe_str_eq(type_name(&sent->abi), type_name(&wanted->abi))) {
        return err_set(err, ERR_INVALID, "'%.*s' and '%.*s' are different messages",
                       TROUPE_STR_ARG(sent->abi.id), TROUPE_STR_ARG(wanted->abi.id));
    }
    uint32_t common = sent->abi.field_count < wanted->abi.field_count ? sent->abi.field_count
                                                                      : wanted->abi.field_count;
    for (uint32_t i = 0; i < common; i++) {
        if (!is_same_field(&sent->abi.fields[i], &wanted->abi.fields[i])) {
            return fail_field(sent, wanted, i, err);
        }
    }
    return 0;
}
