/* Post-mortem files, for people: what happened, who, when, why, on a page.
 *
 * Three kinds: of an actor's life that failed ("actor"), of a whole process that died ("process"), and a
 * message in quarantine ("message"). Files are input: whatever they hold, they are shown or refused with a
 * sentence, and what they hold never reaches a terminal as control characters. What they have beyond what
 * is known here is left out (S-4). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define POST_MORTEM_SIZE_MAX (16u << 20)

struct post_mortem; /* opaque */

/* Errors: IO, INVALID (not JSON, no post-mortem, of a newer format), NOMEM. Owned by the caller. */
int post_mortem_read(const char *path, struct post_mortem **ret, struct err *err);
/* The same for text that is there already; `path` is what it is called. */
int post_mortem_parse(const char *data, size_t size, const char *path, struct post_mortem **ret,
                      struct err *err);
void post_mortem_destroy(struct post_mortem *pm); /* takes NULL */

const char *post_mortem_path(const struct post_mortem *pm); /* lent */
int64_t post_mortem_when(const struct post_mortem *pm);     /* since 1970; 0: not known */

/* A page. Times are local. */
void post_mortem_text(const struct post_mortem *pm, bool colour, struct str *out);
/* One line: when, who, why, which file. */
void post_mortem_line(const struct post_mortem *pm, bool colour, struct str *out);
/* The document as it is in the file, without white space around it. */
void post_mortem_json(const struct post_mortem *pm, struct str *out);
/* {"file", "kind", "at", "who", "why"}. */
void post_mortem_line_json(const struct post_mortem *pm, struct str *out);

/* Those of a folder, by time, newest last, an actor behind the message that it died on; other files than *.json are passed over. */
struct post_mortem_item {
    char *path;
    int64_t when_ns;
    bool is_message;
    char *line, *json; /* of post_mortem_line and post_mortem_line_json */
};
struct post_mortem_list {
    struct post_mortem_item *items;
    size_t count;
    struct err *errors; /* of the files that could not be read */
    size_t error_count;
};
/* Errors: IO, NOMEM. Each single file's error is in the list. */
int post_mortem_list(const char *folder, bool colour, struct post_mortem_list *ret,
                     struct err *err);
void post_mortem_list_fini(struct post_mortem_list *list);
