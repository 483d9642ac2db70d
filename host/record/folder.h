/* The folder with post-mortem files: names, writing one whole, keeping the bounds. One thread at a time;
 * other processes may do the same in the same folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FOLDER_NAME_MAX 200u

/* "<name>-<pid>.<incarnation>-<time>.json". What is no letter, digit, '.', '_' or '-' becomes '_'. */
void folder_name(char ret[FOLDER_NAME_MAX], const char *prefix, const char *name, uint64_t pid,
                 uint32_t incarnation, int64_t wall_ns);
/* Whether a name is one that folder_name makes; then where its time is in it, 20 characters. */
bool folder_is_own(const char *name, size_t *ret_time);

/* Makes the folder if it is missing, tries to write, and removes what was left half written. Errors: IO. */
int folder_prepare(const char *path, struct err *err);
/* Writes a file whole or not at all, and lasting. When there is one of this name, a name a millisecond
 * later is taken: `name` has the one in the end. Errors: IO. */
int folder_write(const char *path, char name[FOLDER_NAME_MAX], const char *data, size_t size,
                 struct err *err);
/* Removes own files, the oldest first, until there are at most so many and so much; never the newest.
 * Returns how many. */
uint64_t folder_trim(const char *path, uint32_t files_max, uint64_t bytes_max);
