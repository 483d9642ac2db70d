/* What the parts of the post-mortem's view share. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "inspect/post_mortem.h"

enum post_mortem_kind { POST_MORTEM_ACTOR, POST_MORTEM_PROCESS, POST_MORTEM_MESSAGE };

struct post_mortem {
    enum post_mortem_kind kind;
    char *path;
    char *text;
    size_t size;
    json_t *root; /* an object */
};

/* A text of the document; it may hold NUL bytes. size 0: none. */
struct view {
    const char *data;
    size_t size;
};

/* Members of the expected type; else an empty view, the other value, NULL. */
struct view view_get(const json_t *object, const char *key);
uint64_t number_get(const json_t *object, const char *key, uint64_t other);
const json_t *object_get(const json_t *object, const char *key);
const json_t *array_get(const json_t *object, const char *key);
/* RFC 3339 in UTC, or nanoseconds since 1970; 0: none. */
int64_t time_get(const json_t *object, const char *key);

/* Text from outside: control characters, and those that turn the direction of writing, are escaped; cut
 * with "..." beyond `most` bytes. */
void add_clean(struct str *out, struct view view, size_t most);
/* A number in hexadecimal, or a text as it is. */
void add_address(struct str *out, const json_t *value);
/* "3 min 12 s", "210 ms". */
void add_duration(struct str *out, int64_t ns);
/* "2026-11-22 12:04:05.123", local; with the zone. */
void add_local_time(struct str *out, int64_t wall_ns, bool zone);
/* A value as JSON over several lines, long ones shortened. */
void add_value(struct str *out, const json_t *value, unsigned indent);

/* A page's colours: "" where there are none. */
struct paint {
    const char *title, *bad, *dim, *end;
};
struct paint paint_make(bool colour);

/* What a line of a list says, and the head of a page. */
void add_who(struct str *out, const struct post_mortem *pm);
void add_why(struct str *out, const struct post_mortem *pm, size_t most);

void actor_text(const struct post_mortem *pm, const struct paint *paint, struct str *out);
void process_text(const struct post_mortem *pm, const struct paint *paint, struct str *out);
void message_text(const struct post_mortem *pm, const struct paint *paint, struct str *out);
/* The section "message in hand" of an actor, and the value of a message. */
void add_message(const json_t *message, const struct paint *paint, struct str *out);
