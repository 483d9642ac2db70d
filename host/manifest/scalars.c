/* Scalars as manifests write them: whole numbers, numbers, bools, durations, sizes. */
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "manifest/manifest.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Printing takes the first that divides. */
static const struct unit duration_units[] = {
    {"h", 3600000000000ull}, {"m", 60000000000ull}, {"s", 1000000000ull},     {"ms", 1000000ull},
    {"us", 1000ull},         {"ns", 1ull},          {"d", 86400000000000ull}, {NULL, 0},
};
static const struct unit size_units[] = {
    {"TiB", 1ull << 40},
    {"GiB", 1ull << 30},
    {"MiB", 1ull << 20},
    {"KiB", 1ull << 10},
    {"B", 1},
    {"TB", 1000000000000ull},
    {"GB", 1000000000ull},
    {"MB", 1000000ull},
    {"kB", 1000ull},
    {NULL, 0},
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The digits at *text, at most 2^63-1; -1 when they are more. Moves *text behind them. */
static int read_digits(const char **text, uint64_t *ret) {
    uint64_t number = 0;
    for (; is_digit(**text); (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');
        if (number > (INT64_MAX - digit) / 10) {
            return -1;
        }
        number = number * 10 + digit;
    }
    *ret = number;
    return 0;
}

/* The part of a unit that the digits behind a point stand for, to nine digits. */
static uint64_t read_fraction(const char *text, uint64_t factor) {
    uint64_t number = 0;
    uint64_t scale = 1;
    for (; is_digit(*text) && scale < 1000000000; text++) {
        number = number * 10 + (uint64_t)(*text - '0');
        scale *= 10;
    }
    /* factor * number / scale, which would overflow */
    return factor / scale * number + factor % scale * number / scale;
}

static const struct unit *find_unit(const struct unit *units, const char *name) {
    for (; units->name; units++) {
        if (strcmp(units->name, name) == 0) {
            return units;
        }
    }
    return NULL;
}

enum united { UNITED_OK, UNITED_MALFORMED, UNITED_TOO_LARGE };

static enum united read_united(const char *text, const struct unit *units, uint64_t *ret) {
    uint64_t whole = 0;
    if (!is_digit(*text)) {
        return UNITED_MALFORMED;
    }
    int status = read_digits(&text, &whole);
    if (status < 0) {
        return UNITED_TOO_LARGE;
    }
    const char *point = *text == '.' && is_digit(text[1]) ? text + 1 : NULL;
    const char *name = point ? point + strspn(point, "0123456789") : text;
    const struct unit *unit = find_unit(units, name);
    if (!unit) {
        return UNITED_MALFORMED;
    }
    uint64_t part = point ? read_fraction(point, unit->factor) : 0;
    if (whole > (INT64_MAX - part) / unit->factor) {
        return UNITED_TOO_LARGE;
    }
    *ret = whole * unit->factor + part;
    return UNITED_OK;
}

int scalar_duration(const char *text, uint64_t *ret_ns, struct err *err) {
    switch (read_united(text, duration_units, ret_ns)) {
    case UNITED_OK:
        return 0;
    case UNITED_TOO_LARGE:
        return err_set(err, ERR_INVALID, "'%s' is too long; 106751d is the longest duration", text);
    default:
        return err_set(err, ERR_INVALID, "'%s' is not a duration; write 250ms, 10s, 5m or 1h",
                       text);
    }
}

int scalar_size(const char *text, uint64_t *ret_bytes, struct err *err) {
    switch (read_united(text, size_units, ret_bytes)) {
    case UNITED_OK:
        return 0;
    case UNITED_TOO_LARGE:
        return err_set(err, ERR_INVALID, "'%s' is too large for a size", text);
    default:
        return err_set(err, ERR_INVALID, "'%s' is not a size; write 512B, 64KiB, 16MiB or 1GiB",
                       text);
    }
}

int scalar_int(const char *text, int64_t *ret, struct err *err) {
    const char *digits = text + (*text == '-' || *text == '+');
    uint64_t number = 0;
    const char *end = digits;
    if (!is_digit(*digits) || digits[strspn(digits, "0123456789")]) {
        return err_set(err, ERR_INVALID, "'%s' is not a whole number", text);
    }
    if (read_digits(&end, &number) < 0) {
        return err_set(err, ERR_INVALID, "'%s' is too large for a whole number", text);
    }
    *ret = *text == '-' ? -(int64_t)number : (int64_t)number;
    return 0;
}

static bool is_float(const char *text) {
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, "0123456789");
    text += whole;
    size_t part = 0;
    if (*text == '.') {
        part = strspn(text + 1, "0123456789");
        text += 1 + part;
    }
    if (whole + part && (*text == 'e' || *text == 'E')) {
        text++;
        text += *text == '-' || *text == '+';
        if (!is_digit(*text)) {
            return false;
        }
        text += strspn(text, "0123456789");
    }
    return whole + part && !*text;
}

int scalar_float(const char *text, double *ret, struct err *err) {
    if (!is_float(text)) {
        return err_set(err, ERR_INVALID, "'%s' is not a number", text);
    }
    /* an embedding program's locale must not decide what a point means */
    locale_t plain = newlocale(LC_ALL_MASK, "C", NULL);
    if (!plain) {
        return err_set(err, ERR_NOMEM, "cannot read the number '%s'", text);
    }
    double number = strtod_l(text, NULL, plain);
    freelocale(plain);
    if (number - number != 0) {
        return err_set(err, ERR_INVALID, "'%s' is too large for a number", text);
    }
    *ret = number;
    return 0;
}

int scalar_bool(const char *text, bool *ret, struct err *err) {
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) {
        return err_set(err, ERR_INVALID, "'%s' is not a bool; write true or false", text);
    }
    *ret = is_true;
    return 0;
}

static void add_united(struct str *out, const struct unit *units, const char *smallest,
                       uint64_t value) {
    for (; value && units->name; units++) {
        if (value % units->factor == 0) {
            str_addf(out, "%" PRIu64 "%s", value / units->factor, units->name);
            return;
        }
    }
    str_addf(out, "0%s", smallest);
}

void scalar_add_duration(struct str *out, uint64_t ns) {
    add_united(out, duration_units, "s", ns);
}

void scalar_add_size(struct str *out, uint64_t bytes) {
    add_united(out, size_units, "B", bytes);
}
