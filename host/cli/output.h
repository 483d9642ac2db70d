/* Results and errors of sub-commands, to stdout and stderr. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"

/* Writes `text` and returns `status`, or CLI_FAILED when it could not be written or made. */
int cli_print(const struct str *text, int status);
/* To stderr; what cannot be written there is lost. */
void cli_complain(const struct str *text);
/* "troupe: " and the error. */
void cli_fail(const struct err *err);
/* The same, with --format json as a finding on stdout. Returns CLI_FAILED. */
int cli_fail_as_asked(const struct cli *cli, const struct err *err);
/* Before anything else: a standard descriptor that is closed must not become the first file opened,
 * which would then get our output. And what stdio still holds at the end must reach stdout. */
void cli_guard_output(void);
