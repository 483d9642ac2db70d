/* Parcels: the wire form of messages. */
#include "message/parcel.h"

#include <string.h>

#include "base/alloc.h"
#include "message/type_schema.h"

#define MAGIC 0x31707254u /* "Trp1" */
#define ID_MAX 256u
#define SCHEMA_MAX (1u << 20)

/* --- writing --- */

static void put(struct str *out, uint64_t value, unsigned size) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    str_add_n(out, (const char *)bytes, size);
}

static int put_text(struct str *out, struct troupe_str text) {
    uint64_t size = text.data ? text.size : 0;
    if (size > UINT32_MAX) {
        return -1;
    }
    put(out, size, 4);
    str_add_n(out, size ? text.data : "", size);
    return 0;
}

struct writer {
    struct str *out;
    parcel_translate *translate;
    void *context;
};

static int put_body(struct writer *w, const struct msg_type *type, const void *body);

static int put_list(struct writer *w, const struct msg_type *item, const struct troupe_list *list) {
    uint64_t count = list->items ? list->count : 0;
    if (count > UINT32_MAX) {
        return -1;
    }
    put(w->out, count, 4);
    for (uint64_t i = 0; i < count; i++) {
        if (put_body(w, item, (const char *)list->items + i * item->abi.body_size) < 0) {
            return -1;
        }
    }
    return 0;
}

static void put_ref(struct writer *w, struct troupe_ref ref) {
    if (w->translate && ref.uid) {
        ref = w->translate(w->context, ref);
    }
    put(w->out, ref.uid, 8);
    put(w->out, ref.port, 8);
}

static int put_field(struct writer *w, const struct msg_type *type, uint32_t at, const void *body) {
    const struct troupe_field *field = &type->abi.fields[at];
    const char *from = (const char *)body + field->offset;
    struct troupe_value value;
    uint64_t bits = 0;
    switch (field->kind) {
    case TROUPE_KIND_str:
    case TROUPE_KIND_bytes:
        type_value(field, body, &value);
        return put_text(w->out, value.s);
    case TROUPE_KIND_list:
        type_value(field, body, &value);
        return put_list(w, type->items[at], &value.l);
    case TROUPE_KIND_ref:
        type_value(field, body, &value);
        put_ref(w, value.r);
        return 0;
    case TROUPE_KIND_bool:
        put(w->out, *from != 0, 1);
        return 0;
    default:
        memcpy(&bits, from, schema_kind_size(field->kind)); /* little-endian, as all hosts so far */
        put(w->out, bits, schema_kind_size(field->kind));
        return 0;
    }
}

static int put_body(struct writer *w, const struct msg_type *type, const void *body) {
    for (uint32_t i = 0; i < type->abi.field_count; i++) {
        if (put_field(w, type, i, body) < 0) {
            return -1;
        }
    }
    return 0;
}

int parcel_write(const struct parcel *parcel, parcel_translate *translate, void *context,
                 struct str *out) {
    struct writer w = {out, translate, context};
    const struct troupe_str none = {NULL, 0};
    put(out, MAGIC, 4);
    put(out, (uint64_t)parcel->kind, 1);
    put(out, (uint64_t)-parcel->reason, 1);
    put(out, parcel->ttl, 4);
    put(out, parcel->sender, 8);
    put(out, parcel->dest, 8);
    put(out, parcel->port, 8);
    put(out, parcel->call, 8);
    put(out, parcel->trace, 8);
    put(out, parcel->sequence, 8);
    const struct msg_type *type = parcel->type;
    int status = put_text(out, type ? type->abi.id : none);
    status |= put_text(out, type ? type->abi.schema : none);
    status |= type ? put_body(&w, type, parcel->body)
                   : put_text(out, *(const struct troupe_str *)parcel->body);
    return status < 0 || out->failed ? -1 : 0;
}

/* --- reading --- */

struct reader {
    const uint8_t *data;
    uint64_t size, at;
    char *base; /* NULL: measure only */
    uint64_t room;
};

static int get(struct reader *r, unsigned size, uint64_t *ret) {
    if (r->size - r->at < size) {
        return -1;
    }
    *ret = 0;
    for (unsigned i = 0; i < size; i++) {
        *ret |= (uint64_t)r->data[r->at + i] << 8 * i;
    }
    r->at += size;
    return 0;
}

static int get_text(struct reader *r, struct troupe_str *ret) {
    uint64_t size;
    if (get(r, 4, &size) < 0 || r->size - r->at < size) {
        return -1;
    }
    *ret = troupe_str_n((const char *)r->data + r->at, size);
    r->at += size;
    return 0;
}

/* Room behind what is there already; the body's sizes are bounded by the bytes that came. */
static char *take_room(struct reader *r, uint64_t align, uint64_t size) {
    uint64_t start = (r->room + align - 1) / align * align;
    r->room = start + size;
    return r->base ? r->base + start : NULL;
}

static int read_body(struct reader *r, const struct msg_type *type, char *to);

static int read_string(struct reader *r, char *to) {
    struct troupe_str text;
    if (get_text(r, &text) < 0) {
        return -1;
    }
    char *copy = take_room(r, 1, text.size + 1);
    if (copy) {
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';
        text.data = copy;
        memcpy(to, &text, sizeof text);
    }
    return 0;
}

