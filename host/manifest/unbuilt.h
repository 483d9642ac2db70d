/* Keys that are checked and have no effect yet. */
#pragma once

#include "manifest/impl.h"

/* Fills manifest->unused from the tree. */
void unbuilt_find(struct manifest *manifest);
