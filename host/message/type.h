/* Message types: interned from schema texts, laid out as C lays out the struct.
 *
 * I-1  in one table, the same id and schema give the same pointer, as long as the table lives;
 *      so a message keeps its type when the plugin that declared it is gone (MB-5).
 * I-2  a type never changes once interned. Looking one up by id takes a lock, by index none: that is
 *      what the message path does.
 * [any] */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <troupe/message.h>

#include "base/err.h"

struct msg_pointer {
    uint64_t offset;
    const struct msg_type *item; /* of a list; NULL: str or bytes */
};

struct msg_type {
    struct troupe_type abi; /* what plugins see; first, so that one is the other */
    uint32_t index;         /* dense, from 1; 0 is no type */
    bool has_pointers;      /* some are: a send must copy deep */
    uint64_t end; /* offset behind the last field: padding beyond it is not copied (MB-8) */
    struct msg_type **items;      /* per field: the record type of a list, else NULL */
    struct msg_pointer *pointers; /* the fields that are str, bytes or list */
    uint32_t pointer_count;
};

/* Small enough for the smallest block, and copied by two moves: no pointers, no padding behind the last field. */
static inline bool type_is_plain(const struct msg_type *type) {
    return !type->has_pointers && type->end >= 8 && type->end <= 16 &&
           type->end == type->abi.body_size;
}

struct type_table;

struct type_table *type_table_create(void); /* NULL: no memory */
void type_table_destroy(struct type_table *table);

/* Interns `schema` (canonical or not, see type_schema.h) as message `id` (NULL for a record).
 * An id is "name/revision": words of letters, digits, '_' and '-' joined by dots, a decimal number
 * from 1: "text.line/1". Two revisions are two types of one name.
 * Errors: INVALID (schema, id or its revision malformed; same id with a different schema: names
 * both), NOMEM. */
int type_intern(struct type_table *table, const char *id, const char *schema,
                const struct msg_type **ret, struct err *err);
/* By index or id; NULL when unknown. */
const struct msg_type *type_get(struct type_table *table, uint32_t index);
const struct msg_type *type_find(struct type_table *table, const char *id);
/* Whether a message of `sent` can be handled as `wanted`: same name (the part of the id before '/'),
 * and the fields of one are the first fields of the other (MB-8). Says why not in err. */
int type_check_compatible(const struct msg_type *sent, const struct msg_type *wanted,
                          struct err *err);
/* The last part of the name: "alert" for "stats.alert/1". Lent. */
struct troupe_str type_short_name(const struct troupe_type *type);
/* NULL when absent. */
const struct troupe_field *type_find_field(const struct troupe_type *type, struct troupe_str name);
/* Field by name out of a body, as troupe_host.read: TROUPE_OK or TROUPE_NOT_FOUND, then *ret stays. */
int type_read(const struct troupe_any *message, struct troupe_str field, struct troupe_value *ret);

/* The value of one field of a body, as type_read gives it. Text is lent as long as the body. */
void type_value(const struct troupe_field *field, const void *body, struct troupe_value *ret);
/* Whether both say the same: numbers by their value, and NaN is NaN. */
bool type_is_same_value(const struct troupe_value *a, const struct troupe_value *b);
/* The first field in which two bodies of compatible types differ; NULL: in none. Fields that one type lacks are
 * not compared. */
const struct troupe_field *type_difference(const struct msg_type *a, const void *body_a,
                                           const struct msg_type *b, const void *body_b);
/* The host's side of what plugins see. */
static inline const struct msg_type *type_of(const struct troupe_type *abi) {
    return (const struct msg_type *)(const void *)abi;
}

/* Bytes a block needs for a deep copy of `body`: the larger of the struct and `body_room`, plus
 * strays. UINT64_MAX when the sum overflows (a sender's nonsense size): no block can be had. */
uint64_t type_copy_size(const struct msg_type *type, const void *body, uint64_t body_room);
/* Deep-copies `body` into `to`, which is aligned to 8 and has type_copy_size bytes; the struct takes
 * `body_room` bytes (the struct's size when that is larger), zero behind its last field; strings,
 * bytes and lists follow it, lists aligned to 8. Strings and bytes are NUL-terminated beyond their
 * size; an empty list's items are NULL. A string or list without data is copied as empty. */
void type_copy(const struct msg_type *type, const void *body, void *to, uint64_t body_room);
/* The same into the layout of a compatible type, longer or shorter (MB-8): fields that `from` lacks
 * are zero, those that `to_type` lacks are left out. */
uint64_t type_convert_size(const struct msg_type *from, const struct msg_type *to_type,
                           const void *body);
void type_convert(const struct msg_type *from, const struct msg_type *to_type, const void *body,
                  void *to);
