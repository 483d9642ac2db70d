/* Manifests checked as a whole: read, with the plugin files they need, and resolved to a plan. */
#pragma once

#include "cli/cli.h"
#include "plan/plan.h"

struct checked {
    struct plan *plan;         /* NULL: it did not come that far */
    struct manifest *manifest; /* the plan's, when there is one; NULL: no memory */
    struct type_table *types;
    struct diags diags;
    struct err err;
};

/* Returns 0, or the exit status, with the findings in diags. To be ended in both cases. */
int checked_load(struct checked *checked, const char *const *paths, size_t count);
void checked_fini(struct checked *checked);
/* Findings as text to stderr, or why there are none to print. */
void checked_complain(const struct cli *cli, const struct checked *checked);
/* The same; with --format json as a value on stdout instead. Returns `status`. */
int checked_fail_as_asked(const struct cli *cli, const struct checked *checked, int status);
/* The plugin files that a manifest's search path gives. */
int checked_scan(const struct manifest *manifest, struct catalog **ret, struct err *err);
