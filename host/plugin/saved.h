/* Saved states on their way out of and into an actor: what the SDK shows as opaque, and the functions of the
 * host table that go with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <troupe/host.h>

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

/* Fills in save_write, save_version and all that begins with load_. */
void saved_fill(struct troupe_host *host);
