/* Splitting note text into words, with C's rules for quoted ones. */
#include "plugin/note_text.h"

#include <string.h>

#define HIGHEST_CODE_POINT 0x10ffffu

static bool is_identifier_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int hex_value(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char *put_utf8(char *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* Bytes of the well-formed UTF-8 sequence at `at`, 0 when there is none; stops at a NUL. */
static unsigned utf8_length(const char *at) {
    const unsigned char *s = (const unsigned char *)at;
    if (s[0] < 0x80) {
        return 1;
    }
    unsigned length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    uint32_t code = s[0] & (0xffu >> (length + 1));
    for (unsigned i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool is_surrogate = code >= 0xd800 && code < 0xe000;
    bool ok = s[0] >= 0xc2 && s[0] < 0xf5 && code >= least[length];
    return ok && !is_surrogate && code <= HIGHEST_CODE_POINT ? length : 0;
}

int note_check_text(const char *text, struct err *err) {
    while (*text) {
        unsigned length = utf8_length(text);
        unsigned char c = (unsigned char)*text;
        if (length == 0) {
            return err_set(err, ERR_INVALID, "a text is not UTF-8");
        }
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ||
            (c == 0xc2 && (unsigned char)text[1] < 0xa0)) {
            return err_set(err, ERR_INVALID, "a text holds a control character");
        }
        text += length;
    }
    return 0;
}

static char *unescape_number(char **read, char *write, struct err *err) {
    char *r = *read;
    uint32_t code = 0;
    unsigned digits = 0;
    bool is_code_point = *r == 'u' || *r == 'U';
    if (*r == 'x' || is_code_point) {
        unsigned most = *r == 'u' ? 4 : *r == 'U' ? 8 : 2;
        for (r++; hex_value(*r) >= 0 && digits < most; r++, digits++) {
            code = code << 4 | (uint32_t)hex_value(*r);
        }
    } else {
        for (; *r >= '0' && *r <= '7' && digits < 3; r++, digits++) {
            code = code << 3 | (uint32_t)(*r - '0');
        }
    }
    if (digits == 0 || code == 0 || code > (is_code_point ? HIGHEST_CODE_POINT : 0xff)) {
        err_set(err, ERR_INVALID, "a text holds an escape that is not a character");
        return NULL;
    }
    *read = r;
    if (is_code_point) {
        return put_utf8(write, code);
    }
    *write++ = (char)code;
    return write;
}

/* `*read` stands behind the backslash. Returns where writing goes on; never writes past *read. */
static char *unescape(char **read, char *write, struct err *err) {
    static const char letters[] = "ntrabfve\\\"'?";
    static const char meanings[] = "\n\t\r\a\b\f\v\033\\\"'?";
    const char *found = **read ? strchr(letters, **read) : NULL;
    if (found) {
        *write++ = meanings[found - letters];
        ++*read;
        return write;
    }
    return unescape_number(read, write, err);
}

/* One "..."; `*read` stands behind the opening quote, and afterwards behind the closing one. */
static char *unquote(char **read, char *write, struct err *err) {
    while (**read != '"') {
        if (**read == '\0' || **read == '\n') {
            err_set(err, ERR_INVALID, "a quoted text has no end");
            return NULL;
        }
        if (**read == '\\') {
            ++*read;
            write = unescape(read, write, err);
            if (!write) {
                return NULL;
            }
        } else {
            *write++ = *(*read)++;
        }
    }
    ++*read;
    return write;
}

static char *skip_blanks(char *at) {
    while (*at == ' ' || *at == '\t') {
        at++;
    }
    return at;
}

static bool ends_word(char c) {
    return c == '\0' || c == ' ' || c == '\t' || c == ',' || c == '\n';
}

static int take_quoted(char **read, struct note_word *ret, struct err *err) {
    char *write = *read;
    *ret = (struct note_word){.text = write, .is_quoted = true};
    do {
        ++*read;
        write = unquote(read, write, err);
        if (!write) {
            return -1;
        }
        *read = skip_blanks(*read);
    } while (**read == '"');
    if (!ends_word(**read) && (*read)[-1] == '"') {
        return err_set(err, ERR_INVALID, "a quoted text is followed by '%c'", **read);
    }
    /* Two quotes were dropped, so that the end lies before *read. */
    *write = '\0';
    return note_check_text(ret->text, err);
}

static int take_bare(char **read, struct note_word *ret, struct err *err) {
    *ret = (struct note_word){.text = *read, .is_quoted = false};
    while (!ends_word(**read)) {
        if (**read <= ' ' || **read > '~' || **read == '"') {
            return err_set(err, ERR_INVALID, "a word holds a character that must be quoted");
        }
        ++*read;
    }
    return 0;
}

/* Whether `*read` stands at the next word of the line; takes the separator before it. */
static int find_word(char **read, bool is_first, struct err *err) {
    *read = skip_blanks(*read);
    if (**read == ',') {
        *read = skip_blanks(*read + 1);
        if (is_first || **read == ',' || **read == '\n' || **read == '\0') {
            return err_set(err, ERR_INVALID, "a comma stands where a word should");
        }
    }
    return **read != '\n' && **read != '\0';
}

int note_next_line(char **at, struct note_line *ret, struct err *err) {
    *at += strspn(*at, " \t\n");
    ret->count = 0;
    char *bare_end = NULL; /* a bare word is terminated once the separator behind it was read */
    int more;
    while ((more = find_word(at, ret->count == 0, err)) > 0) {
        if (ret->count == NOTE_WORDS_MAX) {
            return err_set(err, ERR_INVALID, "a line has more than %d words", NOTE_WORDS_MAX);
        }
        if (bare_end) {
            *bare_end = '\0';
        }
        struct note_word *word = &ret->words[ret->count++];
        bool is_quoted = **at == '"';
        if ((is_quoted ? take_quoted(at, word, err) : take_bare(at, word, err)) < 0) {
            return -1;
        }
        bare_end = is_quoted ? NULL : *at;
    }
    if (more < 0) {
        return -1;
    }
    if (**at == '\n') {
        ++*at;
    }
    if (bare_end) {
        *bare_end = '\0';
    }
    return ret->count > 0;
}

bool note_word_number(const struct note_word *word, uint32_t *ret) {
    uint64_t number = 0;
    const char *at = word->text;
    if (word->is_quoted || !is_digit(*at) || (*at == '0' && is_digit(at[1]))) {
        return false;
    }
    for (; is_digit(*at) && number <= UINT32_MAX; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    if (number > UINT32_MAX || at[strspn(at, "uUlL")] != '\0') {
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

bool note_word_is_name(const struct note_word *word) {
    return !word->is_quoted && note_is_dotted(word->text, word->text + strlen(word->text), 1, 1);
}

bool note_is_dotted(const char *text, const char *end, unsigned low, unsigned high) {
    if (end - text > NOTE_NAME_MAX) {
        return false;
    }
    for (unsigned parts = 1;; parts++, text++) {
        if (text == end || !is_identifier_start(*text)) {
            return false;
        }
        while (text < end && (is_identifier_start(*text) || is_digit(*text))) {
            text++;
        }
        if (text == end) {
            return parts >= low && parts <= high;
        }
        if (*text != '.') {
            return false;
        }
    }
}