/* Each field takes a byte at least: so many records can't be in fewer bytes. */
static int read_list(struct reader *r, const struct msg_type *item, char *to) {
    uint64_t count;
    uint64_t least = item->abi.field_count ? item->abi.field_count : 1;
    if (get(r, 4, &count) < 0 || count > (r->size - r->at) / least) {
        return -1;
    }
    char *items = take_room(r, count ? 8 : 1, count * item->abi.body_size);
    struct troupe_list list = {count ? items : NULL, count};
    if (items) {
        memset(items, 0, count * item->abi.body_size);
        memcpy(to, &list, sizeof list);
    }
    for (uint64_t i = 0; i < count; i++) {
        if (read_body(r, item, items ? items + i * item->abi.body_size : NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_field(struct reader *r, const struct msg_type *type, uint32_t at, char *to) {
    uint32_t kind = type->abi.fields[at].kind;
    struct troupe_ref ref;
    uint64_t bits;
    switch (kind) {
    case TROUPE_KIND_str:
    case TROUPE_KIND_bytes:
        return read_string(r, to);
    case TROUPE_KIND_list:
        return read_list(r, type->items[at], to);
    case TROUPE_KIND_ref:
        if (get(r, 8, &ref.uid) < 0 || get(r, 8, &ref.port) < 0) {
            return -1;
        }
        if (to) {
            memcpy(to, &ref, sizeof ref);
        }
        return 0;
    default:
        if (get(r, schema_kind_size(kind), &bits) < 0 || (kind == TROUPE_KIND_bool && bits > 1)) {
            return -1;
        }
        if (to) {
            memcpy(to, &bits, schema_kind_size(kind));
        }
        return 0;
    }
}

static int read_body(struct reader *r, const struct msg_type *type, char *to) {
    for (uint32_t i = 0; i < type->abi.field_count; i++) {
        if (read_field(r, type, i, to ? to + type->abi.fields[i].offset : NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

static int invalid(const struct reader *r, struct err *err, const char *what) {
    return err_set(err, ERR_INVALID, "a message from another proc is malformed at byte %llu: %s",
                   (unsigned long long)r->at, what);
}

static int read_head(struct reader *r, struct parcel *head, struct err *err) {
    uint64_t magic, kind, reason, ttl;
    if (get(r, 4, &magic) < 0 || magic != MAGIC) {
        return invalid(r, err, "it does not begin like one");
    }
    if (get(r, 1, &kind) < 0 || get(r, 1, &reason) < 0 || get(r, 4, &ttl) < 0 ||
        get(r, 8, &head->sender) < 0 || get(r, 8, &head->dest) < 0 || get(r, 8, &head->port) < 0 ||
        get(r, 8, &head->call) < 0 || get(r, 8, &head->trace) < 0 ||
        get(r, 8, &head->sequence) < 0) {
        return invalid(r, err, "it is cut off");
    }
    head->kind = (enum msg_kind)kind;
    head->reason = -(int32_t)reason;
    head->ttl = (uint32_t)ttl;
    bool is_answer = kind == MSG_REPLY || kind == MSG_RETURNED;
    if (!is_answer && kind != MSG_DATA && kind != MSG_REQUEST) {
        return invalid(r, err, "messages of this kind do not leave a proc");
    }
    if ((kind == MSG_RETURNED && reason == 0) || (!is_answer && reason != 0)) {
        return invalid(r, err, "kind and reason do not go together");
    }
    return 0;
}

/* It is quoted where something is wrong with it. */
static bool is_plain(struct troupe_str text) {
    for (uint64_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static int intern(struct reader *r, struct troupe_str id, struct troupe_str schema,
                  struct type_table *types, const struct msg_type **ret, struct err *err) {
    if (id.size >= ID_MAX || schema.size >= SCHEMA_MAX || !is_plain(id) || !is_plain(schema)) {
        return invalid(r, err, "its type has no such name or schema");
    }
    char name[ID_MAX];
    memcpy(name, id.data, id.size);
    name[id.size] = '\0';
    char *text = mem_text_n(schema.data, schema.size);
    if (!text) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    int status = type_intern(types, name, text, ret, err);
    mem_free(text);
    return status;
}

static int read_type(struct reader *r, struct parcel *head, struct type_table *types,
                     struct err *err) {
    struct troupe_str id, schema;
    if (get_text(r, &id) < 0 || get_text(r, &schema) < 0) {
        return invalid(r, err, "its type is cut off");
    }
    head->type = NULL;
    if (id.size == 0) {
        return head->kind == MSG_REPLY && head->reason && schema.size == 0
                   ? 0
                   : invalid(r, err, "it has no type");
    }
    return intern(r, id, schema, types, &head->type, err);
}

int parcel_read(const void *data, uint64_t size, struct type_table *types, struct parcel_in *ret,
                struct err *err) {
    struct reader r = {.data = data, .size = size};
    struct parcel_in in = {0};
    if (read_head(&r, &in.head, err) < 0 || read_type(&r, &in.head, types, err) < 0) {
        return -1;
    }
    in.data = r.data + r.at;
    in.size = size - r.at;
    r.room = in.head.type ? in.head.type->abi.body_size : sizeof(struct troupe_str);
    int status = in.head.type ? read_body(&r, in.head.type, NULL) : read_string(&r, NULL);
    if (status < 0) {
        return invalid(&r, err, "the body does not fit its schema");
    }
    if (r.at != size) {
        return invalid(&r, err, "something stands behind it");
    }
    in.room = r.room;
    *ret = in;
    return 0;
}

void parcel_body(const struct parcel_in *in, void *to) {
    struct reader r = {.data = in->data, .size = in->size, .base = to};
    const struct msg_type *type = in->head.type;
    r.room = type ? type->abi.body_size : sizeof(struct troupe_str);
    memset(to, 0, r.room);
    int status = type ? read_body(&r, type, to) : read_string(&r, to);
    (void)status; /* it has been read before */
}
