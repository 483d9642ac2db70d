/* An actor's config: a note's schema, filled from settings, written as the C struct of the plugin. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <troupe/config.h>

#include "base/err.h"
#include "plugin/note.h"

/* Checked values in the layout of the plugin's struct; texts owned by it. Immutable; counted. */
struct config {
    _Atomic unsigned refs;
    const struct note_config *note; /* lent by the plugin's image */
    void *body;                     /* the struct TROUPE_CONFIG declared */
    uint64_t size;
    uint64_t *offsets; /* of each key's member in body */
    char **texts;      /* owned strings */
    size_t text_count;
    struct troupe_str **lists; /* owned arrays */
    size_t list_count;
};

struct config_setting {
    struct troupe_str key;
    const struct troupe_str *values; /* one, or a list's items; a scalar of none has no value */
    size_t count;
    bool is_list;
    const char *folder; /* relative paths in it; NULL: the folder config_build is given */
};

/* Called for each finding: which setting it is about (SIZE_MAX: a missing key), the sentence, and the key
 * that was probably meant (NULL: unknown). */
typedef void config_report(void *context, size_t setting, const char *text, const char *hint);

/* Checks settings against the schema and fills a config: unknown and repeated keys ("did you
 * mean"), kinds, ranges, choices, missing required keys; defaults fill the rest. Relative `path`
 * values are resolved against `folder` (defaults too; NULL leaves them; "" and "-" stay as they are).
 * The default of a list is split at ',', blanks around items dropped; empty text is an empty list.
 * `report` may be NULL. Errors: INVALID (all findings were reported, the first is in err), NOMEM.
 * [any] */
int config_build(const struct note_config *note, const struct config_setting *settings,
                 size_t count, const char *folder, config_report *report, void *context,
                 struct config **ret, struct err *err);
struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* takes NULL */
/* The value of a key of kind str, path or field, by its index in the schema. Lent. */
struct troupe_str config_text(const struct config *config, size_t key);
/* A value as the manifest may write it; texts in quotes, as JSON has them. `note` is the schema that the config is
 * laid out by: its own, or one that is the same. */
struct str;
void config_add_value(const struct config *config, const struct note_config *note, size_t key,
                      struct str *out);

/* Other code of the same actor type: */
/* Whether a config of one is one of the other, byte by byte; NULL: takes none. */
bool config_is_same_schema(const struct note_config *a, const struct note_config *b);
/* Whether they hold the same; false also without memory. Either may be NULL. */
bool config_is_same(const struct config *a, const struct note_config *a_note,
                    const struct config *b, const struct note_config *b_note);
/* The values of a config laid out by `from_note` (NULL: there is none) as one of `to_note`: key by key where name
 * and kind are the same, checked anew; else the default. Errors: INVALID (a required key is new, or a value does
 * not fit any more), NOMEM. [any] */
int config_convert(const struct config *from, const struct note_config *from_note,
                   const struct note_config *to_note, struct config **ret, struct err *err);
