/* Gives stamps of a log their place in time: zone and year where the log does not say them.
 *
 * D-1  A stamp without a zone is in the zone of this machine, or UTC.
 * D-2  Without a year and with none given, it is the latest date at most a day ahead of now.
 * D-3  Without a year but with a given one, the log begins in that year, and goes into the next one
 *      when its months jump back by more than one. A December after a January belongs to the year
 *      before, unless that is before the log's begin.
 */
#pragma once

#include "syslog/stamp.h"

struct dating {
    bool utc;
    int32_t first_year; /* of the log; 0: D-2 */

    int32_t year;       /* D-3: that the log is in */
    int32_t last_month; /* D-3; 0 before the first stamp */
    int64_t zone_key;   /* the quarter of an hour that zone_offset was asked for */
    int32_t zone_offset;
    bool has_zone_key;
    bool has_last; /* the last stamp without a year, and what came of it: they come in runs */
    struct stamp last;
    int64_t last_ns;
};

void dating_init(struct dating *d, bool utc, int32_t year);

/* Nanoseconds since 1970 UTC. `now` is asked only where D-2 needs it. */
int64_t dating_resolve(struct dating *d, const struct stamp *stamp, int64_t (*now)(void *),
                       void *context);
