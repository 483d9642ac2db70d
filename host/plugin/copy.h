/* The private copy of a plugin file that a generation is loaded from.
 *
 * A file that others can write must not be mapped: who overwrites it crashes the process. The copy
 * is locked as long as it is in use, so that another process can tell it from one left behind. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "plugin/image.h"

struct copy {
    char *path;
    char *folder; /* made for it alone, or NULL */
    int fd;       /* holds the lock; -1: there is no copy */
    bool is_beside;
};

/* Writes the image's bytes to ".name.p<process>.g<generation>.<build-id>.so" beside the original,
 * so that $ORIGIN keeps its meaning; where that is not possible, in a run directory. Removes copies
 * of this file that ended processes have left there. Errors: IO (all places that were tried),
 * NOMEM. */
int copy_make(const struct image *image, uint32_t generation, struct copy *ret, struct err *err);
/* Removes the file. Takes a copy that is {.fd = -1}. */
void copy_remove(struct copy *copy);
