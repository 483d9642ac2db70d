/* The text of one note entry, split into lines and words; see troupe/note.h for its form. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define NOTE_WORDS_MAX 8
#define NOTE_NAME_MAX 127

struct note_word {
    char *text; /* lies in the text given to note_next_line */
    bool is_quoted;
};

struct note_line {
    struct note_word words[NOTE_WORDS_MAX];
    size_t count; /* never 0 */
};

/* Splits the next line of the NUL-terminated text at `*at`, which is overwritten and moved on.
 * Quoted words lose their quotes and escapes; adjacent ones become one. Returns 1 with a line, 0 at
 * the end, -1 with INVALID: a word that is neither bare nor well quoted, a stray comma, too many
 * words, a control character, no UTF-8. */
int note_next_line(char **at, struct note_line *ret, struct err *err);

/* Texts of a note end up on terminals and in JSON: they are UTF-8, and hold no control characters
 * but newlines and tabs. Errors: INVALID. */
int note_check_text(const char *text, struct err *err);

/* A decimal number, with a C suffix or without. */
bool note_word_number(const struct note_word *word, uint32_t *ret);
/* A bare word that is a C identifier of at most NOTE_NAME_MAX bytes. */
bool note_word_is_name(const struct note_word *word);
/* `low` to `high` identifiers joined by dots; stops at `end`. */
bool note_is_dotted(const char *text, const char *end, unsigned low, unsigned high);
