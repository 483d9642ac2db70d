/* Timestamps of system logs: the BSD form "Nov  2 16:08:29" and RFC 3339. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <troupe/abi.h>

/* A date and time as written; year 0 when the form has none. */
struct stamp {
    int32_t year, month, day, hour, minute, second; /* second up to 60 */
    int32_t nanosecond;
    int32_t zone; /* seconds east of UTC */
    bool has_zone;
};

/* Takes a stamp off the front of `s`. Days of any length of month are known; the years 1678 to 2261
 * fit into nanoseconds. False, with `s` unchanged, when there is no such stamp. */
bool stamp_take_bsd(struct troupe_str *s, struct stamp *ret);
bool stamp_take_iso(struct troupe_str *s, struct stamp *ret);

/* Seconds since 1970 of the date and time as if it were UTC in `year`. */
int64_t stamp_seconds(const struct stamp *stamp, int32_t year);
/* The year (UTC) that a time lies in. */
int32_t stamp_year_of(int64_t seconds);
bool stamp_is_leap(int32_t year);
