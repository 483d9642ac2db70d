/* Fields of messages of any type: found by name once, then read from their place. */
#pragma once

#include <troupe/message.h>

#define FIELDS_TEXT 32 /* room for any number as text */

/* NULL when the type has none of that name. */
const struct troupe_field *fields_find(const struct troupe_type *type, struct troupe_str name);

/* The field as text: str and bytes as they are, numbers written into `room` of FIELDS_TEXT bytes.
 * False for kinds that have no text: ref and list. */
bool fields_text(const struct troupe_field *field, const void *body, char *room,
                 struct troupe_str *ret);
/* The field as a whole number; below 0 counts as 0. False for kinds that are none. */
bool fields_number(const struct troupe_field *field, const void *body, uint64_t *ret);
/* A field of kind time, or a 64-bit number. False for other kinds. */
bool fields_time(const struct troupe_field *field, const void *body, int64_t *ret);
