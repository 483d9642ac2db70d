/* What this process knows of all generations it ever loaded, across procs. One of the process-wide
 * registries: the dynamic linker, whose names and images it counts, is process-wide, too. [any] */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/copy.h"

/* From 1; never the same twice. */
uint32_t registry_next(void);
/* Notes an image of the dynamic linker as live. False when it is already: then it is not a new one.
 * Also false without memory: what cannot be tracked is not used. */
bool registry_add(const void *map);
void registry_remove(const void *map);
/* Keeps a mapped generation for good: takes its copy, so that debuggers find the code. */
void registry_pin(uint32_t generation, struct copy *copy, const char *reason);
bool registry_find_pin(uint32_t generation, char *ret_reason, size_t size);
/* Removes the copies of all pinned generations; they stay mapped. */
void registry_remove_copies(void);
