/* Tables of keys: what a map may hold, of which kind, in which range, and where it goes.
 *
 * One table serves reading and `--explain`, so that no key can be read and not explained. Reading
 * fills a struct that holds the defaults already; a key that is absent or wrong leaves them. */
#pragma once

#include "base/str.h"
#include "manifest/node.h"

struct reader {
    struct manifest *manifest;
    struct arena *arena;
    struct diags *diags;
    const struct manifest_options *options;
    const char *folder; /* of the first file */
};

enum field_kind {
    FIELD_U32,
    FIELD_U64,
    FIELD_FLOAT,
    FIELD_DURATION,
    FIELD_SIZE,
    FIELD_WORD, /* an enum or int; `words` in its order */
    FIELD_TEXT, /* char * */
    FIELD_NAME, /* char *, a proc's or actor's name */
    FIELD_MAP,  /* a map with a table of its own, in the same or an inner struct */
    FIELD_CUSTOM
};

/* Where an effective value may come from, the first that has the key wins; NULL: none. */
#define LAYER_COUNT 3
struct layers {
    const struct node *maps[LAYER_COUNT];
};

struct explainer;
struct field;
typedef void field_read(struct reader *r, const struct field *field, const struct entry *entry,
                        void *target);
typedef void field_explain(struct explainer *x, const struct field *field, const char *path,
                           const void *target, struct layers layers);

struct field { /* a table ends with key NULL */
    const char *key;
    enum field_kind kind;
    size_t offset; /* in the target */
    double low;
    double high;              /* 0: no upper bound */
    const char *const *words; /* ends with NULL */
    const char *zero;         /* how a zero reads: "no bound" */
    const struct field *fields;
    field_read *read;       /* FIELD_CUSTOM */
    field_explain *explain; /* FIELD_CUSTOM; NULL: nothing to say */
    bool required;
};

/* `what` names the map in sentences: "the manifest", "'mailbox'", "actor 'tail'"; `owner` is where a
 * missing key is reported. */
void schema_read(struct reader *r, const struct field *fields, const struct node *map,
                 const char *what, struct mark owner, void *target);
/* One key, as schema_read does. */
void schema_read_field(struct reader *r, const struct field *field, const struct entry *entry,
                       void *target);

/* For handlers. schema_is: whether the value is of a kind; reports "'key' needs `wanted`, not ...". */
bool schema_is(struct reader *r, const struct entry *entry, enum node_kind kind,
               const char *wanted);
/* The index of a word, -1 after a report. */
int schema_word(struct reader *r, const char *key, const struct node *value,
                const char *const *words);
/* Reports what is wrong with a name of `what`, if so. */
void schema_check_name(struct reader *r, const char *what, const char *name, struct mark mark);
char *schema_text(struct reader *r, const struct node *scalar);
