/* Manifests checked as a whole: read, with the plugin files they need, and resolved to a plan. */
#pragma once

#include <stddef.h>

#include "plan/plan.h"

struct checked {
    struct plan *plan;         /* NULL: it did not come that far */
    struct manifest *manifest; /* the plan's, when there is one; NULL: no memory */
    struct type_table *types;
    struct diags diags;
    struct err err;
};

struct checked_sources {
    const char *const *paths; /* of manifests, the later ones overriding */
    size_t count;
    const struct manifest_text *texts; /* stand in for files of their paths; NULL: none */
    size_t text_count;
    const char *const *plugins; /* files and folders that come before the manifest's */
    size_t plugin_count;
    struct type_table *types;       /* lent; NULL: one of its own */
    bool may_be_empty;              /* no actor is no error */
    const char *const *actor_types; /* known though no actor is of them */
    size_t actor_type_count;
};

/* All findings are in diags, also on success; what is wrong beyond them in err. To be ended in both
 * cases. Errors: INVALID (a finding, or several), IO, NOMEM, USAGE. */
int checked_load(struct checked *checked, const struct checked_sources *sources);
void checked_fini(struct checked *checked);
/* The same for a text whose one actor is to be added to those of `base`, which outlives it: its `defaults`,
 * plugin files and message types hold for it. Actors that it is wired to stand in the plan behind it;
 * `find` says what they are (NULL: there is none). */
int checked_load_addition(struct checked *checked, const struct manifest_text *text,
                          const struct plan *base, struct type_table *types,
                          const struct manifest_actor *(*find)(void *context, const char *path),
                          void *context);
/* The plugin files of `sources` and those that a manifest's search path gives (NULL: none). */
int checked_scan(const struct checked_sources *sources, const struct manifest *manifest,
                 struct catalog **ret, struct err *err);
