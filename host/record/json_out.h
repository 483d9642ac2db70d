/* JSON text as the records write it: members of an object, elements of a list, separators by
 * themselves. Texts come from outside: what is no UTF-8 is replaced. [any] */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct json_out {
    struct str *out;
    bool any;              /* something stands before */
    const char *separator; /* what stands before a member: " ", or a line break and an indent */
};

/* `open` is the bracket. */
struct json_out json_open(struct str *out, char open, const char *separator);
void json_close(struct json_out *json, char close);
/* The key; the value follows. In a list, NULL: the separator only. */
void json_key(struct json_out *json, const char *key);
void json_text(struct json_out *json, const char *key, const char *text); /* NULL: "" */
void json_text_n(struct json_out *json, const char *key, const char *text, size_t size);
/* Nothing when there is no text. */
void json_text_some(struct json_out *json, const char *key, const char *text);
void json_number(struct json_out *json, const char *key, uint64_t number);
void json_bool(struct json_out *json, const char *key, bool value);
/* Nanoseconds since 1970. */
void json_time(struct json_out *json, const char *key, int64_t wall_ns);
