/* Every effective value with its source, one after another, from the tables that read them. */
#pragma once

#include "manifest/schema.h"

struct explain_value {
    const char *key; /* "actors.tail.mailbox.capacity" */
    const char *value;
    struct mark mark; /* line 0: a default */
    const char *from; /* the scalar before variables were substituted; NULL: as it stands */
};

struct explainer {
    const struct manifest *manifest;
    void (*add)(struct explainer *x, const struct explain_value *value);
    struct str *out;
    size_t added;
    manifest_each *each; /* with its context, for manifest_values */
    void *context;
    const struct node *supervisor; /* the policy over the actors being explained; NULL: built in */
    const struct node *group;      /* the policy of the group being explained, over its members */
};

/* `key` behind `path` and a dot; either may be NULL. `scalar` gives the variables; may be NULL. */
void explain_add(struct explainer *x, const char *path, const char *key, const char *value,
                 struct mark mark, const struct node *scalar);
void explain_fields(struct explainer *x, const struct field *fields, const char *path,
                    const void *target, struct layers layers);
