/* Numbers, switches and choices of a config: parsed, and held against range or choices. */
#include "plan/config_value.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "manifest/manifest.h"

/* The ends of "min..max" as text; an end that is not given is "". */
struct range {
    char min[64];
    char max[64];
};

static int range_unreadable(const struct note_key *key, struct err *err) {
    return err_set(err, ERR_INVALID,
                   "the plugin gives config key '%s' the range '%s', which is none", key->name,
                   key->extra);
}

static int range_split(const struct note_key *key, struct range *ret, struct err *err) {
    *ret = (struct range){.min = ""};
    const char *extra = key->extra ? key->extra : "";
    const char *dots = strstr(extra, "..");
    if (!*extra) {
        return 0;
    }
    if (!dots || (size_t)(dots - extra) >= sizeof ret->min || strlen(dots + 2) >= sizeof ret->max) {
        return range_unreadable(key, err);
    }
    memcpy(ret->min, extra, (size_t)(dots - extra));
    memcpy(ret->max, dots + 2, strlen(dots + 2));
    return 0;
}

static int outside(const struct note_key *key, const struct range *range, const char *text,
                   struct err *err) {
    if (!*range->max) {
        return err_set(err, ERR_INVALID, "config key '%s' must be at least %s, not '%s'", key->name,
                       range->min, text);
    }
    if (!*range->min) {
        return err_set(err, ERR_INVALID, "config key '%s' must be at most %s, not '%s'", key->name,
                       range->max, text);
    }
    return err_set(err, ERR_INVALID, "config key '%s' must be from %s to %s, not '%s'", key->name,
                   range->min, range->max, text);
}

/* The same steps for each kind of number: value, range, both ends, compare. */
#define PARSE_NUMBER(function, c_type, scalar)                                                     \
    static int function(const struct note_key *key, const char *text, void *member,                \
                        struct err *err) {                                                         \
        c_type value;                                                                              \
        c_type end;                                                                                \
        struct range range;                                                                        \
        if (scalar(text, &value, err) < 0) {                                                       \
            return err_wrap(err, "config key '%s'", key->name);                                    \
        }                                                                                          \
        if (range_split(key, &range, err) < 0) {                                                   \
            return -1;                                                                             \
        }                                                                                          \
        if (*range.min && scalar(range.min, &end, NULL) < 0) {                                     \
            return range_unreadable(key, err);                                                     \
        }                                                                                          \
        if (*range.min && !(value >= end)) {                                                       \
            return outside(key, &range, text, err);                                                \
        }                                                                                          \
        if (*range.max && scalar(range.max, &end, NULL) < 0) {                                     \
            return range_unreadable(key, err);                                                     \
        }                                                                                          \
        if (*range.max && !(value <= end)) {                                                       \
            return outside(key, &range, text, err);                                                \
        }                                                                                          \
        memcpy(member, &value, sizeof value);                                                      \
        return 0;                                                                                  \
    }

/* Bytes may do without a unit in a config. */
static int size_or_bytes(const char *text, uint64_t *ret, struct err *err) {
    int64_t bytes;
    if (*text && !text[strspn(text, "0123456789")]) {
        if (scalar_int(text, &bytes, err) < 0) {
            return -1;
        }
        *ret = (uint64_t)bytes;
        return 0;
    }
    return scalar_size(text, ret, err);
}

PARSE_NUMBER(parse_int, int64_t, scalar_int)
PARSE_NUMBER(parse_float, double, scalar_float)
PARSE_NUMBER(parse_duration, uint64_t, scalar_duration)
PARSE_NUMBER(parse_size, uint64_t, size_or_bytes)

static int parse_bool(const struct note_key *key, const char *text, void *member, struct err *err) {
    bool value;
    if (scalar_bool(text, &value, err) < 0) {
        return err_wrap(err, "config key '%s'", key->name);
    }
    memcpy(member, &value, sizeof value);
    return 0;
}

/* "a|b|c" as "'a', 'b' or 'c'". */
static void choices_text(char *const *choices, size_t count, struct str *out) {
    for (size_t i = 0; i < count; i++) {
        const char *joint = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        str_addf(out, "%s'%s'", joint, choices[i]);
    }
}

static int not_a_choice(const struct note_key *key, const char *text, char *const *choices,
                        size_t count, struct err *err) {
    struct str list;
    str_init(&list);
    choices_text(choices, count, &list);
    const char *near = str_nearest(text, (const char *const *)choices);
    (void)err_set(err, ERR_INVALID, "config key '%s' must be %s, not '%s'", key->name,
                  str_text(&list), text);
    if (near && err) {
        struct err first = *err;
        (void)err_set(err, ERR_INVALID, "%s; did you mean '%s'?", first.text, near);
    }
    str_fini(&list);
    return -1;
}

/* Splits `text` in place; `choices` ends with NULL. */
static size_t split_choices(char *text, char **choices) {
    size_t count = 0;
    for (char *bar; text; text = bar) {
        bar = strchr(text, '|');
        if (bar) {
            *bar++ = '\0';
        }
        choices[count++] = text;
    }
    return count;
}

static int parse_enum(const struct note_key *key, const char *text, void *member, struct err *err) {
    char *extra = mem_text(key->extra ? key->extra : "");
    char **choices = mem_array((extra ? strlen(extra) : 0) + 2, sizeof *choices);
    int status = -1;
    if (!extra || !choices) {
        (void)err_set(err, ERR_NOMEM, "no memory for config key '%s'", key->name);
    } else {
        size_t count = split_choices(extra, choices);
        uint32_t at = 0;
        while (at < count && strcmp(choices[at], text) != 0) {
            at++;
        }
        if (at < count) {
            memcpy(member, &at, sizeof at);
            status = 0;
        } else {
            (void)not_a_choice(key, text, choices, count, err);
        }
    }
    mem_free(choices);
    mem_free(extra);
    return status;
}

int config_parse(const struct note_key *key, const char *text, void *member, struct err *err) {
    switch (key->kind) {
    case NOTE_OPTION_INT:
        return parse_int(key, text, member, err);
    case NOTE_OPTION_FLOAT:
        return parse_float(key, text, member, err);
    case NOTE_OPTION_BOOL:
        return parse_bool(key, text, member, err);
    case NOTE_OPTION_DURATION:
        return parse_duration(key, text, member, err);
    case NOTE_OPTION_SIZE:
        return parse_size(key, text, member, err);
    case NOTE_OPTION_ENUM:
        return parse_enum(key, text, member, err);
    default:
        return err_set(err, ERR_INVALID, "config key '%s' is not a number or a choice", key->name);
    }
}
