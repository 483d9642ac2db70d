/* Keeps variables out of YAML's sight; see shield.h. */
#include "manifest/shield.h"

#include <string.h>

/* U+10FF00 + c, in UTF-8: F4 8F BC|BD 80..BF. No text of people uses it. */
static const char SHIELD[] = "\xf4\x8f";

/* `at` is NUL-terminated or a whole character. */
static bool is_shield(const char *at) {
    const unsigned char *b = (const unsigned char *)at;
    return b[0] == 0xf4 && b[1] == 0x8f && (b[2] == 0xbc || b[2] == 0xbd) && (b[3] & 0xc0) == 0x80;
}

static void add_shielded(struct str *out, char c) {
    char bytes[4] = {SHIELD[0], SHIELD[1], (char)(c & 0x40 ? 0xbd : 0xbc),
                     (char)(0x80 | (c & 0x3f))};
    str_add_n(out, bytes, sizeof bytes);
}

static bool is_special(char c) {
    return c && strchr("{}[],:#?", c);
}

/* The size of "${...}" at `at`, 0 when it is none to shield. */
static size_t variable_size(const char *at, size_t left) {
    if (left < 3 || at[0] != '$' || at[1] != '{') {
        return 0;
    }
    for (size_t i = 2; i < left; i++) {
        if (at[i] == '}') {
            return i + 1;
        }
        if (strchr("\r\n\"'\\", at[i])) { /* NUL ends it as well */
            return 0;
        }
    }
    return 0;
}

static const char *refused_character(const char *at, size_t step) {
    unsigned char c = (unsigned char)*at;
    if (step == 1 && c >= 0x80) {
        return "not UTF-8: this byte does not belong here";
    }
    if (step == 3 && c == 0xed && (unsigned char)at[1] >= 0xa0) {
        return "not UTF-8: half of a surrogate pair";
    }
    if (step == 3 && memcmp(at, "\xe0", 1) == 0 && (unsigned char)at[1] < 0xa0) {
        return "not UTF-8: an overlong character";
    }
    if (step == 4 && ((c == 0xf0 && (unsigned char)at[1] < 0x90) ||
                      (c == 0xf4 && (unsigned char)at[1] > 0x8f))) {
        return "not UTF-8: an overlong character, or one beyond U+10FFFF";
    }
    if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f ||
        (step == 2 && c == 0xc2 && (unsigned char)at[1] < 0xa0 && (unsigned char)at[1] != 0x85)) {
        return "a control character cannot stand in a manifest";
    }
    if (step == 3 && memcmp(at, "\xef\xbf", 2) == 0 && (unsigned char)at[2] >= 0xbe) {
        return "not UTF-8: this is no character";
    }
    return step == 4 && is_shield(at) ? "this private character cannot stand here" : NULL;
}

int shield_add(const struct source *source, struct str *out, struct diags *diags) {
    size_t variable_end = 0;
    for (size_t i = 0; i < source->size;) {
        const char *at = source->text + i;
        size_t step = utf8_step(at, source->size - i);
        const char *why = refused_character(at, step);
        if (why) {
            diags_add(diags, DIAG_ERROR, source_mark(source, i), "%s", why);
            return -1;
        }
        if (i >= variable_end) {
            variable_end = i + variable_size(at, source->size - i);
        }
        if (i < variable_end && is_special(*at)) {
            add_shielded(out, *at);
        } else {
            str_add_n(out, at, step);
        }
        i += step;
    }
    return out->failed ? -1 : 0;
}

void shield_remove(char *text) {
    char *to = text;
    for (const char *at = text; *at;) {
        if (is_shield(at)) {
            *to++ =
                (char)(((unsigned char)at[2] == 0xbd ? 0x40 : 0) | ((unsigned char)at[3] & 0x3f));
            at += 4;
        } else {
            *to++ = *at++;
        }
    }
    *to = 0;
}
