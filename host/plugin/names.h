/* A list of names that is filled by and by, then packed into one block. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct names {
    const char **items; /* lent until packed */
    size_t count, room;
    bool failed; /* no memory; checked once, at the end */
};

void names_init(struct names *names);
void names_fini(struct names *names);
void names_add(struct names *names, const char *name);
bool names_has(const struct names *names, const char *name);
/* Copies of the names, NULL-terminated, in one block for one mem_free; NULL without memory. */
char **names_pack(const struct names *names);
