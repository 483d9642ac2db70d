/* Growable text. After an allocation failed the text stays as it was and `failed` is set, so that a
 * long series of appends is checked once, at the end. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
    char *data; /* NUL-terminated when not NULL; owned */
    size_t size;
    size_t room;
    bool failed;
};

void str_init(struct str *s);
void str_fini(struct str *s);
void str_clear(struct str *s);
void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const char *data, size_t size);
void str_add_char(struct str *s, char c);
__attribute__((format(printf, 2, 3))) void str_addf(struct str *s, const char *format, ...);
void str_addv(struct str *s, const char *format, va_list args);
/* The text, owned by the caller (mem_free), never NULL unless failed; leaves s empty. */
char *str_take(struct str *s);
/* The text, lent until the next change; "" when empty. */
const char *str_text(const struct str *s);

/* The candidate nearest to `word` by edit distance, or NULL when none is near enough to suggest:
 * "did you mean". Candidates end with NULL. */
const char *str_nearest(const char *word, const char *const *candidates);
