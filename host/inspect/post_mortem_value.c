/* Values of a post-mortem: reading them, and writing them so that a terminal stays unharmed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "inspect/post_mortem_impl.h"
#include "message/json_scalar.h"

#define TEXT_SHOWN 400u /* bytes of one text of a message */
#define ITEMS_SHOWN 20u /* of one list or object */
#define DEPTH_SHOWN 6u

/* ------------------------------------------------------- reading */

struct view view_get(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return (struct view){json_string_value(value), json_string_length(value)};
}

uint64_t number_get(const json_t *object, const char *key, uint64_t other) {
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (uint64_t)json_integer_value(value)
               : other;
}

const json_t *object_get(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_object(value) ? value : NULL;
}

const json_t *array_get(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_array(value) ? value : NULL;
}

/* "2026-11-22T12:04:05.25Z"; 0: it is none, or beyond what 64 bits hold. */
static int64_t parse_time(const char *text) {
    struct tm tm = {0};
    const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!at || tm.tm_year < 70 || tm.tm_year > 360) {
        return 0;
    }
    int64_t ns = 0;
    if (*at == '.') {
        at++;
        for (int64_t unit = NS_PER_S / 10; *at >= '0' && *at <= '9'; at++, unit /= 10) {
            ns += (*at - '0') * unit;
        }
    }
    return strcmp(at, "Z") == 0 ? (int64_t)timegm(&tm) * (int64_t)NS_PER_S + ns : 0;
}

int64_t time_get(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value)) {
        return json_integer_value(value);
    }
    return json_is_string(value) ? parse_time(json_string_value(value)) : 0;
}

/* ------------------------------------------------------- writing */

