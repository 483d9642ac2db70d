/* The dynamic linker: the one place that knows dlfcn. Modules are known by where they are mapped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "plugin/elf.h"

struct dl_segment {
    uintptr_t start, end;
    bool is_code, is_writable;
};

/* A shared object that this process has opened. */
struct dl {
    void *handle;
    const void *map;  /* the dynamic linker's own record; its address tells images apart */
    const char *name; /* of the file; lent by the map */
    struct dl_segment segments[ELF_LOADS_MAX];
    size_t segment_count;
};

/* Opens `path` (with a slash) with all symbols bound and none of its own given to others. Runs its
 * constructors. Errors: FAILED (the dynamic linker's text, without the path), EXISTS (it gave back
 * an image that was there before). [control] */
int dl_open(const char *path, struct dl *ret, struct err *err);
/* Closes it; whether it is gone, which only the list of mapped objects tells: dlclose is a hint.
 * [control] */
bool dl_close(struct dl *dl, const char *path);

/* A symbol of the module, or NULL. */
const void *dl_symbol(const struct dl *dl, const char *name);
/* Whether [memory, memory + size) is mapped from the module. */
bool dl_holds(const struct dl *dl, const void *memory, uint64_t size);
bool dl_holds_code(const struct dl *dl, uintptr_t address);
/* `text` when it is a text of the module, ended by a NUL; else NULL. */
const char *dl_text(const struct dl *dl, const char *text);

/* Whether a symbol is found without any plugin: in the program and its libraries. [any] */
bool dl_is_global(const char *symbol);
/* Whether the library `name` (a path or a SONAME) is loaded and, with its own libraries, offers
 * `symbol` (NULL: whatever). Loads nothing. [any] */
bool dl_is_loaded(const char *name, const char *symbol);
/* The folders in which the dynamic linker looks for libraries of the program, in order: calls
 * `visit` with each until it returns true. [any] */
bool dl_each_folder(bool (*visit)(void *context, const char *folder), void *context);
