/* Comparing two bodies by their schemas: what their fields say, not the bytes they lie in. */
#include <math.h>
#include <string.h>

#include "message/type.h"

static bool is_same_text(struct troupe_str a, struct troupe_str b) {
    uint64_t size = a.data ? a.size : 0;
    return size == (b.data ? b.size : 0) && (size == 0 || memcmp(a.data, b.data, size) == 0);
}

static bool is_same_list(const struct troupe_value *a, const struct troupe_value *b) {
    uint64_t count = a->l.items ? a->l.count : 0;
    if (count != (b->l.items ? b->l.count : 0)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        const void *item_a = (const char *)a->l.items + i * a->item->body_size;
        const void *item_b = (const char *)b->l.items + i * b->item->body_size;
        if (type_difference(type_of(a->item), item_a, type_of(b->item), item_b)) {
            return false;
        }
    }
    return true;
}

bool type_is_same_value(const struct troupe_value *a, const struct troupe_value *b) {
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case TROUPE_KIND_f32:
    case TROUPE_KIND_f64:
        return a->f == b->f || (isnan(a->f) && isnan(b->f));
    case TROUPE_KIND_str:
    case TROUPE_KIND_bytes:
        return is_same_text(a->s, b->s);
    case TROUPE_KIND_ref:
        return a->r.uid == b->r.uid && a->r.port == b->r.port;
    case TROUPE_KIND_list:
        return is_same_list(a, b);
    case TROUPE_KIND_bool:
    case TROUPE_KIND_u8:
    case TROUPE_KIND_u16:
    case TROUPE_KIND_u32:
    case TROUPE_KIND_u64:
        return a->u == b->u;
    default: /* i8 to i64, time, duration */
        return a->i == b->i;
    }
}

const struct troupe_field *type_difference(const struct msg_type *a, const void *body_a,
                                           const struct msg_type *b, const void *body_b) {
    uint32_t count =
        a->abi.field_count < b->abi.field_count ? a->abi.field_count : b->abi.field_count;
    for (uint32_t i = 0; i < count; i++) {
        struct troupe_value value_a, value_b;
        type_value(&a->abi.fields[i], body_a, &value_a);
        type_value(&b->abi.fields[i], body_b, &value_b);
        if (!type_is_same_value(&value_a, &value_b)) {
            return &a->abi.fields[i];
        }
    }
    return NULL;
}
