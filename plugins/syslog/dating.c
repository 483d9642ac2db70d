/* Gives stamps of a log their place in time: zone and year where the log does not say them. */
#include "syslog/dating.h"

#include <string.h>
#include <time.h>

#define DAY_SECONDS 86400
#define ZONE_STEP 900 /* zones change their offset at such times only */

void dating_init(struct dating *d, bool utc, int32_t year) {
    memset(d, 0, sizeof *d);
    d->utc = utc;
    d->first_year = d->year = year;
}

static int32_t local_offset(const struct stamp *s, int32_t year, int64_t seconds) {
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = s->month - 1,
                    .tm_mday = s->day,
                    .tm_hour = s->hour,
                    .tm_min = s->minute,
                    .tm_sec = s->second,
                    .tm_isdst = -1};
    time_t at = mktime(&tm);
    return at == (time_t)-1 ? 0 : (int32_t)(seconds - (int64_t)at);
}

static int64_t to_utc(struct dating *d, const struct stamp *s, int32_t year) {
    int64_t seconds = stamp_seconds(s, year);
    if (s->has_zone) {
        return seconds - s->zone;
    }
    if (d->utc) {
        return seconds;
    }
    if (!d->has_zone_key || d->zone_key != seconds / ZONE_STEP) {
        d->zone_offset = local_offset(s, year, seconds);
        d->zone_key = seconds / ZONE_STEP;
        d->has_zone_key = true;
    }
    return seconds - d->zone_offset;
}

/* D-2 */
static int64_t nearest(struct dating *d, const struct stamp *s, int64_t now) {
    int32_t year = stamp_year_of(now) + 1;
    bool is_leap_day = s->month == 2 && s->day == 29;
    for (;; year--) {
        bool is_far_ahead = stamp_seconds(s, year) > now + 3 * DAY_SECONDS; /* in any zone */
        if (is_far_ahead || (is_leap_day && !stamp_is_leap(year))) {
            continue; /* without asking for the zone then, which is dear */
        }
        int64_t at = to_utc(d, s, year);
        if (at <= now + DAY_SECONDS) {
            return at;
        }
    }
}

/* D-3 */
static int64_t onward(struct dating *d, const struct stamp *s) {
    if (d->last_month == 1 && s->month == 12 && d->year > d->first_year) {
        return to_utc(d, s, d->year - 1);
    }
    if (d->last_month - s->month > 1) {
        d->year++;
    }
    d->last_month = s->month;
    return to_utc(d, s, d->year);
}

static bool is_same(const struct stamp *a, const struct stamp *b) {
    return a->second == b->second && a->minute == b->minute && a->hour == b->hour &&
           a->day == b->day && a->month == b->month && a->nanosecond == b->nanosecond;
}

int64_t dating_resolve(struct dating *d, const struct stamp *stamp, int64_t (*now)(void *),
                       void *context) {
    if (stamp->year != 0) {
        return to_utc(d, stamp, stamp->year) * 1000000000 + stamp->nanosecond;
    }
    if (d->has_last && is_same(&d->last, stamp)) {
        return d->last_ns;
    }
    int64_t seconds =
        d->first_year ? onward(d, stamp) : nearest(d, stamp, now(context) / 1000000000);
    d->last = *stamp;
    d->last_ns = seconds * 1000000000 + stamp->nanosecond;
    d->has_last = true;
    return d->last_ns;
}
