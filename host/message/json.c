/* Messages as JSON text; see json.h. */
#include "message/json.h"

#include <inttypes.h>

#include "message/json_scalar.h"
#include "message/type.h"

static void add_ref(struct str *out, struct troupe_ref ref) {
    if (ref.uid == 0) {
        str_add(out, "null");
    } else {
        str_addf(out, "\"uid:%" PRIu64 "\"", ref.uid);
    }
}

static void add_fields(struct str *out, const struct troupe_type *type, const void *body) {
    str_add_char(out, '{');
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct troupe_field *field = &type->fields[i];
        struct troupe_value value;
        type_value(field, body, &value);
        str_add(out, i ? ",\"" : "\"");
        str_add_n(out, field->name.data, field->name.size);
        str_add(out, "\":");
        msg_json_add_value(out, &value);
    }
    str_add_char(out, '}');
}

/* `out` has failed when memory ran out: then a list's rest is not worth walking. */
static void add_list(struct str *out, const struct troupe_type *item, struct troupe_list list) {
    str_add_char(out, '[');
    for (uint64_t i = 0; list.items && i < list.count && !out->failed; i++) {
        str_add(out, i ? "," : "");
        add_fields(out, item, (const char *)list.items + i * item->body_size);
    }
    str_add_char(out, ']');
}

void msg_json_add_value(struct str *out, const struct troupe_value *value) {
    switch (value->kind) {
    case TROUPE_KIND_bool:
        str_add(out, value->u ? "true" : "false");
        break;
    case TROUPE_KIND_u8:
    case TROUPE_KIND_u16:
    case TROUPE_KIND_u32:
    case TROUPE_KIND_u64:
        str_addf(out, "%" PRIu64, value->u);
        break;
    case TROUPE_KIND_i8:
    case TROUPE_KIND_i16:
    case TROUPE_KIND_i32:
    case TROUPE_KIND_i64:
        str_addf(out, "%" PRId64, value->i);
        break;
    case TROUPE_KIND_f32:
        json_add_f32(out, (float)value->f);
        break;
    case TROUPE_KIND_f64:
        json_add_f64(out, value->f);
        break;
    case TROUPE_KIND_time:
        json_add_time(out, value->i);
        break;
    case TROUPE_KIND_duration:
        json_add_seconds(out, value->i);
        break;
    case TROUPE_KIND_str:
        msg_json_add_text(out, value->s.data, value->s.data ? value->s.size : 0);
        break;
    case TROUPE_KIND_bytes:
        json_add_base64(out, value->s.data, value->s.data ? value->s.size : 0);
        break;
    case TROUPE_KIND_ref:
        add_ref(out, value->r);
        break;
    case TROUPE_KIND_list:
        add_list(out, value->item, value->l);
        break;
    default: /* a kind of a newer plugin's value */
        str_add(out, "null");
        break;
    }
}

void msg_json_add(struct str *out, const struct troupe_any *message) {
    struct troupe_str name = type_short_name(message->type);
    if (name.size == 0) {
        add_fields(out, message->type, message->body);
        return;
    }
    str_add_char(out, '{');
    msg_json_add_text(out, name.data, name.size);
    str_add_char(out, ':');
    add_fields(out, message->type, message->body);
    str_add_char(out, '}');
}

char *msg_json(const struct troupe_any *message, size_t *ret_size) {
    struct str out;
    str_init(&out);
    msg_json_add(&out, message);
    size_t size = out.size;
    char *text = str_take(&out);
    str_fini(&out);
    if (text && ret_size) {
        *ret_size = size;
    }
    return text;
}
