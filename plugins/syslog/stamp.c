/* Timestamps of system logs: the BSD form "Nov  2 16:08:29" and RFC 3339. */
#include "syslog/stamp.h"

#include "syslog/text.h"

#define STAMP_YEAR_MIN 1678
#define STAMP_YEAR_MAX 2261

bool stamp_is_leap(int32_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t days_in_month(int32_t year, int32_t month) {
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool may_be_leap = year == 0 || stamp_is_leap(year);
    return month == 2 && may_be_leap ? 29 : days[month - 1];
}

static bool is_valid(const struct stamp *s) {
    return s->month >= 1 && s->month <= 12 && s->day >= 1 &&
           s->day <= days_in_month(s->year, s->month) && s->hour <= 23 && s->minute <= 59 &&
           s->second <= 60;
}

/* Exactly two digits. */
static bool take_two(struct troupe_str *s, int32_t *ret) {
    if (s->size < 2 || !text_is_digit(s->data[0]) || !text_is_digit(s->data[1])) {
        return false;
    }
    *ret = (s->data[0] - '0') * 10 + (s->data[1] - '0');
    *s = text_from(*s, 2);
    return true;
}

static bool take_month(struct troupe_str *s, int32_t *ret) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int32_t i = 0; i < 12 && s->size >= 3; i++) {
        if (memcmp(s->data, names + (size_t)i * 3, 3) == 0) {
            *ret = i + 1;
            *s = text_from(*s, 3);
            return true;
        }
    }
    return false;
}

/* "9", " 9", "09" or "19". */
static bool take_day(struct troupe_str *s, int32_t *ret) {
    uint64_t day;
    (void)text_skip(s, " ");
    if (!text_number(s, 2, &day)) {
        return false;
    }
    *ret = (int32_t)day;
    return true;
}

/* Fractions beyond nanoseconds are cut. */
static bool take_fraction(struct troupe_str *s, int32_t *ret) {
    *ret = 0;
    if (!text_skip(s, ".")) {
        return true;
    }
    int32_t unit = 100000000;
    uint64_t digits = 0;
    while (digits < s->size && text_is_digit(s->data[digits])) {
        *ret += (s->data[digits] - '0') * unit;
        unit /= 10;
        digits++;
    }
    *s = text_from(*s, digits);
    return digits > 0;
}

/* "16:08:29" with or without a fraction. */
static bool take_time(struct troupe_str *s, struct stamp *stamp) {
    return take_two(s, &stamp->hour) && text_skip(s, ":") && take_two(s, &stamp->minute) &&
           text_skip(s, ":") && take_two(s, &stamp->second) && take_fraction(s, &stamp->nanosecond);
}

bool stamp_take_bsd(struct troupe_str *s, struct stamp *ret) {
    struct stamp stamp = {0};
    struct troupe_str rest = *s;
    if (!take_month(&rest, &stamp.month) || !text_skip(&rest, " ") ||
        !take_day(&rest, &stamp.day) || !text_skip(&rest, " ") || !take_time(&rest, &stamp) ||
        !is_valid(&stamp)) {
        return false;
    }
    *s = rest;
    *ret = stamp;
    return true;
}

/* "Z", "+02:00" or "+0200"; nothing is a time without a zone. */
static bool take_zone(struct troupe_str *s, struct stamp *stamp) {
    if (text_skip(s, "Z") || text_skip(s, "z")) {
        stamp->has_zone = true;
        return true;
    }
    bool is_west = text_starts(*s, "-");
    if (!is_west && !text_starts(*s, "+")) {
        return true;
    }
    int32_t hours;
    int32_t minutes;
    *s = text_from(*s, 1);
    if (!take_two(s, &hours)) {
        return false;
    }
    (void)text_skip(s, ":");
    if (!take_two(s, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    stamp->zone = (hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
    stamp->has_zone = true;
    return true;
}

bool stamp_take_iso(struct troupe_str *s, struct stamp *ret) {
    struct stamp stamp = {0};
    struct troupe_str rest = *s;
    int32_t century;
    int32_t years;
    if (!take_two(&rest, &century) || !take_two(&rest, &years) || !text_skip(&rest, "-") ||
        !take_two(&rest, &stamp.month) || !text_skip(&rest, "-") || !take_two(&rest, &stamp.day)) {
        return false;
    }
    stamp.year = century * 100 + years;
    bool has_time = text_skip(&rest, "T") || text_skip(&rest, "t") || text_skip(&rest, " ");
    if (!has_time || !take_time(&rest, &stamp) || !take_zone(&rest, &stamp) ||
        stamp.year < STAMP_YEAR_MIN || stamp.year > STAMP_YEAR_MAX || !is_valid(&stamp)) {
        return false;
    }
    *s = rest;
    *ret = stamp;
    return true;
}

/* Days from 1970 to the first of March of `year`: with the leap day at the end of the counted year,
 * the months before it always have the same lengths. */
static int64_t days_to_march(int64_t year) {
    return 365 * year + year / 4 - year / 100 + year / 400 - 719468;
}

int64_t stamp_seconds(const struct stamp *stamp, int32_t year) {
    int64_t from_march = (stamp->month + 9) % 12;
    int64_t march_year = stamp->month > 2 ? year : (int64_t)year - 1;
    int64_t days = days_to_march(march_year) + (153 * from_march + 2) / 5 + stamp->day - 1;
    return days * 86400 + stamp->hour * 3600 + stamp->minute * 60 + stamp->second;
}

int32_t stamp_year_of(int64_t seconds) {
    const struct stamp new_year = {.month = 1, .day = 1};
    int32_t year = (int32_t)(1970 + seconds / 31556952);
    while (stamp_seconds(&new_year, year) > seconds) {
        year--;
    }
    while (stamp_seconds(&new_year, year + 1) <= seconds) {
        year++;
    }
    return year;
}
