/* Saved states on their way out of and into an actor: what the SDK shows as opaque. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct troupe_saver {
    struct str bytes;
    uint32_t version; /* to be written */
};

struct troupe_loader {
    const void *data;
    uint64_t size, at;
    uint32_t version;
    bool goes_on; /* a reload; else a life begins */
};
