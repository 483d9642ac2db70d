/* Single values as JSON text; see json_scalar.h and, for text, json.h. */
#include "message/json_scalar.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "message/json.h"

#define NS 1000000000

/* --- floating point --- */

/* Adds what printf wrote: the decimal point of whatever locale the program has set becomes a '.', and
 * a number that looks like an integer gets ".0", so that a reader keeps its kind and -0.0 its sign. */
static void add_number(struct str *out, const char *text) {
    size_t whole = strspn(text, "+-0123456789");
    str_add_n(out, text, whole);
    const char *rest = text + whole;
    if (*rest == '\0') {
        str_add(out, ".0");
    } else if (*rest != 'e') {
        const char *fraction = rest + strcspn(rest, "0123456789");
        str_add_char(out, '.');
        str_add(out, fraction);
    } else {
        str_add(out, rest);
    }
}

/* Six digits of a float and fifteen of a double always survive, where the number is not so small
 * that it has less: fewer need not be tried. */
void json_add_f32(struct str *out, float number) {
    char text[40];
    if (!isfinite(number)) {
        str_add(out, "null");
        return;
    }
    for (int digits = fabsf(number) < FLT_MIN ? 1 : 6; digits <= 9; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, (double)number);
        if (strtof(text, NULL) == number) {
            break;
        }
    }
    add_number(out, text);
}

void json_add_f64(struct str *out, double number) {
    char text[40];
    if (!isfinite(number)) {
        str_add(out, "null");
        return;
    }
    for (int digits = fabs(number) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    add_number(out, text);
}

/* --- times --- */

/* ".25" for 250000000; nothing for 0. */
static void add_fraction(struct str *out, uint32_t ns) {
    char text[16];
    if (ns == 0) {
        return;
    }
    int size = snprintf(text, sizeof text, ".%09" PRIu32, ns);
    while (text[size - 1] == '0') {
        size--;
    }
    str_add_n(out, text, (size_t)size);
}

void json_add_time(struct str *out, int64_t ns) {
    int64_t fraction = ns % NS;
    time_t seconds = (time_t)(ns / NS);
    if (fraction < 0) { /* before 1970: the fraction still counts forward */
        fraction += NS;
        seconds -= 1;
    }
    struct tm tm;
    char text[32];
    gmtime_r(&seconds, &tm);
    (void)strftime(text, sizeof text, "\"%Y-%m-%dT%H:%M:%S", &tm);
    str_add(out, text);
    add_fraction(out, (uint32_t)fraction);
    str_add(out, "Z\"");
}

void json_add_seconds(struct str *out, int64_t ns) {
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    str_addf(out, "%s%" PRIu64, ns < 0 ? "-" : "", size / NS);
    add_fraction(out, (uint32_t)(size % NS));
}

/* --- bytes and text --- */

void json_add_base64(struct str *out, const void *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = data;
    str_add_char(out, '"');
    for (size_t left = size; left > 0 && !out->failed;) {
        size_t count = left < 3 ? left : 3;
        uint32_t bits = (uint32_t)at[0] << 16 | (count > 1 ? (uint32_t)at[1] << 8 : 0) |
                        (count > 2 ? at[2] : 0);
        char group[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                         count > 1 ? digits[bits >> 6 & 63] : '=',
                         count > 2 ? digits[bits & 63] : '='};
        str_add_n(out, group, sizeof group);
        at += count;
        left -= count;
    }
    str_add_char(out, '"');
}

/* The length of the UTF-8 sequence at `at`; for what is none, 0, and *ret_skip is how much of it one
 * U+FFFD stands for: all bytes that could have begun a sequence, as Unicode recommends. */
static size_t utf8_length(const unsigned char *at, size_t left, size_t *ret_skip) {
    unsigned char first = at[0];
    size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    *ret_skip = 1;
    if ((first >= 0x80 && first < 0xC2) || first > 0xF4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (i >= left || at[i] < low || at[i] > high) {
            return 0;
        }
        *ret_skip = i + 1;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

static void add_escaped(struct str *out, unsigned char c) {
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = c ? strchr(plain, c) : NULL;
    if (found) {
        char pair[2] = {'\\', letters[found - plain]};
        str_add_n(out, pair, 2);
    } else {
        str_addf(out, "\\u%04x", c);
    }
}

void msg_json_add_text(struct str *out, const char *data, size_t size) {
    const unsigned char *text = (const unsigned char *)data;
    size_t clean = 0; /* start of the run that needs no change */
    size_t at = 0;
    str_add_char(out, '"');
    while (at < size && !out->failed) {
        size_t skip;
        size_t length = utf8_length(text + at, size - at, &skip);
        bool is_escaped = text[at] < 0x20 || text[at] == '"' || text[at] == '\\';
        if (length > 0 && !is_escaped) {
            at += length;
            continue;
        }
        str_add_n(out, data + clean, at - clean);
        if (is_escaped) {
            add_escaped(out, text[at]);
        } else {
            str_add(out, "\xEF\xBF\xBD");
        }
        at += skip;
        clean = at;
    }
    if (at > clean) {
        str_add_n(out, data + clean, at - clean);
    }
    str_add_char(out, '"');
}