static void add_escape(struct str *out, unsigned char c) {
    if (c == '\n' || c == '\t' || c == '\r') {
        str_add(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
    } else {
        str_addf(out, "\\x%02x", c);
    }
}

/* The size of the character at `at`, which is UTF-8, if a terminal must not get it: a control character
 * beyond ASCII, or one that turns the direction of writing. */
static size_t harmful_size(const unsigned char *at, size_t left) {
    if (left >= 2 && at[0] == 0xc2 && at[1] < 0xa0) {
        return 2;
    }
    bool is_turn =
        left >= 3 && at[0] == 0xe2 &&
        ((at[1] == 0x80 && ((at[2] >= 0xa8 && at[2] <= 0xae) || at[2] == 0x8e || at[2] == 0x8f)) ||
         (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
    return is_turn ? 3 : 0;
}

void add_clean(struct str *out, struct view view, size_t most) {
    const unsigned char *data = (const unsigned char *)view.data;
    size_t end = view.size < most ? view.size : most;
    while (end < view.size && end > 0 && (data[end] & 0xc0) == 0x80) {
        end--;
    }
    for (size_t i = 0; i < end && !out->failed;) {
        size_t harmful = harmful_size(data + i, end - i);
        if (data[i] < 0x20 || data[i] == 0x7f) {
            add_escape(out, data[i]);
        } else if (harmful) {
            for (size_t k = 0; k < harmful; k++) {
                add_escape(out, data[i + k]);
            }
        } else {
            str_add_char(out, view.data[i]);
        }
        i += harmful ? harmful : 1;
    }
    str_add(out, end < view.size ? "..." : "");
}

void add_address(struct str *out, const json_t *value) {
    if (json_is_integer(value)) {
        str_addf(out, "0x%" PRIx64, (uint64_t)json_integer_value(value));
    } else if (json_is_string(value)) {
        add_clean(out, (struct view){json_string_value(value), json_string_length(value)}, 40);
    } else {
        str_add(out, "?");
    }
}

void add_duration(struct str *out, int64_t ns) {
    uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    uint64_t us = left / NS_PER_US, ms = left / NS_PER_MS, seconds = left / NS_PER_S;
    str_add(out, ns < 0 ? "-" : "");
    if (left < NS_PER_MS) {
        str_addf(out, "%" PRIu64 " us", us);
    } else if (left < NS_PER_S) {
        str_addf(out, "%" PRIu64 " ms", ms);
    } else if (seconds < 60) {
        str_addf(out, "%" PRIu64 ".%03" PRIu64 " s", seconds, ms % 1000);
    } else if (seconds < 3600) {
        str_addf(out, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
    } else if (seconds < 86400) {
        str_addf(out, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600, seconds / 60 % 60);
    } else {
        str_addf(out, "%" PRIu64 " d %" PRIu64 " h", seconds / 86400, seconds / 3600 % 24);
    }
}

void add_local_time(struct str *out, int64_t wall_ns, bool zone) {
    char text[64], behind[16] = "";
    struct tm tm;
    time_t seconds = (time_t)(wall_ns / (int64_t)NS_PER_S);
    if (wall_ns <= 0 || !localtime_r(&seconds, &tm)) {
        str_add(out, "at an unknown time");
        return;
    }
    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    (void)strftime(behind, sizeof behind, " %z", &tm);
    str_addf(out, "%s.%03d%s", text, (int)(wall_ns / (int64_t)NS_PER_MS % 1000),
             zone ? behind : "");
}

/* ------------------------------------------------------- values over several lines */

static void add_nested(struct str *out, const json_t *value, unsigned indent, unsigned depth);

static void begin_item(struct str *out, unsigned indent, bool is_first) {
    str_addf(out, "%s\n%*s", is_first ? "" : ",", (int)indent + 2, "");
}

static void end_items(struct str *out, unsigned indent, size_t count, size_t shown, char close) {
    if (shown < count) {
        begin_item(out, indent, true);
        str_addf(out, "... and %zu more", count - shown);
    }
    if (count > 0) {
        str_addf(out, "\n%*s", (int)indent, "");
    }
    str_add_char(out, close);
}

static void add_quoted(struct str *out, struct view view) {
    str_add_char(out, '"');
    add_clean(out, view, TEXT_SHOWN);
    str_add_char(out, '"');
    if (view.size > TEXT_SHOWN) {
        str_addf(out, " (%zu bytes)", view.size);
    }
}

static void add_object(struct str *out, const json_t *object, unsigned indent, unsigned depth) {
    size_t shown = 0;
    str_add_char(out, '{');
    for (void *at = json_object_iter((json_t *)object); at && shown < ITEMS_SHOWN;
         at = json_object_iter_next((json_t *)object, at)) {
        const char *key = json_object_iter_key(at);
        begin_item(out, indent, shown == 0);
        add_quoted(out, (struct view){key, strlen(key)});
        str_add(out, ": ");
        add_nested(out, json_object_iter_value(at), indent + 2, depth + 1);
        shown++;
    }
    end_items(out, indent, json_object_size(object), shown, '}');
}

static void add_array(struct str *out, const json_t *array, unsigned indent, unsigned depth) {
    size_t count = json_array_size(array);
    size_t shown = count < ITEMS_SHOWN ? count : ITEMS_SHOWN;
    str_add_char(out, '[');
    for (size_t i = 0; i < shown; i++) {
        begin_item(out, indent, i == 0);
        add_nested(out, json_array_get(array, i), indent + 2, depth + 1);
    }
    end_items(out, indent, count, shown, ']');
}

static void add_nested(struct str *out, const json_t *value, unsigned indent, unsigned depth) {
    bool has_items = json_is_object(value) || json_is_array(value);
    if (has_items && depth >= DEPTH_SHOWN) {
        str_add(out, json_is_object(value) ? "{...}" : "[...]");
    } else if (json_is_object(value)) {
        add_object(out, value, indent, depth);
    } else if (json_is_array(value)) {
        add_array(out, value, indent, depth);
    } else if (json_is_string(value)) {
        add_quoted(out, (struct view){json_string_value(value), json_string_length(value)});
    } else if (json_is_integer(value)) {
        str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        json_add_f64(out, json_real_value(value));
    } else {
        str_add(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
}

void add_value(struct str *out, const json_t *value, unsigned indent) {
    str_addf(out, "%*s", (int)indent, "");
    add_nested(out, value, indent, 0);
    str_add_char(out, '\n');
}

struct paint paint_make(bool colour) {
    return colour ? (struct paint){"\033[1m", "\033[1;31m", "\033[2m", "\033[0m"}
                  : (struct paint){"", "", "", ""};
}
