/* A proc as a whole, for people and programs. Without memory `out` is failed. */
#pragma once

#include <stdbool.h>

#include "record/proc_view.h"

/* The totals, then what is kept: a line each. Times are local. */
void proc_page_text(const struct proc_view *view, bool colour, struct str *out);
/* {"format": 1, "kind": "proc", "name", "at", the names of PROC_NUMBERS and PROC_PARTS}. */
void proc_page_json(const struct proc_view *view, struct str *out);
