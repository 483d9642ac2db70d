/* Which symbols and libraries a plugin file asks for in vain: all of them, where the dynamic linker
 * names only the first. Runs no code and loads nothing. */
#pragma once

#include "base/err.h"
#include "plugin/image.h"

struct missing {
    char **symbols;   /* found nowhere; NULL-terminated; empty when a library could not be judged */
    char **libraries; /* DT_NEEDED that were not found in the usual folders; NULL-terminated */
};

/* Errors: NOMEM. [any] */
int missing_find(const struct image *image, struct missing *ret, struct err *err);
void missing_fini(struct missing *missing);
