/* Reading a whole file that someone else may be writing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The bytes of the regular file `path`, one mem_free. Anything else is refused without being opened
 * for reading; so is a file that changes meanwhile. Errors: NOT_FOUND, IO, INVALID, NOMEM; the text
 * does not name the path. [any] */
int image_file_read(const char *path, uint8_t **ret_bytes, size_t *ret_size, struct err *err);
