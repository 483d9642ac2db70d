/* Whether a plugin may be unmapped when nobody uses it any more, judged by what it imports: code
 * that others still point to after dlclose crashes the process, and staying mapped costs next to
 * nothing. */
#pragma once

#include <stdbool.h>

#include "plugin/image.h"

/* A function whose use leaves a pointer to the plugin's code with a thread, the C library or the kernel. */
struct unload_risk {
    const char *symbol;
    const char *why, *cure; /* whole sentences */
};
/* NULL: it is none. [any] */
const struct unload_risk *unload_find_risk(const char *symbol);

/* Why it must stay mapped, each like "imports pthread_create"; NULL-terminated, empty when it need
 * not; one mem_free. NULL: no memory. [any] */
char **unload_reasons(const struct image *image);
/* Whether it takes memory of its own, which is lost when an actor ends by a fault. [any] */
bool unload_leaks_on_fault(const struct image *image);
/* Whether it takes locks of its own, which stay held when an actor ends by a fault meanwhile. [any] */
bool unload_locks_on_fault(const struct image *image);
