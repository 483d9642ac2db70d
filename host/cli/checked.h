/* What the command tells of manifests that were checked. */
#pragma once

#include "app/checked.h"
#include "cli/cli.h"

/* Loads the files that the command was given. Returns 0, or the exit status. To be ended in both cases. */
int checked_load_files(struct checked *checked, const struct cli *cli);
/* Findings as text to stderr, or why there are none to print. */
void checked_complain(const struct cli *cli, const struct checked *checked);
/* The same; with --format json as a value on stdout instead. Returns `status`. */
int checked_fail_as_asked(const struct cli *cli, const struct checked *checked, int status);
