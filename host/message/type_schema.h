/* Schema texts: parsed into fields and written back in canonical form. Pure.
 *
 *   schema  field {";" field} [";"]           fields of a message, or of a record
 *   field   KIND NAME                         KIND as in TROUPE_KINDS, all but list
 *         | "list" NAME "{" schema "}"        messages only: records are flat
 *
 * Blanks between words do not matter. The canonical form has one blank between kind and name, "; "
 * between fields, and none inside braces: "str text; list sources {str source; u64 failed}". [any] */
#pragma once

#include <stddef.h>

#include <troupe/message.h>

#include "base/err.h"
#include "base/str.h"

#define SCHEMA_FIELDS_MAX 512
#define SCHEMA_NAME_MAX 128

struct schema_field {
    uint32_t kind;          /* TROUPE_KIND_... */
    struct troupe_str name; /* lent from the parsed text */
    struct schema *record;  /* kind list: owned; else NULL */
};

struct schema {
    struct schema_field *fields;
    size_t count;
};

/* Errors: INVALID (the sentence says what stands at which byte), NOMEM. On failure nothing need be
 * freed. */
int schema_parse(const char *text, struct schema *ret, struct err *err);
void schema_fini(struct schema *schema);
/* Appends the canonical form. */
void schema_write(const struct schema *schema, struct str *out);

/* "u64" for TROUPE_KIND_u64, static; NULL for a number that is no kind. */
const char *schema_kind_text(uint32_t kind);
/* sizeof and alignment of a kind's C type. */
uint32_t schema_kind_size(uint32_t kind);
uint32_t schema_kind_align(uint32_t kind);
