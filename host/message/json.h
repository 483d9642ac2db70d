/* Messages as JSON text: one line, exact.
 *
 *   bool            true, false               integers   all digits, u64 beyond 2^63 too
 *   f32, f64        the shortest text that reads back as the same number; NaN, infinite: null
 *   time            "2026-11-22T12:04:05.25Z", the fraction only when there is one
 *   duration        seconds: 0.25             bytes      base64
 *   str             text; what is not UTF-8 becomes U+FFFD
 *   ref             "uid:12"; uid 0: null     list       an array of objects
 *
 * Written here and not by jansson, which has no integers beyond 2^63 and writes 0.1 with 17 digits; the
 * tests read it back with jansson. [any] */
#pragma once

#include <stddef.h>

#include <troupe/message.h>

#include "base/str.h"

/* {"alert":{"source":"...","failed":5}}: the type's short name and its fields, for a record the inner
 * object alone. Owned by the caller (mem_free), NUL-terminated beyond *ret_size (may be NULL); NULL: no
 * memory. */
char *msg_json(const struct troupe_any *message, size_t *ret_size);
/* The same, appended. */
void msg_json_add(struct str *out, const struct troupe_any *message);
/* One value, as it stands behind a field's name. */
void msg_json_add_value(struct str *out, const struct troupe_value *value);
/* Text in quotes. */
void msg_json_add_text(struct str *out, const char *data, size_t size);
