/* Single values as JSON text, for json.c: numbers, times, bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

void json_add_f32(struct str *out, float number);
void json_add_f64(struct str *out, double number);
/* RFC 3339 in UTC, in quotes; nanoseconds since 1970. */
void json_add_time(struct str *out, int64_t ns);
/* Nanoseconds as seconds. */
void json_add_seconds(struct str *out, int64_t ns);
void json_add_base64(struct str *out, const void *data, size_t size);
